#include "common/lint/format.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define REPORT_BYTES_MAX 67108864
#define SARIF_SCHEMA     "https://json.schemastore.org/sarif-2.1.0.json"

/* ---- where ---- */

static char *path_of(const void *parent, const struct lint_finding *finding, const char *folder)
{
    if (strcmp(finding->path, "database") == 0)
        return memory_text(parent, finding->path);
    return memory_format(parent, "%s/%s", folder, finding->path);
}

/* ---- text ---- */

static void append_indented(struct text *out, const char *lines)
{
    while (*lines != '\0') {
        size_t size = strcspn(lines, "\n");

        text_append_format(out, "    %.*s\n", (int)size, lines);
        lines += size + (lines[size] == '\n');
    }
}

static void append_text(struct text *out, const struct lint_finding *finding, const char *path)
{
    const struct rule_row *row = rule_row(finding->rule);

    text_append_format(out, "%s:%zu: %s %s: %s\n  %s\n  instead:\n", path, finding->line,
                       rule_severity_name(finding->severity), row->name, finding->what, row->why);
    append_indented(out, finding->instead);
}

/* ---- GitHub's workflow commands ---- */

/* A property may have neither a comma nor a colon, a message neither a line's end nor a bare %. */
static void append_escaped(struct text *out, const char *text, bool is_property)
{
    for (; *text != '\0'; text++) {
        if (strchr(is_property ? "%\r\n:," : "%\r\n", *text) != NULL)
            text_append_format(out, "%%%02X", (unsigned)(unsigned char)*text);
        else
            text_append_bytes(out, text, 1);
    }
}

static void append_github(struct text *out, const struct lint_finding *finding, const char *path)
{
    static const char *const levels[RULE_SEVERITY_COUNT] = {
        [RULE_ERROR] = "error", [RULE_WARNING] = "warning", [RULE_NOTE] = "notice"};
    const struct rule_row *row = rule_row(finding->rule);

    text_append_format(out, "::%s file=", levels[finding->severity]);
    append_escaped(out, path, true);
    text_append_format(out, ",line=%zu,title=", finding->line);
    append_escaped(out, row->name, true);
    text_append(out, "::");
    append_escaped(out, finding->what, false);
    text_append(out, "%0A");
    append_escaped(out, row->why, false);
    text_append(out, "%0Ainstead:%0A");
    append_escaped(out, finding->instead, false);
    text_append(out, "\n");
}

/* ---- JSON ---- */

json_t *lint_format_findings(const struct lint_report *report, const struct migration_set *set,
                             const char *folder)
{
    json_t *findings = json_array();

    for (size_t i = 0; i < report->count; i++) {
        const struct lint_finding *finding = &report->findings[i];
        const struct rule_row *row = rule_row(finding->rule);
        char *path = path_of(NULL, finding, folder);

        (void)json_array_append_new(
            findings,
            json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b}", "path", path, "line",
                      (json_int_t)finding->line, "revision", set->revisions[finding->revision].name,
                      "rule", row->name, "severity", rule_severity_name(finding->severity), "what",
                      finding->what, "why", row->why, "instead", finding->instead, "breaks",
                      (int)row->breaks, "loses", (int)row->loses));
        talloc_free(path);
    }
    return findings;
}

/* ---- SARIF ---- */

static json_t *sarif_rules(void)
{
    json_t *rules = json_array();

    for (size_t i = 0; i < RULE_COUNT; i++) {
        const struct rule_row *row = rule_row((enum rule_id)i);

        (void)json_array_append_new(rules, json_pack("{s:s, s:{s:s}, s:{s:s}}", "id", row->name,
                                                     "shortDescription", "text", row->why,
                                                     "defaultConfiguration", "level",
                                                     rule_severity_name(row->severity)));
    }
    return rules;
}

static json_t *sarif_result(const struct lint_finding *finding, const char *path)
{
    char *message = memory_format(NULL, "%s\n%s\ninstead:\n%s", finding->what,
                                  rule_row(finding->rule)->why, finding->instead);
    json_t *result = json_pack("{s:s, s:i, s:s, s:{s:s}, s:[{s:{s:{s:s}, s:{s:I}}}]}", "ruleId",
                               rule_row(finding->rule)->name, "ruleIndex", (int)finding->rule,
                               "level", rule_severity_name(finding->severity), "message", "text",
                               message, "locations", "physicalLocation", "artifactLocation", "uri",
                               path, "region", "startLine", (json_int_t)finding->line);

    talloc_free(message);
    return result;
}

static json_t *sarif(const struct lint_report *report, const char *folder)
{
    json_t *results = json_array();

    for (size_t i = 0; i < report->count; i++) {
        char *path = path_of(NULL, &report->findings[i], folder);

        (void)json_array_append_new(results, sarif_result(&report->findings[i], path));
        talloc_free(path);
    }
    return json_pack("{s:s, s:s, s:[{s:{s:{s:s, s:o}}, s:o}]}", "$schema", SARIF_SCHEMA, "version",
                     "2.1.0", "runs", "tool", "driver", "name", "hakem", "rules", sarif_rules(),
                     "results", results);
}

/* ---- the whole ---- */

static void append_json(struct text *out, json_t *json)
{
    char *dump = json_dumps(json, JSON_INDENT(2));

    assert(dump != NULL);
    text_append(out, dump);
    text_append(out, "\n");
    free(dump);
    json_decref(json);
}

bool lint_format_from_name(const char *name, enum lint_format *ret)
{
    static const char *const names[LINT_FORMAT_COUNT] = {[LINT_FORMAT_TEXT] = "text",
                                                         [LINT_FORMAT_JSON] = "json",
                                                         [LINT_FORMAT_SARIF] = "sarif",
                                                         [LINT_FORMAT_GITHUB] = "github"};

    for (size_t i = 0; i < LINT_FORMAT_COUNT; i++) {
        if (strcmp(names[i], name) != 0)
            continue;
        *ret = (enum lint_format)i;
        return true;
    }
    return false;
}

char *lint_format(const void *parent, enum lint_format format, const struct lint_report *report,
                  const struct migration_set *set, const char *folder)
{
    struct text *out = text_new(parent, REPORT_BYTES_MAX);

    if (format == LINT_FORMAT_JSON)
        append_json(out, lint_format_findings(report, set, folder));
    if (format == LINT_FORMAT_SARIF)
        append_json(out, sarif(report, folder));
    for (size_t i = 0; i < report->count; i++) {
        char *path = path_of(NULL, &report->findings[i], folder);

        if (format == LINT_FORMAT_TEXT)
            append_text(out, &report->findings[i], path);
        else if (format == LINT_FORMAT_GITHUB)
            append_github(out, &report->findings[i], path);
        talloc_free(path);
    }
    return out->data;
}
