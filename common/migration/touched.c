#include "common/migration/touched.h"

#include "common/base/memory.h"
#include "common/postgres/quote.h"

/* Names as they are written; one that several statements name is there several times. */
struct names {
    void *memory;
    const char **list;
    size_t count;
};

static void add(struct names *names, const char *name)
{
    names->list = memory_grow(names->memory, names->list, names->count, names->count + 1);
    names->list[names->count++] = name;
}

static void add_script(struct names *names, const struct split *script)
{
    for (size_t i = 0; script != NULL && i < script->count; i++)
        for (size_t k = 0; k < script->statements[i].table_count; k++) {
            const struct split_table *table = &script->statements[i].tables[k];

            add(names, sql_identifier(names->memory, table->schema, table->name));
        }
}

static void add_backfills(struct names *names, const struct migration_revision *revision)
{
    for (size_t i = 0; i < revision->backfill_count; i++) {
        add(names, revision->backfills[i].table);
        if (revision->backfills[i].archive != NULL)
            add(names, revision->backfills[i].archive);
    }
}

static void add_revision(struct names *names, const struct migration_revision *revision,
                         const struct marks *marks)
{
    if (!marks_is_expanded(marks, revision->name)) {
        add_script(names, revision->scripts[MIGRATION_SCRIPT_EXPAND]);
        add_backfills(names, revision);
    }
    if (!marks_is_contracted(marks, revision->name))
        add_script(names, revision->scripts[MIGRATION_SCRIPT_CONTRACT]);
}

static const char **take(const struct rows *rows, const void *parent)
{
    const char **tables = memory_array(parent, const char *, rows_count(rows) + 1);

    for (size_t i = 0; i < rows_count(rows); i++)
        tables[i] = memory_text(tables, rows_text(rows, i, 0));
    return tables;
}

enum error_code touched_tables(struct session *session, const struct touched_by *by,
                               const void *parent, const char ***ret, struct error *err)
{
    struct names names = {.memory = memory_zeroed(parent, 1, 1, "names")};
    size_t *history = memory_array(names.memory, size_t, by->set->revision_count);
    size_t count = migration_history_of(by->set, by->target, history);
    struct rows *rows = NULL;

    for (size_t i = 0; i < count; i++)
        add_revision(&names, &by->set->revisions[history[i]], by->marks);
    if (session_query(
            session,
            SQL_WITH("SELECT DISTINCT format('%I.%I', n.nspname, c.relname) COLLATE \"C\""
                     " FROM unnest($1::text[]) x JOIN pg_class c ON c.oid = to_regclass(x)"
                     " JOIN pg_namespace n ON n.oid = c.relnamespace"
                     " WHERE c.relkind IN ('r', 'p') ORDER BY 1",
                     sql_array(names.memory, names.list, names.count)),
            &rows, err) == ERROR_OK)
        *ret = take(rows, parent);
    rows_free(rows);
    talloc_free(names.memory);
    return err->code;
}
