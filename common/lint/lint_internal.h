/* lint_internal.h: between lint.c (a history's files in order), lint_script.c (one file), and
 * lint_revert.c (does it take back what was made?).
 */
#ifndef COMMON_LINT_LINT_INTERNAL_H
#define COMMON_LINT_LINT_INTERNAL_H

#include "common/lint/lint.h"

#define LINT_ALLOWS_MAX 1024 /* that silence something, of one revision */

struct linting {
    const struct lint_options *options;
    const struct migration_set *set;
    struct lint_report *report;
    struct effect_place place;
    size_t revision;         /* that is looked at */
    bool **is_in_release;    /* by release and revision */
    void *memory;            /* until the end of the revision */
    struct effect **effects; /* of expand.sql's statements */
    size_t effect_count;
    const struct split_allow *used[LINT_ALLOWS_MAX];
    size_t used_count;
};

/* What stands in a template of rules.c, and where. */
struct lint_words {
    const char *table, *name, *detail, *sql;
};

struct lint_place {
    const struct split *split;
    size_t statement; /* its count: none */
};

/* statement of place: where it is said; allows are looked at. */
void lint_add(struct linting *in, const struct lint_place *place, enum rule_id rule,
              enum rule_severity severity, const struct lint_words *words);
bool lint_is_live(const struct linting *in, const struct model_relation *relation);

/* Every statement of one of the revision's files, in order. */
enum error_code lint_script(struct linting *in, enum migration_script which, struct error *err);
/* What expand.sql made and revert.sql leaves. */
void lint_revert(struct linting *in);
/* Allows of the file that silence nothing, have no reason, or are of no rule. */
void lint_allows(struct linting *in, const struct split *split);

#endif
