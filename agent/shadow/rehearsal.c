#include "agent/shadow/rehearsal.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/fingerprint.h"
#include "common/migration/marks.h"
#include "common/migration/repeatable.h"
#include "common/migration/verify.h"
#include "common/postgres/session.h"
#include "embedded_hakem_agent_shell.h"

#include <string.h>

#define ROW_EXCLUSIVE_S  "3"
#define DIFFERENCE_WORDS 100 /* of a line that differs */

static const struct migration_probe probe = {
    .before = "SELECT hakem.rehearse_before()",
    .after = "SELECT hakem.rehearse_after($1, $2, $3::integer, $4::integer, $5::text[])"};

/* One on its way. */
struct rehearser {
    struct session *session;
    const struct rehearsal_order *order;
    struct rehearsal *ret;
    size_t *expands, *contracts; /* indexes in the set, in its order */
    size_t expand_count, contract_count;
    uint64_t seen; /* the last row that was taken over */
    bool is_quiet; /* it was measured before */
    void *memory;
};

struct rehearsal *rehearsal_new(const void *parent)
{
    struct rehearsal *rehearsal = memory_new(parent, struct rehearsal);

    rehearsal->rows = memory_array(rehearsal, struct rehearsed, REHEARSAL_ROWS_MAX);
    return rehearsal;
}

void rehearsal_add(struct rehearsal *rehearsal, const struct rehearsed *row)
{
    if (rehearsal->count == REHEARSAL_ROWS_MAX)
        rehearsal->left_out++;
    else
        rehearsal->rows[rehearsal->count++] = *row;
}

enum error_code rehearsal_prepare(struct session *session, struct error *err)
{
    return session_run(session, embedded_shadow_measure, err);
}

/* ---- what is to be done ---- */

static const struct migration_revision *revision_at(const struct rehearser *r, size_t index)
{
    return &r->order->set->revisions[index];
}

/* As the coordinator chooses them for its plan. */
static bool may_contract(const struct rehearser *r, size_t index)
{
    const struct migration_set *set = r->order->set;
    const struct migration_release *release;
    size_t at = 0;

    if (!r->order->with_contracts)
        return false;
    if (!migration_find_release(set, r->order->release, &at))
        return r->order->release[0] == '\0';
    release = &set->releases[at];
    if (index == release->needs || migration_is_ancestor(set, index, release->needs))
        return true;
    for (size_t i = 0; i < release->tolerate_count; i++)
        if (release->tolerates[i] == index)
            return true;
    return false;
}

static enum error_code choose(struct rehearser *r, struct error *err)
{
    const struct migration_set *set = r->order->set;
    struct marks *marks = NULL;
    size_t target = 0;

    if (!migration_find(set, r->order->revision, &target))
        return error_set(err, ERROR_NOT_FOUND, "the bundle has no revision %s", r->order->revision);
    if (marks_read(r->session, r->memory, &marks, err) != ERROR_OK)
        return err->code;
    r->expands = memory_array(r->memory, size_t, set->revision_count);
    r->contracts = memory_array(r->memory, size_t, set->revision_count);
    for (size_t i = 0; i < set->revision_count; i++) {
        const struct migration_revision *revision = &set->revisions[i];

        if (i != target && !migration_is_ancestor(set, i, target))
            continue;
        if (!marks_is_expanded(marks, revision->name))
            r->expands[r->expand_count++] = i;
        if (revision->scripts[MIGRATION_SCRIPT_CONTRACT] != NULL &&
            !marks_is_contracted(marks, revision->name) && may_contract(r, i))
            r->contracts[r->contract_count++] = i;
    }
    return ERROR_OK;
}

/* ---- rows ---- */

static enum error_code take_rows(struct rehearser *r, struct rehearsed row, struct error *err)
{
    struct rows *rows = NULL;
    char seen[24];

