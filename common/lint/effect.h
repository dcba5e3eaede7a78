/* effect.h: what one statement does where it runs: the lock on every relation, what is rewritten
 * and scanned, what takes it back; and what there is to say about it (rules.h).
 *
 * Not counted: relations that the statement itself makes, toast tables, the catalog, and relations
 * that only a trigger or a function reaches.
 */
#ifndef COMMON_LINT_EFFECT_H
#define COMMON_LINT_EFFECT_H

#include "common/lint/model.h"
#include "common/lint/rules.h"
#include "common/migration/split.h"
#include "proto/words.h"

struct effect_lock {
    const struct model_relation *relation;
    const char *schema, *name; /* before the statement */
    enum lock_mode mode;
};

struct effect_note {
    enum rule_id rule;
    const struct model_relation *relation; /* may be NULL */
    const char *table;                     /* quoted, with its schema; "" without a relation */
    const char *name;                      /* of the column, constraint, index ... ; "" */
    const char *detail;                    /* what the rule's texts call {detail} */
    bool is_size;                          /* harmless where the table is small */
};

/* What it makes, as a revert would mention it. */
struct effect_made {
    const char *name;
    const struct model_relation *table; /* that it goes with; may be NULL */
};

struct effect {
    const char *shape; /* "AlterTableStmt AT_AddColumn": statements alike have the same */
    enum split_class class;
    size_t lock_count;
    struct effect_lock *locks;
    size_t rewrite_count;
    const struct model_relation **rewrites;
    size_t scan_count;
    const struct model_relation **scans;
    bool has_query; /* what it scans besides is the planner's choice */
    size_t note_count;
    struct effect_note *notes;
    size_t made_count;
    struct effect_made *made;
    const char *reverse; /* SQL that takes it back; NULL: nobody can say */
    const char *unknown; /* what could not be told of rewrites or scans; NULL: nothing */
};

/* Where one statement runs. */
struct effect_place {
    struct model *model; /* moves to behind the statement */
    bool is_utc;         /* the session's TimeZone, which SET LOCAL may change */
};

/* A talloc child of parent.  ERROR_INVALID if the statement cannot be parsed, ERROR_LIMIT if the
 * model is full. */
enum error_code effect_of(const void *parent, struct effect_place *place,
                          const struct split_statement *statement, struct effect **ret,
                          struct error *err);

const char *lock_mode_name(enum lock_mode mode);  /* "access exclusive" */
const char *lock_mode_short(enum lock_mode mode); /* "AX" */

#endif
