#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/filling.h"
#include "common/migration/segment.h"

#include <string.h>

void sync_name(const struct migrator *m, size_t position, char ret[static SYNC_NAME_SIZE])
{
    char hex[HASH_HEX_SIZE];
    struct hash hash;

    hash_begin(&hash);
    hash_add(&hash, m->revision->name, strlen(m->revision->name));
    hash_add(&hash, &position, sizeof(position));
    hash_end_hex(&hash, hex);
    (void)text_format(ret, SYNC_NAME_SIZE, "hakem_sync_%.12s", hex);
}

static void add_function(struct filling *f, struct transaction *t)
{
    const struct migration_backfill *spec = f->spec;

    transaction_add(
        t, f->where,
        memory_format(t,
                      "CREATE OR REPLACE FUNCTION hakem.%s() RETURNS trigger LANGUAGE plpgsql"
                      " SECURITY DEFINER SET search_path FROM CURRENT AS $hakem$ BEGIN"
                      " UPDATE %s SET %s%s%s WHERE %s AND (%s) AND (%s); RETURN NULL;"
                      " END $hakem$",
                      f->sync, spec->table, spec->set, spec->from != NULL ? " FROM " : "",
                      spec->from != NULL ? spec->from : "",
                      backfill_key_equals_new(&f->key, spec->table, t),
                      spec->join != NULL ? spec->join : "true", spec->where),
        0, NULL);
}

/* The guard stands in WHEN: rows that are right already cost almost nothing. */
void sync_add(struct filling *f, struct transaction *t)
{
    /* Of a join a bare column may be the other table's. */
    const char *guard = f->spec->from == NULL ? split_expression_of_new(t, f->spec->where) : NULL;

    add_function(f, t);
    transaction_add(t, f->where,
                    memory_format(t,
                                  "CREATE OR REPLACE TRIGGER %s AFTER INSERT OR UPDATE ON %s"
                                  " FOR EACH ROW WHEN (pg_catalog.pg_trigger_depth() < 8 AND %s)"
                                  " EXECUTE FUNCTION hakem.%s()",
                                  f->sync, f->spec->table, guard != NULL ? guard : "true", f->sync),
                    0, NULL);
    /* Rows that are replicated to this database are written behind the cursor, too. */
    transaction_add(
        t, f->where,
        memory_format(t, "ALTER TABLE %s ENABLE ALWAYS TRIGGER %s", f->spec->table, f->sync), 0,
        NULL);
}

void sync_add_drop(struct transaction *t, const char *sync, const char *table)
{
    transaction_add_plain(t, memory_format(t, "DROP TRIGGER IF EXISTS %s ON %s", sync, table));
    transaction_add_plain(t, memory_format(t, "DROP FUNCTION IF EXISTS hakem.%s()", sync));
}

void backfill_add_cleanup(struct migrator *m, struct transaction *t)
{
    struct error ignored;
    struct rows *rows;
    char sync[SYNC_NAME_SIZE];

    if (m->revision->backfill_count == 0 ||
        session_query(m->session,
                      SQL_WITH("SELECT position FROM hakem.backfill WHERE revision = $1"
                               " AND generation = $2::bigint AND finished_at IS NULL",
                               m->revision->name, m->generation_text),
                      &rows, &ignored) != ERROR_OK)
        return;
    for (size_t i = 0; i < rows_count(rows); i++) {
        uint64_t position = rows_number(rows, i, 0);

        if (position >= m->revision->backfill_count || !m->revision->backfills[position].trigger)
            continue;
        sync_name(m, (size_t)position, sync);
        sync_add_drop(t, sync, m->revision->backfills[position].table);
    }
    rows_free(rows);
}
