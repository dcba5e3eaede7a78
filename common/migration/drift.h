/* drift.h: what somebody changed in a schema by hand: objects that are not as Hakem left them.
 *
 * The database keeps how its schema was at the end of the last run or step (hakem.schema_object).
 * What is not so when the next one begins is drift (hakem.schema_drift), and stays drift when it
 * ends: only what a run changed itself becomes known.  A run that died is still open: the next one
 * takes what it finds for that one's work.
 */
#ifndef COMMON_MIGRATION_DRIFT_H
#define COMMON_MIGRATION_DRIFT_H

#include "common/base/hash.h"
#include "common/base/text.h"
#include "common/postgres/session.h"
#include "common/postgres/term.h"

#define DRIFT_LOCK_MS      1000
#define DRIFT_SENTENCE_MAX 4 /* objects that are named in a sentence */

struct drift_object {
    char sign; /* '-': as Hakem left it, and not there any more; '+': there, and not by Hakem */
    const char *kind, *name, *definition;
};

struct drift {
    bool is_known; /* false: Hakem never took it down, or … */
    bool is_open;  /* … a run is under way, or was interrupted */
    size_t count;
    const struct drift_object *objects; /* by kind and name */
    char fingerprint[HASH_HEX_SIZE];    /* ""; or known already: nothing has changed at all */
};

/* Around whatever changes the schema, under the migrator's lock.  by: whose journal, which term;
 * NULL: nobody's coordinator.  ERROR_LOCK: a catalog function waited for somebody's lock for too
 * long.  ERROR_SUPERSEDED, and nothing is written: a higher term, or a rollout, is there by now. */
enum error_code drift_begin(struct session *session, const struct term_row *by, struct error *err);
/* ret: the fingerprint of now. */
enum error_code drift_end(struct session *session, const struct term_row *by,
                          char ret[static HASH_HEX_SIZE], struct error *err);

/* Reads only: a standby answers, too.  What PostgreSQL merely writes otherwise (deparse.h) is none.
 * A talloc child of parent. */
enum error_code drift_list(struct session *session, const void *parent, struct drift **ret,
                           struct error *err);

/* Cheap: while it and the signature (fingerprint.h) stay the same, so does what drift_list() says.
 */
#define DRIFT_MARK_SIZE 48
enum error_code drift_mark(struct session *session, char ret[static DRIFT_MARK_SIZE],
                           struct error *err);

/* The schema as it is now is right, says who, for that reason; *ret_count objects were not.
 * ERROR_REFUSED: a run is under way; one that was interrupted ends with it, uncounted.
 * ERROR_SUPERSEDED: a rollout is open. */
enum error_code drift_accept(struct session *session, const char *who, const char *reason,
                             size_t *ret_count, struct error *err);

/* "+ column public.players.x, - index public.players_name and 3 more"; "" if there is none. */
void drift_say(const struct drift *drift, struct text *ret);

#endif
