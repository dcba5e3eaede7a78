/* library.h: the migrations folder as the core's catalog, and as the bundle that agents fetch. */
#ifndef COORDINATOR_SERVER_LIBRARY_H
#define COORDINATOR_SERVER_LIBRARY_H

#include "coordinator/journal/journal.h"
#include "proto/plan.h"

/* layout is NULL for what it looks like. */
struct library {
    const char *folder;
    const char *layout;
};

/* Reads the folder, keeps its bundle in the journal, and fills ret, whose parts are talloc children
 * of parent. Errors name the file. */
enum error_code library_read(const struct library *library, struct journal *journal,
                             const void *parent, struct catalog *ret, struct error *err);

#endif
