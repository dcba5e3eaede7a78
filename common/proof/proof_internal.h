/* proof_internal.h: a proof on its way, in the files that share it. */
#ifndef COMMON_PROOF_PROOF_INTERNAL_H
#define COMMON_PROOF_PROOF_INTERNAL_H

#include "common/migration/phase.h"
#include "common/postgres/session.h"
#include "common/proof/proof.h"
#include "common/proof/rows.h"

struct proof {
    const struct proof_options *options;
    struct session_options database;
    struct session *session;
    struct migration_run run;
    struct migration_hooks hooks;
    struct proof_report *report; /* what it points to lives as long */
    bool *is_expanded;           /* per revision of the set */
    bool *is_contracted;         /* likewise */
    /* Of the revision under test: */
    size_t index; /* in the set */
    struct proof_revision *revision;
    struct fingerprint_objects *before, *after; /* its way up */
    struct rows_state *rows_before;             /* NULL: nobody looks at rows */
    struct workload *workload;                  /* NULL: none runs */
    bool is_loaded;                             /* options->data */
};

/* A check's function fills sentence and difference where there is something to say. */
struct proof_check_row {
    const char *name, *doc;
    /* NULL: it is not made with each revision.  ERROR_OK: passed, or, with result->outcome so,
     * skipped.  Any other error but those of proof_run(): failed. */
    enum error_code (*make)(struct proof *proof, struct proof_result *result, struct error *err);
};
extern const struct proof_check_row proof_check_rows[PROOF_CHECK_COUNT];

/* ---- of the revision under test ---- */

enum error_code proof_expand(struct proof *proof, struct error *err);
enum error_code proof_backfill(struct proof *proof, struct error *err); /* nothing to do is fine */
enum error_code proof_verify(struct proof *proof, struct error *err);
/* These three. */
enum error_code proof_go_up(struct proof *proof, struct error *err);
enum error_code proof_revert(struct proof *proof, struct error *err);
/* And verify.contract.sql; nothing to do is fine. */
enum error_code proof_contract(struct proof *proof, struct error *err);

/* wanted is what the schema was, and should be again: else result gets the difference, and sentence
 * is the error's. */
enum error_code proof_compare(struct proof *proof, const struct fingerprint_objects *wanted,
                              const char *sentence, struct proof_result *result, struct error *err);

/* ---- together.c ---- */

/* Of the report's revisions, those behind from; proof->revision is where it failed. */
enum error_code proof_go_together(struct proof *proof, const size_t *history, size_t from,
                                  struct error *err);

#endif
