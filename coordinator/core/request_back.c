/* request_back.c: going back: the open rollout, or a closed one, by its inverse or by backups. */
#include "coordinator/core/request.h"

#include "coordinator/core/fleet.h"
#include "coordinator/core/planner.h"
#include "coordinator/core/restore.h"
#include "coordinator/core/rollout.h"
#include "coordinator/core/strategy.h"

static bool has_gone_back(const struct summary *summary)
{
    if (summary->strategy == STRATEGY_RESTORE && summary->state == ROLLOUT_ABANDONED)
        return false;
    return summary->state == ROLLOUT_REVERTED || summary->state == ROLLOUT_CANCELLED ||
           strategy_leads_back(summary->strategy) || summary->strategy == STRATEGY_SHADOW;
}

static void say_already_back(struct run *run, const struct wish *wish,
                             const struct summary *summary)
{
    char text[SENTENCE_SIZE];
    uint64_t further = fleet_completed_before(run->control, strategy_leads_back(summary->strategy)
                                                                ? summary->inverse_of
                                                                : summary->rollout);

    if (further > 0)
        (void)text_format(text, sizeof(text),
                          "rollout %llu is %s already: nothing to do; to go further back, say "
                          "`hakem rollback %llu`",
                          (unsigned long long)summary->rollout,
                          word_of(&rollout_state_names, summary->state),
                          (unsigned long long)further);
    else
        (void)text_format(text, sizeof(text), "rollout %llu is %s already: nothing to do",
                          (unsigned long long)summary->rollout,
                          word_of(&rollout_state_names, summary->state));
    request_accept(run, wish, 0, text);
}

static const char *no_way_back(const struct summary *summary)
{
    if (summary->state == ROLLOUT_ABANDONED)
        return "it was abandoned, so its nodes differ: bring them together with `hakem rollout "
               "start` to the revision and release you want";
    if (summary->has_contracted && summary->strategy == STRATEGY_TWIN)
        return "the databases that were left have not followed since it was closed: roll forward, "
               "or restore a backup";
    if (summary->has_contracted)
        return "its contracts removed what the old release needs: roll forward, or restore a "
               "backup "
               "from before it";
    return NULL;
}

static void start_inverse(struct run *run, const struct wish *wish, const struct summary *summary)
{
    struct plan *plan = run_body(run, &plan_record);
    struct error err;

    if (planner_inverse(run->control, summary, wish->request, plan, plan, &err) != ERROR_OK) {
        request_refuse(run, wish, err.code, err.detail);
        return;
    }
    request_record_plan(run, wish, plan);
    (void)rollout_fire(run, ROLLOUT_ON_START, wish->operator_name, NULL);
    request_accept(run, wish, plan->rollout, "its inverse has started");
}

static void start_restore(struct run *run, const struct wish *wish, const struct summary *summary)
{
    struct plan *plan = run_body(run, &plan_record);
    struct error err;

    if (planner_restore(run->control, summary, wish->request, plan, plan, &err) != ERROR_OK) {
        request_refuse(run, wish, err.code, err.detail);
        return;
    }
    request_record_plan(run, wish, plan);
    (void)rollout_fire(run, ROLLOUT_ON_START, wish->operator_name, NULL);
    request_accept(run, wish, plan->rollout, "the backups from before it are restored");
}

static void offer_restore(struct run *run, const struct wish *wish, const struct summary *summary)
{
    char text[SENTENCE_SIZE];

    restore_say_loss(run->control, summary, text);
    request_refuse(run, wish, ERROR_WOULD_LOSE_DATA, text);
}

static void roll_back_closed(struct run *run, const struct wish *wish,
                             const struct summary *summary)
{
    const char *obstacle = no_way_back(summary);
    bool wants_kept =
        wish->request->schema_too && summary->state == ROLLOUT_REVERTED && summary->kept_count > 0;

    if (has_gone_back(summary) && !wants_kept) {
        say_already_back(run, wish, summary);
        return;
    }
    if (obstacle != NULL && restore_is_possible(run->control, summary)) {
        if (wish->request->options.accept_data_loss)
            start_restore(run, wish, summary);
        else
            offer_restore(run, wish, summary);
        return;
    }
    if (obstacle != NULL) {
        request_refuse(run, wish, ERROR_IRREVERSIBLE, obstacle);
        return;
    }
    start_inverse(run, wish, summary);
}

void request_rollback(struct run *run, const struct wish *wish)
{
    struct control *control = run->control;
    uint64_t wanted = wish->request->rollout;
    const struct summary *summary;

    if (control->open != NULL && (wanted == 0 || wanted == control->open->work.plan->rollout)) {
        request_steer(run, wish, ROLLOUT_ON_ROLLBACK);
        return;
    }
    if (control->open != NULL && !request_is_free(run, wish))
        return;
    if (wanted == 0)
        wanted = fleet_rollout_before(control, UINT64_MAX);
    summary = control_summary(control, wanted);
    if (summary == NULL)
        request_refuse(run, wish, wanted == 0 ? ERROR_REFUSED : ERROR_NOT_FOUND,
                       wanted == 0 ? "there has been no rollout" : "there is no such rollout");
    else
        roll_back_closed(run, wish, summary);
}
