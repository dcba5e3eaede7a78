/* plan.h: the statements that are still to run on a database, in order, each with what it does and
 * how long statements like it took there.
 */
#ifndef COMMON_LINT_PLAN_H
#define COMMON_LINT_PLAN_H

#include "common/lint/effect.h"
#include "common/migration/load.h"
#include "common/migration/marks.h"
#include "common/postgres/session.h"

/* What the database's log says of the statements with that text. */
struct plan_past {
    const char *hash;
    uint64_t max_us, count;
};

/* A statement of a phase that has begun and not ended. */
struct plan_done {
    const char *revision, *phase;
    uint64_t statement; /* from 1 */
};

struct plan_pasts {
    size_t count;
    struct plan_past *pasts; /* by hash */
    size_t done_count;
    struct plan_done *done;
};

struct plan_step {
    size_t revision;
    enum migration_script script;
    const struct split *split;
    const struct split_statement *statement;
    struct effect *effect;
    uint64_t like_count; /* of the same shape, on the same first relation */
    uint64_t like_max_us;
};

struct plan {
    size_t count;
    struct plan_step *steps; /* every expand, then every contract */
};

struct plan_request {
    const struct migration_set *set;
    const bool *is_to_expand;   /* by revision */
    const bool *is_to_contract; /* likewise */
    const struct plan_pasts *pasts;
};

/* What marks lacks of target and its ancestors becomes the lists of ret, children of parent; marks
 * NULL: it lacks all of them. */
void plan_choose(const void *parent, const struct marks *marks, size_t target,
                 struct plan_request *ret);

/* A talloc child of parent; none, if nothing was ever run here. */
enum error_code plan_read_past(const void *parent, struct session *session, struct plan_pasts **ret,
                               struct error *err);

/* A talloc child of parent. */
enum error_code plan_make(const void *parent, const struct plan_request *request, struct plan **ret,
                          struct error *err);

#endif
