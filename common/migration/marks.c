#include "common/migration/marks.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <string.h>

static void keep_mark(struct mark *mark, const struct rows *rows, size_t i)
{
    (void)text_copy(mark->revision, sizeof(mark->revision), rows_text(rows, i, 0));
    (void)text_copy(mark->checksum, sizeof(mark->checksum), rows_text(rows, i, 1));
    mark->generation = rows_number(rows, i, 2);
    mark->is_expanded = rows_bool(rows, i, 3);
    mark->is_contracted = rows_bool(rows, i, 4);
    mark->is_partial = rows_bool(rows, i, 5);
    (void)text_copy(mark->meaning, sizeof(mark->meaning), rows_text(rows, i, 6));
}

enum error_code marks_read(struct session *session, const void *parent, struct marks **ret,
                           struct error *err)
{
    struct marks *marks;
    struct mark *list;
    struct rows *rows;
    bool exists;

    if (session_ask_bool(session, SQL("SELECT pg_catalog.to_regclass('hakem.mark') IS NOT NULL"),
                         &exists, err) != ERROR_OK)
        return err->code;
    if (!exists) {
        *ret = memory_new(parent, struct marks);
        return ERROR_OK;
    }
    if (session_query(session,
                      /* An earlier version's schema has no column meaning. */
                      SQL("SELECT revision, checksum, generation, expanded, contracted, partial,"
                          " pg_catalog.to_jsonb(mark) ->> 'meaning'"
                          " FROM hakem.mark ORDER BY revision COLLATE \"C\""),
                      &rows, err) != ERROR_OK)
        return err->code;
    marks = memory_new(parent, struct marks);
    list = memory_array(marks, struct mark, rows_count(rows));
    for (size_t i = 0; i < rows_count(rows); i++)
        keep_mark(&list[i], rows, i);
    marks->marks = list;
    marks->count = rows_count(rows);
    rows_free(rows);
    *ret = marks;
    return ERROR_OK;
}

const struct mark *marks_find(const struct marks *marks, const char *revision)
{
    for (size_t i = 0; i < marks->count; i++)
        if (strcmp(marks->marks[i].revision, revision) == 0)
            return &marks->marks[i];
    return NULL;
}

bool marks_is_expanded(const struct marks *marks, const char *revision)
{
    const struct mark *mark = marks_find(marks, revision);

    return mark != NULL && mark->is_expanded;
}

bool marks_is_contracted(const struct marks *marks, const char *revision)
{
    const struct mark *mark = marks_find(marks, revision);

    return mark != NULL && mark->is_contracted;
}
