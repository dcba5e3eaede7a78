/* compile_internal.h: what compiling databases and compiling game nodes share. */
#ifndef COORDINATOR_CORE_COMPILE_INTERNAL_H
#define COORDINATOR_CORE_COMPILE_INTERNAL_H

#include "coordinator/core/compile.h"
#include "coordinator/core/strategy.h"

/* A list of step ids. */
struct ids {
    uint32_t *items;
    size_t count, capacity;
};

struct compiler {
    const struct control *control;
    struct plan *plan;
    const void *parent;
    void *scratch;
    size_t capacity;
    struct ids tail;  /* what the next step on this path must wait for */
    struct ids begin; /* SECTION_BEGIN's steps */
    struct ids ends;  /* the last steps of every shard: what the hold waits for */
    bool is_too_large;
};

void ids_add(struct compiler *c, struct ids *ids, uint64_t id);
void ids_set(struct compiler *c, struct ids *ids, const struct ids *from);
void ids_add_all(struct compiler *c, struct ids *ids, const struct ids *from);

/* Adds a step that waits for needs; returns NULL once the plan is too large. */
struct plan_step *compile_add_step(struct compiler *c, const struct stage_row *row,
                                   const char *shard, const struct ids *needs);

/* The rows of a section about databases and poolers, if the shard has revisions for it: from the
 * tail on, which they become. */
void compile_schema(struct compiler *c, enum section section, const struct compile_shard *shard);
/* After the ends, which it becomes. */
void compile_hold(struct compiler *c);

/* ---- compile_games.c ---- */

/* Another colour is to get the shard's traffic. */
bool compile_switches(const struct compile_shard *shard);
/* A colour is made ready whole, whoever runs what already: it takes no traffic. */
bool compile_moves_all(const struct compiler *c, const struct compile_shard *shard);

/* Each waits for c->tail, and leaves its last steps there. */
void compile_waves(struct compiler *c, const struct compile_shard *shard);
/* The shard's traffic, at every edge that carries it: share after share, each proven, then all. */
void compile_switch(struct compiler *c, const struct compile_shard *shard);
/* For each game node of a colour, side by side. */
void compile_colour(struct compiler *c, enum section section, const struct compile_shard *shard,
                    const char *colour);
/* For every game node of the shard, side by side. */
void compile_all_games(struct compiler *c, enum section section, const struct compile_shard *shard);
/* Beside the waves: nothing waits for them, but they wait for the schema, so that on the way back
 * the schema waits for them. */
void compile_guards(struct compiler *c, const struct compile_shard *shard);

/* ---- compile_shadow.c ---- */

/* One after another on each shard's own node; what comes behind waits for all shards. */
void compile_shadow(struct compiler *c, const struct compile_shard *shards, size_t count);

/* ---- compile_maintenance.c ---- */

/* Shards side by side: every one is closed for as short a time as may be. */
void compile_maintenance(struct compiler *c, const struct compile_shard *shards, size_t count);

#endif
