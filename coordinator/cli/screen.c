#include "coordinator/cli/screen.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SCREEN_BYTES_MAX  (1 << 20)
#define ROWS_OTHERWISE    24
#define COLUMNS_OTHERWISE 100
#define ROWS_KEPT         2

#define GREEN  "\x1b[32m"
#define RED    "\x1b[31m"
#define YELLOW "\x1b[33m"
#define DIM    "\x1b[2m"
#define BOLD   "\x1b[1m"
#define PLAIN  "\x1b[0m"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "" : text;
}

static long long number_of(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

static bool is_true(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

/* What a state looks like: a mark, and a colour. */
static const struct look {
    const char *state;
    const char *mark;
    const char *colour;
} looks[] = {
    {"pending", "·", DIM},    {"due", "○", YELLOW},      {"ordered", "→", YELLOW},
    {"running", "▶", YELLOW}, {"succeeded", "✔", GREEN}, {"failed", "✘", RED},
    {"refused", "✘", RED},    {"cancelled", "✘", RED},   {"unknown", "?", RED},
    {"skipped", "-", DIM},    {"", " ", PLAIN},
};

static const struct look *look_of(const char *state)
{
    size_t i = 0;

    while (looks[i].state[0] != '\0' && strcmp(looks[i].state, state) != 0)
        i++;
    return &looks[i];
}

static const char *subject_of(const json_t *step)
{
    if (text_of(step, "target")[0] != '\0')
        return text_of(step, "target");
    if (text_of(step, "node")[0] != '\0')
        return text_of(step, "node");
    return text_of(step, "shard")[0] != '\0' ? text_of(step, "shard") : "the cluster";
}

static void add_step_words(struct text *out, const json_t *step)
{
    const char *revision = text_of(step, "revision");
    bool goes_back = strcmp(text_of(step, "direction"), "undo") == 0;
    const char *undo = text_of(step, "undo");

    text_append_format(out, "%3lld %-9s %-8s", number_of(step, "id"),
                       goes_back && strcmp(undo, "none") != 0 ? undo : text_of(step, "stage"),
                       subject_of(step));
    if (revision[0] != '\0')
        text_append_format(out, " %s", revision);
    if (strcmp(text_of(step, "stage"), "release") == 0)
        text_append_format(out, " %s", goes_back ? "(back)" : text_of(step, "release"));
    text_append_format(out, " %s%s", goes_back ? "back: " : "", text_of(step, "state"));
    if (number_of(step, "elapsed_ms") > 0)
        text_append_format(out, " %.1fs", (double)number_of(step, "elapsed_ms") / 1000.0);
    if (number_of(step, "attempt") > 1)
        text_append_format(out, " attempt %lld", number_of(step, "attempt"));
    if (number_of(step, "total") > 0)
        text_append_format(out, " %lld/%lld", number_of(step, "done"), number_of(step, "total"));
    if (is_true(step, "kept"))
        text_append(out, " kept");
}

static bool is_of_interest(const json_t *step)
{
    const char *state = text_of(step, "state");

    return strcmp(state, "pending") != 0 && strcmp(state, "succeeded") != 0 &&
           strcmp(state, "skipped") != 0;
}

static void add_step(struct text *out, const json_t *step)
{
    add_step_words(out, step);
    if (is_of_interest(step) && text_of(step, "why")[0] != '\0')
        text_append_format(out, " – %s", text_of(step, "why"));
}

static void add_game_words(struct text *out, const json_t *node)
{
    text_append_format(out, " release %-8s traffic %-11s %s", text_of(node, "release"),
                       text_of(node, "traffic"), is_true(node, "ready") ? "ready" : "not ready");
}

static void add_database_words(struct text *out, const json_t *node)
{
    text_append_format(out, " %-8s %s fingerprint %.8s lag %lld bytes", text_of(node, "role"),
                       text_of(node, "schema"), text_of(node, "fingerprint"),
                       number_of(node, "lag_bytes"));
}

static void add_edge_words(struct text *out, const json_t *node)
{
    size_t i;
    json_t *server;

    json_array_foreach(json_object_get(node, "servers"), i, server)
    {
        text_append_format(out, " %s:%s/%lld", text_of(server, "node"), text_of(server, "state"),
                           number_of(server, "sessions"));
    }
}

static void add_node(struct text *out, const json_t *node)
{
    const char *kind = text_of(node, "kind");
    const char *quarantine = text_of(node, "quarantine");

    text_append_format(out, "%-8s %-9s %-8s", text_of(node, "name"), kind, text_of(node, "link"));
    if (strcmp(kind, "game") == 0)
        add_game_words(out, node);
    else if (strcmp(kind, "database") == 0)
        add_database_words(out, node);
    else
        add_edge_words(out, node);
    if (strcmp(quarantine, "none") != 0)
        text_append_format(out, " QUARANTINED (%s): %s", quarantine,
                           text_of(node, "quarantine_why"));
    if (text_of(node, "refusal")[0] != '\0')
        text_append_format(out, " REFUSES: %s", text_of(node, "refusal"));
    if (text_of(node, "fault")[0] != '\0')
        text_append_format(out, " (%s)", text_of(node, "fault"));
}

static void add_head(struct text *out, const json_t *show)
{
    text_append_format(out, "rollout %lld %s", number_of(show, "rollout"), text_of(show, "state"));
    if (text_of(show, "revision")[0] != '\0')
        text_append_format(out, " to %s", text_of(show, "revision"));
    if (text_of(show, "release")[0] != '\0')
        text_append_format(out, " release %s", text_of(show, "release"));
    text_append_format(out, " %.1fs – %s", (double)number_of(show, "elapsed_ms") / 1000.0,
                       text_of(show, "why"));
}

static void add_kept(struct text *out, const json_t *show)
{
    size_t i;
    json_t *kept;

    json_array_foreach(json_object_get(show, "kept"), i, kept)
    {
        text_append_format(out, "\nkept expanded: %s", json_string_value(kept));
    }
}

/* ---- once ---- */

void screen_print_nodes(const struct cli *cli, const json_t *nodes)
{
    size_t i;
    json_t *node;

    json_array_foreach(nodes, i, node)
    {
        struct text *line = text_new(NULL, SCREEN_BYTES_MAX);

        add_node(line, node);
        cli_say(cli, "%s", line->data);
        talloc_free(line);
    }
}

static void print_head(const struct cli *cli, const json_t *show)
{
    struct text *line = text_new(NULL, SCREEN_BYTES_MAX);

    add_head(line, show);
    add_kept(line, show);
    cli_say(cli, "%s", line->data);
    talloc_free(line);
}

static void print_step(const struct cli *cli, const json_t *step)
{
    struct text *line = text_new(NULL, SCREEN_BYTES_MAX);

    add_step(line, step);
    cli_say(cli, "%s %s", look_of(text_of(step, "state"))->mark, line->data);
    talloc_free(line);
}

void screen_print(const struct cli *cli, const json_t *show)
{
    size_t i;
    json_t *step;

    print_head(cli, show);
    screen_print_nodes(cli, json_object_get(show, "nodes"));
    json_array_foreach(json_object_get(show, "steps"), i, step)
    {
        print_step(cli, step);
    }
}

/* ---- a plan ---- */

static void print_plan_step(const struct cli *cli, const json_t *step)
{
    struct text *line = text_new(NULL, SCREEN_BYTES_MAX);
    const char *undo = text_of(step, "undo");
    size_t i;
    json_t *need;

    text_append_format(line, "%3lld %-9s %-8s", number_of(step, "id"), text_of(step, "stage"),
                       subject_of(step));
    if (strcmp(text_of(step, "node"), subject_of(step)) != 0 && text_of(step, "node")[0] != '\0')
        text_append_format(line, " by %s", text_of(step, "node"));
    if (text_of(step, "revision")[0] != '\0')
        text_append_format(line, " %s", text_of(step, "revision"));
    if (number_of(step, "wave") > 0)
        text_append_format(line, " wave %lld", number_of(step, "wave"));
    if (strcmp(undo, "none") != 0)
        text_append_format(line, " (undone by %s)", undo);
    else if (strcmp(text_of(step, "stage"), "contract") == 0 ||
             strcmp(text_of(step, "stage"), "revert") == 0)
        text_append(line, " (no way back)");
    if (is_true(step, "undo_only"))
        text_append(line, " only on the way back");
    text_append(line, " after");
    json_array_foreach(json_object_get(step, "needs"), i, need)
    {
        text_append_format(line, " %lld", (long long)json_integer_value(need));
    }
    cli_say(cli, "%s", line->data);
    talloc_free(line);
}

void screen_print_plan(const struct cli *cli, const json_t *show)
{
    size_t i;
    json_t *item;

    cli_say(cli, "rollout %lld, %s, to %s%s%s", number_of(show, "rollout"),
            text_of(show, "strategy"), text_of(show, "revision"),
            text_of(show, "release")[0] != '\0' ? ", release " : "", text_of(show, "release"));
    json_array_foreach(json_object_get(show, "revisions"), i, item)
    {
        cli_say(cli, "  moves %s", json_string_value(item));
    }
    json_array_foreach(json_object_get(show, "steps"), i, item)
    {
        print_plan_step(cli, item);
    }
    cli_say(cli, "digest %s", text_of(show, "digest"));
}

/* ---- changes ---- */

static const json_t *step_before(const json_t *before, size_t i)
{
    return json_array_get(json_object_get(before, "steps"), i);
}

static bool has_moved(const json_t *before, const json_t *now)
{
    return before == NULL || strcmp(text_of(before, "state"), text_of(now, "state")) != 0 ||
           strcmp(text_of(before, "direction"), text_of(now, "direction")) != 0;
}

static bool is_worth_a_line(const json_t *step)
{
    const char *state = text_of(step, "state");

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

/* ---- in place ---- */

struct painter {
    struct text *out;
    int rows; /* that still fit */
    int columns;
};

/* Bytes of the longest beginning that fits; a UTF-8 sequence counts as one column. */
static size_t fitting(const char *text, int columns)
{
    size_t i = 0;

    while (text[i] != '\0') {
        size_t next = i + 1;

        while (((unsigned char)text[next] & 0xc0) == 0x80)
            next++;
        if (columns-- == 0)
            break;
        i = next;
    }
    return i;
}

static void paint_line(struct painter *p, const char *colour, const char *text)
{
    if (p->rows <= 0)
        return;
    p->rows--;
    text_append(p->out, "\x1b[2K");
    text_append(p->out, colour);
    text_append_bytes(p->out, text, fitting(text, p->columns - 1));
    text_append(p->out, PLAIN "\n");
}

static void paint_step(struct painter *p, const json_t *step)
{
    const struct look *look = look_of(text_of(step, "state"));
    struct text *line = text_new(NULL, SCREEN_BYTES_MAX);

    text_append_format(line, "  %s ", look->mark);
    add_step(line, step);
    paint_line(p, look->colour, line->data);
    talloc_free(line);
}

static void paint_nodes(struct painter *p, const json_t *show)
{
    size_t i;
    json_t *node;

    json_array_foreach(json_object_get(show, "nodes"), i, node)
    {
        struct text *line = text_new(NULL, SCREEN_BYTES_MAX);
        bool is_well = strcmp(text_of(node, "link"), "online") == 0 &&
                       strcmp(text_of(node, "quarantine"), "none") == 0;

        text_append(line, "  ");
        add_node(line, node);
        paint_line(p, is_well ? PLAIN : RED, line->data);
        talloc_free(line);
    }
}

/* What is under way, as many of the last done as fit before it, then what comes next. */
static void paint_steps(struct painter *p, const json_t *steps)
{
    size_t count = json_array_size(steps);
    size_t first = count;
    size_t room = p->rows > 0 ? (size_t)p->rows : 0;
    size_t from;

    for (size_t i = 0; i < count && first == count; i++)
        if (is_of_interest(json_array_get(steps, i)))
            first = i;
    if (first == count)
        first = count > room ? count - room : 0;
    from = first > room / 3 ? first - room / 3 : 0;
    if (count - from < room)
        from = count > room ? count - room : 0;
    for (size_t i = from; i < count; i++)
        paint_step(p, json_array_get(steps, i));
}

static void measure(struct painter *p)
{
    struct winsize size;

    p->rows = ROWS_OTHERWISE;
    p->columns = COLUMNS_OTHERWISE;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > ROWS_KEPT) {
        p->rows = size.ws_row;
        p->columns = size.ws_col;
    }
    p->rows -= ROWS_KEPT;
}

void screen_draw(const json_t *show)
{
    struct painter p = {.out = text_new(NULL, SCREEN_BYTES_MAX)};
    struct text *head = text_new(p.out, SCREEN_BYTES_MAX);

    measure(&p);
    text_append(p.out, "\x1b[H");
    add_head(head, show);
    paint_line(&p, BOLD, head->data);
    paint_nodes(&p, show);
    paint_line(&p, PLAIN, "");
    paint_steps(&p, json_object_get(show, "steps"));
    text_append(p.out, "\x1b[J");
    (void)fwrite(p.out->data, 1, p.out->size, stdout);
    (void)fflush(stdout);
    talloc_free(p.out);
}
