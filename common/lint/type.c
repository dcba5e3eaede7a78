#include "common/lint/type.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/tree.h"

#include <string.h>

static const struct {
    const char *serial, *type;
} serials[] = {
    {"serial", "int4"},  {"serial4", "int4"},     {"bigserial", "int8"},
    {"serial8", "int8"}, {"smallserial", "int2"}, {"serial2", "int2"},
};

/* What may be told of any change between two of them. */
static const char *const plain_types[] = {
    "bool",  "int2",    "int4",   "int8",    "oid",       "float4",      "float8", "numeric",
    "money", "varchar", "bpchar", "text",    "bytea",     "date",        "time",   "timetz",
    "uuid",  "json",    "jsonb",  "xml",     "timestamp", "timestamptz", "inet",   "cidr",
    "bit",   "varbit",  "char",   "macaddr", "interval",  "name",
};

/* Binary coercible (pg_cast.castmethod 'b' of PostgreSQL 15), whatever the modifier before. */
static const struct {
    const char *from, *to;
} coercible[] = {
    {"varchar", "text"}, {"text", "varchar"}, {"cidr", "inet"}, {"xml", "text"},
    {"xml", "varchar"},  {"int4", "oid"},     {"oid", "int4"},  {"bit", "varbit"},
};

/* Types whose modifier is one length or precision, which may grow for nothing. */
static const char *const growing[] = {"varchar", "varbit",    "time",
                                      "timetz",  "timestamp", "timestamptz"};

static bool is_among(const char *name, const char *const *names, size_t count)
{
    return model_has_key(names, count, name);
}

const char *type_of_serial(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(serials); i++)
        if (strcmp(serials[i].serial, name) == 0)
            return serials[i].type;
    return NULL;
}

static size_t mod_of(const struct tree *mods, size_t i)
{
    return tree_number(tree_get(tree_item(mods, i, "A_Const"), "ival"), "ival");
}

struct model_type type_read(struct model *model, const struct tree *type_name)
{
    const struct tree *mods = tree_get(type_name, "typmods");
    struct model_type type = {
        .name = model_keep(model, tree_word_from_end(tree_get(type_name, "names"), 0)),
        .mod_count = tree_count(mods),
        .is_array = tree_count(tree_get(type_name, "arrayBounds")) > 0};

    if (type.mod_count > ARRAY_LEN(type.mods))
        type.mod_count = ARRAY_LEN(type.mods);
    for (size_t i = 0; i < type.mod_count; i++)
        type.mods[i] = mod_of(mods, i);
    if (strcmp(type.name, "bpchar") == 0 && type.mod_count == 0) {
        type.mods[0] = 1; /* char alone is char(1) */
        type.mod_count = 1;
    }
    return type;
}

static bool are_same_mods(const struct model_type *a, const struct model_type *b)
{
    bool are_same = a->mod_count == b->mod_count;

    for (size_t i = 0; i < a->mod_count && are_same; i++)
        are_same = a->mods[i] == b->mods[i];
    return are_same;
}

static bool grows(const struct model_type *from, const struct model_type *to)
{
    if (to->mod_count == 0)
        return true;
    if (from->mod_count == 0)
        return false;
    if (strcmp(to->name, "numeric") == 0)
        return to->mods[0] >= from->mods[0] && to->mods[1] == from->mods[1];
    if (strcmp(to->name, "interval") == 0)
        return to->mods[0] == from->mods[0] && to->mods[1] >= from->mods[1];
    return to->mods[0] >= from->mods[0];
}

static bool is_free_cast(const struct model_type *from, const struct model_type *to, bool is_utc)
{
    bool is_stamp =
        text_starts_with(from->name, "timestamp") && text_starts_with(to->name, "timestamp");

    if (is_stamp)
        return is_utc && grows(from, to);
    for (size_t i = 0; i < ARRAY_LEN(coercible); i++)
        if (strcmp(from->name, coercible[i].from) == 0 && strcmp(to->name, coercible[i].to) == 0)
            return to->mod_count == 0 || (strcmp(from->name, "varchar") == 0 && grows(from, to));
    return false;
}

static bool can_grow(const char *name)
{
    return is_among(name, growing, ARRAY_LEN(growing)) || strcmp(name, "numeric") == 0 ||
           strcmp(name, "interval") == 0;
}

enum type_change type_change_of(const struct model_type *from, const struct model_type *to,
                                bool is_utc)
{
    bool is_same_name = strcmp(from->name, to->name) == 0 && from->is_array == to->is_array;

    if (from->name[0] == '\0' || to->name[0] == '\0')
        return TYPE_CHANGE_UNKNOWN;
    if (is_same_name && are_same_mods(from, to))
        return TYPE_CHANGE_FREE;
    if (!is_among(from->name, plain_types, ARRAY_LEN(plain_types)) ||
        !is_among(to->name, plain_types, ARRAY_LEN(plain_types)))
        return TYPE_CHANGE_UNKNOWN;
    if (from->is_array || to->is_array)
        return is_same_name && to->mod_count == 0 ? TYPE_CHANGE_FREE : TYPE_CHANGE_REWRITE;
    if (is_same_name)
        return can_grow(to->name) && grows(from, to) ? TYPE_CHANGE_FREE : TYPE_CHANGE_REWRITE;
    return is_free_cast(from, to, is_utc) ? TYPE_CHANGE_FREE : TYPE_CHANGE_REWRITE;
}

char *type_text(const void *parent, const struct model_type *type)
{
    const char *array = type->is_array ? "[]" : "";

    if (type->mod_count == 2)
        return memory_format(parent, "%s(%zu,%zu)%s", type->name, type->mods[0], type->mods[1],
                             array);
    if (type->mod_count == 1)
        return memory_format(parent, "%s(%zu)%s", type->name, type->mods[0], array);
    return memory_format(parent, "%s%s", type->name, array);
}
