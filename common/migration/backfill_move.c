/* backfill_move.c: what has to be true before rows are taken out of a table: that the archive can
 * have them, and give them back, and that no other table loses rows, or values, with them.
 */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/filling.h"
#include "common/postgres/quote.h"
#include "embedded_hakem_migration.h"

#include <inttypes.h>
#include <string.h>

#define COLUMNS_MAX 262144 /* bytes: a table has 1600 columns at most */

static bool takes_rows_out(const struct migration_backfill *spec)
{
    return spec->change == MIGRATION_CHANGE_ARCHIVE || spec->change == MIGRATION_CHANGE_DELETE ||
           spec->change == MIGRATION_CHANGE_DEDUPLICATE;
}

/* ---- columns ---- */

static enum error_code take_columns(struct filling *f, const struct rows *rows, const char *other,
                                    struct error *err)
{
    struct text *columns = text_new(f->m->scratch, COLUMNS_MAX);
    struct text *moved = text_new(f->m->scratch, COLUMNS_MAX);

    for (size_t i = 0; i < rows_count(rows); i++) {
        const char *name = rows_text(rows, i, 0);

        if (!rows_is_null(rows, i, 1))
            return error_set(err, ERROR_REFUSED,
                             "%s: %s %s, which %s has: CREATE TABLE … (LIKE %s "
                             "INCLUDING ALL) makes one that fits",
                             f->where, other, rows_text(rows, i, 1), f->spec->model,
                             f->spec->model);
        text_append_format(columns, "%s%s", i > 0 ? ", " : "", name);
        text_append_format(moved, "%s%s.%s", i > 0 ? ", " : "", f->spec->table, name);
    }
    f->columns = columns->data;
    f->moved = moved->data;
    return ERROR_OK;
}

static enum error_code read_columns(struct filling *f, struct error *err)
{
    const struct migration_backfill *spec = f->spec;
    bool is_back = strcmp(spec->model, spec->table) != 0;
    const char *other = is_back ? spec->table : spec->archive;
    enum error_code code;
    bool exist = false;
    struct rows *rows;

    if (session_ask_bool(f->m->session,
                         SQL_WITH("SELECT coalesce(pg_catalog.to_regclass($1)"
                                  " <> pg_catalog.to_regclass($2), false)",
                                  spec->model, other),
                         &exist, err) != ERROR_OK)
        return err->code;
    if (!exist)
        return error_set(err, ERROR_REFUSED,
                         "%s: %s and %s are not two tables: expand.sql makes the archive", f->where,
                         spec->model, other);
    if (session_query(f->m->session, SQL_WITH(embedded_move_columns, spec->model, other), &rows,
                      err) != ERROR_OK)
        return err->code;
    code = take_columns(f, rows, other, err);
    rows_free(rows);
    return code;
}

/* Rows come back by the same key. */
static enum error_code check_way_back(struct filling *f, struct error *err)
{
    struct backfill_key ignored;

    if (f->spec->inverse == NULL)
        return ERROR_OK;
    return backfill_key_read(f->m, f->spec->inverse, f->where, &ignored, err);
}

/* ---- what else would go ---- */

static enum error_code check_references(struct filling *f, struct error *err)
{
    struct rows *rows;
    enum error_code code = ERROR_OK;

    if (session_query(f->m->session,
                      SQL_WITH("SELECT conname, conrelid::regclass FROM pg_catalog.pg_constraint"
                               " WHERE contype = 'f' AND confrelid = pg_catalog.to_regclass($1)"
                               " AND confdeltype IN ('c', 'n', 'd') ORDER BY conname LIMIT 1",
                               f->spec->table),
                      &rows, err) != ERROR_OK)
        return err->code;
    if (rows_count(rows) > 0)
        code = error_set(err, ERROR_REFUSED,
                         "%s: the foreign key %s of %s would delete or empty what refers to a row "
                         "that goes, and nothing would bring it back: see to those rows first, and "
                         "let the key say NO ACTION",
                         f->where, rows_text(rows, 0, 0), rows_text(rows, 0, 1));
    rows_free(rows);
    return code;
}

/* Else each batch would read the whole table to find what its rows are like. */
static enum error_code check_index(struct filling *f, struct error *err)
{
    const struct migration_duplicates *d = &f->spec->duplicates;
    const char *columns = sql_array(f->m->scratch, d->by, d->by_count);
    bool is_there = true;

