/* preflight.h: what is looked at in a database before it takes part: a table of checks.
 *
 * What would hurt once the rollout is under way fails the step, and so the rollout, before anything
 * has changed; what mends itself, or is mended on the way, is said in the step's outcome.
 */
#ifndef AGENT_TASK_PREFLIGHT_H
#define AGENT_TASK_PREFLIGHT_H

#include "agent/config.h"
#include "common/postgres/session.h"
#include "proto/message.h"

#define PREFLIGHT_LIMITS_MAX 2

enum preflight_verdict { PREFLIGHT_FAILS, PREFLIGHT_WARNS, PREFLIGHT_VERDICT_COUNT };
extern const char *const preflight_verdicts[PREFLIGHT_VERDICT_COUNT];

struct preflight_subject {
    const struct agent_config *config;
    struct session *session;
    enum database_part expected;
    bool is_restored; /* the rollout puts a backup in its place */
};

/* What was found, as a talloc child of parent; NULL: nothing. */
typedef enum error_code preflight_fn(const struct preflight_subject *subject, const void *parent,
                                     char **ret, struct error *err);

struct preflight_check {
    const char *name;
    bool on_primary, on_replica;
    enum preflight_verdict verdict;
    bool fails_restore; /* whatever the verdict otherwise */
    const char *sql;    /* one text, NULL or no row: nothing was found; its $1, $2: limits */
    const char *limits[PREFLIGHT_LIMITS_MAX];
    preflight_fn *look; /* in place of sql */
    const char *what;   /* put before what was found */
    const char *todo;   /* and after it */
};

extern const struct preflight_check preflight_checks[];
extern const size_t preflight_check_count;

/* One check; limits in place of the check's own, or NULL. */
enum error_code preflight_look(const struct preflight_check *check,
                               const struct preflight_subject *subject, const char *const *limits,
                               const void *parent, char **ret, struct error *err);

/* All that suit. ERROR_REFUSED with the sentences of those that fail; else ret has the sentences
 * of those that warn, "" if there are none. */
enum error_code preflight_database(const struct preflight_subject *subject, char *ret, size_t size,
                                   struct error *err);

/* NULL: none. Exposed for the test, which has one server of one version and one disk. */
const char *preflight_version_fault(uint64_t version_num);
bool preflight_disk_is_short(uint64_t free_bytes);

#endif
