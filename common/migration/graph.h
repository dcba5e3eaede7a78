/* graph.h: the order of revisions: topological, ties by name; heads; ancestors.
 *
 * Pure: no I/O, and nothing below it but common/base's pure part; the coordinator's core uses it
 * too.
 */
#ifndef COMMON_MIGRATION_GRAPH_H
#define COMMON_MIGRATION_GRAPH_H

#include "common/base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define GRAPH_REVISIONS_MAX 4096
#define GRAPH_PARENTS_MAX   8

struct graph_revision {
    const char *name;
    size_t parent_count;
    const char *parents[GRAPH_PARENTS_MAX];
};

/* ret_order: count indices into revisions, every parent before its children, ties in byte order of
 * the names.  A cycle, a missing parent or a name given twice: ERROR_INVALID, naming the revisions.
 * Too many revisions or parents: ERROR_LIMIT. */
enum error_code graph_order(const struct graph_revision *revisions, size_t count, size_t *ret_order,
                            struct error *err);

/* The one revision that is nobody's parent.  None (count is 0): ERROR_NOT_FOUND; two:
 * ERROR_INVALID, naming both. */
enum error_code graph_head(const struct graph_revision *revisions, size_t count, size_t *ret_head,
                           struct error *err);

/* Is ancestor reached from of by following parents?  A revision is not its own ancestor. */
bool graph_is_ancestor(const struct graph_revision *revisions, size_t count, size_t ancestor,
                       size_t of);

/* False, with *ret untouched, if no revision has that name. */
bool graph_find(const struct graph_revision *revisions, size_t count, const char *name,
                size_t *ret);

#endif
