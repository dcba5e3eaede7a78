#include "common/migration/segment.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "embedded_hakem_migration.h"

#include <inttypes.h>
#include <string.h>

#define OUTSIDE_TRIES_MAX   3
#define LOGGED_TOGETHER_MAX 16 /* more are logged one by one: a list of laps grows with each */

const char *statement_where(struct migrator *m, const struct split *split, size_t statement)
{
    return memory_format(m->scratch, "%s:%zu", split->path, split->statements[statement].line);
}

const char *segment_where(const struct script_run *s, size_t statement)
{
    return statement_where(s->m, s->split, statement);
}

/* ---- what is done ---- */

static enum error_code read_log(struct script_run *s, struct error *err)
{
    struct rows *rows;

    if (session_query(s->m->session,
                      SQL_WITH(embedded_phase_log, s->m->revision->name, s->m->generation_text,
                               migration_phase_name(s->phase)),
                      &rows, err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < rows_count(rows); i++) {
        uint64_t statement = rows_number(rows, i, 0);

        if (statement == 0 || statement > s->split->count)
            continue;
        s->is_done[statement - 1] = rows_bool(rows, i, 1);
        s->has_intent[statement - 1] = rows_bool(rows, i, 2);
    }
    rows_free(rows);
    return ERROR_OK;
}

enum error_code script_run_open(struct script_run *s, struct migrator *m, const struct split *split,
                                enum migration_phase phase, struct error *err)
{
    *s = (struct script_run){.m = m, .split = split, .phase = phase};
    s->is_done = memory_array(m->scratch, bool, split->count);
    s->has_intent = memory_array(m->scratch, bool, split->count);
    s->is_selected = memory_array(m->scratch, bool, split->count);
    for (size_t i = 0; i < split->count; i++)
        s->is_selected[i] = true;
    return m->state.is_partial ? read_log(s, err) : ERROR_OK;
}

/* ---- segments ---- */

static bool is_open(const struct script_run *s, size_t i)
{
    return s->is_selected[i] && !s->is_done[i];
}

static bool joins(const struct script_run *s, size_t i)
{
    const struct split_statement *statement = &s->split->statements[i];

    return statement->class == SPLIT_TOGETHER && !statement->cuts;
}

static bool has_open_before(const struct script_run *s, size_t from, size_t end)
{
    for (size_t i = from; i < end; i++)
        if (is_open(s, i))
            return true;
    return false;
}

bool segment_next(const struct script_run *s, size_t *at, struct segment *ret)
{
    size_t first = *at;
    size_t end;

    while (first < s->split->count && !is_open(s, first))
        first++;
    if (first >= s->split->count)
        return false;
    end = first + 1;
    if (s->split->statements[first].class == SPLIT_TOGETHER)
        while (end < s->split->count && joins(s, end))
            end++;
    *ret = (struct segment){
        .first = first,
        .end = end,
        .is_outside = s->split->statements[first].class == SPLIT_OUTSIDE,
        .is_last = !has_open_before(s, end, s->split->count),
    };
    *at = end;
    return true;
}

/* ---- marks ---- */

struct mark_values {
    bool is_expanded;
    bool is_contracted;
    bool is_partial;
};

/* E rises only after the last backfilled row, falls with the first revert statement; C rises with
 * the first contract statement. */
static struct mark_values marks_of(const struct migrator *m, enum migration_phase phase,
                                   bool is_last)
{
    bool has_backfill = m->revision->backfill_count > 0;
    bool is_up = is_last && !has_backfill && !m->expands_to_revert;
    const struct mark_values values[MIGRATION_PHASE_COUNT] = {
        [MIGRATION_EXPAND] = {.is_expanded = is_up, .is_partial = !is_up},
        [MIGRATION_BACKFILL] = {.is_expanded = is_last, .is_partial = !is_last},
        [MIGRATION_CONTRACT] = {.is_expanded = true, .is_contracted = true, .is_partial = !is_last},
        [MIGRATION_REVERT] = {.is_partial = !is_last},
    };

    return values[phase];
}

static const char *bool_text(bool value)
{
    return value ? "true" : "false";
}

/* Statements whose log rows are written with the marks. */
struct logged {
    const char *numbers[LOGGED_TOGETHER_MAX];
    const char *hashes[LOGGED_TOGETHER_MAX];
    size_t count;
};

static void add_finish(struct migrator *m, struct transaction *t, enum migration_phase phase,
                       const struct logged *logged)
{
    struct mark_values marks = marks_of(m, phase, true);
    char generation[MIGRATOR_NUMBER_SIZE];
    bool is_revert = phase == MIGRATION_REVERT;

    (void)text_format(generation, sizeof(generation), "%" PRIu64, m->state.generation + is_revert);
    transaction_add(
        t, "the marks", embedded_phase_finish, 18,
        (const char *const[]){m->revision->name, migration_phase_name(phase), m->generation_text,
                              m->revision->checksum, migrator_text(m->run->operator_name),
                              migrator_text(m->run->journal), m->term_text,
                              migrator_text(m->run->rollout), m->step_text, generation,
                              is_revert ? "" : m->revision->checksum,
                              is_revert ? "" : m->revision->meaning, bool_text(marks.is_expanded),
                              bool_text(marks.is_contracted), bool_text(marks.is_partial),
                              sql_array(t, logged->numbers, logged->count),
                              sql_array(t, logged->hashes, logged->count), m->attempt_text});
}

void segment_add_marks(struct migrator *m, struct transaction *t, enum migration_phase phase,
                       bool is_last)
{
    struct mark_values marks = marks_of(m, phase, is_last);

    if (is_last) {
        add_finish(m, t, phase, &(struct logged){.count = 0});
        return;
    }
    transaction_add(t, "the marks", embedded_phase_mark, 6,
                    (const char *const[]){m->revision->name, m->generation_text,
                                          m->revision->checksum, m->revision->meaning,
                                          bool_text(marks.is_expanded),
                                          bool_text(marks.is_contracted)});
}

/* ---- transactional ---- */

static void add_log(struct script_run *s, struct transaction *t, size_t i, const char *outcome,
                    const char *detail)
{
    const struct log_row row = {.phase = migration_phase_name(s->phase),
                                .statement = i + 1,
                                .outcome = outcome,
                                .hash = s->split->statements[i].hash,
                                .detail = detail};

    transaction_log(s->m, t, &row);
}

static void append(struct transaction *t, const struct transaction *more)
{
    for (size_t i = 0; more != NULL && i < more->count; i++)
        transaction_add(t, more->calls[i].where, more->calls[i].text, more->calls[i].param_count,
                        more->calls[i].params);
}

/* ---- who measures ---- */

static void add_probe_before(const struct script_run *s, struct transaction *t)
{
    if (s->m->run->probe != NULL)
        transaction_add(t, "the probe", s->m->run->probe->before, 0, NULL);
}

/* "{\"public\".\"players\"}" */
static char *named_relations(const struct script_run *s, size_t i)
{
    const struct split_statement *statement = &s->split->statements[i];
    const char **names = memory_array(s->m->scratch, const char *, statement->table_count);

    for (size_t t = 0; t < statement->table_count; t++)
        names[t] = sql_identifier(names, statement->tables[t].schema, statement->tables[t].name);
    return sql_array(s->m->scratch, names, statement->table_count);
}

static void add_probe_after(const struct script_run *s, struct transaction *t, size_t i)
{
    char statement[MIGRATOR_NUMBER_SIZE];

    if (s->m->run->probe == NULL)
        return;
    (void)text_format(statement, sizeof(statement), "%zu", i + 1);
    transaction_add(t, "the probe", s->m->run->probe->after, 5,
                    (const char *const[]){s->m->revision->name, migration_phase_name(s->phase),
                                          statement, NULL, named_relations(s, i)});
}

static enum error_code probe_outside(const struct script_run *s, size_t i, bool is_after,
                                     struct error *err)
{
    const struct migration_probe *probe = s->m->run->probe;
    char statement[MIGRATOR_NUMBER_SIZE];

