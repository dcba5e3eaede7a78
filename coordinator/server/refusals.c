#include "coordinator/server/refusals.h"

#include <assert.h>
#include <string.h>

static struct refusal *find(struct refusals *refusals, const char *user, int reason)
{
    for (size_t i = 0; i < refusals->count; i++)
        if (refusals->items[i].reason == reason && strcmp(refusals->items[i].user, user) == 0)
            return &refusals->items[i];
    return NULL;
}

static struct refusal *make(struct refusals *refusals, const char *user, int reason)
{
    struct refusal *made = &refusals->items[0];

    if (refusals->count < REFUSALS_MAX)
        made = &refusals->items[refusals->count++];
    else
        for (size_t i = 1; i < REFUSALS_MAX; i++)
            if (refusals->items[i].seen_at_ms < made->seen_at_ms)
                made = &refusals->items[i];
    *made = (struct refusal){.reason = reason};
    (void)text_copy(made->user, sizeof(made->user), user);
    return made;
}

bool refusals_note(struct refusals *refusals, const char *user, int reason, uint64_t now_ms,
                   uint64_t *ret_times)
{
    struct refusal *refusal = find(refusals, user, reason);
    bool is_new = refusal == NULL;

    assert(refusals->count <= REFUSALS_MAX);
    if (is_new)
        refusal = make(refusals, user, reason);
    refusals->total++;
    refusal->unsaid++;
    refusal->seen_at_ms = now_ms;
    if (!is_new && now_ms - refusal->said_at_ms < REFUSALS_REPEAT_MS)
        return false;
    *ret_times = refusal->unsaid;
    refusal->unsaid = 0;
    refusal->said_at_ms = now_ms;
    return true;
}

bool refusals_said_lately(const struct refusals *refusals, int reason, uint64_t now_ms)
{
    for (size_t i = 0; i < refusals->count; i++)
        if (refusals->items[i].reason == reason &&
            now_ms - refusals->items[i].said_at_ms < REFUSALS_REPEAT_MS)
            return true;
    return false;
}
