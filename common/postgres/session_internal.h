/* session_internal.h: what the files of postgres/ share about a session. */
#ifndef COMMON_POSTGRES_SESSION_INTERNAL_H
#define COMMON_POSTGRES_SESSION_INTERNAL_H

#include "common/postgres/session.h"

struct session {
    PGconn *connection;
    struct session_watch watch;
    char sqlstate[SESSION_SQLSTATE_SIZE];
    bool cancel_sent; /* for what runs now */
    bool ignores_signals;
    const char *prepared[SESSION_PREPARED_MAX];
    size_t prepared_count;
    /* Copies, for session_open_beside(). */
    const char *url;
    uint64_t connect_timeout_ms;
};

/* A talloc child of session that clears the result when freed. */
struct rows *rows_new(struct session *session, PGresult *result);

/* While a COPY runs libpq is never busy: waits a tick at most for more of it, asking the watch. */
enum error_code session_wait_for_copy(struct session *session, struct error *err);

bool session_wants_cancel(const struct session *session);

#endif
