/* steer.h: what an operator wants of backfills while they run, kept in their rows of
 * hakem.backfill: whoever runs one reads it with every batch, wherever that is, and after a crash,
 * too.
 *
 * Read and written by backfill.c; written by `hakem backfill`.
 */
#ifndef COMMON_MIGRATION_STEER_H
#define COMMON_MIGRATION_STEER_H

#include "common/migration/load.h"
#include "common/postgres/session.h"

#define STEER_NAME_MAX 63
#define STEER_WHY_MAX  255
/* Who throttles a backfill and forgets it: then it fails, and its rollout decides. */
#define STEER_THROTTLED_MAX_MS 86400000
#define STEER_REST_TIMES_MAX   100

/* Which row. */
struct steer_key {
    const char *revision, *generation, *position; /* as text, for parameters */
};

struct steer {
    uint64_t rows_max; /* 0: migration.yaml's */
    bool has_rest;     /* else it rests beside others only, as pace.h says */
    uint64_t rest_times;
    bool is_throttled;
    char by[STEER_NAME_MAX + 1]; /* who throttled it */
    char why[STEER_WHY_MAX + 1];
};

enum error_code steer_read(struct session *session, const struct steer_key *key, struct steer *ret,
                           struct error *err);
/* Why it goes slowly, "" if it does not: for show. */
enum error_code steer_note(struct session *session, const struct steer_key *key, const char *why,
                           struct error *err);

/* ---- for operators ---- */

/* A backfill of the present generation. */
struct steer_state {
    char revision[MIGRATION_NAME_MAX + 1];
    char table[131];
    char what[16];  /* "fill", "archive", …, "back" */
    char into[131]; /* where rows are moved to; "" if they are not */
    uint64_t done, total, pass;
    uint64_t ran_ms; /* since it began; the whole time, if it is finished */
    bool is_finished;
    struct steer steer;
    char slow[STEER_WHY_MAX + 1]; /* why it goes slowly, as last noted */
};

/* By age; a talloc array of parent. None where Hakem never was. */
enum error_code steer_show(struct session *session, const void *parent, struct steer_state **ret,
                           size_t *ret_count, struct error *err);

/* Each is of the unfinished backfills of that revision, NULL: of all; *ret_count says how many. */
enum error_code steer_throttle(struct session *session, const char *revision, const char *by,
                               const char *why, uint64_t *ret_count, struct error *err);
enum error_code steer_resume(struct session *session, const char *revision, uint64_t *ret_count,
                             struct error *err);
/* Numbers as text; NULL stays as it is, "" is given back to the backfill itself. */
enum error_code steer_set(struct session *session, const char *revision, const char *rows_max,
                          const char *rest_times, uint64_t *ret_count, struct error *err);

#endif
