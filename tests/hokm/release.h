/* release.h: the releases of the game, as a table.  A release is built against a revision and
 * speaks its SQL: on a schema without it, or one that has been contracted beyond it, its queries
 * fail. */
#ifndef TESTS_HOKM_RELEASE_H
#define TESTS_HOKM_RELEASE_H

#include "tests/hokm/query.h"

#include <stddef.h>
#include <stdint.h>

#define RELEASE_HEALTH_LASTS UINT64_MAX

struct release {
    const char *name;
    unsigned revision; /* the number of the revision that it needs */
    uint64_t
        health_fails_after_ms; /* since the server's start; requests are answered all the same */
    uint64_t slower_ms;        /* than the others, with every answer */
};

const struct release *release_find(const char *name); /* NULL: no such release */
const struct release *release_at(size_t index);       /* NULL: behind the last */

/* The text for the query in this release, or NULL: the release knows no such thing. */
const char *release_query(const struct release *release, enum query query);

#endif
