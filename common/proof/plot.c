#include "common/proof/plot.h"

#include "common/proof/report_escape.h"

#include <limits.h>
#include <math.h>

#define WIDTH      720
#define LABEL_X    130 /* where labels end and pictures begin */
#define VALUE_ROOM 90  /* behind the longest bar */
#define BAR_STEP   20
#define BAR_HEIGHT 14
#define TEXT_DROP  11 /* from a bar's upper edge to its text's base line */
#define HEIGHT     260
#define FOOT       24
#define HEAD       10
#define TONES      5 /* of the page's style */

static void begin(struct text *out, const char *title, size_t height)
{
    text_append_format(out, "<svg viewBox=\"0 0 %d %zu\" role=\"img\" aria-label=\"", WIDTH,
                       height);
    report_escape(out, title);
    text_append(out, "\"><title>");
    report_escape(out, title);
    text_append(out, "</title>\n");
}

/* anchor: "end", "start", "middle". */
static void append_word(struct text *out, double x, double y, const char *anchor, const char *word)
{
    text_append_format(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    report_escape(out, word);
    text_append(out, "</text>");
}

static void append_number(struct text *out, double x, double y, const char *anchor, double number)
{
    char word[32];

    (void)text_format(word, sizeof(word), "%.*f", number < 10 && number > 0 ? 2 : 0, number);
    append_word(out, x, y, anchor, word);
}

/* ---- bars ---- */

static double largest(const struct plot_bar *bars, size_t count)
{
    double most = 0;

    for (size_t i = 0; i < count; i++)
        if (bars[i].value > most)
            most = bars[i].value;
    return most > 0 ? most : 1;
}

void plot_bars(struct text *out, const char *title, const struct plot_bar *bars, size_t count)
{
    double most = largest(bars, count);

    begin(out, title, count * BAR_STEP);
    for (size_t i = 0; i < count; i++) {
        double y = (double)i * BAR_STEP;
        double width = bars[i].value / most * (WIDTH - LABEL_X - VALUE_ROOM);

        append_word(out, LABEL_X - 8, y + TEXT_DROP, "end", bars[i].label);
        text_append_format(out,
                           "<rect class=\"tone%u\" x=\"%d\" y=\"%.1f\" width=\"%.1f\""
                           " height=\"%d\"/>",
                           bars[i].tone % TONES, LABEL_X, y, width, BAR_HEIGHT);
        append_number(out, LABEL_X + width + 6, y + TEXT_DROP, "start", bars[i].value);
        text_append(out, "\n");
    }
    text_append(out, "</svg>\n");
}

/* ---- lines ---- */

/* From which to which power of ten an axis goes. */
struct axis {
    int low, high;
};

static void widen(struct axis *axis, double value)
{
    int floor_of = (int)floor(log10(value)), ceiling = (int)ceil(log10(value));

    axis->low = floor_of < axis->low ? floor_of : axis->low;
    axis->high = ceiling > axis->high ? ceiling : axis->high;
}

static struct axis axis_of(const struct plot_line *lines, size_t count, bool is_x)
{
    struct axis axis = {.low = INT_MAX, .high = INT_MIN};

    for (size_t i = 0; i < count; i++)
        for (size_t p = 0; p < lines[i].count; p++)
            widen(&axis, is_x ? lines[i].x[p] : lines[i].y[p]);
    if (axis.high == axis.low)
        axis.high = axis.low + 1;
    return axis;
}

static double place(const struct axis *axis, double value)
{
    return (log10(value) - axis->low) / (axis->high - axis->low);
}

static double x_of(const struct axis *axis, double value)
{
    return LABEL_X + place(axis, value) * (WIDTH - 2 * LABEL_X);
}

static double y_of(const struct axis *axis, double value)
{
    return HEIGHT - FOOT - place(axis, value) * (HEIGHT - FOOT - HEAD);
}

static void append_grid(struct text *out, const struct axis *x, const struct axis *y)
{
    for (int power = x->low; power <= x->high; power++) {
        double at = x_of(x, pow(10, power));

        text_append_format(out, "<path class=\"grid\" d=\"M%.1f %d V%d\"/>", at, HEAD,
                           HEIGHT - FOOT);
        append_number(out, at, HEIGHT - 8, "middle", pow(10, power));
    }
    for (int power = y->low; power <= y->high; power++) {
        double at = y_of(y, pow(10, power));

        text_append_format(out, "<path class=\"grid\" d=\"M%d %.1f H%d\"/>", LABEL_X, at,
                           WIDTH - LABEL_X);
        append_number(out, LABEL_X - 8, at + 4, "end", pow(10, power));
    }
    text_append(out, "\n");
}

void plot_lines(struct text *out, const char *title, const struct plot_line *lines, size_t count)
{
    struct axis x = axis_of(lines, count, true), y = axis_of(lines, count, false);

    if (x.low > x.high)
        return; /* there is no point */
    begin(out, title, HEIGHT);
    append_grid(out, &x, &y);
    for (size_t i = 0; i < count; i++) {
        const struct plot_line *line = &lines[i];

        if (line->count == 0)
            continue;
        text_append_format(out, "<path class=\"line stroke%zu\" d=\"", i % TONES);
        for (size_t p = 0; p < line->count; p++)
            text_append_format(out, "%s%.1f %.1f", p == 0 ? "M" : " L", x_of(&x, line->x[p]),
                               y_of(&y, line->y[p]));
        text_append(out, "\"/>");
        append_word(out, x_of(&x, line->x[line->count - 1]) + 6,
                    y_of(&y, line->y[line->count - 1]) + 4, "start", line->label);
        text_append(out, "\n");
    }
    text_append(out, "</svg>\n");
}
