/* deparse.h: whether two definitions that PostgreSQL wrote out mean the same.
 *
 * What pg_get_constraintdef() and its like write is not what they write again once it was read
 * back:
 *
 *     CHECK (((a)::text = ANY ((ARRAY['x'::character varying])::text[])))
 *     CHECK (((a)::text = ANY (ARRAY[('x'::character varying)::text])))
 *
 * (PostgreSQL 15, of a varchar column's IN list; so comes every dump back.)  They differ in casts,
 * parentheses and blanks, and these are left out here; everything else counts.
 */
#ifndef COMMON_MIGRATION_DEPARSE_H
#define COMMON_MIGRATION_DEPARSE_H

#include <stdbool.h>
#include <stddef.h>

bool deparse_is_same(const char *one, size_t one_size, const char *other, size_t other_size);

#endif
