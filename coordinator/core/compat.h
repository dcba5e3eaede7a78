/* compat.h: which release can use which schema.
 *
 * A release with `needs` N runs where N is in E, and C holds nothing but ancestors of N, N itself,
 * and what the release tolerates.  An unknown release, or no report, is compatible with nothing.
 */
#ifndef COORDINATOR_CORE_COMPAT_H
#define COORDINATOR_CORE_COMPAT_H

#include "coordinator/core/state.h"

/* A schema: E and C. Borrowed. */
struct schema {
    const struct name_item *expanded;
    size_t expanded_count;
    const struct name_item *contracted;
    size_t contracted_count;
};

/* True if it is `of` itself or comes before it. Names that the catalog lacks are nobody's ancestor.
 */
bool compat_is_within(const struct catalog *catalog, const char *revision, const char *of);

/* NULL, or why not; ret (SENTENCE_SIZE bytes) then holds the sentence that is returned. */
const char *compat_fault(const struct catalog *catalog, const char *release,
                         const struct schema *schema, char ret[static SENTENCE_SIZE]);

struct schema compat_schema_of(const struct report *report);

/* Every database that the node reads reports: without that there is no verdict about it. */
bool compat_node_is_judgeable(const struct control *control, const struct node *node);

/* For every database that the node reads, by the databases' own fresh words. NULL, or why not. */
const char *compat_node_fault(const struct control *control, const struct node *node,
                              const char *release, char ret[static SENTENCE_SIZE]);

#endif
