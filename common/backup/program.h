/* program.h: one of PostgreSQL's programs, whose output is taken, or input given, piece by piece:
 * pg_dump and pg_restore.
 *
 * It dies with us: what it reads or writes next is a closed pipe.
 */
#ifndef COMMON_BACKUP_PROGRAM_H
#define COMMON_BACKUP_PROGRAM_H

#include "common/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROGRAM_PIECE_BYTES 65536
#define PROGRAM_WORDS_MAX   8192 /* of what it said on standard error, the last of it */

/* Takes what it wrote. An error ends it. */
typedef enum error_code program_sink(void *context, const void *bytes, size_t size,
                                     struct error *err);
/* Gives what it is to read; *ret_size 0: that was all. An error ends it. */
typedef enum error_code program_source(void *context, const uint8_t **ret, size_t *ret_size,
                                       struct error *err);

struct program {
    const char *folder, *name;
    const char *const *arguments;   /* without its own name; NULL at the end */
    const char *const *environment; /* NAME=VALUE, NULL at the end */
    uint64_t timeout_ms;
    program_sink *sink;                  /* of its standard output; NULL: it has none */
    program_source *source;              /* of its standard input; NULL: it is empty */
    void *stream;                        /* the context of either */
    bool (*is_cancelled)(void *context); /* NULL: never */
    void (*beat)(void *context);         /* every now and then; may be NULL */
    void *context;
};

/* Runs it and waits. ERROR_FAILED holds what it said last. */
enum error_code program_run(const struct program *program, struct error *err);

#endif
