#include "common/migration/phase.h"

#include "common/migration/segment.h"

#include <string.h>

static enum error_code run_expand(struct migrator *m, struct error *err)
{
    struct script_run script;

    if (m->state.revert_has_begun)
        return error_set(
            err, ERROR_REFUSED,
            "a revert of %s has begun and must be finished before it is expanded again",
            m->revision->name);
    if (script_run_open(&script, m, m->revision->scripts[MIGRATION_SCRIPT_EXPAND], MIGRATION_EXPAND,
                        err) != ERROR_OK)
        return err->code;
    return script_run_all(&script, err);
}

static enum error_code run_contract(struct migrator *m, struct error *err)
{
    const struct split *split = m->revision->scripts[MIGRATION_SCRIPT_CONTRACT];
    struct script_run script;

    if (split == NULL) {
        m->result.already_done = true;
        return ERROR_OK;
    }
    if (!m->state.is_expanded)
        return error_set(err, ERROR_REFUSED,
                         "%s must be expanded and backfilled before its contract",
                         m->revision->name);
    if (script_run_open(&script, m, split, MIGRATION_CONTRACT, err) != ERROR_OK)
        return err->code;
    return script_run_all(&script, err);
}

static enum error_code (*const runs[MIGRATION_PHASE_COUNT])(struct migrator *, struct error *) = {
    [MIGRATION_EXPAND] = run_expand,
    [MIGRATION_BACKFILL] = backfill_run,
    [MIGRATION_CONTRACT] = run_contract,
    [MIGRATION_REVERT] = revert_run,
};

/* Of the phase, in the present generation. */
static enum error_code has_begun(struct migrator *m, enum migration_phase phase, bool *ret,
                                 struct error *err)
{
    const bool begun[MIGRATION_PHASE_COUNT] = {
        [MIGRATION_EXPAND] = m->state.is_partial,
        [MIGRATION_CONTRACT] = m->state.is_contracted,
        [MIGRATION_REVERT] = m->state.revert_has_begun,
    };

    *ret = begun[phase];
    if (phase != MIGRATION_BACKFILL)
        return ERROR_OK;
    return session_ask_bool(m->session,
                            SQL_WITH("SELECT EXISTS (SELECT FROM hakem.backfill"
                                     " WHERE revision = $1 AND generation = $2::bigint)",
                                     m->revision->name, m->generation_text),
                            ret, err);
}

/* One that goes on is not asked again whether it may begin. */
static enum error_code assert_before(struct migrator *m, enum migration_phase phase,
                                     struct error *err)
{
    bool begun = false;

    if (m->revision->assertion_count == 0)
        return ERROR_OK;
    if (has_begun(m, phase, &begun, err) != ERROR_OK)
        return err->code;
    return begun ? ERROR_OK : assertions_ask(m, phase, true, err);
}

/* A kept schema was not reverted. */
static enum error_code assert_after(struct migrator *m, enum migration_phase phase,
                                    struct error *err)
{
    return m->result.is_kept ? ERROR_OK : assertions_ask_after(m, phase, err);
}

static enum error_code run_phase(struct migrator *m, enum migration_phase phase, struct error *err)
{
    enum error_code code = ERROR_OK;

    if (!m->result.already_done)
        code = assert_before(m, phase, err);
    if (code == ERROR_OK && !m->result.already_done)
        code = runs[phase](m, err);
    return code == ERROR_OK ? assert_after(m, phase, err) : code;
}

/* The caller compares positions, also of what had been done before it asked. */
static enum error_code read_position(struct migrator *m, struct error *err)
{
    char *position;

    if (m->result.position[0] != '\0' || m->run->hold != NULL)
        return ERROR_OK;
    if (session_ask_text(m->session, SQL("SELECT pg_catalog.pg_current_wal_insert_lsn()::text"),
                         m->scratch, &position, err) != ERROR_OK)
        return err->code;
    (void)strncpy(m->result.position, position, sizeof(m->result.position) - 1);
    return ERROR_OK;
}

enum error_code migration_apply(struct session *session, const struct migration_order *order,
                                const struct migration_run *run, struct migration_result *ret,
                                struct error *err)
{
    struct session_watch before =
        session_set_watch(session, (struct session_watch){.context = NULL});
    struct migrator m;
    enum error_code code = migrator_open(&m, session, order, run, err);

    if (code == ERROR_OK)
        code = surroundings_enter(&m, err);
    if (code == ERROR_OK)
        code = run_phase(&m, order->phase, err);
    if (code == ERROR_OK)
        code = read_position(&m, err);
    state_note(&m, order->phase, code);
    surroundings_leave(&m);
    migrator_close(&m, before);
    if (code == ERROR_OK)
        *ret = m.result;
    return code;
}
