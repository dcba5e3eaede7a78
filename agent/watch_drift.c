#include "agent/watch_drift.h"

#include "common/base/memory.h"
#include "common/migration/drift.h"

#include <string.h>

struct drift_watch {
    char signature[HASH_HEX_SIZE];
    char mark[DRIFT_MARK_SIZE];
    uint64_t count;
    char sentence[SENTENCE_SIZE];
};

struct drift_watch *drift_watch_new(const void *parent)
{
    return memory_new(parent, struct drift_watch);
}

/* While a run is under way nobody knows: what was said before goes. */
static void keep(struct drift_watch *watch, const struct drift *drift)
{
    struct text *said = text_new(drift, SENTENCE_SIZE - 1);

    drift_say(drift, said);
    watch->count = drift->count;
    (void)text_copy(watch->sentence, sizeof(watch->sentence), said->data);
    text_mend(watch->sentence);
}

static void look(struct drift_watch *watch, struct session *session, const char *signature,
                 const char *mark)
{
    struct drift *drift = NULL;
    struct error ignored;

    if (drift_list(session, session, &drift, &ignored) != ERROR_OK)
        return;
    keep(watch, drift);
    talloc_free(drift);
    (void)text_copy(watch->signature, sizeof(watch->signature), signature);
    (void)text_copy(watch->mark, sizeof(watch->mark), mark);
}

void drift_watch_look(struct drift_watch *watch, struct session *session, const char *signature,
                      struct database_report *ret)
{
    char mark[DRIFT_MARK_SIZE];
    struct error ignored;

    if (drift_mark(session, mark, &ignored) == ERROR_OK &&
        (strcmp(mark, watch->mark) != 0 || strcmp(signature, watch->signature) != 0))
        look(watch, session, signature, mark);
    ret->drift_count = watch->count;
    (void)text_copy(ret->drift, sizeof(ret->drift), watch->sentence);
}
