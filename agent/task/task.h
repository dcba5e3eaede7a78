/* task.h: what runs in a task's child process: blocking, simple code. */
#ifndef AGENT_TASK_TASK_H
#define AGENT_TASK_TASK_H

#include "agent/channel.h"
#include "agent/config.h"

/* What a task has at hand. */
struct task_context {
    const struct agent_config *config;
    const struct job *job;
    struct channel *channel;
    uint64_t term;     /* changes when the coordinator restarts: task_listen() */
    bool is_cancelled; /* likewise */
    /* How long players wait for answers, as the agent told last; at 0 it has not. */
    uint64_t players_ms, players_limit_ms, players_told_ms;
    void *memory; /* freed when the task ends */
};

/* Looks what the agent has to say; cheap. */
void task_listen(struct task_context *task);
void task_progress(struct task_context *task, uint64_t done, uint64_t total, const char *text);

/* The same, as the callbacks of whatever runs long for a task: the context is its task_context. */
bool task_asks_cancel(void *context);
uint64_t task_asks_term(void *context);
void task_asks_players(void *context, uint64_t *ret_ms, uint64_t *ret_limit_ms);
void task_passes_progress(void *context, uint64_t done, uint64_t total, const char *text);

/* Fills the outcome's extras (position, kept, and detail when it succeeds); the return code and err
 * make the rest of it. */
typedef enum error_code task_fn(struct task_context *task, struct task_outcome *ret,
                                struct error *err);

/* What an order did, seen from the node itself. */
typedef enum error_code inspect_fn(struct task_context *task, enum finding *ret, struct error *err);

struct task_functions {
    task_fn *run;
    inspect_fn *inspect; /* NULL: it can be done again without harm, so it counts as not done */
    /* It may have less of the processor than players have: it starts nothing that stays (but a
     * shadow, which may have less, too), and nobody waits for it while it waits for its turn: no
     * lock is held, no pool is paused. */
    bool yields;
};

/* NULL functions only for TASK_NONE. */
const struct task_functions *task_functions(enum task task);

/* The whole life of a child: its job arrives over the channel. Returns the exit status. */
int task_child(const struct agent_config *config);

task_fn task_preflight, task_expand, task_backfill, task_contract, task_revert, task_await_replay,
    task_verify, task_end_sessions, task_allow_sessions, task_release, task_smoke, task_drain,
    task_admit, task_isolate, task_switch, task_clone, task_rehearse, task_discard, task_announce,
    task_notify, task_pause_pool, task_resume_pool, task_point_pool, task_follow, task_unfollow,
    task_close_writes, task_open_writes, task_drain_wal, task_compare, task_sequences, task_reverse,
    task_unreverse, task_close, task_backup, task_restore;
inspect_fn inspect_schema, inspect_release, inspect_drain, inspect_admit, inspect_isolate,
    inspect_switch, inspect_clone, inspect_discard, inspect_pause_pool, inspect_resume_pool,
    inspect_point_pool, inspect_follow, inspect_unfollow, inspect_close_writes, inspect_open_writes,
    inspect_reverse, inspect_unreverse, inspect_close, inspect_backup, inspect_restore;

/* database.c: a session to the node's own database, checked to be the one that the order means. */
struct session;
enum error_code task_open_session(struct task_context *task, struct session **ret,
                                  struct error *err);
/* The same, as database.admin_url, with that application_name. */
enum error_code task_open_admin_session(struct task_context *task, const char *name,
                                        struct session **ret, struct error *err);

enum error_code task_preflight_database(struct task_context *task, struct task_outcome *ret,
                                        struct error *err);

/* edge.c: whether the edge knows whom the plan moves. */
enum error_code task_preflight_edge(struct task_context *task, struct error *err);

/* pool.c: whether the pool is where it is said to be, and clients would outlast a pause. */
enum error_code task_preflight_pool(struct task_context *task, struct error *err);
/* pool_point.c: what the file says of the pool is what every console does. */
enum error_code task_check_pool_file(struct task_context *task, const struct pool_report *pools,
                                     size_t count, struct error *err);
/* pool.c: no console holds queries back any more, or the error says which does. */
enum error_code task_open_pool(struct task_context *task, struct error *err);

/* edge.c: asks the edge once more for what was ordered; whether it does it is for the next beat. */
enum error_code task_mend_edge(struct task_context *task, struct error *err);

/* schema.c: the database obeys this term from now on: an older coordinator's orders are refused by
 * it. */
enum error_code task_raise_term(struct task_context *task, struct session *session,
                                struct error *err);

/* schema.c: the database's term row names the job's rollout no longer. */
enum error_code task_clear_rollout(struct task_context *task, struct error *err);

/* shadow.c: shadows of rollouts up to the job's, which are over. */
enum error_code task_discard_shadows(struct task_context *task, struct error *err);

/* twin.c: a database that was left closed; slots, and a following, of rollouts up to the job's,
 * which are over. */
enum error_code task_reopen(struct task_context *task, struct error *err);
enum error_code task_drop_slots(struct task_context *task, struct error *err);
enum error_code task_end_following(struct task_context *task, struct error *err);

/* schema.c: the order's migration files, a talloc child of the task's memory. */
struct migration_set;
enum error_code task_load_bundle(struct task_context *task, struct migration_set **ret,
                                 struct error *err);

/* The path of a bundle in the agent's state folder. */
void task_bundle_path(const struct agent_config *config, const char *digest, char *ret,
                      size_t size);

#endif
