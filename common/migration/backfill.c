#include "common/migration/backfill.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/backfill_key.h"
#include "common/migration/pace.h"
#include "common/migration/segment.h"
#include "common/migration/steer.h"

#include <inttypes.h>
#include <string.h>

#define SYNC_NAME_SIZE    32
#define THROTTLED_LOOK_MS 500

/* One row of migration.yaml's list on its way. */
struct filling {
    struct migrator *m;
    const struct migration_backfill *spec;
    size_t position;
    const char *position_text;
    char sync[SYNC_NAME_SIZE]; /* trigger, and function in schema hakem */
    struct backfill_key key;
    const char *where; /* for errors */
    bool has_row;
    bool is_finished;
    bool has_cursor;
    uint64_t pass;
    struct pace pace;
    uint64_t done;
    uint64_t total;
    uint64_t left; /* by the last count */
    /* of the last batch */
    uint64_t rows_wanted;
    uint64_t took_ms;
    uint64_t rows_changed;
    uint64_t rows_seen;
};

/* ---- names and texts ---- */

static void name_sync(const struct migrator *m, size_t position, char ret[static SYNC_NAME_SIZE])
{
    char hex[HASH_HEX_SIZE];
    struct hash hash;

    hash_begin(&hash);
    hash_add(&hash, m->revision->name, strlen(m->revision->name));
    hash_add(&hash, &position, sizeof(position));
    hash_end_hex(&hash, hex);
    (void)text_format(ret, SYNC_NAME_SIZE, "hakem_sync_%.12s", hex);
}

#define ITS_CURSOR                                                                                 \
    "SELECT cursor FROM hakem.backfill WHERE revision = $1 AND generation = $2::bigint"            \
    " AND position = $3::integer"

/* The cursor names rows, not rows still to be done: what is written behind it meanwhile is the
 * trigger's, or the next pass's. */
static const char *batch_sql(const struct filling *f, const void *parent)
{
    const struct migration_backfill *spec = f->spec;
    const struct backfill_key *key = &f->key;
    const char *list = backfill_key_list(key, parent);
    const char *outputs = backfill_key_outputs(key, parent);
    const char *from = "";

    if (f->has_cursor)
        from = memory_format(parent, " WHERE (%s) > (%s)", list,
                             backfill_key_from(key, "(" ITS_CURSOR ")", parent));
    return memory_format(
        parent,
        "WITH batch AS MATERIALIZED (SELECT %s FROM %s%s ORDER BY %s LIMIT %" PRIu64
        "), last AS MATERIALIZED (SELECT %s FROM batch ORDER BY %s LIMIT 1),"
        " first AS MATERIALIZED (SELECT %s FROM batch ORDER BY %s LIMIT 1),"
        " changed AS (UPDATE %s SET %s WHERE (%s) >= (SELECT %s FROM first)"
        " AND (%s) <= (SELECT %s FROM last) AND (%s) RETURNING 1)"
        " UPDATE hakem.backfill SET cursor = coalesce((SELECT %s FROM last), cursor),"
        " done = done + (SELECT count(*) FROM changed) WHERE revision = $1"
        " AND generation = $2::bigint AND position = $3::integer"
        " RETURNING (SELECT count(*) FROM changed) || ' ' || (SELECT count(*) FROM batch)",
        backfill_key_select(key, parent), spec->table, from, list, f->pace.rows, outputs,
        backfill_key_order(key, "DESC", parent), outputs, outputs, spec->table, spec->set, list,
        outputs, list, outputs, spec->where, backfill_key_cursor(key, parent));
}

static const char *count_sql(const struct filling *f, const void *parent)
{
    return memory_format(parent, "SELECT count(*) FROM %s WHERE (%s)", f->spec->table,
                         f->spec->where);
}

/* Three parameters: which row of hakem.backfill. */
static void add_call(struct filling *f, struct transaction *t, const char *sql)
{
    transaction_add(
        t, f->where, sql, 3,
        (const char *const[]){f->m->revision->name, f->m->generation_text, f->position_text});
}

/* ---- the trigger ---- */

static void add_function(struct filling *f, struct transaction *t)
{
    const struct migration_backfill *spec = f->spec;

    transaction_add(
        t, f->where,
        memory_format(t,
                      "CREATE OR REPLACE FUNCTION hakem.%s() RETURNS trigger LANGUAGE plpgsql"
                      " SECURITY DEFINER SET search_path FROM CURRENT AS $hakem$ BEGIN"
                      " UPDATE %s SET %s WHERE %s AND (%s); RETURN NULL;"
                      " END $hakem$",
                      f->sync, spec->table, spec->set, backfill_key_equals_new(&f->key, t),
                      spec->where),
        0, NULL);
}

