/* options.h: how a rollout is to go, from the command line. */
#ifndef COORDINATOR_CLI_OPTIONS_H
#define COORDINATOR_CLI_OPTIONS_H

#include "coordinator/cli/cli.h"
#include "proto/plan.h"

#define ROLLOUT_OPTION_FLAGS                                                                       \
    {.name = "--wave", .value = "1,25%,100%", .doc = "cumulative shares of a shard's game nodes"}, \
        {.name = "--max-unavailable",                                                              \
         .value = "N",                                                                             \
         .doc = "game nodes not ready at once, default 1"},                                        \
        {.name = "--min-ready", .value = "N", .doc = "game nodes that stay ready, default 1"},     \
        {.name = "--soak", .value = "DURATION", .doc = "how long a wave is watched, default 10s"}, \
        {.name = "--steady", .value = "DURATION", .doc = "how long a gate must hold, default 2s"}, \
        {.name = "--gate", .value = "DURATION", .doc = "how long a gate may take, default 30s"},   \
        {.name = "--drain",                                                                        \
         .value = "DURATION",                                                                      \
         .doc = "how long sessions may take, default 30s"},                                        \
        {.name = "--on-drain-late",                                                                \
         .value = "wait|force|abort",                                                              \
         .doc = "sessions have not ended by then: default abort"},                                 \
        {.name = "--drain-max",                                                                    \
         .value = "DURATION",                                                                      \
         .doc = "with wait: how much longer, default 10m"},                                        \
        {.name = "--replay",                                                                       \
         .value = "DURATION",                                                                      \
         .doc = "how long a replica may take to replay, default 60s"},                             \
        {.name = "--latency-max",                                                                  \
         .value = "FACTOR",                                                                        \
         .doc = "a soak fails beyond so many times the latency before, default 1.5; 0: never"},    \
        {.name = "--errors-max",                                                                   \
         .value = "PERCENT%",                                                                      \
         .doc = "or with so much more of failing requests, default 1%"},                           \
        {.name = "--retries", .value = "N", .doc = "attempts beyond the first, default 3"},        \
        {.name = "--canary", .value = "NODE|SHARD", .doc = "who goes first"},                      \
        {.name = "--hold-contract", .doc = "wait for `complete` before the first contract"},       \
        {.name = "--hold-for", .value = "DURATION", .doc = "or so long"},                          \
        {.name = "--on-lost", .value = "wait|revert", .doc = "a game node is lost in a step"},     \
        {.name = "--on-failure", .value = "revert|halt", .doc = "a step or a gate fails"},         \
        {.name = "--on-inconclusive", .value = "revert|pause", .doc = "a gate cannot decide"},     \
        {.name = "--except", .value = "NODE,…", .doc = "game nodes left out"},                     \
    {                                                                                              \
        .name = "--accept-data-loss", .doc = "revert even what players would lose"                 \
    }

/* How it is to go as a whole; untouched if the flag is not given. ERROR_USAGE says which there are.
 */
enum error_code options_read_strategy(const struct cli *cli, enum strategy *ret, struct error *err);

/* ERROR_USAGE names the flag. Lists are talloc children of parent. */
enum error_code options_read(const struct cli *cli, const void *parent, struct rollout_options *ret,
                             struct error *err);

/* "1%,10%,50%", in permille; 100% at the end may be said, and goes without saying. */
enum error_code options_read_shares(const char *text, const void *parent,
                                    struct rollout_options *ret, struct error *err);

/* "1,25%,100%"; shown for its test. */
enum error_code options_read_waves(const char *text, const void *parent, uint32_t **ret,
                                   size_t *ret_count, struct error *err);

#endif
