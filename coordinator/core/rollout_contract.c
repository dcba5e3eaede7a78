/* rollout_contract.c: what stands in the way of a rollout's end, and of the point of no return. */
#include "coordinator/core/colour.h"
#include "coordinator/core/fleet.h"
#include "coordinator/core/rollout.h"
#include "coordinator/core/work.h"

#include <string.h>

static bool belongs_to(const struct game_session *session, const struct fact_node *identity)
{
    return (identity->application[0] != '\0' &&
            strcmp(identity->application, session->application) == 0) ||
           (identity->db_role[0] != '\0' && strcmp(identity->db_role, session->role) == 0);
}

static bool is_stranger(const struct control *control, const struct game_session *session)
{
    for (size_t i = 0; i < control->node_count; i++)
        if (belongs_to(session, &control->nodes[i]->identity))
            return false;
    return true;
}

static const struct game_session *stranger_in(const struct control *control)
{
    for (size_t i = 0; i < control->node_count; i++) {
        const struct node *node = control->nodes[i];

        if (node->identity.kind != KIND_DATABASE || node->report == NULL)
            continue;
        for (size_t s = 0; s < node->report->database.session_count; s++)
            if (is_stranger(control, &node->report->database.sessions[s]))
                return &node->report->database.sessions[s];
    }
    return NULL;
}

/* A restore comes before its releases, and while nobody plays. */
static bool attests(const struct control *control, const struct node *game)
{
    const char *release = control->open->work.plan->release;

    if (control->open->work.plan->strategy == STRATEGY_RESTORE)
        return fleet_is_out(control, game);
    return release[0] == '\0' ||
           (node_is_fresh(control, game) && strcmp(game->report->release, release) == 0);
}

/* It has given its traffic away, and is brought to the new release before the first contract. */
static bool is_to_be_retired(const struct control *control, const struct node *game)
{
    return colour_rests(control, game) && colour_will_be_retired(&control->open->work, game);
}

/* What a silent primary holds nobody knows: it may be gone, and come back from a backup. */
const char *rollout_primaries_fault(const struct control *control, char ret[static SENTENCE_SIZE])
{
    const struct plan *plan = control->open->work.plan;

    for (size_t i = 0; i < plan->shard_count; i++) {
        const struct node *primary = fleet_primary(control, plan->shards[i].name);

        if (primary != NULL && node_is_fresh(control, primary))
            continue;
        if (primary != NULL)
            (void)text_format(ret, SENTENCE_SIZE,
                              "%s, the primary of shard %s, has yet to say "
                              "afresh what it holds",
                              primary->identity.name, plan->shards[i].name);
        else
            (void)text_format(ret, SENTENCE_SIZE, "shard %s has no single primary that reports",
                              plan->shards[i].name);
        return ret;
    }
    return NULL;
}

const char *rollout_contract_fault(const struct control *control, char ret[static SENTENCE_SIZE])
{
    const struct plan *plan = control->open->work.plan;
    const struct game_session *stranger = stranger_in(control);

    for (size_t i = 0; i < control->node_count; i++) {
        const struct node *game = control->nodes[i];

        if (game->identity.kind != KIND_GAME ||
            work_shard(&control->open->work, game->identity.shard) == NULL ||
            attests(control, game) || is_to_be_retired(control, game) ||
            (game->quarantine != QUARANTINE_NONE && fleet_is_out(control, game)))
            continue;
        if (control->open->work.plan->strategy == STRATEGY_RESTORE) {
            (void)text_format(ret, SENTENCE_SIZE, "%s is not out of traffic yet",
                              game->identity.name);
            return ret;
        }
        (void)text_format(
            ret, SENTENCE_SIZE, "%s does not attest release %s%s", game->identity.name,
            plan->release,
            game->quarantine == QUARANTINE_NONE ? "" : ": quarantined, but not out of traffic yet");
        return ret;
    }
    if (rollout_primaries_fault(control, ret) != NULL)
        return ret;
    if (stranger != NULL) {
        (void)text_format(ret, SENTENCE_SIZE,
                          "a session of the game role %s, called \"%s\", belongs to no enrolled "
                          "game node",
                          stranger->role, stranger->application);
        return ret;
    }
    return NULL;
}
