#include "common/lint/lint.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/lint/lint_internal.h"
#include "common/lint/name.h"

#include <assert.h>
#include <string.h>

#define TEXT_MAX      65536
#define REVISION_SIZE 65536 /* of memory that most revisions are content with */

/* ---- findings ---- */

static const char *value_of(const struct lint_words *words, const char *key, size_t size)
{
    const struct {
        const char *key, *value;
    } values[] = {{"{table}", words->table},
                  {"{name}", words->name},
                  {"{detail}", words->detail},
                  {"{sql}", words->sql}};

    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        if (strlen(values[i].key) == size && memcmp(values[i].key, key, size) == 0)
            return values[i].value;
    return NULL;
}

static const char *filled(const void *parent, const char *template, const struct lint_words *words)
{
    struct text *text = text_new(parent, TEXT_MAX);

    while (*template != '\0') {
        size_t plain = strcspn(template, "{");
        size_t size = strcspn(template + plain, "}") + 1;
        const char *value;

        text_append_bytes(text, template, plain);
        template += plain;
        if (*template == '\0')
            break;
        value = value_of(words, template, size);
        text_append(text, value != NULL ? value : "");
        template += size;
    }
    return text->data;
}

static struct lint_finding *new_finding(struct lint_report *report)
{
    size_t count = report->count;

    assert(count < LINT_FINDINGS_MAX);
    if ((count & (count - 1)) == 0)
        report->findings = memory_resized(report, report->findings, count,
                                          count == 0 ? 1 : count * 2, sizeof(report->findings[0]));
    return &report->findings[report->count++];
}

static bool allows(const struct split_allow *allow, enum rule_id rule)
{
    return allow->reason[0] != '\0' && strcmp(allow->rule, rule_row(rule)->name) == 0;
}

/* What silences it is noted: an allow that is never used is itself a finding. */
static bool is_allowed(struct linting *in, const struct lint_place *place, enum rule_id rule)
{
    const struct split *split = place->split;
    bool is_found = false;

    for (size_t s = 0; s < split->count; s++)
        for (size_t i = 0; i < split->statements[s].allow_count; i++) {
            const struct split_allow *allow = &split->statements[s].allows[i];

            if ((s != place->statement && !allow->is_for_file) || !allows(allow, rule))
                continue;
            is_found = true;
            if (in->used_count < LINT_ALLOWS_MAX)
                in->used[in->used_count++] = allow;
        }
    return is_found;
}

static void place_finding(struct lint_finding *finding, const struct lint_place *place)
{
    finding->path = "database";
    finding->line = 1;
    if (place->split == NULL)
        return;
    finding->path = place->split->path;
    if (place->statement < place->split->count)
        finding->line = place->split->statements[place->statement].line;
}

static bool is_chosen(const struct linting *in)
{
    return in->options->is_chosen == NULL || in->options->is_chosen[in->revision];
}

void lint_add(struct linting *in, const struct lint_place *place, enum rule_id rule,
              enum rule_severity severity, const struct lint_words *words)
{
    const struct rule_row *row = rule_row(rule);
    struct lint_finding *finding;

    if ((place->split != NULL && !is_chosen(in)) || in->report->count == LINT_FINDINGS_MAX)
        return;
    if (place->split != NULL && is_allowed(in, place, rule))
        return;
    finding = new_finding(in->report);
    *finding = (struct lint_finding){
        .rule = rule,
        .severity = severity,
        .revision = in->revision < in->set->revision_count ? in->revision : in->set->head,
        .what = filled(in->report, row->what, words),
        .instead = filled(in->report, row->instead, words)};
    place_finding(finding, place);
    in->report->error_count += severity == RULE_ERROR;
}

/* ---- what is live ---- */

static void read_releases(struct linting *in)
{
    const struct migration_set *set = in->set;
    size_t *history = memory_array(in->report, size_t, set->revision_count + 1);

    in->is_in_release = memory_array(in->report, bool *, set->release_count + 1);
    for (size_t r = 0; r < set->release_count; r++) {
        size_t count = migration_history_of(set, set->releases[r].needs, history);

        in->is_in_release[r] = memory_array(in->report, bool, set->revision_count + 1);
        for (size_t i = 0; i < count; i++)
            in->is_in_release[r][history[i]] = true;
    }
}

