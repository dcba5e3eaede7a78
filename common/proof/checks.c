/* checks.c: what is tried with each revision; a row each. */
#include "common/proof/proof_internal.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/migration/repeatable.h"
#include "common/migration/verify.h"
#include "common/proof/releases.h"

#include <inttypes.h>

#define VERIFY_DEADLINE_MS 600000
#define ROWS_SAID_MAX      800

/* ---- phases ---- */

static enum error_code apply(struct proof *proof, enum migration_phase phase,
                             struct migration_result *ret, struct error *err)
{
    const struct migration_order order = {
        .set = proof->options->set, .revision = proof->revision->revision->name, .phase = phase};

    if (migration_apply(proof->session, &order, &proof->run, ret, err) != ERROR_OK)
        return err->code;
    return phase == MIGRATION_EXPAND
               ? repeatable_follow(proof->session, &order, &proof->run, ret, err)
               : ERROR_OK;
}

static enum error_code verify(const struct proof *proof, enum migration_script script,
                              struct error *err)
{
    return verify_run(&proof->database, proof->revision->revision, script, VERIFY_DEADLINE_MS, err);
}

/* The first time counts: later ones find warm caches. */
static void take_time(struct proof *proof, enum proof_phase phase, uint64_t since_us)
{
    if (proof->revision->phase_us[phase] == 0)
        proof->revision->phase_us[phase] = clock_monotonic_us() - since_us;
}

enum error_code proof_expand(struct proof *proof, struct error *err)
{
    uint64_t since_us = clock_monotonic_us();
    struct migration_result result;

    if (apply(proof, MIGRATION_EXPAND, &result, err) != ERROR_OK)
        return err->code;
    take_time(proof, PROOF_PHASE_EXPAND, since_us);
    return ERROR_OK;
}

enum error_code proof_backfill(struct proof *proof, struct error *err)
{
    uint64_t since_us = clock_monotonic_us();
    struct migration_result result;

    if (proof->revision->revision->backfill_count == 0)
        return ERROR_OK;
    if (apply(proof, MIGRATION_BACKFILL, &result, err) != ERROR_OK)
        return err->code;
    take_time(proof, PROOF_PHASE_BACKFILL, since_us);
    return ERROR_OK;
}

enum error_code proof_verify(struct proof *proof, struct error *err)
{
    uint64_t since_us = clock_monotonic_us();

    if (verify(proof, MIGRATION_SCRIPT_VERIFY, err) != ERROR_OK)
        return err->code;
    take_time(proof, PROOF_PHASE_VERIFY, since_us);
    proof->is_expanded[proof->index] = true;
    return ERROR_OK;
}

enum error_code proof_go_up(struct proof *proof, struct error *err)
{
    if (proof_expand(proof, err) != ERROR_OK || proof_backfill(proof, err) != ERROR_OK)
        return err->code;
    return proof_verify(proof, err);
}

enum error_code proof_revert(struct proof *proof, struct error *err)
{
    uint64_t since_us = clock_monotonic_us();
    struct migration_result reverted = {.is_kept = false};

    if (apply(proof, MIGRATION_REVERT, &reverted, err) != ERROR_OK)
        return err->code;
    take_time(proof, PROOF_PHASE_REVERT, since_us);
    if (reverted.is_kept)
        return error_set(err, ERROR_VERIFY, "it was not reverted: %s", reverted.kept_reason);
    proof->is_expanded[proof->index] = false;
    return ERROR_OK;
}

enum error_code proof_contract(struct proof *proof, struct error *err)
{
    uint64_t since_us = clock_monotonic_us();
    struct migration_result result;

    if (proof->revision->revision->scripts[MIGRATION_SCRIPT_CONTRACT] == NULL)
        return ERROR_OK;
    if (apply(proof, MIGRATION_CONTRACT, &result, err) != ERROR_OK)
        return err->code;
    take_time(proof, PROOF_PHASE_CONTRACT, since_us);
    proof->is_contracted[proof->index] = true;
    return verify(proof, MIGRATION_SCRIPT_VERIFY_CONTRACT, err);
}

/* ---- schemas ---- */

/* Replaces what *kept was. */
static enum error_code look(struct proof *proof, struct fingerprint_objects **kept,
                            struct error *err)
{
    talloc_free(*kept);
    *kept = NULL;
    return fingerprint_list(proof->session, proof->report, kept, err);
}

enum error_code proof_compare(struct proof *proof, const struct fingerprint_objects *wanted,
                              const char *sentence, struct proof_result *result, struct error *err)
{
    struct fingerprint_objects *found = NULL;
    struct difference *difference;

    if (look(proof, &found, err) != ERROR_OK)
        return err->code;
    difference = difference_of(proof->report, wanted, found);
    if (difference->count == 0) {
        talloc_free(difference);
        talloc_free(found);
        return ERROR_OK;
    }
    result->difference = difference;
    return error_set(err, ERROR_VERIFY, "%s (%zu difference%s)", sentence, difference->count,
                     difference->count == 1 ? "" : "s");
}

/* ---- the checks ---- */

static enum error_code skip(struct proof_result *result, const char *why)
{
    result->outcome = PROOF_SKIPPED;
    result->sentence = why;
    return ERROR_OK;
}

static enum error_code check_up(struct proof *proof, struct proof_result *result, struct error *err)
{
    (void)result;
    if (look(proof, &proof->before, err) != ERROR_OK || proof_go_up(proof, err) != ERROR_OK)
        return err->code;
    return look(proof, &proof->after, err);
}

