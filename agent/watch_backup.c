#include "agent/watch_backup.h"

#include "common/backup/backup.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <string.h>
#include <sys/stat.h>

#define LOOK_EVERY_MS 10000

struct backup_watch {
    const struct agent_config *config;
    char name[SYSTEM_ID_SIZE + NAME_SIZE]; /* "SYSTEM DATABASE" of the session */
    uint64_t looked_at_ms;                 /* 0: never */
    struct timespec changed_at;            /* of the folder, when its backups were read */
    void *memory;                          /* of what was read */
    const struct backup_manifest *newest;  /* NULL: none */
    struct backup_report last;
};

struct backup_watch *backup_watch_new(const void *parent, const struct agent_config *config)
{
    struct backup_watch *watch = memory_new(parent, struct backup_watch);

    watch->config = config;
    return watch;
}

/* A folder may be many databases'. */
static bool is_of_this(const struct backup_watch *watch, const struct backup_manifest *manifest)
{
    char name[SYSTEM_ID_SIZE + NAME_SIZE];

    (void)text_format(name, sizeof(name), "%s %s", manifest->system_id, manifest->database);
    return strcmp(name, watch->name) == 0;
}

static bool is_newer(const struct backup_watch *watch, const struct backup_entry *entry,
                     const struct backup_manifest *than)
{
    return entry->manifest != NULL && entry->manifest->rollout[0] != '\0' &&
           is_of_this(watch, entry->manifest) &&
           (than == NULL || strcmp(entry->manifest->created_at, than->created_at) > 0);
}

/* Its own key is not needed to see what is there: a restore proves it. */
static void read_folder(struct backup_watch *watch)
{
    const struct backup_place place = {.folder = watch->config->database.backups};
    struct backup_entry *entries = NULL;
    struct error ignored;
    size_t count = 0;

    talloc_free(watch->memory);
    watch->newest = NULL;
    watch->memory = memory_zeroed(watch, 1, 1, "backups");
    if (backup_place_list(&place, watch->memory, &entries, &count, &ignored) != ERROR_OK)
        return;
    for (size_t i = 0; i < count; i++)
        if (is_newer(watch, &entries[i], watch->newest))
            watch->newest = entries[i].manifest;
}

/* Backups come and go by getting and losing their names there. */
static void follow_folder(struct backup_watch *watch)
{
    struct stat info;

    if (stat(watch->config->database.backups, &info) != 0) {
        watch->newest = NULL;
        watch->changed_at = (struct timespec){0};
        return;
    }
    if (info.st_mtim.tv_sec == watch->changed_at.tv_sec &&
        info.st_mtim.tv_nsec == watch->changed_at.tv_nsec)
        return;
    watch->changed_at = info.st_mtim;
    read_folder(watch);
}

/* "rollout-3-main-1a2b3c4d": the last part is the journal's. */
static void take_journal(const char *name, struct backup_report *ret)
{
    const char *dash = strrchr(name, '-');

    (void)text_copy(ret->journal, sizeof(ret->journal), dash == NULL ? "" : dash + 1);
}

static void look(struct backup_watch *watch, struct session *session)
{
    struct backup_report report = {.rollout = 0};
    struct backup_loss loss = {.is_known = false};
    struct error ignored;
    char *name = NULL;

    if (watch->name[0] == '\0' &&
        session_ask_text(session,
                         SQL("SELECT (SELECT system_identifier FROM pg_control_system())"
                             " || ' ' || current_database()"),
                         watch, &name, &ignored) == ERROR_OK)
        (void)text_copy(watch->name, sizeof(watch->name), name);
    talloc_free(name);
    follow_folder(watch);
    if (watch->newest != NULL &&
        text_to_number(watch->newest->rollout, UINT64_MAX, &report.rollout)) {
        take_journal(watch->newest->name, &report);
        (void)text_copy(report.made_at, sizeof(report.made_at), watch->newest->created_at);
        (void)backup_ask_loss(session, watch->newest, &loss, &ignored);
        report.is_counted = loss.is_known;
        report.changes = loss.changes;
        report.wal_bytes = loss.wal_bytes;
    }
    watch->last = report;
}

void backup_watch_look(struct backup_watch *watch, struct session *session,
                       struct backup_report *ret)
{
    uint64_t now_ms = clock_monotonic_ms();

    if (watch->config->database.backups != NULL &&
        (watch->looked_at_ms == 0 || now_ms - watch->looked_at_ms >= LOOK_EVERY_MS)) {
        watch->looked_at_ms = now_ms;
        look(watch, session);
    }
    *ret = watch->last;
}
