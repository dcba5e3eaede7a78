#include "tests/fuzz/cast.h"

#include "common/base/memory.h"

#include <string.h>

static const char *const revisions[] = {"r0", "r1", "r2"};

const char *const cast_words[] = {
    "main", "db1",  "db2", "g1",   "g2",     "g3",   "edge1", "edge2",      "r0",       "r1",
    "r2",   "r3",   "old", "new",  "newest", "plan", "start", "resume",     "complete", "retry",
    "skip", "7001", "OK",  "LOCK", "FAILED", "?",    "f7.0",  "SUPERSEDED", "blue",     "green"};
const size_t cast_word_count = ARRAY_LEN(cast_words);

void cast_set(struct cast *cast)
{
    static const struct {
        const char *name;
        enum node_kind kind;
    } members[CAST_NODES] = {{"db1", KIND_DATABASE}, {"db2", KIND_DATABASE}, {"g1", KIND_GAME},
                             {"g2", KIND_GAME},      {"g3", KIND_GAME},      {"edge1", KIND_EDGE},
                             {"edge2", KIND_EDGE},   {"pool1", KIND_EDGE}};

    *cast = (struct cast){.timeline = 1, .position = 1000};
    for (size_t i = 0; i < CAST_NODES; i++)
        cast->nodes[i] = (struct cast_node){.name = members[i].name,
                                            .kind = members[i].kind,
                                            .is_pooler = i == CAST_NODES - 1,
                                            .applied = 1,
                                            .expanded = 1,
                                            .release = "old",
                                            .colour = "",
                                            .live = "",
                                            .traffic = TRAFFIC_READY};
}

void cast_fill_catalog(struct catalog *ret, const void *parent, bool is_longer)
{
    *ret = (struct catalog){.revision_count = ARRAY_LEN(revisions) - !is_longer,
                            .release_count = 3u - !is_longer};
    ret->revisions = memory_array(parent, struct catalog_revision, ret->revision_count);
    ret->releases = memory_array(parent, struct catalog_release, ret->release_count);
    (void)text_copy(ret->bundle, DIGEST_SIZE, is_longer ? "bundle2" : "bundle1");
    for (size_t i = 0; i < ret->revision_count && i < ARRAY_LEN(revisions); i++) {
        struct catalog_revision *revision = &ret->revisions[i];

        (void)text_copy(revision->name, NAME_SIZE, revisions[i]);
        (void)text_copy(revision->checksum, DIGEST_SIZE, revisions[i]);
        revision->has_backfill = revision->has_contract = revision->has_verify = i > 0;
        revision->parents = memory_array(ret->revisions, struct name_item, 1);
        revision->parent_count = i > 0;
        (void)text_copy(revision->parents[0].name, NAME_SIZE, i > 0 ? revisions[i - 1] : "");
    }
    for (size_t i = 0; i < ret->release_count && i < ARRAY_LEN(revisions); i++) {
        static const char *const names[] = {"old", "new", "newest"};

        (void)text_copy(ret->releases[i].name, NAME_SIZE, names[i]);
        (void)text_copy(ret->releases[i].needs, NAME_SIZE, revisions[i]);
    }
}

void cast_fill_node(const struct cast *cast, size_t at, struct request *ret)
{
    const struct cast_node *node = &cast->nodes[at];

    (void)text_copy(ret->verb, NAME_SIZE, "accept");
    (void)text_copy(ret->node, NAME_SIZE, node->name);
    (void)text_copy(ret->shard, NAME_SIZE,
                    node->kind == KIND_EDGE && !node->is_pooler ? "" : "main");
    (void)text_format(ret->key, KEY_TEXT_SIZE, "%040zu", at);
    (void)text_copy(ret->colour, NAME_SIZE, node->colour);
    ret->kind = node->kind;
    ret->is_pooler = node->is_pooler;
}

/* ---- reports ---- */

static struct name_item *names_of(unsigned bits, const void *parent, size_t *ret_count)
{
    struct name_item *items = memory_array(parent, struct name_item, ARRAY_LEN(revisions));

    *ret_count = 0;
    for (size_t i = 0; i < ARRAY_LEN(revisions); i++)
        if ((bits & 1u << i) != 0)
            (void)text_copy(items[(*ret_count)++].name, NAME_SIZE, revisions[i]);
    return items;
}

static void report_twin(const struct cast *cast, size_t at, const void *parent,
                        struct database_report *ret)
{
    const struct cast_node *node = &cast->nodes[at];

    (void)text_copy(ret->system_id, SYSTEM_ID_SIZE, at == 0 ? "7001" : "7002");
    ret->is_primary = true;
    ret->twin.nodes = memory_array(parent, struct name_item, 1);
    ret->twin.node_count = 1;
    (void)text_copy(ret->twin.nodes[0].name, NAME_SIZE, cast->nodes[1 - at].name);
    (void)text_copy(ret->twin.follows, NAME_SIZE,
                    node->twin == TWIN_NONE ? "" : cast->nodes[1 - at].name);
    ret->twin.state = node->twin;
    ret->twin.closed_by = node->is_closed;
}

