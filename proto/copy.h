/* copy.h: deep copies of records, by their tables. */
#ifndef PROTO_COPY_H
#define PROTO_COPY_H

#include "proto/field.h"

/* ret becomes equal to from; what it points to are new talloc children of parent. */
void record_copy(const struct record *record, const void *from, const void *parent, void *ret);

/* Mends every text in an array or struct of it, so that in memory it is what pack_record() writes.
 */
void record_mend(const struct record *record, void *base);

/* A copy that owns all it points to; never NULL. */
void *record_clone(const struct record *record, const void *from, const void *parent);

#endif
