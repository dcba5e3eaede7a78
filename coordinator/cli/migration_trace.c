/* hakem migration trace: a history on a scratch database, and what its statements really did;
 * beside a database only what that one still lacks.
 */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/lint/trace.h"
#include "common/proof/scratch.h"
#include "coordinator/cli/database.h"
#include "coordinator/cli/verbs.h"

#include <signal.h>

const struct cli_flag migration_trace_flags[] = {
    {.name = "--database",
     .value = "URL",
     .environment = "DATABASE_URL",
     .doc = "only what is pending there is told; it is looked at, and not changed"},
    MIGRATIONS_FLAG,
    {.name = "--to", .value = "REVISION", .doc = "and what it needs; default: all"},
    {.name = "--test-database",
     .value = "URL",
     .environment = "TEST_DATABASE_URL",
     .doc = "make the scratch database on this server; else an own temporary one"},
    {.name = "--programs",
     .value = "FOLDER",
     .environment = "HAKEM_POSTGRES_PROGRAMS",
     .doc = "where PostgreSQL's initdb and postgres are; default: the newest found"},
    {.name = NULL}};

/* One call. */
struct trace_call {
    struct cli *cli;
    struct migration_set *set;
    struct trace_request request;
    struct trace *trace;
    size_t differences;
};

/* ---- what is told ---- */

static enum error_code read_database(struct trace_call *call, struct error *err)
{
    struct session_options options;
    struct session *session = NULL;
    struct marks *marks = NULL;
    struct plan_pasts *pasts = NULL;

    if (database_options(call->cli, &options, err) != ERROR_OK ||
        session_open(call->set, &options, &session, err) != ERROR_OK ||
        marks_read(session, call->set, &marks, err) != ERROR_OK ||
        plan_read_past(call->set, session, &pasts, err) != ERROR_OK)
        return err->code;
    session_close(session);
    plan_choose(call->set, marks, call->request.target, &call->request.pending);
    call->request.pending.pasts = pasts;
    return ERROR_OK;
}

static enum error_code choose(struct trace_call *call, struct error *err)
{
    const char *name = cli_flag(call->cli, "--to");

    call->request.target = call->set->head;
    call->request.pending.set = call->set;
    if (name != NULL && !migration_find(call->set, name, &call->request.target))
        return error_set(err, ERROR_NOT_FOUND, "there is no revision %s in %s", name,
                         database_migrations_folder(call->cli));
    if (cli_flag(call->cli, "--database") != NULL)
        return read_database(call, err);
    plan_choose(call->set, NULL, call->request.target, &call->request.pending);
    return ERROR_OK;
}

static bool has_pending(const struct trace_call *call)
{
    const struct plan_request *pending = &call->request.pending;

    for (size_t i = 0; i < call->set->revision_count; i++)
        if (pending->is_to_expand[i] || pending->is_to_contract[i])
            return true;
    return false;
}

/* ---- run ---- */

static enum error_code run_there(struct trace_call *call, const char *url, struct error *err)
{
    const struct session_options options = {.url = url, .application_name = "hakem:trace"};
    struct session *session = NULL;
    enum error_code code;

    if (session_open(NULL, &options, &session, err) != ERROR_OK)
        return err->code;
    code = trace_run(call->set, session, &call->request, &call->trace, err);
    session_close(session);
    return code;
}

static enum error_code run_on_scratch(struct trace_call *call, struct error *err)
{
    const struct scratch_options where = {.url = cli_flag(call->cli, "--test-database"),
                                          .programs = cli_flag(call->cli, "--programs")};
    struct scratch *scratch = NULL;
    struct error left;
    enum error_code code;

    if (scratch_open(call->set, &where, &scratch, err) != ERROR_OK)
        return err->code;
    code = run_there(call, scratch_url(scratch), err);
    if (scratch_close(scratch, &left) != ERROR_OK && code == ERROR_OK)
        code = error_set(err, left.code, "%s", left.detail);
    return code;
}

/* ---- said ---- */

static json_t *say_relation(const struct trace_call *call, const struct trace_relation *relation)
{
    bool is_held = relation->held >= relation->mode;

    cli_say(call->cli, "    %s.%s: %s%s%s%s", relation->schema, relation->name,
            lock_mode_name(relation->mode), is_held ? ", held before" : "",
            relation->is_rewritten ? ", rewritten" : "", relation->is_scanned ? ", scanned" : "");
    return json_pack("{s:s, s:s, s:s, s:b, s:b, s:b}", "schema", relation->schema, "relation",
                     relation->name, "lock", lock_mode_name(relation->mode), "held_before",
                     (int)is_held, "rewritten", (int)relation->is_rewritten, "scanned",
                     (int)relation->is_scanned);
}

static json_t *say_statement(struct trace_call *call, const struct trace_statement *statement)
{
    const struct plan_step *step = statement->step;
    json_t *relations = json_array();

    cli_say(call->cli, "%s:%zu %.200s", step->split->path, step->statement->line,
            step->statement->text);
    for (size_t i = 0; i < statement->relation_count; i++)
        (void)json_array_append_new(relations, say_relation(call, &statement->relations[i]));
    if (!statement->was_run)
        cli_say(call->cli, "    not run");
    else
        cli_say(call->cli, "    %llu us%s; %s", (unsigned long long)statement->took_us,
                statement->is_outside ? " outside a transaction, locks not seen" : "",
                statement->difference != NULL ? statement->difference : "as predicted");
    call->differences += statement->difference != NULL;
    return json_pack("{s:s, s:s, s:I, s:s, s:b, s:b, s:I, s:o, s:s?}", "revision",
                     call->set->revisions[step->revision].name, "path", step->split->path, "line",
                     (json_int_t)step->statement->line, "sql", step->statement->text, "run",
                     (int)statement->was_run, "outside", (int)statement->is_outside, "took_us",
                     (json_int_t)statement->took_us, "relations", relations, "difference",
                     statement->difference);
}

static void say(struct trace_call *call)
{
    json_t *statements = json_array();

    for (size_t i = 0; i < call->trace->count; i++)
        (void)json_array_append_new(statements, say_statement(call, &call->trace->statements[i]));
    cli_say(call->cli, "%zu statements, %zu other than predicted", call->trace->count,
            call->differences);
    cli_answer(call->cli, "statements", statements);
    cli_answer(call->cli, "differences", json_integer((json_int_t)call->differences));
}

enum error_code migration_trace(struct cli *cli, struct error *err)
{
    /* Whatever would end us, the scratch database goes first: also when nobody reads any more. */
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    struct trace_call call = {.cli = cli};
    enum error_code code = ERROR_OK;

    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        session_cancel_on_signal(signals[i]);
    if (database_load(cli, NULL, &call.set, err) != ERROR_OK)
        return err->code;
    call.trace = memory_new(call.set, struct trace);
    if (choose(&call, err) != ERROR_OK ||
        (has_pending(&call) && run_on_scratch(&call, err) != ERROR_OK))
        code = err->code;
    else
        say(&call);
    talloc_free(call.set);
    return code;
}
