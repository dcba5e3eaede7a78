#include "agent/watch.h"

#include "agent/probe/probe.h"
#include "agent/traffic/pooler.h"
#include "agent/traffic/traffic.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <jansson.h>
#include <string.h>
#include <sys/statvfs.h>

#define RELEASE_MS 1000

bool watch_release(const struct agent_config *config, char ret[static NAME_SIZE])
{
    struct probe_answer answer;
    json_t *document;
    const char *release;
    bool is_known;

    ret[0] = '\0';
    if (!probe_get(config->game.release_url, RELEASE_MS, &answer))
        return false;
    document = json_loads(answer.body, 0, NULL);
    release = json_string_value(json_object_get(document, "release"));
    is_known = release != NULL && text_is_name(release, NAME_MAX_LENGTH);
    if (is_known)
        (void)text_copy(ret, NAME_SIZE, release);
    json_decref(document);
    return is_known;
}

static uint64_t disk_free(const char *folder)
{
    struct statvfs info;

    if (folder == NULL || statvfs(folder, &info) != 0)
        return 0;
    return (uint64_t)info.f_bavail * info.f_frsize;
}

static void look_at_game(const struct agent_config *config, const void *parent, struct report *ret)
{
    const struct game_config *game = &config->game;

    ret->could_measure = true;
    ret->is_up = watch_release(config, ret->release);
    if (!ret->is_up)
        (void)text_copy(ret->fault, sizeof(ret->fault), "the game server does not answer");
    ret->reads = memory_array(parent, struct name_item, game->read_count);
    ret->read_count = game->read_count;
    for (size_t i = 0; i < game->read_count; i++)
        (void)text_copy(ret->reads[i].name, NAME_SIZE, game->reads[i]);
    ret->disk_free_bytes = disk_free(game->data);
}

/* What a watcher keeps between beats. */
struct watcher {
    struct database_watch *database; /* of a database node */
    struct pooler *pooler;           /* of a pooler */
};

static void look_at_edge(const struct agent_config *config, struct pooler *pooler,
                         const void *parent, struct report *ret)
{
    const struct traffic_driver *driver = traffic_driver(&config->edge);
    struct error err;
    enum error_code code;

    if (pooler != NULL)
        code = pooler_look(pooler, parent, &ret->pools, &ret->pool_count, &err);
    else
        code = driver->read(&config->edge, parent, &ret->servers, &ret->server_count, &err);
    if (code == ERROR_OK && config->edge.colour_count > 0)
        code = driver->live(&config->edge, ret, &err);
    ret->could_measure = code == ERROR_OK;
    ret->is_up = ret->could_measure;
    if (!ret->could_measure)
        (void)text_copy(ret->fault, sizeof(ret->fault), err.detail);
}

static void run_probes(const struct agent_config *config, const void *parent, struct report *ret)
{
    ret->probes = memory_array(parent, struct probe_result, config->probe_count);
    ret->probe_count = config->probe_count;
    for (size_t i = 0; i < config->probe_count; i++)
        probe_run(config, &config->probes[i], &ret->probes[i]);
}

static void look(const struct agent_config *config, const struct watcher *watcher,
                 const void *parent, struct report *ret)
{
    uint64_t began = clock_monotonic_ms();

    ret->kind = config->kind;
    if (config->kind == KIND_DATABASE) {
        ret->could_measure = database_watch_look(watcher->database, parent, ret);
        ret->is_up = ret->could_measure;
        ret->disk_free_bytes = disk_free(config->database.data);
    } else if (config->kind == KIND_GAME) {
        look_at_game(config, parent, ret);
    } else {
        look_at_edge(config, watcher->pooler, parent, ret);
    }
    run_probes(config, parent, ret);
    /* Evidence is as old as its oldest part. */
    ret->age_ms = clock_monotonic_ms() - began;
}

void watch_run(const struct agent_config *config, struct channel *channel, const char *node)
{
    struct watcher watcher = {.database = config->kind == KIND_DATABASE ? database_watch_new(config)
                                                                        : NULL};

    if (config->kind == KIND_EDGE && traffic_driver(&config->edge)->is_pooler)
        watcher.pooler = pooler_new(NULL, &config->edge);
    (void)node;
    while (!channel->is_closed) {
        void *memory = memory_zeroed(NULL, 1, 1, "beat");
        uint64_t began = clock_monotonic_ms();
        struct report report = {.is_up = false};
        enum frame_type type;
        void *body;
        uint64_t took;

        look(config, &watcher, memory, &report);
        if (!channel_send(channel->fd, FRAME_REPORT, &report))
            channel->is_closed = true;
        took = clock_monotonic_ms() - began;
        /* The pause between beats ends early when the agent is gone. */
        (void)channel_await(channel, took < WATCH_BEAT_MS ? (int)(WATCH_BEAT_MS - took) : 1, memory,
                            &type, &body);
        talloc_free(memory);
    }
    talloc_free(watcher.database);
    talloc_free(watcher.pooler);
}
