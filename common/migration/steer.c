#include "common/migration/steer.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/schema.h"

#define ITS_ROW " WHERE revision = $1 AND generation = $2::bigint AND position = $3::integer"
/* Of revision $1, or of all: those of the present generation that are not finished. */
#define UNFINISHED                                                                                 \
    " FROM hakem.mark m WHERE m.revision = b.revision AND m.generation = b.generation"             \
    " AND b.finished_at IS NULL AND b.revision = coalesce($1, b.revision)"

static void take(const struct rows *rows, size_t row, size_t column, struct steer *ret)
{
    *ret = (struct steer){.rows_max = rows_number(rows, row, column),
                          .has_rest = rows_bool(rows, row, column + 1),
                          .rest_times = rows_number(rows, row, column + 2),
                          .is_throttled = rows_bool(rows, row, column + 3)};
    (void)text_copy(ret->by, sizeof(ret->by), rows_text(rows, row, column + 4));
    (void)text_copy(ret->why, sizeof(ret->why), rows_text(rows, row, column + 5));
}

#define STEER_COLUMNS                                                                              \
    "coalesce(rows_max, 0), rest_times IS NOT NULL, coalesce(rest_times, 0),"                      \
    " throttled_by IS NOT NULL, coalesce(throttled_by, ''), coalesce(throttled_why, '')"

enum error_code steer_read(struct session *session, const struct steer_key *key, struct steer *ret,
                           struct error *err)
{
    struct rows *rows;

    if (session_query(session,
                      SQL_WITH("SELECT " STEER_COLUMNS " FROM hakem.backfill" ITS_ROW,
                               key->revision, key->generation, key->position),
                      &rows, err) != ERROR_OK)
        return err->code;
    if (rows_count(rows) != 1) {
        rows_free(rows);
        return error_set(err, ERROR_CORRUPT, "the row of hakem.backfill for %s is gone",
                         key->revision);
    }
    take(rows, 0, 0, ret);
    rows_free(rows);
    return ERROR_OK;
}

enum error_code steer_note(struct session *session, const struct steer_key *key, const char *why,
                           struct error *err)
{
    return session_query(session,
                         SQL_WITH("UPDATE hakem.backfill SET slow = $4" ITS_ROW, key->revision,
                                  key->generation, key->position, why),
                         NULL, err);
}

/* ---- for operators ---- */

static void take_state(const struct rows *rows, size_t i, struct steer_state *ret)
{
    (void)text_copy(ret->revision, sizeof(ret->revision), rows_text(rows, i, 0));
    (void)text_copy(ret->table, sizeof(ret->table), rows_text(rows, i, 1));
    ret->done = rows_number(rows, i, 2);
    ret->total = rows_number(rows, i, 3);
    ret->pass = rows_number(rows, i, 4);
    ret->ran_ms = rows_number(rows, i, 5);
    ret->is_finished = rows_bool(rows, i, 6);
    (void)text_copy(ret->slow, sizeof(ret->slow), rows_text(rows, i, 7));
    (void)text_copy(ret->what, sizeof(ret->what), rows_text(rows, i, 8));
    (void)text_copy(ret->into, sizeof(ret->into), rows_text(rows, i, 9));
    take(rows, i, 10, &ret->steer);
}

enum error_code steer_show(struct session *session, const void *parent, struct steer_state **ret,
                           size_t *ret_count, struct error *err)
{
    struct rows *rows;
    bool exists;

    *ret = NULL;
    *ret_count = 0;
    if (schema_exists(session, &exists, err) != ERROR_OK)
        return err->code;
    if (!exists)
        return ERROR_OK;
    /* Of an older version's table, too, which only who migrates may change. */
    if (session_query(
            session,
            SQL("SELECT b.revision, coalesce(b.target, ''), b.done, b.total, b.pass,"
                " (EXTRACT(epoch FROM coalesce(b.finished_at, pg_catalog.clock_timestamp())"
                " - b.started_at) * 1000)::bigint, b.finished_at IS NOT NULL,"
                " coalesce(b.slow, ''), coalesce(pg_catalog.to_jsonb(b) ->> 'what', 'fill'),"
                " coalesce(pg_catalog.to_jsonb(b) ->> 'into_table', ''),"
                " " STEER_COLUMNS " FROM hakem.backfill b"
                " JOIN hakem.mark m USING (revision, generation)"
                " ORDER BY b.started_at, b.position"),
            &rows, err) != ERROR_OK)
        return err->code;
    *ret_count = rows_count(rows);
    *ret = memory_array(parent, struct steer_state, *ret_count);
    for (size_t i = 0; i < *ret_count; i++)
        take_state(rows, i, &(*ret)[i]);
    rows_free(rows);
    return ERROR_OK;
}

/* An UPDATE of the unfinished ones, counted. */
static enum error_code change(struct session *session, struct sql_call call, uint64_t *ret_count,
                              struct error *err)
{
    struct rows *rows;
    bool exists;

    *ret_count = 0;
    if (schema_exists(session, &exists, err) != ERROR_OK)
        return err->code;
    if (!exists)
        return ERROR_OK;
    if (session_query(session, call, &rows, err) != ERROR_OK)
        return err->code;
    *ret_count = rows_count(rows);
    rows_free(rows);
    return ERROR_OK;
}

enum error_code steer_throttle(struct session *session, const char *revision, const char *by,
                               const char *why, uint64_t *ret_count, struct error *err)
{
    return change(
        session,
        SQL_WITH("UPDATE hakem.backfill b SET throttled_by = $2, throttled_why = $3" UNFINISHED
                 " RETURNING 1",
                 revision, by, why),
        ret_count, err);
}

enum error_code steer_resume(struct session *session, const char *revision, uint64_t *ret_count,
                             struct error *err)
{
    return change(
        session,
        SQL_WITH("UPDATE hakem.backfill b SET throttled_by = NULL, throttled_why = NULL" UNFINISHED
                 " RETURNING 1",
                 revision),
        ret_count, err);
}

enum error_code steer_set(struct session *session, const char *revision, const char *rows_max,
                          const char *rest_times, uint64_t *ret_count, struct error *err)
{
    return change(session,
                  SQL_WITH("UPDATE hakem.backfill b SET"
                           " rows_max = CASE WHEN $2::text IS NULL THEN rows_max"
                           " ELSE nullif($2, '')::integer END,"
                           " rest_times = CASE WHEN $3::text IS NULL THEN rest_times"
                           " ELSE nullif($3, '')::integer END" UNFINISHED " RETURNING 1",
                           revision, rows_max, rest_times),
                  ret_count, err);
}
