/* hakem migration lint: a history against the rules, with a database at hand or without. */
#include "common/base/memory.h"
#include "common/base/pool.h"
#include "common/base/text.h"
#include "common/lint/format.h"
#include "common/lint/sizes.h"
#include "coordinator/cli/database.h"
#include "coordinator/cli/verbs.h"

#include <string.h>

/* A history is many small texts, none of which goes before the end. */
#define POOL_SIZE 33554432

const struct cli_flag migration_lint_flags[] = {
    DATABASE_FLAG,
    MIGRATIONS_FLAG,
    {.name = "--from",
     .value = "REVISION",
     .doc = "what came after it is one unreleased set; default: what releases.yaml says"},
    {.name = "--format", .value = "FORMAT", .doc = LINT_FORMAT_NAMES "; default: text"},
    {.name = NULL}};

/* One call. */
struct lint_call {
    struct cli *cli;
    void *context;
    struct migration_set *set;
    struct lint_options options;
    size_t from;
    enum lint_format format;
    struct lint_report *report;
};

static enum error_code find_revision(const struct lint_call *call, const char *name, size_t *ret,
                                     struct error *err)
{
    if (!migration_find(call->set, name, ret))
        return error_set(err, ERROR_NOT_FOUND, "there is no revision %s in %s", name,
                         database_migrations_folder(call->cli));
    return ERROR_OK;
}

static enum error_code read_flags(struct lint_call *call, struct error *err)
{
    const char *from = cli_flag(call->cli, "--from"), *format = cli_flag(call->cli, "--format");

    if (format != NULL && !lint_format_from_name(format, &call->format))
        return error_set(err, ERROR_USAGE, "--format: \"%.40s\" is none of " LINT_FORMAT_NAMES,
                         format);
    if (format != NULL && call->cli->is_json && call->format != LINT_FORMAT_JSON)
        return error_set(err, ERROR_USAGE, "--json and --format %s: give one of them", format);
    if (from == NULL)
        return ERROR_OK;
    call->options.from = &call->from;
    return find_revision(call, from, &call->from, err);
}

static enum error_code read_arguments(struct lint_call *call, struct error *err)
{
    bool *is_chosen;

    if (call->cli->argument_count == 0)
        return ERROR_OK;
    is_chosen = memory_array(call->context, bool, call->set->revision_count + 1);
    for (size_t i = 0; i < call->cli->argument_count; i++) {
        size_t index = 0;

        if (find_revision(call, cli_argument(call->cli, i), &index, err) != ERROR_OK)
            return err->code;
        is_chosen[index] = true;
    }
    call->options.is_chosen = is_chosen;
    return ERROR_OK;
}

static enum error_code read_sizes(struct lint_call *call, struct error *err)
{
    struct session_options options;
    struct session *session = NULL;
    struct lint_sizes *sizes = NULL;

    if (cli_flag(call->cli, "--database") == NULL)
        return ERROR_OK;
    if (database_options(call->cli, &options, err) != ERROR_OK ||
        session_open(call->context, &options, &session, err) != ERROR_OK ||
        sizes_read(call->context, session, &sizes, err) != ERROR_OK)
        return err->code;
    session_close(session);
    call->options.sizes = sizes;
    return ERROR_OK;
}

static void say_text(const struct lint_call *call, const char *folder)
{
    char *text = lint_format(call->context, call->format, call->report, call->set, folder);

    if (text_ends_with(text, "\n"))
        text[strlen(text) - 1] = '\0';
    if (text[0] != '\0')
        cli_say(call->cli, "%s", text);
    if (call->format == LINT_FORMAT_TEXT)
        cli_say(call->cli, "%zu finding%s, %zu of them %s", call->report->count,
                call->report->count == 1 ? "" : "s", call->report->error_count,
                call->report->error_count == 1 ? "an error" : "errors");
}

static void say(const struct lint_call *call)
{
    const char *folder = database_migrations_folder(call->cli);

    if (!call->cli->is_json) {
        say_text(call, folder);
        return;
    }
    cli_answer(call->cli, "findings", lint_format_findings(call->report, call->set, folder));
    cli_answer(call->cli, "errors", json_integer((json_int_t)call->report->error_count));
}

enum error_code migration_lint(struct cli *cli, struct error *err)
{
    struct lint_call call = {.cli = cli, .context = pool_new(POOL_SIZE)};
    enum error_code code = ERROR_OK;

    if (database_load(cli, call.context, &call.set, err) != ERROR_OK ||
        read_flags(&call, err) != ERROR_OK || read_arguments(&call, err) != ERROR_OK ||
        read_sizes(&call, err) != ERROR_OK) {
        talloc_free(call.context);
        return err->code;
    }
    call.options.set = call.set;
    code = lint_run(call.context, &call.options, &call.report, err);
    if (code == ERROR_OK) {
        say(&call);
        if (call.report->error_count > 0)
            code =
                error_set(err, ERROR_REFUSED,
                          "%zu error%s: write what stands below \"instead\", or say why not with "
                          "-- hakem:allow RULE reason",
                          call.report->error_count, call.report->error_count == 1 ? "" : "s");
    }
    talloc_free(call.context);
    return code;
}
