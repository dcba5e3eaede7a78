/* line.h: an agent's or an operator's end: a DEALER with CURVE to the coordinator. */
#ifndef COMMON_WIRE_LINE_H
#define COMMON_WIRE_LINE_H

#include "common/base/error.h"
#include "common/wire/key.h"
#include "proto/message.h"

/* Why the coordinator is not to be had, as far as a handshake tells. */
enum line_fault {
    LINE_FAULT_NONE,
    LINE_FAULT_FOREIGN_KEY, /* it ends the handshake at once, again and again */
    LINE_FAULT_NOT_LET_IN,  /* it does not finish the handshake */
    LINE_FAULT_REVOKED,
    LINE_FAULT_NO_CURVE,
    LINE_FAULT_COUNT
};

struct line;

/* Connecting goes on in the background, with a constant interval: growth would keep everybody away
 * for long after an outage. ERROR_CONFIG for an endpoint or key that cannot be. */
enum error_code line_open(void *zmq_context, const char *endpoint, const char *server_key,
                          const struct key_pair *own, struct line **ret, struct error *err);
void line_close(struct line *line); /* NULL is fine */

void *line_socket(const struct line *line); /* for zmq_poll */

/* False: not connected now, or the queue is full; nothing was kept for later. */
bool line_send(struct line *line, const void *bytes, size_t size);

/* False if nothing waits. ret is a talloc child of parent. */
bool line_receive(struct line *line, const void *parent, void **ret, size_t *ret_size);

/* Of the last handshake; to be asked now and then, for it is what reads the socket's events. */
enum line_fault line_fault(struct line *line);
/* What, where, and what to do: a talloc child of parent. */
char *line_fault_text(const struct line *line, enum line_fault fault, const void *parent);

#endif
