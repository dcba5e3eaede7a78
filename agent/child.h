/* child.h: the agent's child processes: one for each task or inspection under way, one that
 * watches. */
#ifndef AGENT_CHILD_H
#define AGENT_CHILD_H

#include "agent/channel.h"
#include "agent/config.h"
#include "common/base/process.h"

#define CHILDREN_MAX    64
#define CANCEL_GRACE_MS 5000 /* between asking a child to stop and killing it */

struct child {
    bool is_used;
    struct job job;
    struct process process;
    struct channel channel;
    bool has_said_last;  /* an outcome or a finding has come */
    uint64_t kill_at_ms; /* 0: not cancelled */
};

struct children {
    const struct agent_config *config;
    struct child items[CHILDREN_MAX];
};

/* ERROR_LIMIT if there are as many as may be. */
enum error_code children_start(struct children *children, const struct job *job, struct child **ret,
                               struct error *err);

/* The child that works on this very order, or NULL. */
struct child *children_find(struct children *children, enum job_kind kind,
                            const struct order_id *id);

void children_tell_term(struct children *children, uint64_t term);
/* How long players wait for answers, and from when on that is too long: to backfills under way. */
void children_tell_players(struct children *children, uint64_t now_ms, uint64_t limit_ms);
void child_cancel(struct child *child, uint64_t now_ms);

/* Kills what was cancelled long enough ago. */
void children_enforce(struct children *children, uint64_t now_ms);

/* True once it has been reaped; its slot is free then. */
bool child_reap(struct child *child);

/* At the end of the agent: children die with it anyway; this waits for them. */
void children_end(struct children *children);

#endif
