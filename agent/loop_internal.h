/* loop_internal.h: the agent's loop, in the files that share it. */
#ifndef AGENT_LOOP_INTERNAL_H
#define AGENT_LOOP_INTERNAL_H

#include "agent/agent_check.h"
#include "agent/bundle.h"
#include "agent/child.h"
#include "agent/config.h"
#include "agent/ledger.h"
#include "common/base/hash.h"
#include "common/wire/line.h"

struct loop {
    const struct agent_config *config;
    struct ledger *ledger;
    struct agent_session *session;
    struct session_effects *effects;
    void *zmq_context;
    struct key_pair key;
    struct line *line;
    uint64_t connect_at_ms; /* 0: connected, as far as is known */
    uint64_t heard_ms;
    bool was_told[LINE_FAULT_COUNT]; /* since the coordinator was heard */
    struct children *children;
    struct bundle_fetch fetch;
    struct entry *waiting; /* orders whose bundle is being fetched */
    size_t waiting_count;
    bool is_watched;
    struct agent_check *agent_check; /* NULL: no edge asks */
    struct report *report;
    uint64_t report_at_ms;
    char reported[HASH_HEX_SIZE]; /* hash of what was said last, without what always changes */
    bool has_news;
    unsigned owed_reports; /* looks that are reported, changed or not */
    uint64_t beat_at_ms;
    uint64_t beats;
    uint64_t watcher_at_ms;
    struct error err; /* the ledger's: ends the loop */
};

/* ---- loop.c ---- */

bool loop_send(struct loop *loop, enum message_type type, const void *body);

/* ---- loop_effects.c: the session's wishes ---- */

/* One event: what it changes is in the ledger before anything else happens. */
void loop_hear(struct loop *loop, const struct session_event *event);
/* The order ends as failed, with that error. */
void loop_fail_order(struct loop *loop, const struct order *order, const struct error *err);
void loop_start_task(struct loop *loop, const struct entry *entry);
/* A SESSION_MEND has ended. */
void loop_end_mend(struct loop *loop, const struct order_id *id,
                   const struct task_outcome *outcome);

/* ---- loop_children.c ---- */

/* What children have said; the dead are reaped, the cancelled killed in the end. */
void loop_serve_children(struct loop *loop);
/* The one that watches is there, or is started anew. */
void loop_keep_watcher(struct loop *loop, uint64_t now_ms);

#endif
