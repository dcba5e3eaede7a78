/* proof.h: shows of each revision of a history, on a scratch database, that it goes both ways.
 *
 * Revision after revision, as rollout after rollout would bring them: up, back, compared with what
 * was before; up again, compared; then contracted, because that has no way back.  Then all of them
 * as one rollout would bring them.
 */
#ifndef COMMON_PROOF_PROOF_H
#define COMMON_PROOF_PROOF_H

#include "common/migration/load.h"
#include "common/migration/phase.h"
#include "common/proof/difference.h"
#include "common/proof/workload.h"

/* In the order in which they are made. */
enum proof_check {
    PROOF_UP,
    PROOF_LOSSLESS,
    PROOF_RELEASES,
    PROOF_REVERT,
    PROOF_ROWS,
    PROOF_AGAIN,
    PROOF_LOAD,
    PROOF_CONTRACT,
    PROOF_CONTRACTED,
    PROOF_TOGETHER, /* by proof_run_together() */
    PROOF_CHECK_COUNT
};

enum proof_outcome {
    PROOF_NOT_MADE, /* one before it failed, or nobody asked for it */
    PROOF_PASSED,
    PROOF_SKIPPED, /* nothing to check; the sentence says why, "" if that goes without saying */
    PROOF_FAILED,
    PROOF_OUTCOME_COUNT
};

/* What is timed. */
enum proof_phase {
    PROOF_PHASE_EXPAND,
    PROOF_PHASE_BACKFILL,
    PROOF_PHASE_VERIFY,
    PROOF_PHASE_REVERT,
    PROOF_PHASE_CONTRACT,
    PROOF_PHASE_COUNT
};

struct proof_result {
    enum proof_outcome outcome;
    const char *sentence;                /* "" if there is nothing to say */
    const struct difference *difference; /* NULL: none */
    uint64_t took_us;
};

struct proof_revision {
    const struct migration_revision *revision;
    bool is_tested; /* else only brought up */
    struct proof_result results[PROOF_CHECK_COUNT];
    uint64_t phase_us[PROOF_PHASE_COUNT]; /* of the first way up, and back */
    uint64_t rows;                        /* in all tables, before the way up */
    const char *scant;                    /* tables that took fewer rows than wanted; "": none */
    const struct workload_figures *load;  /* NULL: none ran */
    uint64_t kept_count; /* what a rollback right after the way up would be refused for */
};

struct proof_report {
    size_t count;
    struct proof_revision *revisions;    /* those of the target's history, in order */
    const struct proof_revision *failed; /* NULL: none; those behind it are not tested */
    enum proof_check failed_check;
    const struct fingerprint_objects *end; /* the schema in the end; NULL: it did not get there */
};

struct proof_options {
    const struct migration_set *set;
    size_t target;
    size_t from; /* the first to be tested; what it stands on is only brought up */
    const char *url;
    uint64_t rows;        /* made up in every table that has none, before each way up; 0: none */
    const char *data;     /* file for psql, loaded before the first way up from a revision; NULL */
    const char *programs; /* folder of psql; NULL: where it is found */
    const struct migration_command *commands; /* that backfills may ask for */
    size_t command_count;
    /* Runs on its way up, back and up again of every revision but the first. */
    struct workload_options load;
    double limits[WORKLOAD_THRESHOLD_COUNT];
    void *context;
    /* Told of each revision when it is through.  May be NULL. */
    void (*on_revision)(void *context, const struct proof_revision *revision);
};

/* A talloc child of parent.  A check that says no is in the report, and ERROR_OK; errors are what
 * kept it from being made: CANCELLED, CONNECTION, REFUSED (from is not in the target's history; no
 * rows can be made up), INVALID (what data says). */
enum error_code proof_run(const void *parent, const struct proof_options *options,
                          struct proof_report **ret, struct error *err);

/* The same history as one rollout brings it, in another empty database (options->url), after
 * proof_run() has found no fault: all expanded, backfilled and verified, taken back in reverse,
 * brought up again, contracted.  Without rows or a load.  Into the same report. */
enum error_code proof_run_together(const struct proof_options *options, struct proof_report *report,
                                   struct error *err);

const char *proof_check_name(enum proof_check check);       /* "revert" */
const char *proof_check_doc(enum proof_check check);        /* what it shows */
const char *proof_outcome_name(enum proof_outcome outcome); /* "passed" */
const char *proof_phase_name(enum proof_phase phase);       /* "expand" */

#endif
