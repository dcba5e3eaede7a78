/* channel.h: what an agent and its children say to each other, in frames over a socket pair. */
#ifndef AGENT_CHANNEL_H
#define AGENT_CHANNEL_H

#include "common/base/error.h"
#include "proto/message.h"

#include <stdbool.h>

#define CHANNEL_FRAME_MAX (1 << 20)

enum frame_type {
    FRAME_NONE,
    FRAME_JOB,      /* down: struct job */
    FRAME_TERM,     /* down: struct job, of which only the term counts */
    FRAME_PLAYERS,  /* down: struct watch, of which only the players' part counts */
    FRAME_CANCEL,   /* down: empty */
    FRAME_PROGRESS, /* up: struct progress */
    FRAME_OUTCOME,  /* up: struct task_outcome; the last frame */
    FRAME_FINDING,  /* up: struct finding_report; the last frame */
    FRAME_REPORT,   /* up: struct report */
    FRAME_COUNT
};

enum job_kind {
    JOB_TASK,
    JOB_INSPECT,
    JOB_WATCH,
    JOB_MEND_EDGE,
    JOB_CLEAR_ROLLOUT,
    JOB_DISCARD_SHADOWS,
    JOB_REOPEN,
    JOB_DROP_SLOTS,
    JOB_END_FOLLOWING,
    JOB_COUNT
};
extern const struct field_names job_kind_names;

/* What a child is to do. */
struct job {
    enum job_kind kind;
    /* CLEAR_ROLLOUT, DISCARD_SHADOWS, DROP_SLOTS, END_FOLLOWING: its id's rollout, and the journal
     */
    struct order order;
    uint64_t term;
    bool of_replica;
    char node[NAME_SIZE];
};
extern const struct record job_record;

const struct record *frame_record(enum frame_type type); /* NULL: empty */

/* A reader's own memory of what has arrived so far. */
struct channel {
    int fd;
    uint8_t *bytes;
    size_t size, capacity;
    bool is_closed; /* the other side is gone */
};

void channel_open(struct channel *channel, int fd, const void *parent);

/* Whole frames only. False: the other side is gone, or does not read (its buffer is full). */
bool channel_send(int fd, enum frame_type type, const void *body);

/* Without waiting: false if no whole frame has arrived. A frame that is malformed or too large
 * closes the channel. *ret_body is a talloc child of parent, NULL for an empty frame. */
bool channel_receive(struct channel *channel, const void *parent, enum frame_type *ret_type,
                     void **ret_body);

/* Waits for a frame. */
bool channel_await(struct channel *channel, int timeout_ms, const void *parent,
                   enum frame_type *ret_type, void **ret_body);

#endif
