/* migration_target.h: where up and down lead: a revision, head, +N or -N, and whether something on
 * the way has arrived late.
 */
#ifndef COORDINATOR_CLI_MIGRATION_TARGET_H
#define COORDINATOR_CLI_MIGRATION_TARGET_H

#include "coordinator/cli/database.h"

#define TARGET_FLAGS                                                                               \
    {.name = "--to", .value = "REVISION", .doc = "the same as the argument"},                      \
    {                                                                                              \
        .name = "--from", .value = "REVISION",                                                     \
        .doc = "go only if the database is at this revision now"                                   \
    }

/* The argument or --to; NULL if neither is given.  Both: ERROR_USAGE. */
enum error_code target_word(const struct cli *cli, const char **ret, struct error *err);

/* A name, or "head". */
enum error_code target_find(const struct migration_set *set, const char *word, size_t *ret,
                            struct error *err);

/* --from, where it is given: exactly that revision and what it stands on is applied, or
 * ERROR_REFUSED. */
enum error_code target_check_from(const struct cli *cli, const struct database *db,
                                  struct error *err);

/* Adds what stands up to word to ret_is_wanted: with "+N" the first N that are not applied. NULL:
 * the head. */
enum error_code target_up(const struct database *db, const char *word, bool *ret_is_wanted,
                          size_t *ret_target, struct error *err);

/* What is applied and goes: everything that word does not stand on; "-N", or NULL for one, are the
 * newest. */
enum error_code target_down(const struct database *db, const char *word, bool *ret_is_wanted,
                            struct error *err);

/* A wanted revision is not applied, and one that stands on it is: ERROR_REFUSED, naming both.
 * is_allowed: --out-of-order; refused where the layout's tool knows no such thing. */
enum error_code target_check_order(const struct database *db, const bool *is_wanted,
                                   bool is_allowed, struct error *err);

/* Marks revision of and all that it stands on. */
void target_mark_history(const struct migration_set *set, size_t of, bool *ret);

#endif
