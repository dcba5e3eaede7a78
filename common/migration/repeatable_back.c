/* repeatable_back.c: repeatables put back with the revert of the revision that was the last one. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/segment.h"
#include "embedded_hakem_migration.h"

#include <stdint.h>
#include <string.h>

const char *repeatable_path(const struct migrator *m, const char *name)
{
    for (size_t i = 0; i < m->set->repeatable_count; i++)
        if (strcmp(m->set->repeatables[i].name, name) == 0)
            return m->set->repeatables[i].split->path;
    return memory_format(m->scratch, "%s/%s.sql", MIGRATION_REPEATABLES, name);
}

static void add_mark(struct migrator *m, struct transaction *t, const struct rows *rows, size_t i)
{
    const char *name = rows_text(rows, i, 0);

    transaction_add(
        t, "the mark", embedded_repeatable_unmark, 6,
        (const char *const[]){name, m->revision->name, m->generation_text, repeatable_path(m, name),
                              migrator_text(m->run->operator_name),
                              rows_bool(rows, i, 3) ? "nobody knows what it was before" : ""});
}

/* The last one may need the first one: it goes first, and comes back last.  What one sets is not
 * for the others. */
static char *text_back(const void *parent, const struct rows *rows)
{
    struct text *text = text_new(parent, SIZE_MAX / 2);

    for (size_t i = rows_count(rows); i > 0; i--)
        if (!rows_bool(rows, i - 1, 3))
            text_append_format(text, "%s\n", rows_text(rows, i - 1, 1));
    for (size_t i = 0; i < rows_count(rows); i++)
        if (!rows_bool(rows, i, 3))
            text_append_format(text, "%s\n;\n%s;\n", rows_text(rows, i, 2), embedded_settings_back);
    return text->data;
}

static void add_search_path(struct transaction *t, const char *path)
{
    transaction_add(t, "the search_path", "SELECT pg_catalog.set_config('search_path', $1, true)",
                    1, (const char *const[]){path});
}

/* They were applied with the session's search_path and role, whatever the revision's are. */
static void add_back(struct migrator *m, struct transaction *t, const struct rows *rows)
{
    if (m->search_path_before != NULL)
        add_search_path(t, m->search_path_before);
    transaction_add(t, "what is set", embedded_settings_keep, 0, NULL);
    transaction_add(t, "what repeatables were",
                    "SELECT pg_catalog.length(pg_catalog.set_config('hakem.back', $1, true))", 1,
                    (const char *const[]){text_back(m->scratch, rows)});
    surroundings_add_by(m, t, m->run->role, "what repeatables were before",
                        embedded_repeatable_back);
    transaction_add_plain(t, "RESET ROLE"); /* one of them may have set it, too */
    if (m->search_path_before != NULL)
        add_search_path(t, m->revision->search_path);
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
