/* Journals out of anybody's bytes: decoded, written again, and folded as the coordinator does at
 * its start.  A fact that does not fit is refused; nothing that was accepted may make it stop
 * later.
 */
#include "common/base/memory.h"
#include "coordinator/core/state.h"
#include "tests/fuzz/journal_bytes.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void write_again(const struct fact *fact, const void *context)
{
    struct text *first = text_new(context, SIZE_MAX);
    struct text *second = text_new(context, SIZE_MAX);
    struct fact again;
    struct error err;

    fact_encode(fact, first);
    assert(fact_decode(first->data, first->size, context, &again, &err) == ERROR_OK);
    assert(again.type == fact->type && again.at_ms == fact->at_ms);
    fact_encode(&again, second);
    assert(first->size == second->size && memcmp(first->data, second->data, first->size) == 0);
}

/* What the coordinator does with a journal: all of it, or a sentence about what is wrong. */
static bool fold(struct control *control, struct journal_bytes *in, const void *context)
{
    const uint8_t *next;
    size_t size;

    while (journal_bytes_next(in, &next, &size)) {
        struct fact fact;
        struct error err;

        if (fact_decode(next, size, context, &fact, &err) != ERROR_OK)
            return false;
        write_again(&fact, context);
        if (control_apply(control, &fact, &err) != ERROR_OK)
            return false;
        if (control_broken_invariant(control) != NULL)
            return false;
    }
    return true;
}

static void start(struct control *control, struct decisions *decisions)
{
    struct event event = {.type = EVENT_STARTED,
                          .at_ms = control->now_ms + 1000,
                          .journal = "00112233445566778899aabbccddeeff",
                          .outage_from_ms = control->now_ms};

    control_handle(control, &event, decisions);
    for (int i = 0; i < 8; i++) {
        event.at_ms += i < 4 ? BEAT_MS : LOST_MS;
        control_settle(control, event.at_ms, decisions);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    void *context = talloc_new(NULL);
    struct control *control = control_new(context);
    struct journal_bytes in = {bytes, bytes + size};

    if (fold(control, &in, context))
        start(control, decisions_new(context));
    talloc_free(context);
    return 0;
}
