/* releases.h: does what a release asks of the database still work on a schema that it is said to
 * suit?
 */
#ifndef COMMON_PROOF_RELEASES_H
#define COMMON_PROOF_RELEASES_H

#include "common/migration/load.h"
#include "common/postgres/session.h"

/* What a database has, per revision of the set. */
struct releases_state {
    const struct migration_set *set;
    const bool *is_expanded;
    const bool *is_contracted;
};

/* Pure: may it run there?  What it needs is expanded, and what is contracted it needs, needed
 * before or tolerates. */
bool releases_fits(const struct releases_state *state, const struct migration_release *release);

/* Runs the queries of every release that may run there, each in a transaction that is rolled back;
 * one with parameters is prepared only.  ERROR_INCOMPATIBLE names the release and the query;
 * *ret_count: how many releases were asked. */
enum error_code releases_check(const struct session_options *options,
                               const struct releases_state *state, size_t *ret_count,
                               struct error *err);

#endif