/* The guard stands in WHEN: rows that are right already cost almost nothing. */
static void add_trigger(struct filling *f, struct transaction *t)
{
    const char *guard = split_expression_of_new(t, f->spec->where);

    add_function(f, t);
    transaction_add(t, f->where,
                    memory_format(t,
                                  "CREATE OR REPLACE TRIGGER %s AFTER INSERT OR UPDATE ON %s"
                                  " FOR EACH ROW WHEN (pg_catalog.pg_trigger_depth() < 8 AND %s)"
                                  " EXECUTE FUNCTION hakem.%s()",
                                  f->sync, f->spec->table, guard != NULL ? guard : "true", f->sync),
                    0, NULL);
    /* Rows that are replicated to this database are written behind the cursor, too. */
    transaction_add(
        t, f->where,
        memory_format(t, "ALTER TABLE %s ENABLE ALWAYS TRIGGER %s", f->spec->table, f->sync), 0,
        NULL);
}

static void add_trigger_drop(struct transaction *t, const char *sync, const char *table)
{
    transaction_add_plain(t, memory_format(t, "DROP TRIGGER IF EXISTS %s ON %s", sync, table));
    transaction_add_plain(t, memory_format(t, "DROP FUNCTION IF EXISTS hakem.%s()", sync));
}

void backfill_add_cleanup(struct migrator *m, struct transaction *t)
{
    struct error ignored;
    struct rows *rows;
    char sync[SYNC_NAME_SIZE];

    if (m->revision->backfill_count == 0 ||
        session_query(m->session,
                      SQL_WITH("SELECT position FROM hakem.backfill WHERE revision = $1"
                               " AND generation = $2::bigint AND finished_at IS NULL",
                               m->revision->name, m->generation_text),
                      &rows, &ignored) != ERROR_OK)
        return;
    for (size_t i = 0; i < rows_count(rows); i++) {
        uint64_t position = rows_number(rows, i, 0);

        if (position >= m->revision->backfill_count || !m->revision->backfills[position].trigger)
            continue;
        name_sync(m, (size_t)position, sync);
        add_trigger_drop(t, sync, m->revision->backfills[position].table);
    }
    rows_free(rows);
}

/* ---- beginning ---- */

static enum error_code read_row(struct filling *f, struct error *err)
{
    struct rows *rows;

    if (session_query(f->m->session,
                      SQL_WITH("SELECT cursor IS NOT NULL, pass, done, total,"
                               " finished_at IS NOT NULL FROM hakem.backfill WHERE revision = $1"
                               " AND generation = $2::bigint AND position = $3::integer",
                               f->m->revision->name, f->m->generation_text, f->position_text),
                      &rows, err) != ERROR_OK)
        return err->code;
    f->has_row = rows_count(rows) == 1;
    if (f->has_row) {
        f->has_cursor = rows_bool(rows, 0, 0);
        f->pass = rows_number(rows, 0, 1);
        f->done = rows_number(rows, 0, 2);
        f->total = rows_number(rows, 0, 3);
        f->is_finished = rows_bool(rows, 0, 4);
    }
    rows_free(rows);
    return ERROR_OK;
}

static enum error_code try_begin(void *context, uint64_t lock_timeout_ms, struct error *err)
{
    struct filling *f = context;
    struct transaction *t = transaction_new(f->m->scratch);
    enum error_code code;

    transaction_begin(f->m, t, lock_timeout_ms);
    if (f->spec->trigger)
        add_trigger(f, t);
    add_call(
        f, t,
        memory_format(t,
                      "INSERT INTO hakem.backfill (revision, generation, position, total, target)"
                      " VALUES ($1, $2::bigint, $3::integer, %" PRIu64 ", $hakem$%s$hakem$)",
                      f->total, f->spec->table));
    transaction_commit(f->m, t, false);
    code = transaction_run(f->m, t, NULL, err);
    talloc_free(t);
    return code;
}

static enum error_code begin_filling(struct filling *f, struct error *err)
{
    struct sql_call count = {.text = count_sql(f, f->m->scratch), .where = f->where};

