/* fleet.h: many agents in one process: the real session cores and the real wire, ledgers in memory,
 * tasks that succeed at once.
 */
#ifndef TESTS_BENCH_FLEET_H
#define TESTS_BENCH_FLEET_H

#include "common/wire/key.h"
#include "common/wire/line.h"
#include "proto/message.h"

#define FLEET_AGENTS_MAX 4096

struct fleet;

/* count game nodes and one database, the primary of their shard, all on the revisions `expanded`
 * and the release `release`; connected to nobody yet. */
struct fleet *fleet_new(size_t count, const struct name_item *expanded, size_t expanded_count,
                        const char *release);
void fleet_free(struct fleet *fleet);

size_t fleet_size(const struct fleet *fleet); /* with the database */
const char *fleet_name(const struct fleet *fleet, size_t at);
enum node_kind fleet_kind(const struct fleet *fleet, size_t at);
const char *fleet_key(const struct fleet *fleet, size_t at); /* public */

enum error_code fleet_connect(struct fleet *fleet, void *zmq_context, const char *endpoint,
                              const char *server_key, struct error *err);

/* Does what is to be done now: takes messages, beats, resends. */
void fleet_turn(struct fleet *fleet, long wait_ms);

/* Since the last fleet_forget(): agents that have adopted a term, been given an order, and had its
 * outcome settled. */
size_t fleet_adopted(const struct fleet *fleet);
size_t fleet_known(const struct fleet *fleet); /* that have reported often enough to be believed */
size_t fleet_ordered(const struct fleet *fleet);
size_t fleet_settled(const struct fleet *fleet);
void fleet_forget(struct fleet *fleet);

#endif
