#include "common/migration/migrator.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/schema.h"
#include "embedded_hakem_migration.h"

#include <inttypes.h>
#include <string.h>

#define MIGRATOR_POLL_MS 100

/* ---- what the run allows ---- */

uint64_t migrator_statement_timeout(const struct migrator *m)
{
    uint64_t own = m->revision->statement_timeout_ms;
    uint64_t ceiling = m->run->statement_timeout_ms;

    if (own == 0 || (ceiling != 0 && ceiling < own))
        return ceiling;
    return own;
}

uint64_t migrator_lock_budget(const struct migrator *m)
{
    if (m->revision->lock_timeout_ms != 0)
        return m->revision->lock_timeout_ms;
    return m->run->lock_budget_ms != 0 ? m->run->lock_budget_ms : MIGRATION_LOCK_BUDGET_MS_DEFAULT;
}

void migrator_report(struct migrator *m, uint64_t done, uint64_t total, const char *text)
{
    const struct migration_hooks *hooks = m->run->hooks;

    if (hooks != NULL && hooks->progress != NULL)
        hooks->progress(hooks->context, done, total, text);
}

/* ---- names that the state query asks about ---- */

struct names {
    const char *list[GRAPH_REVISIONS_MAX];
    size_t count;
};

static void add_name(const struct migrator *m, struct names *names, size_t index)
{
    if (names->count < ARRAY_LEN(names->list))
        names->list[names->count++] = m->set->revisions[index].name;
}

static void add_children(const struct migrator *m, struct names *names)
{
    for (size_t i = m->index + 1; i < m->set->revision_count; i++)
        for (size_t p = 0; p < m->set->revisions[i].parent_count; p++)
            if (m->set->revisions[i].parents[p] == m->index)
                add_name(m, names, i);
}

struct wanted {
    char *expanded;
    char *contracted;
    char *absent;
};

static void want_for_expand(const struct migrator *m, struct names *expanded,
                            struct names *contracted, struct names *absent)
{
    (void)absent;
    for (size_t i = 0; i < m->revision->parent_count; i++)
        add_name(m, expanded, m->revision->parents[i]);
    for (size_t i = 0; i < m->revision->contracted_parent_count; i++)
        add_name(m, contracted, m->revision->contracted_parents[i]);
}

static void want_for_contract(const struct migrator *m, struct names *expanded,
                              struct names *contracted, struct names *absent)
{
    (void)absent;
    add_name(m, expanded, m->index);
    for (size_t i = 0; i < m->revision->parent_count; i++) {
        size_t parent = m->revision->parents[i];

        if (m->set->revisions[parent].scripts[MIGRATION_SCRIPT_CONTRACT] != NULL)
            add_name(m, contracted, parent);
    }
}

static void want_for_revert(const struct migrator *m, struct names *expanded,
                            struct names *contracted, struct names *absent)
{
    (void)expanded;
    (void)contracted;
    add_children(m, absent);
}

static void want_for_backfill(const struct migrator *m, struct names *expanded,
                              struct names *contracted, struct names *absent)
{
    (void)contracted;
    (void)absent;
    add_name(m, expanded, m->index);
}

static void (*const wants[MIGRATION_PHASE_COUNT])(const struct migrator *, struct names *,
                                                  struct names *, struct names *) = {
    [MIGRATION_EXPAND] = want_for_expand,
    [MIGRATION_BACKFILL] = want_for_backfill,
    [MIGRATION_CONTRACT] = want_for_contract,
    [MIGRATION_REVERT] = want_for_revert,
};

static struct wanted wanted_for(const struct migrator *m, enum migration_phase phase)
{
    struct names *names = memory_array(NULL, struct names, 3);
    struct wanted wanted;

    wants[phase](m, &names[0], &names[1], &names[2]);
    wanted.expanded = sql_array(m->scratch, names[0].list, names[0].count);
    wanted.contracted = sql_array(m->scratch, names[1].list, names[1].count);
    wanted.absent = sql_array(m->scratch, names[2].list, names[2].count);
    talloc_free(names);
    return wanted;
}

/* ---- the state ---- */