bool lint_is_live(const struct linting *in, const struct model_relation *relation)
{
    size_t since = relation->since;

    if (since == MODEL_SINCE_UNKNOWN)
        return true;
    if (since == in->revision)
        return false;
    if (in->options->from != NULL)
        return since == *in->options->from ||
               migration_is_ancestor(in->set, since, *in->options->from);
    for (size_t r = 0; r < in->set->release_count; r++)
        if (in->is_in_release[r][since] && !in->is_in_release[r][in->revision])
            return true;
    return in->set->release_count == 0;
}

/* ---- the history ---- */

static enum error_code lint_revision(struct linting *in, struct error *err)
{
    const struct migration_revision *revision = &in->set->revisions[in->revision];
    enum error_code code;

    in->memory = talloc_pool(NULL, REVISION_SIZE);
    in->effect_count = 0;
    in->used_count = 0;
    model_set_revision(in->place.model, in->revision);
    code = lint_script(in, MIGRATION_SCRIPT_EXPAND, err);
    if (code == ERROR_OK) {
        lint_revert(in);
        if (revision->scripts[MIGRATION_SCRIPT_EXPAND] != NULL)
            lint_allows(in, revision->scripts[MIGRATION_SCRIPT_EXPAND]);
        model_freeze(in->place.model, true);
        code = lint_script(in, MIGRATION_SCRIPT_REVERT, err);
        model_freeze(in->place.model, false);
    }
    if (code == ERROR_OK)
        code = lint_script(in, MIGRATION_SCRIPT_CONTRACT, err);
    talloc_free(in->memory);
    return code;
}

static void lint_keys(struct linting *in)
{
    const struct lint_sizes *sizes = in->options->sizes;
    struct lint_place nowhere = {.split = NULL};

    for (size_t i = 0; sizes != NULL && i < sizes->key_count; i++) {
        const struct lint_key *key = &sizes->keys[i];
        struct lint_words words = {
            .table = name_with_schema(in->report, key->schema, key->table),
            .name = name_text(in->report, key->column),
            .detail = memory_format(in->report, "%llu %%", (unsigned long long)key->percent),
            .sql = ""};

        if (key->percent >= LINT_KEY_USED_MAX)
            lint_add(in, &nowhere, RULE_KEY_NEARLY_FULL, rule_row(RULE_KEY_NEARLY_FULL)->severity,
                     &words);
    }
}

static enum error_code lint_all(struct linting *in, struct error *err)
{
    for (; in->revision < in->set->revision_count; in->revision++) {
        if (lint_revision(in, err) != ERROR_OK)
            return err->code;
        if (in->report->count == LINT_FINDINGS_MAX)
            return error_set(err, ERROR_LIMIT,
                             "%d findings or more, and no more are kept: name some revisions",
                             LINT_FINDINGS_MAX);
        in->report->judged_count++;
    }
    lint_keys(in);
    return ERROR_OK;
}

enum error_code lint_run(const void *parent, const struct lint_options *options,
                         struct lint_report **ret, struct error *err)
{
    struct linting in = {.options = options, .set = options->set};
    enum error_code code;

    in.report = memory_new(parent, struct lint_report);
    in.place = (struct effect_place){.model = model_new(in.report), .is_utc = true};
    read_releases(&in);
    code = lint_all(&in, err);
    if (code == ERROR_LIMIT && options->is_to_a_limit) {
        in.report->limit = memory_text(in.report, err->detail);
        code = ERROR_OK;
    }
    if (code != ERROR_OK) {
        talloc_free(in.report);
        return code;
    }
    talloc_free(in.place.model);
    *ret = in.report;
    return ERROR_OK;
}

const struct lint_finding *lint_first_break(const struct lint_report *report, size_t revision)
{
    for (size_t i = 0; i < report->count; i++)
        if (report->findings[i].revision == revision && rule_row(report->findings[i].rule)->breaks)
            return &report->findings[i];
    return NULL;
}