    if (backfill_key_read(f->m, f->spec, f->where, &f->key, err) != ERROR_OK ||
        read_row(f, err) != ERROR_OK)
        return err->code;
    if (f->has_row)
        return ERROR_OK;
    if (session_ask_number(f->m->session, count, &f->total, err) != ERROR_OK ||
        ladder_climb(f->m, try_begin, f, err) != ERROR_OK)
        return err->code;
    f->pass = 1;
    return ERROR_OK;
}

/* ---- batches ---- */

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

static enum error_code try_batch(void *context, uint64_t lock_timeout_ms, struct error *err)
{
    struct filling *f = context;
    struct transaction *t = transaction_new(f->m->scratch);
    struct pipeline_outcome outcomes[5];
    enum error_code code;

    transaction_begin(f->m, t, lock_timeout_ms);
    add_call(f, t, batch_sql(f, t));
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

/* How far it is, and why it goes no faster. */
static void report(struct filling *f)
{
    char why[128], text[256];

    pace_say(&f->pace, why, sizeof(why));
    (void)text_format(text, sizeof(text), "backfill of %s%s%s", f->spec->table,
                      why[0] != '\0' ? ", " : "", why);
    migrator_report(f->m, f->done, f->total > f->done ? f->total : f->done, text);
}

static enum error_code run_batch(struct filling *f, struct error *err)
{
    uint64_t began;

    do {
        f->rows_changed = 0;
        f->rows_wanted = f->pace.rows;
        began = clock_monotonic_ms();
        if (ladder_climb(f->m, try_batch, f, err) == ERROR_OK)
            break;
        if (err->code != ERROR_TIMEOUT || !pace_halve(&f->pace))
            return err->code;
    } while (true);
    f->took_ms = clock_monotonic_ms() - began;
    f->has_cursor = f->has_cursor || f->rows_seen > 0;
    f->done += f->rows_changed;
    f->m->result.rows_changed += f->rows_changed;
    f->m->result.statements_run++;
    report(f);
    return ERROR_OK;
}

static struct steer_key key_of(const struct filling *f)
{
    return (struct steer_key){.revision = f->m->revision->name,
                              .generation = f->m->generation_text,
                              .position = f->position_text};
}

/* Until an operator lets it go on. */
static enum error_code wait_while_throttled(struct filling *f, struct steer *steer,
                                            struct error *err)
{
    uint64_t end = clock_monotonic_ms() + STEER_THROTTLED_MAX_MS;
    struct steer_key key = key_of(f);
    char text[512];