    (void)text_format(seen, sizeof(seen), "%llu", (unsigned long long)r->seen);
    if (session_query(r->session, SQL_WITH(embedded_shadow_rows, seen), &rows, err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < rows_count(rows); i++) {
        uint64_t strength = rows_number(rows, i, 3);

        r->seen = rows_number(rows, i, 0);
        row.statement = rows_number(rows, i, 1);
        row.duration_us = rows_number(rows, i, 2);
        row.lock = strength < LOCK_COUNT_ ? (enum lock_mode)strength : LOCK_NONE;
        (void)text_copy(row.relation, sizeof(row.relation), rows_text(rows, i, 4));
        row.is_new = rows_bool(rows, i, 5);
        row.is_rewritten = rows_bool(rows, i, 6);
        row.bytes_before = rows_number(rows, i, 7);
        row.bytes_after = rows_number(rows, i, 8);
        if (!r->is_quiet)
            rehearsal_add(r->ret, &row);
    }
    rows_free(rows);
    return ERROR_OK;
}

/* The phase as a whole; a failure keeps its sentence, and is the one that is returned. */
static enum error_code note_phase(struct rehearser *r, struct rehearsed *row, uint64_t began_us,
                                  enum error_code code, struct error *err)
{
    row->statement = 0;
    row->duration_us = clock_monotonic_us() - began_us;
    row->verdict = code == ERROR_OK ? VERDICT_PASS : VERDICT_FAIL;
    if (code != ERROR_OK)
        (void)text_format(row->text, sizeof(row->text), "%.250s", err->detail);
    if (!r->is_quiet || code != ERROR_OK)
        rehearsal_add(r->ret, row);
    return code;
}

/* ---- phases ---- */

static enum error_code probe_backfill(struct rehearser *r, const struct rehearsed *row,
                                      bool is_over, struct error *err)
{
    if (row->phase != REHEARSED_BACKFILL)
        return ERROR_OK;
    if (!is_over)
        return session_run(r->session, probe.before, err);
    return session_query(
        r->session, SQL_WITH(probe.after, row->revision, "backfill", "0", ROW_EXCLUSIVE_S, "{}"),
        NULL, err);
}

static enum error_code apply(struct rehearser *r, enum migration_phase phase,
                             const struct migration_run *run, struct rehearsed *row,
                             struct error *err)
{
    struct migration_order order = {
        .set = r->order->set, .revision = row->revision, .phase = phase};
    struct migration_result result = {.is_kept = false};

    if (session_run(r->session, "SELECT hakem.rehearse_phase()", err) != ERROR_OK ||
        probe_backfill(r, row, false, err) != ERROR_OK ||
        migration_apply(r->session, &order, run, &result, err) != ERROR_OK ||
        (phase == MIGRATION_EXPAND &&
         repeatable_follow(r->session, &order, run, &result, err) != ERROR_OK) ||
        probe_backfill(r, row, true, err) != ERROR_OK)
        return err->code;
    row->rows = phase == MIGRATION_BACKFILL ? result.rows_changed : 0;
    if (!result.is_kept)
        return ERROR_OK;
    /* What a rollback would keep is taken back here all the same: is the way there? */
    (void)text_format(row->text, sizeof(row->text), "a rollback would keep it: %.200s",
                      result.kept_reason);
    return ERROR_OK;
}

static enum error_code do_phase(struct rehearser *r, size_t index, enum migration_phase phase,
                                struct error *err)
{
    static const enum rehearsed_phase names[MIGRATION_PHASE_COUNT] = {
        [MIGRATION_EXPAND] = REHEARSED_EXPAND,
        [MIGRATION_BACKFILL] = REHEARSED_BACKFILL,
        [MIGRATION_CONTRACT] = REHEARSED_CONTRACT,
        [MIGRATION_REVERT] = REHEARSED_REVERT,
    };
    struct migration_run run = *r->order->run;
    struct rehearsed row = {.phase = names[phase]};
    uint64_t began_us = clock_monotonic_us();
    struct error ignored;
    enum error_code code;

