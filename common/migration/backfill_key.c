#include "common/migration/backfill_key.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "embedded_hakem_migration.h"

#define LIST_MAX 4096 /* bytes: names have 63 at most, types not many more */

/* ---- reading ---- */

static enum error_code refuse(struct migrator *m, const struct backfill_key *key,
                              const struct migration_backfill *spec, const char *where,
                              size_t nullable, struct error *err)
{
    if (nullable < key->count)
        return error_set(err, ERROR_REFUSED,
                         "%s: %s.%s may be NULL, and such rows stand in no order: name a key whose "
                         "columns are NOT NULL",
                         where, spec->table, key->names[nullable]);
    return error_set(err, ERROR_REFUSED,
                     "%s: no valid unique index of %s is on exactly (%s), in that order, so its "
                     "rows cannot be gone through range by range: name another key, or create the "
                     "index first, concurrently, in a revision of its own",
                     where, spec->table, backfill_key_list(key, m->scratch));
}

enum error_code backfill_key_read(struct migrator *m, const struct migration_backfill *spec,
                                  const char *where, struct backfill_key *ret, struct error *err)
{
    size_t nullable;
    bool is_unique = true;
    struct rows *rows;

    *ret = (struct backfill_key){.count = spec->key_count > 0 ? spec->key_count : 1,
                                 .names = spec->key_count > 0 ? spec->keys : &spec->key};
    nullable = ret->count;
    if (session_query(m->session,
                      SQL_WITH(embedded_backfill_key, spec->table,
                               sql_array(m->scratch, ret->names, ret->count)),
                      &rows, err) != ERROR_OK)
        return err->code;
    for (size_t i = ret->count; i-- > 0;) {
        ret->types[i] = memory_text(m->scratch, rows_text(rows, i, 0));
        is_unique = is_unique && rows_bool(rows, i, 2);
        if (!rows_bool(rows, i, 1))
            nullable = i;
    }
    rows_free(rows);
    for (size_t i = 0; i < ret->count; i++)
        if (ret->types[i][0] == '\0')
            return error_set(err, ERROR_INVALID, "%s: there is no column %s of %s", where,
                             ret->names[i], spec->table);
    return nullable < ret->count || !is_unique ? refuse(m, ret, spec, where, nullable, err)
                                               : ERROR_OK;
}

/* ---- SQL ---- */

const char *backfill_key_list(const struct backfill_key *key, const void *parent)
{
    struct text *text = text_new(parent, LIST_MAX);

    for (size_t i = 0; i < key->count; i++)
        text_append_format(text, "%s%s", i > 0 ? ", " : "", key->names[i]);
    return text->data;
}

const char *backfill_key_qualified(const struct backfill_key *key, const char *table,
                                   const void *parent)
{
    struct text *text = text_new(parent, LIST_MAX);

    for (size_t i = 0; i < key->count; i++)
        text_append_format(text, "%s%s.%s", i > 0 ? ", " : "", table, key->names[i]);
    return text->data;
}

const char *backfill_key_select(const struct backfill_key *key, const void *parent)
{
    struct text *text = text_new(parent, LIST_MAX);

    for (size_t i = 0; i < key->count; i++)
        text_append_format(text, "%s%s AS k%zu", i > 0 ? ", " : "", key->names[i], i + 1);
    return text->data;
}

const char *backfill_key_order(const struct backfill_key *key, const char *direction,
                               const void *parent)
{
    struct text *text = text_new(parent, LIST_MAX);

    for (size_t i = 0; i < key->count; i++)
        text_append_format(text, "%sk%zu %s", i > 0 ? ", " : "", i + 1, direction);
    return text->data;
}

const char *backfill_key_outputs(const struct backfill_key *key, const void *parent)
{
    return backfill_key_order(key, "", parent);
}

const char *backfill_key_from(const struct backfill_key *key, const char *cursor,
                              const void *parent)
{
    struct text *text = text_new(parent, LIST_MAX);

    if (key->count == 1)
        return memory_format(parent, "SELECT (%s)::%s", cursor, key->types[0]);
    text_append(text, "SELECT ");
    for (size_t i = 0; i < key->count; i++)
        text_append_format(text, "%s(at.c ->> %zu)::%s", i > 0 ? ", " : "", i, key->types[i]);
    text_append_format(text, " FROM (SELECT (%s)::jsonb AS c) AS at", cursor);
    return text->data;
}

const char *backfill_key_cursor(const struct backfill_key *key, const void *parent)
{
    struct text *text = text_new(parent, LIST_MAX);

    if (key->count == 1)
        return "k1::text";
    text_append(text, "pg_catalog.jsonb_build_array(");
    for (size_t i = 0; i < key->count; i++)
        text_append_format(text, "%sk%zu::text", i > 0 ? ", " : "", i + 1);
    text_append(text, ")::text");
    return text->data;
}

const char *backfill_key_equals_new(const struct backfill_key *key, const char *table,
                                    const void *parent)
{
    struct text *text = text_new(parent, LIST_MAX);

    for (size_t i = 0; i < key->count; i++)
        text_append_format(text, "%s%s.%s = NEW.%s", i > 0 ? " AND " : "", table, key->names[i],
                           key->names[i]);
    return text->data;
}
