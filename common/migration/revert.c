#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/segment.h"
#include "embedded_hakem_migration.h"

#include <inttypes.h>
#include <string.h>

/* ---- what of a half-applied expand there is to undo ---- */

static enum error_code log_as_done(struct script_run *expand, size_t i, struct error *err)
{
    struct migrator *m = expand->m;
    const struct log_row row = {.phase = migration_phase_name(MIGRATION_EXPAND),
                                .statement = i + 1,
                                .outcome = "done",
                                .hash = expand->split->statements[i].hash,
                                .detail = "found done by a later attempt"};
    struct transaction *t = transaction_new(m->scratch);
    enum error_code code;

    transaction_begin(m, t, migrator_lock_budget(m));
    transaction_log(m, t, &row);
    transaction_commit(m, t, false);
    code = transaction_run(m, t, NULL, err);
    talloc_free(t);
    expand->is_done[i] = true;
    return code;
}

/* An intent without an outcome: the catalog knows; half-built indexes go. */
static enum error_code settle_intents(struct script_run *expand, struct error *err)
{
    for (size_t i = 0; i < expand->split->count; i++) {
        bool did = false;

        if (expand->is_done[i] || !expand->has_intent[i])
            continue;
        if (remains_inspect(expand->m, &expand->split->statements[i], segment_where(expand, i),
                            &did, err) != ERROR_OK)
            return err->code;
        if (did && log_as_done(expand, i, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

static bool is_anything_done(const struct script_run *script)
{
    for (size_t i = 0; i < script->split->count; i++)
        if (script->is_done[i])
            return true;
    return false;
}

static void select_all(struct script_run *revert, bool is_selected)
{
    for (size_t i = 0; i < revert->split->count; i++)
        revert->is_selected[i] = is_selected;
}

static void select_undone(struct script_run *revert, const struct script_run *expand)
{
    for (size_t i = 0; i < revert->split->count; i++)
        revert->is_selected[i] = expand->is_done[revert->split->statements[i].undoes - 1];
}

static enum error_code complete_expand(struct script_run *expand, struct error *err)
{
    struct migrator *m = expand->m;

    m->expands_to_revert = true;
    if (script_run_all(expand, err) != ERROR_OK)
        return error_set(err, err->code,
                         "%s is half expanded, its revert.sql says nothing of halves (-- "
                         "hakem:undoes N), and completing it first failed: %.600s",
                         m->revision->name, err->detail);
    return ERROR_OK;
}

/* After completing an expand the lock was given back with its last transaction. */
static enum error_code keep_lock(struct migrator *m, struct error *err)
{
    bool is_ours = true;

    if (!m->holds_lock &&
        session_ask_bool(m->session, SQL("SELECT pg_catalog.pg_try_advisory_lock(7521902, 2)"),
                         &is_ours, err) != ERROR_OK)
        return err->code;
    if (!is_ours)
        return error_set(err, ERROR_LOCK,
                         "another migration came between an expand and its revert");
    m->holds_lock = true;
    return ERROR_OK;
}

static enum error_code select_half(struct script_run *revert, struct error *err)
{
    struct migrator *m = revert->m;
    struct script_run expand;

    if (script_run_open(&expand, m, m->revision->scripts[MIGRATION_SCRIPT_EXPAND], MIGRATION_EXPAND,
                        err) != ERROR_OK ||
        settle_intents(&expand, err) != ERROR_OK)
        return err->code;
    if (!is_anything_done(&expand))
        select_all(revert, false);
    else if (revert->split->has_undoes)
        select_undone(revert, &expand);
    else if (complete_expand(&expand, err) != ERROR_OK)
        return err->code;
    return keep_lock(m, err);
}

/* ---- would it lose anything? ---- */

static enum error_code keep(struct migrator *m, uint64_t count, const char *reason)
{
    m->result.is_kept = true;
    m->result.kept_count = count;
    (void)text_copy(m->result.kept_reason, sizeof(m->result.kept_reason), reason);
    return ERROR_OK;
}

static bool is_about_the_query(enum error_code code)
{
    return code == ERROR_SQL || code == ERROR_TIMEOUT;
}

static void keep_for_count(struct migrator *m, const struct split *lossless, size_t i,
                           const char *value)
{
    uint64_t count = 0;
    char reason[MIGRATION_REASON_MAX];

    if (text_to_number(value, UINT64_MAX, &count) && count == 0)
        return;
    (void)text_format(reason, sizeof(reason),
                      "%s:%zu counts %s values that a revert of %s would destroy", lossless->path,
                      lossless->statements[i].line,
                      value[0] != '\0' ? value : "an unknown number of", m->revision->name);
    (void)keep(m, count, reason);
}

static void keep_for_error(struct migrator *m, const struct error *err)
{
    char reason[MIGRATION_REASON_MAX];

    (void)text_format(reason, sizeof(reason),
                      "it is not known whether a revert of %s would destroy anything: %.300s",
                      m->revision->name, err->detail);
    (void)keep(m, 0, reason);
}

static enum error_code count_each(struct migrator *m, const struct split *lossless,
                                  struct error *err)
{
    for (size_t i = 0; i < lossless->count && !m->result.is_kept; i++) {
        struct sql_call call = {.text = lossless->statements[i].text,
                                .where = statement_where(m, lossless, i)};
        struct rows *rows;
        bool has_value;

        if (session_query(m->session, call, &rows, err) != ERROR_OK) {
            if (!is_about_the_query(err->code))
                return err->code;
            keep_for_error(m, err);
            return ERROR_OK;
        }
        has_value = rows_count(rows) == 1 && rows_columns(rows) == 1;
        keep_for_count(m, lossless, i, has_value ? rows_text(rows, 0, 0) : "");
        rows_free(rows);
    }
    return ERROR_OK;
}

/* Without a lock: a count above 0 ends it cheaply. */
static enum error_code check_cheaply(struct migrator *m, const struct split *lossless,
                                     struct error *err)
{
    enum error_code code = surroundings_begin_role(m, err);

    if (code != ERROR_OK)
        return code;
    code = count_each(m, lossless, err);
    surroundings_end_role(m);
    return code;
}

static bool is_harmful(const struct script_run *s, const struct segment *segment)
{
    for (size_t i = segment->first; i < segment->end; i++)
        if (s->is_selected[i] && !s->is_done[i] && !s->split->statements[i].is_harmless)
            return true;
    return false;
}

static const struct split_statement *first_harmful(const struct script_run *s, size_t *ret_segments)
{
    const struct split_statement *found = NULL;
    struct segment segment;
    size_t at = 0;

    *ret_segments = 0;
    while (segment_next(s, &at, &segment)) {
        *ret_segments += is_harmful(s, &segment);
        for (size_t i = segment.first; i < segment.end && found == NULL; i++)
            if (s->is_selected[i] && !s->is_done[i] && !s->split->statements[i].is_harmless)
                found = &s->split->statements[i];
    }
    return found;
}

/* A backfill that nothing takes back: then there is a lossless.sql. */
static bool is_lossy(const struct migration_revision *revision)
{
    for (size_t i = 0; i < revision->backfill_count; i++)
        if (revision->backfills[i].is_lossy)
            return true;
    return false;
}

/* Sets result.is_kept, or leaves it. */
static enum error_code check_lossless(struct script_run *s, struct error *err)
{
    struct migrator *m = s->m;
    const struct split *lossless = m->revision->scripts[MIGRATION_SCRIPT_LOSSLESS];
    char reason[MIGRATION_REASON_MAX];
    size_t segments;
    const struct split_statement *harmful = first_harmful(s, &segments);

    if (harmful == NULL)
        return is_lossy(m->revision) ? check_cheaply(m, lossless, err) : ERROR_OK;
    if (lossless == NULL) {
        (void)text_format(
            reason, sizeof(reason),
            "%s:%zu may destroy values, and there is no lossless.sql that counts them",
            s->split->path, harmful->line);
        return keep(m, 0, reason);
    }
    if (segments > 1) {
        (void)text_format(reason, sizeof(reason),
                          "%s destroys in more than one transaction, so that lossless.sql cannot "
                          "vouch for it",
                          s->split->path);
        return keep(m, 0, reason);
    }
    return check_cheaply(m, lossless, err);
}

/* ---- under the lock ---- */

struct guarded {
    struct script_run *s;
    const struct segment *segment;
    const struct split *lossless;
    const char *tables; /* for LOCK TABLE; "" if none */
};

static enum error_code find_tables(struct script_run *s, const struct segment *segment,
                                   const char **ret, struct error *err)
{
    struct migrator *m = s->m;
    const char **names = memory_array(m->scratch, const char *, 0);
    size_t count = 0;
    enum error_code code;
    char *tables;

    for (size_t i = segment->first; i < segment->end; i++) {
        const struct split_statement *statement = &s->split->statements[i];

        names = memory_grow(m->scratch, names, count, count + statement->table_count);
        for (size_t t = 0; t < statement->table_count; t++)
            names[count++] =
                sql_identifier(m->scratch, statement->tables[t].schema, statement->tables[t].name);
    }
    if (surroundings_begin_role(m, err) != ERROR_OK)
        return err->code;
    code = session_ask_text(m->session,
                            SQL_WITH(embedded_tables_to_lock, sql_array(m->scratch, names, count)),
                            m->scratch, &tables, err);
    surroundings_end_role(m);
    if (code == ERROR_OK)
        *ret = tables;
    return code;
}

/* BEGIN, fence, locks, and the counts under them, within lossless_timeout. */
static struct transaction *question(struct guarded *g, uint64_t lock_timeout_ms, size_t *ret_first)
{
    struct migrator *m = g->s->m;
    struct transaction *t = transaction_new(m->scratch);
    uint64_t timeout = m->run->lossless_timeout_ms != 0 ? m->run->lossless_timeout_ms
                                                        : MIGRATION_LOSSLESS_TIMEOUT_MS_DEFAULT;
    const char *role = surroundings_role(m);
    char each[MIGRATOR_NUMBER_SIZE];

    (void)text_format(each, sizeof(each), "%" PRIu64,
                      timeout / (g->lossless->count + 1) + 1); /* 0 would mean no limit */
    transaction_begin(m, t, lock_timeout_ms);
    if (role != NULL)
        transaction_add(t, "the role", surroundings_role_sql(m, role), 0, NULL);
    if (g->tables[0] != '\0')
        transaction_add_plain(
            t, memory_format(t, "LOCK TABLE %s IN ACCESS EXCLUSIVE MODE", g->tables));
    transaction_add(t, NULL, "SELECT pg_catalog.set_config('statement_timeout', $1, true)", 1,
                    (const char *const[]){each});
    *ret_first = t->count;
    for (size_t i = 0; i < g->lossless->count; i++)
        transaction_add(t, statement_where(m, g->lossless, i), g->lossless->statements[i].text, 0,
                        NULL);
    if (role != NULL)
        transaction_add_plain(t, "RESET ROLE");
    return t;
}

static enum error_code ask_under_lock(struct guarded *g, uint64_t lock_timeout_ms,
                                      struct error *err)
{
    struct migrator *m = g->s->m;
    size_t first, failed = 0;
    struct transaction *t = question(g, lock_timeout_ms, &first);
    struct pipeline_outcome *outcomes = memory_array(t, struct pipeline_outcome, t->count);
    enum error_code code = pipeline_run(m->session, t->calls, t->count, outcomes, &failed, err);

    if (code == ERROR_OK) {
        for (size_t i = 0; i < g->lossless->count && !m->result.is_kept; i++)
            keep_for_count(m, g->lossless, i,
                           outcomes[first + i].has_value ? outcomes[first + i].value : "");
    } else if (failed >= first && is_about_the_query(code)) {
        keep_for_error(m, err);
        code = ERROR_OK;
    }
    talloc_free(t);
    return code;
}

static enum error_code revert_under_lock(struct guarded *g, struct error *err)
{
    struct migrator *m = g->s->m;
    struct transaction *t = transaction_new(m->scratch);
    char timeout[MIGRATOR_NUMBER_SIZE];
    enum error_code code;

    (void)text_format(timeout, sizeof(timeout), "%" PRIu64, migrator_statement_timeout(m));
    transaction_add(t, NULL, "SELECT pg_catalog.set_config('statement_timeout', $1, true)", 1,
                    (const char *const[]){timeout});
    segment_add_body(g->s, t, g->segment);
    code = transaction_run(m, t, NULL, err);
    talloc_free(t);
    return code;
}

static enum error_code try_guarded(void *context, uint64_t lock_timeout_ms, struct error *err)
{
    struct guarded *g = context;
    struct error ignored;

    if (ask_under_lock(g, lock_timeout_ms, err) != ERROR_OK)
        return err->code;
    if (!g->s->m->result.is_kept)
        return revert_under_lock(g, err);
    if (session_is_in_transaction(g->s->m->session))
        (void)session_run(g->s->m->session, "ROLLBACK", &ignored);
    return ERROR_OK;
}

static enum error_code run_guarded(struct script_run *s, const struct segment *segment,
                                   struct error *err)
{
    struct guarded guarded = {
        .s = s, .segment = segment, .lossless = s->m->revision->scripts[MIGRATION_SCRIPT_LOSSLESS]};

    if (segment->is_outside)
        return error_set(err, ERROR_WOULD_LOSE_DATA,
                         "%s may destroy values and cannot be in a transaction: nothing can vouch "
                         "for it",
                         segment_where(s, segment->first));
    if (find_tables(s, segment, &guarded.tables, err) != ERROR_OK)
        return err->code;
    if (ladder_climb(s->m, try_guarded, &guarded, err) != ERROR_OK || s->m->result.is_kept)
        return s->m->result.is_kept ? ERROR_OK : err->code;
    for (size_t i = segment->first; i < segment->end; i++) {
        s->m->result.statements_run += s->is_selected[i] && !s->is_done[i];
        s->is_done[i] = s->is_selected[i];
    }
    s->with_first = NULL;
    return ERROR_OK;
}

/* ---- the whole ---- */

static enum error_code run_segments(struct script_run *s, struct error *err)
{
    struct migrator *m = s->m;
    struct segment segment;
    size_t at = 0;

    while (segment_next(s, &at, &segment)) {
        enum error_code code =
            is_harmful(s, &segment) ? run_guarded(s, &segment, err) : segment_run(s, &segment, err);

        if (code != ERROR_OK)
            return code;
        if (m->result.is_kept && (m->result.statements_run > 0 || m->state.revert_has_begun))
            return error_set(err, ERROR_WOULD_LOSE_DATA,
                             "the revert of %s is half done, and its rest would destroy values "
                             "(%.300s): run it again, accepting the loss",
                             m->revision->name, m->result.kept_reason);
        if (m->result.is_kept)
            return ERROR_OK;
    }
    return ERROR_OK;
}

static bool is_irreversible(const struct migrator *m)
{
    return m->revision->is_irreversible || m->revision->scripts[MIGRATION_SCRIPT_REVERT] == NULL;
}

static enum error_code check_reversible(const struct migrator *m, struct error *err)
{
    if (m->state.is_contracted)
        return error_set(err, ERROR_IRREVERSIBLE,
                         "%s is contracted: what old releases need is gone; go forward with a new "
                         "revision, or restore a backup",
                         m->revision->name);
    if (is_irreversible(m) && !m->state.expand_is_complete)
        return error_set(err, ERROR_IRREVERSIBLE,
                         "%s is half expanded and marked as irreversible: mend what stopped it and "
                         "expand it again",
                         m->revision->name);
    return ERROR_OK;
}

static bool is_harmless(const struct script_run *s)
{
    size_t segments;

    return first_harmful(s, &segments) == NULL;
}

enum error_code revert_run(struct migrator *m, struct error *err)
{
    struct script_run script;
    /* E never rose on a half-applied expand: no release has written anything that depends on it. */
    bool was_whole = m->state.expand_is_complete;

    if (check_reversible(m, err) != ERROR_OK)
        return err->code;
    if (is_irreversible(m))
        return keep(m, 0, "it is marked as irreversible");
    if (script_run_open(&script, m, m->revision->scripts[MIGRATION_SCRIPT_REVERT], MIGRATION_REVERT,
                        err) != ERROR_OK)
        return err->code;
    if (!was_whole && select_half(&script, err) != ERROR_OK)
        return err->code;
    script.with_first = transaction_new(m->scratch);
    backfill_add_cleanup(m, script.with_first);
    if (repeatables_add_back(m, script.with_first, err) != ERROR_OK)
        return err->code;
    if (!was_whole || m->run->accept_data_loss || (is_harmless(&script) && !is_lossy(m->revision)))
        return inverse_run(m, err) == ERROR_OK ? script_run_all(&script, err) : err->code;
    if (check_lossless(&script, err) != ERROR_OK)
        return err->code;
    if (m->result.is_kept && m->state.revert_has_begun)
        return error_set(err, ERROR_WOULD_LOSE_DATA,
                         "the revert of %s is half done, and its rest would destroy values "
                         "(%.300s): run it again, accepting the loss",
                         m->revision->name, m->result.kept_reason);
    if (m->result.is_kept)
        return ERROR_OK;
    if (inverse_run(m, err) != ERROR_OK)
        return err->code;
    return is_harmless(&script) ? script_run_all(&script, err) : run_segments(&script, err);
}
