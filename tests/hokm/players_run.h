/* players_run.h: the two jobs of hokm-players: to play, and to read back what was acknowledged. */
#ifndef TESTS_HOKM_PLAYERS_RUN_H
#define TESTS_HOKM_PLAYERS_RUN_H

#include "common/base/error.h"
#include "tests/hokm/player_log.h"

#define PLAYERS_FAILURE_US 2000000 /* an answer later than this after it was due is a failure */
#define PLAYERS_RATE_MAX   10000

struct players_options {
    const char *target, *log, *verify;
    uint64_t players, rate, seconds; /* seconds 0: until SIGTERM */
    uint64_t first_row, last_row;    /* 0: own rows only */
    uint64_t from_ms, to_ms;         /* the window of the latency figures */
};

/* Plays until the time is over or SIGTERM or SIGINT arrives, then finishes what is in flight. */
enum error_code players_play(const struct players_options *options, struct error *err);

/* Every acknowledged write that can't be read back as it was written. unreported: values of fields
 * that the release in traffic does not know, which it therefore can't show. */
enum error_code players_verify(const struct players_options *options,
                               const struct player_log_contents *log, uint64_t *ret_lost,
                               uint64_t *ret_unreported, struct error *err);

#endif
