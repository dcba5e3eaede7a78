#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/filling.h"

#include <inttypes.h>
#include <string.h>

#define ITS_CURSOR                                                                                 \
    "SELECT cursor FROM hakem.backfill WHERE revision = $1 AND generation = $2::bigint"            \
    " AND position = $3::integer"

/* " FROM …", "(…) AND " */
static const char *from_clause(const struct migration_backfill *spec, const void *parent)
{
    return spec->from != NULL ? memory_format(parent, " FROM %s", spec->from) : "";
}

static const char *join_clause(const struct migration_backfill *spec, const void *parent)
{
    return spec->join != NULL ? memory_format(parent, "(%s) AND ", spec->join) : "";
}

/* The rows of the batch, for as long as they are locked: those between its first and its last. */
static const char *range_of(const struct filling *f, const void *parent)
{
    const char *list = backfill_key_qualified(&f->key, f->spec->table, parent);
    const char *outputs = backfill_key_outputs(&f->key, parent);

    return memory_format(parent, "(%s) >= (SELECT %s FROM first) AND (%s) <= (SELECT %s FROM last)",
                         list, outputs, list, outputs);
}

static const char *change_sql(const struct filling *f, const void *parent)
{
    const struct migration_backfill *spec = f->spec;

    return memory_format(parent, "changed AS (UPDATE %s SET %s%s WHERE %s AND %s(%s) RETURNING 1)",
                         spec->table, spec->set, from_clause(spec, parent), range_of(f, parent),
                         join_clause(spec, parent), spec->where);
}

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
        " RETURNING (SELECT count(*) FROM changed) || ' ' || (SELECT count(*) FROM batch)",
        backfill_key_select(key, parent), f->spec->table, behind, list, f->pace.rows, outputs,
        backfill_key_order(key, "DESC", parent), outputs, outputs, change_sql(f, parent),
        backfill_key_cursor(key, parent));
}

const char *batch_count_sql(const struct filling *f, const void *parent)
{
    const struct migration_backfill *spec = f->spec;

    return memory_format(parent, "SELECT count(*) FROM %s%s%s WHERE %s(%s)", spec->table,
                         spec->from != NULL ? ", " : "", spec->from != NULL ? spec->from : "",
                         join_clause(spec, parent), spec->where);
}

const char *batch_ambiguous_sql(const struct filling *f, const void *parent)
{
    const struct migration_backfill *spec = f->spec;

    return memory_format(parent,
                         "SELECT count(*) FROM (SELECT 1 FROM %s, %s WHERE (%s) AND (%s)"
                         " GROUP BY %s HAVING count(*) > 1) AS several",
                         spec->table, spec->from, spec->join, spec->where,
                         backfill_key_qualified(&f->key, spec->table, parent));
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
