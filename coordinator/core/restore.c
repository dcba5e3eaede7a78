#include "coordinator/core/restore.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "coordinator/core/fleet.h"

#include <string.h>

#define MIB 1048576ULL

static bool changed_a_schema(const struct summary *summary)
{
    return summary->revision_count > 0 && summary->state != ROLLOUT_CANCELLED &&
           summary->state != ROLLOUT_REVERTED && summary->strategy != STRATEGY_SHADOW;
}

/* It may be tried again. */
static bool is_given_up_restore(const struct summary *later, const struct summary *of)
{
    return later->strategy == STRATEGY_RESTORE && later->state == ROLLOUT_ABANDONED &&
           later->inverse_of == of->rollout;
}

bool restore_is_possible(const struct control *control, const struct summary *summary)
{
    if (!summary->is_backed_up || (!summary->has_contracted && summary->state != ROLLOUT_ABANDONED))
        return false;
    for (size_t i = 0; i < control->summary_count; i++)
        if (control->summaries[i]->rollout > summary->rollout &&
            changed_a_schema(control->summaries[i]) &&
            !is_given_up_restore(control->summaries[i], summary))
            return false;
    return true;
}

static bool are_same(const struct name_item *some, size_t some_count,
                     const struct name_item *others, size_t other_count)
{
    for (size_t i = 0; i < some_count; i++)
        if (!names_contain(others, other_count, some[i].name))
            return false;
    return some_count == other_count;
}

bool restore_is_needed(const struct plan_shard *now, const struct plan_shard *before)
{
    return !are_same(now->expanded, now->expanded_count, before->expanded,
                     before->expanded_count) ||
           !are_same(now->contracted, now->contracted_count, before->contracted,
                     before->contracted_count);
}

static bool is_its_own(const struct control *control, const struct backup_report *backup)
{
    return backup->journal[0] != '\0' &&
           strncmp(control->journal, backup->journal, strlen(backup->journal)) == 0;
}

const char *restore_fault(const struct control *control, const struct summary *summary,
                          const struct plan_shard *before, char ret[static SENTENCE_SIZE])
{
    const struct node *primary = fleet_primary(control, before->name);
    const struct backup_report *backup;

    if (primary == NULL || primary->report == NULL) {
        (void)text_format(ret, SENTENCE_SIZE, "shard %s has no single primary that reports",
                          before->name);
        return ret;
    }
    backup = &primary->report->database.backup;
    if (strcmp(primary->report->database.system_id, before->system_id) != 0) {
        (void)text_format(ret, SENTENCE_SIZE,
                          "shard %s has its data on another database system now than when it was "
                          "backed up: restore by hand (docs/backup-and-restore.md)",
                          before->name);
        return ret;
    }
    if (backup->rollout == summary->rollout && is_its_own(control, backup))
        return NULL;
    (void)text_format(ret, SENTENCE_SIZE,
                      "%s, the primary of shard %s, has no backup from before rollout %llu as the "
                      "newest in its folder: bring it there, or restore by hand "
                      "(docs/backup-and-restore.md)",
                      primary->identity.name, before->name, (unsigned long long)summary->rollout);
    return ret;
}

static void say_shard(const struct control *control, const struct summary *summary,
                      const struct plan_shard *before, struct text *out)
{
    const struct node *primary = fleet_primary(control, before->name);
    char why[SENTENCE_SIZE];

    if (restore_fault(control, summary, before, why) != NULL) {
        text_append_format(out, "; %s", why);
        return;
    }
    text_append_format(out, "; of shard %s, backed up at %s: ", before->name,
                       primary->report->database.backup.made_at);
    if (primary->report->database.backup.is_counted)
        text_append_format(out, "%llu rows written since",
                           (unsigned long long)primary->report->database.backup.changes);
    else
        text_append(out, "an unknown number of rows (the server counts anew since)");
    text_append_format(out, ", %llu MiB of WAL",
                       (unsigned long long)(primary->report->database.backup.wal_bytes / MIB));
}

void restore_say_loss(const struct control *control, const struct summary *summary,
                      char ret[static SENTENCE_SIZE])
{
    struct text *out = text_new(NULL, SENTENCE_SIZE - 1);

    text_append_format(out,
                       "there is no way back but the backups from before it, with which is lost "
                       "what was written since (`hakem rollback %llu --accept-data-loss` restores "
                       "them, with every player out meanwhile, and keeps the databases as they "
                       "are under other names)",
                       (unsigned long long)summary->rollout);
    for (size_t i = 0; i < summary->shard_count; i++)
        say_shard(control, summary, &summary->shards[i], out);
    (void)text_copy(ret, SENTENCE_SIZE, out->data);
    talloc_free(out);
}
