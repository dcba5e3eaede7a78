/* agent_check.h: a game node's agent answers its edges' agent-checks: a word for whether players
 * are to be sent to its server, which an edge obeys within an interval, whatever a hand has typed
 * there.
 *
 * HAProxy brings along what it was told to ask (agent-send): the wish of the agent beside it. So
 * one mouth decides, and none of the edges has to be believed twice.
 */
#ifndef AGENT_AGENT_CHECK_H
#define AGENT_AGENT_CHECK_H

#include "common/base/error.h"
#include "proto/report.h"

#define AGENT_CHECK_PENDING_MAX 16 /* connections at once; others wait in the backlog */
#define AGENT_CHECK_ASK_MAX     32
#define AGENT_CHECK_ASK_MS      100 /* who says nothing by then is answered all the same */
#define AGENT_CHECK_ANSWER_SIZE 64
#define AGENT_CHECK_DEAD_LOOKS  2 /* in a row: one slow answer is no verdict */

struct agent_check;

/* address is HOST:PORT. ERROR_CONFIG or ERROR_SYSTEM says why it cannot be listened on. */
enum error_code agent_check_open(const char *address, const void *parent, struct agent_check **ret,
                                 struct error *err);
void agent_check_close(struct agent_check *check);

/* The node was looked at. */
void agent_check_see(struct agent_check *check, const struct report *report);

/* For poll(): AGENT_CHECK_PENDING_MAX + 1 at most. */
size_t agent_check_descriptors(const struct agent_check *check, int *ret);
/* Takes who has come, answers who has asked, or has not in time. Never waits. */
void agent_check_serve(struct agent_check *check, uint64_t now_ms);

/* Pure: the line for what was asked: ready, drain or maint (of anything else nothing is said), and
 * whether the server lives. NULL asks nothing. */
void agent_check_answer(const char *asked, unsigned dead_looks, bool was_seen,
                        char ret[static AGENT_CHECK_ANSWER_SIZE]);

#endif