    while (steer->is_throttled) {
        (void)text_format(text, sizeof(text), "backfill of %s, throttled by %s: %s", f->spec->table,
                          steer->by, steer->why);
        migrator_report(f->m, f->done, f->total, text);
        if (clock_monotonic_ms() >= end)
            return error_set(err, ERROR_TIMEOUT, "%s: it has been throttled for a day by %s: %s",
                             f->where, steer->by, steer->why);
        if (!migrator_pause(f->m, THROTTLED_LOOK_MS))
            return error_set(err, ERROR_CANCELLED, "cancelled while it was throttled");
        if (steer_read(f->m->session, &key, steer, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

/* What operators want, and what they are told, as often as it is looked at who else is there. */
static enum error_code steer(struct filling *f, struct error *err)
{
    struct steer_key key = key_of(f);
    char why[STEER_WHY_MAX + 1];
    struct steer steer;

    if (steer_read(f->m->session, &key, &steer, err) != ERROR_OK ||
        wait_while_throttled(f, &steer, err) != ERROR_OK)
        return err->code;
    pace_steer(&f->pace, steer.rows_max != 0 ? steer.rows_max : f->spec->batch,
               steer.has_rest ? &steer.rest_times : NULL);
    pace_say(&f->pace, why, sizeof(why));
    return steer_note(f->m->session, &key, why, err);
}

static enum error_code run_pass(struct filling *f, struct error *err)
{
    bool has_looked = true; /* an operator may have throttled what is resumed */

    while (true) {
        if ((has_looked && steer(f, err) != ERROR_OK) || run_batch(f, err) != ERROR_OK)
            return err->code;
        if (f->rows_seen < f->rows_wanted)
            return ERROR_OK;
        if (pace_keep(&f->pace, f->m, f->took_ms, &has_looked, err) != ERROR_OK)
            return err->code;
    }
}

/* ---- the end ---- */

static void add_log(struct filling *f, struct transaction *t)
{
    char hash[HASH_HEX_SIZE], detail[64];
    struct log_row row = {.phase = migration_phase_name(MIGRATION_BACKFILL),
                          .statement = f->position + 1,
                          .outcome = "done",
                          .hash = hash,
                          .detail = detail};

    hash_bytes_hex(f->spec->set, strlen(f->spec->set), hash);
    (void)text_format(detail, sizeof(detail), "%" PRIu64 " rows in %" PRIu64 " passes", f->done,
                      f->pass);
    transaction_log(f->m, t, &row);
}

static enum error_code finish_in_transaction(struct filling *f, struct error *err)
{
    struct transaction *t = transaction_new(f->m->scratch);
    bool is_last = f->position + 1 == f->m->revision->backfill_count;
    enum error_code code;

    if (f->spec->trigger)
        add_trigger_drop(t, f->sync, f->spec->table);
    add_call(f, t,
             "UPDATE hakem.backfill SET finished_at = pg_catalog.clock_timestamp()"
             " WHERE revision = $1 AND generation = $2::bigint AND position = $3::integer");
    add_log(f, t);
    segment_add_marks(f->m, t, MIGRATION_BACKFILL, is_last);
    transaction_commit(f->m, t, is_last);
    code = transaction_run(f->m, t, NULL, err);
    talloc_free(t);
    return code;
}

/* Counts, and ends only if nothing is left, in one transaction. */
static enum error_code try_finish(void *context, uint64_t lock_timeout_ms, struct error *err)
{
    struct filling *f = context;
    struct transaction *t = transaction_new(f->m->scratch);
    struct pipeline_outcome outcomes[3] = {{.rows = 0}};
    struct error ignored;
    enum error_code code;

    transaction_begin(f->m, t, lock_timeout_ms);
    transaction_add(t, f->where, count_sql(f, t), 0, NULL);
    code = pipeline_run(f->m->session, t->calls, t->count, outcomes, NULL, err);
    talloc_free(t);
    if (code != ERROR_OK)
        return code;
    if (!text_to_number(outcomes[2].value, UINT64_MAX, &f->left))
        f->left = UINT64_MAX;
    if (f->left == 0)
        return finish_in_transaction(f, err);
    (void)session_run(f->m->session, "ROLLBACK", &ignored);
    return ERROR_OK;
}

static enum error_code try_next_pass(void *context, uint64_t lock_timeout_ms, struct error *err)
{
    struct filling *f = context;
    struct transaction *t = transaction_new(f->m->scratch);
    enum error_code code;

    transaction_begin(f->m, t, lock_timeout_ms);
    add_call(f, t,
             "UPDATE hakem.backfill SET cursor = NULL, pass = pass + 1 WHERE revision = $1"
             " AND generation = $2::bigint AND position = $3::integer");
    transaction_commit(f->m, t, false);
    code = transaction_run(f->m, t, NULL, err);
    talloc_free(t);
    return code;
}

static enum error_code begin_next_pass(struct filling *f, struct error *err)
{
    if (f->pass >= BACKFILL_PASSES_MAX)
        return error_set(err, ERROR_FAILED,
                         "%s: after %d passes %" PRIu64
                         " rows of %s are still to be done: set does "
                         "not make where false, or somebody writes such rows faster; trigger: true "
                         "keeps them right",
                         f->where, BACKFILL_PASSES_MAX, f->left, f->spec->table);
    if (ladder_climb(f->m, try_next_pass, f, err) != ERROR_OK)
        return err->code;
    f->pass++;
    f->has_cursor = false;
    return ERROR_OK;
}

static enum error_code fill(struct filling *f, struct error *err)
{
    if (begin_filling(f, err) != ERROR_OK)
        return err->code;
    while (!f->is_finished) {
        if (run_pass(f, err) != ERROR_OK || ladder_climb(f->m, try_finish, f, err) != ERROR_OK)
            return err->code;
        if (f->left == 0)
            return ERROR_OK;
        if (begin_next_pass(f, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

enum error_code backfill_run(struct migrator *m, struct error *err)
{
    if (m->revision->backfill_count == 0) {
        m->result.already_done = true;
        return ERROR_OK;
    }
    for (size_t i = 0; i < m->revision->backfill_count; i++) {
        struct filling filling = {
            .m = m,
            .spec = &m->revision->backfills[i],
            .position = i,
            .position_text = memory_format(m->scratch, "%zu", i),
            .where = memory_format(m->scratch, "%s/migration.yaml: backfill of %s",
                                   m->revision->name, m->revision->backfills[i].table),
        };

        name_sync(m, i, filling.sync);
        pace_begin(&filling.pace, m->revision->backfills[i].batch);
        if (fill(&filling, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}