    if (probe == NULL)
        return ERROR_OK;
    (void)text_format(statement, sizeof(statement), "%zu", i + 1);
    if (!is_after)
        return session_query(s->m->session, (struct sql_call){.text = probe->before}, NULL, err);
    return session_query(s->m->session,
                         SQL_WITH(probe->after, s->m->revision->name,
                                  migration_phase_name(s->phase), statement,
                                  MIGRATION_PROBE_OUTSIDE, named_relations(s, i)),
                         NULL, err);
}

/* By the revision's role, if it has one; what Hakem keeps of it is written by its own. */
static void add_statement(struct script_run *s, struct transaction *t, size_t i)
{
    surroundings_add_by(s->m, t, surroundings_role(s->m), segment_where(s, i),
                        s->split->statements[i].text);
}

static size_t count_open(const struct script_run *s, const struct segment *segment)
{
    size_t count = 0;

    for (size_t i = segment->first; i < segment->end; i++)
        count += is_open(s, i);
    return count;
}

static void note_logged(struct script_run *s, struct transaction *t, struct logged *logged,
                        size_t i)
{
    logged->numbers[logged->count] = memory_format(t, "%zu", i + 1);
    logged->hashes[logged->count++] = s->split->statements[i].hash;
}

/* Log rows and marks in one, behind the last of `open` statements. */
static void add_done_together(struct script_run *s, struct transaction *t, struct logged *logged,
                              size_t i, size_t open)
{
    note_logged(s, t, logged, i);
    if (logged->count == open)
        add_finish(s->m, t, s->phase, logged);
    else
        transaction_lap(t);
}

void segment_add_body(struct script_run *s, struct transaction *t, const struct segment *segment)
{
    size_t open = count_open(s, segment);
    bool are_together = segment->is_last && open <= LOGGED_TOGETHER_MAX;
    struct logged logged = {.count = 0};

    append(t, s->with_first);
    for (size_t i = segment->first; i < segment->end; i++) {
        if (!is_open(s, i))
            continue;
        add_probe_before(s, t);
        add_statement(s, t, i);
        add_probe_after(s, t, i);
        if (are_together)
            add_done_together(s, t, &logged, i, open);
        else
            add_log(s, t, i, "done", NULL);
    }
    if (!are_together)
        segment_add_marks(s->m, t, s->phase, segment->is_last);
    transaction_commit(s->m, t, segment->is_last);
}

struct attempt {
    struct script_run *s;
    const struct segment *segment;
};

static enum error_code try_transaction(void *context, uint64_t lock_timeout_ms, struct error *err)
{
    struct attempt *a = context;
    struct transaction *t = transaction_new(a->s->m->scratch);
    enum error_code code;

