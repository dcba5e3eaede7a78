#include "common/base/file.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRIES_FIRST 16 /* of a folder: a power of two */

static enum error_code open_regular(const char *path, size_t max, int *ret, size_t *ret_size,
                                    struct error *err)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return error_set(err, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_INVALID,
                         "cannot read %s: %s", path, strerror(errno));
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        (void)close(fd);
        return error_set(err, ERROR_INVALID, "cannot read %s: it is not a regular file", path);
    }
    if ((uint64_t)info.st_size > max) {
        (void)close(fd);
        return error_set(err, ERROR_INVALID, "%s has %lld bytes; at most %zu are read", path,
                         (long long)info.st_size, max);
    }
    *ret = fd;
    *ret_size = (size_t)info.st_size;
    return ERROR_OK;
}

enum error_code file_read(const void *parent, const char *path, size_t max, char **ret,
                          size_t *ret_size, struct error *err)
{
    size_t size = 0;
    size_t got = 0;
    ssize_t n = 1;
    char *bytes;
    int fd = -1;

    if (open_regular(path, max, &fd, &size, err) != ERROR_OK)
        return err->code;
    bytes = memory_array(parent, char, size + 1);
    while (got < size && (n = read(fd, bytes + got, size - got)) > 0)
        got += (size_t)n;
    (void)close(fd);
    if (n < 0) {
        talloc_free(bytes);
        return error_set(err, ERROR_SYSTEM, "cannot read %s: %s", path, strerror(errno));
    }
    bytes[got] = '\0';
    *ret = bytes;
    *ret_size = got;
    return ERROR_OK;
}

static bool write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);

        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0) {
            bytes += n;
            size -= (size_t)n;
        }
    }
    return true;
}

/* A rename is durable once its folder is. */
static bool sync_folder_of(const char *path)
{
    char folder[FILE_PATH_MAX];
    char *slash;
    bool synced;
    int fd;

    if (!text_copy(folder, sizeof(folder), path))
        return false;
    slash = strrchr(folder, '/');
    if (slash == NULL)
        (void)text_copy(folder, sizeof(folder), ".");
    else
        slash[slash == folder ? 1 : 0] = '\0';
    fd = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (fd < 0)
        return false;
    synced = fsync(fd) == 0;
    (void)close(fd);
    return synced;
}

enum error_code file_write_atomically(const char *path, const void *bytes, size_t size, mode_t mode,
                                      struct error *err)
{
    char temporary[FILE_PATH_MAX];
    bool written;
    int fd;

    if (!text_format(temporary, sizeof(temporary), "%s.new.%ld", path, (long)getpid()))
        return error_set(err, ERROR_INVALID, "the path %s is too long", path);
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return error_set(err, ERROR_SYSTEM, "cannot write %s: %s", temporary, strerror(errno));
    written = write_all(fd, bytes, size) && fsync(fd) == 0;
    written = close(fd) == 0 && written;
    if (!written || rename(temporary, path) != 0) {
        error_set(err, ERROR_SYSTEM, "cannot write %s: %s", path, strerror(errno));
        (void)unlink(temporary);
        return err->code;
    }
    if (!sync_folder_of(path))
        return error_set(err, ERROR_SYSTEM, "cannot sync the folder of %s: %s", path,
                         strerror(errno));
    return ERROR_OK;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

enum error_code file_list(const void *parent, const char *path, char ***ret, size_t *ret_count,
                          struct error *err)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    char **names;
    size_t count = 0;

    if (folder == NULL)
        return error_set(err, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_INVALID,
                         "cannot list the folder %s: %s", path, strerror(errno));
    names = memory_array(parent, char *, ENTRIES_FIRST);
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        if (count == FILE_ENTRIES_MAX) {
            (void)closedir(folder);
            talloc_free(names);
            return error_set(err, ERROR_LIMIT, "the folder %s has more than %d entries", path,
                             FILE_ENTRIES_MAX);
        }
        if (count >= ENTRIES_FIRST && (count & (count - 1)) == 0)
            names = memory_grow(parent, names, count, 2 * count);
        names[count++] = memory_text(names, entry->d_name);
    }
    (void)closedir(folder);
    qsort(names, count, sizeof(names[0]), by_bytes);
    *ret = names;
    *ret_count = count;
    return ERROR_OK;
}

void file_last_words(const char *path, char *ret, size_t size)
{
    FILE *file = fopen(path, "re");
    size_t got = 0;

    if (file != NULL && (fseek(file, -(long)(size - 1), SEEK_END) == 0 || errno == EINVAL))
        got = fread(ret, 1, size - 1, file);
    if (file != NULL)
        (void)fclose(file);
    ret[got] = '\0';
    for (char *p = ret; *p != '\0'; p++)
        if (*p == '\n')
            *p = ' ';
    text_mend(ret);
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool file_is_folder(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

enum error_code file_make_folder(const char *path, mode_t mode, struct error *err)
{
    char part[FILE_PATH_MAX];

    if (!text_copy(part, sizeof(part), path) || part[0] == '\0')
        return error_set(err, ERROR_INVALID, "the path %s is empty or too long", path);
    for (char *p = part + 1;; p++) {
        char kept = *p;

        if (kept != '/' && kept != '\0')
            continue;
        *p = '\0';
        if (mkdir(part, mode) != 0 && errno != EEXIST)
            return error_set(err, ERROR_SYSTEM, "cannot make the folder %s: %s", part,
                             strerror(errno));
        *p = kept;
        if (kept == '\0')
            return ERROR_OK;
    }
}
