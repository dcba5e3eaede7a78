#define _GNU_SOURCE /* flock() */
#include "common/backup/place.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_FILE      ".lock"
#define PARTIAL        ".partial"
#define PARTIAL_FORMAT "%s/.%s" PARTIAL

const uint8_t *backup_place_seal(const struct backup_place *place)
{
    return place->key == NULL ? NULL : place->key->seal;
}

const uint8_t *backup_place_stream(const struct backup_place *place)
{
    return place->key == NULL ? NULL : place->key->stream;
}

static enum error_code say_too_long(const struct backup_place *place, struct error *err)
{
    return error_set(err, ERROR_INVALID, "the path %.200s is too long", place->folder);
}

enum error_code backup_place_path(const struct backup_place *place, const char *name,
                                  const char *file, char ret[static FILE_PATH_MAX],
                                  struct error *err)
{
    if (!text_is_name(name, MANIFEST_NAME_MAX))
        return error_set(err, ERROR_USAGE,
                         "%.96s is no name of a backup: `hakem backup list` shows them", name);
    if (!text_format(ret, FILE_PATH_MAX, "%s/%s%s%s", place->folder, name, file == NULL ? "" : "/",
                     file == NULL ? "" : file))
        return say_too_long(place, err);
    return ERROR_OK;
}

/* ---- making one ---- */

enum error_code backup_place_lock(const struct backup_place *place, int *ret, struct error *err)
{
    char path[FILE_PATH_MAX];
    int fd;

    if (file_make_folder(place->folder, 0700, err) != ERROR_OK)
        return err->code;
    if (!text_format(path, sizeof(path), "%s/" LOCK_FILE, place->folder))
        return say_too_long(place, err);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set(err, ERROR_STORAGE, "cannot write %s: %s", path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        (void)close(fd);
        return error_set(err, ERROR_LOCK,
                         "another backup is being made in %s: wait for it, or give this one "
                         "another folder",
                         place->folder);
    }
    *ret = fd;
    return ERROR_OK;
}

static enum error_code remove_partial(const struct backup_place *place, struct error *err)
{
    DIR *folder = opendir(place->folder);
    const struct dirent *entry;
    char path[FILE_PATH_MAX];

    err->code = ERROR_OK;
    while (folder != NULL && err->code == ERROR_OK && (entry = readdir(folder)) != NULL)
        if (entry->d_name[0] == '.' && text_ends_with(entry->d_name, PARTIAL) &&
            text_format(path, sizeof(path), "%s/%s", place->folder, entry->d_name))
            err->code = file_remove_tree(path, err);
    if (folder != NULL)
        (void)closedir(folder);
    return err->code;
}

enum error_code backup_place_begin(const struct backup_place *place, const char *name,
                                   char ret[static FILE_PATH_MAX], struct error *err)
{
    char taken[FILE_PATH_MAX];

    if (remove_partial(place, err) != ERROR_OK ||
        backup_place_path(place, name, NULL, taken, err) != ERROR_OK)
        return err->code;
    if (file_exists(taken))
        return error_set(err, ERROR_REFUSED, "there is a backup called %s already: %s", name,
                         taken);
    if (!text_format(ret, FILE_PATH_MAX, PARTIAL_FORMAT, place->folder, name))
        return say_too_long(place, err);
    return file_make_folder(ret, 0700, err);
}

static bool sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_synced = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        (void)close(fd);
    return is_synced;
}

enum error_code backup_place_publish(const struct backup_place *place, const char *name,
                                     struct error *err)
{
    char from[FILE_PATH_MAX], to[FILE_PATH_MAX];

    if (backup_place_path(place, name, NULL, to, err) != ERROR_OK)
        return err->code;
    if (!text_format(from, sizeof(from), PARTIAL_FORMAT, place->folder, name))
        return say_too_long(place, err);
    if (!sync_folder(from) || rename(from, to) != 0 || !sync_folder(place->folder))
        return error_set(err, ERROR_STORAGE, "cannot give %s its name: %s", to, strerror(errno));
    return ERROR_OK;
}

