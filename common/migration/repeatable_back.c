/* repeatable_back.c: the way back of repeatables: tried in a rollout before they are applied, in a
 * transaction that is rolled back, and taken with the revert of the revision that was the last one.
 */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/segment.h"
#include "embedded_hakem_migration.h"

#include <stdint.h>
#include <string.h>

/* Steps of the proof, in the order of its transaction. */
#define ADD_DROPS                                                                                  \
    "SELECT pg_catalog.length(pg_catalog.set_config('hakem.drops',"                                \
    " pg_catalog.current_setting('hakem.made') || E'\\n'"                                          \
    " || coalesce(pg_catalog.current_setting('hakem.drops', true), ''), true))"
#define RUN_DROPS                                                                                  \
    "DO $$BEGIN IF pg_catalog.current_setting('hakem.drops') ~ '\\S' THEN"                         \
    " EXECUTE pg_catalog.current_setting('hakem.drops'); END IF; END$$"

/* ---- the proof ---- */

struct proof {
    struct migrator *m;
    const struct repeatable_change *changes;
    size_t count;
    const struct split **before; /* per change; NULL: it was not there, or nobody knows */
};

/* As its authors know it. */
static const char *path_of(const struct migrator *m, const char *name)
{
    for (size_t i = 0; i < m->set->repeatable_count; i++)
        if (strcmp(m->set->repeatables[i].name, name) == 0)
            return m->set->repeatables[i].split->path;
    return memory_format(m->scratch, "%s/%s.sql", MIGRATION_REPEATABLES, name);
}

static enum error_code split_before(struct migrator *m, const char *name, const char *sql,
                                    const struct split **ret, struct error *err)
{
    const char *path = memory_format(m->scratch, "%s as it was before", path_of(m, name));
    struct split *split = NULL;

    if (split_sql(m->scratch, path, sql, strlen(sql), &split, err) != ERROR_OK)
        return err->code;
    *ret = split;
    return ERROR_OK;
}

static void add_drops(struct migrator *m, struct transaction *t)
{
    const char *role = surroundings_role_sql(m);

    if (role != NULL)
        transaction_add(t, "the role", role, 0, NULL);
    transaction_add(t, "dropping what repeatables have made", RUN_DROPS, 0, NULL);
    if (role != NULL)
        transaction_add_plain(t, "RESET ROLE");
}

static enum error_code try_proof(void *context, uint64_t lock_timeout_ms, struct error *err)
{
    const struct proof *proof = context;
    struct transaction *t = transaction_new(proof->m->scratch);
    size_t back, failed = 0;
    enum error_code code;

    transaction_begin(proof->m, t, lock_timeout_ms);
    for (size_t i = 0; i < proof->count; i++) {
        repeatable_add_new(proof->m, t, proof->changes[i].repeatable);
        transaction_add(t, "what they made", ADD_DROPS, 0, NULL);
    }
    back = t->count;
    add_drops(proof->m, t);
    for (size_t i = 0; i < proof->count; i++)
        if (proof->before[i] != NULL)
            repeatable_add_script(proof->m, t, proof->before[i]);
    transaction_add_plain(t, "ROLLBACK");
    code = transaction_run(proof->m, t, &failed, err);
    if (code == ERROR_SQL && failed >= back)
        code = error_set(err, ERROR_IRREVERSIBLE,
                         "new repeatables would have no way back (let them drop what they replace "
                         "first, or make it a revision): %.700s",
                         err->detail);
    talloc_free(t);
    return code;
}

enum error_code repeatables_prove(struct migrator *m, const struct repeatable_change *changes,
                                  size_t count, struct error *err)
{
    static const struct migration_revision nobody = {.name = MIGRATION_REPEATABLES};
    struct proof proof = {.m = m, .changes = changes, .count = count};
    enum error_code code;

    proof.before = memory_array(m->scratch, const struct split *, count);
    for (size_t i = 0; i < count; i++)
        if (changes[i].sql_before != NULL &&
            split_before(m, changes[i].repeatable->name, changes[i].sql_before, &proof.before[i],
                         err) != ERROR_OK)
            return err->code;
    m->revision = &nobody;
    code = ladder_climb(m, try_proof, &proof, err);
    m->revision = NULL;
    return code;
}

/* ---- in earnest ---- */

static void add_mark(struct migrator *m, struct transaction *t, const struct rows *rows, size_t i)
{
    const char *name = rows_text(rows, i, 0);

    transaction_add(
        t, "the mark", embedded_repeatable_unmark, 6,
        (const char *const[]){name, m->revision->name, m->generation_text, path_of(m, name),
                              migrator_text(m->run->operator_name),
                              rows_bool(rows, i, 3) ? "nobody knows what it was before" : ""});
}

/* The last one may need the first one: it goes first, and comes back last. */
static char *text_back(const void *parent, const struct rows *rows)
{
    struct text *text = text_new(parent, SIZE_MAX / 2);

    for (size_t i = rows_count(rows); i > 0; i--)
        if (!rows_bool(rows, i - 1, 3))
            text_append_format(text, "%s\n", rows_text(rows, i - 1, 1));
    for (size_t i = 0; i < rows_count(rows); i++)
        if (!rows_bool(rows, i, 3))
            text_append_format(text, "%s\n;\n", rows_text(rows, i, 2));
    return text->data;
}

static void add_back(struct migrator *m, struct transaction *t, const struct rows *rows)
{
    const char *role = surroundings_role_sql(m);

    transaction_add(t, "what repeatables were",
                    "SELECT pg_catalog.length(pg_catalog.set_config('hakem.back', $1, true))", 1,
                    (const char *const[]){text_back(m->scratch, rows)});
    if (role != NULL)
        transaction_add(t, "the role", role, 0, NULL);
    transaction_add(t, "what repeatables were before", embedded_repeatable_back, 0, NULL);
    if (role != NULL)
        transaction_add_plain(t, "RESET ROLE");
    for (size_t i = 0; i < rows_count(rows); i++)
        add_mark(m, t, rows, i);
}

enum error_code repeatables_add_back(struct migrator *m, struct transaction *t, struct error *err)
{
    struct rows *rows = NULL;

    if (session_query(m->session, SQL_WITH(embedded_repeatable_before, m->revision->name), &rows,
                      err) != ERROR_OK)
        return err->code;
    if (rows_count(rows) > 0)
        add_back(m, t, rows);
    rows_free(rows);
    return ERROR_OK;
}
