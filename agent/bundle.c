#include "agent/bundle.h"

#include "agent/task/task.h"
#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/load.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool bundle_is_there(const struct agent_config *config, const char *digest)
{
    char path[FILE_PATH_MAX];

    task_bundle_path(config, digest, path, sizeof(path));
    return file_exists(path);
}

void bundle_begin(struct bundle_fetch *fetch, const char *digest, uint64_t now_ms)
{
    bundle_end(fetch);
    (void)text_copy(fetch->digest, sizeof(fetch->digest), digest);
    fetch->began_ms = now_ms;
}

void bundle_end(struct bundle_fetch *fetch)
{
    talloc_free(fetch->bytes);
    *fetch = (struct bundle_fetch){.size = 0};
}

bool bundle_wants(struct bundle_fetch *fetch, uint64_t now_ms, struct fetch *ret)
{
    if (fetch->digest[0] == '\0' ||
        (fetch->asked_ms != 0 && now_ms - fetch->asked_ms < BUNDLE_ASK_MS))
        return false;
    fetch->asked_ms = now_ms;
    (void)text_copy(ret->digest, sizeof(ret->digest), fetch->digest);
    ret->offset = fetch->size;
    return true;
}

/* The oldest goes when there are too many. */
static void make_room(const struct agent_config *config)
{
    char folder[FILE_PATH_MAX];
    char oldest[FILE_PATH_MAX] = "";
    char **names = NULL;
    size_t count = 0;
    struct error err;
    time_t oldest_time = 0;

    (void)text_format(folder, sizeof(folder), "%s/bundles", config->state);
    if (file_list(NULL, folder, &names, &count, &err) != ERROR_OK)
        return;
    for (size_t i = 0; i < count; i++) {
        char path[FILE_PATH_MAX];
        struct stat info;

        (void)text_format(path, sizeof(path), "%.900s/%.100s", folder, names[i]);
        if (stat(path, &info) != 0 || (oldest[0] != '\0' && info.st_mtime >= oldest_time))
            continue;
        oldest_time = info.st_mtime;
        (void)text_copy(oldest, sizeof(oldest), path);
    }
    talloc_free(names);
    if (count >= BUNDLES_KEPT_MAX && oldest[0] != '\0')
        (void)unlink(oldest);
}

static enum error_code keep(struct bundle_fetch *fetch, const struct agent_config *config,
                            struct error *err)
{
    char digest[HASH_HEX_SIZE];
    char path[FILE_PATH_MAX];

    hash_bytes_hex(fetch->bytes, fetch->size, digest);
    if (strcmp(digest, fetch->digest) != 0)
        return error_set(err, ERROR_PROTOCOL, "the bundle %s is not what arrived", fetch->digest);
    make_room(config);
    task_bundle_path(config, digest, path, sizeof(path));
    return file_write_atomically(path, fetch->bytes, fetch->size, 0600, err);
}

static enum error_code check(const struct bundle_fetch *fetch, const struct chunk *chunk,
                             struct error *err)
{
    if (chunk->total == 0)
        return error_set(err, ERROR_PROTOCOL, "the coordinator does not have the bundle %s",
                         fetch->digest);
    if (chunk->total > MIGRATION_BUNDLE_MAX)
        return error_set(err, ERROR_PROTOCOL, "the bundle %s is too large: at most %d bytes",
                         fetch->digest, MIGRATION_BUNDLE_MAX);
    if ((fetch->total != 0 && chunk->total != fetch->total) || chunk->byte_count == 0 ||
        chunk->byte_count > chunk->total - fetch->size)
        return error_set(err, ERROR_PROTOCOL, "the pieces of the bundle %s do not fit together",
                         fetch->digest);
    return ERROR_OK;
}

enum error_code bundle_take(struct bundle_fetch *fetch, const struct agent_config *config,
                            const struct chunk *chunk, bool *ret_done, struct error *err)
{
    *ret_done = false;
    if (fetch->digest[0] == '\0' || strcmp(chunk->digest, fetch->digest) != 0 ||
        chunk->offset != fetch->size)
        return ERROR_OK; /* late or repeated */
    if (check(fetch, chunk, err) != ERROR_OK)
        return err->code;
    if (fetch->bytes == NULL) {
        fetch->bytes = memory_array(NULL, uint8_t, (size_t)chunk->total);
        fetch->total = (size_t)chunk->total;
    }
    memcpy(fetch->bytes + fetch->size, chunk->bytes, chunk->byte_count);
    fetch->size += chunk->byte_count;
    fetch->asked_ms = 0; /* the next piece at once */
    if (fetch->size < fetch->total)
        return ERROR_OK;
    if (keep(fetch, config, err) != ERROR_OK)
        return err->code;
    *ret_done = true;
    return ERROR_OK;
}
