#include "common/proof/report_internal.h"

#include "common/base/memory.h"
#include "common/proof/report_escape.h"

#include <inttypes.h>

#define US_PER_S 1000000.0

/* What a suite's head counts. */
struct counts {
    size_t tests, failures, skipped;
    uint64_t us;
};

static bool was_passed_over(enum proof_outcome outcome)
{
    return outcome == PROOF_SKIPPED || outcome == PROOF_NOT_MADE;
}

static void count_revision(const struct proof_revision *revision, struct counts *counts)
{
    for (int i = 0; i < PROOF_CHECK_COUNT; i++) {
        const struct proof_result *result = &revision->results[i];

        counts->tests++;
        counts->failures += result->outcome == PROOF_FAILED;
        counts->skipped += was_passed_over(result->outcome);
        counts->us += result->took_us;
    }
}

static void append_counts(const struct counts *counts, struct text *out)
{
    text_append_format(
        out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\" time=\"%.6f\">\n",
        counts->tests, counts->failures, counts->skipped, (double)counts->us / US_PER_S);
}

static void append_attribute(struct text *out, const char *name, const char *value)
{
    text_append_format(out, " %s=\"", name);
    report_escape(out, value);
    text_append(out, "\"");
}

static void append_failure(const struct proof_result *result, struct text *out)
{
    text_append(out, "      <failure");
    append_attribute(out, "message", result->sentence);
    text_append(out, ">");
    for (size_t i = 0; result->difference != NULL && i < result->difference->count; i++) {
        struct text *line = text_new(NULL, REPORT_BYTES_MAX);

        difference_say(&result->difference->entries[i], line);
        report_escape(out, line->data);
        text_append(out, "\n");
        talloc_free(line);
    }
    text_append(out, "</failure>\n");
}

static void append_case(const struct proof_revision *revision, enum proof_check check,
                        struct text *out)
{
    const struct proof_result *result = &revision->results[check];

    text_append(out, "    <testcase");
    append_attribute(out, "classname", revision->revision->name);
    append_attribute(out, "name", proof_check_name(check));
    text_append_format(out, " time=\"%.6f\">\n", (double)result->took_us / US_PER_S);
    if (result->outcome == PROOF_FAILED) {
        append_failure(result, out);
    } else if (was_passed_over(result->outcome)) {
        text_append(out, "      <skipped");
        append_attribute(out, "message",
                         result->sentence[0] != '\0' ? result->sentence
                                                     : proof_outcome_name(result->outcome));
        text_append(out, "/>\n");
    }
    text_append(out, "    </testcase>\n");
}

static void append_output(const struct proof_revision *revision, struct text *out)
{
    struct text *said = text_new(NULL, REPORT_BYTES_MAX);

    report_say_revision(revision, said);
    text_append(out, "    <system-out>");
    report_escape(out, said->data);
    text_append(out, "</system-out>\n");
    talloc_free(said);
}

static void append_suite(const struct proof_revision *revision, struct text *out)
{
    struct counts counts = {.tests = 0};

    count_revision(revision, &counts);
    text_append(out, "  <testsuite");
    append_attribute(out, "name", revision->revision->name);
    append_counts(&counts, out);
    for (int i = 0; i < PROOF_CHECK_COUNT; i++)
        append_case(revision, (enum proof_check)i, out);
    if (revision->is_tested)
        append_output(revision, out);
    text_append(out, "  </testsuite>\n");
}

/* From the first tested one on: those behind a failure are skipped, and said. */
static bool is_of_interest(const struct proof_report *report, size_t revision)
{
    for (size_t i = 0; i <= revision; i++)
        if (report->revisions[i].is_tested)
            return true;
    return false;
}

void report_write_junit(const struct report_source *source, struct text *out)
{
    struct counts counts = {.tests = 0};

    for (size_t i = 0; i < source->report->count; i++)
        if (is_of_interest(source->report, i))
            count_revision(&source->report->revisions[i], &counts);
    text_append(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites"
                     " name=\"hakem migration test\"");
    append_counts(&counts, out);
    for (size_t i = 0; i < source->report->count; i++)
        if (is_of_interest(source->report, i))
            append_suite(&source->report->revisions[i], out);
    text_append(out, "</testsuites>\n");
}
