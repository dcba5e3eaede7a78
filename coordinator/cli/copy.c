/* copy.c: `hakem copy`: rows of a database into a file, and from a file into a table. */
#include "common/copy/copy.h"

#include "common/base/text.h"
#include "coordinator/cli/database.h"
#include "coordinator/cli/verbs.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define RANGE_ROWS_MAX 10000000

#define COPY_FLAGS                                                                                 \
    {.name = "--format", .value = "FORMAT", .doc = "csv (the default), jsonl or sql"},             \
    {                                                                                              \
        .name = "--resume", .doc = "go on where an earlier call of the same was stopped"           \
    }

const struct cli_flag copy_out_flags[] = {
    DATABASE_FLAG,
    COPY_FLAGS,
    {.name = "--query", .value = "SQL", .doc = "instead of a table; csv or jsonl"},
    {.name = "--to", .value = "FILE", .doc = "that is not there yet; default: standard output"},
    {.name = "--key",
     .value = "COLUMN",
     .doc = "go by ranges of it, in its order; what was stopped can be resumed"},
    {.name = "--range", .value = "ROWS", .doc = "rows of a range, default 50000"},
    {.name = NULL},
};
const struct cli_flag copy_in_flags[] = {
    DATABASE_FLAG,
    COPY_FLAGS,
    {.name = "--from", .value = "FILE", .doc = "default: standard input"},
    {.name = NULL},
};

static void show_progress(void *context, uint64_t rows, uint64_t bytes)
{
    const struct cli *cli = context;

    if (isatty(STDERR_FILENO) == 0 || cli->is_json)
        return;
    (void)fprintf(stderr, "\r\033[K  %" PRIu64 " rows, %" PRIu64 " MiB", rows, bytes >> 20);
    (void)fflush(stderr);
}

static enum error_code take_order(struct cli *cli, const char *file, struct copy_order *ret,
                                  struct error *err)
{
    const char *format = cli_flag(cli, "--format");

    *ret = (struct copy_order){.table = cli_argument(cli, 0),
                               .path = cli_flag(cli, file),
                               .resumes = cli_is_set(cli, "--resume"),
                               .context = cli,
                               .progress = show_progress};
    if (format != NULL && !copy_format_from_name(format, &ret->format))
        return error_set(err, ERROR_USAGE, "--format is csv, jsonl or sql, not \"%s\"", format);
    return ERROR_OK;
}

static enum error_code run(struct cli *cli, const struct copy_order *order,
                           enum error_code (*copy)(struct session *, const struct copy_order *,
                                                   struct copy_result *, struct error *),
                           struct error *err)
{
    struct session_options options;
    struct session *session = NULL;
    struct copy_result result = {.rows = 0};
    enum error_code code;

    session_cancel_on_signal(SIGINT);
    session_cancel_on_signal(SIGTERM);
    if (database_options(cli, &options, err) != ERROR_OK ||
        session_open(NULL, &options, &session, err) != ERROR_OK)
        return err->code;
    code = copy(session, order, &result, err);
    session_close(session);
    if (isatty(STDERR_FILENO) != 0 && !cli->is_json)
        (void)fprintf(stderr, "\r\033[K");
    if (code != ERROR_OK || order->path == NULL)
        return code;
    cli_say(cli, "%" PRIu64 " rows, %" PRIu64 " bytes%s", result.rows, result.bytes,
            result.was_resumed ? ", of which this call did the rest" : "");
    cli_answer(cli, "rows", json_integer((json_int_t)result.rows));
    cli_answer(cli, "bytes", json_integer((json_int_t)result.bytes));
    cli_answer(cli, "resumed", json_boolean(result.was_resumed));
    return ERROR_OK;
}

enum error_code copy_out_run(struct cli *cli, struct error *err)
{
    struct copy_order order;

    if (take_order(cli, "--to", &order, err) != ERROR_OK ||
        cli_flag_number(cli, "--range", &order.range_rows, err) != ERROR_OK)
        return err->code;
    order.query = cli_flag(cli, "--query");
    order.key = cli_flag(cli, "--key");
    if ((order.table != NULL) == (order.query != NULL))
        return error_set(err, ERROR_USAGE, "copy what? give a table, or --query SQL");
    if (order.range_rows > RANGE_ROWS_MAX)
        return error_set(err, ERROR_USAGE, "--range is %d rows at most", RANGE_ROWS_MAX);
    if (cli->is_json && order.path == NULL)
        return error_set(err, ERROR_USAGE, "--json and the rows would share standard output: --to");
    return run(cli, &order, copy_table_out, err);
}

enum error_code copy_in_run(struct cli *cli, struct error *err)
{
    struct copy_order order;

    if (take_order(cli, "--from", &order, err) != ERROR_OK)
        return err->code;
    return run(cli, &order, copy_table_in, err);
}
