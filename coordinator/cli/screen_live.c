/* screen_live.c: a rollout in place on a terminal: its head, a tree of shards and nodes, its steps.
 */
#include "common/base/memory.h"
#include "coordinator/cli/screen.h"
#include "coordinator/cli/words.h"

#include <stdio.h>
#include <string.h>

#define ROWS_KEPT    1 /* below the last line */
#define COLUMNS_KEPT 1 /* a full line would wrap on some terminals */
#define BAR_COLUMNS  20

struct painter {
    struct text *out;
    const struct terminal *terminal;
    int rows; /* that still fit */
};

static void paint_line(struct painter *p, const char *colour, const char *text)
{
    char *line;

    if (p->rows <= 0)
        return;
    p->rows--;
    line = memory_text(p->out, text);
    terminal_disarm(line, "");
    line[terminal_fitting(line, p->terminal->columns - COLUMNS_KEPT)] = '\0';
    text_append(p->out, "\x1b[2K");
    if (p->terminal->has_colour)
        text_append(p->out, colour);
    terminal_spell(p->terminal, line, p->out);
    text_append(p->out, p->terminal->has_colour ? PLAIN "\n" : "\n");
    talloc_free(line);
}

/* ---- the head ---- */

static bool is_over(const json_t *step)
{
    const char *state = words_text(step, "state");

    return strcmp(state, "succeeded") == 0 || strcmp(state, "skipped") == 0;
}

/* Going back, a step is over when it is taken back. */
static size_t count_over(const json_t *show, bool goes_back)
{
    size_t over = 0;
    size_t i;
    json_t *step;

    json_array_foreach(json_object_get(show, "steps"), i, step)
    {
        bool is_back = strcmp(words_text(step, "direction"), "undo") == 0;

        over += is_over(step) && is_back == goes_back;
    }
    return over;
}

static bool goes_back(const json_t *show)
{
    size_t i;
    json_t *step;

    json_array_foreach(json_object_get(show, "steps"), i, step)
    {
        if (strcmp(words_text(step, "direction"), "undo") == 0)
            return true;
    }
    return false;
}

static void paint_head(struct painter *p, const json_t *show)
{
    struct text *line = text_new(NULL, WORDS_BYTES_MAX);
    size_t count = json_array_size(json_object_get(show, "steps"));
    size_t over = count_over(show, goes_back(show));

    text_append_format(line, "rollout %lld  %s", words_number(show, "rollout"),
                       words_text(show, "state"));
    if (words_text(show, "revision")[0] != '\0')
        text_append_format(line, "  to %s", words_text(show, "revision"));
    if (words_text(show, "release")[0] != '\0')
        text_append_format(line, "  release %s", words_text(show, "release"));
    text_append(line, "  ");
    words_add_duration(line, words_number(show, "elapsed_ms"));
    if (count > 0) {
        text_append(line, "  ");
        for (size_t i = 0; i < BAR_COLUMNS; i++)
            text_append(line, i < over * BAR_COLUMNS / count ? "█" : "░");
        text_append_format(line, " %zu of %zu steps%s", over, count,
                           goes_back(show) ? " taken back" : "");
    }
    paint_line(p, BOLD, line->data);
    paint_line(p, PLAIN, words_text(show, "why"));
    talloc_free(line);
}

/* ---- the tree ---- */

/* Edges without a shard of their own carry all: they stand apart. */
static const char *branch_of(const json_t *node)
{
    const char *shard = words_text(node, "shard");

    return shard[0] != '\0' ? shard : "every shard";
}

static bool is_first_of_branch(const json_t *nodes, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(branch_of(json_array_get(nodes, i)), branch_of(json_array_get(nodes, at))) == 0)
            return false;
    return true;
}

static bool is_last_of_branch(const json_t *nodes, size_t at)
{
    for (size_t i = at + 1; i < json_array_size(nodes); i++)
        if (strcmp(branch_of(json_array_get(nodes, i)), branch_of(json_array_get(nodes, at))) == 0)
            return false;
    return true;
}

static void paint_node(struct painter *p, const json_t *nodes, size_t at)
{
    const json_t *node = json_array_get(nodes, at);
    struct text *line = text_new(NULL, WORDS_BYTES_MAX);
    bool is_well = strcmp(words_text(node, "link"), "online") == 0 &&
                   strcmp(words_text(node, "quarantine"), "none") == 0;

    text_append(line, is_last_of_branch(nodes, at) ? "└─ " : "├─ ");
    words_add_node(line, node);
    paint_line(p, is_well ? PLAIN : RED, line->data);
    talloc_free(line);
}

static void paint_tree(struct painter *p, const json_t *nodes)
{
    for (size_t first = 0; first < json_array_size(nodes); first++) {
        const char *branch = branch_of(json_array_get(nodes, first));

        if (!is_first_of_branch(nodes, first))
            continue;
        paint_line(p, BOLD, branch);
        for (size_t i = first; i < json_array_size(nodes); i++)
            if (strcmp(branch_of(json_array_get(nodes, i)), branch) == 0)
                paint_node(p, nodes, i);
    }
}

/* ---- the steps ---- */

/* What is only for the way back is no news going forward. */
static bool is_hidden(const json_t *step)
{
    return words_flag(step, "undo_only") && !words_is_of_interest(step);
}

static void paint_step(struct painter *p, const json_t *step)
{
    const struct look *look = words_look(words_text(step, "state"));
    struct text *line = text_new(NULL, WORDS_BYTES_MAX);

    text_append_format(line, "  %s ", look->mark);
    words_add_step(line, step);
    paint_line(p, look->colour, line->data);
    talloc_free(line);
}

/* What is under way, as many of the last done as fit before it, then what comes next. */
static void paint_steps(struct painter *p, const json_t *steps)
{
    json_t *shown = json_array();
    size_t room = p->rows > 0 ? (size_t)p->rows : 0;
    size_t count, first, from, i;
    json_t *step;

    json_array_foreach(steps, i, step)
    {
        if (!is_hidden(step))
            (void)json_array_append(shown, step);
    }
    first = count = json_array_size(shown);
    for (i = 0; i < count && first == count; i++)
        if (words_is_of_interest(json_array_get(shown, i)))
            first = i;
    if (first == count)
        first = count > room ? count - room : 0;
    from = first > room / 3 ? first - room / 3 : 0;
    if (count - from < room)
        from = count > room ? count - room : 0;
    for (i = from; i < count; i++)
        paint_step(p, json_array_get(shown, i));
    json_decref(shown);
}

void screen_render(const json_t *show, const struct terminal *terminal, struct text *out)
{
    struct painter p = {.out = out, .terminal = terminal, .rows = terminal->rows - ROWS_KEPT};

    text_append(out, "\x1b[H");
    paint_head(&p, show);
    paint_line(&p, PLAIN, "");
    paint_tree(&p, json_object_get(show, "nodes"));
    paint_line(&p, PLAIN, "");
    paint_steps(&p, json_object_get(show, "steps"));
    text_append(out, "\x1b[J");
}

void screen_draw(const json_t *show)
{
    struct text *out = text_new(NULL, WORDS_BYTES_MAX);
    struct terminal terminal;

    terminal_look(&terminal);
    screen_render(show, &terminal, out);
    (void)fwrite(out->data, 1, out->size, stdout);
    (void)fflush(stdout);
    talloc_free(out);
}
