#include "common/proof/scale.h"

#include "common/base/text.h"

#include <math.h>
#include <string.h>

#define WORD_SIZE      16
#define US_PER_MS      1000.0
#define TOO_SHORT_US   5000 /* for the largest number of rows: a few round trips */
#define EXPONENT_SMALL 0.35
#define EXPONENT_LARGE 1.35

static const char *const growth_names[SCALE_GROWTH_COUNT] = {
    [SCALE_UNKNOWN] = "",
    [SCALE_CONSTANT] = "constant",
    [SCALE_LINEAR] = "with the rows",
    [SCALE_STEEPER] = "steeper than the rows",
};

const char *scale_growth_name(enum scale_growth growth)
{
    return growth_names[growth];
}

bool scale_parse(const char *text, struct scale *ret)
{
    struct scale scale = {.count = 0};
    uint64_t last = 0;

    for (const char *at = text;;) {
        size_t length = strcspn(at, ",");
        char word[WORD_SIZE] = "";
        uint64_t factor = 0;

        if (scale.count == SCALE_STEPS_MAX || length >= sizeof(word))
            return false;
        memcpy(word, at, length);
        if (!text_to_number(word, SCALE_FACTOR_MAX, &factor) || factor <= last)
            return false;
        scale.steps[scale.count++].factor = last = factor;
        if (at[length] == '\0')
            break;
        at += length + 1;
    }
    *ret = scale;
    return true;
}

/* The slope of the straight line through the logarithms, by least squares. */
double scale_exponent(const double *n, const double *t, size_t count)
{
    double mean_x = 0, mean_y = 0, covariance = 0, variance = 0;

    for (size_t i = 0; i < count; i++) {
        mean_x += log(n[i]) / (double)count;
        mean_y += log(t[i]) / (double)count;
    }
    for (size_t i = 0; i < count; i++) {
        covariance += (log(n[i]) - mean_x) * (log(t[i]) - mean_y);
        variance += (log(n[i]) - mean_x) * (log(n[i]) - mean_x);
    }
    return variance > 0 ? covariance / variance : 0;
}

static const struct proof_revision *at(const struct scale *scale, size_t step, size_t revision)
{
    return &scale->steps[step].report->revisions[revision];
}

enum scale_growth scale_growth_of(const struct scale *scale, size_t revision,
                                  enum proof_phase phase)
{
    double rows[SCALE_STEPS_MAX], times[SCALE_STEPS_MAX], exponent;
    uint64_t longest_us = 0;

    for (size_t i = 0; i < scale->count; i++) {
        const struct proof_revision *step = at(scale, i, revision);

        if (step->rows == 0 || step->phase_us[phase] == 0)
            return SCALE_UNKNOWN;
        rows[i] = (double)step->rows;
        times[i] = (double)step->phase_us[phase];
        if (step->phase_us[phase] > longest_us)
            longest_us = step->phase_us[phase];
    }
    if (scale->count < 2 || rows[scale->count - 1] <= rows[0])
        return SCALE_UNKNOWN;
    if (longest_us < TOO_SHORT_US)
        return SCALE_CONSTANT;
    exponent = scale_exponent(rows, times, scale->count);
    if (exponent < EXPONENT_SMALL)
        return SCALE_CONSTANT;
    return exponent < EXPONENT_LARGE ? SCALE_LINEAR : SCALE_STEEPER;
}

static void say_phase(const struct scale *scale, size_t revision, enum proof_phase phase,
                      struct text *out)
{
    enum scale_growth growth = scale_growth_of(scale, revision, phase);

    text_append_format(out, "  %-10s", proof_phase_name(phase));
    for (size_t i = 0; i < scale->count; i++)
        text_append_format(out, " %12.1f",
                           (double)at(scale, i, revision)->phase_us[phase] / US_PER_MS);
    text_append_format(out, "%s%s\n", growth == SCALE_UNKNOWN ? "" : "  ",
                       scale_growth_name(growth));
}

static void say_revision(const struct scale *scale, size_t revision, struct text *out)
{
    text_append_format(out, "%-12s", at(scale, 0, revision)->revision->name);
    for (size_t i = 0; i < scale->count; i++)
        text_append_format(out, "%s%llu", i == 0 ? "  rows in all tables: " : ", ",
                           (unsigned long long)at(scale, i, revision)->rows);
    text_append(out, "\n");
    for (int p = 0; p < PROOF_PHASE_COUNT; p++)
        if (at(scale, scale->count - 1, revision)->phase_us[p] > 0)
            say_phase(scale, revision, (enum proof_phase)p, out);
}

void scale_say(const struct scale *scale, struct text *out)
{
    text_append(out, "ms at scale ");
    for (size_t i = 0; i < scale->count; i++)
        text_append_format(out, "%s%12llu", i == 0 ? "" : " ",
                           (unsigned long long)scale->steps[i].factor);
    text_append(out, "\n");
    for (size_t r = 0; r < scale->steps[0].report->count; r++)
        if (at(scale, 0, r)->is_tested)
            say_revision(scale, r, out);
}