    transaction_begin(a->s->m, t, lock_timeout_ms);
    segment_add_body(a->s, t, a->segment);
    code = transaction_run(a->s->m, t, NULL, err);
    talloc_free(t);
    return code;
}

/* For history; whether it can be written or not, the error that we return is the statement's. */
static void log_failure(struct script_run *s, const struct segment *segment,
                        const struct error *cause)
{
    struct transaction *t;
    struct error ignored;

    if (session_is_lost(s->m->session) || cause->code == ERROR_SUPERSEDED ||
        cause->code == ERROR_CANCELLED)
        return;
    t = transaction_new(s->m->scratch);
    transaction_begin(s->m, t, 1000);
    add_log(s, t, segment->first, "failed", cause->detail);
    transaction_commit(s->m, t, false);
    (void)transaction_run(s->m, t, NULL, &ignored);
    talloc_free(t);
}

static enum error_code run_transaction(struct script_run *s, const struct segment *segment,
                                       struct error *err)
{
    struct attempt attempt = {.s = s, .segment = segment};

    return ladder_climb(s->m, try_transaction, &attempt, err);
}

/* ---- outside of transactions ---- */

/* with_first may want locks: so this climbs too. */
static enum error_code try_intent(void *context, uint64_t lock_timeout_ms, struct error *err)
{
    struct attempt *a = context;
    struct transaction *t = transaction_new(a->s->m->scratch);
    enum error_code code;

