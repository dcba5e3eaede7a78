/* report_html.c: one page that needs nothing from elsewhere and runs nothing. */
#include "common/proof/report_internal.h"

#include "common/base/memory.h"
#include "common/proof/plot.h"
#include "common/proof/report_escape.h"
#include "embedded_hakem_proof.h"

#include <inttypes.h>

#define US_PER_MS 1000.0

static const char *const outcome_classes[PROOF_OUTCOME_COUNT] = {
    [PROOF_NOT_MADE] = "none",
    [PROOF_PASSED] = "passed",
    [PROOF_SKIPPED] = "skipped",
    [PROOF_FAILED] = "failed",
};
static const char *const outcome_signs[PROOF_OUTCOME_COUNT] = {[PROOF_NOT_MADE] = "",
                                                               [PROOF_PASSED] = "&#10003;",
                                                               [PROOF_SKIPPED] = "&#8211;",
                                                               [PROOF_FAILED] = "&#10007;"};

/* <tag>text</tag> */
static void append_element(struct text *out, const char *tag, const char *text)
{
    text_append_format(out, "<%s>", tag);
    report_escape(out, text);
    text_append_format(out, "</%s>\n", tag);
}

static void append_paragraph(struct text *out, const char *class, const char *text)
{
    text_append_format(out, "<p class=\"%s\">", class);
    report_escape(out, text);
    text_append(out, "</p>\n");
}

static void append_verdict(const struct proof_report *report, struct text *out)
{
    char *verdict = report_verdict(report, NULL);

    text_append(out, "<h1>hakem migration test</h1>\n");
    append_paragraph(out, report->failed == NULL ? "good" : "bad",
                     report->failed == NULL ? "Every revision that was tested goes both ways."
                                            : verdict);
    talloc_free(verdict);
}

/* ---- the table ---- */

static void append_row(const struct proof_revision *revision, struct text *out)
{
    text_append(out, "<tr><th scope=\"row\">");
    report_escape(out, revision->revision->name);
    text_append(out, "</th>");
    for (int i = 0; i < PROOF_CHECK_COUNT; i++) {
        const struct proof_result *result = &revision->results[i];

        text_append_format(out, "<td class=\"%s\" title=\"%s", outcome_classes[result->outcome],
                           proof_outcome_name(result->outcome));
        if (result->sentence[0] != '\0') {
            text_append(out, ": ");
            report_escape(out, result->sentence);
        }
        text_append_format(out, "\">%s</td>", outcome_signs[result->outcome]);
    }
    text_append_format(out, "<td>%" PRIu64 "</td></tr>\n", revision->rows);
}

static void append_table(const struct proof_report *report, struct text *out)
{
    text_append(out, "<div class=\"scroll\"><table>\n<tr><th>revision</th>");
    for (int i = 0; i < PROOF_CHECK_COUNT; i++) {
        text_append(out, "<th title=\"");
        report_escape(out, proof_check_doc((enum proof_check)i));
        text_append_format(out, "\">%s</th>", proof_check_name((enum proof_check)i));
    }
    text_append(out, "<th>rows</th></tr>\n");
    for (size_t i = 0; i < report->count; i++)
        append_row(&report->revisions[i], out);
    text_append(out, "</table></div>\n");
}

/* ---- one revision ---- */

static void append_difference(const struct difference *difference, struct text *out)
{
    text_append(out, "<pre>");
    for (size_t i = 0; i < difference->count; i++) {
        struct text *line = text_new(NULL, REPORT_BYTES_MAX);

        difference_say(&difference->entries[i], line);
        text_append_format(out, "<span class=\"%s\">",
                           difference->entries[i].sign == '-' ? "before" : "after");
        report_escape(out, line->data);
        text_append(out, "</span>\n");
        talloc_free(line);
    }
    text_append(out, "</pre>\n");
}

