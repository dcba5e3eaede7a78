/* sequences.c: sequences are never replicated: those of whoever takes over are set beyond the
 * others.
 */
#include "agent/twin/twin_internal.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "embedded_hakem_agent_shell.h"

/* Steps that may have been drawn by whom nobody asked: sessions' caches, a crash. */
#define SEQUENCE_MARGIN "1000"

static const char theirs[] =
    "SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('s', schemaname, 't',"
    " sequencename, 'last', last_value)), '[]') FROM pg_catalog.pg_sequences"
    " WHERE last_value IS NOT NULL AND schemaname <> 'hakem'";

enum error_code twin_advance_sequences(struct twin *t, uint64_t *ret_count, struct error *err)
{
    struct rows *rows = NULL;
    char *list = NULL;

    if (session_ask_text(t->peer, SQL(theirs), t->memory, &list, err) != ERROR_OK ||
        session_query(t->own, SQL_WITH(embedded_twin_sequences, list, SEQUENCE_MARGIN), &rows,
                      err) != ERROR_OK)
        return err->code;
    *ret_count = rows_count(rows);
    rows_free(rows);
    talloc_free(list);
    return ERROR_OK;
}

enum error_code twin_sequences(struct twin *t, char *ret, size_t size, struct error *err)
{
    uint64_t count = 0;

    if (twin_open_peer(t, err) != ERROR_OK || twin_advance_sequences(t, &count, err) != ERROR_OK)
        return err->code;
    (void)text_format(ret, size, "%llu sequences were set beyond those of %s",
                      (unsigned long long)count, t->other->node);
    return ERROR_OK;
}
