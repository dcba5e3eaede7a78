/* lint.h: a history against the rules: what it would block, break or lose where it runs, statement
 * by statement, with what to write instead.
 *
 * A relation counts as live for a revision if some release that does not yet need the revision
 * needs the one that made it; without releases, if an earlier revision made it.
 */
#ifndef COMMON_LINT_LINT_H
#define COMMON_LINT_LINT_H

#include "common/lint/effect.h"
#include "common/migration/load.h"

#define LINT_FINDINGS_MAX    100000
#define LINT_SMALL_ROWS_MAX  100000   /* scans and rewrites of less are no hazard */
#define LINT_SMALL_BYTES_MAX 67108864 /* likewise */

#define LINT_KEY_USED_MAX 50 /* percent */

/* Of a table in a database; see sizes.h. */
struct lint_size {
    const char *schema, *name;
    uint64_t rows, bytes;
};

/* An integer column and the sequence that fills it. */
struct lint_key {
    const char *schema, *table, *column;
    uint64_t percent; /* of the type's numbers, or of the sequence's, whichever ends first */
};

struct lint_sizes {
    size_t count;
    const struct lint_size *sizes; /* by schema, then name */
    size_t key_count;
    const struct lint_key *keys;
    uint64_t server_version; /* 150004 */
};

struct lint_options {
    const struct migration_set *set;
    const bool *is_chosen; /* by revision; NULL: all */
    const size_t *from; /* what came after this revision is one unreleased set; NULL: releases say
                         */
    const struct lint_sizes *sizes; /* NULL: no database */
    bool is_to_a_limit;             /* a limit ends the report, and is no error */
};

struct lint_finding {
    enum rule_id rule;
    enum rule_severity severity;
    size_t revision;  /* of the set */
    const char *path; /* "database": it is none of the files' */
    size_t line;      /* from 1 */
    const char *what;
    const char *instead;
};

struct lint_report {
    size_t count;
    struct lint_finding *findings; /* by revision, file and line */
    size_t error_count;
    size_t judged_count; /* revisions, in their order: all of the set, or those before the limit */
    const char *limit;   /* why no more are judged; NULL: all are */
};

/* A talloc child of parent.  ERROR_LIMIT beyond LINT_FINDINGS_MAX, or what the model holds,
 * unless is_to_a_limit. */
enum error_code lint_run(const void *parent, const struct lint_options *options,
                         struct lint_report **ret, struct error *err);

/* What of a revision the release before cannot live with, of a report that was made without
 * is_chosen: the first such finding, NULL if there is none. */
const struct lint_finding *lint_first_break(const struct lint_report *report, size_t revision);

#endif
