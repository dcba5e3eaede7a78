/* fingerprint.h: the schema as one hash: equal on a primary and its standbys, before an expand and
 * after its revert.  Leaves out the schema hakem, comments, statistics and sequence values.
 */
#ifndef COMMON_MIGRATION_FINGERPRINT_H
#define COMMON_MIGRATION_FINGERPRINT_H

#include "common/base/hash.h"
#include "common/postgres/session.h"

/* Catalog functions wait for locks: at most lock_timeout_ms for one, then ERROR_LOCK: keep the last
 * value, with its age. */
enum error_code fingerprint_take(struct session *session, uint64_t lock_timeout_ms,
                                 char ret[static HASH_HEX_SIZE], struct error *err);

/* In a transaction: what reading the catalog takes. */
enum error_code fingerprint_prepare(struct session *session, uint64_t lock_timeout_ms,
                                    struct error *err);
/* SELECT of the fingerprint, behind a WITH whose query `now` has the catalog's rows. */
extern const char fingerprint_of_now[];

/* Cheap: the same value as last time means that the fingerprint is the same.  The converse is not
 * so: then take it. */
enum error_code fingerprint_signature(struct session *session, char ret[static HASH_HEX_SIZE],
                                      struct error *err);

/* The rows that are hashed, "kind name definition", one a line, lines within a definition indented
 * by two blanks: for showing what differs. */
enum error_code fingerprint_describe(struct session *session, const void *parent, char **ret,
                                     struct error *err);

/* What is hashed, for comparing object by object; by kind, name and definition, in byte order. */
struct fingerprint_object {
    const char *kind; /* "column" */
    const char *name; /* "public.players.rating" */
    const char *definition;
};
struct fingerprint_objects {
    size_t count;
    struct fingerprint_object *items;
};

/* A talloc child of parent. */
enum error_code fingerprint_list(struct session *session, const void *parent,
                                 struct fingerprint_objects **ret, struct error *err);

/* The same within the caller's transaction, which goes on with the settings that it had. */
enum error_code fingerprint_list_within(struct session *session, const void *parent,
                                        struct fingerprint_objects **ret, struct error *err);

/* Below 0, 0 or above, in that order. */
int fingerprint_compare(const struct fingerprint_object *a, const struct fingerprint_object *b);

/* Lets objects take the texts of what other has as well; other must live as long from then on.  For
 * whoever keeps many, of one schema as it grew. */
void fingerprint_share(struct fingerprint_objects *objects,
                       const struct fingerprint_objects *other);

#endif
