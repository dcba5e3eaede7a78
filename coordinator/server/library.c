#include "coordinator/server/library.h"

#include "common/base/memory.h"
#include "common/layout/layout.h"

static void describe_revision(const struct migration_set *set,
                              const struct migration_revision *from, const void *parent,
                              struct catalog_revision *ret)
{
    (void)text_copy(ret->name, NAME_SIZE, from->name);
    (void)text_copy(ret->checksum, DIGEST_SIZE, from->checksum);
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

enum error_code library_read(const char *folder, struct journal *journal, const void *parent,
                             struct catalog *ret, struct error *err)
{
    struct catalog catalog = {.revision_count = 0};
    struct migration_set *set = NULL;
    size_t size = 0;
    const char *bytes;

    if (layout_load(parent, folder, NULL, &set, err) != ERROR_OK)
        return err->code;
    if (set->revision_count > CATALOG_REVISIONS_MAX || set->release_count > CATALOG_RELEASES_MAX)
        return error_set(err, ERROR_LIMIT, "%s has more than %d revisions or %d releases", folder,
                         CATALOG_REVISIONS_MAX, CATALOG_RELEASES_MAX);
    if (set->repeatable_count > 0)
        return error_set(err, ERROR_REFUSED,
                         "%s: a rollout applies no repeatables; make %s a revision, or keep it for "
                         "hakem migration up",
                         folder, set->repeatables[0].path);
    bytes = migration_bundle_pack(parent, set, &size, catalog.bundle);
    if (journal_put_bundle(journal, catalog.bundle, bytes, size, err) != ERROR_OK)
        return err->code;
    describe(set, parent, &catalog);
    *ret = catalog;
    return ERROR_OK;
}
