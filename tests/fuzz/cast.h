/* cast.h: a small cluster for fuzz_control: what its nodes would honestly report, and the orders
 * that they have been given and not yet answered.
 *
 * The fuzzer chooses who speaks, who lies and who is silent; without honest words it would never
 * get past the first gate.
 */
#ifndef TESTS_FUZZ_CAST_H
#define TESTS_FUZZ_CAST_H

#include "coordinator/core/control.h"

#define CAST_NODES     8
#define CAST_DATABASES 2
#define CAST_GAMES     3
#define CAST_ORDERS    64

extern const char *const cast_words[];
extern const size_t cast_word_count;

struct cast_node {
    const char *name;
    enum node_kind kind;
    unsigned applied, expanded, contracted; /* of a database: bits by revision */
    const char *release;                    /* of a game node */
    enum traffic_state traffic;             /* of a game node, at the edges */
    const char *colour;                     /* of a game node; "": it has none */
    const char *live;                       /* of an edge: the colour that it sends traffic to */
    bool can_split;                         /* of an edge */
    uint64_t share_permille;                /* of an edge: what the other colour gets */
    uint64_t sessions;                      /* of a game node, at each edge */
    uint64_t latency_ms;                    /* of a game node's probe */
    uint64_t requests, errors;              /* of a game node, as each edge counts */
    bool is_sick, is_silent;
    bool is_pooler, is_paused;
    bool is_dead;         /* its server does not answer, its agent does */
    enum twin_state twin; /* of a database that has one */
    bool is_closed;       /* for the game's roles */
};

struct cast {
    struct cast_node nodes[CAST_NODES];
    size_t primary; /* index */
    bool has_twin;  /* db1 is blue, db2 is green, and either is a primary of its own */
    size_t pointed; /* with a twin: the index of the database that the pool points at */
    uint64_t timeline;
    uint64_t position;
    struct backup_report backup;      /* of the primary … */
    struct cast_node backed_up;       /* … as it was then */
    struct order orders[CAST_ORDERS]; /* not answered yet */
    char ordered[CAST_ORDERS][NAME_SIZE];
    size_t order_count;
};

void cast_set(struct cast *cast);
void cast_fill_catalog(struct catalog *ret, const void *parent, bool is_longer);
void cast_fill_node(const struct cast *cast, size_t at, struct request *ret);
void cast_fill_report(const struct cast *cast, size_t at, const void *parent, struct report *ret);

/* What was ordered is remembered, the oldest making room. */
void cast_note_order(struct cast *cast, const char *node, const struct order *order);
void cast_drop_order(struct cast *cast, size_t at);
/* The world after that node has done the order. */
void cast_perform(struct cast *cast, const char *doer, const struct order *order);

#endif
