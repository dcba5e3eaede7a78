#include "common/lint/trace.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/phase.h"
#include "embedded_hakem_lint.h"

#include <string.h>

static const struct migration_probe probe = {
    .before = "SELECT hakem_trace.look_before()",
    .after = "SELECT hakem_trace.look_after($1, $2, $3::integer, $4::text IS NOT NULL) "
             "FROM (SELECT $5::text[]) AS named"};

/* ---- run ---- */

/* Backfills are looked at by nobody. */
static const bool *pending_of(const struct plan_request *pending, enum migration_phase phase)
{
    return phase == MIGRATION_CONTRACT ? pending->is_to_contract : pending->is_to_expand;
}

static enum error_code run_revision(struct session *session, const struct plan_request *pending,
                                    size_t index, struct error *err)
{
    static const enum migration_phase phases[] = {MIGRATION_EXPAND, MIGRATION_BACKFILL,
                                                  MIGRATION_CONTRACT};

    for (size_t i = 0; i < ARRAY_LEN(phases); i++) {
        bool is_pending = pending_of(pending, phases[i])[index];
        const struct migration_run run = {.operator_name = "trace",
                                          .probe = is_pending ? &probe : NULL};
        const struct migration_order order = {.set = pending->set,
                                              .revision = pending->set->revisions[index].name,
                                              .phase = phases[i]};
        struct migration_result result;

        if (migration_apply(session, &order, &run, &result, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

static enum error_code run_all(struct session *session, const struct trace_request *request,
                               struct error *err)
{
    const struct migration_set *set = request->pending.set;
    size_t *history = memory_array(NULL, size_t, set->revision_count + 1);
    size_t count = migration_history_of(set, request->target, history);
    enum error_code code = session_run(session, embedded_trace, err);

    for (size_t i = 0; i < count && code == ERROR_OK; i++)
        code = run_revision(session, &request->pending, history[i], err);
    talloc_free(history);
    return code;
}

/* ---- what was seen ---- */

static bool is_of(const struct migration_set *set, const struct plan_step *step,
                  const struct rows *rows, size_t row)
{
    const char *phase = step->script == MIGRATION_SCRIPT_EXPAND ? "expand" : "contract";

    return strcmp(set->revisions[step->revision].name, rows_text(rows, row, 0)) == 0 &&
           strcmp(phase, rows_text(rows, row, 1)) == 0 &&
           (uint64_t)(step->statement - step->split->statements) + 1 == rows_number(rows, row, 2);
}

static void keep_row(struct trace *trace, struct trace_statement *into, const struct rows *rows,
                     size_t row)
{
    if (rows_text(rows, row, 6)[0] == '\0') {
        into->was_run = true;
        into->is_outside = rows_bool(rows, row, 3);
        into->took_us = rows_number(rows, row, 4);
        return;
    }
    into->relations =
        memory_grow(trace, into->relations, into->relation_count, into->relation_count + 1);
    into->relations[into->relation_count++] =
        (struct trace_relation){.schema = memory_text(trace, rows_text(rows, row, 5)),
                                .name = memory_text(trace, rows_text(rows, row, 6)),
                                .held = (enum lock_mode)(rows_number(rows, row, 7) % LOCK_COUNT_),
                                .mode = (enum lock_mode)(rows_number(rows, row, 8) % LOCK_COUNT_),
                                .is_rewritten = rows_bool(rows, row, 9),
                                .is_scanned = rows_bool(rows, row, 10)};
}

static enum error_code read_seen(struct session *session, const struct migration_set *set,
                                 struct trace *trace, struct error *err)
{
    struct rows *rows = NULL;

    if (session_query(session, SQL(embedded_trace_seen), &rows, err) != ERROR_OK)
        return err->code;
    for (size_t s = 0; s < trace->count; s++) {
        size_t row = 0;

        while (row < rows_count(rows) && !is_of(set, trace->statements[s].step, rows, row))
            row++;
        for (; row < rows_count(rows) && is_of(set, trace->statements[s].step, rows, row); row++)
            keep_row(trace, &trace->statements[s], rows, row);
    }
    rows_free(rows);
    return ERROR_OK;
}

/* ---- compared ---- */

static const struct trace_relation *find_seen(const struct trace_statement *statement,
                                              const struct effect_lock *lock)
{
    for (size_t i = 0; i < statement->relation_count; i++)
        if (strcmp(statement->relations[i].name, lock->name) == 0 &&
            strcmp(statement->relations[i].schema, lock->schema) == 0)
            return &statement->relations[i];
    return NULL;
}

static bool is_rewrite_predicted(const struct effect *effect, const struct model_relation *relation)
{
    for (size_t i = 0; i < effect->rewrite_count; i++)
        if (effect->rewrites[i] == relation)
            return true;
    return false;
}

static const struct effect_lock *find_predicted(const struct effect *effect,
                                                const struct trace_relation *seen)
{
    for (size_t i = 0; i < effect->lock_count; i++)
        if (strcmp(effect->locks[i].name, seen->name) == 0 &&
            strcmp(effect->locks[i].schema, seen->schema) == 0)
            return &effect->locks[i];
    return NULL;
}

/* What the transaction held before hides a weaker lock. */
static const char *compare_lock(struct trace *trace, const struct trace_statement *statement,
                                const struct effect_lock *lock)
{
    const struct trace_relation *seen = find_seen(statement, lock);
    enum lock_mode mode = seen != NULL ? seen->mode : LOCK_NONE;

    if (lock->relation->kind == MODEL_INDEX || mode == lock->mode ||
        (seen != NULL && seen->held >= lock->mode))
        return NULL;
    return memory_format(trace, "%s.%s: %s was predicted, %s was seen", lock->schema, lock->name,
                         lock_mode_name(lock->mode), lock_mode_name(mode));
}

static const char *compare_seen(struct trace *trace, const struct effect *effect,
                                const struct trace_relation *seen)
{
    const struct effect_lock *lock = find_predicted(effect, seen);

    if (seen->mode > seen->held && lock == NULL)
        return memory_format(trace, "%s.%s: %s was not predicted", seen->schema, seen->name,
                             lock_mode_name(seen->mode));
    if (seen->is_rewritten != (lock != NULL && is_rewrite_predicted(effect, lock->relation)))
        return memory_format(trace, "%s.%s: it was%s rewritten", seen->schema, seen->name,
                             seen->is_rewritten ? "" : " not");
    return NULL;
}

static void compare(struct trace *trace, struct trace_statement *statement)
{
    const struct effect *effect = statement->step->effect;

    if (!statement->was_run)
        return;
    for (size_t i = 0; i < effect->lock_count && statement->difference == NULL; i++)
        if (!statement->is_outside)
            statement->difference = compare_lock(trace, statement, &effect->locks[i]);
    for (size_t i = 0; i < statement->relation_count && statement->difference == NULL; i++)
        statement->difference = compare_seen(trace, effect, &statement->relations[i]);
}

/* ---- the whole ---- */

static enum error_code predict(struct trace *trace, const struct plan_request *pending,
                               struct error *err)
{
    struct plan *plan = NULL;

    if (plan_make(trace, pending, &plan, err) != ERROR_OK)
        return err->code;
    trace->count = plan->count;
    trace->statements = memory_array(trace, struct trace_statement, plan->count + 1);
    for (size_t i = 0; i < plan->count; i++)
        trace->statements[i].step = &plan->steps[i];
    return ERROR_OK;
}

enum error_code trace_run(const void *parent, struct session *session,
                          const struct trace_request *request, struct trace **ret,
                          struct error *err)
{
    struct trace *trace = memory_new(parent, struct trace);

    if (predict(trace, &request->pending, err) != ERROR_OK ||
        run_all(session, request, err) != ERROR_OK ||
        read_seen(session, request->pending.set, trace, err) != ERROR_OK) {
        talloc_free(trace);
        return err->code;
    }
    for (size_t i = 0; i < trace->count; i++)
        compare(trace, &trace->statements[i]);
    *ret = trace;
    return ERROR_OK;
}