    transaction_begin(a->s->m, t, lock_timeout_ms);
    append(t, a->s->with_first);
    add_log(a->s, t, a->segment->first, "intent", NULL);
    segment_add_marks(a->s->m, t, a->s->phase, false);
    transaction_commit(a->s->m, t, false);
    code = transaction_run(a->s->m, t, NULL, err);
    talloc_free(t);
    return code;
}

static enum error_code write_intent(struct script_run *s, const struct segment *segment,
                                    struct error *err)
{
    struct attempt attempt = {.s = s, .segment = segment};

    return ladder_climb(s->m, try_intent, &attempt, err);
}

static enum error_code write_done(struct script_run *s, const struct segment *segment,
                                  uint64_t started_us, struct error *err)
{
    struct transaction *t = transaction_new(s->m->scratch);
    enum error_code code;

    transaction_begin(s->m, t, migrator_lock_budget(s->m));
    /* The stop-watch of the log row measures this statement, not the transaction around the row. */
    transaction_add_plain(
        t, memory_format(t,
                         "SELECT pg_catalog.set_config('hakem.lap', (pg_catalog.clock_timestamp()"
                         " - interval '%" PRIu64 " microseconds')::text, true)",
                         clock_monotonic_us() - started_us));
    add_log(s, t, segment->first, "done", NULL);
    segment_add_marks(s->m, t, s->phase, segment->is_last);
    transaction_commit(s->m, t, segment->is_last);
    code = transaction_run(s->m, t, NULL, err);
    talloc_free(t);
    return code;
}

/* Waiting for locks of a concurrent build blocks nobody: it has all the patience there is. */
static enum error_code set_patience(struct migrator *m, uint64_t lock_ms, uint64_t statement_ms,
                                    struct error *err)
{
    char lock_timeout[MIGRATOR_NUMBER_SIZE], statement_timeout[MIGRATOR_NUMBER_SIZE];

    (void)text_format(lock_timeout, sizeof(lock_timeout), "%" PRIu64, lock_ms);
    (void)text_format(statement_timeout, sizeof(statement_timeout), "%" PRIu64, statement_ms);
    return session_query(m->session,
                         SQL_WITH("SELECT pg_catalog.set_config('lock_timeout', $1, false),"
                                  " pg_catalog.set_config('statement_timeout', $2, false)",
                                  lock_timeout, statement_timeout),
                         NULL, err);
}

/* What became of an earlier try, and away with its remains: with a try's patience for locks. */
static enum error_code look_at_remains(struct script_run *s, size_t i, bool *ret_did,
                                       struct error *err)
{
    struct migrator *m = s->m;
    struct error ignored;
    enum error_code code;

    *ret_did = false;
    if (set_patience(m, migrator_lock_budget(m) / OUTSIDE_TRIES_MAX, migrator_statement_timeout(m),
                     err) != ERROR_OK)
        return err->code;
    code = remains_inspect(m, &s->split->statements[i], segment_where(s, i), ret_did, err);
    if (!session_is_lost(m->session))
        (void)set_patience(m, 0, 0, &ignored);
    return code;
}

static enum error_code run_by_role(struct migrator *m, struct sql_call call, struct error *err)
{
    enum error_code code = surroundings_begin_role(m, err);

    if (code != ERROR_OK)
        return code;
    code = session_query(m->session, call, NULL, err);
    surroundings_end_role(m);
    return code;
}

static enum error_code execute_outside(struct script_run *s, size_t i, struct error *err)
{
    const struct split_statement *statement = &s->split->statements[i];
    struct sql_call call = {.text = statement->text, .where = segment_where(s, i)};
    struct error ignored;
    enum error_code code;
    bool did = false;

