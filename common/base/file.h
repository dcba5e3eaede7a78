/* file.h: whole files, bounded; atomic replacement; sorted directory listings. */
#ifndef COMMON_BASE_FILE_H
#define COMMON_BASE_FILE_H

#include "common/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define FILE_PATH_MAX    1024
#define FILE_ENTRIES_MAX 10000

/* The bytes, a talloc child of parent, with a terminator behind them that size does not count. More
 * than max bytes, not a regular file, or unreadable: ERROR_INVALID or NOT_FOUND with path in err.
 */
enum error_code file_read(const void *parent, const char *path, size_t max, char **ret,
                          size_t *ret_size, struct error *err);

/* Writes beside path, syncs, renames over it, syncs the folder: a reader sees the old or the new.
 */
enum error_code file_write_atomically(const char *path, const void *bytes, size_t size, mode_t mode,
                                      struct error *err);

/* Names in the folder in byte order, without those that begin with a dot; at most
 * FILE_ENTRIES_MAX. */
enum error_code file_list(const void *parent, const char *path, char ***ret, size_t *ret_count,
                          struct error *err);

bool file_exists(const char *path);
bool file_is_folder(const char *path);

/* mkdir -p with mode; an existing folder is fine. */
enum error_code file_make_folder(const char *path, mode_t mode, struct error *err);

/* path and everything below it, deepest first; nothing there is fine.  Follows no link out of it
 * and stays on its file system. */
enum error_code file_remove_tree(const char *path, struct error *err);

/* The end of a log, on one line: why whoever wrote it gave up.  "" if it cannot be read. */
void file_last_words(const char *path, char *ret, size_t size);

#endif
