/* workload.h: a pgbench script that runs while a revision goes up, back and up again: what do those
 * who use the database notice?
 *
 * One run with two windows: before, while nothing else happens, and during.
 */
#ifndef COMMON_PROOF_WORKLOAD_H
#define COMMON_PROOF_WORKLOAD_H

#include "common/base/error.h"
#include "common/proof/latency.h"

#include <stdbool.h>
#include <stdint.h>

#define WORKLOAD_CLIENTS_MAX       1000
#define WORKLOAD_CLIENTS_DEFAULT   4
#define WORKLOAD_BEFORE_MS_DEFAULT 5000
#define WORKLOAD_BEFORE_MS_MAX     3600000
#define WORKLOAD_ERROR_MAX         200
#define WORKLOAD_WAITS_MAX         4096 /* distinct ones that are told apart */
#define WORKLOAD_RATE_MAX          1000000
#define WORKLOAD_THRESHOLD_NONE    (-1.0)

struct workload_options {
    const char *script;   /* file; NULL: none */
    const char *programs; /* folder of pgbench; NULL: where it is found */
    uint64_t clients;
    uint64_t rate;      /* transactions a second, whatever they take; 0: one after the other */
    uint64_t before_ms; /* how long it runs before anything happens */
};

/* What it noticed. */
struct workload_figures {
    struct latency before, during;
    uint64_t waits; /* for locks, as far as looks every 50 ms met them */
    uint64_t longest_wait_ms;
    uint64_t deadlocks; /* by the database's own count */
    uint64_t errors;    /* clients that gave up; their first words in error */
    char error[WORKLOAD_ERROR_MAX];
};

struct workload;

/* Returns when it has run for before_ms.  ERROR_INVALID: it gave up before anything happened, with
 * what it said. */
enum error_code workload_start(const void *parent, const char *url,
                               const struct workload_options *options, struct workload **ret,
                               struct error *err);

/* Called all the time meanwhile: looks at who waits for locks. */
void workload_look(struct workload *workload);

/* Ends it and reads what it noticed. */
enum error_code workload_stop(struct workload *workload, struct workload_figures *ret,
                              struct error *err);

/* Ends what still runs and removes its files.  NULL is fine. */
void workload_free(struct workload *workload);

/* ---- thresholds ---- */

/* What can be limited.  otherwise: the limit where nobody names one; none: it is only told.
 *
 *  flag, value, doc, otherwise, figure, name for sentences */
#define WORKLOAD_THRESHOLDS(X)                                                                     \
    X("--max-mean-ratio", "RATIO",                                                                 \
      "with --load: the mean latency, at most so many times what it was before",                   \
      WORKLOAD_THRESHOLD_NONE, mean_ratio, "the mean latency's ratio")                             \
    X("--max-p95-ratio", "RATIO", "likewise the 95th percentile", WORKLOAD_THRESHOLD_NONE,         \
      p95_ratio, "the 95th percentile's ratio")                                                    \
    X("--max-p99-ratio", "RATIO", "likewise the 99th percentile", WORKLOAD_THRESHOLD_NONE,         \
      p99_ratio, "the 99th percentile's ratio")                                                    \
    X("--max-wait", "MS", "with --load: the longest wait for a lock that was met",                 \
      WORKLOAD_THRESHOLD_NONE, longest_wait, "the longest wait for a lock in ms")                  \
    X("--max-deadlocks", "N", "with --load: default 0", 0, deadlocks, "the number of deadlocks")   \
    X("--max-errors", "N", "with --load: clients that gave up, transactions that failed", 0,       \
      errors, "the number of errors")

struct workload_threshold {
    const char *flag, *name;
    double otherwise;
    double (*figure)(const struct workload_figures *figures);
};
enum workload_limit {
#define X(flag, value, doc, otherwise, figure, name) WORKLOAD_LIMIT_##figure,
    WORKLOAD_THRESHOLDS(X)
#undef X
        WORKLOAD_THRESHOLD_COUNT
};
extern const struct workload_threshold workload_thresholds[WORKLOAD_THRESHOLD_COUNT];

/* Pure.  limits: one for each row.  ERROR_VERIFY names the first figure that is above its limit;
 * one that needs a transaction in both windows, and has none, is not judged. */
enum error_code workload_judge(const struct workload_figures *figures,
                               const double limits[static WORKLOAD_THRESHOLD_COUNT],
                               struct error *err);

#endif