enum state_column {
    STATE_IN_RECOVERY,
    STATE_LOCKED,
    STATE_GENERATION,
    STATE_CHECKSUM,
    STATE_EXPANDED,
    STATE_CONTRACTED,
    STATE_PARTIAL,
    STATE_EXPAND_COMPLETE,
    STATE_CONTRACT_COMPLETE,
    STATE_REVERT_BEGUN,
    STATE_ROLLOUT,
    STATE_NOT_EXPANDED,
    STATE_NOT_CONTRACTED,
    STATE_PRESENT
};

static bool is_alone(const struct migrator *m)
{
    const struct migration_hooks *hooks = m->run->hooks;

    return hooks == NULL || hooks->term == NULL || hooks->term(hooks->context) == 0;
}

static enum error_code check_place(const struct migrator *m, const struct rows *rows,
                                   struct error *err)
{
    const char *rollout = rows_text(rows, 0, STATE_ROLLOUT);

    if (rows_bool(rows, 0, STATE_IN_RECOVERY))
        return error_set(err, ERROR_REFUSED,
                         "this database is a standby: a migration runs on its primary");
    if (is_alone(m) && rollout[0] != '\0')
        return error_set(err, ERROR_REFUSED, "the coordinator has rollout %s open on this database",
                         rollout);
    return ERROR_OK;
}

static enum error_code check_checksum(const struct migrator *m, struct error *err)
{
    if (m->state.checksum[0] == '\0' || strcmp(m->state.checksum, m->revision->checksum) == 0)
        return ERROR_OK;
    return error_set(err, ERROR_CHANGED,
                     "the files of %s have changed since they were applied (checksum %.12s then, "
                     "%.12s now): restore them, and write a new revision",
                     m->revision->name, m->state.checksum, m->revision->checksum);
}

static enum error_code check_order(const struct migrator *m, const struct rows *rows,
                                   struct error *err)
{
    if (!rows_is_null(rows, 0, STATE_NOT_EXPANDED))
        return error_set(err, ERROR_REFUSED, "%s needs %s to be expanded first", m->revision->name,
                         rows_text(rows, 0, STATE_NOT_EXPANDED));
    if (!rows_is_null(rows, 0, STATE_NOT_CONTRACTED))
        return error_set(err, ERROR_REFUSED, "%s needs %s to be contracted first",
                         m->revision->name, rows_text(rows, 0, STATE_NOT_CONTRACTED));
    if (!rows_is_null(rows, 0, STATE_PRESENT))
        return error_set(err, ERROR_REFUSED, "%s cannot be reverted while %s stands on it",
                         m->revision->name, rows_text(rows, 0, STATE_PRESENT));
    return ERROR_OK;
}

static void keep_state(struct migrator *m, const struct rows *rows)
{
    m->state = (struct phase_state){
        .generation = rows_number(rows, 0, STATE_GENERATION),
        .is_expanded = rows_bool(rows, 0, STATE_EXPANDED),
        .is_contracted = rows_bool(rows, 0, STATE_CONTRACTED),
        .is_partial = rows_bool(rows, 0, STATE_PARTIAL),
        .expand_is_complete = rows_bool(rows, 0, STATE_EXPAND_COMPLETE),
        .contract_is_complete = rows_bool(rows, 0, STATE_CONTRACT_COMPLETE),
        .revert_has_begun = rows_bool(rows, 0, STATE_REVERT_BEGUN),
    };
    (void)text_copy(m->state.checksum, sizeof(m->state.checksum),
                    rows_text(rows, 0, STATE_CHECKSUM));
    m->result.generation = m->state.generation;
    (void)text_format(m->generation_text, sizeof(m->generation_text), "%" PRIu64,
                      m->state.generation);
}

/* Nothing is refused for its order that is done already: a retry finds that first. */
static bool is_there_already(const struct migrator *m, enum migration_phase phase)
{
    const struct phase_state *s = &m->state;

    return (phase == MIGRATION_EXPAND && s->expand_is_complete && !s->revert_has_begun) ||
           (phase == MIGRATION_BACKFILL && s->is_expanded) ||
           (phase == MIGRATION_CONTRACT && s->contract_is_complete) ||
           (phase == MIGRATION_REVERT && !s->expand_is_complete && !s->is_partial);
}

