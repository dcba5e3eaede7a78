/* pulse.h: the heartbeats that a follower's agent writes where its rows come from.
 *
 * Everything is asked for at one beat and taken at a later one: a publisher that answers to nothing
 * must not hold the watcher up.
 */
#ifndef AGENT_TWIN_PULSE_H
#define AGENT_TWIN_PULSE_H

#include <stdbool.h>
#include <stdint.h>

#define PULSE_STATUS_SIZE 16

struct pulse;

/* What the publisher said last. */
struct pulse_echo {
    uint64_t n;                   /* of the heartbeat; 0: it has not said anything yet */
    uint64_t position;            /* of its WAL */
    char slot[PULSE_STATUS_SIZE]; /* wal_status; "gone"; "": nothing yet */
};

struct pulse *pulse_new(const void *parent);
/* Takes what has come, and writes the next heartbeat if there is a connection by now. url and link
 * (the subscription) may change; at: the subscriber's clock. */
void pulse_beat(struct pulse *pulse, const char *url, const char *link, const char *at);
/* Nothing is followed. */
void pulse_rest(struct pulse *pulse);
struct pulse_echo pulse_echo(const struct pulse *pulse);

#endif
