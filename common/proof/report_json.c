#include "common/proof/report_internal.h"

#include "common/base/memory.h"

#include <stdlib.h>

#define US_PER_MS 1000.0

static json_t *describe_difference(const struct difference *difference)
{
    json_t *array = json_array();

    for (size_t i = 0; difference != NULL && i < difference->count; i++) {
        const struct difference_entry *entry = &difference->entries[i];

        (void)json_array_append_new(
            array, json_pack("{s:s, s:s, s:s, s:s}", "only",
                             entry->sign == '-' ? "before" : "after", "kind", entry->object->kind,
                             "name", entry->object->name, "definition", entry->object->definition));
    }
    return array;
}

static json_t *describe_checks(const struct proof_revision *revision)
{
    json_t *array = json_array();

    for (int i = 0; i < PROOF_CHECK_COUNT; i++) {
        const struct proof_result *result = &revision->results[i];

        (void)json_array_append_new(
            array,
            json_pack("{s:s, s:s, s:s, s:f, s:o}", "check", proof_check_name((enum proof_check)i),
                      "outcome", proof_outcome_name(result->outcome), "says", result->sentence,
                      "ms", (double)result->took_us / US_PER_MS, "difference",
                      describe_difference(result->difference)));
    }
    return array;
}

static json_t *describe_phases(const struct proof_revision *revision)
{
    json_t *phases = json_object();

    for (int i = 0; i < PROOF_PHASE_COUNT; i++)
        (void)json_object_set_new(phases, proof_phase_name((enum proof_phase)i),
                                  json_real((double)revision->phase_us[i] / US_PER_MS));
    return phases;
}

static json_t *describe_latency(const struct latency *latency)
{
    return json_pack("{s:I, s:I, s:f, s:f, s:f, s:f}", "transactions", (json_int_t)latency->count,
                     "failed", (json_int_t)latency->failed, "mean_ms", latency->mean_ms, "p95_ms",
                     latency->p95_ms, "p99_ms", latency->p99_ms, "max_ms", latency->max_ms);
}

static json_t *describe_load(const struct workload_figures *load)
{
    if (load == NULL)
        return json_null();
    return json_pack("{s:o, s:o, s:I, s:I, s:I, s:I, s:s}", "before",
                     describe_latency(&load->before), "during", describe_latency(&load->during),
                     "lock_waits", (json_int_t)load->waits, "longest_wait_ms",
                     (json_int_t)load->longest_wait_ms, "deadlocks", (json_int_t)load->deadlocks,
                     "errors", (json_int_t)load->errors, "first_error", load->error);
}

json_t *report_describe(const struct proof_report *report)
{
    json_t *revisions = json_array();

    for (size_t i = 0; i < report->count; i++) {
        const struct proof_revision *revision = &report->revisions[i];

        (void)json_array_append_new(
            revisions,
            json_pack("{s:s, s:b, s:I, s:s, s:o, s:o, s:o}", "name", revision->revision->name,
                      "tested", (int)revision->is_tested, "rows", (json_int_t)revision->rows,
                      "scant", revision->scant, "checks", describe_checks(revision), "phases_ms",
                      describe_phases(revision), "load", describe_load(revision->load)));
    }
    return revisions;
}

static json_t *describe_growth(const struct scale *scale, size_t revision, enum proof_phase phase)
{
    json_t *times = json_array();

    for (size_t i = 0; i < scale->count; i++)
        (void)json_array_append_new(
            times, json_real((double)scale->steps[i].report->revisions[revision].phase_us[phase] /
                             US_PER_MS));
    return json_pack("{s:o, s:s}", "ms", times, "grows",
                     scale_growth_name(scale_growth_of(scale, revision, phase)));
}

static json_t *describe_scaled(const struct scale *scale, size_t revision)
{
    json_t *rows = json_array(), *phases = json_object();

    for (size_t i = 0; i < scale->count; i++)
        (void)json_array_append_new(
            rows, json_integer((json_int_t)scale->steps[i].report->revisions[revision].rows));
    for (int p = 0; p < PROOF_PHASE_COUNT; p++)
        (void)json_object_set_new(phases, proof_phase_name((enum proof_phase)p),
                                  describe_growth(scale, revision, (enum proof_phase)p));
    return json_pack("{s:s, s:o, s:o}", "name",
                     scale->steps[0].report->revisions[revision].revision->name, "rows", rows,
                     "phases", phases);
}

json_t *report_describe_scale(const struct scale *scale)
{
    json_t *factors = json_array(), *revisions = json_array();

    for (size_t i = 0; i < scale->count; i++)
        (void)json_array_append_new(factors, json_integer((json_int_t)scale->steps[i].factor));
    for (size_t i = 0; scale->count > 0 && i < scale->steps[0].report->count; i++)
        if (scale->steps[0].report->revisions[i].is_tested)
            (void)json_array_append_new(revisions, describe_scaled(scale, i));
    return json_pack("{s:o, s:o}", "factors", factors, "revisions", revisions);
}

void report_write_json(const struct report_source *source, struct text *out)
{
    char *verdict = report_verdict(source->report, NULL);
    json_t *object =
        json_pack("{s:o, s:o, s:s}", "revisions", report_describe(source->report), "scale",
                  source->scale == NULL ? json_null() : report_describe_scale(source->scale),
                  "failed", verdict);
    char *bytes = object == NULL ? NULL : json_dumps(object, JSON_INDENT(2));

    text_append(out,
                bytes != NULL ? bytes : "{\"error\": \"the report holds text that is not UTF-8\"}");
    text_append(out, "\n");
    free(bytes); /* jansson's own */
    json_decref(object);
    talloc_free(verdict);
}
