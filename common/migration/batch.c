/* batch.c: many small expands in one round trip.  Each stays a transaction of its own, with its
 * fence, its log and its marks; the first that fails takes back only itself, and what is behind it
 * is skipped.
 */
#include "common/migration/segment.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#define BATCH_REVISIONS_MAX 32
#define BATCH_CALLS_MAX     1024

struct batch {
    struct migrator m; /* of one revision after another */
    const size_t *indexes;
    size_t count;
    struct transaction *all; /* of them, one behind the other */
};

static bool is_among(const struct batch *batch, size_t index)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->indexes[i] == index)
            return true;
    return false;
}

static bool has_ground(const struct batch *batch, const struct migration_revision *revision)
{
    for (size_t i = 0; i < revision->parent_count; i++)
        if (!is_among(batch, revision->parents[i]) &&
            !state_stands(batch->m.run->hold, revision->parents[i]))
            return false;
    return revision->contracted_parent_count == 0;
}

static bool is_one_transaction(const struct split *split)
{
    for (size_t i = 0; i < split->count; i++)
        if (split->statements[i].class != SPLIT_TOGETHER || (i > 0 && split->statements[i].cuts))
            return false;
    return split->count > 0;
}

/* Never touched, and done with one transaction. */
static bool is_plain(const struct batch *batch, size_t index)
{
    const struct migration_revision *revision = &batch->m.set->revisions[index];

    return state_is_untouched(batch->m.run->hold, index) && revision->backfill_count == 0 &&
           revision->assertion_count == 0 && revision->search_path == NULL &&
           is_one_transaction(revision->scripts[MIGRATION_SCRIPT_EXPAND]) &&
           has_ground(batch, revision);
}

static void turn_to(struct migrator *m, size_t index)
{
    m->index = index;
    m->revision = &m->set->revisions[index];
    m->state = (struct phase_state){.generation = 0};
    m->result = (struct migration_result){.statements_run = 0};
    (void)text_copy(m->generation_text, sizeof(m->generation_text), "0");
}

static enum error_code add(struct batch *batch, size_t index, struct error *err)
{
    struct migrator *m = &batch->m;
    struct script_run script;
    struct segment segment;
    size_t at = 0;

    turn_to(m, index);
    if (script_run_open(&script, m, m->revision->scripts[MIGRATION_SCRIPT_EXPAND], MIGRATION_EXPAND,
                        err) != ERROR_OK)
        return err->code;
    if (!segment_next(&script, &at, &segment))
        return error_set(err, ERROR_INVALID, "%s has nothing to expand", m->revision->name);
    transaction_begin(m, batch->all, LADDER_PATIENCE_MIN_MS);
    segment_add_body(&script, batch->all, &segment);
    return ERROR_OK;
}

/* Answers come when the server's buffer is full: nobody has to be waiting for a lock meanwhile, and
 * who does gives up before an observer could tell of it. */
static void watch_alone(struct batch *batch)
{
    struct session_watch watch = migrator_watch(&batch->m);

    watch.on_tick = NULL;
    (void)session_set_watch(batch->m.session, watch);
}

static enum error_code run(struct batch *batch, struct error *err)
{
    enum error_code code;

    watch_alone(batch);
    code = transaction_run(&batch->m, batch->all, NULL, err);
    for (size_t i = 0; i < batch->count; i++) {
        turn_to(&batch->m, batch->indexes[i]);
        state_note(&batch->m, MIGRATION_EXPAND, code);
    }
    return code;
}

size_t migration_expand_plain(struct session *session, const struct migration_set *set,
                              const struct migration_run *run_with, const size_t *indexes,
                              size_t count)
{
    struct session_watch before =
        session_set_watch(session, (struct session_watch){.context = NULL});
    struct batch batch = {.indexes = indexes};
    enum error_code code = ERROR_OK;
    struct error err;

    migrator_begin(&batch.m, session, set, run_with);
    batch.all = transaction_new(batch.m.scratch);
    while (code == ERROR_OK && batch.count < count && batch.count < BATCH_REVISIONS_MAX &&
           batch.all->count < BATCH_CALLS_MAX && is_plain(&batch, indexes[batch.count])) {
        code = add(&batch, indexes[batch.count], &err);
        batch.count += code == ERROR_OK;
    }
    /* One is no batch; what failed is said by whoever does it alone. */
    if (code == ERROR_OK && batch.count > 1)
        code = run(&batch, &err);
    migrator_close(&batch.m, before);
    return code == ERROR_OK && batch.count > 1 ? batch.count : 0;
}
