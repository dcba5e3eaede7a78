/* backfill_key.h: internal: the columns by whose order a backfill goes through its table, and the
 * SQL that follows from them.  Of one column the cursor is its text, of several a JSON array of
 * texts.
 */
#ifndef COMMON_MIGRATION_BACKFILL_KEY_H
#define COMMON_MIGRATION_BACKFILL_KEY_H

#include "common/migration/migrator.h"

struct backfill_key {
    size_t count;
    const char *const *names;
    const char *types[MIGRATION_BACKFILL_KEYS_MAX];
};

/* Texts are children of m->scratch.  where: put before an error.  ERROR_INVALID: no such column;
 * ERROR_REFUSED: rows cannot be gone through by it, and why. */
enum error_code backfill_key_read(struct migrator *m, const struct migration_backfill *spec,
                                  const char *where, struct backfill_key *ret, struct error *err);

/* Texts for a statement, children of parent. */
const char *backfill_key_list(const struct backfill_key *key, const void *parent); /* a, b */
const char *backfill_key_qualified(const struct backfill_key *key, const char *table,
                                   const void *parent); /* t.a, t.b */
const char *backfill_key_select(const struct backfill_key *key,
                                const void *parent); /* a AS k1, b AS k2 */
const char *backfill_key_order(const struct backfill_key *key, const char *direction,
                               const void *parent); /* k1 DESC, k2 DESC */
const char *backfill_key_outputs(const struct backfill_key *key, const void *parent); /* k1, k2 */
/* The row that the cursor, a text, stands for: a subquery without its parentheses. */
const char *backfill_key_from(const struct backfill_key *key, const char *cursor,
                              const void *parent);
/* The cursor of the row k1, k2. */
const char *backfill_key_cursor(const struct backfill_key *key, const void *parent);
/* t.a = NEW.a AND t.b = NEW.b */
const char *backfill_key_equals_new(const struct backfill_key *key, const char *table,
                                    const void *parent);

#endif
