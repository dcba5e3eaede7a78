/* world.h: the virtual players: what each would do next, and what it learns from an answer.
 *
 * A player has one request under way at most, owns its rows alone, and sends an unanswered write
 * again under the same id until it is answered: so what it wrote last is known for every field.
 */
#ifndef TESTS_HOKM_WORLD_H
#define TESTS_HOKM_WORLD_H

#include "tests/hokm/client.h"

#include <stdbool.h>
#include <stdint.h>

#define WORLD_ROWS      3 /* of a player: its own, and others taken over */
#define WORLD_ID_SIZE   37
#define WORLD_VALUE_MAX 64

struct world;

struct action {
    const char *kind; /* in the log: name, bio, play, get_player ... */
    bool is_write;
    char id[WORLD_ID_SIZE]; /* of a write */
    int64_t subject;        /* 0: the server will say */
    char value[WORLD_VALUE_MAX];
    struct call call;
};

/* first_row..last_row: existing players that are shared out besides the own one; 0: none. */
struct world *world_new(const void *parent, size_t players, int64_t first_row, int64_t last_row);

/* What that player does now: never nothing.  Valid until its answer is told. */
const struct action *world_next(struct world *world, size_t index);

/* True if that acknowledged the write; the action's subject is then known. */
bool world_answer(struct world *world, size_t index, long status, const char *text);

#endif
