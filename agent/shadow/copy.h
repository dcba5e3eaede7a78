/* copy.h: a running copy of a database, made aside by pg_basebackup. */
#ifndef AGENT_SHADOW_COPY_H
#define AGENT_SHADOW_COPY_H

#include "agent/shadow/shadow.h"
#include "common/postgres/session.h"

/* What the copy needs: its own size for the copy, half of it again for what is rewritten there and
 * for the WAL of that, and this. */
#define COPY_MARGIN_BYTES (256ULL << 20)

struct copy_hooks {
    void *context;
    bool (*is_cancelled)(void *context);
    void (*progress)(void *context, uint64_t done, uint64_t total, const char *text);
};

/* What a copy of size bytes needs on the disk. */
uint64_t copy_room(uint64_t size);

/* Whether inner is outer, or lies in it; both absolute, without symbolic links. */
bool copy_is_within(const char *inner, const char *outer);

/* Checks that a copy of the session's database can be made, makes it, starts it, shuts everybody
 * but the session's role out of it, and marks it as ready. The folder must not be there; after an
 * error what there is of it is left for shadow_discard(). */
enum error_code copy_make(const struct agent_config *config, struct session *session,
                          const struct copy_hooks *hooks, struct shadow *shadow, struct error *err);

/* It answers, is itself and nobody else, and is nobody's replica. *ret is a session to it. */
enum error_code copy_open_session(const struct shadow *shadow, const char *application_name,
                                  const void *parent, struct session **ret, struct error *err);

#endif
