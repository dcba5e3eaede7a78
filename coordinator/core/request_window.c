/* request_window.c: what the operators' windows, and what is known so far, say to a wish. */
#include "coordinator/core/request.h"
#include "coordinator/core/state.h"
#include "coordinator/core/vitals.h"
#include "coordinator/core/window.h"

#include <string.h>

bool request_may_be_planned(const struct control *control, const struct request *request)
{
    return request->for_window || request->options.override_window[0] != '\0' ||
           windows_are_open(control->windows, control->now_ms);
}

void request_say_window(const struct control *control, const char *why,
                        char ret[static SENTENCE_SIZE])
{
    char how[SENTENCE_SIZE];

    windows_say(control->windows, control->now_ms, how);
    (void)text_format(ret, SENTENCE_SIZE, "%.400s: %.600s", how, why);
}

void request_override_window(struct run *run, const struct wish *wish)
{
    const struct rollout *open = run->control->open;
    const char *reason = wish->request->options.override_window;
    struct fact_override *fact;

    if (reason[0] == '\0' || open == NULL || open->override_window[0] != '\0' ||
        (wish->request->rollout != 0 && wish->request->rollout != open->work.plan->rollout) ||
        (open->state != ROLLOUT_PAUSED && open->state != ROLLOUT_HALTED))
        return;
    fact = run_body(run, fact_row(FACT_OVERRIDE)->record);
    (void)text_copy(fact->why, WINDOW_WHY_SIZE, reason);
    (void)text_copy(fact->by, NAME_SIZE, wish->operator_name);
    run_emit(run, FACT_OVERRIDE, fact);
}

const char *request_start_fault(const struct control *control, char ret[static SENTENCE_SIZE])
{
    char name[NAME_SIZE];

    if (control->open->state != ROLLOUT_PLANNED || !vitals_are_missing(control, name))
        return NULL;
    (void)text_format(ret, SENTENCE_SIZE,
                      "too little is known of %s as yet to compare its latency with later "
                      "(--latency-max): try again in two minutes, or start without that",
                      name);
    return ret;
}
