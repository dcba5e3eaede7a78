/* folder.h: internal: the files of a foreign folder, bounded. */
#ifndef COMMON_LAYOUT_FOLDER_H
#define COMMON_LAYOUT_FOLDER_H

#include "common/layout/reading.h"

/* How the folder looks by the names in it alone. */
struct folder_look {
    bool has_native;  /* NAME/expand.sql */
    bool has_foreign; /* SQL, or a plan, where no native one has any */
};
enum error_code folder_look(const char *folder, struct folder_look *ret, struct error *err);

/* By path, bytes of those that a layout reads, cleaned; talloc children of parent. */
enum error_code folder_read(const void *parent, const char *folder, struct layout_file **ret,
                            size_t *ret_count, struct error *err);

/* The same of files in memory. */
enum error_code folder_adopt(const void *parent, const struct migration_file *files, size_t count,
                             struct layout_file **ret, struct error *err);

#endif
