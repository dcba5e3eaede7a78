/* vitals.h: how fast a game server answers, and how often with an error: samples from its reports,
 * what they were before a rollout (the baseline, a fact), and what they are since a gate opened.
 */
#ifndef COORDINATOR_CORE_VITALS_H
#define COORDINATOR_CORE_VITALS_H

#include "coordinator/core/run.h"

#define VITALS_BEFORE_MIN   10    /* samples that a comparison needs from before */
#define VITALS_SINCE_MIN    5     /* and since */
#define VITALS_REQUESTS_MIN 50    /* fewer make no rate of errors */
#define VITALS_FLOOR_MS     10    /* slower by less than this is not slower */
#define VITALS_NOW_MS       15000 /* slow probes make few samples */

struct vitals_summary {
    uint64_t samples;
    uint64_t median_ms;
    uint64_t p99_ms;
    uint64_t requests;
    uint64_t errors;
};

/* Of a report that the node keeps from now on: apply.c's. */
void vitals_take(const struct control *control, struct node *game);

/* From that moment on; 0: all that there are. */
struct vitals_summary vitals_since(const struct node *game, uint64_t since_ms);

/* Of all game nodes of the shard that have players. */
struct vitals_summary vitals_of_shard(const struct control *control, const char *shard,
                                      uint64_t since_ms);

/* A backfill of the open rollout is at work on that database: how long its shard's players wait for
 * an answer (a median of the last moments), and from when on that is longer than before. Both 0:
 * nobody knows, or it was not to be compared (--latency-max 0). */
struct players_word {
    uint64_t now_ms;
    uint64_t limit_ms;
};
struct players_word vitals_players_of(const struct control *control, const struct node *database);
/* Its samples are wanted for that, at every beat. */
bool vitals_are_wanted(const struct control *control, const struct node *game);

/* Somebody asked for a comparison, and of that game node of the plan too little is known as yet to
 * compare with. */
bool vitals_are_missing(const struct control *control, char ret_name[static NAME_SIZE]);

/* As the rollout starts: of every game node that it will watch under players' traffic, or whose
 * database it will fill. */
void vitals_note_baselines(struct run *run);

/* Against the baseline. PASS, with the figures or why there is nothing to compare, FAIL, or
 * INCONCLUSIVE: too little to compare, and it was asked for. */
enum verdict vitals_compare(const struct control *control, const struct step *step,
                            char why[static SENTENCE_SIZE]);

#endif
