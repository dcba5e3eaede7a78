#include "common/config/yaml.h"

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/config/yaml_internal.h"

#include <assert.h>
#include <string.h>

/* One reading: the document, and who owns what is read. */
struct reading {
    const void *parent;
    const char *file;
    yaml_document_t document;
};

static enum error_code fill_struct(struct reading *reading, yaml_node_t *node,
                                   const struct yaml_table *table, void *ret, struct error *err);

static struct yaml_place place_of(const struct reading *reading, const yaml_node_t *node,
                                  const char *key)
{
    return (struct yaml_place){
        .file = reading->file, .line = node->start_mark.line + 1, .key = key};
}

/* ---- values ---- */

static void *member(void *base, size_t offset)
{
    return (char *)base + offset;
}

static const char *scalar_of(const yaml_node_t *node)
{
    return (const char *)node->data.scalar.value;
}

static bool is_plain(const yaml_node_t *node)
{
    return node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

/* "key:" without a value. */
static bool is_null(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && is_plain(node) && scalar_of(node)[0] == '\0';
}

static enum error_code fill_scalar(struct reading *reading, yaml_node_t *node,
                                   const struct yaml_key *key, void *ret, struct error *err)
{
    struct yaml_place place = place_of(reading, node, key->key);

    if (node->type != YAML_SCALAR_NODE)
        return yaml_fail(&place, err, "must be a %s, one value", yaml_kind_name(key->kind));
    if (is_null(node))
        return yaml_fail(&place, err, "has no value");
    place.value = scalar_of(node);
    place.is_quoted = !is_plain(node);
    return yaml_store_scalar(reading->parent, &place, key, ret, err);
}

static enum error_code count_list(struct reading *reading, const yaml_node_t *node,
                                  const struct yaml_key *key, size_t *ret, struct error *err)
{
    struct yaml_place place = place_of(reading, node, key->key);
    size_t max = key->max != 0 ? (size_t)key->max : YAML_LIST_MAX;
    size_t count;

    if (node->type != YAML_SEQUENCE_NODE)
        return yaml_fail(&place, err, "must be a list");
    count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    if (count < key->min || count > max)
        return yaml_fail(&place, err, "must have %zu to %zu entries, not %zu", (size_t)key->min,
                         max, count);
    *ret = count;
    return ERROR_OK;
}

static yaml_node_t *item_of(struct reading *reading, const yaml_node_t *list, size_t i)
{
    return yaml_document_get_node(&reading->document, list->data.sequence.items.start[i]);
}

static enum error_code fill_texts(struct reading *reading, yaml_node_t *node,
                                  const struct yaml_key *key, void *ret, struct error *err)
{
    struct yaml_key element = *key;
    const char **texts;
    size_t count = 0;

    if (count_list(reading, node, key, &count, err) != ERROR_OK)
        return err->code;
    element.min = 1;
    element.max = 0;
    texts = memory_array(reading->parent, const char *, count);
    for (size_t i = 0; i < count; i++)
        if (fill_scalar(reading, item_of(reading, node, i), &element, &texts[i], err) != ERROR_OK)
            return err->code;
    *(const char ***)member(ret, key->offset) = texts;
    *(size_t *)member(ret, key->count_offset) = count;
    return ERROR_OK;
}

static enum error_code fill_structs(struct reading *reading, yaml_node_t *node,
                                    const struct yaml_key *key, void *ret, struct error *err)
{
    size_t size = key->nested->size;
    char *array;
    size_t count = 0;

    if (count_list(reading, node, key, &count, err) != ERROR_OK)
        return err->code;
    array = memory_zeroed(reading->parent, count, size, key->key);
    for (size_t i = 0; i < count; i++)
        if (fill_struct(reading, item_of(reading, node, i), key->nested, array + i * size, err) !=
            ERROR_OK)
            return err->code;
    *(void **)member(ret, key->offset) = array;
    *(size_t *)member(ret, key->count_offset) = count;
    return ERROR_OK;
}

static enum error_code fill_value(struct reading *reading, yaml_node_t *node,
                                  const struct yaml_key *key, void *ret, struct error *err)
{
    if (key->kind == YAML_KIND_STRUCT)
        return fill_struct(reading, node, key->nested, member(ret, key->offset), err);
    if (key->kind == YAML_KIND_STRUCTS)
        return fill_structs(reading, node, key, ret, err);
    if (key->kind == YAML_KIND_TEXTS || key->kind == YAML_KIND_NAMES)
        return fill_texts(reading, node, key, ret, err);
    return fill_scalar(reading, node, key, member(ret, key->offset), err);
}

/* ---- structs ---- */

static const struct yaml_key *find_key(const struct yaml_table *table, const char *name)
{
    for (size_t i = 0; i < table->key_count; i++)
        if (strcmp(table->keys[i].key, name) == 0)
            return &table->keys[i];
    return NULL;
}

static enum error_code fail_unknown(const struct yaml_place *place, const struct yaml_table *table,
                                    struct error *err)
{
    char known[ERROR_DETAIL_MAX / 4] = "";
    size_t length = 0;

    for (size_t i = 0; i < table->key_count && length < sizeof(known) - 1; i++) {
        (void)text_format(known + length, sizeof(known) - length, "%s%s", i > 0 ? ", " : "",
                          table->keys[i].key);
        length += strlen(known + length);
    }
    return yaml_fail(place, err, "unknown key; known here: %s", known);
}

static enum error_code fill_pair(struct reading *reading, const yaml_node_pair_t *pair,
                                 const struct yaml_table *table, void *ret, struct error *err)
{
    yaml_node_t *name = yaml_document_get_node(&reading->document, pair->key);
    yaml_node_t *value = yaml_document_get_node(&reading->document, pair->value);
    struct yaml_place place = place_of(reading, name, NULL);
    const struct yaml_key *key;

    if (name->type != YAML_SCALAR_NODE)
        return yaml_fail(&place, err, "a key must be one word");
    place.key = scalar_of(name);
    key = find_key(table, place.key);
    if (key == NULL)
        return fail_unknown(&place, table, err);
    return fill_value(reading, value, key, ret, err);
}

static const yaml_node_pair_t *find_pair(struct reading *reading, const yaml_node_t *node,
                                         const char *name, const yaml_node_pair_t *from)
{
    for (const yaml_node_pair_t *pair = from; pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(&reading->document, pair->key);

        if (key->type == YAML_SCALAR_NODE && strcmp(scalar_of(key), name) == 0)
            return pair;
    }
    return NULL;
}

/* What the file does not say. */
static enum error_code fill_absent(struct reading *reading, const yaml_node_t *node,
                                   const struct yaml_key *key, void *ret, struct error *err)
{
    struct yaml_place place = place_of(reading, node, key->key);

    if (key->is_required)
        return yaml_fail(&place, err, "is required, and missing here");
    if (key->otherwise == NULL)
        return ERROR_OK;
    place.value = key->otherwise;
    return yaml_store_scalar(reading->parent, &place, key, member(ret, key->offset), err);
}

static enum error_code check_key(struct reading *reading, const yaml_node_t *node,
                                 const struct yaml_key *key, void *ret, struct error *err)
{
    const yaml_node_pair_t *pair =
        find_pair(reading, node, key->key, node->data.mapping.pairs.start);

    if (pair == NULL)
        return fill_absent(reading, node, key, ret, err);
    pair = find_pair(reading, node, key->key, pair + 1);
    if (pair != NULL) {
        struct yaml_place place =
            place_of(reading, yaml_document_get_node(&reading->document, pair->key), key->key);

        return yaml_fail(&place, err, "given twice");
    }
    return ERROR_OK;
}

/* The line of what a fault speaks of: a list's entry, a key, or, if the key is not there, the
 * struct. */
static const yaml_node_t *node_of_fault(struct reading *reading, const yaml_node_t *node,
                                        const struct yaml_fault *fault)
{
    const yaml_node_pair_t *pair =
        find_pair(reading, node, fault->key, node->data.mapping.pairs.start);
    const yaml_node_t *value;

    if (pair == NULL)
        return node;
    value = yaml_document_get_node(&reading->document, pair->value);
    if (fault->entry > 0 && value->type == YAML_SEQUENCE_NODE)
        return item_of(reading, value, fault->entry - 1);
    return yaml_document_get_node(&reading->document, pair->key);
}

static enum error_code check_sense(struct reading *reading, const yaml_node_t *node,
                                   const struct yaml_table *table, const void *filled,
                                   struct error *err)
{
    struct yaml_fault fault = {.entry = 0};
    struct yaml_place place;

    if (table->is_faulty == NULL || !table->is_faulty(filled, &fault))
        return ERROR_OK;
    assert(fault.key != NULL);
    place = place_of(reading, node_of_fault(reading, node, &fault), fault.key);
    return yaml_fail(&place, err, "%s", fault.sentence);
}

static enum error_code fill_struct(struct reading *reading, yaml_node_t *node,
                                   const struct yaml_table *table, void *ret, struct error *err)
{
    struct yaml_place place = place_of(reading, node, NULL);

    if (node->type != YAML_MAPPING_NODE)
        return yaml_fail(&place, err, "keys with values are expected here");
    for (size_t i = 0; i < table->key_count; i++)
        if (check_key(reading, node, &table->keys[i], ret, err) != ERROR_OK)
            return err->code;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++)
        if (fill_pair(reading, pair, table, ret, err) != ERROR_OK)
            return err->code;
    return check_sense(reading, node, table, ret, err);
}

