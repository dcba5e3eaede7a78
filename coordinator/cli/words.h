/* words.h: the words for a step, a node and a rollout's head, for lines and for the live picture.
 */
#ifndef COORDINATOR_CLI_WORDS_H
#define COORDINATOR_CLI_WORDS_H

#include "common/base/text.h"

#include <jansson.h>

#define WORDS_BYTES_MAX (1 << 20)

#define GREEN  "\x1b[32m"
#define RED    "\x1b[31m"
#define YELLOW "\x1b[33m"
#define DIM    "\x1b[2m"
#define BOLD   "\x1b[1m"
#define PLAIN  "\x1b[0m"

/* A member of an object, or what is there instead: "", 0, false. */
const char *words_text(const json_t *object, const char *key);
long long words_number(const json_t *object, const char *key);
bool words_flag(const json_t *object, const char *key);

/* What a step's state looks like. */
struct look {
    const char *state;
    const char *mark;
    const char *colour;
};
const struct look *words_look(const char *state);

/* Whom a step is about: a game node, a node, a shard, or the cluster. */
const char *words_subject(const json_t *step);

/* Under way, or gone wrong: it says why. */
bool words_is_of_interest(const json_t *step);

/* A line, without its end. */
void words_add_step(struct text *out, const json_t *step);
void words_add_node(struct text *out, const json_t *node);
void words_add_head(struct text *out, const json_t *show);
/* How long a switch of databases made players wait, after the end of another line. */
void words_add_pause(struct text *out, const json_t *show);
/* A line for each revision that stays expanded, each after the end of another. */
void words_add_kept(struct text *out, const json_t *show);

/* screen_rehearsal.c: what was measured of a statement, or of a phase. */
void words_add_rehearsed(struct text *out, const json_t *row);

/* "2.5s", "3min 12s" */
void words_add_duration(struct text *out, long long ms);
/* " 0.5%": of a step or an edge, whose traffic is split; nothing if it is not. */
void words_add_share(struct text *out, const json_t *object);

#endif