/* ---- those that are there ---- */

static struct backup_entry look_at(const struct backup_place *place, const char *name,
                                   const void *parent)
{
    struct backup_entry entry = {.name = memory_text(parent, name), .fault = ""};
    char path[FILE_PATH_MAX];
    struct backup_manifest_source source = {.name = path, .key = backup_place_seal(place)};
    struct backup_manifest *manifest = NULL;
    char *bytes = NULL;
    struct error err;

    if (backup_place_path(place, name, MANIFEST_FILE, path, &err) == ERROR_OK &&
        file_read(NULL, path, MANIFEST_BYTES_MAX, &bytes, &source.size, &err) == ERROR_OK) {
        source.bytes = bytes;
        (void)backup_manifest_parse(parent, &source, &manifest, &entry.is_proven, &err);
    }
    if (manifest == NULL)
        entry.fault = memory_text(parent, err.detail);
    entry.manifest = manifest;
    talloc_free(bytes);
    return entry;
}

enum error_code backup_place_list(const struct backup_place *place, const void *parent,
                                  struct backup_entry **ret, size_t *ret_count, struct error *err)
{
    struct backup_entry *entries;
    char **names = NULL;
    size_t count = 0, used = 0;

    if (!file_is_folder(place->folder)) {
        *ret = NULL;
        *ret_count = 0;
        return ERROR_OK;
    }
    if (file_list(parent, place->folder, &names, &count, err) != ERROR_OK)
        return err->code;
    entries = memory_array(parent, struct backup_entry, count + 1);
    for (size_t i = 0; i < count; i++) {
        char path[FILE_PATH_MAX];

        if (text_format(path, sizeof(path), "%s/%s", place->folder, names[i]) &&
            file_is_folder(path))
            entries[used++] = look_at(place, names[i], entries);
    }
    talloc_free(names);
    *ret = entries;
    *ret_count = used;
    return ERROR_OK;
}

static bool is_of_same(const struct backup_entry *entry, const struct backup_manifest *of)
{
    return entry->manifest != NULL && strcmp(entry->manifest->system_id, of->system_id) == 0 &&
           strcmp(entry->manifest->database, of->database) == 0;
}

/* The manifest first: what is left of one that was half removed is no backup. */
static enum error_code remove_backup(const struct backup_place *place, const char *name,
                                     struct error *err)
{
    char path[FILE_PATH_MAX], manifest[FILE_PATH_MAX];

    if (backup_place_path(place, name, NULL, path, err) != ERROR_OK ||
        backup_place_path(place, name, MANIFEST_FILE, manifest, err) != ERROR_OK)
        return err->code;
    (void)unlink(manifest);
    return file_remove_tree(path, err);
}

static int is_older(const void *one, const void *other)
{
    const struct backup_entry *a = one, *b = other;

    return strcmp(a->manifest->created_at, b->manifest->created_at);
}

enum error_code backup_place_retain(const struct backup_place *place,
                                    const struct backup_manifest *of, uint64_t keep,
                                    size_t *ret_removed, struct error *err)
{
    struct backup_entry *entries = NULL;
    size_t count = 0, same = 0;

    *ret_removed = 0;
    err->code = ERROR_OK;
    if (keep == 0)
        return ERROR_OK;
    if (backup_place_list(place, NULL, &entries, &count, err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < count; i++)
        if (is_of_same(&entries[i], of))
            entries[same++] = entries[i];
    if (same > 0)
        qsort(entries, same, sizeof(entries[0]), is_older);
    for (size_t i = 0; i + keep < same && err->code == ERROR_OK; i++) {
        err->code = remove_backup(place, entries[i].name, err);
        *ret_removed += err->code == ERROR_OK;
    }
    talloc_free(entries);
    return err->code;
}
