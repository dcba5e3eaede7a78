/* scratch_server.h: a temporary PostgreSQL server: a folder, one process, a socket in that folder.
 */
#ifndef COMMON_PROOF_SCRATCH_SERVER_H
#define COMMON_PROOF_SCRATCH_SERVER_H

#include "common/base/file.h"
#include "common/base/process.h"

struct scratch_server {
    char folder[FILE_PATH_MAX]; /* "": none */
    char data[FILE_PATH_MAX];   /* below it */
    char log[FILE_PATH_MAX];    /* file */
    const char *programs;
    struct process process; /* the postmaster; ends with us, whatever ends us */
};

/* programs: NULL: the newest that are found.  After an error nothing of it is left. */
enum error_code scratch_server_start(const void *parent, const char *programs,
                                     struct scratch_server *ret, struct error *err);

/* Of the database postgres, a talloc child of parent. */
char *scratch_server_url(const struct scratch_server *server, const void *parent);

/* Ends it at once and removes its folder; a zeroed struct is fine. */
enum error_code scratch_server_stop(struct scratch_server *server, struct error *err);

#endif
