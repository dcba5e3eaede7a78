#include "common/migration/repeatable.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/schema.h"
#include "common/migration/segment.h"
#include "embedded_hakem_migration.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define REPEATABLE_PHASE "repeatable"

/* What the database has of one. */
struct applied {
    char checksum[HASH_HEX_SIZE]; /* "": it is not there */
    uint64_t times;
    const char *sql; /* a child of the array; NULL: nobody knows */
};

/* ---- what is there ---- */

static void read_row(const struct migration_set *set, const struct rows *rows, size_t row,
                     struct applied *ret)
{
    for (size_t i = 0; i < set->repeatable_count; i++) {
        if (strcmp(set->repeatables[i].name, rows_text(rows, row, 0)) != 0)
            continue;
        (void)text_copy(ret[i].checksum, sizeof(ret[i].checksum), rows_text(rows, row, 1));
        ret[i].times = rows_number(rows, row, 2);
        ret[i].sql = rows_is_null(rows, row, 3) ? NULL : memory_text(ret, rows_text(rows, row, 3));
    }
}

/* One element per repeatable of the set; a child of parent. */
static enum error_code read_applied(struct session *session, const struct migration_set *set,
                                    const void *parent, struct applied **ret, struct error *err)
{
    struct applied *applied = memory_array(parent, struct applied, set->repeatable_count);
    struct rows *rows = NULL;
    bool exists = false;

    if (session_ask_bool(
            session, SQL("SELECT pg_catalog.to_regclass('hakem.repeatable_before') IS NOT NULL"),
            &exists, err) != ERROR_OK)
        return err->code;
    if (exists) {
        if (session_query(session, SQL("SELECT name, checksum, times, sql FROM hakem.repeatable"),
                          &rows, err) != ERROR_OK)
            return err->code;
        for (size_t i = 0; i < rows_count(rows); i++)
            read_row(set, rows, i, applied);
        rows_free(rows);
    }
    *ret = applied;
    return ERROR_OK;
}

static enum repeatable_state state_of(const struct migration_repeatable *repeatable,
                                      const struct applied *applied)
{
    if (applied->checksum[0] == '\0')
        return REPEATABLE_NEW;
    return strcmp(applied->checksum, repeatable->checksum) == 0 ? REPEATABLE_CURRENT
                                                                : REPEATABLE_CHANGED;
}

enum error_code repeatable_read(struct session *session, const struct migration_set *set,
                                const void *parent, enum repeatable_state **ret, struct error *err)
{
    enum repeatable_state *states =
        memory_array(parent, enum repeatable_state, set->repeatable_count);
    struct applied *applied = NULL;

    if (read_applied(session, set, states, &applied, err) != ERROR_OK)
        return err->code;
    assert(applied != NULL);
    for (size_t i = 0; i < set->repeatable_count; i++)
        states[i] = state_of(&set->repeatables[i], &applied[i]);
    *ret = states;
    return ERROR_OK;
}

/* ---- one of them: one transaction ---- */

struct repeating {
    struct migrator *m;
    struct repeatable_change change;
};

static struct repeatable_change change_of(const struct migration_repeatable *repeatable,
                                          const struct applied *applied)
{
    return (struct repeatable_change){.repeatable = repeatable,
                                      .sql_before = applied->sql,
                                      .is_new = applied->checksum[0] == '\0'};
}

void repeatable_add_script(struct migrator *m, struct transaction *t, const struct split *split)
{
    for (size_t i = 0; i < split->count; i++)
        surroundings_add_by(m, t, surroundings_role(m), statement_where(m, split, i),
                            split->statements[i].text);
}

void repeatable_add_new(struct migrator *m, struct transaction *t,
                        const struct repeatable_change *change)
{
    const char *is_new = change->is_new ? "true" : "false";

    transaction_add(t, "what is there", embedded_repeatable_made, 2,
                    (const char *const[]){"before", is_new});
    repeatable_add_script(m, t, change->repeatable->split);
    transaction_add(t, "what it made", embedded_repeatable_made, 2,
                    (const char *const[]){"after", is_new});
}

/* With the first statement the whole file is in: what fails leaves no row. */
static void add_log(const struct repeating *r, struct transaction *t)
{
    for (size_t i = 0; i < r->change.repeatable->split->count; i++) {
        const struct log_row row = {.phase = REPEATABLE_PHASE,
                                    .statement = i + 1,
                                    .outcome = "done",
                                    .hash = r->change.repeatable->split->statements[i].hash};

        transaction_log(r->m, t, &row);
    }
}

static const char *last_revision(const struct migration_set *set)
{
    return set->revision_count > 0 ? set->revisions[set->head].name : "";
}

static enum error_code try_transaction(void *context, uint64_t lock_timeout_ms, struct error *err)
{
    const struct repeating *r = context;
    struct transaction *t = transaction_new(r->m->scratch);
    enum error_code code;

