/* marks.h: E and C as the database has them: which revisions are expanded (and backfilled), which
 * contracted.  Works on a standby; a database without schema hakem has none.
 */
#ifndef COMMON_MIGRATION_MARKS_H
#define COMMON_MIGRATION_MARKS_H

#include "common/base/hash.h"
#include "common/migration/load.h"
#include "common/postgres/session.h"

struct mark {
    char revision[MIGRATION_NAME_MAX + 1];
    char checksum[HASH_HEX_SIZE]; /* of the files when it was applied; "" if nothing is applied */
    char meaning[HASH_HEX_SIZE];  /* likewise of what they say; "": nobody kept it */
    uint64_t generation;          /* completed expand-revert cycles */
    bool is_expanded;             /* in E */
    bool is_contracted;           /* in C: set by the first contract statement */
    bool is_partial;              /* a phase has begun and not ended */
};

struct marks {
    size_t count;
    const struct mark *marks; /* by revision, those too that are in neither */
};

/* A talloc child of parent. */
enum error_code marks_read(struct session *session, const void *parent, struct marks **ret,
                           struct error *err);

/* NULL if the database never saw it. */
const struct mark *marks_find(const struct marks *marks, const char *revision);
bool marks_is_expanded(const struct marks *marks, const char *revision);
bool marks_is_contracted(const struct marks *marks, const char *revision);

#endif
