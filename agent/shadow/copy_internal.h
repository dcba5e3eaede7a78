/* copy_internal.h: a copy on its way, in the files that share it. */
#ifndef AGENT_SHADOW_COPY_INTERNAL_H
#define AGENT_SHADOW_COPY_INTERNAL_H

#include "agent/programs.h"
#include "agent/shadow/copy.h"

#define TABLESPACES_MAX 16
#define ARGUMENTS_MAX   (8 + 2 * TABLESPACES_MAX)

struct origin {
    const char *programs;
    uint64_t size;
    const char *environment[PROGRAMS_ENVIRONMENT_MAX]; /* how to connect */
    char *settings;
    const char *arguments[ARGUMENTS_MAX + 1]; /* of pg_basebackup */
    size_t argument_count;
};

struct copier {
    const struct agent_config *config;
    struct session *session; /* to the origin */
    const struct copy_hooks *hooks;
    struct shadow *shadow;
    struct origin origin;
    uint64_t looked_at_ms;
    void *memory;
};

/* One of PostgreSQL's programs, with the origin's environment; it dies with us. */
enum error_code copy_run(struct copier *c, const char *program, const char *const *arguments,
                         struct error *err);

/* A name that can stand between double quotes in PostgreSQL's files. */
bool copy_is_quotable(const char *word);

/* ---- start.c ---- */

/* Settings of its own, and nobody let in but the session's role. */
enum error_code copy_set_apart(struct copier *c, struct error *err);
enum error_code copy_start(struct copier *c, struct error *err);
/* Waits until it answers, shuts the game's roles out, and makes what measures. */
enum error_code copy_settle_in(struct copier *c, struct error *err);

#endif
