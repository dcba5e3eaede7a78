/* state.c: what the database knows of revisions, read under the migrator's lock, and what of it
 * forbids a phase.
 */
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/migrator.h"
#include "common/migration/schema.h"
#include "embedded_hakem_migration.h"

#include <inttypes.h>
#include <string.h>

#define STATE_POLL_MS 100

struct migration_hold {
    struct session *session;
    struct phase_state *states; /* by index in the set */
    bool is_stale;              /* something ended otherwise than well: read again */
};

enum state_column {
    STATE_IN_RECOVERY,
    STATE_LOCKED,
    STATE_ROLLOUT,
    STATE_REVISION,
    STATE_GENERATION,
    STATE_CHECKSUM,
    STATE_EXPANDED,
    STATE_CONTRACTED,
    STATE_PARTIAL,
    STATE_EXPAND_COMPLETE,
    STATE_CONTRACT_COMPLETE,
    STATE_REVERT_BEGUN,
    STATE_MEANING
};

/* ---- asking ---- */

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

/* None yet, or an earlier version's: undefined_table, invalid_schema_name, undefined_column. */
static bool lacks_schema(const char *sqlstate)
{
    return strcmp(sqlstate, "42P01") == 0 || strcmp(sqlstate, "3F000") == 0 ||
           strcmp(sqlstate, "42703") == 0;
}

static enum error_code query(struct migrator *m, const char *names, bool has_lock,
                             struct rows **ret, struct error *err)
{
    struct sql_call call = SQL_WITH(embedded_phase_state, names, has_lock ? "true" : "false");

    call.prepared = "hakem_state";
    if (session_query(m->session, call, ret, err) == ERROR_OK)
        return ERROR_OK;
    if (!lacks_schema(session_sqlstate(m->session)))
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

/* Asks until the lock is ours. */
static enum error_code ask(struct migrator *m, const char *names, bool has_lock, struct rows **ret,
                           struct error *err)
{
    uint64_t end = clock_monotonic_ms() + migrator_lock_budget(m);

    for (;;) {
        if (query(m, names, has_lock, ret, err) != ERROR_OK)
            return err->code;
        m->holds_lock = !has_lock && rows_bool(*ret, 0, STATE_LOCKED);
        if (check_place(m, *ret, err) != ERROR_OK)
            return err->code;
        if (has_lock || m->holds_lock)
            return ERROR_OK;
        rows_free(*ret);
        if (clock_monotonic_ms() >= end)
            return fail_locked(m, err);
        migrator_report(m, 0, 0, "another migration runs on this database");
        if (!migrator_pause(m, STATE_POLL_MS))
            return error_set(err, ERROR_CANCELLED,
                             "cancelled while another migration ran on this database");
    }
}

static struct phase_state read_row(const struct rows *rows, size_t i)
{
    struct phase_state state = {
        .generation = rows_number(rows, i, STATE_GENERATION),
        .is_expanded = rows_bool(rows, i, STATE_EXPANDED),
        .is_contracted = rows_bool(rows, i, STATE_CONTRACTED),
        .is_partial = rows_bool(rows, i, STATE_PARTIAL),
        .expand_is_complete = rows_bool(rows, i, STATE_EXPAND_COMPLETE),
        .contract_is_complete = rows_bool(rows, i, STATE_CONTRACT_COMPLETE),
        .revert_has_begun = rows_bool(rows, i, STATE_REVERT_BEGUN),
    };

    (void)text_copy(state.checksum, sizeof(state.checksum), rows_text(rows, i, STATE_CHECKSUM));
    (void)text_copy(state.meaning, sizeof(state.meaning), rows_text(rows, i, STATE_MEANING));
    return state;
}

static void read_rows(const struct migrator *m, const struct rows *rows, struct phase_state *ret)
{
    for (size_t i = 0; i < rows_count(rows); i++) {
        size_t index;

        if (migration_find(m->set, rows_text(rows, i, STATE_REVISION), &index))
            ret[index] = read_row(rows, i);
    }
}

/* ---- who is asked about ---- */

struct names {
    const char *list[GRAPH_REVISIONS_MAX];
    size_t count;
};

static void add_name(const struct migrator *m, struct names *names, size_t index)
{
    if (names->count < ARRAY_LEN(names->list))
        names->list[names->count++] = m->set->revisions[index].name;
}

static bool is_child_of(const struct migration_revision *child, size_t parent)
{
    for (size_t p = 0; p < child->parent_count; p++)
        if (child->parents[p] == parent)
            return true;
    return false;
}

static void add_relatives(const struct migrator *m, struct names *names)
{
    add_name(m, names, m->index);
    for (size_t i = 0; i < m->revision->parent_count; i++)
        add_name(m, names, m->revision->parents[i]);
    for (size_t i = 0; i < m->revision->contracted_parent_count; i++)
        add_name(m, names, m->revision->contracted_parents[i]);
    for (size_t i = m->index + 1; i < m->set->revision_count; i++)
        if (is_child_of(&m->set->revisions[i], m->index))
            add_name(m, names, i);
}

/* No revision in particular: all. */
static char *names_to_ask(const struct migrator *m)
{
    struct names *names = memory_new(NULL, struct names);
    char *array;

    if (m->revision != NULL)
        add_relatives(m, names);
    for (size_t i = 0; m->revision == NULL && i < m->set->revision_count; i++)
        add_name(m, names, i);
    array = sql_array(m->scratch, names->list, names->count);
    talloc_free(names);
    return array;
}

static enum error_code read_states(struct migrator *m, bool has_lock, struct phase_state *ret,
                                   struct error *err)
{
    struct rows *rows = NULL;

