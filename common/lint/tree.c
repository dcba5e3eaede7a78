#include "common/lint/tree.h"

#include <stdint.h>
#include <string.h>

const char *tree_text(const json_t *node, const char *key)
{
    const char *text = json_string_value(json_object_get(node, key));

    return text != NULL ? text : "";
}

bool tree_flag(const json_t *node, const char *key)
{
    return json_is_true(json_object_get(node, key));
}

size_t tree_number(const json_t *node, const char *key)
{
    json_int_t number = json_integer_value(json_object_get(node, key));

    return number > 0 ? (size_t)number : 0;
}

const json_t *tree_list(const json_t *node, const char *key)
{
    return json_object_get(node, key);
}

const json_t *tree_at(const json_t *node, const char *key, const char *kind)
{
    return json_object_get(json_object_get(node, key), kind);
}

const json_t *tree_item(const json_t *list, size_t i, const char *kind)
{
    return json_object_get(json_array_get(list, i), kind);
}

const char *tree_kind(const json_t *wrapped, const json_t **ret_node)
{
    void *first = json_object_iter((json_t *)(uintptr_t)wrapped); /* jansson has no const one */
    const char *kind = first != NULL ? json_object_iter_key(first) : "";

    *ret_node = first != NULL ? json_object_iter_value(first) : NULL;
    return kind;
}

const char *tree_word_from_end(const json_t *words, size_t i)
{
    size_t count = json_array_size(words);

    return i < count ? tree_text(tree_item(words, count - 1 - i, "String"), "sval") : "";
}

const json_t *tree_words(const json_t *wrapped)
{
    const json_t *list;
    const json_t *type = json_object_get(wrapped, "TypeName");

    if (json_is_array(wrapped))
        return wrapped;
    list = json_object_get(json_object_get(wrapped, "List"), "items");
    return list != NULL ? list : json_object_get(type, "names");
}

static void find(const json_t *node, const char *kind, tree_visit *visit, void *context,
                 unsigned depth)
{
    bool is_range = strcmp(kind, "RangeVar") == 0;
    const char *key;
    json_t *value;

    if (depth > TREE_DEPTH_MAX)
        return;
    for (size_t i = 0; i < json_array_size(node); i++)
        find(json_array_get(node, i), kind, visit, context, depth + 1);
    if (!json_is_object(node))
        return;
    if (is_range && json_is_string(json_object_get(node, "relname")) &&
        json_object_get(node, "relpersistence") != NULL)
        visit(node, context);
    json_object_foreach((json_t *)(uintptr_t)node, key, value)
    {
        if (!is_range && strcmp(key, kind) == 0)
            visit(value, context);
        find(value, kind, visit, context, depth + 1);
    }
}

void tree_find(const json_t *node, const char *kind, tree_visit *visit, void *context)
{
    find(node, kind, visit, context, 0);
}

const json_t *tree_option(const json_t *options, const char *name)
{
    for (size_t i = 0; i < json_array_size(options); i++) {
        const json_t *option = tree_item(options, i, "DefElem");

        if (strcmp(tree_text(option, "defname"), name) == 0)
            return option;
    }
    return NULL;
}
