#include "coordinator/core/compat.h"

#include "coordinator/core/fleet.h"

#include <string.h>

/* Revisions stand in topological order, so that one walk downwards marks every ancestor. */
bool compat_is_within(const struct catalog *catalog, const char *revision, const char *of)
{
    bool is_within[CATALOG_REVISIONS_MAX] = {false};
    size_t target = catalog_revision(catalog, of);
    size_t wanted = catalog_revision(catalog, revision);

    if (target == catalog->revision_count || wanted > target)
        return false;
    is_within[target] = true;
    for (size_t i = target; i > wanted; i--) {
        const struct catalog_revision *row = &catalog->revisions[i];

        for (size_t p = 0; is_within[i] && p < row->parent_count; p++) {
            size_t parent = catalog_revision(catalog, row->parents[p].name);

            if (parent < i)
                is_within[parent] = true;
        }
    }
    return is_within[wanted];
}

const char *compat_fault(const struct catalog *catalog, const char *release,
                         const struct schema *schema, char ret[static SENTENCE_SIZE])
{
    const struct catalog_release *row = catalog_release(catalog, release);

    if (row == NULL) {
        (void)text_format(ret, SENTENCE_SIZE,
                          "release \"%s\" is not in releases.yaml, so nothing is known to suit it",
                          release);
        return ret;
    }
    if (!names_contain(schema->expanded, schema->expanded_count, row->needs)) {
        (void)text_format(ret, SENTENCE_SIZE, "release %s needs %s, which is not expanded", release,
                          row->needs);
        return ret;
    }
    for (size_t i = 0; i < schema->contracted_count; i++) {
        const char *name = schema->contracted[i].name;

        if (!compat_is_within(catalog, name, row->needs) &&
            !names_contain(row->tolerates, row->tolerate_count, name)) {
            (void)text_format(ret, SENTENCE_SIZE,
                              "release %s does not tolerate %s, which is contracted", release,
                              name);
            return ret;
        }
    }
    return NULL;
}

struct schema compat_schema_of(const struct report *report)
{
    return (struct schema){.expanded = report->database.expanded,
                           .expanded_count = report->database.expanded_count,
                           .contracted = report->database.contracted,
                           .contracted_count = report->database.contracted_count};
}

/* Its last word counts for as long as it goes on speaking: silent, it may be another one already.
 */
static bool is_heard(const struct node *database)
{
    return node_is_known(database) && database->link == LINK_ONLINE;
}

static const char *database_fault(const struct control *control, const struct node *database,
                                  const char *release, char ret[static SENTENCE_SIZE])
{
    char why[SENTENCE_SIZE];
    struct schema schema;

    if (!is_heard(database)) {
        (void)text_format(ret, SENTENCE_SIZE, "database %s does not report",
                          database->identity.name);
        return ret;
    }
    schema = compat_schema_of(database->report);
    if (compat_fault(control->catalog, release, &schema, why) == NULL)
        return NULL;
    (void)text_format(ret, SENTENCE_SIZE, "%.80s: %.800s", database->identity.name, why);
    return ret;
}

bool compat_node_is_judgeable(const struct control *control, const struct node *node)
{
    const struct node *primary = fleet_primary(control, node->identity.shard);

    if (primary == NULL || !is_heard(primary))
        return false;
    for (size_t i = 0; node->report != NULL && i < node->report->read_count; i++) {
        const struct node *database = control_node(control, node->report->reads[i].name);

        if (database != NULL && !is_heard(database))
            return false;
    }
    return true;
}

const char *compat_node_fault(const struct control *control, const struct node *node,
                              const char *release, char ret[static SENTENCE_SIZE])
{
    const struct node *primary = fleet_primary(control, node->identity.shard);

    if (primary == NULL) {
        (void)text_format(ret, SENTENCE_SIZE, "shard %s has no primary that reports",
                          node->identity.shard);
        return ret;
    }
    if (database_fault(control, primary, release, ret) != NULL)
        return ret;
    for (size_t i = 0; node->report != NULL && i < node->report->read_count; i++) {
        const struct node *database = control_node(control, node->report->reads[i].name);

        if (database == NULL) {
            (void)text_format(ret, SENTENCE_SIZE, "%s reads %s, which is not enrolled",
                              node->identity.name, node->report->reads[i].name);
            return ret;
        }
        if (database_fault(control, database, release, ret) != NULL)
            return ret;
    }
    return NULL;
}
