/* plot.h: small pictures within a page: bars, and lines over powers of ten; SVG, no script, nothing
 * from elsewhere.  Pure.
 */
#ifndef COMMON_PROOF_PLOT_H
#define COMMON_PROOF_PLOT_H

#include "common/base/text.h"

#define PLOT_POINTS_MAX 16

struct plot_bar {
    const char *label;
    double value;  /* from 0 on */
    unsigned tone; /* which of the page's colours */
};

struct plot_line {
    const char *label;
    size_t count;                                  /* points, PLOT_POINTS_MAX at most */
    double x[PLOT_POINTS_MAX], y[PLOT_POINTS_MAX]; /* above 0 */
};

/* title says what, and in which unit; both pictures tell it to screen readers. */
void plot_bars(struct text *out, const char *title, const struct plot_bar *bars, size_t count);

/* Both axes by powers of ten; a line without points is left out. */
void plot_lines(struct text *out, const char *title, const struct plot_line *lines, size_t count);

#endif
