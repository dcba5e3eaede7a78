/* name.h: identifiers as a person would write them in SQL: quoted only where they must be. */
#ifndef COMMON_LINT_NAME_H
#define COMMON_LINT_NAME_H

#include <stdbool.h>

/* May it stand in a name without quotes?  Of those in ASCII. */
bool name_has_letter(char c);

/* Talloc children of parent. */
char *name_text(const void *parent, const char *name);
char *name_with_schema(const void *parent, const char *schema, const char *name);

#endif