    transaction_begin(r->m, t, lock_timeout_ms);
    repeatable_add_new(r->m, t, &r->change);
    add_log(r, t);
    transaction_add(t, "the mark", embedded_repeatable_mark, 6,
                    (const char *const[]){r->change.repeatable->name,
                                          r->change.repeatable->checksum, r->m->generation_text,
                                          migrator_text(r->m->run->operator_name),
                                          last_revision(r->m->set), r->change.repeatable->text});
    transaction_commit(r->m, t, false);
    code = transaction_run(r->m, t, NULL, err);
    talloc_free(t);
    return code;
}

/* For the log it is a revision of its own, and each time a generation of it. */
static enum error_code apply_one(struct migrator *m, const struct migration_repeatable *repeatable,
                                 const struct applied *applied, struct error *err)
{
    const struct migration_revision as_revision = {.name = repeatable->path};
    struct repeating repeating = {.m = m, .change = change_of(repeatable, applied)};
    enum error_code code;

    m->revision = &as_revision;
    (void)text_format(m->generation_text, sizeof(m->generation_text), "%" PRIu64,
                      applied->times + 1);
    code = ladder_climb(m, try_transaction, &repeating, err);
    m->revision = NULL;
    return code;
}

/* ---- all of them ---- */

static enum error_code prove(struct migrator *m, const struct applied *applied, struct error *err)
{
    struct repeatable_change *changes =
        memory_array(m->scratch, struct repeatable_change, m->set->repeatable_count);
    size_t count = 0;

    for (size_t i = 0; i < m->set->repeatable_count; i++)
        if (state_of(&m->set->repeatables[i], &applied[i]) != REPEATABLE_CURRENT)
            changes[count++] = change_of(&m->set->repeatables[i], &applied[i]);
    return count > 0 ? repeatables_prove(m, changes, count, err) : ERROR_OK;
}

static enum error_code apply_all(struct migrator *m, struct repeatable_hooks *hooks,
                                 struct error *err)
{
    struct applied *applied = NULL;

    if (schema_ensure(m->session, err) != ERROR_OK ||
        read_applied(m->session, m->set, m->scratch, &applied, err) != ERROR_OK)
        return err->code;
    assert(applied != NULL);
    if (m->run->rollout != NULL && prove(m, applied, err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < m->set->repeatable_count; i++) {
        const struct migration_repeatable *repeatable = &m->set->repeatables[i];

        if (state_of(repeatable, &applied[i]) == REPEATABLE_CURRENT)
            continue;
        if (apply_one(m, repeatable, &applied[i], err) != ERROR_OK)
            return err->code;
        if (hooks != NULL)
            hooks->done(hooks->context, repeatable);
    }
    return ERROR_OK;
}

enum error_code repeatable_apply(struct session *session, const struct migration_set *set,
                                 const struct migration_run *run, struct repeatable_hooks *hooks,
                                 struct error *err)
{
    struct session_watch before;
    struct migrator m;
    enum error_code code;

    if (set->repeatable_count == 0)
        return ERROR_OK;
    before = session_set_watch(session, (struct session_watch){.context = NULL});
    migrator_begin(&m, session, set, run);
    code = apply_all(&m, hooks, err);
    migrator_close(&m, before);
    return code;
}

/* ---- behind the last revision of a rollout ---- */

static bool is_last(const struct migration_set *set, const char *revision)
{
    return set->repeatable_count > 0 && strcmp(last_revision(set), revision) == 0;
}

static enum error_code apply_held(struct session *session, const struct migration_set *set,
                                  const struct migration_run *run, struct error *err)
{
    struct migration_run held = *run;
    struct error ignored;

    if (migration_hold_open(session, set, run, &held.hold, err) != ERROR_OK)
        return err->code;
    if (repeatable_apply(session, set, &held, NULL, err) != ERROR_OK) {
        if (!session_is_lost(session))
            (void)migration_hold_close(held.hold, &ignored);
        return err->code;
    }
    return migration_hold_close(held.hold, err);
}

enum error_code repeatable_follow(struct session *session, const struct migration_order *order,
                                  const struct migration_run *run, struct migration_result *ret,
                                  struct error *err)
{
    struct rows *rows = NULL;
    bool are_open = false;

    if (repeatable_are_open(session, order->set, order->revision, &are_open, err) != ERROR_OK)
        return err->code;
    if (!are_open)
        return ERROR_OK;
    if (apply_held(session, order->set, run, err) != ERROR_OK ||
        session_query(session, SQL("SELECT pg_catalog.pg_current_wal_insert_lsn()::text"), &rows,
                      err) != ERROR_OK)
        return err->code;
    (void)text_copy(ret->position, sizeof(ret->position), rows_text(rows, 0, 0));
    rows_free(rows);
    return ERROR_OK;
}

enum error_code repeatable_are_open(struct session *session, const struct migration_set *set,
                                    const char *revision, bool *ret, struct error *err)
{
    enum repeatable_state *states = NULL;

    *ret = false;
    if (!is_last(set, revision))
        return ERROR_OK;
    if (repeatable_read(session, set, NULL, &states, err) != ERROR_OK)
        return err->code;
    assert(states != NULL);
    for (size_t i = 0; i < set->repeatable_count; i++)
        *ret |= states[i] != REPEATABLE_CURRENT;
    talloc_free(states);
    return ERROR_OK;
}
