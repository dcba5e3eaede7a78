/* programs.h: where PostgreSQL's own programs are, and how they reach what a session is open to. */
#ifndef COMMON_POSTGRES_PROGRAMS_H
#define COMMON_POSTGRES_PROGRAMS_H

#include "common/postgres/session.h"

#define PROGRAMS_ENVIRONMENT_MAX 64
/* The major versions that are looked for. */
#define PROGRAMS_VERSION_MIN 12
#define PROGRAMS_VERSION_MAX 30

/* Whether the folder has all of them (names, NULL at the end), to be executed. */
bool programs_are_in(const char *folder, const char *const *names);

/* The first of the usual places that has all of that major version; NULL: none.  A talloc child of
 * parent, or of static life. */
const char *programs_place(uint64_t version, const char *const *names, const void *parent);
/* Of the newest version that there is. */
const char *programs_newest_place(const char *const *names, const void *parent);

/* How to connect, as NAME=VALUE for libpq's programs: a password on a command line could be read by
 * everybody. NULL at the end. */
void programs_environment(struct session *session, const char *application_name, const void *parent,
                          const char *ret[static PROGRAMS_ENVIRONMENT_MAX]);

#endif
