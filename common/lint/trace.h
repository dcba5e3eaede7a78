/* trace.h: a history run on a scratch database, and what each statement really locked, rewrote and
 * scanned there, beside what was predicted.
 */
#ifndef COMMON_LINT_TRACE_H
#define COMMON_LINT_TRACE_H

#include "common/lint/plan.h"

/* Of one relation that was there before the statement. */
struct trace_relation {
    const char *schema, *name;
    enum lock_mode held; /* before, by the same transaction */
    enum lock_mode mode; /* after */
    bool is_rewritten, is_scanned;
};

struct trace_statement {
    const struct plan_step *step; /* what was predicted */
    bool was_run;
    bool is_outside; /* its locks are gone before one can look: none is known */
    uint64_t took_us;
    size_t relation_count;
    struct trace_relation *relations;
    const char *difference; /* a sentence; NULL: as predicted */
};

struct trace {
    size_t count;
    struct trace_statement *statements;
};

struct trace_request {
    size_t target;               /* it and what it needs is run */
    struct plan_request pending; /* what of that is looked at */
};

/* On an empty database, expanding, backfilling and contracting one revision after the other; what
 * is not pending runs and is not in the result.  A talloc child of parent. */
enum error_code trace_run(const void *parent, struct session *session,
                          const struct trace_request *request, struct trace **ret,
                          struct error *err);

#endif
