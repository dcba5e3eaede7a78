/* split_fragment.c: parts of statements, as migration.yaml has them. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/split_internal.h"

#include <stdlib.h>
#include <string.h>

static bool is_one(const char *text, const char *kind)
{
    struct error ignored;
    json_t *tree = NULL;
    bool is;

    if (split_parse_one(text, &tree, &ignored) != ERROR_OK)
        return false;
    is = json_object_get(tree, kind) != NULL;
    json_decref(tree);
    return is;
}

bool split_is_one_update(const char *text)
{
    return is_one(text, "UpdateStmt");
}

bool split_is_one_query(const char *text)
{
    return is_one(text, "SelectStmt");
}

struct columns {
    size_t offsets[64];
    size_t count;
    bool is_plain; /* nothing but bare columns, no subquery */
};

static void note_column(struct columns *columns, json_t *reference)
{
    json_int_t at = json_integer_value(json_object_get(reference, "location"));

    if (json_array_size(json_object_get(reference, "fields")) != 1 ||
        columns->count == ARRAY_LEN(columns->offsets) || at <= 0)
        columns->is_plain = false;
    else
        columns->offsets[columns->count++] = (size_t)at;
}

static void find_columns(struct columns *columns, json_t *node, unsigned depth)
{
    const char *key;
    json_t *value;

    if (depth > SPLIT_TREE_DEPTH_MAX)
        columns->is_plain = false;
    if (!columns->is_plain)
        return;
    for (size_t i = 0; i < json_array_size(node); i++)
        find_columns(columns, json_array_get(node, i), depth + 1);
    json_object_foreach(node, key, value)
    {
        if (strcmp(key, "SubLink") == 0)
            columns->is_plain = false;
        else if (strcmp(key, "ColumnRef") == 0)
            note_column(columns, value);
        else
            find_columns(columns, value, depth + 1);
    }
}

static int by_offset(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;

    return x < y ? -1 : x > y;
}

char *split_expression_of_new(const void *parent, const char *expression)
{
    char *text = memory_format(NULL, "SELECT 1 WHERE (%s)", expression);
    struct columns columns = {.is_plain = true};
    size_t from = strlen("SELECT 1 WHERE ");
    struct text *out = text_new(text, SPLIT_BYTES_MAX);
    struct error ignored;
    char *ret = NULL;
    json_t *tree = NULL;

    if (split_parse_one(text, &tree, &ignored) == ERROR_OK) {
        find_columns(&columns, tree, 0);
        json_decref(tree);
        qsort(columns.offsets, columns.count, sizeof(columns.offsets[0]), by_offset);
        for (size_t i = 0; i < columns.count; i++) {
            text_append_bytes(out, text + from, columns.offsets[i] - from);
            text_append(out, "NEW.");
            from = columns.offsets[i];
        }
        text_append(out, text + from);
        if (columns.is_plain)
            ret = memory_text(parent, out->data);
    }
    talloc_free(text);
    return ret;
}

/* ---- a column's name ---- */

static bool is_reference_to(json_t *reference, const char *column)
{
    json_t *fields = json_object_get(reference, "fields");
    json_t *last = json_array_get(fields, json_array_size(fields) - 1);
    json_t *name = json_object_get(json_object_get(last, "String"), "sval");

    /* A star is every column. */
    return name == NULL || strcmp(json_string_value(name), column) == 0;
}

static bool has_reference(json_t *node, const char *column, unsigned depth)
{
    const char *key;
    json_t *value;

    if (depth > SPLIT_TREE_DEPTH_MAX)
        return true;
    for (size_t i = 0; i < json_array_size(node); i++)
        if (has_reference(json_array_get(node, i), column, depth + 1))
            return true;
    json_object_foreach(node, key, value)
    {
        if (strcmp(key, "ColumnRef") == 0 ? is_reference_to(value, column)
                                          : has_reference(value, column, depth + 1))
            return true;
    }
    return false;
}

bool split_expression_mentions(const char *expression, const char *column)
{
    char *text = memory_format(NULL, "SELECT 1 WHERE (%s)", expression);
    const char *name =
        column[0] == '"' ? memory_copy(text, column + 1, strlen(column) - 2) : column;
    struct error ignored;
    json_t *tree = NULL;
    bool mentions = true;

    if (split_parse_one(text, &tree, &ignored) == ERROR_OK) {
        mentions = has_reference(tree, name, 0);
        json_decref(tree);
    }
    talloc_free(text);
    return mentions;
}
