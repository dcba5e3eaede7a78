#include "common/proof/report_internal.h"

#include "common/base/memory.h"

#include <inttypes.h>

#define DIFFERENCES_SHOWN 200
#define US_PER_MS         1000

static void say_difference(const struct difference *difference, struct text *out)
{
    for (size_t i = 0; i < difference->count && i < DIFFERENCES_SHOWN; i++) {
        text_append(out, "  ");
        difference_say(&difference->entries[i], out);
        text_append(out, "\n");
    }
    if (difference->count > DIFFERENCES_SHOWN)
        text_append_format(out, "  and %zu more; JSON has them all\n",
                           difference->count - DIFFERENCES_SHOWN);
}

static void say_results(const struct proof_revision *revision, struct text *out)
{
    for (int i = 0; i < PROOF_CHECK_COUNT; i++) {
        const struct proof_result *result = &revision->results[i];

        if (result->sentence[0] != '\0')
            text_append_format(out, "        %s: %s\n", proof_check_name((enum proof_check)i),
                               result->sentence);
        if (result->difference != NULL)
            say_difference(result->difference, out);
    }
}

static void say_load(const struct workload_figures *load, struct text *out)
{
    const struct latency *before = &load->before, *during = &load->during;

    text_append_format(out,
                       "        load: %" PRIu64 " transactions before, %" PRIu64
                       " during: mean %.2f, %.2f ms; 95%% within %.2f, %.2f; 99%% within %.2f, "
                       "%.2f; the longest %.2f, %.2f\n",
                       before->count, during->count, before->mean_ms, during->mean_ms,
                       before->p95_ms, during->p95_ms, before->p99_ms, during->p99_ms,
                       before->max_ms, during->max_ms);
    text_append_format(out,
                       "        load: %" PRIu64 " waits for locks were met, %" PRIu64
                       " ms at most; %" PRIu64 " deadlocks, %" PRIu64 " errors\n",
                       load->waits, load->longest_wait_ms, load->deadlocks,
                       load->errors + during->failed);
}

/* "up, revert, again (120 ms)" */
static void say_made(const struct proof_revision *revision, struct text *out)
{
    const char *before = "";
    uint64_t took_us = 0;

    for (int i = 0; i < PROOF_CHECK_COUNT; i++) {
        const struct proof_result *result = &revision->results[i];

        took_us += result->took_us;
        if (result->outcome != PROOF_PASSED)
            continue;
        text_append_format(out, "%s%s", before, proof_check_name((enum proof_check)i));
        before = ", ";
    }
    text_append_format(out, " (%" PRIu64 " ms)\n", took_us / US_PER_MS);
}

static bool has_failed(const struct proof_revision *revision)
{
    for (int i = 0; i < PROOF_CHECK_COUNT; i++)
        if (revision->results[i].outcome == PROOF_FAILED)
            return true;
    return false;
}

void report_say_revision(const struct proof_revision *revision, struct text *out)
{
    text_append_format(out, "%s  %-32s ", has_failed(revision) ? "failed" : "passed",
                       revision->revision->name);
    say_made(revision, out);
    if (revision->scant[0] != '\0')
        text_append_format(out, "        fewer rows than asked for: %s\n", revision->scant);
    if (revision->load != NULL)
        say_load(revision->load, out);
    say_results(revision, out);
}

char *report_verdict(const struct proof_report *report, const void *parent)
{
    if (report->failed == NULL)
        return memory_text(parent, "");
    return memory_format(parent, "%s fails its test: %s: %s", report->failed->revision->name,
                         proof_check_name(report->failed_check),
                         report->failed->results[report->failed_check].sentence);
}

void report_write_text(const struct report_source *source, struct text *out)
{
    for (size_t i = 0; i < source->report->count; i++)
        if (source->report->revisions[i].is_tested)
            report_say_revision(&source->report->revisions[i], out);
    if (source->scale != NULL)
        scale_say(source->scale, out);
    if (source->report->failed != NULL) {
        char *verdict = report_verdict(source->report, NULL);

        text_append_format(out, "%s\n", verdict);
        talloc_free(verdict);
    }
}
