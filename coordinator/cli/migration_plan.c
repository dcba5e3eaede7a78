/* hakem migration plan: what is still to run on a database, statement by statement. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/lint/name.h"
#include "common/lint/plan.h"
#include "common/lint/sizes.h"
#include "common/migration/backfill.h"
#include "coordinator/cli/database.h"
#include "coordinator/cli/migration_repeatable.h"
#include "coordinator/cli/verbs.h"

#include <string.h>

const struct cli_flag migration_plan_flags[] = {
    DATABASE_FLAG,
    MIGRATIONS_FLAG,
    {.name = "--to", .value = "REVISION", .doc = "and what it needs; default: all"},
    {.name = NULL}};

#define SIZE_TEXT_SIZE 80

/* One call. */
struct plan_call {
    struct cli *cli;
    struct database db;
    struct plan_request request;
    struct lint_sizes *sizes;
    struct plan *plan;
    size_t target;
    json_t *statements, *backfills; /* said */
};

/* ---- what is pending ---- */

static enum error_code find_target(const struct plan_call *call, size_t *ret, struct error *err)
{
    const char *name = cli_flag(call->cli, "--to");

    *ret = call->db.set->head;
    if (name == NULL || migration_find(call->db.set, name, ret))
        return ERROR_OK;
    return error_set(err, ERROR_NOT_FOUND, "there is no revision %s in %s", name,
                     database_migrations_folder(call->cli));
}

static enum error_code make(struct plan_call *call, struct error *err)
{
    struct plan_pasts *pasts = NULL;
    if (find_target(call, &call->target, err) != ERROR_OK ||
        plan_read_past(call->db.context, call->db.session, &pasts, err) != ERROR_OK ||
        sizes_read(call->db.context, call->db.session, &call->sizes, err) != ERROR_OK)
        return err->code;
    call->request = (struct plan_request){.set = call->db.set, .pasts = pasts};
    plan_choose(call->db.context, call->db.marks, call->target, &call->request);
    return plan_make(call->db.context, &call->request, &call->plan, err);
}

/* ---- sizes ---- */

static void add_size(json_t *said, const struct lint_size *size)
{
    if (size == NULL)
        return;
    (void)json_object_set_new(said, "rows", json_integer((json_int_t)size->rows));
    (void)json_object_set_new(said, "bytes", json_integer((json_int_t)size->bytes));
}

/* ", about 3 rows in 8 kB", or nothing. */
static const char *say_size(const json_t *said, char ret[static SIZE_TEXT_SIZE])
{
    const json_t *rows = json_object_get(said, "rows");

    ret[0] = '\0';
    if (rows != NULL)
        (void)text_format(ret, SIZE_TEXT_SIZE, ", about %lld rows in %lld kB",
                          (long long)json_integer_value(rows),
                          (long long)json_integer_value(json_object_get(said, "bytes")) / 1024);
    return ret;
}

/* ---- said ---- */

static bool is_among(const struct model_relation *const *list, size_t count,
                     const struct model_relation *relation)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == relation)
            return true;
    return false;
}

static json_t *describe_lock(const struct plan_call *call, const struct effect *effect,
                             const struct effect_lock *lock)
{
    const struct lint_size *size = sizes_find(call->sizes, lock->schema, lock->name);
    json_t *said =
        json_pack("{s:s, s:s, s:s, s:b, s:b}", "schema", lock->schema, "relation", lock->name,
                  "lock", lock_mode_name(lock->mode), "rewrites",
                  (int)is_among(effect->rewrites, effect->rewrite_count, lock->relation), "scans",
                  (int)is_among(effect->scans, effect->scan_count, lock->relation));

    add_size(said, size);
    return said;
}

static void say_lock(const struct plan_call *call, const json_t *said)
{
    char size[SIZE_TEXT_SIZE];

    cli_say(call->cli, "    %s.%s: %s%s%s%s", json_string_value(json_object_get(said, "schema")),
            json_string_value(json_object_get(said, "relation")),
            json_string_value(json_object_get(said, "lock")),
            json_is_true(json_object_get(said, "rewrites")) ? ", rewritten" : "",
            json_is_true(json_object_get(said, "scans")) ? ", scanned" : "", say_size(said, size));
}

static const char *breaks(const struct effect *effect)
{
    for (size_t i = 0; i < effect->note_count; i++)
        if (rule_row(effect->notes[i].rule)->breaks)
            return rule_row(effect->notes[i].rule)->name;
    return NULL;
}

static void say_rest(const struct plan_call *call, const struct plan_step *step)
{
    static const char *const classes[SPLIT_CLASS_COUNT] = {
        [SPLIT_ALONE] = "    in a transaction of its own",
        [SPLIT_OUTSIDE] = "    outside a transaction"};

    if (classes[step->effect->class] != NULL)
        cli_say(call->cli, "%s", classes[step->effect->class]);
    if (step->effect->unknown != NULL)
        cli_say(call->cli, "    unknown: %s", step->effect->unknown);
    if (step->like_count > 0)
        cli_say(call->cli, "    %llu like it took at most %llu ms here",
                (unsigned long long)step->like_count,
                (unsigned long long)((step->like_max_us + 999) / 1000));
}

