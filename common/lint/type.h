/* type.h: types of columns, and what it costs to make a column another one. */
#ifndef COMMON_LINT_TYPE_H
#define COMMON_LINT_TYPE_H

#include "common/lint/model.h"
#include "common/migration/tree.h"

enum type_change {
    TYPE_CHANGE_FREE,    /* the rows stay as they are */
    TYPE_CHANGE_REWRITE, /* every row is written anew */
    TYPE_CHANGE_UNKNOWN
};

/* Of a TypeName node; "bigserial" stays "bigserial". */
struct model_type type_read(struct model *model, const struct tree *type_name);
/* is_utc: the session's TimeZone.  What a domain or an own type is made of is not looked into. */
enum type_change type_change_of(const struct model_type *from, const struct model_type *to,
                                bool is_utc);
/* "int4" for "serial4"; NULL if it is no serial. */
const char *type_of_serial(const char *name);
/* "varchar(20)": as one writes it in SQL.  A talloc child of parent. */
char *type_text(const void *parent, const struct model_type *type);

#endif
