/* twin.h: two databases that are switched with each other: green follows blue, is migrated and
 * opened in its place, and blue follows green, so that going back loses no write.
 *
 * What holds is kept in both databases, each of itself (hakem.twin in common/migration/schema.sql),
 * and changes in the same transaction as what it speaks of. Every function here can be called again
 * after it succeeded, failed or was killed anywhere, and goes on from what it finds.
 */
#ifndef AGENT_TWIN_TWIN_H
#define AGENT_TWIN_TWIN_H

#include "agent/config.h"
#include "common/postgres/session.h"

#define TWIN_OBJECT_SIZE    64   /* name of a slot, a publication, a subscription */
#define TWIN_PREDECESSOR_MS 5000 /* until sessions of a child that died are gone */

/* As hakem.twin.state has them. */
#define TWIN_STAGES(X)                                                                             \
    X(NONE, "")                                                                                    \
    X(COPYING, "copying")                                                                          \
    X(FOLLOWING, "following")                                                                      \
    X(REVERSED, "reversed")                                                                        \
    X(LEFT, "left")                                                                                \
    X(FOLLOWED, "followed")                                                                        \
    X(REVERSING, "reversing") X(FOLLOWING_BACK, "following_back") X(UNREVERSED, "unreversed")

enum twin_stage {
#define X(upper, text) AS_##upper,
    TWIN_STAGES(X)
#undef X
        AS_COUNT
};

/* The row of hakem.twin; all zero: there is none. */
struct twin_row {
    enum twin_stage stage;
    uint64_t rollout;
    char node[NAME_SIZE];
    char system_id[SYSTEM_ID_SIZE];
    bool is_opened;
    bool is_refused;
    uint64_t closed_by;
    bool has_yielded;
    char fault[SENTENCE_SIZE];
    char fingerprint[FINGERPRINT_SIZE];
};

struct twin_hooks {
    void *context;
    bool (*is_cancelled)(void *context);
    void (*progress)(void *context, uint64_t done, uint64_t total, const char *text);
};

/* Both sides, as one task sees them. */
struct twin {
    const struct agent_config *config;
    const char *node;         /* this one */
    const char *session_name; /* application_name on both sides */
    const struct twin_config *other;
    uint64_t rollout;
    struct session *own;  /* as database.admin_url */
    struct session *peer; /* as other->url; NULL: it is not reached */
    struct twin_hooks hooks;
    uint64_t until_ms; /* of the monotonic clock */
    void *memory;
};

/* ---- pair.c: both sides, and what they say of themselves ---- */

/* ERROR_NOT_FOUND names a node that the configuration does not have. */
enum error_code twin_find(const struct agent_config *config, const char *node,
                          const struct twin_config **ret, struct error *err);
enum error_code twin_open_peer(struct twin *t, struct error *err);
/* No hakem.twin there is no row. */
enum error_code twin_read_row(struct session *session, struct twin_row *ret, struct error *err);
/* system_identifier */
enum error_code twin_read_id(struct session *session, char ret[static SYSTEM_ID_SIZE],
                             struct error *err);
const char *twin_stage_name(enum twin_stage stage);
enum twin_stage twin_stage_of(const char *name); /* NONE: no such name */
/* ERROR_CANCELLED or ERROR_TIMEOUT if it is time to end; sleeps for that long otherwise. */
enum error_code twin_pause(struct twin *t, uint64_t ms, const char *waits_for, struct error *err);

/* The rollout as a parameter of SQL. */
struct twin_number {
    char text[24];
};
struct twin_number twin_number(uint64_t number);

/* Runs every statement that the query gives, in its order. */
enum error_code twin_run_each(struct session *session, struct sql_call call, struct error *err);
/* COMMIT, or ROLLBACK if err says so; returns what err says then. */
enum error_code twin_end(struct session *session, struct error *err);
/* The names as an array's literal, a talloc child of parent. */
char *twin_array(const void *parent, const char *const *names, size_t count);

/* ---- roles.c: who may log in ---- */

/* Keeps the configured game roles out of the own database's instance, in the name of the rollout,
 * and remembers which of them could log in. Within the caller's transaction. */
enum error_code twin_shut_roles(struct twin *t, struct error *err);
/* Lets in those that could log in before. Within the caller's transaction. */
enum error_code twin_admit_roles(struct twin *t, struct error *err);
/* Until no session of a game role is seen for a while. */
enum error_code twin_end_sessions(struct twin *t, struct error *err);

enum error_code twin_close_writes(struct twin *t, struct error *err);
/* Of green this is the moment of the switch. */
enum error_code twin_open_writes(struct twin *t, bool accept_data_loss, struct error *err);
/* The lease is over: opens the own database again if, and only if, the other one is not open and
 * never will be in this rollout. Otherwise hakem.twin's fault says why not. */
enum error_code twin_reopen(struct twin *t, struct error *err);

/* ---- follow.c ---- */

enum error_code twin_follow(struct twin *t, struct error *err);
/* ret_left_over (size bytes): what could not be removed from a peer that is not reached, or "". */
enum error_code twin_unfollow(struct twin *t, char *ret_left_over, size_t size, struct error *err);

/* ---- marker.c ---- */

/* What is committed at the publisher is here. */
enum error_code twin_drain(struct twin *t, struct error *err);

/* ---- compare.c, sequences.c ---- */

/* budget_ms 0: writes go on. ret: what was compared. */
enum error_code twin_compare(struct twin *t, uint64_t budget_ms, char *ret, size_t size,
                             struct error *err);
enum error_code twin_sequences(struct twin *t, char *ret, size_t size, struct error *err);

/* ---- back.c ---- */

enum error_code twin_reverse(struct twin *t, struct error *err);
/* accept_data_loss: if the other one is not reached, what only it has may be lost, or there is
 * nothing. */
enum error_code twin_unreverse(struct twin *t, bool accept_data_loss, struct error *err);
enum error_code twin_close(struct twin *t, struct error *err);

/* ---- over.c ---- */

/* Whatever the own database follows for a rollout up to this one, which is over, it follows no
 * more: a copy is left, a mirror is closed, one that is open again takes over from nobody. */
enum error_code twin_end_following(struct twin *t, struct error *err);

/* ---- shows.c: what was done, by what stands in the databases ---- */

enum error_code twin_has_followed(struct twin *t, bool *ret, struct error *err);
enum error_code twin_has_unfollowed(struct twin *t, bool *ret, struct error *err);
enum error_code twin_has_closed_writes(struct twin *t, bool *ret, struct error *err);
enum error_code twin_has_opened_writes(struct twin *t, bool *ret, struct error *err);
enum error_code twin_has_reversed(struct twin *t, bool *ret, struct error *err);
enum error_code twin_has_unreversed(struct twin *t, bool *ret, struct error *err);
enum error_code twin_has_closed(struct twin *t, bool *ret, struct error *err);

/* ---- slots.c ---- */

/* Slots and publications in the own database, of rollouts up to this one, that nobody uses. */
enum error_code twin_drop_slots(struct twin *t, struct error *err);

#endif
