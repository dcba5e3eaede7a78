/* twin_internal.h: what the files of agent/twin share. */
#ifndef AGENT_TWIN_TWIN_INTERNAL_H
#define AGENT_TWIN_TWIN_INTERNAL_H

#include "agent/twin/twin.h"

enum twin_direction { TWIN_FORWARD, TWIN_BACK };

/* hakem_ROLLOUT_forward: of the slot and the publication at the publisher, and of the subscription.
 */
struct twin_object {
    char name[TWIN_OBJECT_SIZE];
};
struct twin_object twin_object(uint64_t rollout, enum twin_direction direction);

/* The subscription $1, called s: another database of the instance may have one of that name. */
#define TWIN_IS_SUBSCRIPTION                                                                       \
    "s.subname = $1 AND s.subdbid = (SELECT oid FROM pg_catalog.pg_database"                       \
    " WHERE datname = pg_catalog.current_database())"

/* ---- link.c: publications, slots, subscriptions ---- */

enum error_code twin_has_subscription(struct session *session, const char *name, bool *ret,
                                      struct error *err);
/* Of the tables that statement makes; there already is fine. */
enum error_code twin_make_publication(struct session *publisher, const char *name,
                                      const char *make_sql, struct error *err);
enum error_code twin_make_slot(struct twin *t, struct session *publisher, const char *name,
                               struct error *err);
/* Within the caller's transaction. */
enum error_code twin_make_subscription(struct twin *t, struct session *subscriber, const char *name,
                                       const char *url, bool with_copy, struct error *err);
/* Disables it and waits until its workers are gone. None there is fine. */
enum error_code twin_stop_subscription(struct twin *t, struct session *subscriber, const char *name,
                                       struct error *err);
/* A stopped one; its slot is left alone. Within the caller's transaction. */
enum error_code twin_drop_subscription(struct session *subscriber, const char *name,
                                       struct error *err);
/* Slot and publication; waits until nobody uses the slot. None there is fine. */
enum error_code twin_drop_publisher(struct twin *t, struct session *publisher, const char *name,
                                    struct error *err);
/* Why the subscription does not work, or "". */
enum error_code twin_link_fault(struct session *subscriber, const char *name, char *ret,
                                size_t size, struct error *err);

/* ---- marker.c ---- */

/* Writes a marker at the publisher and waits until the subscriber has it. */
enum error_code twin_await_marker(struct twin *t, struct session *publisher,
                                  struct session *subscriber, const char *name, struct error *err);

/* ---- refuse.c ---- */

/* Why the own database cannot follow the peer, all of it in one sentence. */
enum error_code twin_check(struct twin *t, struct error *err);

/* ---- copy.c ---- */

/* Drops everything but the schema hakem. */
enum error_code twin_empty(struct twin *t, struct error *err);
/* The peer's schema, and what its schema hakem records of revisions. */
enum error_code twin_copy_schema(struct twin *t, struct error *err);

/* ---- sequences.c ---- */

enum error_code twin_advance_sequences(struct twin *t, uint64_t *ret_count, struct error *err);

/* ---- of the own database, in the caller's transaction unless said otherwise ---- */

/* UPDATE hakem.twin SET state; the row must be of this rollout. */
enum error_code twin_set_stage(struct session *session, uint64_t rollout, enum twin_stage stage,
                               struct error *err);
/* True if the update changed a row. The statement ends in RETURNING. */
enum error_code twin_changes(struct session *session, struct sql_call call, bool *ret,
                             struct error *err);

#endif
