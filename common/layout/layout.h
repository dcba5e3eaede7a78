/* layout.h: migrations folders of other tools as revisions: each layout is a row of a table that
 * knows its files and turns them into native ones in memory, which are loaded as ever.
 */
#ifndef COMMON_LAYOUT_LAYOUT_H
#define COMMON_LAYOUT_LAYOUT_H

#include "common/migration/load.h"

#define LAYOUT_NATIVE "native"

/* A revision that a layout made, parents first. */
struct layout_version {
    const char *revision; /* its name here */
    const char *version;  /* what its tool calls it: "20240131120000", "1.2", a Sqitch change */
    const char *path;     /* the file that it came from */
};

struct layout_content {
    const char *layout; /* a name of the table, or LAYOUT_NATIVE: then there is nothing else */
    size_t file_count;
    const struct migration_file *files; /* native, each with its origin */
    size_t version_count;
    const struct layout_version *versions;
    size_t note_count;
    const char *const *notes; /* sentences: what could not be carried over */
};

/* The names, in the order of the table; NULL behind the last. */
const char *layout_name(size_t i);

/* May a revision be applied behind one that stands on it?  NULL: native, where it may. */
bool layout_allows_late(const char *layout);

/* Reads folder as that layout; NULL: as the one that it looks like.  A talloc child of parent.
 * ERROR_INVALID in one sentence that names the folder's own file and line: two layouts in one
 * folder, a mark that nobody knows, a migration in another language. */
enum error_code layout_read(const void *parent, const char *folder, const char *layout,
                            struct layout_content **ret, struct error *err);

/* The same of files in memory, for who has no folder: at most MIGRATION_FILES_MAX of them. */
enum error_code layout_read_files(const void *parent, const struct migration_file *files,
                                  size_t count, const char *layout, struct layout_content **ret,
                                  struct error *err);

/* migration_load(), of any layout. */
enum error_code layout_load(const void *parent, const char *folder, const char *layout,
                            struct migration_set **ret, struct error *err);

struct layout_import {
    const char *folder;
    const char *layout; /* NULL: the one that it looks like */
    const char *into;   /* a new folder, or an empty one */
};
/* Writes the native files that layout_read() finds into a folder, all of them or none; they make
 * the same revisions.  A folder with something in it, or nothing foreign to import:
 * ERROR_REFUSED. */
enum error_code layout_import(const void *parent, const struct layout_import *order,
                              struct layout_content **ret, struct error *err);

#endif
