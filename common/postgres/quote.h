/* quote.h: words as SQL has them. */
#ifndef COMMON_POSTGRES_QUOTE_H
#define COMMON_POSTGRES_QUOTE_H

#include <stddef.h>

/* A text[] as the value of a parameter; a talloc child of parent. */
char *sql_array(const void *parent, const char *const *words, size_t count);

/* An identifier, always quoted; schema may be NULL. A talloc child of parent. */
char *sql_identifier(const void *parent, const char *schema, const char *name);

/* E'text': the same whatever standard_conforming_strings is where a trigger fires. A talloc child
 * of parent. */
const char *sql_literal(const void *parent, const char *text);

#endif
