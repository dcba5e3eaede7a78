/* sql_text.h: internal: values and names as parts of statements.  All are children of parent. */
#ifndef COMMON_MIGRATION_SQL_TEXT_H
#define COMMON_MIGRATION_SQL_TEXT_H

#include <stddef.h>

/* An array of texts, as a parameter: {"a","b"} */
char *sql_array(const void *parent, const char *const *words, size_t count);
/* "schema"."name"; schema may be NULL. */
char *sql_identifier(const void *parent, const char *schema, const char *name);
/* E'text': the same whatever standard_conforming_strings is where a trigger fires. */
const char *sql_literal(const void *parent, const char *text);

#endif
