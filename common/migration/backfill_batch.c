#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/filling.h"

#include <inttypes.h>
#include <string.h>

#define ITS_ROW  " WHERE revision = $1 AND generation = $2::bigint AND position = $3::integer"
#define ITS_LANE ITS_ROW " AND lane = $4::integer"

/* " WHERE (a, b) > (…) AND (a, b) <= (…)" */
static const char *bounds_of(const struct filling *f, const struct batch_range *range,
                             const void *parent)
{
    const char *list = backfill_key_list(&f->key, parent);
    const char *from = "", *until = "";

    if (range->has_cursor)
        from = memory_format(
            parent, " AND (%s) > (%s)", list,
            backfill_key_from(&f->key,
                              range->lane != NULL
                                  ? "(SELECT cursor FROM hakem.backfill_lane" ITS_LANE ")"
                                  : "(SELECT cursor FROM hakem.backfill" ITS_ROW ")",
                              parent));
    if (range->has_end)
        until = memory_format(
            parent, " AND (%s) <= (%s)", list,
            backfill_key_from(&f->key, "(SELECT until_cursor FROM hakem.backfill_lane" ITS_LANE ")",
                              parent));
    return memory_format(parent, " WHERE true%s%s", from, until);
}

/* The cursor names rows, not rows still to be done: what is written behind it meanwhile is the
 * trigger's, or the next pass's. */
static const char *batch_sql(const struct filling *f, const struct batch_range *range,
                             const void *parent)
{
    const struct backfill_key *key = &f->key;
    const char *outputs = backfill_key_outputs(key, parent);

    return memory_format(
        parent,
        "WITH batch AS MATERIALIZED (SELECT %s FROM %s%s ORDER BY %s LIMIT %" PRIu64
        "), last AS MATERIALIZED (SELECT %s FROM batch ORDER BY %s LIMIT 1),"
        " first AS MATERIALIZED (SELECT %s FROM batch ORDER BY %s LIMIT 1), %s"
        " UPDATE %s SET cursor = coalesce((SELECT %s FROM last), cursor),"
        " done = done + (SELECT count(*) FROM changed)%s"
        " RETURNING %s || ' ' || (SELECT count(*) FROM batch)",
        backfill_key_select(key, parent), f->spec->table, bounds_of(f, range, parent),
        backfill_key_list(key, parent), f->pace.rows, outputs,
        backfill_key_order(key, "DESC", parent), outputs, outputs, change_sql(f, parent),
        range->lane != NULL ? "hakem.backfill_lane" : "hakem.backfill",
        backfill_key_cursor(key, parent), range->lane != NULL ? ITS_LANE : ITS_ROW,
        change_counted(f, parent));
}

void batch_add(struct filling *f, struct transaction *t, const struct batch_range *range)
{
    transaction_add(t, f->where, batch_sql(f, range, t), range->lane != NULL ? 4 : 3,
                    (const char *const[]){f->m->revision->name, f->m->generation_text,
                                          f->position_text, range->lane});
}

/* "CHANGED SEEN" */
bool batch_take_counts(const char *value, uint64_t *ret_changed, uint64_t *ret_seen)
{
    char changed[MIGRATOR_NUMBER_SIZE];
    const char *space = strchr(value, ' ');

    if (space == NULL || (size_t)(space - value) >= sizeof(changed))
        return false;
    memcpy(changed, value, (size_t)(space - value));
    changed[space - value] = '\0';
    return text_to_number(changed, UINT64_MAX, ret_changed) &&
           text_to_number(space + 1, UINT64_MAX, ret_seen);
}

enum error_code batch_try(void *context, uint64_t lock_timeout_ms, struct error *err)
{
    struct filling *f = context;
    struct transaction *t = transaction_new(f->m->scratch);
    struct pipeline_outcome outcomes[5] = {{.rows = 0}}; /* under a hold one less */
    enum error_code code;

    transaction_begin(f->m, t, lock_timeout_ms);
    if (f->spec->change == MIGRATION_CHANGE_COMMAND)
        command_add(f, t);
    else
        batch_add(f, t, &(struct batch_range){.has_cursor = f->has_cursor});
    transaction_commit(f->m, t, false);
    code = pipeline_run(f->m->session, t->calls, t->count, outcomes, NULL, err);
    if (code == ERROR_OK) {
        /* BEGIN, the fence, the batch, COMMIT, the position */
        if (!batch_take_counts(outcomes[2].value, &f->rows_changed, &f->rows_seen))
            code = error_set(err, ERROR_CORRUPT, "%s: the row of hakem.backfill is gone", f->where);
        (void)text_copy(f->m->result.position, sizeof(f->m->result.position), outcomes[4].value);
    }
    talloc_free(t);
    return code;
}
