#include "common/lint/rules.h"

#include "common/base/text.h"

#include <assert.h>
#include <string.h>

static const struct rule_row rows[RULE_COUNT] = {
    [RULE_INDEX_BLOCKS] =
        {.name = "index-blocks",
         .severity = RULE_ERROR,
         .what = "building index {name} blocks writes to {table}",
         .why = "CREATE INDEX takes a share lock: nobody writes to the table until the "
                "index is built.",
         .instead = "{detail};"},
    [RULE_INDEX_DROP_BLOCKS] =
        {.name = "index-drop-blocks",
         .severity = RULE_WARNING,
         .what = "dropping index {name} blocks reads and writes of {table}",
         .why = "DROP INDEX takes an access exclusive lock on the table, and everybody "
                "queues behind it while it waits for that lock.",
         .instead = "DROP INDEX CONCURRENTLY {detail};"},
    [RULE_REINDEX_BLOCKS] =
        {.name = "reindex-blocks",
         .severity = RULE_ERROR,
         .what = "rebuilding {name} blocks writes to {table}, and reads through the index",
         .why = "REINDEX takes a share lock on the table and an access exclusive lock on "
                "each index for as long as it builds.",
         .instead = "{detail};"},
    [RULE_INDEX_NOT_EXISTS] =
        {.name = "index-not-exists",
         .severity = RULE_WARNING,
         .is_held = true,
         .what = "IF NOT EXISTS is content with an invalid index {name}",
         .why = "A concurrent build that failed leaves an invalid index under that name; "
                "IF NOT EXISTS then succeeds without building anything. The engine looks for "
                "such an index itself and builds it again.",
         .instead = "{detail};"},
    [RULE_INDEX_ON_PARTITIONED] =
        {.name = "index-on-partitioned",
         .severity = RULE_ERROR,
         .what = "an index on the partitioned table {table} cannot be built concurrently",
         .why = "CREATE INDEX on a partitioned table locks every partition against "
                "writes until all are built, and its CONCURRENTLY form is refused.",
         .instead = "CREATE INDEX {name} ON ONLY {table} (...);\n-- then, for each "
                    "partition, outside a transaction:\nCREATE INDEX CONCURRENTLY {name}_1 ON "
                    "partition (...);\nALTER INDEX {name} ATTACH PARTITION {name}_1;"},
    [RULE_INDEX_CORRUPTS] =
        {.name = "index-corrupts",
         .severity = RULE_ERROR,
         .is_held = true,
         .what = "a concurrent index build on this server (14.0 to 14.3) can corrupt "
                 "index {name}",
         .why = "PostgreSQL 14.0 to 14.3 can leave rows out of an index that is built "
                "concurrently.",
         .instead = "-- update the server to 14.4 or later first"},
    [RULE_CHECK_SCANS] =
        {.name = "check-scans",
         .severity = RULE_ERROR,
         .what = "adding {name} reads all of {table} under an access exclusive lock",
         .why = "A CHECK is tried on every row, and nobody reads or writes the table "
                "meanwhile.",
         .instead = "ALTER TABLE {table} ADD CONSTRAINT {name} {detail} NOT VALID;\nALTER "
                    "TABLE {table} VALIDATE CONSTRAINT {name};"},
    [RULE_FOREIGN_KEY_SCANS] =
        {.name = "foreign-key-scans",
         .severity = RULE_ERROR,
         .what = "adding {name} reads all of {table} while nobody can write to either "
                 "table",
         .why = "ADD FOREIGN KEY takes a share row exclusive lock on both tables and "
                "keeps it until every row is checked.",
         .instead = "ALTER TABLE {table} ADD CONSTRAINT {name} {detail} NOT VALID;\nALTER "
                    "TABLE {table} VALIDATE CONSTRAINT {name};"},
    [RULE_FOREIGN_KEY_DROP] =
        {.name = "foreign-key-drop",
         .severity = RULE_WARNING,
         .what = "dropping {name} locks {detail}, too",
         .why = "Taking a foreign key away, by itself or with its table, takes an access "
                "exclusive lock on both tables.",
         .instead = "ALTER TABLE {table} DROP CONSTRAINT {name}; -- in a transaction of its "
                    "own, before anything else"},
    [RULE_UNIQUE_BUILDS] = {.name = "unique-builds",
                            .severity = RULE_ERROR,
                            .what = "adding {name} builds its index while nobody can use {table}",
                            .why =
                                "ADD UNIQUE and ADD PRIMARY KEY build their index under an access "
                                "exclusive lock.",
                            .instead = "{detail}"},
    [RULE_EXCLUDE_BUILDS] =
        {.name = "exclude-builds",
         .severity = RULE_ERROR,
         .what = "adding {name} builds its index while nobody can use {table}",
         .why = "There is no way to add an exclusion constraint to a big table without "
                "that: its index cannot be built before.",
         .instead = "-- a new table with the constraint, filled by a backfill; or a "
                    "maintenance window"},
    [RULE_NOT_NULL_SCANS] =
        {.name = "not-null-scans",
         .severity = RULE_ERROR,
         .what = "SET NOT NULL on {name} reads all of {table} under an access exclusive "
                 "lock",
         .why = "Without a valid CHECK ({name} IS NOT NULL) every row is looked at while "
                "nobody can use the table.",
         .instead = "ALTER TABLE {table} ADD CONSTRAINT {name}_required CHECK ({name} IS NOT "
                    "NULL) NOT VALID;\nALTER TABLE {table} VALIDATE CONSTRAINT {name}_required;\n"
                    "ALTER TABLE {table} ALTER COLUMN {name} SET NOT NULL;\nALTER TABLE {table} "
                    "DROP CONSTRAINT {name}_required;"},
    [RULE_VALIDATE_AT_ONCE] =
        {.name = "validate-at-once",
         .severity = RULE_ERROR,
         .what = "{name} is validated under the lock of the same statement's other parts",
         .why = "NOT VALID followed by VALIDATE in one statement keeps the stronger lock "
                "through the scan.",
         .instead = "ALTER TABLE {table} VALIDATE CONSTRAINT {name}; -- as a statement of "
                    "its own"},
    [RULE_COLUMN_REWRITES] =
        {.name = "column-rewrites",
         .severity = RULE_ERROR,
         .what = "adding {name} writes every row of {table} anew",
         .why = "A volatile default, serial, identity, a stored generated column or a "
                "domain with constraints has another value in every row: the table is "
                "rewritten under an access exclusive lock.",
         .instead = "ALTER TABLE {table} ADD COLUMN {name} ...; -- nullable, without a "
                    "default\n-- then its default (SET DEFAULT), a backfill in migration.yaml, "
                    "and NOT NULL in contract.sql"},
    [RULE_COLUMN_UNCLEAR] =
        {.name = "column-unclear",
         .severity = RULE_WARNING,
         .what = "the default of {name} calls a function that is not known here",
         .why = "If the function is volatile, {table} is rewritten under an access "
                "exclusive lock.",
         .instead = "ALTER TABLE {table} ADD COLUMN {name} ...; -- without a default\nALTER "
                    "TABLE {table} ALTER COLUMN {name} SET DEFAULT ...;"},
    [RULE_COLUMN_REQUIRED] =
        {.name = "column-required",
         .severity = RULE_ERROR,
         .breaks = true,
         .what = "{name} of {table} is required and has no default",
         .why = "It fails as soon as there is a row, and the release before does not "
                "know the column: its INSERTs are refused.",
         .instead = "ALTER TABLE {table} ADD COLUMN {name} ...; -- nullable, or with a "
                    "default\n-- and SET NOT NULL in contract.sql"},
    [RULE_COLUMN_JSON] = {.name = "column-json",
                          .severity = RULE_WARNING,
                          .is_held = true,
                          .what = "{name} of {table} is of type json",
                          .why =
                              "json has no equality: SELECT DISTINCT, GROUP BY and UNION over the "
                              "table's rows fail.",
                          .instead = "ALTER TABLE {table} ADD COLUMN {name} jsonb;"},
    [RULE_KEY_SMALL] = {.name = "key-small",
                        .severity = RULE_WARNING,
                        .is_held = true,
                        .what = "the key {name} of {table} is of type {detail}",
                        .why = "Such keys run out, and widening one rewrites the table.",
                        .instead = "-- bigint instead of {detail} for {name}"},
    [RULE_KEY_NEARLY_FULL] =
        {.name = "key-nearly-full",
         .severity = RULE_WARNING,
         .is_held = true,
         .what = "the key {name} of {table} has used {detail} of its numbers",
         .why = "When it has used all, every INSERT fails.",
         .instead = "-- a bigint column beside it, a backfill, and the key moved over in "
                    "contract.sql"},
    [RULE_TYPE_REWRITES] =
        {.name = "type-rewrites",
         .severity = RULE_ERROR,
         .what = "making {name} {detail} writes every row of {table} anew",
         .why = "Only a wider form of the same type is free; everything else rewrites "
                "the table and its indexes under an access exclusive lock.",
         .instead = "ALTER TABLE {table} ADD COLUMN {name}_new {detail};\n-- then a trigger "
                    "that keeps both alike, a backfill, and DROP COLUMN in contract.sql"},
    [RULE_TYPE_CHANGES] =
        {.name = "type-changes",
         .severity = RULE_ERROR,
         .breaks = true,
         .what = "{name} of {table} becomes {detail} under the running release",
         .why = "The release before still reads and writes the old type.",
         .instead = "ALTER TABLE {table} ADD COLUMN {name}_new {detail};\n-- then a trigger "
                    "that keeps both alike, a backfill, and DROP COLUMN in contract.sql"},
    [RULE_RENAME_BREAKS] =
        {.name = "rename-breaks",
         .severity = RULE_ERROR,
         .breaks = true,
         .what = "{name} is called {detail} from now on",
         .why = "The release before still uses the old name.",
         .instead = "-- the new name beside the old one (a column with a trigger, a view), "
                    "the old one dropped in contract.sql"},
    [RULE_DROP_BREAKS] =
        {.name = "drop-breaks",
         .severity = RULE_ERROR,
         .breaks = true,
         .loses = true,
         .what = "the {detail} {name} goes while the release before may use it",
         .why = "The release before fails at the next statement that names it, and what "
                "was stored there is gone.",
         .instead = "{sql}; -- in contract.sql"},
    [RULE_DROP_CASCADE] =
        {.name = "drop-cascade",
         .severity = RULE_WARNING,
         .is_held = true,
         .what = "CASCADE drops what nobody named",
         .why = "What depends on it goes, too, under an access exclusive lock, and a "
                "revert does not know what that was.",
         .instead = "-- name what is to go, in the order in which it can"},
    [RULE_NULL_APPEARS] = {.name = "null-appears",
                           .severity = RULE_WARNING,
                           .breaks = true,
                           .what = "{name} of {table} may be NULL from now on",
                           .why = "The release before does not expect NULL there.",
                           .instead =
                               "ALTER TABLE {table} ALTER COLUMN {name} DROP NOT NULL; -- in "
                               "contract.sql"},
    [RULE_DEFAULT_GOES] =
        {.name = "default-goes",
         .severity = RULE_WARNING,
         .breaks = true,
         .what = "{name} of {table} has no default any more",
         .why = "INSERTs of the release before that leave the column out write NULL, or "
                "are refused.",
         .instead = "ALTER TABLE {table} ALTER COLUMN {name} DROP DEFAULT; -- in contract.sql"},
    [RULE_WRITES_REFUSED] =
        {.name = "writes-refused",
         .severity = RULE_WARNING,
         .breaks = true,
         .what = "{detail} {name} refuses what the release before may write to {table}",
         .why = "The release before was written without that rule, and its next write "
                "may fail.",
         .instead = "{sql}; -- in contract.sql"},
    [RULE_TRUNCATE] = {.name = "truncate",
                       .severity = RULE_ERROR,
                       .breaks = true,
                       .loses = true,
                       .what = "every row of {table} goes",
                       .why = "TRUNCATE takes an access exclusive lock, and nothing takes it back.",
                       .instead = "-- a backfill with delete: true, or TRUNCATE in contract.sql"},
    [RULE_TABLE_REWRITES] = {.name = "table-rewrites",
                             .severity = RULE_ERROR,
                             .what = "{detail} writes all of {table} anew",
                             .why = "Nobody reads or writes the table meanwhile.",
                             .instead =
                                 "-- a repacking tool that works online, or a maintenance window"},
    [RULE_PARTITION_OF] =
        {.name = "partition-of",
         .severity = RULE_WARNING,
         .what = "PARTITION OF locks all of {table}",
         .why = "Making a partition in place takes an access exclusive lock on the "
                "partitioned table; attaching one does not.",
         .instead = "CREATE TABLE {detail} (LIKE {table} INCLUDING DEFAULTS INCLUDING "
                    "CONSTRAINTS);\nALTER TABLE {table} ATTACH PARTITION {detail} FOR VALUES ...;"},
    [RULE_ATTACH_SCANS] =
        {.name = "attach-scans",
         .severity = RULE_WARNING,
         .what = "attaching {table} reads all of it under an access exclusive lock",
         .why = "Every row is tried against the partition's bounds, unless a valid CHECK "
                "says the same.",
         .instead = "ALTER TABLE {table} ADD CONSTRAINT {name}_bounds CHECK (...) NOT "
                    "VALID;\nALTER TABLE {table} VALIDATE CONSTRAINT {name}_bounds;\n{sql};"},
    [RULE_DEFAULT_PARTITION] =
        {.name = "default-partition",
         .severity = RULE_ERROR,
         .what = "the default partition {detail} is read under an access exclusive lock",
         .why = "A new partition of {table} may be where rows of the default partition "
                "belong: they are all looked at.",
         .instead = "ALTER TABLE {detail} ADD CONSTRAINT {name}_elsewhere CHECK (...) NOT "
                    "VALID; -- rows of the new bounds are not here\nALTER TABLE {detail} "
                    "VALIDATE CONSTRAINT {name}_elsewhere;"},
    [RULE_DETACH_BLOCKS] = {.name = "detach-blocks",
                            .severity = RULE_WARNING,
                            .what = "detaching {detail} locks all of {table}",
                            .why = "DETACH PARTITION takes an access exclusive lock on both.",
                            .instead =
                                "ALTER TABLE {table} DETACH PARTITION {detail} CONCURRENTLY;"},
    [RULE_TRIGGER_LOCKS] =
        {.name = "trigger-locks",
         .severity = RULE_NOTE,
         .what = "making trigger {name} waits for every writer of {table}",
         .why = "CREATE TRIGGER takes a share row exclusive lock: short, but writers "
                "queue while it waits.",
         .instead = "{sql}; -- alone in its transaction"},
    [RULE_ROW_SECURITY] = {.name = "row-security",
                           .severity = RULE_ERROR,
                           .breaks = true,
                           .what = "{table} shows no row to whom no policy allows it",
                           .why =
                               "The release before may run as a role for which there is no policy.",
                           .instead = "-- the policies first, and this in contract.sql"},
    [RULE_RULE_CHANGES] =
        {.name = "rule-changes",
         .severity = RULE_WARNING,
         .breaks = true,
         .what = "rule {name} changes what statements of the release before do to {table}",
         .why = "A rule rewrites statements of every release.",
         .instead = "-- a trigger that leaves the old columns as they were"},
    [RULE_REFRESH_BLOCKS] =
        {.name = "refresh-blocks",
         .severity = RULE_WARNING,
         .what = "refreshing {table} blocks its readers",
         .why = "REFRESH takes an access exclusive lock on the view for as long as its "
                "query runs.",
         .instead = "REFRESH MATERIALIZED VIEW CONCURRENTLY {table};"},
    [RULE_DOMAIN_SCANS] =
        {.name = "domain-scans",
         .severity = RULE_ERROR,
         .what = "a constraint on domain {name} reads all of {table} while nobody can "
                 "write to it",
         .why = "Every table that uses the domain is scanned under a share lock.",
         .instead = "-- ADD CONSTRAINT ... NOT VALID on the domain; or a CHECK on the table, "
                    "NOT VALID, then VALIDATE"},
    [RULE_ENUM_PLACE] =
        {.name = "enum-place",
         .severity = RULE_NOTE,
         .is_held = true,
         .what = "value {detail} comes last in {name}, and stays for ever",
         .why = "Without BEFORE or AFTER a new value sorts behind all others; no value "
                "can be taken back.",
         .instead = "-- say BEFORE or AFTER; and let revert.sql leave it"},
    [RULE_PUBLICATION_ALL] =
        {.name = "publication-all",
         .severity = RULE_ERROR,
         .breaks = true,
         .is_held = true,
         .what = "publication {name} makes UPDATE and DELETE fail on tables without a "
                 "replica identity",
         .why = "FOR ALL TABLES takes effect at once on every table, also on those "
                "without a primary key.",
         .instead = "CREATE PUBLICATION {name} FOR TABLE ...;"},
    [RULE_LOCK_TABLE] =
        {.name = "lock-table",
         .severity = RULE_WARNING,
         .what = "{table} is locked in {detail} mode until the end of the transaction",
         .why = "Everybody who needs a conflicting lock queues.",
         .instead = "-- leave locks to the statements; -- hakem:commit ends a transaction"},
    [RULE_WHOLE_TABLE] =
        {.name = "whole-table",
         .severity = RULE_WARNING,
         .what = "every row of {table} is changed in one transaction",
         .why = "One statement over all rows holds its row locks, bloats the table and "
                "lets replicas lag.",
         .instead = "-- a backfill in migration.yaml, which goes in batches"},
    [RULE_NAME_CUT] =
        {.name = "name-cut",
         .severity = RULE_ERROR,
         .is_held = true,
         .what = "a name is longer than 63 bytes: {name} is what is left of it",
         .why = "PostgreSQL cuts it without an error, and the next statement that spells "
                "it out may mean another thing.",
         .instead = "-- a shorter name"},
    [RULE_TIMEOUT_SET] =
        {.name = "timeout-set",
         .severity = RULE_WARNING,
         .is_held = true,
         .what = "the file sets {name} itself",
         .why = "The engine sets lock_timeout and statement_timeout by the lock that is "
                "needed, and grows them from try to try; this overrides it.",
         .instead = "-- lock_timeout or statement_timeout in migration.yaml"},
    [RULE_LOCK_HELD] = {.name = "lock-held",
                        .severity = RULE_WARNING,
                        .what = "{table} stays locked ({detail}) while this runs",
                        .why =
                            "A lock is kept to the end of the transaction: what comes after it in "
                            "the same one prolongs it.",
                        .instead = "-- hakem:commit\n{sql};"},
    [RULE_REVERT_MISSING] = {.name = "revert-missing",
                             .severity = RULE_WARNING,
                             .is_held = true,
                             .what = "there is no revert.sql",
                             .why = "A rollback cannot take the schema back.",
                             .instead = "-- revert.sql, or irreversible: true in migration.yaml"},
    [RULE_REVERT_FORGETS] = {.name = "revert-forgets",
                             .severity = RULE_WARNING,
                             .is_held = true,
                             .what = "revert.sql does not mention {name}, which expand.sql made",
                             .why =
                                 "After a rollback it is still there, and the next expand fails.",
                             .instead = "{detail}"},
    [RULE_ALLOW_UNKNOWN] = {.name = "allow-unknown",
                            .severity = RULE_WARNING,
                            .is_held = true,
                            .what = "there is no rule {name} to allow",
                            .why = "The name is wrong, or the rule is gone.",
                            .instead =
                                "-- hakem:allow RULE reason, with a rule of docs/lint-rules.md"},
    [RULE_ALLOW_UNREASONED] = {.name = "allow-unreasoned",
                               .severity = RULE_ERROR,
                               .is_held = true,
                               .what = "{name} is allowed without a reason",
                               .why = "Whoever reads it next cannot tell whether it still holds.",
                               .instead = "-- hakem:allow {name} because ..."},
    [RULE_ALLOW_UNUSED] = {.name = "allow-unused",
                           .severity = RULE_WARNING,
                           .is_held = true,
                           .what = "nothing here breaks the rule {name} that is allowed",
                           .why = "It would hide the next finding.",
                           .instead = "-- remove the line"},
};

const struct rule_row *rule_row(enum rule_id id)
{
    assert(id < RULE_COUNT);
    return &rows[id];
}

bool rule_find(const char *name, enum rule_id *ret)
{
    for (size_t i = 0; i < RULE_COUNT; i++) {
        if (strcmp(rows[i].name, name) != 0)
            continue;
        *ret = (enum rule_id)i;
        return true;
    }
    return false;
}

const char *rule_severity_name(enum rule_severity severity)
{
    static const char *const names[RULE_SEVERITY_COUNT] = {
        [RULE_ERROR] = "error", [RULE_WARNING] = "warning", [RULE_NOTE] = "note"};

    return names[severity];
}