    if (f->spec->change == MIGRATION_CHANGE_DEDUPLICATE &&
        session_ask_bool(
            f->m->session,
            SQL_WITH("SELECT EXISTS (SELECT FROM pg_catalog.pg_index AS i WHERE i.indrelid ="
                     " pg_catalog.to_regclass($1) AND i.indisvalid AND i.indpred IS NULL AND"
                     " (SELECT pg_catalog.array_agg(x.attname::text ORDER BY x.attname::text)"
                     " FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS p (attnum, n)"
                     " JOIN pg_catalog.pg_attribute AS x ON x.attrelid = i.indrelid"
                     " AND x.attnum = p.attnum WHERE p.n <= pg_catalog.cardinality($2::text[])) ="
                     " (SELECT pg_catalog.array_agg(c ORDER BY c)"
                     " FROM pg_catalog.unnest($2::text[]) AS c))",
                     f->spec->table, columns),
            &is_there, err) != ERROR_OK)
        return err->code;
    if (is_there)
        return ERROR_OK;
    return error_set(err, ERROR_REFUSED,
                     "%s: no index of %s begins with the columns of `by`, %s, so that each batch "
                     "would read the whole table: create one first, concurrently",
                     f->where, f->spec->table, columns);
}

enum error_code move_prepare(struct filling *f, struct error *err)
{
    if (!takes_rows_out(f->spec))
        return ERROR_OK;
    if (check_references(f, err) != ERROR_OK || check_index(f, err) != ERROR_OK)
        return err->code;
    if (f->spec->archive == NULL)
        return ERROR_OK;
    return read_columns(f, err) == ERROR_OK ? check_way_back(f, err) : err->code;
}

/* ---- both sides ---- */

static enum error_code count_rows(struct filling *f, const char *table, uint64_t *ret,
                                  struct error *err)
{
    struct sql_call call = {.text = memory_format(f->m->scratch, "SELECT count(*) FROM %s", table),
                            .where = f->where};

    return session_ask_number(f->m->session, call, ret, err);
}

/* Whose rows are somebody else's would go back to where they never were. */
static enum error_code check_empty(struct filling *f, struct error *err)
{
    uint64_t count = 0;

    if (count_rows(f, f->spec->archive, &count, err) != ERROR_OK)
        return err->code;
    if (count == 0)
        return ERROR_OK;
    return error_set(err, ERROR_REFUSED,
                     "%s: %s has %" PRIu64 " rows already, which nothing would tell from those "
                     "that are moved: give it an archive of its own",
                     f->where, f->spec->archive, count);
}

static enum error_code check_complete(struct filling *f, struct error *err)
{
    uint64_t there = 0, moved = 0;
    char *position = memory_format(f->m->scratch, "%zu", f->position - INVERSE_POSITION_FROM);

    if (count_rows(f, f->spec->table, &there, err) != ERROR_OK ||
        session_ask_number(f->m->session,
                           SQL_WITH("SELECT done FROM hakem.backfill WHERE revision = $1"
                                    " AND generation = $2::bigint AND position = $3::integer",
                                    f->m->revision->name, f->m->generation_text, position),
                           &moved, err) != ERROR_OK)
        return err->code;
    if (there == moved || f->m->run->accept_data_loss)
        return ERROR_OK;
    return error_set(err, ERROR_WOULD_LOSE_DATA,
                     "%s: %" PRIu64 " rows were moved to %s, and it has %" PRIu64
                     " now: find out what became of them, or accept the loss",
                     f->where, moved, f->spec->table, there);
}

enum error_code move_check_before(struct filling *f, struct error *err)
{
    if (f->spec->archive == NULL)
        return ERROR_OK;
    return f->phase == MIGRATION_REVERT ? check_complete(f, err) : check_empty(f, err);
}

enum error_code move_check_after(struct filling *f, struct error *err)
{
    uint64_t count = 0;

    if (f->spec->archive == NULL || f->phase == MIGRATION_REVERT)
        return ERROR_OK;
    if (count_rows(f, f->spec->archive, &count, err) != ERROR_OK)
        return err->code;
    if (count == f->done)
        return ERROR_OK;
    return error_set(err, ERROR_VERIFY,
                     "%s: %" PRIu64 " rows were moved to %s, and it has %" PRIu64
                     ": somebody else writes there",
                     f->where, f->done, f->spec->archive, count);
}
