/* baseline.h: a database that another tool migrated: where it stands by that tool's own table, and
 * taking it over.
 */
#ifndef COMMON_LAYOUT_BASELINE_H
#define COMMON_LAYOUT_BASELINE_H

#include "common/migration/phase.h"

/* A row of the table of tools. */
struct baseline_tool {
    const char *tool;
    const char *table;
    const char *const *columns; /* NULL behind the last; without them it is another tool's */
    const char *query;          /* rows of a version and what is so with it */
};
/* NULL behind the last. */
const struct baseline_tool *baseline_tool(size_t i);

struct baseline_standing {
    const struct baseline_tool *tool; /* NULL: no tool has left a table */
    bool *is_applied;                 /* per revision of the set */
    size_t count;
};

/* Read-only.  ERROR_REFUSED in one sentence: two tools' tables, a migration that failed, a version
 * that no revision of the set is, a revision whose parent is not applied. */
enum error_code baseline_look(struct session *session, const struct migration_set *set,
                              const void *parent, struct baseline_standing **ret,
                              struct error *err);

/* Marks these revisions as expanded, backfilled and contracted, with a log row each, in one
 * transaction.  Marks that are there already: ERROR_REFUSED.  Under run->hold.  why: for the log.
 */
enum error_code baseline_adopt(struct session *session, const struct migration_set *set,
                               const struct migration_run *run, const bool *is_applied,
                               const char *why, struct error *err);

#endif
