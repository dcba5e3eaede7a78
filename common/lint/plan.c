#include "common/lint/plan.h"

#include "common/base/memory.h"
#include "embedded_hakem_lint.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- what was ---- */

static enum error_code read_times(struct session *session, struct plan_pasts *pasts,
                                  struct error *err)
{
    struct rows *rows = NULL;

    if (session_query(session, SQL(embedded_plan_past), &rows, err) != ERROR_OK)
        return err->code;
    pasts->count = rows_count(rows);
    pasts->pasts = memory_array(pasts, struct plan_past, pasts->count + 1);
    for (size_t i = 0; i < pasts->count; i++)
        pasts->pasts[i] = (struct plan_past){.hash = memory_text(pasts, rows_text(rows, i, 0)),
                                             .max_us = rows_number(rows, i, 1),
                                             .count = rows_number(rows, i, 2)};
    rows_free(rows);
    return ERROR_OK;
}

static enum error_code read_done(struct session *session, struct plan_pasts *pasts,
                                 struct error *err)
{
    struct rows *rows = NULL;

    if (session_query(session, SQL(embedded_plan_done), &rows, err) != ERROR_OK)
        return err->code;
    pasts->done_count = rows_count(rows);
    pasts->done = memory_array(pasts, struct plan_done, pasts->done_count + 1);
    for (size_t i = 0; i < pasts->done_count; i++)
        pasts->done[i] = (struct plan_done){.revision = memory_text(pasts, rows_text(rows, i, 0)),
                                            .phase = memory_text(pasts, rows_text(rows, i, 1)),
                                            .statement = rows_number(rows, i, 2)};
    rows_free(rows);
    return ERROR_OK;
}

enum error_code plan_read_past(const void *parent, struct session *session, struct plan_pasts **ret,
                               struct error *err)
{
    struct plan_pasts *pasts = memory_new(parent, struct plan_pasts);
    bool is_there = false;

    if (session_ask_bool(session, SQL("SELECT to_regclass('hakem.migration_log') IS NOT NULL"),
                         &is_there, err) != ERROR_OK ||
        (is_there && (read_times(session, pasts, err) != ERROR_OK ||
                      read_done(session, pasts, err) != ERROR_OK))) {
        talloc_free(pasts);
        return err->code;
    }
    *ret = pasts;
    return ERROR_OK;
}

static bool is_done(const struct plan_request *request, const struct plan_step *step)
{
    const char *phase = step->script == MIGRATION_SCRIPT_EXPAND ? "expand" : "contract";
    const char *revision = request->set->revisions[step->revision].name;
    size_t statement = (size_t)(step->statement - step->split->statements) + 1;

    for (size_t i = 0; request->pasts != NULL && i < request->pasts->done_count; i++) {
        const struct plan_done *done = &request->pasts->done[i];

        if (done->statement == statement && strcmp(done->phase, phase) == 0 &&
            strcmp(done->revision, revision) == 0)
            return true;
    }
    return false;
}

static int by_hash(const void *hash, const void *past)
{
    return strcmp(hash, ((const struct plan_past *)past)->hash);
}

static const struct plan_past *find_past(const struct plan_pasts *pasts, const char *hash)
{
    if (pasts == NULL || pasts->count == 0)
        return NULL;
    return bsearch(hash, pasts->pasts, pasts->count, sizeof(pasts->pasts[0]), by_hash);
}

/* ---- the history, and what of it is to run ---- */

void plan_choose(const void *parent, const struct marks *marks, size_t target,
                 struct plan_request *ret)
{
    const struct migration_set *set = ret->set;
    bool *expands = memory_array(parent, bool, set->revision_count + 1);
    bool *contracts = memory_array(parent, bool, set->revision_count + 1);
    size_t *history = memory_array(NULL, size_t, set->revision_count + 1);
    size_t count = migration_history_of(set, target, history);

    for (size_t i = 0; i < count; i++) {
        const char *name = set->revisions[history[i]].name;

        expands[history[i]] = marks == NULL || !marks_is_expanded(marks, name);
        contracts[history[i]] = marks == NULL || !marks_is_contracted(marks, name);
    }
    talloc_free(history);
    ret->is_to_expand = expands;
    ret->is_to_contract = contracts;
}

struct planning {
    const struct plan_request *request;
    struct effect_place place;
    struct plan *all; /* every statement of the history */
    struct plan *plan;
};

static void add_step(struct plan *plan, struct plan_step step)
{
    if ((plan->count & (plan->count - 1)) == 0)
        plan->steps = memory_resized(plan, plan->steps, plan->count,
                                     plan->count == 0 ? 1 : plan->count * 2, sizeof(step));
    plan->steps[plan->count++] = step;
}

static enum error_code follow(struct planning *in, size_t revision, enum migration_script script,
                              struct error *err)
{
    const struct split *split = in->request->set->revisions[revision].scripts[script];

    in->place.is_utc = true;
    for (size_t i = 0; split != NULL && i < split->count; i++) {
        struct plan_step step = {.revision = revision,
                                 .script = script,
                                 .split = split,
                                 .statement = &split->statements[i]};

        if (effect_of(in->plan, &in->place, step.statement, &step.effect, err) != ERROR_OK)
            return err->code;
        add_step(in->all, step);
    }
    return ERROR_OK;
}

static enum error_code follow_all(struct planning *in, struct error *err)
{
    for (size_t i = 0; i < in->request->set->revision_count; i++) {
        model_set_revision(in->place.model, i);
        if (follow(in, i, MIGRATION_SCRIPT_EXPAND, err) != ERROR_OK ||
            follow(in, i, MIGRATION_SCRIPT_CONTRACT, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

static bool is_same_place(const struct effect *a, const struct effect *b)
{
    if (strcmp(a->shape, b->shape) != 0)
        return false;
    if (a->lock_count == 0 || b->lock_count == 0)
        return a->lock_count == b->lock_count;
    return a->locks[0].relation == b->locks[0].relation;
}

static void look_back(const struct planning *in, struct plan_step *step)
{
    for (size_t i = 0; i < in->all->count; i++) {
        const struct plan_past *past =
            is_same_place(step->effect, in->all->steps[i].effect)
                ? find_past(in->request->pasts, in->all->steps[i].statement->hash)
                : NULL;

        if (past == NULL)
            continue;
        step->like_count += past->count;
        if (past->max_us > step->like_max_us)
            step->like_max_us = past->max_us;
    }
}

static void pick(struct planning *in, enum migration_script script, const bool *is_chosen)
{
    for (size_t i = 0; i < in->all->count; i++) {
        struct plan_step step = in->all->steps[i];

        if (step.script != script || !is_chosen[step.revision] || is_done(in->request, &step))
            continue;
        look_back(in, &step);
        add_step(in->plan, step);
    }
}

enum error_code plan_make(const void *parent, const struct plan_request *request, struct plan **ret,
                          struct error *err)
{
    struct planning in = {.request = request, .plan = memory_new(parent, struct plan)};

    in.all = memory_new(in.plan, struct plan);
    in.place = (struct effect_place){.model = model_new(in.plan), .is_utc = true};
    if (follow_all(&in, err) != ERROR_OK) {
        talloc_free(in.plan);
        return err->code;
    }
    pick(&in, MIGRATION_SCRIPT_EXPAND, request->is_to_expand);
    pick(&in, MIGRATION_SCRIPT_CONTRACT, request->is_to_contract);
    *ret = in.plan;
    return ERROR_OK;
}
