/* rules.h: what lint looks for: one row a rule, with its severity, its reason and what to write
 * instead.
 */
#ifndef COMMON_LINT_RULES_H
#define COMMON_LINT_RULES_H

#include <stdbool.h>
#include <stddef.h>

enum rule_id {
    RULE_INDEX_BLOCKS,
    RULE_INDEX_DROP_BLOCKS,
    RULE_REINDEX_BLOCKS,
    RULE_INDEX_NOT_EXISTS,
    RULE_INDEX_ON_PARTITIONED,
    RULE_INDEX_CORRUPTS,
    RULE_CHECK_SCANS,
    RULE_FOREIGN_KEY_SCANS,
    RULE_FOREIGN_KEY_DROP,
    RULE_UNIQUE_BUILDS,
    RULE_EXCLUDE_BUILDS,
    RULE_NOT_NULL_SCANS,
    RULE_VALIDATE_AT_ONCE,
    RULE_COLUMN_REWRITES,
    RULE_COLUMN_UNCLEAR,
    RULE_COLUMN_REQUIRED,
    RULE_COLUMN_JSON,
    RULE_KEY_SMALL,
    RULE_KEY_NEARLY_FULL,
    RULE_TYPE_REWRITES,
    RULE_TYPE_CHANGES,
    RULE_RENAME_BREAKS,
    RULE_DROP_BREAKS,
    RULE_DROP_CASCADE,
    RULE_NULL_APPEARS,
    RULE_DEFAULT_GOES,
    RULE_WRITES_REFUSED,
    RULE_TRUNCATE,
    RULE_TABLE_REWRITES,
    RULE_PARTITION_OF,
    RULE_ATTACH_SCANS,
    RULE_DEFAULT_PARTITION,
    RULE_DETACH_BLOCKS,
    RULE_TRIGGER_LOCKS,
    RULE_ROW_SECURITY,
    RULE_RULE_CHANGES,
    RULE_REFRESH_BLOCKS,
    RULE_DOMAIN_SCANS,
    RULE_ENUM_PLACE,
    RULE_PUBLICATION_ALL,
    RULE_LOCK_TABLE,
    RULE_WHOLE_TABLE,
    RULE_NAME_CUT,
    RULE_TIMEOUT_SET,
    RULE_LOCK_HELD,
    RULE_REVERT_MISSING,
    RULE_REVERT_FORGETS,
    RULE_ALLOW_UNKNOWN,
    RULE_ALLOW_UNREASONED,
    RULE_ALLOW_UNUSED,
    RULE_COUNT
};

enum rule_severity { RULE_ERROR, RULE_WARNING, RULE_NOTE, RULE_SEVERITY_COUNT };

/* In what and instead stand {table}, {name} and {detail} of the note, {sql} for the statement. */
struct rule_row {
    const char *name;
    enum rule_severity severity;
    bool breaks;  /* the release before cannot live with it */
    bool loses;   /* stored values are gone */
    bool is_held; /* said even of a table that nobody uses yet, and of contract.sql */
    const char *what;
    const char *why;
    const char *instead;
};

const struct rule_row *rule_row(enum rule_id id);
bool rule_find(const char *name, enum rule_id *ret);
const char *rule_severity_name(enum rule_severity severity);

#endif
