#include "common/migration/tree_internal.h"

#include <string.h>

const struct tree *tree_get(const struct tree *object, const char *key)
{
    const struct tree *part = object != NULL && object->type == TREE_OBJECT ? object->first : NULL;

    while (part != NULL && (part->key[0] != key[0] || strcmp(part->key, key) != 0))
        part = part->next;
    return part;
}

const struct tree *tree_element(const struct tree *array, size_t i)
{
    return i < tree_count(array) ? array->items[i] : NULL;
}

size_t tree_count(const struct tree *array)
{
    return tree_is_array(array) ? array->count : 0;
}

bool tree_is_array(const struct tree *tree)
{
    return tree != NULL && tree->type == TREE_ARRAY;
}

bool tree_is_object(const struct tree *tree)
{
    return tree != NULL && tree->type == TREE_OBJECT;
}

bool tree_is_text(const struct tree *tree)
{
    return tree != NULL && tree->type == TREE_TEXT;
}

const struct tree *tree_first(const struct tree *tree)
{
    return tree_is_object(tree) || tree_is_array(tree) ? tree->first : NULL;
}

const struct tree *tree_next(const struct tree *part)
{
    return part->next;
}

const char *tree_key(const struct tree *part)
{
    return part->key;
}

const char *tree_text(const struct tree *node, const char *key)
{
    const struct tree *part = tree_get(node, key);

    return tree_is_text(part) ? part->text : "";
}

bool tree_flag(const struct tree *node, const char *key)
{
    const struct tree *part = tree_get(node, key);

    return part != NULL && part->type == TREE_FLAG && part->number != 0;
}

size_t tree_number(const struct tree *node, const char *key)
{
    const struct tree *part = tree_get(node, key);

    return part != NULL && part->type == TREE_NUMBER && part->number > 0 ? (size_t)part->number : 0;
}

const struct tree *tree_at(const struct tree *node, const char *key, const char *kind)
{
    return tree_get(tree_get(node, key), kind);
}

const struct tree *tree_item(const struct tree *list, size_t i, const char *kind)
{
    return tree_get(tree_element(list, i), kind);
}

const char *tree_kind(const struct tree *wrapped, const struct tree **ret_node)
{
    const struct tree *first = tree_is_object(wrapped) ? tree_first(wrapped) : NULL;

    *ret_node = first;
    return first != NULL ? first->key : "";
}

const char *tree_word_from_end(const struct tree *words, size_t i)
{
    size_t count = tree_count(words);

    return i < count ? tree_text(tree_item(words, count - 1 - i, "String"), "sval") : "";
}

const struct tree *tree_words(const struct tree *wrapped)
{
    const struct tree *list;
    const struct tree *type = tree_get(wrapped, "TypeName");

    if (tree_is_array(wrapped))
        return wrapped;
    list = tree_get(tree_get(wrapped, "List"), "items");
    return list != NULL ? list : tree_get(type, "names");
}

/* Below node, an object or array; a kind is no text's key.  The depth is that of tree_parse(). */
static void find(const struct tree *node, const char *kind, bool is_range, tree_visit *visit,
                 void *context)
{
    if (is_range && tree_is_text(tree_get(node, "relname")) &&
        tree_get(node, "relpersistence") != NULL)
        visit(node, context);
    for (const struct tree *part = node->first; part != NULL; part = part->next) {
        if (part->type != TREE_OBJECT && part->type != TREE_ARRAY)
            continue;
        if (!is_range && part->key[0] == kind[0] && strcmp(part->key, kind) == 0)
            visit(part, context);
        find(part, kind, is_range, visit, context);
    }
}

void tree_find(const struct tree *node, const char *kind, tree_visit *visit, void *context)
{
    if (tree_is_object(node) || tree_is_array(node))
        find(node, kind, strcmp(kind, "RangeVar") == 0, visit, context);
}

const struct tree *tree_option(const struct tree *options, const char *name)
{
    for (size_t i = 0; i < tree_count(options); i++) {
        const struct tree *option = tree_item(options, i, "DefElem");

        if (strcmp(tree_text(option, "defname"), name) == 0)
            return option;
    }
    return NULL;
}
