/* model.h: what a history's statements say about the schema at one point of it: relations, their
 * columns, constraints and indexes, types.
 *
 * A relation that no statement made is_unknown: it is there, and nothing more is known of it.
 */
#ifndef COMMON_LINT_MODEL_H
#define COMMON_LINT_MODEL_H

#include "common/base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define MODEL_RELATIONS_MAX 200000
#define MODEL_COLUMNS_MAX   1600 /* of one relation: PostgreSQL's own limit */
#define MODEL_KEY_MAX       32
#define MODEL_SINCE_UNKNOWN ((size_t)-1)

enum model_kind {
    MODEL_TABLE,
    MODEL_PARTITIONED,
    MODEL_FOREIGN_TABLE,
    MODEL_VIEW,
    MODEL_MATVIEW,
    MODEL_INDEX,
    MODEL_SEQUENCE,
    MODEL_COMPOSITE,
    MODEL_KIND_COUNT
};

struct model_type {
    const char *name; /* as the catalog spells it: "int4", "varchar"; "": unknown */
    size_t mods[2];   /* varchar(20), numeric(10,2) */
    size_t mod_count;
    bool is_array;
};

struct model_column {
    const char *name;
    struct model_type type;
    bool is_not_null;
    bool has_default;
    bool is_generated;
    size_t since; /* the revision that made it */
};

enum model_constraint_kind {
    MODEL_CHECK,
    MODEL_FOREIGN_KEY,
    MODEL_PRIMARY_KEY,
    MODEL_UNIQUE,
    MODEL_EXCLUDE,
    MODEL_CONSTRAINT_KIND_COUNT
};

struct model_constraint {
    const char *name;
    enum model_constraint_kind kind;
    const char *columns[MODEL_KEY_MAX]; /* that it speaks of */
    size_t column_count;
    const char *proven[MODEL_KEY_MAX]; /* of CHECK: that it says are not null */
    size_t proven_count;
    struct model_relation *references; /* FOREIGN_KEY */
    struct model_relation *index;      /* its own, or the one that the foreign key points to */
    bool is_valid;
};

struct model_relation {
    const char *schema;
    const char *name;
    enum model_kind kind;
    bool is_unknown;
    bool is_new; /* the statement that is looked at makes it */
    bool is_gone;
    size_t number; /* of model_relation() */
    size_t since;  /* the revision that made it; MODEL_SINCE_UNKNOWN: before the history */
    struct model_relation *parent; /* of a partition or an heir */
    bool is_unlogged;
    bool is_partition;
    bool is_default_partition;
    struct model_relation *table;       /* of an index; of a sequence: its owner */
    const char *column;                 /* of a sequence: the owner's */
    struct model_relation *sequences;   /* that it owns, gone ones too: by number */
    struct model_relation *owner;       /* of a sequence: whose sequences it is among */
    struct model_relation *next_owned;  /* of a sequence: the owner's next one */
    const char *columns[MODEL_KEY_MAX]; /* of an index; "" for an expression */
    size_t key_count;
    bool is_unique;
    const char *suffix; /* of an index's name that PostgreSQL makes up: "idx", "key", "pkey" */
    struct model_column *column_list;
    size_t column_count;
    struct model_constraint *constraints;
    size_t constraint_count;
    struct model_relation **uses; /* of a view */
    size_t use_count;
    struct model_relation **users; /* views that use it, by number, gone ones too */
    size_t user_count;
    struct model_relation **pointing; /* likewise what has, or had, a foreign key to it */
    size_t pointing_count;
    struct model_relation **parts; /* indexes and partitions or heirs, gone ones too */
    size_t part_count;
    struct model_relation *next; /* of the same bucket */
};

enum model_type_kind { MODEL_ENUM, MODEL_DOMAIN, MODEL_RANGE, MODEL_STATISTICS };

struct model_named_type {
    const char *schema;
    const char *name;
    enum model_type_kind kind;
    struct model_relation *table; /* of statistics */
    bool is_constrained;          /* a domain with a CHECK or NOT NULL */
    bool is_gone;
    size_t since;
    size_t next; /* of the same bucket, from 1; 0: none */
};

struct model;

/* A talloc child of parent, with no relation in it. */
struct model *model_new(const void *parent);
/* Frozen, nothing below changes it but that an unknown relation is still noted. */
void model_freeze(struct model *model, bool is_frozen);
bool model_is_frozen(const struct model *model);
/* What is made from here on was made by that revision. */
void model_set_revision(struct model *model, size_t revision);
size_t model_revision(const struct model *model);

/* schema NULL or "": public. NULL if there is none. */
struct model_relation *model_find(const struct model *model, const char *schema, const char *name);
/* As find; one that nobody made is noted as unknown (kind: what the statement takes it for). */
struct model_relation *model_need(struct model *model, const char *schema, const char *name,
                                  enum model_kind kind);
struct model_relation *model_make(struct model *model, const char *schema, const char *name,
                                  enum model_kind kind);
void model_drop(struct model *model, struct model_relation *relation);
void model_rename(struct model *model, struct model_relation *relation, const char *schema,
                  const char *name);
/* Statements are looked at one by one: from here on nothing is new. */
void model_settle(struct model *model);

struct model_column *model_column(const struct model_relation *relation, const char *name);
struct model_column *model_add_column(struct model *model, struct model_relation *relation,
                                      const char *name);
void model_drop_column(struct model *model, struct model_relation *relation, const char *name);
struct model_constraint *model_constraint(const struct model_relation *relation, const char *name);
struct model_constraint *model_add_constraint(struct model *model, struct model_relation *relation,
                                              const char *name, enum model_constraint_kind kind);
/* relation has a foreign key to references. */
void model_point(struct model *model, struct model_relation *relation,
                 struct model_relation *references);
void model_drop_constraint(struct model *model, struct model_relation *relation, const char *name);
/* Neither is done if it would close a circle. */
void model_add_part(struct model *model, struct model_relation *relation,
                    struct model_relation *part);
/* table: NULL, no longer. */
void model_own(struct model *model, struct model_relation *sequence, struct model_relation *table,
               const char *column);
void model_add_use(struct model *model, struct model_relation *view, struct model_relation *used);
bool model_has_key(const char *const *columns, size_t count, const char *name);

/* It and all below it, each once, itself first: of a table its partitions and heirs, of an index
 * those of the partitions; with_uses: of a view what it reads, too.  *ret lives until the next
 * call. */
size_t model_family(struct model *model, struct model_relation *relation, bool with_uses,
                    struct model_relation ***ret);

/* Nothing more should be made: MODEL_RELATIONS_MAX relations are there. */
bool model_is_full(const struct model *model);
size_t model_count(const struct model *model);
struct model_relation *model_relation(const struct model *model, size_t i); /* gone ones too */

struct model_named_type *model_find_type(const struct model *model, const char *schema,
                                         const char *name);
struct model_named_type *model_make_type(struct model *model, const char *schema, const char *name,
                                         enum model_type_kind kind);
/* Text that lives as long as the model. */
const char *model_keep(struct model *model, const char *text);

#endif
