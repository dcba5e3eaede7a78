/* backfill_lane.c: a backfill that goes through several ranges of its key at once: one session
 * each, and one cursor, committed with its rows.
 */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/filling.h"
#include "common/postgres/quote.h"

#include <inttypes.h>
#include <string.h>

#define LANE_ROWS_MIN 1000 /* a table of fewer a lane has no use for them */
/* BEGIN, the fence, the batch, COMMIT, the position */
#define LANE_CALLS_MAX 5
#define LANE_BATCH     2

struct lane {
    struct session *session;
    struct batch_range range;
    bool has_ended;  /* in this pass */
    bool is_pending; /* in this round */
    struct transaction *sent;
    bool has_worked; /* in this round */
};

struct lanes {
    size_t count;
    struct lane list[MIGRATION_PARALLEL_MAX];
};

/* ---- making them ---- */

/* Where all but the last end: rows that cut the table into equal parts. */
static const char *bounds_sql(const struct filling *f, const void *parent)
{
    const struct backfill_key *key = &f->key;
    const char *outputs = backfill_key_outputs(key, parent);

    return memory_format(
        parent,
        "SELECT pg_catalog.array_agg(hakem_c ORDER BY hakem_n)::text FROM (SELECT %s AS hakem_c,"
        " hakem_n FROM (SELECT *, pg_catalog.row_number() OVER (ORDER BY %s) AS hakem_n,"
        " count(*) OVER () AS hakem_all FROM (SELECT %s FROM %s) AS keys) AS numbered"
        " WHERE hakem_all >= %d * %" PRIu64 " AND hakem_n %% (hakem_all / %" PRIu64 ") = 0"
        " AND hakem_n / (hakem_all / %" PRIu64 ") < %" PRIu64 ") AS bounds",
        backfill_key_cursor(key, parent), outputs, backfill_key_select(key, parent), f->spec->table,
        LANE_ROWS_MIN, f->spec->parallel, f->spec->parallel, f->spec->parallel, f->spec->parallel);
}

enum error_code lanes_plan(struct filling *f, struct error *err)
{
    struct sql_call call = {.where = f->where};
    struct rows *rows;

    if (f->spec->parallel <= 1)
        return ERROR_OK;
    call.text = bounds_sql(f, f->m->scratch);
    if (session_query(f->m->session, call, &rows, err) != ERROR_OK)
        return err->code;
    if (!rows_is_null(rows, 0, 0))
        f->bounds = memory_text(f->m->scratch, rows_text(rows, 0, 0));
    rows_free(rows);
    return ERROR_OK;
}

void lanes_add(struct filling *f, struct transaction *t)
{
    if (f->bounds == NULL)
        return;
    transaction_add(t, f->where,
                    "INSERT INTO hakem.backfill_lane (revision, generation, position, lane,"
                    " from_cursor, until_cursor, cursor) SELECT $1, $2::bigint, $3::integer, n - 1,"
                    " lag(c) OVER (ORDER BY n), c, lag(c) OVER (ORDER BY n)"
                    " FROM pg_catalog.unnest(pg_catalog.array_append($4::text[], NULL))"
                    " WITH ORDINALITY AS bounds (c, n)",
                    4,
                    (const char *const[]){f->m->revision->name, f->m->generation_text,
                                          f->position_text, f->bounds});
}

/* ---- sessions ---- */

/* As the migrator's own: named alike, so that whoever ends that one ends this one, too. */
static enum error_code open_session(struct filling *f, struct session **ret, struct error *err)
{
    struct session_watch watch = migrator_watch(f->m);
    struct rows *rows;
    enum error_code code;

    if (session_query(f->m->session,
                      SQL("SELECT pg_catalog.current_setting('application_name'),"
                          " pg_catalog.current_setting('search_path')"),
                      &rows, err) != ERROR_OK)
        return err->code;
    code = session_open_beside(f->m->session, ret, err);
    if (code == ERROR_OK)
        code = session_query(*ret,
                             SQL_WITH("SELECT pg_catalog.set_config('application_name', $1, false),"
                                      " pg_catalog.set_config('search_path', $2, false)",
                                      rows_text(rows, 0, 0), rows_text(rows, 0, 1)),
                             NULL, err);
    rows_free(rows);
    if (code != ERROR_OK)
        return code;
    watch.on_tick = NULL; /* it would observe the migrator's own session */
    (void)session_set_watch(*ret, watch);
    return ERROR_OK;
}

static enum error_code open_all(struct filling *f, const struct rows *rows, struct error *err)
{
    struct lanes *lanes = f->lanes;

