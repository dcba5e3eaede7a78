/* together.c: a history as one rollout brings it: all expanded, then all backfilled and verified,
 * all taken back in reverse, and only in the end contracted.
 *
 * One after the other, each revision met a contracted schema below it; here none does.
 */
#include "common/proof/proof_internal.h"

#include "common/base/memory.h"
#include "common/proof/releases.h"

struct leg {
    struct proof *proof;
    const size_t *history;
    size_t first, end;
    struct fingerprint_objects **before; /* per revision of the history: its own way up */
    size_t kept;                         /* the first that is taken back; below it none can be */
};

static void point_at(const struct leg *leg, size_t i)
{
    leg->proof->index = leg->history[i];
    leg->proof->revision = &leg->proof->report->revisions[i];
}

static enum error_code each(const struct leg *leg, size_t from,
                            enum error_code (*step)(struct proof *, struct error *),
                            struct error *err)
{
    for (size_t i = from; i < leg->end; i++) {
        point_at(leg, i);
        if (step(leg->proof, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

/* Before its own way up.  Most of a history's schema is the same from one revision to the next. */
static enum error_code look_before(const struct leg *leg, size_t i, struct error *err)
{
    if (fingerprint_list(leg->proof->session, leg->before, &leg->before[i], err) != ERROR_OK)
        return err->code;
    if (i > leg->first)
        fingerprint_share(leg->before[i], leg->before[i - 1]);
    return ERROR_OK;
}

static enum error_code expand_all(const struct leg *leg, struct error *err)
{
    for (size_t i = leg->first; i < leg->end; i++) {
        point_at(leg, i);
        if (look_before(leg, i, err) != ERROR_OK || proof_expand(leg->proof, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

static enum error_code go_on(const struct leg *leg, size_t from, struct error *err)
{
    if (each(leg, from, proof_backfill, err) != ERROR_OK)
        return err->code;
    return each(leg, from, proof_verify, err);
}

/* The releases of before still run: nothing of the leg is contracted yet. */
static enum error_code ask_releases(const struct leg *leg, struct error *err)
{
    const struct proof *proof = leg->proof;
    const struct releases_state state = {.set = proof->options->set,
                                         .is_expanded = proof->is_expanded,
                                         .is_contracted = proof->is_contracted};
    size_t count = 0;

    return releases_check(&proof->database, &state, &count, err);
}

static enum error_code go_back(struct leg *leg, struct error *err)
{
    for (leg->kept = leg->end; leg->kept > leg->first; leg->kept--) {
        size_t i = leg->kept - 1;

        point_at(leg, i);
        if (leg->proof->revision->revision->is_irreversible)
            return ERROR_OK;
        if (proof_revert(leg->proof, err) != ERROR_OK ||
            proof_compare(leg->proof, leg->before[i],
                          "taken back with those behind it, none of them contracted, it leaves "
                          "another schema than it met",
                          &leg->proof->revision->results[PROOF_TOGETHER], err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

static enum error_code run_leg(struct leg *leg, struct error *err)
{
    if (expand_all(leg, err) != ERROR_OK || go_on(leg, leg->first, err) != ERROR_OK ||
        ask_releases(leg, err) != ERROR_OK || go_back(leg, err) != ERROR_OK ||
        each(leg, leg->kept, proof_expand, err) != ERROR_OK ||
        go_on(leg, leg->kept, err) != ERROR_OK)
        return err->code;
    return each(leg, leg->first, proof_contract, err);
}

/* A revision that needs a contract begins a new leg: what is before it is done whole. */
static size_t end_of_leg(const struct proof *proof, size_t first)
{
    const struct proof_report *report = proof->report;
    size_t end = first + 1;

    while (end < report->count && report->revisions[end].revision->contracted_parent_count == 0)
        end++;
    return end;
}

static enum error_code compare_ends(struct proof *proof, struct error *err)
{
    struct proof_report *report = proof->report;

    proof->revision = &report->revisions[report->count - 1];
    return proof_compare(proof, report->end,
                         "brought together, the history ends with another schema than one after "
                         "the other",
                         &proof->revision->results[PROOF_TOGETHER], err);
}

enum error_code proof_go_together(struct proof *proof, const size_t *history, size_t from,
                                  struct error *err)
{
    struct leg leg = {.proof = proof, .history = history};
    enum error_code code = ERROR_OK;

    leg.before = memory_array(proof->report, struct fingerprint_objects *, proof->report->count);
    for (size_t i = from; i < proof->report->count && code == ERROR_OK; i = leg.end) {
        leg.first = i;
        leg.end = end_of_leg(proof, i);
        code = run_leg(&leg, err);
    }
    return code == ERROR_OK ? compare_ends(proof, err) : code;
}
