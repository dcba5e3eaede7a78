/* difference.h: what differs between two lists of a schema's objects (fingerprint_describe()). */
#ifndef COMMON_BACKUP_DIFFERENCE_H
#define COMMON_BACKUP_DIFFERENCE_H

#include "common/base/text.h"

/* Adds "- entry" for what only before has, "+ entry" for what only after has, at most max of them;
 * returns how many there are. Definitions that mean the same (deparse.h) do not differ. Both are
 * sorted by bytes, as they come. */
size_t difference_add(const char *before, const char *after, size_t max, struct text *ret);

#endif
