/* scratch.h: a database that nobody misses: made for one run, and gone with it.
 *
 * On a server that somebody names (TEST_DATABASE_URL) a new database of its own; else on a
 * temporary server of its own in a temporary folder, which only this user can reach.  Whoever opens
 * one first makes signals cancel (session_cancel_on_signal) and closes it on every way out: a run
 * that is interrupted leaves nothing behind.
 */
#ifndef COMMON_PROOF_SCRATCH_H
#define COMMON_PROOF_SCRATCH_H

#include "common/base/error.h"

#include <stdbool.h>

#define SCRATCH_PREFIX "hakem_scratch_" /* of every database's name */

struct scratch_options {
    const char *url;      /* of a database on the server to use; NULL: an own server */
    const char *programs; /* folder of PostgreSQL's programs; NULL: the newest that are found */
};

struct scratch;

/* ERROR_REFUSED where no server can be had; the sentence says what to do.  ERROR_CANCELLED. */
enum error_code scratch_open(const void *parent, const struct scratch_options *options,
                             struct scratch **ret, struct error *err);

/* How to connect to the database, as its owner; until the next scratch_renew(). */
const char *scratch_url(const struct scratch *scratch);
/* The folder of PostgreSQL's programs that belong to an own server; NULL: it has none. */
const char *scratch_programs(const struct scratch *scratch);

/* An empty database in place of the one that was used.  No session of ours is open to that. */
enum error_code scratch_renew(struct scratch *scratch, struct error *err);

/* Also after a signal.  An error names what was left.  NULL is fine. */
enum error_code scratch_close(struct scratch *scratch, struct error *err);

#endif
