#include "common/proof/proof_internal.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/proof/data.h"
#include "common/proof/fill.h"

#include <assert.h>

#define APPLICATION_NAME    "hakem:test"
#define OPERATOR_NAME       "hakem migration test"
#define LOSSLESS_TIMEOUT_MS 60000

static const char *const outcome_names[PROOF_OUTCOME_COUNT] = {
    [PROOF_NOT_MADE] = "not made",
    [PROOF_PASSED] = "passed",
    [PROOF_SKIPPED] = "skipped",
    [PROOF_FAILED] = "failed",
};

static const char *const phase_names[PROOF_PHASE_COUNT] = {
    [PROOF_PHASE_EXPAND] = "expand",     [PROOF_PHASE_BACKFILL] = "backfill",
    [PROOF_PHASE_VERIFY] = "verify",     [PROOF_PHASE_REVERT] = "revert",
    [PROOF_PHASE_CONTRACT] = "contract",
};

const char *proof_check_name(enum proof_check check)
{
    return proof_check_rows[check].name;
}

const char *proof_check_doc(enum proof_check check)
{
    return proof_check_rows[check].doc;
}

const char *proof_outcome_name(enum proof_outcome outcome)
{
    return outcome_names[outcome];
}

const char *proof_phase_name(enum proof_phase phase)
{
    return phase_names[phase];
}

/* ---- one revision ---- */

/* These say nothing about the revision. */
static bool is_about_us(enum error_code code)
{
    static const enum error_code codes[] = {ERROR_CANCELLED, ERROR_CONNECTION, ERROR_SYSTEM,
                                            ERROR_MEMORY};

    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (codes[i] == code)
            return true;
    return false;
}

static void note_failure(struct proof *proof, enum proof_check check, const struct error *err)
{
    struct proof_result *result = &proof->revision->results[check];

    result->outcome = PROOF_FAILED;
    result->sentence = memory_text(proof->report, err->detail);
    proof->report->failed = proof->revision;
    proof->report->failed_check = check;
}

/* ERROR_OK although it failed: the report says so. */
static enum error_code make_check(struct proof *proof, enum proof_check check, struct error *err)
{
    uint64_t began_us = clock_monotonic_us();
    struct proof_result *result;
    enum error_code code;

    assert(proof->revision != NULL);
    if (proof_check_rows[check].make == NULL)
        return ERROR_OK;
    result = &proof->revision->results[check];
    code = proof_check_rows[check].make(proof, result, err);
    result->took_us = clock_monotonic_us() - began_us;
    if (is_about_us(code))
        return code;
    if (code != ERROR_OK)
        note_failure(proof, check, err);
    else if (result->outcome != PROOF_SKIPPED)
        result->outcome = PROOF_PASSED;
    return ERROR_OK;
}

static enum error_code make_rows(struct proof *proof, struct error *err)
{
    struct fill_result filled = {.tables = 0};

    if (fill_tables(proof->session, proof->report, proof->options->rows, &filled, err) != ERROR_OK)
        return error_set(err, err->code, "before %s: %.900s", proof->revision->revision->name,
                         err->detail);
    if (filled.tables == 0)
        return ERROR_OK;
    proof->revision->scant = filled.scant;
    return session_run(proof->session, "ANALYZE", err);
}

/* Rows for the way up: the first revision has no table yet that could hold any. */
static enum error_code prepare(struct proof *proof, struct error *err)
{
    const struct proof_options *options = proof->options;

    talloc_free(proof->rows_before);
    proof->rows_before = NULL;
    if (options->data != NULL && !proof->is_loaded &&
        proof->revision != &proof->report->revisions[0]) {
        if (data_load(proof->session, options->data, options->programs, err) != ERROR_OK)
            return err->code;
        proof->is_loaded = true;
    }
    if (options->rows > 0 && make_rows(proof, err) != ERROR_OK)
        return err->code;
    if (options->rows == 0 && !proof->is_loaded)
        return ERROR_OK;
    if (rows_look(proof->session, proof->report, &proof->rows_before, err) != ERROR_OK)
        return err->code;
    proof->revision->rows = rows_total(proof->rows_before);
    return ERROR_OK;
}

static enum error_code make_checks(struct proof *proof, struct error *err)
{
    for (int i = 0; i < PROOF_CHECK_COUNT && proof->report->failed == NULL; i++)
        if (make_check(proof, (enum proof_check)i, err) != ERROR_OK)
            return err->code;
    return ERROR_OK;
}

/* There is nothing that a load could use before the first revision. */
static bool wants_load(const struct proof *proof)
{
    return proof->options->load.script != NULL && proof->revision != &proof->report->revisions[0];
}

static enum error_code test_revision(struct proof *proof, struct error *err)
{
    enum error_code code;

    if (prepare(proof, err) != ERROR_OK)
        return err->code;
    if (wants_load(proof) &&
        workload_start(proof->report, proof->options->url, &proof->options->load, &proof->workload,
                       err) != ERROR_OK)
        return error_set(err, err->code, "before %s: %.900s", proof->revision->revision->name,
                         err->detail);
    proof->revision->is_tested = true;
    code = make_checks(proof, err);
    workload_free(proof->workload);
    proof->workload = NULL;
    return code;
}

/* What the first one under test stands on. */
static enum error_code pass_by(struct proof *proof, struct error *err)
{
    if (proof_go_up(proof, err) != ERROR_OK)
        return err->code;
    return proof_contract(proof, err);
}

