/* twin.h: a shard with two databases, blue and green, of which its pools point at one: which one
 * that is, and how far the other is.
 */
#ifndef COORDINATOR_CORE_TWIN_H
#define COORDINATOR_CORE_TWIN_H

#include "coordinator/core/step.h"

/* The colour of the databases that every pooler of the shard last said it points at; "": never yet,
 * or they have no colours. */
const char *twin_live(const struct control *control, const char *shard);

/* What every pooler of the shard says now; "" if one says nothing, or they differ. */
const char *twin_reported(const struct control *control, const char *shard);

/* The pools point at databases of another colour: it counts for nobody. */
bool twin_rests(const struct control *control, const struct node *database);

/* Databases that no pool points at take part in nothing but their own switch. */
bool twin_takes_part(const struct control *control, const struct plan *plan,
                     const struct node *node);

/* A pooler has reported: what all of them say together, if it is new, becomes a fact. */
void twin_heard(struct run *run, const struct node *pooler);

/* ---- a plan's shard: what was seen of one of its sides ---- */

const char *twin_system_id(const struct plan_shard *shard, const char *side);
uint64_t twin_timeline(const struct plan_shard *shard, const char *side);
/* The other of the two. */
const char *twin_other_side(const struct plan_shard *shard, const char *side);

/* ---- an open rollout with the strategy database-blue-green ---- */

/* The database that an order is about, beside the one that carries it out: "" for tasks that have
 * none. */
const char *twin_target(const struct control *control, const struct work *work,
                        const struct step *step);

/* The step copies the other side, or brings the copy to the new schema: nobody uses it yet. */
bool twin_is_migrated(const struct scene *scene);

/* Players may have written to the new side of the step's shard. */
bool twin_has_writes(const struct work *work, const struct step *step);

/* What stands in the way of a step about two databases, or NULL. */
const char *twin_step_fault(const struct scene *scene, char ret[static SENTENCE_SIZE]);

/* Why what was copied cannot be switched to any more, in a sentence, or NULL. */
const char *twin_copy_fault(const struct control *control, char ret[static SENTENCE_SIZE]);

/* Whether going back would lose nothing of what players have written to the new side: what they
 * write there reaches the other one. Silence is no yes. The sentence says why not. */
enum twin_following { TWIN_FOLLOWS, TWIN_FOLLOWS_PERHAPS, TWIN_FOLLOWS_NO_MORE };
enum twin_following twin_mirror(const struct control *control, char ret[static SENTENCE_SIZE]);

/* A pool of the shard holds queries back, and the switch is not decided yet. */
bool twin_is_closing(const struct control *control);

/* Players are held back, or were until just now: whoever asks the database for his health fails. */
bool twin_holds_back(const struct control *control);

/* A pool holds queries back, and for so long that the way back needs what is left of the longest
 * pause. */
bool twin_pause_is_too_long(const struct control *control);

/* How long players were, or are, held back on the way forward; 0: they were not. */
uint64_t twin_pause_ms(const struct control *control);

#endif
