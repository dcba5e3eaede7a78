/* edge.c: a game node into and out of traffic, and all traffic from one colour to another; done is
 * what the edge says, not what it was told.
 */
#include "agent/task/task.h"

#include "agent/traffic/traffic.h"
#include "common/base/clock.h"
#include "common/base/text.h"

#include <string.h>

#define POLL_MS          50
#define ADMIT_MS         10000
#define GRACE_MS         2000
#define ANSWER_MS        300 /* an agent's answer that was under way has arrived by then */
#define MISSING_TEXT_MAX 400 /* of the names that a sentence has room for */

/* Whom the order means: a game node, or all of a colour. */
static const char *subject(const struct task_context *task)
{
    const struct order *order = &task->job->order;

    return order->task == TASK_SWITCH ? order->arguments.colour : order->arguments.target;
}

static uint64_t share_of(const struct task_context *task)
{
    return task->job->order.arguments.share_permille;
}

static bool knows_colour(const struct edge_config *config, const char *colour)
{
    for (size_t i = 0; i < config->colour_count; i++)
        if (strcmp(config->colours[i].name, colour) == 0)
            return true;
    return false;
}

static enum error_code look_at_colour(struct task_context *task, struct server_traffic *ret,
                                      struct error *err)
{
    const struct edge_config *config = &task->config->edge;
    struct report report = {.kind = KIND_EDGE};

    if (config->colour_count == 0)
        return error_set(err, ERROR_REFUSED,
                         "this edge knows no colours: name them in its agent's configuration");
    if (!knows_colour(config, subject(task)))
        return error_set(err, ERROR_NOT_FOUND, "the edge has no colour called \"%s\"",
                         subject(task));
    if (traffic_driver(config)->live(config, &report, err) != ERROR_OK)
        return err->code;
    if (share_of(task) != 0 && !report.can_split)
        return error_set(err, ERROR_REFUSED,
                         "this edge cannot split its traffic between colours (--share): see "
                         "docs/strategies.md");
    *ret = wish_sight_of_colour(&report, subject(task), share_of(task));
    return ERROR_OK;
}

/* An operator may have let a pooler's agent in as a load balancer's. */
static enum error_code check_driver(const struct task_context *task, struct error *err)
{
    return traffic_driver(&task->config->edge)->is_pooler
               ? error_set(err, ERROR_REFUSED,
                           "this edge is a connection pooler: accept its key again with --pooler")
               : ERROR_OK;
}

static enum error_code look(struct task_context *task, struct server_traffic *ret,
                            struct error *err)
{
    const struct edge_config *config = &task->config->edge;
    const char *target = task->job->order.arguments.target;
    struct server_traffic *servers = NULL;
    size_t count = 0;

    if (check_driver(task, err) != ERROR_OK)
        return err->code;
    if (task->job->order.task == TASK_SWITCH)
        return look_at_colour(task, ret, err);
    if (traffic_driver(config)->read(config, task->memory, &servers, &count, err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(servers[i].node, target) == 0) {
            *ret = servers[i];
            return ERROR_OK;
        }
    }
    return error_set(err, ERROR_NOT_FOUND, "the edge has no server called %s", target);
}

static enum error_code keep(struct task_context *task, struct error *err)
{
    const struct edge_config *config = &task->config->edge;
    const struct traffic_driver *driver = traffic_driver(config);

    return driver->keep == NULL ? ERROR_OK : driver->keep(config, err);
}

static enum error_code ask_for(struct task_context *task, enum edge_wish wish, struct error *err)
{
    const struct edge_config *config = &task->config->edge;
    const struct traffic_driver *driver = traffic_driver(config);
    enum error_code code = check_driver(task, err);

    if (code == ERROR_OK)
        code = wish == WISH_SWITCH ? driver->point(config, subject(task), share_of(task), err)
                                   : driver->wish(config, subject(task), wish, err);
    return code != ERROR_OK ? code : keep(task, err);
}

/* An answer of the node's own agent that was under way would undo it once more. */
static bool stays_fulfilled(enum edge_wish wish, const struct server_traffic *server,
                            uint64_t *since_ms)
{
    if (!wish_is_fulfilled(wish, server))
        *since_ms = 0;
    else if (*since_ms == 0)
        *since_ms = clock_monotonic_ms();
    return *since_ms != 0 && (!server->asks_agent || clock_monotonic_ms() - *since_ms >= ANSWER_MS);
}

static enum error_code await(struct task_context *task, enum edge_wish wish, uint64_t within_ms,
                             struct error *err)
{
    uint64_t until = clock_monotonic_ms() + within_ms;
    uint64_t fulfilled_ms = 0; /* since when; 0: it is not */
    struct server_traffic server;
    char text[128];

    for (;;) {
        if (look(task, &server, err) != ERROR_OK)
            return err->code;
        if (stays_fulfilled(wish, &server, &fulfilled_ms))
            return ERROR_OK;
        /* A reload between the wish and its file has forgotten it. */
        if (wish_is_contradicted(wish, &server) && ask_for(task, wish, err) != ERROR_OK)
            return err->code;
        (void)text_format(text, sizeof(text), "%s with %llu sessions",
                          word_of(&traffic_state_names, server.state),
                          (unsigned long long)server.sessions);
        task_progress(task, 0, server.sessions, text);
        if (clock_monotonic_ms() >= until)
            return error_set(err, ERROR_TIMEOUT, "%s is still %s after %llu ms", subject(task),
                             text, (unsigned long long)within_ms);
        task_listen(task);
        if (task->is_cancelled)
            return error_set(err, ERROR_CANCELLED, "cancelled while %s", text);
        clock_sleep_ms(POLL_MS);
    }
}

