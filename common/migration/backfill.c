#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/filling.h"
#include "common/migration/schema.h"
#include "common/migration/segment.h"
#include "common/migration/steer.h"
#include "embedded_hakem_migration.h"

#include <inttypes.h>
#include <string.h>

#define THROTTLED_LOOK_MS 500

void filling_add_call(struct filling *f, struct transaction *t, const char *sql)
{
    transaction_add(
        t, f->where, sql, 3,
        (const char *const[]){f->m->revision->name, f->m->generation_text, f->position_text});
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

/* From here on the revision does not stand any more, and triggers that would do it again are gone.
 */
static void add_revert(struct filling *f, struct transaction *t)
{
    const struct log_row row = {.phase = migration_phase_name(MIGRATION_REVERT),
                                .outcome = "intent",
                                .hash = "",
                                .detail = f->title};

    backfill_add_cleanup(f->m, t);
    transaction_log(f->m, t, &row);
    segment_add_marks(f->m, t, MIGRATION_REVERT, false);
}

static enum error_code try_begin(void *context, uint64_t lock_timeout_ms, struct error *err)
{
    struct filling *f = context;
    struct transaction *t = transaction_new(f->m->scratch);
    enum error_code code;

    transaction_begin(f->m, t, lock_timeout_ms);
    if (f->phase == MIGRATION_REVERT)
        add_revert(f, t);
    if (f->spec->trigger)
        sync_add(f, t);
    filling_add_call(
        f, t,
        memory_format(t,
                      "INSERT INTO hakem.backfill (revision, generation, position, total, target,"
                      " what, into_table) VALUES ($1, $2::bigint, $3::integer, %" PRIu64
                      ", %s, '%s', %s)",
                      f->total, sql_literal(t, f->spec->table),
                      f->phase == MIGRATION_REVERT ? "back" : change_name(f->spec->change),
                      f->spec->archive != NULL ? sql_literal(t, f->spec->archive) : "NULL"));
    lanes_add(f, t);
    transaction_commit(f->m, t, false);
    code = transaction_run(f->m, t, NULL, err);
    talloc_free(t);
    return code;
}

/* What batches of these call. */
static enum error_code make_functions(struct filling *f, struct error *err)
{
    if (f->spec->change != MIGRATION_CHANGE_JSON && f->spec->archive == NULL)
        return ERROR_OK;
    return session_run(f->m->session, embedded_change, err);
}

static enum error_code begin_filling(struct filling *f, struct error *err)
{
    struct sql_call count = {.where = f->where};

    /* An older version of this command may have made the schema. */
    if (schema_ensure(f->m->session, err) != ERROR_OK || read_row(f, err) != ERROR_OK)
        return err->code;
    if (f->is_finished)
        return ERROR_OK; /* whatever has become of its table since */
    if (make_functions(f, err) != ERROR_OK ||
        backfill_key_read(f->m, f->spec, f->where, &f->key, err) != ERROR_OK ||
        move_prepare(f, err) != ERROR_OK || command_prepare(f, err) != ERROR_OK)
        return err->code;
    if (f->has_row)
        return lanes_open(f, err);
    count.text = change_count_sql(f, f->m->scratch);
    if (check_before(f, err) != ERROR_OK ||
        session_ask_number(f->m->session, count, &f->total, err) != ERROR_OK ||
        lanes_plan(f, err) != ERROR_OK || ladder_climb(f->m, try_begin, f, err) != ERROR_OK)
        return err->code;
    f->pass = 1;
    return lanes_open(f, err);
}

/* ---- batches ---- */

/* How far it is, and why it goes no faster. */
static void report(struct filling *f)
{
    char why[128], text[256];

    pace_say(&f->pace, why, sizeof(why));
    (void)text_format(text, sizeof(text), "%s%s%s", f->title, why[0] != '\0' ? ", " : "", why);
    migrator_report(f->m, f->done, f->total > f->done ? f->total : f->done, text);
}

/* One, with all that it takes to have it. */
static enum error_code try_batch(struct filling *f, struct error *err)
{
    if (f->lanes != NULL)
        return ladder_climb(f->m, lanes_try_round, f, err);
    return ladder_climb(f->m, batch_try, f, err);
}

static enum error_code begin_batch(struct filling *f, struct error *err)
{
    f->rows_changed = 0;
    f->rows_wanted = f->pace.rows;
    if (f->lanes != NULL)
        lanes_begin_round(f);
    return command_ask(f, err);
}

static enum error_code run_batch(struct filling *f, struct error *err)
{
    uint64_t began;

    do {
        if (begin_batch(f, err) != ERROR_OK)
            return err->code;
        began = clock_monotonic_ms();
        if (try_batch(f, err) == ERROR_OK)
            break;
        if (err->code != ERROR_TIMEOUT || !pace_halve(&f->pace))
            return err->code;
    } while (true);
    f->took_ms = clock_monotonic_ms() - began;
    if (f->lanes != NULL)
        lanes_end_round(f);
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
        (void)text_format(text, sizeof(text), "%s, throttled by %s: %s", f->title, steer->by,
                          steer->why);
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
    if (lanes_note_count(f, err) != ERROR_OK)
        return err->code;
    return steer_note(f->m->session, &key, why, err);
}

static enum error_code say_wait(void *context, struct error *err)
{
    struct filling *f = context;
    struct steer_key key = key_of(f);
    char why[STEER_WHY_MAX + 1];

    report(f);
    pace_say(&f->pace, why, sizeof(why));
    return steer_note(f->m->session, &key, why, err);
}

static enum error_code run_pass(struct filling *f, struct error *err)
{
    bool has_looked = true; /* an operator may have throttled what is resumed */

    f->pace.on_wait = say_wait;
    f->pace.context = f;
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

/* The statements of revert.sql have numbers of their own. */
static void add_log(struct filling *f, struct transaction *t)
{
    char hash[HASH_HEX_SIZE];
    bool is_revert = f->phase == MIGRATION_REVERT;
    const char *sql = change_sql(f, t);
    struct log_row row = {.phase = migration_phase_name(f->phase),
                          .statement = is_revert ? 0 : f->position + 1,
                          .outcome = is_revert ? "note" : "done",
                          .hash = hash,
                          .detail = memory_format(t, "%s: %" PRIu64 " rows in %" PRIu64 " passes",
                                                  f->title, f->done, f->pass)};

    hash_bytes_hex(sql, strlen(sql), hash);
    transaction_log(f->m, t, &row);
}

static enum error_code finish_in_transaction(struct filling *f, struct error *err)
{
    struct transaction *t = transaction_new(f->m->scratch);
    enum error_code code;

    if (f->spec->trigger)
        sync_add_drop(t, f->sync, f->spec->table);
    filling_add_call(f, t,
                     "UPDATE hakem.backfill SET finished_at = pg_catalog.clock_timestamp()"
                     " WHERE revision = $1 AND generation = $2::bigint AND position = $3::integer");
    lanes_add_count(f, t);
    add_log(f, t);
    segment_add_marks(f->m, t, f->phase, f->is_last);
    transaction_commit(f->m, t, f->is_last);
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
    transaction_add(t, f->where, change_count_sql(f, t), 0, NULL);
    code = pipeline_run(f->m->session, t->calls, t->count, outcomes, NULL, err);
    talloc_free(t);
    if (code != ERROR_OK)
        return code;
    if (!text_to_number(outcomes[2].value, UINT64_MAX, &f->left))
        f->left = UINT64_MAX;
    if (f->left == 0)
        code = check_after(f, err);
    if (f->left == 0 && code == ERROR_OK)
        return finish_in_transaction(f, err);
    if (session_is_in_transaction(f->m->session))
        (void)session_run(f->m->session, "ROLLBACK", &ignored);
    return code;
}

static enum error_code try_next_pass(void *context, uint64_t lock_timeout_ms, struct error *err)
{
    struct filling *f = context;
    struct transaction *t = transaction_new(f->m->scratch);
    enum error_code code;

    transaction_begin(f->m, t, lock_timeout_ms);
    filling_add_call(f, t,
                     "UPDATE hakem.backfill SET cursor = NULL, pass = pass + 1 WHERE revision = $1"
                     " AND generation = $2::bigint AND position = $3::integer");
    lanes_add_next_pass(f, t);
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

enum error_code filling_run(struct filling *f, struct error *err)
{
    enum error_code code = fill(f, err);

    lanes_close(f);
    return code;
}

void filling_begin(struct filling *f, struct migrator *m, enum migration_phase phase, size_t i)
{
    const struct migration_backfill *row = &m->revision->backfills[i];
    bool is_back = phase == MIGRATION_REVERT;
    size_t position = is_back ? INVERSE_POSITION_FROM + i : i;

    *f = (struct filling){
        .m = m,
        .spec = is_back ? row->inverse : row,
        .phase = phase,
        .is_last = !is_back && i + 1 == m->revision->backfill_count,
        .position = position,
        .position_text = memory_format(m->scratch, "%zu", position),
        .title =
            memory_format(m->scratch, "%s of %s", is_back ? "way back" : "backfill", row->table),
    };
    f->where = memory_format(m->scratch, "%s/migration.yaml: %s", m->revision->name, f->title);
    sync_name(m, position, f->sync);
    pace_begin(&f->pace, f->spec->table, f->spec->batch);
}

enum error_code backfill_run(struct migrator *m, struct error *err)
{
    if (m->revision->backfill_count == 0) {
        m->result.already_done = true;
        return ERROR_OK;
    }
    for (size_t i = 0; i < m->revision->backfill_count; i++) {
        struct filling filling;

        filling_begin(&filling, m, MIGRATION_BACKFILL, i);
        if (filling_run(&filling, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}
