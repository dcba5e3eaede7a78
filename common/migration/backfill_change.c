/* backfill_change.c: what becomes of the rows of a batch, and how the rows are counted that are
 * still to be done, by the kind of change.
 */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/filling.h"
#include "common/postgres/quote.h"

#define LIST_MAX 8192 /* bytes: names have 63 at most */

/* " FROM …", "(…) AND " */
static const char *from_clause(const struct migration_backfill *spec, const void *parent)
{
    return spec->from != NULL ? memory_format(parent, " FROM %s", spec->from) : "";
}

static const char *join_clause(const struct migration_backfill *spec, const void *parent)
{
    return spec->join != NULL ? memory_format(parent, "(%s) AND ", spec->join) : "";
}

/* The rows of the batch, for as long as they are locked: those between its first and its last. */
static const char *range_of(const struct filling *f, const void *parent)
{
    const char *list = backfill_key_qualified(&f->key, f->spec->table, parent);
    const char *outputs = backfill_key_outputs(&f->key, parent);

    return memory_format(parent, "(%s) >= (SELECT %s FROM first) AND (%s) <= (SELECT %s FROM last)",
                         list, outputs, list, outputs);
}

/* ---- set, json ---- */

static const char *update_sql(const struct filling *f, const void *parent)
{
    const struct migration_backfill *spec = f->spec;

    return memory_format(parent, "changed AS (UPDATE %s SET %s%s WHERE %s AND %s(%s) RETURNING 1)",
                         spec->table, spec->set, from_clause(spec, parent), range_of(f, parent),
                         join_clause(spec, parent), spec->where);
}

static const char *count_by_where(const struct filling *f, const void *parent)
{
    const struct migration_backfill *spec = f->spec;

    return memory_format(parent, "SELECT count(*) FROM %s%s%s WHERE %s(%s)", spec->table,
                         spec->from != NULL ? ", " : "", spec->from != NULL ? spec->from : "",
                         join_clause(spec, parent), spec->where);
}

/* ---- archive, delete ---- */

/* DELETE's row goes to the archive, if there is one, in the same statement. */
static const char *remove_sql(const struct filling *f, const char *using, const char *condition,
                              const void *parent)
{
    const struct migration_backfill *spec = f->spec;
    const char *delete = memory_format(parent, "DELETE FROM %s%s WHERE %s AND %s", spec->table,
                                       using, range_of(f, parent), condition);

    if (spec->archive == NULL)
        return memory_format(parent, "changed AS (%s RETURNING 1)", delete);
    return memory_format(parent,
                         "gone AS (%s RETURNING %s), changed AS (INSERT INTO %s (%s)"
                         " OVERRIDING SYSTEM VALUE SELECT %s FROM gone RETURNING 1)",
                         delete, f->moved, spec->archive, f->columns, f->columns);
}

static const char *remove_by_where(const struct filling *f, const void *parent)
{
    return remove_sql(f, "", memory_format(parent, "(%s)", f->spec->where), parent);
}

/* ---- de-duplicate ---- */

/* t.a AS alias1, t.b AS alias2; alias NULL: t.a, t.b */
static const char *list_of(const char *const *names, size_t count, const char *table,
                           const char *alias, const void *parent)
{
    struct text *text = text_new(parent, LIST_MAX);

    for (size_t i = 0; i < count; i++) {
        text_append_format(text, "%s%s.%s", i > 0 ? ", " : "", table, names[i]);
        if (alias != NULL)
            text_append_format(text, " AS %s%zu", alias, i + 1);
    }
    return text->data;
}

/* hakem_k1, hakem_k2 */
static const char *numbered(const char *alias, size_t count, const void *parent)
{
    struct text *text = text_new(parent, LIST_MAX);

    for (size_t i = 0; i < count; i++)
        text_append_format(text, "%s%s%zu", i > 0 ? ", " : "", alias, i + 1);
    return text->data;
}

/* The key of the row that stays, in every row of its kind. */
static const char *first_list(const struct filling *f, const void *parent)
{
    struct text *text = text_new(parent, LIST_MAX);

    for (size_t i = 0; i < f->key.count; i++)
        text_append_format(text, "%spg_catalog.first_value(%s.%s) OVER kind AS hakem_f%zu",
                           i > 0 ? ", " : "", f->spec->table, f->key.names[i], i + 1);
    return text->data;
}

static const char *kind_window(const struct filling *f, const void *parent)
{
    const struct migration_duplicates *d = &f->spec->duplicates;

    return memory_format(parent, "WINDOW kind AS (PARTITION BY %s ORDER BY %s, %s)",
                         list_of(d->by, d->by_count, f->spec->table, NULL, parent), d->keep,
                         backfill_key_qualified(&f->key, f->spec->table, parent));
}

/* Those that have a predecessor; both are looked at again once they are locked: a player may have
 * changed what made them alike, or the one that was to stay. */