    f->done = 0;
    for (size_t i = 0; i < lanes->count; i++) {
        struct lane *lane = &lanes->list[i];

        f->done += rows_number(rows, i, 3);
        lane->range =
            (struct batch_range){.lane = memory_text(f->m->scratch, rows_text(rows, i, 0)),
                                 .has_cursor = rows_bool(rows, i, 1),
                                 .has_end = rows_bool(rows, i, 2)};
        if (i == 0)
            lane->session = f->m->session;
        else if (open_session(f, &lane->session, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

enum error_code lanes_open(struct filling *f, struct error *err)
{
    struct rows *rows;
    enum error_code code;

    if (f->spec->parallel <= 1)
        return ERROR_OK;
    if (session_query(f->m->session,
                      SQL_WITH("SELECT lane, cursor IS NOT NULL, until_cursor IS NOT NULL, done"
                               " FROM hakem.backfill_lane WHERE revision = $1"
                               " AND generation = $2::bigint AND position = $3::integer"
                               " ORDER BY lane",
                               f->m->revision->name, f->m->generation_text, f->position_text),
                      &rows, err) != ERROR_OK)
        return err->code;
    if (rows_count(rows) == 0 || rows_count(rows) > MIGRATION_PARALLEL_MAX) {
        rows_free(rows);
        return ERROR_OK;
    }
    f->lanes = memory_new(f->m->scratch, struct lanes);
    f->lanes->count = rows_count(rows);
    code = open_all(f, rows, err);
    rows_free(rows);
    return code;
}

void lanes_close(struct filling *f)
{
    for (size_t i = 1; f->lanes != NULL && i < f->lanes->count; i++)
        session_close(f->lanes->list[i].session);
    f->lanes = NULL;
}

/* ---- rounds ---- */

void lanes_begin_round(struct filling *f)
{
    size_t room = pace_has_room(&f->pace) ? f->lanes->count : 1;

    for (size_t i = 0; i < f->lanes->count; i++) {
        struct lane *lane = &f->lanes->list[i];

        lane->is_pending = !lane->has_ended && room > 0;
        lane->has_worked = false;
        room -= lane->is_pending;
    }
}

static enum error_code send(struct filling *f, struct lane *lane, uint64_t lock_timeout_ms,
                            struct error *err)
{
    struct transaction *t = transaction_new(f->m->scratch);

    transaction_begin(f->m, t, lock_timeout_ms);
    batch_add(f, t, &lane->range);
    transaction_commit(f->m, t, false);
    if (pipeline_send(lane->session, t->calls, t->count, err) != ERROR_OK) {
        talloc_free(t);
        return err->code;
    }
    lane->sent = t;
    return ERROR_OK;
}

static enum error_code receive(struct filling *f, struct lane *lane, struct error *err)
{
    struct pipeline_outcome outcomes[LANE_CALLS_MAX] = {{.rows = 0}};
    struct transaction *t = lane->sent;
    uint64_t changed = 0, seen = 0;
    enum error_code code = pipeline_receive(lane->session, t->calls, t->count, outcomes, NULL, err);

    lane->sent = NULL;
    talloc_free(t);
    if (code != ERROR_OK)
        return code;
    if (!batch_take_counts(outcomes[LANE_BATCH].value, &changed, &seen))
        return error_set(err, ERROR_CORRUPT, "%s: the row of hakem.backfill_lane is gone",
                         f->where);
    f->done += changed;
    f->m->result.rows_changed += changed;
    lane->is_pending = false;
    lane->has_worked = true;
    lane->range.has_cursor = lane->range.has_cursor || seen > 0;
    lane->has_ended = seen < f->pace.rows;
    return ERROR_OK;
}

/* What another try may mend gives way to what it can't. */
static bool is_worse(enum error_code code, enum error_code than)
{
    return than == ERROR_OK ||
           ((than == ERROR_LOCK || than == ERROR_CONFLICT || than == ERROR_TIMEOUT) &&
            code != ERROR_LOCK && code != ERROR_CONFLICT && code != ERROR_TIMEOUT);
}

static void note(enum error_code code, const struct error *from, struct error *err)
{
    if (code != ERROR_OK && is_worse(code, err->code))
        *err = *from;
}

enum error_code lanes_try_round(void *context, uint64_t lock_timeout_ms, struct error *err)
{
    struct filling *f = context;
    struct lanes *lanes = f->lanes;
    struct error one;

    err->code = ERROR_OK;
    for (size_t i = 0; i < lanes->count; i++)
        if (lanes->list[i].is_pending)
            note(send(f, &lanes->list[i], lock_timeout_ms, &one), &one, err);
    for (size_t i = 0; i < lanes->count; i++)
        if (lanes->list[i].sent != NULL)
            note(receive(f, &lanes->list[i], &one), &one, err);
    return err->code;
}

void lanes_end_round(struct filling *f)
{
    bool have_ended = true;
    size_t count = 0;

    for (size_t i = 0; i < f->lanes->count; i++) {
        count += f->lanes->list[i].has_worked;
        have_ended = have_ended && f->lanes->list[i].has_ended;
    }
    f->pace.own += count > 1 ? count - 1 : 0; /* the pace counts one */
    f->rows_changed = 0;                      /* counted already */
    f->rows_seen = have_ended ? 0 : f->rows_wanted;
}

/* ---- counts and passes ---- */

#define ITS_ROW " WHERE revision = $1 AND generation = $2::bigint AND position = $3::integer"

static const char count_sql[] = "UPDATE hakem.backfill SET done = (SELECT sum(done)"
                                " FROM hakem.backfill_lane" ITS_ROW ")" ITS_ROW;

void lanes_add_count(struct filling *f, struct transaction *t)
{
    if (f->lanes != NULL)
        filling_add_call(f, t, count_sql);
}

enum error_code lanes_note_count(struct filling *f, struct error *err)
{
    if (f->lanes == NULL)
        return ERROR_OK;
    return session_query(
        f->m->session,
        SQL_WITH(count_sql, f->m->revision->name, f->m->generation_text, f->position_text), NULL,
        err);
}

void lanes_add_next_pass(struct filling *f, struct transaction *t)
{
    if (f->lanes == NULL)
        return;
    filling_add_call(f, t, "UPDATE hakem.backfill_lane SET cursor = from_cursor" ITS_ROW);
    for (size_t i = 0; i < f->lanes->count; i++) {
        struct lane *lane = &f->lanes->list[i];

        lane->has_ended = false;
        lane->range.has_cursor = i > 0;
    }
}
