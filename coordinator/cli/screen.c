#include "coordinator/cli/screen.h"

#include "common/base/memory.h"
#include "coordinator/cli/words.h"

#include <string.h>

/* ---- once ---- */

void screen_print_nodes(const struct cli *cli, const json_t *nodes)
{
    size_t i;
    json_t *node;

    json_array_foreach(nodes, i, node)
    {
        struct text *line = text_new(NULL, WORDS_BYTES_MAX);

        words_add_node(line, node);
        cli_say(cli, "%s", line->data);
        talloc_free(line);
    }
}

static void print_head(const struct cli *cli, const json_t *show)
{
    struct text *line = text_new(NULL, WORDS_BYTES_MAX);

    words_add_head(line, show);
    words_add_pause(line, show);
    words_add_kept(line, show);
    cli_say(cli, "%s", line->data);
    talloc_free(line);
}

static void print_step(const struct cli *cli, const json_t *step)
{
    struct text *line = text_new(NULL, WORDS_BYTES_MAX);

    words_add_step(line, step);
    cli_say(cli, "%s %s", words_look(words_text(step, "state"))->mark, line->data);
    talloc_free(line);
}

static void print_window(const struct cli *cli, const json_t *show)
{
    if (words_text(show, "window")[0] != '\0')
        cli_say(cli, "  window (UTC): %s", words_text(show, "window"));
    if (words_text(show, "override_window")[0] != '\0')
        cli_say(cli, "  it does not keep to the window: %s", words_text(show, "override_window"));
}

void screen_print(const struct cli *cli, const json_t *show)
{
    size_t i;
    json_t *step;

    print_head(cli, show);
    print_window(cli, show);
    screen_print_nodes(cli, json_object_get(show, "nodes"));
    json_array_foreach(json_object_get(show, "steps"), i, step)
    {
        print_step(cli, step);
    }
    screen_print_rehearsals(cli, show);
}

/* ---- a plan ---- */

static void print_plan_step(const struct cli *cli, const json_t *step)
{
    struct text *line = text_new(NULL, WORDS_BYTES_MAX);
    const char *undo = words_text(step, "undo");
    size_t i;
    json_t *need;

    text_append_format(line, "%3lld %-12s %-8s", words_number(step, "id"),
                       words_text(step, "stage"), words_subject(step));
    if (strcmp(words_text(step, "node"), words_subject(step)) != 0 &&
        words_text(step, "node")[0] != '\0')
        text_append_format(line, " by %s", words_text(step, "node"));
    if (words_text(step, "revision")[0] != '\0')
        text_append_format(line, " %s", words_text(step, "revision"));
    if (words_text(step, "colour")[0] != '\0')
        text_append_format(line, " %s", words_text(step, "colour"));
    words_add_share(line, step);
    if (words_number(step, "wave") > 0)
        text_append_format(line, " wave %lld", words_number(step, "wave"));
    if (strcmp(undo, "none") != 0)
        text_append_format(line, " (undone by %s)", undo);
    else if (strcmp(words_text(step, "stage"), "contract") == 0 ||
             strcmp(words_text(step, "stage"), "close") == 0 ||
             strcmp(words_text(step, "stage"), "revert") == 0)
        text_append(line, " (no way back)");
    if (words_flag(step, "undo_only"))
        text_append(line, " only on the way back");
    text_append(line, " after");
    json_array_foreach(json_object_get(step, "needs"), i, need)
    {
        text_append_format(line, " %lld", (long long)json_integer_value(need));
    }
    cli_say(cli, "%s", line->data);
    talloc_free(line);
}

static void print_budget(const struct cli *cli, const json_t *options)
{
    struct text *line = text_new(NULL, WORDS_BYTES_MAX);

    text_append(line, "  nobody plays meanwhile; back before ");
    words_add_duration(line, words_number(options, "budget_ms"));
    text_append(line, " are used up, as long as no contract has begun");
    cli_say(cli, "%s", line->data);
    talloc_free(line);
}

static void print_max_pause(const struct cli *cli, const json_t *options)
{
    struct text *line = text_new(NULL, WORDS_BYTES_MAX);

    text_append(line,
                "  players wait while the pools are pointed at the other database, for at most ");
    words_add_duration(line, words_number(options, "max_pause_ms"));
    cli_say(cli, "%s", line->data);
    talloc_free(line);
}

/* What becomes of players who do not go home. */
static void print_drain(const struct cli *cli, const json_t *options)
{
    const char *policy = words_text(options, "on_drain_late");
    bool waits = strcmp(policy, "wait") == 0;
    const char *follows = strcmp(words_text(options, "on_failure"), "halt") == 0
                              ? "the step fails and the rollout halts"
                              : "the step fails and everything goes back";
    struct text *line = text_new(NULL, WORDS_BYTES_MAX);

    text_append(line, "  drains: sessions have ");
    words_add_duration(line, words_number(options, "drain_ms"));
    text_append(line, " to end; then ");
    if (waits) {
        text_append(line, "somebody is called, and they are waited for up to another ");
        words_add_duration(line, words_number(options, "drain_max_ms"));
        text_append(line, "; then ");
    }
    text_append(line, strcmp(policy, "force") == 0 ? "they are cut" : follows);
    cli_say(cli, "%s", line->data);
    talloc_free(line);
}

static bool has_drain(const json_t *show)
{
    size_t i;
    json_t *step;

    json_array_foreach(json_object_get(show, "steps"), i, step)
    {
        if (strcmp(words_text(step, "stage"), "drain") == 0)
            return true;
    }
    return false;
}

void screen_print_plan(const struct cli *cli, const json_t *show)
{
    size_t i;
    json_t *item;

    cli_say(cli, "rollout %lld, %s, to %s%s%s", words_number(show, "rollout"),
            words_text(show, "strategy"), words_text(show, "revision"),
            words_text(show, "release")[0] != '\0' ? ", release " : "",
            words_text(show, "release"));
    screen_print_plan_rehearsal(cli, show);
    if (words_number(json_object_get(show, "options"), "budget_ms") > 0)
        print_budget(cli, json_object_get(show, "options"));
    if (words_number(json_object_get(show, "options"), "max_pause_ms") > 0)
        print_max_pause(cli, json_object_get(show, "options"));
    print_window(cli, show);
    if (has_drain(show))
        print_drain(cli, json_object_get(show, "options"));
    json_array_foreach(json_object_get(show, "revisions"), i, item)
    {
        cli_say(cli, "  moves %s", json_string_value(item));
    }
    json_array_foreach(json_object_get(show, "steps"), i, item)
    {
        print_plan_step(cli, item);
    }
    cli_say(cli, "digest %s", words_text(show, "digest"));
}

/* ---- changes ---- */

static const json_t *step_before(const json_t *before, size_t i)
{
    return json_array_get(json_object_get(before, "steps"), i);
}

static bool has_moved(const json_t *before, const json_t *now)
{
    return before == NULL || strcmp(words_text(before, "state"), words_text(now, "state")) != 0 ||
           strcmp(words_text(before, "direction"), words_text(now, "direction")) != 0;
}

static bool is_worth_a_line(const json_t *step)
{
    const char *state = words_text(step, "state");

    return strcmp(state, "pending") != 0 && strcmp(state, "skipped") != 0;
}

void screen_print_changes(const struct cli *cli, const json_t *before, const json_t *show)
{
    size_t i;
    json_t *step;

    if (has_moved(before, show))
        print_head(cli, show);
    json_array_foreach(json_object_get(show, "steps"), i, step)
    {
        if (has_moved(step_before(before, i), step) && is_worth_a_line(step))
            print_step(cli, step);
    }
}
