#include "common/base/text.h"
#include "common/migration/schema.h"
#include "coordinator/cli/connection.h"
#include "coordinator/cli/database.h"
#include "coordinator/cli/verbs.h"
#include "embedded_hakem_cli.h"

const struct cli_flag history_flags[] = {
    DATABASE_FLAG,
    {.name = "--limit", .value = "N", .doc = "the newest N, default 100"},
    {.name = "--rollout",
     .value = "N",
     .doc = "what the coordinator recorded of a rollout, instead"},
    CONNECTION_FLAGS,
    {.name = NULL},
};

static const char *const columns[] = {"at",        "revision", "phase", "generation",
                                      "statement", "outcome",  "ms",    "operator",
                                      "rollout",   "step",     "detail"};

static json_t *describe_row(const struct rows *rows, size_t row)
{
    json_t *object = json_object();

    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        (void)json_object_set_new(object, columns[i], json_string(rows_text(rows, row, i)));
    return object;
}

static void print_rows(struct cli *cli, const struct rows *rows)
{
    json_t *entries = json_array();

    for (size_t i = 0; i < rows_count(rows); i++) {
        cli_say(cli, "%s %-30s %-9s #%s %-7s %8s ms  by %s  rollout %s  %s", rows_text(rows, i, 0),
                rows_text(rows, i, 1), rows_text(rows, i, 2), rows_text(rows, i, 4),
                rows_text(rows, i, 5), rows_text(rows, i, 6), rows_text(rows, i, 7),
                rows_text(rows, i, 8), rows_text(rows, i, 10));
        (void)json_array_append_new(entries, describe_row(rows, i));
    }
    cli_answer(cli, "history", entries);
}

enum error_code history_show(struct cli *cli, struct error *err)
{
    struct session_options options;
    struct session *session;
    char limit[24];
    uint64_t count = 100;
    bool exists = false;
    struct rows *rows;
    enum error_code code;

    if (cli_flag(cli, "--rollout") != NULL)
        return history_show_rollout(cli, err);
    if (cli_flag_number(cli, "--limit", &count, err) != ERROR_OK ||
        database_options(cli, &options, err) != ERROR_OK ||
        session_open(NULL, &options, &session, err) != ERROR_OK)
        return err->code;
    (void)text_format(limit, sizeof(limit), "%llu", (unsigned long long)count);
    code = schema_exists(session, &exists, err);
    if (code == ERROR_OK && exists) {
        code = session_query(session, SQL_WITH(embedded_history, cli_argument(cli, 0), limit),
                             &rows, err);
        if (code == ERROR_OK)
            print_rows(cli, rows);
    } else if (code == ERROR_OK) {
        cli_say(cli, "nothing was ever done to this database");
        cli_answer(cli, "history", json_array());
    }
    session_close(session);
    return code;
}
