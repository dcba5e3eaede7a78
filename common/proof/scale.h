/* scale.h: the same history with more and more rows: how does the time of each phase grow?  Pure.
 */
#ifndef COMMON_PROOF_SCALE_H
#define COMMON_PROOF_SCALE_H

#include "common/proof/proof.h"

#define SCALE_STEPS_MAX  8
#define SCALE_FACTOR_MAX 1000000

struct scale_step {
    uint64_t factor;
    const struct proof_report *report; /* of the whole history, with so many times the rows */
};

struct scale {
    size_t count; /* 0: nobody asked */
    struct scale_step steps[SCALE_STEPS_MAX];
};

/* "1,10,100": from 1 on, each more than the one before.  False, with *ret untouched, otherwise. */
bool scale_parse(const char *text, struct scale *ret);

/* How a phase's time grows over all steps. */
enum scale_growth {
    SCALE_UNKNOWN,  /* fewer than two steps, or too short to say */
    SCALE_CONSTANT, /* whatever the number of rows */
    SCALE_LINEAR,
    SCALE_STEEPER,
    SCALE_GROWTH_COUNT
};
enum scale_growth scale_growth_of(const struct scale *scale, size_t revision,
                                  enum proof_phase phase);
const char *scale_growth_name(enum scale_growth growth); /* "constant"; "" for unknown */

/* The power of n by which t grows, as well as one fits: 0 constant, 1 linear, 2 quadratic; count
 * points, all above 0, not all of one n. */
double scale_exponent(const double *n, const double *t, size_t count);

/* A line for each revision and phase that took time. */
void scale_say(const struct scale *scale, struct text *out);

#endif
