/* pooler.h: one pool at several PgBouncer processes: looked at, told, and held to the same state.
 *
 * A process knows nothing of the others: whatever is asked is asked at every console, and is so
 * only when every console says so.
 */
#ifndef AGENT_TRAFFIC_POOLER_H
#define AGENT_TRAFFIC_POOLER_H

#include "agent/config.h"
#include "common/base/text.h"

#define POOLER_WAIT_MARGIN_MS 5000 /* before clients would be given up */

struct pooler;

/* A talloc child of parent. It connects when it is first needed, and again when it was hung up. */
struct pooler *pooler_new(const void *parent, const struct edge_config *config);

/* Every console's word, in the order of the configuration, filled also if one does not answer: then
 * ERROR_EDGE says which. *ret is a talloc child of parent. */
enum error_code pooler_look(struct pooler *pooler, const void *parent, struct pool_report **ret,
                            size_t *ret_count, struct error *err);

/* "PAUSE": at every console, about the pool; all are asked, and the first refusal is told. */
enum error_code pooler_tell(struct pooler *pooler, const char *command, struct error *err);
enum error_code pooler_reload(struct pooler *pooler, struct error *err);

/* One that waits for transactions to end: on a connection of its own at each console, so that the
 * others stay free to ask. The name of the first console that is not done is *ret_waiting, NULL
 * once all are. */
enum error_code pooler_begin(struct pooler *pooler, const char *command, struct error *err);
enum error_code pooler_await(struct pooler *pooler, const char **ret_waiting, struct error *err);
/* Hangs up; what was begun and is not done is no longer waited for. */
void pooler_end(struct pooler *pooler);

/* Who is in the way: clients in a transaction, as far as PgBouncer knows them. */
void pooler_say_holders(struct pooler *pooler, struct text *ret);

/* ---- of what consoles say ---- */

/* No query is under way, and none will be. */
bool pool_is_held(const struct pool_report *pool);
bool pools_are_held(const struct pool_report *pools, size_t count);
bool pools_are_open(const struct pool_report *pools, size_t count);
/* NULL: every console's clients outlast a pause of that length. */
const struct pool_report *pools_that_give_up(const struct pool_report *pools, size_t count,
                                             uint64_t pause_ms);

#endif
