#include "agent/shadow/keep.h"

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "proto/pack.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void folder_of(const struct agent_config *config, char ret[static FILE_PATH_MAX])
{
    (void)text_format(ret, FILE_PATH_MAX, "%s/rehearsals", config->state);
}

static bool path_of(const struct agent_config *config, const struct order_id *id,
                    char ret[static FILE_PATH_MAX])
{
    return text_format(ret, FILE_PATH_MAX, "%s/rehearsals/%llu-%llu-%llu", config->state,
                       (unsigned long long)id->rollout, (unsigned long long)id->step,
                       (unsigned long long)id->attempt);
}

/* As old as a file is, whatever its name says. */
static const char *oldest(const char *folder, char *const *names, size_t count)
{
    const char *found = NULL;
    struct timespec found_at = {0, 0};

    for (size_t i = 0; i < count; i++) {
        char path[FILE_PATH_MAX];
        struct stat info;

        if (!text_format(path, sizeof(path), "%s/%s", folder, names[i]) || lstat(path, &info) != 0)
            continue;
        if (found != NULL &&
            (info.st_mtim.tv_sec > found_at.tv_sec ||
             (info.st_mtim.tv_sec == found_at.tv_sec && info.st_mtim.tv_nsec >= found_at.tv_nsec)))
            continue;
        found = names[i];
        found_at = info.st_mtim;
    }
    return found;
}

static void make_room(const char *folder)
{
    void *memory = memory_zeroed(NULL, 1, 1, "names");
    char **names = NULL;
    size_t count = 0;
    struct error ignored;
    char path[FILE_PATH_MAX];

    if (file_list(memory, folder, &names, &count, &ignored) == ERROR_OK &&
        count >= KEEP_FILES_MAX && oldest(folder, names, count) != NULL &&
        text_format(path, sizeof(path), "%s/%s", folder, oldest(folder, names, count)))
        (void)unlink(path);
    talloc_free(memory);
}

enum error_code keep_rehearsal(const struct agent_config *config,
                               const struct task_outcome *outcome, struct error *err)
{
    struct text *bytes = text_new(NULL, MESSAGE_BYTES_MAX);
    char folder[FILE_PATH_MAX];
    char path[FILE_PATH_MAX];

    folder_of(config, folder);
    pack_record(&task_outcome_record, outcome, bytes);
    if (bytes->is_cut || !path_of(config, &outcome->id, path))
        error_set(err, ERROR_LIMIT, "what the rehearsal measured is too much for one message");
    else if (file_make_folder(folder, 0700, err) == ERROR_OK) {
        make_room(folder);
        err->code = file_write_atomically(path, bytes->data, bytes->size, 0600, err);
    }
    talloc_free(bytes);
    return err->code;
}

void keep_attach(const struct agent_config *config, const void *parent,
                 struct task_outcome *outcome)
{
    struct task_outcome kept = {.rehearsal = NULL};
    char path[FILE_PATH_MAX];
    char *bytes = NULL;
    size_t size = 0;
    struct error ignored;

    if (config->kind != KIND_DATABASE || outcome->rehearsal_count > 0 ||
        !path_of(config, &outcome->id, path) || !file_exists(path) ||
        file_read(parent, path, MESSAGE_BYTES_MAX, &bytes, &size, &ignored) != ERROR_OK)
        return;
    if (unpack_record(&task_outcome_record, bytes, size, parent, &kept, &ignored) == ERROR_OK &&
        order_id_equals(&kept.id, &outcome->id)) {
        outcome->rehearsal = kept.rehearsal;
        outcome->rehearsal_count = kept.rehearsal_count;
        outcome->rehearsal_left_out = kept.rehearsal_left_out;
    }
    talloc_free(bytes);
}
