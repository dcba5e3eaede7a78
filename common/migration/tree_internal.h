/* tree_internal.h: between tree_parse.c (reading) and tree.c (looking). */
#ifndef COMMON_MIGRATION_TREE_INTERNAL_H
#define COMMON_MIGRATION_TREE_INTERNAL_H

#include "common/migration/tree.h"

enum tree_type { TREE_OBJECT, TREE_ARRAY, TREE_TEXT, TREE_NUMBER, TREE_FLAG };

struct tree {
    enum tree_type type;
    const char *key;  /* in an object */
    const char *text; /* TEXT */
    long long number; /* NUMBER, FLAG */
    const struct tree *first;
    const struct tree *next;   /* beside it */
    const struct tree **items; /* ARRAY: the same parts */
    size_t count;
};

#endif