    if (set_patience(s->m, migrator_lock_budget(s->m) / OUTSIDE_TRIES_MAX,
                     migrator_statement_timeout(s->m), err) != ERROR_OK)
        return err->code;
    code = run_by_role(s->m, call, err);
    if (code != ERROR_OK && !session_is_lost(s->m->session) &&
        look_at_remains(s, i, &did, &ignored) == ERROR_OK && did)
        code = ERROR_OK; /* what was missing has been made good */
    if (code != ERROR_OK || set_patience(s->m, 0, 0, err) != ERROR_OK)
        return code != ERROR_OK ? code : err->code;
    return remains_confirm(s->m, statement, call.where, err);
}

/* A later try looks first: half of the one before may stand in its way. */
static enum error_code try_outside(struct script_run *s, size_t i, unsigned try, struct error *err)
{
    bool did = false;

    if (try > 1 && look_at_remains(s, i, &did, err) != ERROR_OK)
        return err->code;
    return did ? ERROR_OK : execute_outside(s, i, err);
}

static enum error_code execute_with_tries(struct script_run *s, size_t i, struct error *err)
{
    s->m->blockers[0] = '\0';
    for (unsigned try = 1;; try++) {
        enum error_code code = try_outside(s, i, try, err);

        if ((code != ERROR_LOCK && code != ERROR_CONFLICT) || session_is_lost(s->m->session))
            return code;
        if (try == OUTSIDE_TRIES_MAX && s->m->blockers[0] != '\0')
            return error_set(err, code, "%.400s; blocked by %s", err->detail, s->m->blockers);
        if (try == OUTSIDE_TRIES_MAX)
            return code;
    }
}

static enum error_code run_outside(struct script_run *s, const struct segment *segment,
                                   struct error *err)
{
    uint64_t started_us = clock_monotonic_us();
    bool did = false;

    if (s->has_intent[segment->first] && look_at_remains(s, segment->first, &did, err) != ERROR_OK)
        return err->code;
    if (!did) {
        if (write_intent(s, segment, err) != ERROR_OK ||
            probe_outside(s, segment->first, false, err) != ERROR_OK ||
            execute_with_tries(s, segment->first, err) != ERROR_OK ||
            probe_outside(s, segment->first, true, err) != ERROR_OK)
            return err->code;
    }
    return write_done(s, segment, started_us, err);
}

/* ---- all ---- */

enum error_code segment_run(struct script_run *s, const struct segment *segment, struct error *err)
{
    enum error_code code =
        segment->is_outside ? run_outside(s, segment, err) : run_transaction(s, segment, err);

    if (code != ERROR_OK) {
        log_failure(s, segment, err);
        return code;
    }
    s->with_first = NULL;
    for (size_t i = segment->first; i < segment->end; i++) {
        s->m->result.statements_run += is_open(s, i);
        s->is_done[i] = s->is_selected[i];
    }
    migrator_report(s->m, segment->end, s->split->count,
                    s->split->statements[segment->end - 1].kind);
    return ERROR_OK;
}

/* A script of no statement (or none left): the phase ends all the same. */
static enum error_code try_finish(void *context, uint64_t lock_timeout_ms, struct error *err)
{
    struct script_run *s = context;
    struct transaction *t = transaction_new(s->m->scratch);
    enum error_code code;

    transaction_begin(s->m, t, lock_timeout_ms);
    append(t, s->with_first);
    segment_add_marks(s->m, t, s->phase, true);
    transaction_commit(s->m, t, true);
    code = transaction_run(s->m, t, NULL, err);
    talloc_free(t);
    return code;
}

enum error_code script_run_all(struct script_run *s, struct error *err)
{
    struct segment segment;
    size_t at = 0;

    if (!has_open_before(s, 0, s->split->count))
        return ladder_climb(s->m, try_finish, s, err);
    while (segment_next(s, &at, &segment))
        if (segment_run(s, &segment, err) != ERROR_OK)
            return err->code;
    return ERROR_OK;
}