static void report_database(const struct cast *cast, size_t at, const void *parent,
                            struct database_report *ret)
{
    const struct cast_node *primary = &cast->nodes[cast->has_twin ? at : cast->primary];

    (void)text_copy(ret->system_id, SYSTEM_ID_SIZE, "7001");
    (void)text_copy(ret->instance, DIGEST_SIZE, cast->nodes[at].name);
    ret->timeline = cast->timeline;
    ret->is_primary = at == cast->primary;
    ret->position = cast->position;
    ret->can_shadow = true;
    ret->can_back_up = true;
    if (at == cast->primary)
        ret->backup = cast->backup;
    ret->applied = names_of(primary->applied, parent, &ret->applied_count);
    ret->expanded = names_of(primary->expanded, parent, &ret->expanded_count);
    ret->contracted = names_of(primary->contracted, parent, &ret->contracted_count);
    (void)text_format(ret->fingerprint, FINGERPRINT_SIZE, "f%u.%u", primary->applied,
                      primary->contracted);
    if (cast->has_twin)
        report_twin(cast, at, parent, ret);
}

static void report_edge(const struct cast *cast, size_t at, const void *parent, struct report *ret)
{
    const char *live = cast->nodes[at].live;

    (void)text_copy(ret->live, NAME_SIZE, live);
    ret->live_is_kept = live[0] != '\0';
    ret->can_split = cast->nodes[at].can_split;
    ret->share_permille = cast->nodes[at].share_permille;
    if (ret->can_split)
        (void)text_copy(ret->next, NAME_SIZE, strcmp(live, "blue") == 0 ? "green" : "blue");
    ret->servers = memory_array(parent, struct server_traffic, CAST_GAMES);
    ret->server_count = CAST_GAMES;
    for (size_t i = 0; i < CAST_GAMES; i++) {
        const struct cast_node *game = &cast->nodes[CAST_DATABASES + i];

        (void)text_copy(ret->servers[i].node, NAME_SIZE, game->name);
        ret->servers[i].state = game->traffic;
        (void)text_copy(ret->servers[i].colour, NAME_SIZE, live[0] == '\0' ? "" : game->colour);
        if (live[0] != '\0' && strcmp(game->colour, live) != 0 &&
            cast->nodes[at].share_permille == 0 && game->traffic == TRAFFIC_READY)
            ret->servers[i].state = TRAFFIC_IDLE;
        ret->servers[i].sessions = game->sessions;
        ret->servers[i].requests = game->requests;
        ret->servers[i].errors = game->errors;
        ret->servers[i].check_passes = true;
    }
}

static void report_pool(const struct cast *cast, const struct cast_node *node, const void *parent,
                        struct report *ret)
{
    ret->pools = memory_array(parent, struct pool_report, 1);
    ret->pool_count = 1;
    (void)text_copy(ret->pools[0].console, NAME_SIZE, "127.0.0.1:6432");
    ret->pools[0].could_measure = true;
    ret->pools[0].is_paused = node->is_paused;
    if (cast->has_twin)
        (void)text_copy(ret->pools[0].server, NAME_SIZE, cast->nodes[cast->pointed].name);
}

void cast_fill_report(const struct cast *cast, size_t at, const void *parent, struct report *ret)
{
    const struct cast_node *node = &cast->nodes[at];

    *ret = (struct report){.kind = node->kind, .is_up = true, .could_measure = true};
    if (node->kind == KIND_DATABASE) {
        report_database(cast, at, parent, &ret->database);
    } else if (node->is_pooler) {
        report_pool(cast, node, parent, ret);
    } else if (node->kind == KIND_EDGE) {
        report_edge(cast, at, parent, ret);
    } else {
        ret->is_up = !node->is_dead;
        (void)text_copy(ret->release, NAME_SIZE, node->is_dead ? "" : node->release);
        ret->probes = memory_array(parent, struct probe_result, 1);
        ret->probe_count = 1;
        (void)text_copy(ret->probes[0].name, NAME_SIZE, "health");
        ret->probes[0].could_measure = true;
        ret->probes[0].latency_ms = node->latency_ms;
        ret->probes[0].passes = !node->is_sick && !node->is_dead;
    }
}

/* ---- orders ---- */

void cast_drop_order(struct cast *cast, size_t at)
{
    size_t behind = cast->order_count - at - 1;

    memmove(&cast->orders[at], &cast->orders[at + 1], behind * sizeof(cast->orders[0]));
    memmove(&cast->ordered[at], &cast->ordered[at + 1], behind * sizeof(cast->ordered[0]));
    cast->order_count--;
}

void cast_note_order(struct cast *cast, const char *node, const struct order *order)
{
    for (size_t i = 0; i < cast->order_count; i++)
        if (order_id_equals(&cast->orders[i].id, &order->id))
            return;
    if (cast->order_count == CAST_ORDERS)
        cast_drop_order(cast, 0);
    cast->orders[cast->order_count] = order_for_keeps(order);
    (void)text_copy(cast->ordered[cast->order_count++], NAME_SIZE, node);
}

