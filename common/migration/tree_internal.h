/* tree_internal.h: between tree_parse.c (reading) and tree.c (looking). */
#ifndef COMMON_MIGRATION_TREE_INTERNAL_H
#define COMMON_MIGRATION_TREE_INTERNAL_H

#include "common/migration/tree.h"

enum tree_type { TREE_OBJECT, TREE_ARRAY, TREE_TEXT, TREE_NUMBER, TREE_FLAG };

struct tree {
    const char *key;         /* in an object; else "" */
    const struct tree *next; /* beside it */
    enum tree_type type;
    unsigned count; /* of its parts */
    union {
        const char *text;         /* TEXT */
        long long number;         /* NUMBER, FLAG */
        const struct tree *first; /* OBJECT, ARRAY */
    };
    const struct tree *const *items; /* ARRAY: the same parts */
};

#endif
