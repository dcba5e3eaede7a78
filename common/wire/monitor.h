/* monitor.h: what libzmq says of a socket's connections: ZMQ_EVENT_*, each with its value.
 *
 * libzmq's I/O thread waits while the queue of events is full, and every socket with it: so the
 * queue is long, the reader reads at every turn, asks for few kinds of events, and stops them
 * before it goes away.
 */
#ifndef COMMON_WIRE_MONITOR_H
#define COMMON_WIRE_MONITOR_H

#include "common/base/error.h"

#include <stdint.h>

/* Of about 200 bytes each: at the 2,000 connections a second that one can make, of three events
 * each, it takes what happens while the reader is away for more than two seconds. */
#define MONITOR_QUEUE_MAX 16384

struct monitor;

struct monitor_event {
    unsigned what; /* ZMQ_EVENT_* */
    uint32_t value;
};

/* events: which of ZMQ_EVENT_*; never ZMQ_EVENT_MONITOR_STOPPED, which its own reader would wait
 * for. */
enum error_code monitor_open(void *zmq_context, void *socket, int events, struct monitor **ret,
                             struct error *err);
/* Before its socket is closed. NULL is fine. */
void monitor_close(struct monitor *monitor);

void *monitor_socket(const struct monitor *monitor); /* for zmq_poll */

/* False if nothing waits. */
bool monitor_next(struct monitor *monitor, struct monitor_event *ret);

#endif