static json_t *say_step(const struct plan_call *call, const struct plan_step *step)
{
    static const char *const classes[SPLIT_CLASS_COUNT] = {
        [SPLIT_TOGETHER] = "together", [SPLIT_ALONE] = "alone", [SPLIT_OUTSIDE] = "outside"};
    const struct effect *effect = step->effect;
    json_t *locks = json_array();

    cli_say(call->cli, "%s:%zu %.200s", step->split->path, step->statement->line,
            step->statement->text);
    for (size_t i = 0; i < effect->lock_count; i++) {
        json_t *said = effect->locks[i].mode != LOCK_NONE
                           ? describe_lock(call, effect, &effect->locks[i])
                           : NULL;

        if (said == NULL)
            continue;
        say_lock(call, said);
        (void)json_array_append_new(locks, said);
    }
    say_rest(call, step);
    return json_pack("{s:s, s:s, s:I, s:s, s:s, s:o, s:s?, s:s?, s:s?, s:I, s:I}", "revision",
                     call->db.set->revisions[step->revision].name, "path", step->split->path,
                     "line", (json_int_t)step->statement->line, "sql", step->statement->text,
                     "transaction", classes[effect->class], "locks", locks, "breaks",
                     breaks(effect), "reverse", effect->reverse, "unknown", effect->unknown,
                     "like_count", (json_int_t)step->like_count, "like_max_us",
                     (json_int_t)step->like_max_us);
}

/* ---- backfills ---- */

/* A backfill names its table as SQL does. */
static const struct lint_size *size_of(const struct plan_call *call, const char *table)
{
    const struct lint_size *found = NULL;

    for (size_t i = 0; i < call->sizes->count && found == NULL; i++) {
        const struct lint_size *size = &call->sizes->sizes[i];
        char *name = name_with_schema(NULL, size->schema, size->name);

        if (strcmp(name, table) == 0)
            found = size;
        talloc_free(name);
    }
    return found;
}

static json_t *key_of(const struct migration_backfill *backfill)
{
    json_t *key = json_array();

    if (backfill->key != NULL)
        (void)json_array_append_new(key, json_string(backfill->key));
    for (size_t i = 0; i < backfill->key_count; i++)
        (void)json_array_append_new(key, json_string(backfill->keys[i]));
    return key;
}

static void say_backfill(const struct plan_call *call, const char *revision,
                         const struct migration_backfill *backfill)
{
    json_t *said = json_pack("{s:s, s:s, s:s, s:o}", "revision", revision, "table", backfill->table,
                             "change", change_name(backfill->change), "key", key_of(backfill));
    struct text *key = text_new(call->db.context, SPLIT_BYTES_MAX);
    char size[SIZE_TEXT_SIZE];
    const json_t *columns = json_object_get(said, "key");

    for (size_t i = 0; i < json_array_size(columns); i++)
        text_append_format(key, "%s%s", i > 0 ? ", " : "",
                           json_string_value(json_array_get(columns, i)));
    add_size(said, size_of(call, backfill->table));
    cli_say(call->cli, "%s/migration.yaml backfill of %s: %s by %s%s", revision, backfill->table,
            change_name(backfill->change), key->data, say_size(said, size));
    (void)json_array_append_new(call->backfills, said);
}

/* ---- the whole ---- */

/* The steps of a revision's expand, and its backfills; *at moves behind them. */
static void say_expand(const struct plan_call *call, size_t index, size_t *at)
{
    const struct migration_revision *revision = &call->db.set->revisions[index];
    const struct plan *plan = call->plan;

    for (; *at < plan->count && plan->steps[*at].script == MIGRATION_SCRIPT_EXPAND &&
           plan->steps[*at].revision == index;
         (*at)++)
        (void)json_array_append_new(call->statements, say_step(call, &plan->steps[*at]));
    for (size_t i = 0; i < revision->backfill_count && call->request.is_to_expand[index]; i++)
        say_backfill(call, revision->name, &revision->backfills[i]);
}

static void say_sum(const struct plan_call *call, size_t repeatables)
{
    size_t statements = call->plan->count, backfills = json_array_size(call->backfills);

    cli_say(call->cli, "%zu statement%s to run, %zu backfill%s, %zu repeatable%s", statements,
            statements == 1 ? "" : "s", backfills, backfills == 1 ? "" : "s", repeatables,
            repeatables == 1 ? "" : "s");
}

/* Repeatables go with the whole history. */
static enum error_code say(struct plan_call *call, struct error *err)
{
    size_t at = 0, repeatables = 0;

    call->statements = json_array();
    call->backfills = json_array();
    for (size_t i = 0; i < call->db.set->revision_count; i++)
        say_expand(call, i, &at);
    for (; at < call->plan->count; at++)
        (void)json_array_append_new(call->statements, say_step(call, &call->plan->steps[at]));
    cli_answer(call->cli, "statements", call->statements);
    cli_answer(call->cli, "backfills", call->backfills);
    if (call->target == call->db.set->head &&
        migration_show_repeatables(call->cli, &call->db, true, &repeatables, err) != ERROR_OK)
        return err->code;
    say_sum(call, repeatables);
    return ERROR_OK;
}

enum error_code migration_plan(struct cli *cli, struct error *err)
{
    struct plan_call call = {.cli = cli};
    enum error_code code;

    if (database_open(cli, &call.db, err) != ERROR_OK)
        return err->code;
    code = make(&call, err);
    if (code == ERROR_OK)
        code = say(&call, err);
    database_close(&call.db);
    return code;
}
