/* thresholds.c: the figures of a workload that can be limited. */
#include "common/proof/workload.h"

#include "common/base/text.h"

static double ratio(const struct workload_figures *figures, double before, double during)
{
    if (figures->before.count == 0 || figures->during.count == 0 || before <= 0)
        return 0; /* nothing to compare */
    return during / before;
}

static double mean_ratio(const struct workload_figures *figures)
{
    return ratio(figures, figures->before.mean_ms, figures->during.mean_ms);
}

static double p95_ratio(const struct workload_figures *figures)
{
    return ratio(figures, figures->before.p95_ms, figures->during.p95_ms);
}

static double p99_ratio(const struct workload_figures *figures)
{
    return ratio(figures, figures->before.p99_ms, figures->during.p99_ms);
}

static double longest_wait(const struct workload_figures *figures)
{
    return (double)figures->longest_wait_ms;
}

static double deadlocks(const struct workload_figures *figures)
{
    return (double)figures->deadlocks;
}

static double errors(const struct workload_figures *figures)
{
    return (double)(figures->errors + figures->during.failed);
}

const struct workload_threshold workload_thresholds[WORKLOAD_THRESHOLD_COUNT] = {
#define X(flag_, value_, doc_, otherwise_, figure_, name_)                                         \
    {.flag = (flag_), .name = (name_), .otherwise = (otherwise_), .figure = (figure_)},
    WORKLOAD_THRESHOLDS(X)
#undef X
};

enum error_code workload_judge(const struct workload_figures *figures,
                               const double limits[static WORKLOAD_THRESHOLD_COUNT],
                               struct error *err)
{
    for (size_t i = 0; i < WORKLOAD_THRESHOLD_COUNT; i++) {
        const struct workload_threshold *threshold = &workload_thresholds[i];
        double figure = threshold->figure(figures);

        if (limits[i] < 0 || figure <= limits[i])
            continue;
        return error_set(err, ERROR_VERIFY, "under load %s is %.2f; %s allows %.2f%s%s",
                         threshold->name, figure, threshold->flag, limits[i],
                         figures->error[0] != '\0' ? ": " : "", figures->error);
    }
    return ERROR_OK;
}