static enum error_code load_document(const struct yaml_text *text, yaml_document_t *ret,
                                     struct error *err)
{
    yaml_parser_t parser;
    enum error_code code = ERROR_OK;

    if (yaml_start_parser(&parser, text, err) != ERROR_OK)
        return err->code;
    if (!yaml_parser_load(&parser, ret))
        code = yaml_fail_syntax(text->name, &parser, err);
    yaml_parser_delete(&parser);
    return code;
}

enum error_code yaml_read(const void *parent, const struct yaml_text *text,
                          const struct yaml_table *table, void *ret, struct error *err)
{
    struct reading reading = {.parent = parent, .file = text->name};
    void *scratch;
    yaml_node_t *root;
    enum error_code code;

    if (yaml_check_limits(text, err) != ERROR_OK ||
        load_document(text, &reading.document, err) != ERROR_OK)
        return err->code;
    scratch = memory_zeroed(NULL, 1, table->size, "yaml scratch");
    root = yaml_document_get_root_node(&reading.document);
    if (root == NULL || is_null(root))
        code = error_set(err, ERROR_CONFIG, "%s: the file is empty", text->name);
    else
        code = fill_struct(&reading, root, table, scratch, err);
    if (code == ERROR_OK)
        memcpy(ret, scratch, table->size);
    talloc_free(scratch);
    yaml_document_delete(&reading.document);
    return code;
}

enum error_code yaml_read_file(const void *parent, const char *path, const struct yaml_table *table,
                               void *ret, struct error *err)
{
    struct yaml_text text = {.name = path};
    char *bytes;
    enum error_code code;

    if (file_read(NULL, path, YAML_BYTES_MAX, &bytes, &text.size, err) != ERROR_OK)
        return error_set(err, ERROR_CONFIG, "%s", err->detail);
    text.bytes = bytes;
    code = yaml_read(parent, &text, table, ret, err);
    talloc_free(bytes);
    return code;
}