    run.probe = &probe;
    (void)text_copy(row.revision, NAME_SIZE, revision_at(r, index)->name);
    code = apply(r, phase, &run, &row, err);
    if (code == ERROR_OK && row.text[0] != '\0') {
        run.accept_data_loss = true;
        code = apply(r, phase, &run, &row, err);
    }
    if (!session_is_lost(r->session)) {
        struct rehearsed of_phase = {.phase = row.phase};

        (void)text_copy(of_phase.revision, NAME_SIZE, row.revision);
        (void)take_rows(r, of_phase, &ignored);
    }
    return note_phase(r, &row, began_us, code, err);
}

static enum error_code expand_all(struct rehearser *r, struct error *err)
{
    for (size_t i = 0; i < r->expand_count; i++) {
        if (do_phase(r, r->expands[i], MIGRATION_EXPAND, err) != ERROR_OK)
            return err->code;
        if (revision_at(r, r->expands[i])->backfill_count > 0 &&
            do_phase(r, r->expands[i], MIGRATION_BACKFILL, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

static enum error_code verify(struct rehearser *r, size_t index, enum migration_script script,
                              struct error *err)
{
    const struct migration_revision *revision = revision_at(r, index);
    struct session_options options = {.url = r->order->url, .application_name = "hakem:verify"};
    struct rehearsed row = {.phase = script == MIGRATION_SCRIPT_VERIFY ? REHEARSED_VERIFY
                                                                       : REHEARSED_VERIFY_CONTRACT};
    uint64_t began_us = clock_monotonic_us();

    if (revision->scripts[script] == NULL)
        return ERROR_OK;
    (void)text_copy(row.revision, NAME_SIZE, revision->name);
    return note_phase(r, &row, began_us,
                      verify_run(&options, revision, script, r->order->verify_ms, err), err);
}

static enum error_code verify_all(struct rehearser *r, struct error *err)
{
    for (size_t i = 0; i < r->expand_count; i++)
        if (verify(r, r->expands[i], MIGRATION_SCRIPT_VERIFY, err) != ERROR_OK)
            return err->code;
    return ERROR_OK;
}

/* What a contract left may rightly be gone after the next one: only the last is asked. */
static enum error_code contract_all(struct rehearser *r, struct error *err)
{
    for (size_t i = 0; i < r->contract_count; i++)
        if (do_phase(r, r->contracts[i], MIGRATION_CONTRACT, err) != ERROR_OK)
            return err->code;
    if (r->contract_count == 0)
        return ERROR_OK;
    return verify(r, r->contracts[r->contract_count - 1], MIGRATION_SCRIPT_VERIFY_CONTRACT, err);
}

/* ---- the way back ---- */

static const struct migration_revision *first_without_way_back(const struct rehearser *r)
{
    for (size_t i = 0; i < r->expand_count; i++) {
        const struct migration_revision *revision = revision_at(r, r->expands[i]);

        if (revision->is_irreversible || revision->scripts[MIGRATION_SCRIPT_REVERT] == NULL)
            return revision;
    }
    return NULL;
}

void rehearsal_difference(char *before, char *after, char *ret, size_t size)
{
    char *rest_before = NULL;
    char *rest_after = NULL;
    const char *a = strtok_r(before, "\n", &rest_before);
    const char *b = strtok_r(after, "\n", &rest_after);

    while (a != NULL && b != NULL && strcmp(a, b) == 0) {
        a = strtok_r(NULL, "\n", &rest_before);
        b = strtok_r(NULL, "\n", &rest_after);
    }
    ret[0] = '\0';
    if (a != NULL && (b == NULL || strcmp(a, b) < 0))
        (void)text_format(ret, size, "it lacks %.*s", DIFFERENCE_WORDS, a);
    else if (b != NULL)
        (void)text_format(ret, size, "it has besides %.*s", DIFFERENCE_WORDS, b);
}

static enum error_code compare(struct rehearser *r, char *before, struct error *err)
{
    char what[DIFFERENCE_WORDS + 64];
    char *after = NULL;

    if (fingerprint_describe(r->session, r->memory, &after, err) != ERROR_OK)
        return err->code;
    if (strcmp(before, after) == 0)
        return ERROR_OK;
    rehearsal_difference(before, after, what, sizeof(what));
    return error_set(err, ERROR_VERIFY,
                     "revert does not restore the schema (%s): mend revert.sql, or say "
                     "`irreversible: true` in migration.yaml",
                     what);
}

static enum error_code revert_all(struct rehearser *r, char *before, struct error *err)
{
    struct rehearsed row = {.phase = REHEARSED_REVERT};
    uint64_t began_us = clock_monotonic_us();

    for (size_t i = r->expand_count; i > 0; i--)
        if (do_phase(r, r->expands[i - 1], MIGRATION_REVERT, err) != ERROR_OK)
            return err->code;
    (void)text_copy(row.text, sizeof(row.text),
                    "proven: the schema is as before, and can be expanded again");
    return note_phase(r, &row, began_us, compare(r, before, err), err);
}

/* There and back, and there again: contract must not meet a schema that was never taken back. */
static enum error_code prove_way_back(struct rehearser *r, char *before, struct error *err)
{
    const struct migration_revision *without = first_without_way_back(r);
    struct rehearsed row = {.phase = REHEARSED_REVERT, .verdict = VERDICT_INCONCLUSIVE};

    if (r->expand_count == 0)
        return ERROR_OK;
    if (without != NULL) {
        (void)text_format(row.text, sizeof(row.text), "not tried: %s has no way back",
                          without->name);
        rehearsal_add(r->ret, &row);
        return ERROR_OK;
    }
    if (revert_all(r, before, err) != ERROR_OK)
        return err->code;
    r->is_quiet = true;
    err->code = expand_all(r, err);
    r->is_quiet = false;
    return err->code;
}

enum error_code rehearsal_run(struct session *session, const struct rehearsal_order *order,
                              struct rehearsal *ret, struct error *err)
{
    struct rehearser r = {.session = session, .order = order, .ret = ret};
    char *before = NULL;

    r.memory = memory_zeroed(NULL, 1, 1, "rehearsal");
    err->code = ERROR_OK;
    if (choose(&r, err) == ERROR_OK &&
        fingerprint_describe(session, r.memory, &before, err) == ERROR_OK &&
        expand_all(&r, err) == ERROR_OK && verify_all(&r, err) == ERROR_OK &&
        prove_way_back(&r, before, err) == ERROR_OK)
        err->code = contract_all(&r, err);
    talloc_free(r.memory);
    return err->code;
}
