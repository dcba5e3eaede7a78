#include "coordinator/server/library.h"

#include "common/base/memory.h"
#include "common/layout/layout.h"
#include "common/lint/lint.h"

static void describe_revision(const struct migration_set *set,
                              const struct migration_revision *from, const void *parent,
                              struct catalog_revision *ret)
{
    (void)text_copy(ret->name, NAME_SIZE, from->name);
    (void)text_copy(ret->checksum, DIGEST_SIZE, from->checksum);
    (void)text_copy(ret->meaning, DIGEST_SIZE, from->meaning);
    ret->parents = memory_array(parent, struct name_item, from->parent_count);
    ret->parent_count = from->parent_count;
    for (size_t i = 0; i < from->parent_count; i++)
        (void)text_copy(ret->parents[i].name, NAME_SIZE, set->revisions[from->parents[i]].name);
    ret->contracted = memory_array(parent, struct name_item, from->contracted_parent_count);
    ret->contracted_count = from->contracted_parent_count;
    for (size_t i = 0; i < from->contracted_parent_count; i++)
        (void)text_copy(ret->contracted[i].name, NAME_SIZE,
                        set->revisions[from->contracted_parents[i]].name);
    ret->has_backfill = from->backfill_count > 0;
    ret->has_verify = from->scripts[MIGRATION_SCRIPT_VERIFY] != NULL;
    ret->has_contract = from->scripts[MIGRATION_SCRIPT_CONTRACT] != NULL;
    ret->has_contract_verify = from->scripts[MIGRATION_SCRIPT_VERIFY_CONTRACT] != NULL;
    ret->irreversible = from->is_irreversible;
}

/* What to write instead, on one line. */
static void say_break(const struct lint_finding *finding, char ret[static BREAKS_SIZE])
{
    struct text *text = text_new(NULL, BREAKS_SIZE - 1);

    text_append_format(text, "%s:%zu: %s; write instead: ", finding->path, finding->line,
                       finding->what);
    for (const char *c = finding->instead; *c != '\0'; c++)
        if (*c != '\n' && (*c != ' ' || (c > finding->instead && c[-1] != '\n' && c[-1] != ' ')))
            text_append_bytes(text, c, 1);
        else if (*c == '\n')
            text_append(text, " ");
    (void)text_copy(ret, BREAKS_SIZE, text->data);
    text_mend(ret);
    talloc_free(text);
}

/* What nobody can judge is taken for the worst, where somebody chooses it. */
static void judge(const struct lint_report *report, size_t revision, char ret[static BREAKS_SIZE])
{
    const struct lint_finding *finding = lint_first_break(report, revision);

    if (finding != NULL)
        say_break(finding, ret);
    else if (revision >= report->judged_count)
        (void)text_format(ret, BREAKS_SIZE, "taken for so, since it cannot be judged: %s",
                          report->limit);
}

/* Of those whose authors do not say that the release before works after them. */
static enum error_code judge_plain(const struct migration_set *set, const void *parent,
                                   struct catalog *ret, struct error *err)
{
    const struct lint_options options = {.set = set, .is_to_a_limit = true};
    struct lint_report *report = NULL;
    bool is_plain = false;

    for (size_t i = 0; i < set->revision_count; i++)
        is_plain = is_plain || set->revisions[i].is_plain;
    if (!is_plain)
        return ERROR_OK;
    if (lint_run(parent, &options, &report, err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < set->revision_count; i++)
        if (set->revisions[i].is_plain)
            judge(report, i, ret->revisions[i].breaks);
    talloc_free(report);
    return ERROR_OK;
}

static void describe_release(const struct migration_set *set, const struct migration_release *from,
                             const void *parent, struct catalog_release *ret)
{
    (void)text_copy(ret->name, NAME_SIZE, from->name);
    (void)text_copy(ret->needs, NAME_SIZE, set->revisions[from->needs].name);
    ret->tolerates = memory_array(parent, struct name_item, from->tolerate_count);
    ret->tolerate_count = from->tolerate_count;
    for (size_t i = 0; i < from->tolerate_count; i++)
        (void)text_copy(ret->tolerates[i].name, NAME_SIZE, set->revisions[from->tolerates[i]].name);
}

static void describe(const struct migration_set *set, const void *parent, struct catalog *ret)
{
    ret->revisions = memory_array(parent, struct catalog_revision, set->revision_count);
    ret->revision_count = set->revision_count;
    for (size_t i = 0; i < set->revision_count; i++)
        describe_revision(set, &set->revisions[i], parent, &ret->revisions[i]);
    ret->releases = memory_array(parent, struct catalog_release, set->release_count);
    ret->release_count = set->release_count;
    for (size_t i = 0; i < set->release_count; i++)
        describe_release(set, &set->releases[i], parent, &ret->releases[i]);
}

enum error_code library_read(const struct library *library, struct journal *journal,
                             const void *parent, struct catalog *ret, struct error *err)
{
    struct catalog catalog = {.revision_count = 0};
    struct migration_set *set = NULL;
    size_t size = 0;
    const char *bytes;

    if (layout_load(parent, library->folder, library->layout, &set, err) != ERROR_OK)
        return err->code;
    if (set->revision_count > CATALOG_REVISIONS_MAX || set->release_count > CATALOG_RELEASES_MAX)
        return error_set(err, ERROR_LIMIT, "%s has more than %d revisions or %d releases",
                         library->folder, CATALOG_REVISIONS_MAX, CATALOG_RELEASES_MAX);
    describe(set, parent, &catalog);
    if (judge_plain(set, parent, &catalog, err) != ERROR_OK)
        return err->code;
    bytes = migration_bundle_pack(parent, set, &size, catalog.bundle);
    if (journal_put_bundle(journal, catalog.bundle, bytes, size, err) != ERROR_OK)
        return err->code;
    *ret = catalog;
    return ERROR_OK;
}