static const char *spare_sql(const struct filling *f, const void *parent)
{
    const struct migration_backfill *spec = f->spec;
    const struct migration_duplicates *d = &spec->duplicates;
    const char *by = list_of(d->by, d->by_count, spec->table, NULL, parent);
    const char *key = backfill_key_qualified(&f->key, spec->table, parent);
    const char *first = numbered("hakem_f", f->key.count, parent);
    const char *kind = numbered("hakem_b", d->by_count, parent);

    return memory_format(
        parent,
        "ranked AS MATERIALIZED (SELECT %s, %s, %s, pg_catalog.row_number() OVER kind AS hakem_n"
        " FROM %s WHERE (%s) IN (SELECT %s FROM %s WHERE %s) AND (%s) %s),"
        " kept AS MATERIALIZED (SELECT %s FROM %s WHERE (%s, %s) IN"
        " (SELECT %s, %s FROM ranked WHERE hakem_n > 1) FOR UPDATE),"
        " spare AS MATERIALIZED (SELECT * FROM ranked WHERE hakem_n > 1 AND (%s) IN"
        " (SELECT * FROM kept)), ",
        list_of(f->key.names, f->key.count, spec->table, "hakem_k", parent),
        list_of(d->by, d->by_count, spec->table, "hakem_b", parent), first_list(f, parent),
        spec->table, by, by, spec->table, range_of(f, parent), spec->where, kind_window(f, parent),
        key, spec->table, key, by, first, kind, first);
}

static const char *remove_duplicates(const struct filling *f, const void *parent)
{
    const struct migration_backfill *spec = f->spec;
    const struct migration_duplicates *d = &spec->duplicates;
    const char *condition = memory_format(parent, "(%s, %s) = (%s, %s) AND (%s)",
                                          backfill_key_qualified(&f->key, spec->table, parent),
                                          list_of(d->by, d->by_count, spec->table, NULL, parent),
                                          numbered("hakem_k", f->key.count, parent),
                                          numbered("hakem_b", d->by_count, parent), spec->where);

    return memory_format(parent, "%s%s", spare_sql(f, parent),
                         remove_sql(f, " USING spare", condition, parent));
}

/* As a unique index sees it: a row with a NULL is like no other. */
static const char *count_duplicates(const struct filling *f, const void *parent)
{
    const struct migration_backfill *spec = f->spec;
    const struct migration_duplicates *d = &spec->duplicates;

    return memory_format(parent,
                         "SELECT count(*) FROM (SELECT pg_catalog.row_number() OVER kind AS n"
                         " FROM %s WHERE (%s) AND pg_catalog.num_nulls(%s) = 0 %s) AS ranked"
                         " WHERE n > 1",
                         spec->table, spec->where,
                         list_of(d->by, d->by_count, spec->table, NULL, parent),
                         kind_window(f, parent));
}

/* ---- the kinds ---- */

/* Its batches are backfill_command.c's; the log names it. */
static const char *name_of_command(const struct filling *f, const void *parent)
{
    (void)parent;
    return f->spec->command.name;
}

static const struct {
    const char *name;
    const char *(*batch)(const struct filling *f, const void *parent);
    const char *(*count)(const struct filling *f, const void *parent);
} changes[MIGRATION_CHANGE_COUNT] = {
    [MIGRATION_CHANGE_SET] = {"fill", update_sql, count_by_where},
    [MIGRATION_CHANGE_JSON] = {"json", update_sql, count_by_where},
    [MIGRATION_CHANGE_ARCHIVE] = {"archive", remove_by_where, count_by_where},
    [MIGRATION_CHANGE_DELETE] = {"delete", remove_by_where, count_by_where},
    [MIGRATION_CHANGE_DEDUPLICATE] = {"de-duplicate", remove_duplicates, count_duplicates},
    [MIGRATION_CHANGE_COMMAND] = {"command", name_of_command, count_by_where},
};

const char *change_name(enum migration_change change)
{
    return changes[change].name;
}

const char *change_sql(const struct filling *f, const void *parent)
{
    return changes[f->spec->change].batch(f, parent);
}

const char *change_count_sql(const struct filling *f, const void *parent)
{
    return changes[f->spec->change].count(f, parent);
}

const char *change_counted(const struct filling *f, const void *parent)
{
    if (f->spec->archive == NULL)
        return "(SELECT count(*) FROM changed)";
    return memory_format(parent,
                         "hakem.moved((SELECT count(*) FROM gone),"
                         " (SELECT count(*) FROM changed), %s)",
                         sql_literal(parent, f->spec->archive));
}

const char *change_ambiguous_sql(const struct filling *f, const void *parent)
{
    const struct migration_backfill *spec = f->spec;

    return memory_format(parent,
                         "SELECT count(*) FROM (SELECT 1 FROM %s, %s WHERE (%s) AND (%s)"
                         " GROUP BY %s HAVING count(*) > 1) AS several",
                         spec->table, spec->from, spec->join, spec->where,
                         backfill_key_qualified(&f->key, spec->table, parent));
}