    if (ask(m, names_to_ask(m), has_lock, &rows, err) != ERROR_OK)
        return err->code;
    read_rows(m, rows, ret);
    rows_free(rows);
    return ERROR_OK;
}

/* ---- what forbids a phase ---- */

static bool stands(const struct phase_state *state)
{
    return state->is_expanded || (state->expand_is_complete && !state->revert_has_begun);
}

bool state_stands(const struct migration_hold *hold, size_t index)
{
    return !hold->is_stale && stands(&hold->states[index]);
}

bool state_is_untouched(const struct migration_hold *hold, size_t index)
{
    const struct phase_state *state = &hold->states[index];

    return !hold->is_stale && state->generation == 0 && state->checksum[0] == '\0' &&
           !state->is_partial && !state->is_expanded && !state->expand_is_complete &&
           !state->revert_has_begun;
}

static enum error_code need_expanded(const struct migrator *m, const struct phase_state *states,
                                     size_t index, struct error *err)
{
    if (stands(&states[index]))
        return ERROR_OK;
    return error_set(err, ERROR_REFUSED, "%s needs %s to be expanded first", m->revision->name,
                     m->set->revisions[index].name);
}

static enum error_code need_contracted(const struct migrator *m, const struct phase_state *states,
                                       size_t index, struct error *err)
{
    if (states[index].contract_is_complete)
        return ERROR_OK;
    return error_set(err, ERROR_REFUSED, "%s needs %s to be contracted first", m->revision->name,
                     m->set->revisions[index].name);
}

static enum error_code check_expand(const struct migrator *m, const struct phase_state *states,
                                    struct error *err)
{
    for (size_t i = 0; i < m->revision->parent_count; i++)
        if (need_expanded(m, states, m->revision->parents[i], err) != ERROR_OK)
            return err->code;
    for (size_t i = 0; i < m->revision->contracted_parent_count; i++)
        if (need_contracted(m, states, m->revision->contracted_parents[i], err) != ERROR_OK)
            return err->code;
    return ERROR_OK;
}

static enum error_code check_backfill(const struct migrator *m, const struct phase_state *states,
                                      struct error *err)
{
    return need_expanded(m, states, m->index, err);
}

static enum error_code check_contract(const struct migrator *m, const struct phase_state *states,
                                      struct error *err)
{
    if (need_expanded(m, states, m->index, err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < m->revision->parent_count; i++) {
        size_t parent = m->revision->parents[i];

        if (m->set->revisions[parent].scripts[MIGRATION_SCRIPT_CONTRACT] != NULL &&
            need_contracted(m, states, parent, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

static enum error_code check_revert(const struct migrator *m, const struct phase_state *states,
                                    struct error *err)
{
    for (size_t i = m->index + 1; i < m->set->revision_count; i++)
        if (is_child_of(&m->set->revisions[i], m->index) &&
            (states[i].is_expanded || states[i].is_partial))
            return error_set(err, ERROR_REFUSED, "%s cannot be reverted while %s stands on it",
                             m->revision->name, m->set->revisions[i].name);
    return ERROR_OK;
}

static enum error_code (*const checks[MIGRATION_PHASE_COUNT])(const struct migrator *,
                                                              const struct phase_state *,
                                                              struct error *) = {
    [MIGRATION_EXPAND] = check_expand,
    [MIGRATION_BACKFILL] = check_backfill,
    [MIGRATION_CONTRACT] = check_contract,
    [MIGRATION_REVERT] = check_revert,
};

/* What only lays the files out may change. */
static enum error_code check_checksum(const struct migrator *m, struct error *err)
{
    if (m->state.checksum[0] == '\0' || strcmp(m->state.checksum, m->revision->checksum) == 0 ||
        strcmp(m->state.meaning, m->revision->meaning) == 0)
        return ERROR_OK;
    return error_set(err, ERROR_CHANGED,
                     "the files of %s have changed since they were applied (checksum %.12s then, "
                     "%.12s now): restore them, and write a new revision; or say why they are "
                     "right with hakem migration rebless",
                     m->revision->name, m->state.checksum, m->revision->checksum);
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

/* ---- one phase ---- */

static enum error_code fetch(struct migrator *m, struct phase_state **ret, struct error *err)
{
    struct migration_hold *hold = m->run->hold;
    const struct migration_revision *revision = m->revision;

    if (hold == NULL) {
        *ret = memory_array(m->scratch, struct phase_state, m->set->revision_count);
        return read_states(m, false, *ret, err);
    }
    *ret = hold->states;
    if (!hold->is_stale)
        return ERROR_OK;
    m->revision = NULL;
    if (read_states(m, true, hold->states, err) == ERROR_OK)
        hold->is_stale = false;
    m->revision = revision;
    return hold->is_stale ? err->code : ERROR_OK;
}

enum error_code state_read(struct migrator *m, enum migration_phase phase, struct error *err)
{
    struct phase_state *states = NULL;

    if (fetch(m, &states, err) != ERROR_OK)
        return err->code;
    m->state = states[m->index];
    m->result.generation = m->state.generation;
    (void)text_format(m->generation_text, sizeof(m->generation_text), "%" PRIu64,
                      m->state.generation);
    if (check_checksum(m, err) != ERROR_OK)
        return err->code;
    m->result.already_done = is_there_already(m, phase);
    return m->result.already_done ? ERROR_OK : checks[phase](m, states, err);
}

void state_note(struct migrator *m, enum migration_phase phase, enum error_code code)
{
    struct migration_hold *hold = m->run->hold;
    struct phase_state *state;

    if (hold == NULL || m->revision == NULL || (code == ERROR_OK && m->result.already_done))
        return;
    if (code != ERROR_OK || phase != MIGRATION_EXPAND || m->state.generation != 0 ||
        m->state.revert_has_begun) {
        hold->is_stale = true; /* the plain case is the one that comes by the hundred */
        return;
    }
    state = &hold->states[m->index];
    state->expand_is_complete = true;
    state->is_expanded = m->revision->backfill_count == 0;
    state->is_partial = !state->is_expanded;
    (void)text_copy(state->checksum, sizeof(state->checksum), m->revision->checksum);
    (void)text_copy(state->meaning, sizeof(state->meaning), m->revision->meaning);
}

void state_unlock(struct session *session)
{
    struct session_watch before;
    struct error ignored;

    if (session_is_lost(session))
        return;
    /* A cancel that is still wanted must not keep the lock. */
    before = session_set_watch(session, (struct session_watch){.context = NULL});
    (void)session_query(session, SQL("SELECT pg_catalog.pg_advisory_unlock(7521902, 2)"), NULL,
                        &ignored);
    (void)session_set_watch(session, before);
}

/* ---- many phases ---- */

enum error_code migration_hold_open(struct session *session, const struct migration_set *set,
                                    const struct migration_run *run, struct migration_hold **ret,
                                    struct error *err)
{
    struct session_watch before =
        session_set_watch(session, (struct session_watch){.context = NULL});
    struct migration_hold *hold = memory_new(session, struct migration_hold);
    struct migrator m;
    enum error_code code;

    hold->session = session;
    hold->states = memory_array(hold, struct phase_state, set->revision_count);
    migrator_begin(&m, session, set, run);
    code = read_states(&m, false, hold->states, err);
    if (code == ERROR_OK)
        code = session_run(session, "SET synchronous_commit = off", err);
    if (code == ERROR_OK)
        m.holds_lock = false; /* the hold's from here on */
    migrator_close(&m, before);
    if (code == ERROR_OK)
        *ret = hold;
    else
        talloc_free(hold);
    return code;
}

/* A commit flushes only what it has written something to; the message is nobody's. */
static enum error_code flush(struct session *session, struct error *err)
{
    if (session_run(session, "RESET synchronous_commit", err) != ERROR_OK)
        return err->code;
    return session_run(session, "SELECT pg_catalog.pg_logical_emit_message(true, 'hakem', '')",
                       err);
}

enum error_code migration_hold_close(struct migration_hold *hold, struct error *err)
{
    struct session_watch before;
    enum error_code code;

    if (hold == NULL)
        return ERROR_OK;
    /* What was done before a cancel is flushed as well. */
    before = session_set_watch(hold->session, (struct session_watch){.context = NULL});
    code = flush(hold->session, err);
    (void)session_set_watch(hold->session, before);
    state_unlock(hold->session);
    talloc_free(hold);
    return code;
}
