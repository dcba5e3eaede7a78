#define _GNU_SOURCE /* nftw, the walk that follows no symbolic link */
#include "common/base/file.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>

#define WALK_FILES_MAX 16 /* open at once */

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

enum error_code file_remove_tree(const char *path, struct error *err)
{
    if (nftw(path, remove_entry, WALK_FILES_MAX, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0 &&
        errno != ENOENT)
        return error_set(err, ERROR_SYSTEM, "cannot remove %s: %s", path, strerror(errno));
    return ERROR_OK;
}
