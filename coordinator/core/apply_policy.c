/* apply_policy.c: facts about what operators allow, and about what a rollout is measured by. */
#include "common/base/memory.h"
#include "coordinator/core/apply.h"
#include "proto/copy.h"

enum error_code apply_windows(struct control *control, const void *body, struct error *err)
{
    (void)err;
    talloc_free(control->windows);
    control->windows = record_clone(&windows_record, body, control);
    return ERROR_OK;
}

enum error_code apply_baseline(struct control *control, const void *body, struct error *err)
{
    struct rollout *open = control->open;

    if (open == NULL)
        return apply_corrupt(err, "a baseline", "of no open rollout");
    open->baselines =
        memory_grow(open, open->baselines, open->baseline_count, open->baseline_count + 1);
    open->baselines[open->baseline_count++] = *(const struct fact_baseline *)body;
    return ERROR_OK;
}

enum error_code apply_override(struct control *control, const void *body, struct error *err)
{
    const struct fact_override *fact = body;

    if (control->open == NULL)
        return apply_corrupt(err, "a window", "of no open rollout");
    (void)text_copy(control->open->override_window, WINDOW_WHY_SIZE, fact->why);
    return ERROR_OK;
}
