/* crowd_internal.h: the members of a crowd, and what they say of themselves.  For crowd*.c. */
#ifndef TESTS_BENCH_CROWD_INTERNAL_H
#define TESTS_BENCH_CROWD_INTERNAL_H

#include "tests/bench/crowd.h"

#define CROWD_SHARD_OTHERS 3 /* primary, replica, edge */

enum place { PLACE_PRIMARY, PLACE_REPLICA, PLACE_EDGE, PLACE_GAME };

struct member {
    char name[NAME_SIZE];
    enum place place;
    size_t shard;
    char release[NAME_SIZE];    /* of a game node */
    enum traffic_state traffic; /* of a game node, at its edge */
    bool is_watched, has_news;
};

/* Revision r0 stands everywhere; r1 comes and goes. */
struct shard {
    char name[NAME_SIZE];
    size_t first, games; /* members: primary, replica, edge, then the game nodes */
    bool is_applied, is_expanded;
};

struct mail {
    size_t to;
    struct order order;
};

struct crowd {
    struct control *control;
    struct decisions *decisions;
    struct member *members;
    size_t member_count;
    struct shard *shards;
    size_t shard_count;
    struct mail *mails; /* not answered yet */
    size_t mail_count, mail_capacity;
    uint64_t now_ms, beats, position;
    uint64_t cpu_ns, events;
    enum error_code code;
    char sentence[SENTENCE_SIZE];
};

enum node_kind crowd_kind(const struct member *member);

/* What it honestly reports: a talloc child of parent. */
struct report *crowd_report(const struct crowd *crowd, size_t at, const void *parent);

/* Its node has done the order. */
void crowd_perform(struct crowd *crowd, size_t doer, const struct order *order);

/* Members are named by their places: "db-000017". */
size_t crowd_place(const struct crowd *crowd, const char *name);

#endif