static enum error_code fulfil(struct task_context *task, enum edge_wish wish, uint64_t within_ms,
                              struct error *err)
{
    struct server_traffic server;

    /* What it cannot know at all it is not told. */
    if (wish == WISH_SWITCH && look(task, &server, err) != ERROR_OK)
        return err->code;
    if (ask_for(task, wish, err) != ERROR_OK)
        return err->code;
    return await(task, wish, within_ms, err);
}

/* ---- before anything begins ---- */

static bool is_among(const struct server_traffic *servers, size_t count, const char *node)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(servers[i].node, node) == 0)
            return true;
    return false;
}

/* What it says itself; and what it is told is kept over a reload, as it is kept later. */
enum error_code task_preflight_edge(struct task_context *task, struct error *err)
{
    const struct edge_config *config = &task->config->edge;
    const struct task_arguments *arguments = &task->job->order.arguments;
    struct text *missing = text_new(task->memory, MISSING_TEXT_MAX);
    struct server_traffic *servers = NULL;
    size_t count = 0;

    if (traffic_driver(config)->is_pooler)
        return task_preflight_pool(task, err);
    if (traffic_driver(config)->read(config, task->memory, &servers, &count, err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < arguments->game_count; i++)
        if (!is_among(servers, count, arguments->games[i].name))
            text_append_format(missing, "%s%s", missing->size > 0 ? ", " : "",
                               arguments->games[i].name);
    if (missing->size > 0)
        return error_set(err, ERROR_REFUSED,
                         "the edge has no server called %s%s, and the plan moves it: add it there "
                         "under the node's name, or leave the node out (--except)",
                         missing->data, missing->is_cut ? " ..." : "");
    return keep(task, err);
}

/* ---- the tasks ---- */

/* Whether anybody is cut off is the coordinator's to decide: the order says so. */
enum error_code task_drain(struct task_context *task, struct task_outcome *ret, struct error *err)
{
    const struct task_arguments *arguments = &task->job->order.arguments;
    uint64_t longer_ms =
        arguments->on_drain_late == ON_DRAIN_LATE_WAIT ? arguments->drain_max_ms : 0;
    enum error_code code = fulfil(task, WISH_DRAIN, arguments->drain_ms + longer_ms, err);

    if (code != ERROR_TIMEOUT || arguments->on_drain_late != ON_DRAIN_LATE_FORCE)
        return code;
    (void)text_format(ret->detail, sizeof(ret->detail), "%.*s: cut", SENTENCE_SIZE - 100,
                      err->detail);
    return fulfil(task, WISH_ISOLATE, ADMIT_MS, err);
}

enum error_code task_admit(struct task_context *task, struct task_outcome *ret, struct error *err)
{
    (void)ret;
    return fulfil(task, WISH_ADMIT, ADMIT_MS, err);
}

/* Its server may be well, and only its agent silent: what is in flight there is let end. */
enum error_code task_isolate(struct task_context *task, struct task_outcome *ret, struct error *err)
{
    struct error late;

    (void)ret;
    if (ask_for(task, WISH_DRAIN, err) != ERROR_OK)
        return err->code;
    if (await(task, WISH_DRAIN, GRACE_MS, &late) == ERROR_CANCELLED)
        return error_set(err, ERROR_CANCELLED, "%s", late.detail);
    return fulfil(task, WISH_ISOLATE, ADMIT_MS, err);
}

enum error_code task_switch(struct task_context *task, struct task_outcome *ret, struct error *err)
{
    (void)ret;
    return fulfil(task, WISH_SWITCH, ADMIT_MS, err);
}

enum error_code task_mend_edge(struct task_context *task, struct error *err)
{
    if (wish_of(task->job->order.task) == WISH_NONE)
        return task_open_pool(task, err);
    return ask_for(task, wish_of(task->job->order.task), err);
}

static enum error_code inspect(struct task_context *task, enum edge_wish wish, enum finding *ret,
                               struct error *err)
{
    struct server_traffic server;

    if (look(task, &server, err) != ERROR_OK)
        return err->code;
    *ret = wish_is_fulfilled(wish, &server) ? FINDING_DID : FINDING_DID_NOT;
    /* Whoever did it may have died before it was kept over a reload. */
    return *ret == FINDING_DID ? keep(task, err) : ERROR_OK;
}

enum error_code inspect_drain(struct task_context *task, enum finding *ret, struct error *err)
{
    return inspect(task, WISH_DRAIN, ret, err);
}

enum error_code inspect_admit(struct task_context *task, enum finding *ret, struct error *err)
{
    return inspect(task, WISH_ADMIT, ret, err);
}

enum error_code inspect_isolate(struct task_context *task, enum finding *ret, struct error *err)
{
    return inspect(task, WISH_ISOLATE, ret, err);
}

enum error_code inspect_switch(struct task_context *task, enum finding *ret, struct error *err)
{
    return inspect(task, WISH_SWITCH, ret, err);
}