static unsigned revision_bit(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(revisions); i++)
        if (strcmp(revisions[i], name) == 0)
            return 1u << i;
    return 0;
}

static size_t index_of(const struct cast *cast, const char *name)
{
    for (size_t i = 0; i < CAST_NODES; i++)
        if (strcmp(cast->nodes[i].name, name) == 0)
            return i;
    return CAST_NODES;
}

static void perform_twin(struct cast *cast, size_t at, const struct order *order)
{
    struct cast_node *node = &cast->nodes[at];
    struct cast_node *other = &cast->nodes[1 - at];

    switch ((int)order->task) {
    case TASK_FOLLOW:
        node->applied = other->applied;
        node->expanded = other->expanded;
        node->contracted = other->contracted;
        node->twin = TWIN_FOLLOWING;
        node->is_closed = true;
        break;
    case TASK_UNFOLLOW:
        node->twin = TWIN_LEFT;
        break;
    case TASK_CLOSE_WRITES:
    case TASK_OPEN_WRITES:
        node->is_closed = order->task == TASK_CLOSE_WRITES;
        break;
    case TASK_REVERSE:
        node->twin = TWIN_FOLLOWING;
        other->twin = TWIN_NONE;
        break;
    case TASK_UNREVERSE:
        node->twin = TWIN_NONE;
        break;
    case TASK_CLOSE:
        node->twin = TWIN_LEFT;
        break;
    default:
        break;
    }
}

static void back_up(struct cast *cast, const struct order *order)
{
    cast->backed_up = cast->nodes[cast->primary];
    cast->backup = (struct backup_report){.rollout = order->id.rollout, .is_counted = true};
    (void)text_copy(cast->backup.journal, JOURNAL_SIZE, order->journal);
    (void)text_copy(cast->backup.made_at, NAME_SIZE, "2026-11-28T02:10:00Z");
}

static void put_back(struct cast *cast, const struct order *order)
{
    struct cast_node *primary = &cast->nodes[cast->primary];

    if (order->arguments.backup_of != cast->backup.rollout)
        return;
    primary->applied = cast->backed_up.applied;
    primary->expanded = cast->backed_up.expanded;
    primary->contracted = cast->backed_up.contracted;
    cast->position++;
}

static void perform_schema(struct cast *cast, size_t at, enum task task, unsigned bit)
{
    struct cast_node *primary =
        &cast->nodes[cast->has_twin && at < CAST_DATABASES ? at : cast->primary];

    if (task == TASK_EXPAND)
        primary->applied |= bit;
    else if (task == TASK_BACKFILL)
        primary->expanded |= bit;
    else if (task == TASK_CONTRACT)
        primary->contracted |= bit;
    else if (task == TASK_REVERT)
        primary->applied &= ~bit, primary->expanded &= ~bit;
    cast->position++;
}

static const char *word_named(const char *name)
{
    for (size_t i = 0; i < cast_word_count; i++)
        if (strcmp(cast_words[i], name) == 0)
            return cast_words[i];
    return "";
}

/* A share is given by the colour that is live. */
static void give_traffic(struct cast_node *edge, const struct task_arguments *arguments)
{
    if (arguments->share_permille == 0)
        edge->live = word_named(arguments->colour);
    edge->share_permille = arguments->share_permille;
}

void cast_perform(struct cast *cast, const char *doer, const struct order *order)
{
    size_t at = index_of(cast, doer);
    size_t target = index_of(cast, order->arguments.target);

    perform_schema(cast, at, order->task, revision_bit(order->arguments.revision));
    if (order->task == TASK_BACKUP)
        back_up(cast, order);
    if (order->task == TASK_RESTORE)
        put_back(cast, order);
    if (cast->has_twin && at < CAST_DATABASES)
        perform_twin(cast, at, order);
    if (order->task == TASK_POINT_POOL && target < CAST_DATABASES)
        cast->pointed = target;
    for (size_t i = 0; i < CAST_NODES; i++)
        if (order->task == TASK_SWITCH && strcmp(cast->nodes[i].name, doer) == 0)
            give_traffic(&cast->nodes[i], &order->arguments);
    if (order->task == TASK_PAUSE_POOL || order->task == TASK_RESUME_POOL)
        cast->nodes[CAST_NODES - 1].is_paused = order->task == TASK_PAUSE_POOL;
    for (size_t i = 0; i < CAST_NODES; i++) {
        struct cast_node *node = &cast->nodes[i];

        if (strcmp(node->name, order->arguments.target) != 0)
            continue;
        if (order->task == TASK_RELEASE)
            node->release = word_named(order->arguments.release), node->is_dead = false;
        else if (order->task == TASK_DRAIN)
            node->traffic = TRAFFIC_DRAIN;
        else if (order->task == TASK_ADMIT)
            node->traffic = TRAFFIC_READY;
        else if (order->task == TASK_ISOLATE)
            node->traffic = TRAFFIC_MAINTENANCE;
    }
}
