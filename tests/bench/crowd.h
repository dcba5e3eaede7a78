/* crowd.h: the coordinator's core with a large cluster around it, in this process and on a time of
 * its own: no network, no journal, and agents that answer at once and do what they are told.
 *
 * Each shard has a primary, a replica, an edge and so many game nodes. What is measured is the
 * processor's time within the core, not what the crowd itself takes to answer.
 */
#ifndef TESTS_BENCH_CROWD_H
#define TESTS_BENCH_CROWD_H

#include "coordinator/core/state.h"

#define CROWD_SHARD_GAMES 250 /* at most */

struct crowd;

/* Everybody is enrolled, has reported, and is in traffic; NULL: they did not come together. */
struct crowd *crowd_new(size_t games);
void crowd_free(struct crowd *crowd);

const struct control *crowd_control(const struct crowd *crowd);

/* What an operator asks for; its answer's sentence lives until the next one. */
enum error_code crowd_ask(struct crowd *crowd, const struct request *request,
                          const char **ret_sentence);

/* A second: everybody is heard, orders are carried out until there are none. */
void crowd_beat(struct crowd *crowd);

/* Spent in the core, and events that it was given, since the last crowd_forget(). */
uint64_t crowd_cpu_ns(const struct crowd *crowd);
uint64_t crowd_events(const struct crowd *crowd);
void crowd_forget(struct crowd *crowd);

#endif
