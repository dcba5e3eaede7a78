#include "coordinator/cli/words.h"

#include <string.h>

#define MINUTE_MS        60000
#define ESTIMATE_FROM_MS 1000

const char *words_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "" : text;
}

long long words_number(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

bool words_flag(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

/* What a state looks like: a mark, and a colour. */
static const struct look looks[] = {
    {"pending", "·", DIM},    {"due", "○", YELLOW},      {"ordered", "→", YELLOW},
    {"running", "▶", YELLOW}, {"succeeded", "✔", GREEN}, {"failed", "✘", RED},
    {"refused", "✘", RED},    {"cancelled", "✘", RED},   {"unknown", "?", RED},
    {"skipped", "-", DIM},    {"", " ", PLAIN},
};

const struct look *words_look(const char *state)
{
    size_t i = 0;

    while (looks[i].state[0] != '\0' && strcmp(looks[i].state, state) != 0)
        i++;
    return &looks[i];
}

const char *words_subject(const json_t *step)
{
    if (words_text(step, "target")[0] != '\0')
        return words_text(step, "target");
    if (words_text(step, "node")[0] != '\0')
        return words_text(step, "node");
    return words_text(step, "shard")[0] != '\0' ? words_text(step, "shard") : "the cluster";
}

void words_add_duration(struct text *out, long long ms)
{
    if (ms < MINUTE_MS)
        text_append_format(out, "%.1fs", (double)ms / 1000.0);
    else
        text_append_format(out, "%lldmin %llds", ms / MINUTE_MS, ms % MINUTE_MS / 1000);
}

void words_add_share(struct text *out, const json_t *object)
{
    long long permille = words_number(object, "share_permille");

    if (permille > 0 && permille % 10 == 0)
        text_append_format(out, " %lld%%", permille / 10);
    else if (permille > 0)
        text_append_format(out, " %lld.%lld%%", permille / 10, permille % 10);
}

static bool is_running(const json_t *step)
{
    return strcmp(words_text(step, "state"), "running") == 0;
}

/* Time left is told once there is something to tell it from. */
static void add_progress(struct text *out, const json_t *step)
{
    long long done = words_number(step, "done");
    long long total = words_number(step, "total");
    long long elapsed = words_number(step, "elapsed_ms");

    if (total <= 0)
        return;
    text_append_format(out, " %lld/%lld", done, total);
    if (!is_running(step) || done <= 0 || done >= total || elapsed < ESTIMATE_FROM_MS)
        return;
    text_append_format(out, " (%lld%%, ", done * 100 / total);
    words_add_duration(out, (long long)((double)elapsed * (double)(total - done) / (double)done));
    text_append(out, " left)");
}

/* What an open gate has seen so far. */
static void add_steadiness(struct text *out, const json_t *step)
{
    const json_t *gate = json_object_get(step, "gate");
    const char *verdict = words_text(gate, "verdict");

    if (gate == NULL || !is_running(step) || verdict[0] == '\0')
        return;
    text_append_format(out, " %s", verdict);
    if (strcmp(verdict, "pass") == 0 && words_number(gate, "steady_ms") > 0)
        text_append_format(out, " for %.1f of %.1fs",
                           (double)words_number(gate, "passing_ms") / 1000.0,
                           (double)words_number(gate, "steady_ms") / 1000.0);
    if (words_number(gate, "failing_in_a_row") > 1)
        text_append_format(out, " %lld times", words_number(gate, "failing_in_a_row"));
}

static void add_step_words(struct text *out, const json_t *step)
{
    const char *revision = words_text(step, "revision");
    bool goes_back = strcmp(words_text(step, "direction"), "undo") == 0;
    const char *undo = words_text(step, "undo");

    text_append_format(out, "%3lld %-12s %-8s", words_number(step, "id"),
                       goes_back && strcmp(undo, "none") != 0 ? undo : words_text(step, "stage"),
                       words_subject(step));
    if (revision[0] != '\0')
        text_append_format(out, " %s", revision);
    if (strcmp(words_text(step, "stage"), "switch") == 0)
        text_append_format(out, " to %s", words_text(step, goes_back ? "colour_before" : "colour"));
    if (!goes_back)
        words_add_share(out, step);
    if (strcmp(words_text(step, "stage"), "release") == 0)
        text_append_format(out, " %s", goes_back ? "(back)" : words_text(step, "release"));
    text_append_format(out, " %s%s", goes_back ? "back: " : "", words_text(step, "state"));
    if (words_number(step, "elapsed_ms") > 0) {
        text_append(out, " ");
        words_add_duration(out, words_number(step, "elapsed_ms"));
    }
    if (words_number(step, "attempt") > 1)
        text_append_format(out, " attempt %lld", words_number(step, "attempt"));
    add_progress(out, step);
    add_steadiness(out, step);
    if (words_flag(step, "kept"))
        text_append(out, " kept");
}

bool words_is_of_interest(const json_t *step)
{
    const char *state = words_text(step, "state");

    return strcmp(state, "pending") != 0 && strcmp(state, "succeeded") != 0 &&
           strcmp(state, "skipped") != 0;
}

/* A task that succeeded, and saw what somebody should look at. */
static bool has_warning(const json_t *step)
{
    return strcmp(words_text(step, "state"), "succeeded") == 0 &&
           strcmp(words_text(step, "task"), "none") != 0 && words_text(step, "detail")[0] != '\0';
}

void words_add_step(struct text *out, const json_t *step)
{
    add_step_words(out, step);
    if ((words_is_of_interest(step) || has_warning(step)) && words_text(step, "why")[0] != '\0')
        text_append_format(out, " – %s", words_text(step, "why"));
}

static void add_game_words(struct text *out, const json_t *node)
{
    const char *colour = words_text(node, "colour");

    text_append_format(out, " release %-8s traffic %-11s %s%s%s", words_text(node, "release"),
                       words_text(node, "traffic"), colour, colour[0] != '\0' ? " " : "",
                       words_flag(node, "ready")   ? "ready"
                       : words_flag(node, "rests") ? "rests"
                                                   : "not ready");
}

static void add_database_words(struct text *out, const json_t *node)
{
    text_append_format(out, " %-8s %s fingerprint %.8s lag %lld bytes", words_text(node, "role"),
                       words_text(node, "schema"), words_text(node, "fingerprint"),
                       words_number(node, "lag_bytes"));
    if (words_number(node, "drift_count") > 0)
        text_append_format(out, ", changed by hand: %s", words_text(node, "drift"));
}

static void add_edge_words(struct text *out, const json_t *node)
{
    size_t i;
    json_t *server;

    if (words_text(node, "live")[0] != '\0')
        text_append_format(out, " %s is live", words_text(node, "live"));
    if (words_number(node, "share_permille") > 0) {
        text_append_format(out, ", %s has", words_text(node, "next"));
        words_add_share(out, node);
    }
    json_array_foreach(json_object_get(node, "servers"), i, server)
    {
        text_append_format(out, " %s:%s/%lld", words_text(server, "node"),
                           words_text(server, "state"), words_number(server, "sessions"));
    }
}

static void add_pool_words(struct text *out, const json_t *node)
{
    size_t i;
    json_t *pool;

    json_array_foreach(json_object_get(node, "pools"), i, pool)
    {
        const char *server = words_text(pool, "server");

        if (!words_flag(pool, "could_measure")) {
            text_append_format(out, " %s:unknown", words_text(pool, "console"));
            continue;
        }
        text_append_format(out, " %s:%s to ", words_text(pool, "console"),
                           words_flag(pool, "paused") ? "paused" : "open");
        if (server[0] != '\0')
            text_append(out, server);
        else
            text_append_format(out, "%s:%lld", words_text(pool, "host"),
                               words_number(pool, "port"));
        text_append_format(out, " %lld clients, %lld waiting",
                           words_number(pool, "clients_active") +
                               words_number(pool, "clients_waiting"),
                           words_number(pool, "clients_waiting"));
    }
}

void words_add_node(struct text *out, const json_t *node)
{
    const char *kind = words_text(node, "kind");
    const char *quarantine = words_text(node, "quarantine");

    text_append_format(out, "%-8s %-9s %-8s", words_text(node, "name"), kind,
                       words_text(node, "link"));
    if (strcmp(kind, "game") == 0)
        add_game_words(out, node);
    else if (strcmp(kind, "database") == 0)
        add_database_words(out, node);
    else if (words_flag(node, "pooler"))
        add_pool_words(out, node);
    else
        add_edge_words(out, node);
    if (strcmp(quarantine, "none") != 0)
        text_append_format(out, " QUARANTINED (%s): %s", quarantine,
                           words_text(node, "quarantine_why"));
    if (words_text(node, "refusal")[0] != '\0')
        text_append_format(out, " REFUSES: %s", words_text(node, "refusal"));
    if (words_text(node, "fault")[0] != '\0')
        text_append_format(out, " (%s)", words_text(node, "fault"));
}

void words_add_head(struct text *out, const json_t *show)
{
    text_append_format(out, "rollout %lld %s", words_number(show, "rollout"),
                       words_text(show, "state"));
    if (words_text(show, "revision")[0] != '\0')
        text_append_format(out, " to %s", words_text(show, "revision"));
    if (words_text(show, "release")[0] != '\0')
        text_append_format(out, " release %s", words_text(show, "release"));
    text_append_format(out, " %.1fs – %s", (double)words_number(show, "elapsed_ms") / 1000.0,
                       words_text(show, "why"));
}

void words_add_kept(struct text *out, const json_t *show)
{
    size_t i;
    json_t *kept;

    json_array_foreach(json_object_get(show, "kept"), i, kept)
    {
        text_append_format(out, "\nkept expanded: %s on %s – %s", words_text(kept, "revision"),
                           words_text(kept, "shard"), words_text(kept, "why"));
    }
}

void words_add_pause(struct text *out, const json_t *show)
{
    if (words_number(show, "pause_ms") <= 0)
        return;
    text_append(out, "\nplayers were held back for ");
    words_add_duration(out, words_number(show, "pause_ms"));
}