static enum error_code query_state(struct migrator *m, const struct wanted *wanted,
                                   struct rows **ret, struct error *err)
{
    struct sql_call call = SQL_WITH(embedded_phase_state, m->revision->name, wanted->expanded,
                                    wanted->contracted, wanted->absent);

    call.prepared = "hakem_state";

    if (session_query(m->session, call, ret, err) == ERROR_OK)
        return ERROR_OK;
    /* No schema yet: undefined_table, invalid_schema_name. */
    if (strcmp(session_sqlstate(m->session), "42P01") != 0 &&
        strcmp(session_sqlstate(m->session), "3F000") != 0)
        return err->code;
    if (schema_ensure(m->session, err) != ERROR_OK)
        return err->code;
    return session_query(m->session, call, ret, err);
}

static enum error_code fail_locked(struct migrator *m, struct error *err)
{
    struct error ignored;
    char *holder;

    if (session_ask_text(
            m->session,
            SQL("SELECT format('pid %s (user %s, application %s)', a.pid, a.usename,"
                " a.application_name) FROM pg_catalog.pg_locks l"
                " JOIN pg_catalog.pg_stat_activity a USING (pid)"
                " WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 7521902"
                " AND l.objid = 2 AND a.datname = pg_catalog.current_database() LIMIT 1"),
            m->scratch, &holder, &ignored) != ERROR_OK)
        holder = NULL;
    return error_set(err, ERROR_LOCK, "another migration runs on this database: %s",
                     holder != NULL ? holder : "somebody who is gone by now");
}

static enum error_code read_state(struct migrator *m, const struct wanted *wanted,
                                  struct rows **ret, struct error *err)
{
    uint64_t end = clock_monotonic_ms() + migrator_lock_budget(m);

    for (;;) {
        if (query_state(m, wanted, ret, err) != ERROR_OK)
            return err->code;
        m->holds_lock = rows_bool(*ret, 0, STATE_LOCKED);
        if (check_place(m, *ret, err) != ERROR_OK)
            return err->code;
        if (m->holds_lock)
            return ERROR_OK;
        rows_free(*ret);
        if (clock_monotonic_ms() >= end)
            return fail_locked(m, err);
        migrator_report(m, 0, 0, "another migration runs on this database");
        if (!migrator_pause(m, MIGRATOR_POLL_MS))
            return error_set(err, ERROR_CANCELLED,
                             "cancelled while another migration ran on this database");
    }
}

enum error_code migrator_open(struct migrator *m, struct session *session,
                              const struct migration_order *order, const struct migration_run *run,
                              struct error *err)
{
    struct wanted wanted;
    struct rows *rows;
    enum error_code code = ERROR_OK;

    *m = (struct migrator){.session = session, .set = order->set, .run = run};
    m->scratch = talloc_new(session);
    if (!migration_find(order->set, order->revision, &m->index))
        return error_set(err, ERROR_NOT_FOUND, "there is no revision %s", order->revision);
    m->revision = &order->set->revisions[m->index];
    (void)text_format(m->step_text, sizeof(m->step_text), "%" PRIu64, run->step);
    (void)text_format(m->attempt_text, sizeof(m->attempt_text), "%" PRIu64, run->attempt);
    (void)session_set_watch(session, migrator_watch(m));
    wanted = wanted_for(m, order->phase);
    if (read_state(m, &wanted, &rows, err) != ERROR_OK)
        return err->code;
    keep_state(m, rows);
    code = check_checksum(m, err);
    m->result.already_done = code == ERROR_OK && is_there_already(m, order->phase);
    if (code == ERROR_OK && !m->result.already_done)
        code = check_order(m, rows, err);
    rows_free(rows);
    return code;
}

void migrator_close(struct migrator *m, struct session_watch before)
{
    struct error ignored;

    (void)session_set_watch(m->session, before);
    if (m->holds_lock && !session_is_lost(m->session)) {
        /* A cancel that is still wanted must not keep the lock. */
        (void)session_set_watch(m->session, (struct session_watch){.context = NULL});
        (void)session_query(m->session, SQL("SELECT pg_catalog.pg_advisory_unlock(7521902, 2)"),
                            NULL, &ignored);
        (void)session_set_watch(m->session, before);
    }
    session_close(m->observer);
    talloc_free(m->scratch);
}
