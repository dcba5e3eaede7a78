/* touched.h: which tables of a database the revisions that it still lacks would touch. */
#ifndef COMMON_MIGRATION_TOUCHED_H
#define COMMON_MIGRATION_TOUCHED_H

#include "common/migration/load.h"
#include "common/migration/marks.h"
#include "common/postgres/session.h"

/* The tables that the target and its ancestors name, in phases that are not done yet: those that
 * their statements only read, too. "schema.table", quoted where it has to be, in order; only such
 * as the database has; NULL at the end. A talloc child of parent. */
struct touched_by {
    const struct migration_set *set;
    const struct marks *marks; /* of the database */
    size_t target;             /* index into the set */
};
enum error_code touched_tables(struct session *session, const struct touched_by *by,
                               const void *parent, const char ***ret, struct error *err);

#endif