static void append_results(const struct proof_revision *revision, struct text *out)
{
    for (int i = 0; i < PROOF_CHECK_COUNT; i++) {
        const struct proof_result *result = &revision->results[i];
        char *sentence =
            memory_format(NULL, "%s: %s", proof_check_name((enum proof_check)i), result->sentence);

        if (result->sentence[0] != '\0')
            append_paragraph(out, result->outcome == PROOF_FAILED ? "bad" : "note", sentence);
        if (result->difference != NULL)
            append_difference(result->difference, out);
        talloc_free(sentence);
    }
}

static void append_phases(const struct proof_revision *revision, struct text *out)
{
    struct plot_bar bars[PROOF_PHASE_COUNT];
    size_t count = 0;

    for (unsigned i = 0; i < PROOF_PHASE_COUNT; i++)
        if (revision->phase_us[i] > 0)
            bars[count++] = (struct plot_bar){.label = proof_phase_name((enum proof_phase)i),
                                              .value = (double)revision->phase_us[i] / US_PER_MS,
                                              .tone = i};
    if (count > 0)
        plot_bars(out, "Phases, in milliseconds", bars, count);
}

static void append_load(const struct workload_figures *load, struct text *out)
{
    const struct plot_bar bars[] = {
        {"mean before", load->before.mean_ms, 4}, {"mean during", load->during.mean_ms, 1},
        {"95% before", load->before.p95_ms, 4},   {"95% during", load->during.p95_ms, 1},
        {"99% before", load->before.p99_ms, 4},   {"99% during", load->during.p99_ms, 1},
    };

    append_element(out, "h3", "Latency of the load, in milliseconds");
    plot_bars(out, "Latency of the load before and during, in milliseconds", bars, ARRAY_LEN(bars));
    text_append_format(out,
                       "<p class=\"note\">%" PRIu64 " transactions before, %" PRIu64
                       " during; %" PRIu64 " waits for locks met, %" PRIu64 " ms at most; %" PRIu64
                       " deadlocks, %" PRIu64 " errors</p>\n",
                       load->before.count, load->during.count, load->waits, load->longest_wait_ms,
                       load->deadlocks, load->errors + load->during.failed);
}

static void append_growth(const struct scale *scale, size_t revision, struct text *out)
{
    struct plot_line lines[PROOF_PHASE_COUNT] = {{.count = 0}};

    for (int p = 0; p < PROOF_PHASE_COUNT; p++) {
        lines[p].label = proof_phase_name((enum proof_phase)p);
        for (size_t i = 0; i < scale->count; i++) {
            const struct proof_revision *step = &scale->steps[i].report->revisions[revision];

            if (step->rows == 0 || step->phase_us[p] == 0)
                continue;
            lines[p].x[lines[p].count] = (double)step->rows;
            lines[p].y[lines[p].count++] = (double)step->phase_us[p] / US_PER_MS;
        }
    }
    plot_lines(out, "Milliseconds of each phase by rows in all tables", lines, PROOF_PHASE_COUNT);
}

static void append_revision(const struct report_source *source, size_t index, struct text *out)
{
    const struct proof_revision *revision = &source->report->revisions[index];

    append_element(out, "h2", revision->revision->name);
    if (revision->revision->description[0] != '\0')
        append_paragraph(out, "note", revision->revision->description);
    append_results(revision, out);
    append_phases(revision, out);
    if (revision->load != NULL)
        append_load(revision->load, out);
    if (source->scale == NULL)
        return;
    append_element(out, "h3", "Milliseconds of each phase by rows in all tables");
    append_growth(source->scale, index, out);
}

void report_write_html(const struct report_source *source, struct text *out)
{
    text_append(out, embedded_report_head);
    append_verdict(source->report, out);
    append_table(source->report, out);
    for (size_t i = 0; i < source->report->count; i++)
        if (source->report->revisions[i].is_tested)
            append_revision(source, i, out);
    text_append(out, "</body>\n</html>\n");
}