static enum error_code count_losses(struct proof *proof, const struct split *lossless, size_t i,
                                    struct error *err)
{
    char *where = memory_format(NULL, "%s:%zu", lossless->path, lossless->statements[i].line);
    struct sql_call call = {.text = lossless->statements[i].text, .where = where};
    uint64_t count = 0;
    enum error_code code = session_ask_number(proof->session, call, &count, err);

    talloc_free(where);
    if (code == ERROR_OK)
        proof->revision->kept_count += count;
    return code;
}

/* Whoever cannot be asked would keep every revert from being done when it is needed. */
static enum error_code check_lossless(struct proof *proof, struct proof_result *result,
                                      struct error *err)
{
    const struct split *lossless = proof->revision->revision->scripts[MIGRATION_SCRIPT_LOSSLESS];

    if (lossless == NULL)
        return skip(result, "");
    for (size_t i = 0; i < lossless->count; i++)
        if (count_losses(proof, lossless, i, err) != ERROR_OK)
            return err->code;
    if (proof->revision->kept_count > 0)
        result->sentence = memory_format(proof->report,
                                         "lossless.sql counts %" PRIu64
                                         " values before anybody has written one: a rollback would "
                                         "keep this revision",
                                         proof->revision->kept_count);
    return ERROR_OK;
}

static enum error_code check_releases(struct proof *proof, struct proof_result *result,
                                      struct error *err)
{
    const struct releases_state state = {.set = proof->options->set,
                                         .is_expanded = proof->is_expanded,
                                         .is_contracted = proof->is_contracted};
    size_t count = 0;

    if (releases_check(&proof->database, &state, &count, err) != ERROR_OK)
        return err->code;
    return count == 0 ? skip(result, "") : ERROR_OK;
}

static enum error_code check_revert(struct proof *proof, struct proof_result *result,
                                    struct error *err)
{
    if (proof->revision->revision->is_irreversible)
        return skip(result, "it is marked as irreversible");
    if (proof_revert(proof, err) != ERROR_OK)
        return err->code;
    return proof_compare(proof, proof->before,
                         "after the revert the schema is not what it was before", result, err);
}

/* Columns that the revision added are gone with it: those that stayed are compared. */
static enum error_code check_rows(struct proof *proof, struct proof_result *result,
                                  struct error *err)
{
    struct rows_state *after = NULL;
    struct text *said;
    enum error_code code = ERROR_OK;

    if (proof->workload != NULL)
        return skip(result, "the load writes meanwhile: rows are not compared");
    if (proof->rows_before == NULL || proof->is_expanded[proof->index])
        return skip(result, "");
    if (rows_look(proof->session, NULL, &after, err) != ERROR_OK)
        return err->code;
    said = text_new(after, ROWS_SAID_MAX);
    if (!rows_are_equal(proof->rows_before, after, said))
        code = error_set(err, ERROR_VERIFY, "after the revert the rows are not what they were: %s",
                         said->data);
    talloc_free(after);
    return code;
}

static enum error_code check_again(struct proof *proof, struct proof_result *result,
                                   struct error *err)
{
    if (proof->is_expanded[proof->index])
        return skip(result, "");
    if (proof_go_up(proof, err) != ERROR_OK)
        return err->code;
    return proof_compare(proof, proof->after,
                         "the second way up leads to another schema than the first", result, err);
}

static enum error_code check_load(struct proof *proof, struct proof_result *result,
                                  struct error *err)
{
    struct workload_figures *figures;

    if (proof->workload == NULL)
        return skip(result, "");
    figures = memory_new(proof->report, struct workload_figures);
    if (workload_stop(proof->workload, figures, err) != ERROR_OK)
        return err->code;
    proof->revision->load = figures;
    return workload_judge(figures, proof->options->limits, err);
}

static enum error_code check_contract(struct proof *proof, struct proof_result *result,
                                      struct error *err)
{
    if (proof->revision->revision->scripts[MIGRATION_SCRIPT_CONTRACT] == NULL)
        return skip(result, "");
    return proof_contract(proof, err);
}

static enum error_code check_contracted(struct proof *proof, struct proof_result *result,
                                        struct error *err)
{
    if (!proof->is_contracted[proof->index])
        return skip(result, "");
    return check_releases(proof, result, err);
}

const struct proof_check_row proof_check_rows[PROOF_CHECK_COUNT] = {
    [PROOF_UP] = {"up", "expand, backfill and verify.sql", check_up},
    [PROOF_LOSSLESS] = {"lossless", "lossless.sql can be asked", check_lossless},
    [PROOF_RELEASES] = {"releases", "the queries of every release that may run meanwhile",
                        check_releases},
    [PROOF_REVERT] = {"revert", "the way back leads to the schema of before", check_revert},
    [PROOF_ROWS] = {"rows", "the way back leads to the rows of before, with --rows or --data",
                    check_rows},
    [PROOF_AGAIN] = {"again", "a second way up leads to the same schema", check_again},
    [PROOF_LOAD] = {"load", "with --load: what those who use the database noticed of it",
                    check_load},
    [PROOF_CONTRACT] = {"contract", "contract and verify.contract.sql", check_contract},
    [PROOF_CONTRACTED] = {"contracted", "the queries of every release that may run after it",
                          check_contracted},
    [PROOF_TOGETHER] = {"together", "all revisions as one rollout brings them, and back", NULL},
};
