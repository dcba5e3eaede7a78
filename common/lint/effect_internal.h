/* effect_internal.h: between effect.c (what is kept, and which function reads which node) and the
 * files that read them.
 */
#ifndef COMMON_LINT_EFFECT_INTERNAL_H
#define COMMON_LINT_EFFECT_INTERNAL_H

#include "common/base/memory.h"
#include "common/lint/effect.h"
#include "common/lint/name.h"
#include "common/lint/type.h"
#include "common/migration/tree.h"

/* One statement on its way. */
struct reading {
    struct effect_place *place;
    struct model *model; /* the place's */
    struct effect *effect;
    const struct split_statement *statement;
    const struct tree *node; /* inside its kind */
    bool is_only;            /* ONLY: not the partitions and heirs */
    const struct model_relation **dropped;
    size_t dropped_count;
    const char **reverses; /* of its parts, in their order */
    size_t reverse_count;
    bool has_no_reverse; /* a part of it has none */
};

typedef void effect_read_node(struct reading *in);

/* ---- effect.c: what is kept ---- */

void effect_lock(struct reading *in, const struct model_relation *relation, enum lock_mode mode);
/* And its partitions and heirs, and theirs. */
void effect_lock_all(struct reading *in, const struct model_relation *relation,
                     enum lock_mode mode);
void effect_lock_indexes(struct reading *in, const struct model_relation *relation,
                         enum lock_mode mode);
/* And what it reads, if it is a view. */
void effect_lock_with_uses(struct reading *in, const struct model_relation *relation,
                           enum lock_mode mode);
/* Its rows are updated or deleted: with indexes, partitions and heirs. */
void effect_change(struct reading *in, const struct model_relation *relation);
/* Has this statement dropped it already?  From now on it has. */
bool effect_is_dropped(struct reading *in, const struct model_relation *relation);
/* As a query reads it: with indexes and partitions; of a view what it reads. */
void effect_read(struct reading *in, const struct model_relation *relation);
/* It, its partitions and its heirs, each with its indexes. */
void effect_rewrite(struct reading *in, const struct model_relation *relation);
void effect_scan(struct reading *in, const struct model_relation *relation);
void effect_scan_all(struct reading *in, const struct model_relation *relation);
/* Says so if PostgreSQL cuts it. */
void effect_check_name(struct reading *in, const char *name);
/* table: what it would go with; may be NULL. */
void effect_made(struct reading *in, const char *name, const struct model_relation *table);
/* In front of what takes back what the statement did before; NULL: nothing takes it back. */
void effect_reverse(struct reading *in, const char *sql);
void effect_unknown(struct reading *in, const char *what);
/* name, detail: NULL is "". */
struct effect_note *effect_note(struct reading *in, enum rule_id rule,
                                const struct model_relation *relation, const char *name,
                                const char *detail);
/* Talloc'd with the effect. */
const char *effect_format(struct reading *in, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The statement with more behind its first word that is that one, whatever its case. */
const char *effect_text_with(struct reading *in, const char *word, const char *more);
const char *effect_table(struct reading *in, const struct model_relation *relation);

/* ---- effect.c: whom a node names ---- */

struct model_relation *reading_relation(struct reading *in, const struct tree *range,
                                        enum model_kind kind);
struct model_relation *reading_words(struct reading *in, const struct tree *words, size_t skip,
                                     enum model_kind kind);
/* The model's own, or, while it is frozen, a copy that may be changed as well; NULL: none. */
struct model_column *reading_column(struct reading *in, const struct model_relation *relation,
                                    const char *name);
struct model_constraint *
reading_constraint(struct reading *in, const struct model_relation *relation, const char *name);
/* Every relation below node that is no CTE of it is read. */
void reading_query(struct reading *in, const struct tree *node);
/* It is parsed, and not run: tables alone. */
void reading_parsed(struct reading *in, const struct tree *node);
/* Likewise into view's uses. */
void reading_uses(struct reading *in, const struct tree *node, struct model_relation *view);
/* "public.t (a, b)" of a list of Strings: "a, b". */
const char *reading_names(struct reading *in, const struct tree *list);

/* ---- effect_constraint.c ---- */

struct constraint_place {
    struct model_relation *relation;
    const char *column; /* of a column's own constraint; NULL: the table's */
    bool is_create;     /* the table is made by this statement */
    bool has_default;   /* the column is new and has one */
    bool is_new_column;
};

void constraint_add(struct reading *in, const struct tree *constraint,
                    const struct constraint_place *place);
void constraint_drop(struct reading *in, struct model_relation *relation, const char *name,
                     bool cascades);
void constraint_validate(struct reading *in, struct model_relation *relation, const char *name);
/* Is a valid CHECK (column IS NOT NULL) there? */
bool constraint_proves_not_null(const struct model_relation *relation, const char *column);
/* The text from the first parenthesis at or behind offset to its own end; "" if there is none. */
const char *reading_parenthesis(struct reading *in, size_t location);

/* ---- effect_column.c ---- */

/* node: a ColumnDef; with its constraints. */
void column_add(struct reading *in, const struct tree *node, struct model_relation *relation,
                bool is_create);
effect_read_node read_alter_table;

/* ---- effect_alter.c, effect_create.c, effect_drop.c, effect_other.c ---- */

void column_drop(struct reading *in, const struct tree *command, struct model_relation *relation);
void column_default(struct reading *in, const struct tree *command,
                    struct model_relation *relation);
void column_set_not_null(struct reading *in, const struct tree *command,
                         struct model_relation *relation);
void column_drop_not_null(struct reading *in, const struct tree *command,
                          struct model_relation *relation);
void column_type(struct reading *in, const struct tree *command, struct model_relation *relation);
void column_identity(struct reading *in, const struct tree *command,
                     struct model_relation *relation);

effect_read_node read_create, read_create_as, read_index, read_view, read_sequence, read_schema,
    read_enum, read_domain, read_composite, read_range, read_function, read_trigger, read_policy,
    read_rule, read_statistics, read_publication, read_extension;
effect_read_node read_drop, read_truncate;
effect_read_node read_rename, read_set_schema, read_owner, read_comment, read_refresh, read_reindex,
    read_vacuum, read_cluster, read_lock, read_alter_sequence, read_alter_enum, read_alter_domain,
    read_alter_policy, read_alter_publication, read_alter_statistics, read_set, read_select,
    read_insert, read_update, read_delete, read_do, read_unknown, read_nothing;

/* like: is_unique and key_count; on every partition, too. */
struct model_relation *index_make(struct reading *in, struct model_relation *table,
                                  const char *name, const struct model_relation *like,
                                  const char *const *columns);
/* The partition gets its own of a partitioned table's index, or has it. */
void index_follow(struct reading *in, struct model_relation *index,
                  struct model_relation *partition);

/* A partition joins or leaves. */
void partition_attach(struct reading *in, struct model_relation *parent,
                      struct model_relation *child, const struct tree *bound);
void drop_views_of(struct reading *in, const struct model_relation *table);
/* Statistics have names of their own kind. */
const char *name_of_statistics(struct reading *in, const char *name);
struct model_relation *partition_default(const struct model_relation *parent);

#endif
