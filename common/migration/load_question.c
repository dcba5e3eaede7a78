/* load_question.c: what is asked of a set. */
#include "common/base/memory.h"
#include "common/migration/load.h"

#include <string.h>

bool migration_find(const struct migration_set *set, const char *name, size_t *ret)
{
    for (size_t i = 0; i < set->revision_count; i++) {
        if (strcmp(set->revisions[i].name, name) == 0) {
            *ret = i;
            return true;
        }
    }
    return false;
}

bool migration_find_release(const struct migration_set *set, const char *name, size_t *ret)
{
    for (size_t i = 0; i < set->release_count; i++) {
        if (strcmp(set->releases[i].name, name) == 0) {
            *ret = i;
            return true;
        }
    }
    return false;
}

/* Parents stand before their children: one pass backwards marks all ancestors. */
static void mark_history(const struct migration_set *set, size_t of, bool *ret_is_in)
{
    ret_is_in[of] = true;
    for (size_t i = of + 1; i-- > 0;)
        for (size_t p = 0; ret_is_in[i] && p < set->revisions[i].parent_count; p++)
            ret_is_in[set->revisions[i].parents[p]] = true;
}

bool migration_is_ancestor(const struct migration_set *set, size_t ancestor, size_t of)
{
    bool *is_in = memory_array(NULL, bool, set->revision_count);
    bool found;

    mark_history(set, of, is_in);
    found = is_in[ancestor] && ancestor != of;
    talloc_free(is_in);
    return found;
}

size_t migration_history_of(const struct migration_set *set, size_t revision, size_t *ret)
{
    bool *is_in = memory_array(NULL, bool, set->revision_count);
    size_t count = 0;

    mark_history(set, revision, is_in);
    for (size_t i = 0; i < set->revision_count; i++)
        if (is_in[i])
            ret[count++] = i;
    talloc_free(is_in);
    return count;
}
