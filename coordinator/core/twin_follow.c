/* twin_follow.c: whether one side still follows the other: the copy before a switch, the mirror
 * after it.
 */
#include "coordinator/core/fleet.h"
#include "coordinator/core/twin_internal.h"

#include <string.h>

static bool is_silent(const struct control *control, const char *name)
{
    const struct node *node = control_node(control, name);

    return node == NULL || node->link == LINK_LOST;
}

/* Its report, if it is from after that step, and not from long ago. */
static const struct twin_report *said_since(const struct control *control,
                                            const struct plan_shard *shard, const char *side,
                                            const struct step *step)
{
    const struct node *primary = fleet_primary_of(control, shard->name, side);

    return primary != NULL && node_is_current(control, primary) &&
                   node_measured_at_ms(primary) > step->changed_at_ms
               ? &primary->report->database.twin
               : NULL;
}

/* What the follower says of its following, and the followed of the slot that it keeps for it. */
static enum twin_following look(const struct control *control, const struct plan_shard *shard,
                                const char *follower, const struct step *since, char *ret)
{
    const char *followed = twin_other_side(shard, follower);
    const struct twin_report *its = said_since(control, shard, follower, since);
    const struct twin_report *other = said_since(control, shard, followed, since);
    bool is_new_side = strcmp(follower, shard->side) == 0;

    if (other != NULL && other->slot_is_lost) {
        (void)text_format(ret, SENTENCE_SIZE,
                          "the %s database of shard %s has lost the WAL that its follower still "
                          "needed (max_slot_wal_keep_size)",
                          followed, shard->name);
        return TWIN_FOLLOWS_NO_MORE;
    }
    if (its == NULL) {
        (void)text_format(ret, SENTENCE_SIZE,
                          "the %s database of shard %s has yet to say whether it follows", follower,
                          shard->name);
        return is_silent(control, is_new_side ? shard->twin : shard->primary)
                   ? TWIN_FOLLOWS_NO_MORE
                   : TWIN_FOLLOWS_PERHAPS;
    }
    if (its->state == TWIN_FOLLOWING)
        return TWIN_FOLLOWS;
    (void)text_format(ret, SENTENCE_SIZE, "the %s database of shard %s no longer follows: %.700s",
                      follower, shard->name,
                      its->fault[0] != '\0' ? its->fault : "it knows of no following");
    return TWIN_FOLLOWS_NO_MORE;
}

const char *twin_copy_fault(const struct control *control, char ret[static SENTENCE_SIZE])
{
    const struct work *work = &control->open->work;
    const struct plan_shard *shard;
    size_t cursor = 0;

    while ((shard = twin_next_switched(work, &cursor)) != NULL) {
        const struct step *follow = twin_find_step(work, shard->name, STAGE_FOLLOW, shard->side);
        const struct step *reverse =
            twin_find_step(work, shard->name, STAGE_REVERSE, shard->side_before);

        /* Its silence is for the steps that need it to notice. */
        if (twin_step_is_done(follow) && !twin_step_was_ordered(reverse) &&
            !is_silent(control, shard->twin) &&
            look(control, shard, shard->side, follow, ret) == TWIN_FOLLOWS_NO_MORE)
            return ret;
    }
    return NULL;
}

/* Nobody can write to the new side before a pool lets queries through to it. */
static bool needs_mirror(const struct work *work, const struct plan_shard *shard)
{
    return twin_step_was_ordered(twin_find_step(work, shard->name, STAGE_RESUME, "")) &&
           !twin_step_was_ordered(
               twin_find_step(work, shard->name, STAGE_CLOSE, shard->side_before));
}

enum twin_following twin_mirror(const struct control *control, char ret[static SENTENCE_SIZE])
{
    const struct work *work = &control->open->work;
    enum twin_following worst = TWIN_FOLLOWS;
    const struct plan_shard *shard;
    size_t cursor = 0;

    while (worst != TWIN_FOLLOWS_NO_MORE && (shard = twin_next_switched(work, &cursor)) != NULL) {
        const struct step *reverse =
            twin_find_step(work, shard->name, STAGE_REVERSE, shard->side_before);
        enum twin_following its;

        if (!needs_mirror(work, shard))
            continue;
        its = look(control, shard, shard->side_before, reverse, ret);
        if (its > worst)
            worst = its;
    }
    return worst;
}
