/* inverse.c: takes back what backfills made of rows, newest first, before revert.sql takes back the
 * tables: batched, resumed and steered like them.
 */
#include "common/base/memory.h"
#include "common/migration/filling.h"
#include "common/migration/segment.h"

/* Per row of migration.yaml: has it begun in this generation? */
static enum error_code read_begun(struct migrator *m, bool *ret, struct error *err)
{
    struct rows *rows;

    if (session_query(m->session,
                      SQL_WITH("SELECT position FROM hakem.backfill WHERE revision = $1"
                               " AND generation = $2::bigint",
                               m->revision->name, m->generation_text),
                      &rows, err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < rows_count(rows); i++) {
        uint64_t position = rows_number(rows, i, 0);

        if (position < m->revision->backfill_count)
            ret[position] = true;
    }
    rows_free(rows);
    return ERROR_OK;
}

enum error_code inverse_run(struct migrator *m, struct error *err)
{
    const struct migration_revision *revision = m->revision;
    bool *has_begun = memory_array(m->scratch, bool, revision->backfill_count);

    if (revision->backfill_count == 0)
        return ERROR_OK;
    if (read_begun(m, has_begun, err) != ERROR_OK)
        return err->code;
    for (size_t i = revision->backfill_count; i-- > 0;) {
        struct filling filling;

        if (!has_begun[i] || revision->backfills[i].inverse == NULL)
            continue;
        filling_begin(&filling, m, MIGRATION_REVERT, i);
        if (filling_run(&filling, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}
