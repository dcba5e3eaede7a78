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
    char checksum[HASH_HEX_SIZE]; /* "": never applied */
    uint64_t times;
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
    }
}

/* One element per repeatable of the set; a child of parent. */
static enum error_code read_applied(struct session *session, const struct migration_set *set,
                                    const void *parent, struct applied **ret, struct error *err)
{
    struct applied *applied = memory_array(parent, struct applied, set->repeatable_count);
    struct rows *rows = NULL;
    bool exists = false;

    if (session_ask_bool(session,
                         SQL("SELECT pg_catalog.to_regclass('hakem.repeatable') IS NOT NULL"),
                         &exists, err) != ERROR_OK)
        return err->code;
    if (exists) {
        if (session_query(session, SQL("SELECT name, checksum, times FROM hakem.repeatable"), &rows,
                          err) != ERROR_OK)
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
    const struct migration_repeatable *repeatable;
};

static void add_statement(const struct repeating *r, struct transaction *t, size_t i)
{
    const struct split_statement *statement = &r->repeatable->split->statements[i];
    const struct log_row row = {
        .phase = REPEATABLE_PHASE, .statement = i + 1, .outcome = "done", .hash = statement->hash};

    const char *role = surroundings_role_sql(r->m);

    if (role != NULL)
        transaction_add(t, "the role", role, 0, NULL);
    transaction_add(t, statement_where(r->m, r->repeatable->split, i), statement->text, 0, NULL);
    if (role != NULL)
        transaction_add_plain(t, "RESET ROLE");
    transaction_log(r->m, t, &row);
}

static enum error_code try_transaction(void *context, uint64_t lock_timeout_ms, struct error *err)
{
    const struct repeating *r = context;
    struct transaction *t = transaction_new(r->m->scratch);
    enum error_code code;

    transaction_begin(r->m, t, lock_timeout_ms);
    for (size_t i = 0; i < r->repeatable->split->count; i++)
        add_statement(r, t, i);
    transaction_add(t, "the mark", embedded_repeatable_mark, 4,
                    (const char *const[]){r->repeatable->name, r->repeatable->checksum,
                                          r->m->generation_text,
                                          migrator_text(r->m->run->operator_name)});
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
    struct repeating repeating = {.m = m, .repeatable = repeatable};
    enum error_code code;

    m->revision = &as_revision;
    (void)text_format(m->generation_text, sizeof(m->generation_text), "%" PRIu64,
                      applied->times + 1);
    code = ladder_climb(m, try_transaction, &repeating, err);
    m->revision = NULL;
    return code;
}

static enum error_code apply_all(struct migrator *m, struct repeatable_hooks *hooks,
                                 struct error *err)
{
    struct applied *applied = NULL;

    if (schema_ensure(m->session, err) != ERROR_OK ||
        read_applied(m->session, m->set, m->scratch, &applied, err) != ERROR_OK)
        return err->code;
    assert(applied != NULL);
    for (size_t i = 0; i < m->set->repeatable_count; i++) {
        const struct migration_repeatable *repeatable = &m->set->repeatables[i];

        if (state_of(repeatable, &applied[i]) == REPEATABLE_CURRENT)
            continue;
        if (apply_one(m, repeatable, &applied[i], err) != ERROR_OK)
            return err->code;
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
