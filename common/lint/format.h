/* format.h: findings as people, JSON, code scanners (SARIF 2.1.0) and GitHub's log want them. */
#ifndef COMMON_LINT_FORMAT_H
#define COMMON_LINT_FORMAT_H

#include "common/lint/lint.h"

#include <jansson.h>

enum lint_format {
    LINT_FORMAT_TEXT,
    LINT_FORMAT_JSON,
    LINT_FORMAT_SARIF,
    LINT_FORMAT_GITHUB,
    LINT_FORMAT_COUNT
};

#define LINT_FORMAT_NAMES "text, json, sarif, github"

bool lint_format_from_name(const char *name, enum lint_format *ret);

/* The whole report, with a newline behind each line; folder stands before each path.  A talloc
 * child of parent. */
char *lint_format(const void *parent, enum lint_format format, const struct lint_report *report,
                  const struct migration_set *set, const char *folder);
/* An array; the caller's. */
json_t *lint_format_findings(const struct lint_report *report, const struct migration_set *set,
                             const char *folder);

#endif
