/* pace.h: how fast work that can wait goes: rows per batch by a target time, and rests between
 * batches while others use the server or others are behind (rule 10: players come first).
 *
 * Called by backfill.c between batches.  Deciding is pure; looking is one query.
 */
#ifndef COMMON_MIGRATION_PACE_H
#define COMMON_MIGRATION_PACE_H

#include "common/migration/migrator.h"

/* A batch holds its rows' locks, and a processor, for about so long. */
#define PACE_BESIDE_OTHERS_MS 5
#define PACE_ALONE_MS         500
#define PACE_ROWS_FIRST       200 /* nobody knows yet what a row costs */
/* Beside others a batch is followed by so many times its own length of rest: a tenth of the time.
 */
#define PACE_REST_TIMES  9
#define PACE_REST_MAX_MS 2000
/* Agents that look every second and a monitoring system come to less. */
#define PACE_OTHERS_MIN_PER_S 20
/* A session tells its counts at most once a second (PGSTAT_MIN_INTERVAL): those of ours may be a
 * look late. */
#define PACE_LOOK_EVERY_MS 1000
#define PACE_OWN_PER_LOOK  3 /* the look itself, and what is read and noted for operators */
/* As much WAL as a standby replays in about a second. */
#define PACE_LAG_MAX_BYTES (64ULL << 20)
/* WAL that is kept because it was not archived yet, or for a slot that nobody reads: the disk
 * fills.
 */
#define PACE_ARCHIVE_MAX_BYTES (256ULL << 20)
#define PACE_SLOT_MAX_BYTES    (1ULL << 30)
/* One that does not catch up at all slows this down to a batch so often, and never stops it:
 * whether a standby may be left behind, or a disk may fill, is decided elsewhere. */
#define PACE_LAG_WAIT_MAX_MS 10000

/* Who is behind with what a backfill makes. */
enum pace_signal {
    PACE_STANDBY,  /* or a subscriber, by bytes of WAL */
    PACE_ARCHIVER, /* by bytes of WAL */
    PACE_SLOT,     /* of nobody that is connected, by bytes of WAL */
    PACE_VACUUM,   /* it is at work on the table: what it removes is left by the batches */
    PACE_PLAYERS,  /* they wait too long for answers, by ms, as their game servers' agents say */
    PACE_SIGNAL_COUNT
};

/* What a look saw. */
struct pace_view {
    bool has_rate;         /* the second look is the first that knows a rate */
    uint64_t others_per_s; /* transactions that are not ours, of all databases */
    uint64_t behind[PACE_SIGNAL_COUNT];
    char names[PACE_SIGNAL_COUNT][MIGRATION_NAME_MAX + 1]; /* of whom; "" if it has none */
};

struct pace {
    const char *table; /* whose rows these are: schema.table */
    /* Before it waits for somebody: to be said (pace_say), while it does.  May be NULL. */
    enum error_code (*on_wait)(void *context, struct error *err);
    void *context;
    uint64_t rows; /* of the next batch */
    uint64_t rows_max;
    bool has_rest; /* an operator says how long, whoever is there */
    uint64_t rest_times;
    struct pace_view view;
    /* by the last look */
    uint64_t looked_ms;
    uint64_t transactions;
    uint64_t own_before; /* between the last two looks */
    /* since then */
    uint64_t own;
};

/* What to do after a batch. */
struct pace_rest {
    uint64_t ms;
    bool until_caught_up; /* look again and again, for PACE_LAG_WAIT_MAX_MS at most */
};

/* table lives as long as the pace. */
void pace_begin(struct pace *pace, const char *table, uint64_t rows_max);

/* What an operator wants: rows of a batch at most, and rests of so many times its length (NULL: as
 * pace_decide() finds right). */
void pace_steer(struct pace *pace, uint64_t rows_max, const uint64_t *rest_times);

/* Pure: takes what a look at now_ms saw: all transactions that the server knows of. */
void pace_take(struct pace *pace, uint64_t now_ms, uint64_t transactions);

/* Pure: sets the rows of the next batch by what this one took, and says how long to rest. */
struct pace_rest pace_decide(struct pace *pace, uint64_t took_ms);

/* The next batch after one that timed out; false if it was a single row. */
bool pace_halve(struct pace *pace);

/* Nobody else is there, and nobody lags: more could be done at once. */
bool pace_has_room(const struct pace *pace);

/* Why it goes slowly, for people; "" if it does not. */
void pace_say(const struct pace *pace, char *ret, size_t size);

/* Looks if it is time to (*ret_has_looked), decides, and rests.  Errors: CANCELLED, and those of a
 * query. */
enum error_code pace_keep(struct pace *pace, struct migrator *m, uint64_t took_ms,
                          bool *ret_has_looked, struct error *err);

#endif
