/* compare_internal.h: a comparison on its way, in the files that share it. */
#ifndef AGENT_TWIN_COMPARE_INTERNAL_H
#define AGENT_TWIN_COMPARE_INTERNAL_H

#include "agent/twin/twin_internal.h"

#define COMPARE_LITERAL_SIZE 2048 /* of a key; a longer one is not cut, but its range not split */
#define COMPARE_HASH_SIZE    48

struct compare_table {
    const char *name;    /* quoted, with its schema, like all that follows */
    const char *columns; /* that both have */
    const char *key;     /* its columns */
    const char *literal; /* an expression that gives "'5'::bigint" of a row's key */
    const char *down;    /* its columns, each DESC */
    uint64_t rows;       /* about */
};

/* Keys beyond after, up to upto; "": no such bound. */
struct compare_range {
    const struct compare_table *table;
    char after[COMPARE_LITERAL_SIZE];
    char upto[COMPARE_LITERAL_SIZE];
};

/* Of a row's key; not there: there is no such row, or its key is too long to be a bound. */
struct compare_bound {
    bool is_there;
    char literal[COMPARE_LITERAL_SIZE];
};

struct compare_sum {
    uint64_t rows;
    char hash[COMPARE_HASH_SIZE];
};

struct comparison {
    struct twin *t;
    const char *link;
    bool is_exact; /* nobody writes: what differs once, differs */
    uint64_t range_rows;
    uint64_t ranges;
    uint64_t rows;
    bool is_complete; /* within the budget, or without one */
    uint64_t busy;    /* single rows that changed at every look */
};

/* ---- compare_range.c ---- */

/* The key of the row that is `rows` further on (downwards: back from the end). */
enum error_code compare_find_bound(struct session *in, const struct compare_range *range,
                                   uint64_t rows, bool downwards, struct compare_bound *ret,
                                   struct error *err);
/* ERROR_VERIFY names what differs. */
enum error_code compare_examine(struct comparison *c, const struct compare_range *range,
                                struct error *err);

#endif
