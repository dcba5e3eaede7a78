#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/filling.h"

#include <inttypes.h>
#include <string.h>

#define ITS_CURSOR                                                                                 \
    "SELECT cursor FROM hakem.backfill WHERE revision = $1 AND generation = $2::bigint"            \
    " AND position = $3::integer"

/* The cursor names rows, not rows still to be done: what is written behind it meanwhile is the
 * trigger's, or the next pass's. */
static const char *batch_sql(const struct filling *f, const void *parent)
{
    const struct backfill_key *key = &f->key;
    const char *list = backfill_key_list(key, parent);
    const char *outputs = backfill_key_outputs(key, parent);
    const char *behind = "";

    if (f->has_cursor)
        behind = memory_format(parent, " WHERE (%s) > (%s)", list,
                               backfill_key_from(key, "(" ITS_CURSOR ")", parent));
    return memory_format(
        parent,
        "WITH batch AS MATERIALIZED (SELECT %s FROM %s%s ORDER BY %s LIMIT %" PRIu64
        "), last AS MATERIALIZED (SELECT %s FROM batch ORDER BY %s LIMIT 1),"
        " first AS MATERIALIZED (SELECT %s FROM batch ORDER BY %s LIMIT 1), %s"
        " UPDATE hakem.backfill SET cursor = coalesce((SELECT %s FROM last), cursor),"
        " done = done + (SELECT count(*) FROM changed) WHERE revision = $1"
        " AND generation = $2::bigint AND position = $3::integer"
        " RETURNING %s || ' ' || (SELECT count(*) FROM batch)",
        backfill_key_select(key, parent), f->spec->table, behind, list, f->pace.rows, outputs,
        backfill_key_order(key, "DESC", parent), outputs, outputs, change_sql(f, parent),
        backfill_key_cursor(key, parent), change_counted(f, parent));
}

/* "CHANGED SEEN" */
static bool take_counts(struct filling *f, const char *value)
{
    char changed[MIGRATOR_NUMBER_SIZE];
    const char *space = strchr(value, ' ');

    if (space == NULL || (size_t)(space - value) >= sizeof(changed))
        return false;
    memcpy(changed, value, (size_t)(space - value));
    changed[space - value] = '\0';
    return text_to_number(changed, UINT64_MAX, &f->rows_changed) &&
           text_to_number(space + 1, UINT64_MAX, &f->rows_seen);
}

enum error_code batch_try(void *context, uint64_t lock_timeout_ms, struct error *err)
{
    struct filling *f = context;
    struct transaction *t = transaction_new(f->m->scratch);
    struct pipeline_outcome outcomes[5];
    enum error_code code;

    transaction_begin(f->m, t, lock_timeout_ms);
    if (f->spec->change == MIGRATION_CHANGE_COMMAND)
        command_add(f, t);
    else
        filling_add_call(f, t, batch_sql(f, t));
    transaction_commit(f->m, t, false);
    code = pipeline_run(f->m->session, t->calls, t->count, outcomes, NULL, err);
    if (code == ERROR_OK) {
        /* BEGIN, the fence, the batch, COMMIT, the position */
        if (!take_counts(f, outcomes[2].value))
            code = error_set(err, ERROR_CORRUPT, "%s: the row of hakem.backfill is gone", f->where);
        (void)text_copy(f->m->result.position, sizeof(f->m->result.position), outcomes[4].value);
    }
    talloc_free(t);
    return code;
}
