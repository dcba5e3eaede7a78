/* sizes.h: how big a database's tables are, and how far its keys have come. */
#ifndef COMMON_LINT_SIZES_H
#define COMMON_LINT_SIZES_H

#include "common/lint/lint.h"
#include "common/postgres/session.h"

/* Rows as the statistics say, bytes as on the disk.  A talloc child of parent. */
enum error_code sizes_read(const void *parent, struct session *session, struct lint_sizes **ret,
                           struct error *err);
/* NULL if there is no such table. */
const struct lint_size *sizes_find(const struct lint_sizes *sizes, const char *schema,
                                   const char *name);

#endif