/* ---- all of them ---- */

static enum error_code run_all(struct proof *proof, const size_t *history, struct error *err)
{
    struct proof_report *report = proof->report;
    bool has_begun = false;

    for (size_t i = 0; i < report->count && report->failed == NULL; i++) {
        enum error_code code;

        proof->index = history[i];
        proof->revision = &report->revisions[i];
        has_begun |= history[i] == proof->options->from;
        code = has_begun ? test_revision(proof, err) : pass_by(proof, err);
        if (code != ERROR_OK)
            return code;
        if (proof->options->on_revision != NULL && has_begun)
            proof->options->on_revision(proof->options->context, proof->revision);
    }
    return ERROR_OK;
}

static enum error_code check_from(const struct proof_options *options, struct error *err)
{
    const struct migration_set *set = options->set;

    if (options->from == options->target ||
        migration_is_ancestor(set, options->from, options->target))
        return ERROR_OK;
    return error_set(err, ERROR_REFUSED,
                     "%s does not stand on %s: there is nothing to test from it",
                     set->revisions[options->target].name, set->revisions[options->from].name);
}

static struct proof_report *begin_report(const void *parent, const struct migration_set *set,
                                         const size_t *history, size_t count)
{
    struct proof_report *report = memory_new(parent, struct proof_report);

    report->count = count;
    report->revisions = memory_array(report, struct proof_revision, count);
    for (size_t i = 0; i < count; i++) {
        report->revisions[i].revision = &set->revisions[history[i]];
        report->revisions[i].scant = "";
        for (size_t c = 0; c < PROOF_CHECK_COUNT; c++)
            report->revisions[i].results[c].sentence = "";
    }
    return report;
}

/* The engine asks all the time: while it waits, too. */
static bool look_meanwhile(void *context)
{
    const struct proof *proof = context;

    if (proof->workload != NULL)
        workload_look(proof->workload);
    return session_was_signalled();
}

/* What the proof begins with, on an empty database. */
static void begin_proof(struct proof *proof, const struct proof_options *options,
                        struct proof_report *report)
{
    size_t count = options->set->revision_count;

    *proof = (struct proof){
        .options = options,
        .database = {.url = options->url, .application_name = APPLICATION_NAME},
        .hooks = {.context = proof, .is_cancelled = look_meanwhile},
        .run = {.operator_name = OPERATOR_NAME,
                .accept_data_loss = true,
                .commands = options->commands,
                .command_count = options->command_count,
                .lossless_timeout_ms = LOSSLESS_TIMEOUT_MS},
        .report = report,
        .is_expanded = memory_array(report, bool, count),
        .is_contracted = memory_array(report, bool, count),
    };
    proof->run.hooks = &proof->hooks;
}

static enum error_code run_one_by_one(struct proof *proof, const size_t *history, struct error *err)
{
    struct fingerprint_objects *end = NULL;
    enum error_code code;

    if (session_open(proof->report, &proof->database, &proof->session, err) != ERROR_OK)
        return err->code;
    code = run_all(proof, history, err);
    if (code == ERROR_OK && proof->report->failed == NULL) {
        code = fingerprint_list(proof->session, proof->report, &end, err);
        proof->report->end = end;
    }
    session_close(proof->session);
    return code;
}

enum error_code proof_run(const void *parent, const struct proof_options *options,
                          struct proof_report **ret, struct error *err)
{
    struct proof_report *report;
    struct proof proof;
    size_t *history, count;
    enum error_code code;

    if (check_from(options, err) != ERROR_OK)
        return err->code;
    history = memory_array(NULL, size_t, options->set->revision_count);
    count = migration_history_of(options->set, options->target, history);
    report = begin_report(parent, options->set, history, count);
    begin_proof(&proof, options, report);
    code = run_one_by_one(&proof, history, err);
    talloc_free(history);
    if (code != ERROR_OK) {
        talloc_free(report);
        return code;
    }
    *ret = report;
    return ERROR_OK;
}

/* ---- together ---- */

static enum error_code go_together(struct proof *proof, const size_t *history, struct error *err)
{
    struct proof_report *report = proof->report;
    size_t from = 0;

    for (; history[from] != proof->options->from; from++) {
        proof->index = history[from];
        proof->revision = &report->revisions[from];
        if (pass_by(proof, err) != ERROR_OK)
            return err->code;
    }
    return proof_go_together(proof, history, from, err);
}

static void note_together(struct proof *proof)
{
    for (size_t i = 0; i < proof->report->count; i++)
        if (proof->report->revisions[i].is_tested)
            proof->report->revisions[i].results[PROOF_TOGETHER].outcome = PROOF_PASSED;
}

enum error_code proof_run_together(const struct proof_options *options, struct proof_report *report,
                                   struct error *err)
{
    struct proof proof;
    size_t *history;
    enum error_code code;

    assert(report->failed == NULL && report->end != NULL);
    history = memory_array(NULL, size_t, options->set->revision_count);
    (void)migration_history_of(options->set, options->target, history);
    begin_proof(&proof, options, report);
    code = session_open(report, &proof.database, &proof.session, err);
    if (code == ERROR_OK)
        code = go_together(&proof, history, err);
    session_close(proof.session);
    talloc_free(history);
    if (code == ERROR_OK) {
        note_together(&proof);
    } else if (proof.revision != NULL && !is_about_us(code)) {
        note_failure(&proof, PROOF_TOGETHER, err);
        code = ERROR_OK;
    }
    return code;
}
