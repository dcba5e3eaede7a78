/* repeatable.h: what is no step of the history: views, functions, grants that are made anew
 * whenever their file has changed, behind all revisions.
 */
#ifndef COMMON_MIGRATION_REPEATABLE_H
#define COMMON_MIGRATION_REPEATABLE_H

#include "common/migration/phase.h"

enum repeatable_state {
    REPEATABLE_NEW,
    REPEATABLE_CHANGED, /* since it was applied */
    REPEATABLE_CURRENT,
    REPEATABLE_STATE_COUNT
};

/* One element per repeatable of the set; a talloc child of parent.  Works on a standby. */
enum error_code repeatable_read(struct session *session, const struct migration_set *set,
                                const void *parent, enum repeatable_state **ret, struct error *err);

struct repeatable_hooks {
    void *context;
    void (*done)(void *context, const struct migration_repeatable *repeatable);
};

/* Applies those that are new or have changed, by name, each with its mark and log rows in one
 * transaction: after a crash the next call goes on.  Under run->hold, which keeps others out.  What
 * each was before is kept for the revert of the set's last revision.  In a rollout that way back is
 * tried first, in a transaction that is rolled back: ERROR_IRREVERSIBLE, and nothing is applied.
 * hooks may be NULL. */
enum error_code repeatable_apply(struct session *session, const struct migration_set *set,
                                 const struct migration_run *run, struct repeatable_hooks *hooks,
                                 struct error *err);

/* In a rollout, behind the expand of the set's last revision; nothing behind any other.  Sets
 * ret->position if anything was done. */
enum error_code repeatable_follow(struct session *session, const struct migration_order *order,
                                  const struct migration_run *run, struct migration_result *ret,
                                  struct error *err);

/* Something is left for repeatable_follow() to do. */
enum error_code repeatable_are_open(struct session *session, const struct migration_set *set,
                                    const char *revision, bool *ret, struct error *err);

#endif
