#include "tests/bench/crowd_internal.h"

#include <assert.h>
#include <string.h>

size_t crowd_place(const struct crowd *crowd, const char *name)
{
    uint64_t at = 0;
    bool is_named = strlen(name) > 3 && text_to_number(name + 3, crowd->member_count - 1, &at);

    assert(is_named);
    return is_named ? at : 0;
}

enum node_kind crowd_kind(const struct member *member)
{
    if (member->place == PLACE_GAME)
        return KIND_GAME;
    return member->place == PLACE_EDGE ? KIND_EDGE : KIND_DATABASE;
}

/* ---- reports ---- */

static void fill_database(const struct crowd *crowd, const struct member *member,
                          struct database_report *ret)
{
    static struct name_item names[] = {{"r0"}, {"r1"}};
    const struct shard *shard = &crowd->shards[member->shard];

    (void)text_format(ret->system_id, SYSTEM_ID_SIZE, "%zu", 7000 + member->shard);
    (void)text_copy(ret->instance, DIGEST_SIZE, member->name);
    (void)text_copy(ret->fingerprint, FINGERPRINT_SIZE, shard->is_applied ? "f1" : "f0");
    ret->timeline = 1;
    ret->is_primary = member->place == PLACE_PRIMARY;
    ret->position = crowd->position;
    ret->applied = names;
    ret->applied_count = shard->is_applied ? 2 : 1;
    ret->expanded = names;
    ret->expanded_count = shard->is_expanded ? 2 : 1;
}

static void fill_edge(const struct crowd *crowd, const struct member *edge, void *memory,
                      struct report *ret)
{
    const struct shard *shard = &crowd->shards[edge->shard];

    ret->servers = memory_array(memory, struct server_traffic, shard->games);
    ret->server_count = shard->games;
    for (size_t i = 0; i < shard->games; i++) {
        const struct member *game = &crowd->members[shard->first + CROWD_SHARD_OTHERS + i];

        (void)text_copy(ret->servers[i].node, NAME_SIZE, game->name);
        ret->servers[i].state = game->traffic;
        ret->servers[i].check_passes = true;
    }
}

struct report *crowd_report(const struct crowd *crowd, size_t at, const void *parent)
{
    static struct probe_result health = {.name = "health", .passes = true, .could_measure = true};
    const struct member *member = &crowd->members[at];
    struct report *report = memory_new(parent, struct report);

    report->kind = crowd_kind(member);
    report->is_up = true;
    report->could_measure = true;
    if (report->kind == KIND_DATABASE)
        fill_database(crowd, member, &report->database);
    else if (report->kind == KIND_EDGE)
        fill_edge(crowd, member, report, report);
    if (report->kind == KIND_GAME) {
        (void)text_copy(report->release, NAME_SIZE, member->release);
        report->probes = &health;
        report->probe_count = 1;
    }
    return report;
}

/* ---- orders ---- */

static void perform_schema(struct crowd *crowd, size_t doer, enum task task)
{
    struct shard *shard = &crowd->shards[crowd->members[doer].shard];

    if (task == TASK_EXPAND || task == TASK_REVERT)
        shard->is_applied = task == TASK_EXPAND;
    if (task == TASK_BACKFILL || task == TASK_REVERT)
        shard->is_expanded = task == TASK_BACKFILL;
    crowd->members[shard->first].has_news = true;
    crowd->members[shard->first + 1].has_news = true;
    crowd->position++;
}

void crowd_perform(struct crowd *crowd, size_t doer, const struct order *order)
{
    struct member *target = &crowd->members[doer];

    if (crowd_kind(target) == KIND_DATABASE) {
        perform_schema(crowd, doer, order->task);
        return;
    }
    if (order->arguments.target[0] != '\0')
        target = &crowd->members[crowd_place(crowd, order->arguments.target)];
    crowd->members[doer].has_news = true;
    if (order->task == TASK_RELEASE)
        (void)text_copy(target->release, NAME_SIZE, order->arguments.release);
    else if (order->task == TASK_DRAIN)
        target->traffic = TRAFFIC_DRAIN;
    else if (order->task == TASK_ADMIT)
        target->traffic = TRAFFIC_READY;
    else if (order->task == TASK_ISOLATE)
        target->traffic = TRAFFIC_MAINTENANCE;
}
