#include "common/wire/monitor.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <zmq.h>

#define EVENT_BYTES 6 /* number in 16 bits, value in 32, as the machine has them */

struct monitor {
    void *watched;
    void *reader;
};

static bool attach(struct monitor *monitor, int events)
{
    char address[64];
    int linger = 0;
    int queue = MONITOR_QUEUE_MAX;

    /* A name of its own: the one of a socket before may still be closing. */
    (void)text_format(address, sizeof(address), "inproc://monitor-%08x%08x", randombytes_random(),
                      randombytes_random());
    if (zmq_setsockopt(monitor->reader, ZMQ_LINGER, &linger, sizeof(linger)) != 0 ||
        zmq_setsockopt(monitor->reader, ZMQ_RCVHWM, &queue, sizeof(queue)) != 0 ||
        zmq_socket_monitor(monitor->watched, address, events) != 0)
        return false;
    return zmq_connect(monitor->reader, address) == 0;
}

enum error_code monitor_open(void *zmq_context, void *socket, int events, struct monitor **ret,
                             struct error *err)
{
    struct monitor *monitor = memory_new(NULL, struct monitor);

    assert((events & ZMQ_EVENT_MONITOR_STOPPED) == 0);
    monitor->watched = socket;
    monitor->reader = zmq_socket(zmq_context, ZMQ_PAIR);
    if (monitor->reader == NULL || !attach(monitor, events)) {
        error_set(err, ERROR_SYSTEM, "cannot watch a socket: %s", zmq_strerror(errno));
        monitor_close(monitor);
        return err->code;
    }
    *ret = monitor;
    return ERROR_OK;
}

void monitor_close(struct monitor *monitor)
{
    struct monitor_event event;

    if (monitor == NULL)
        return;
    if (monitor->reader != NULL) {
        /* Stopping waits for an I/O thread that waits for room. */
        for (int i = 0; i < MONITOR_QUEUE_MAX && monitor_next(monitor, &event); i++)
            ;
        (void)zmq_socket_monitor(monitor->watched, NULL, 0);
        (void)zmq_close(monitor->reader);
    }
    talloc_free(monitor);
}

void *monitor_socket(const struct monitor *monitor)
{
    return monitor->reader;
}

static void skip_rest(void *reader)
{
    int more = 1;
    size_t size = sizeof(more);

    while (zmq_getsockopt(reader, ZMQ_RCVMORE, &more, &size) == 0 && more != 0)
        if (zmq_recv(reader, NULL, 0, ZMQ_DONTWAIT) < 0)
            return;
}

bool monitor_next(struct monitor *monitor, struct monitor_event *ret)
{
    uint8_t bytes[EVENT_BYTES];
    uint16_t what;
    int got = zmq_recv(monitor->reader, bytes, sizeof(bytes), ZMQ_DONTWAIT);

    if (got < 0)
        return false;
    /* What follows is our own address, not the peer's (the peer's comes with libzmq's drafts). */
    skip_rest(monitor->reader);
    assert(got == EVENT_BYTES); /* from our own process */
    memcpy(&what, bytes, sizeof(what));
    memcpy(&ret->value, bytes + sizeof(what), sizeof(ret->value));
    ret->what = what;
    return true;
}
