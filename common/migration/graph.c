#include "common/migration/graph.h"

#include "common/base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A history with names replaced by places: parents of revision i are links[i]. */
struct link {
    size_t parent_count;
    size_t parents[GRAPH_PARENTS_MAX];
};

struct named {
    const char *name;
    size_t place;
};

struct resolved {
    size_t count;
    struct named *by_name;
    struct link *links;
};

static int compare_named(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static struct named *sort_by_name(const void *parent, const struct graph_revision *revisions,
                                  size_t count)
{
    struct named *sorted = memory_array(parent, struct named, count);

    for (size_t i = 0; i < count; i++)
        sorted[i] = (struct named){.name = revisions[i].name, .place = i};
    if (count > 1)
        qsort(sorted, count, sizeof(sorted[0]), compare_named);
    return sorted;
}

static bool find_named(const struct named *sorted, size_t count, const char *name, size_t *ret)
{
    const struct named wanted = {.name = name};
    const struct named *found;

    if (count == 0)
        return false;
    found = bsearch(&wanted, sorted, count, sizeof(sorted[0]), compare_named);
    if (found == NULL)
        return false;
    *ret = found->place;
    return true;
}

static enum error_code check_unique(const struct named *sorted, size_t count, struct error *err)
{
    for (size_t i = 1; i < count; i++)
        if (strcmp(sorted[i - 1].name, sorted[i].name) == 0)
            return error_set(err, ERROR_INVALID, "there are two revisions named %s",
                             sorted[i].name);
    return ERROR_OK;
}

static enum error_code link_one(const struct resolved *all, const struct graph_revision *revision,
                                struct link *ret, struct error *err)
{
    if (revision->parent_count > GRAPH_PARENTS_MAX)
        return error_set(err, ERROR_LIMIT, "%s requires %zu revisions; at most %d are allowed",
                         revision->name, revision->parent_count, GRAPH_PARENTS_MAX);
    for (size_t i = 0; i < revision->parent_count; i++) {
        if (!find_named(all->by_name, all->count, revision->parents[i], &ret->parents[i]))
            return error_set(err, ERROR_INVALID, "%s requires %s, and there is no such revision",
                             revision->name, revision->parents[i]);
    }
    ret->parent_count = revision->parent_count;
    return ERROR_OK;
}

/* *ret is a talloc context of its own; the caller frees ret->links's parent by_name. */
static enum error_code resolve(const struct graph_revision *revisions, size_t count,
                               struct resolved *ret, struct error *err)
{
    struct resolved all = {.count = count};

    if (count > GRAPH_REVISIONS_MAX)
        return error_set(err, ERROR_LIMIT, "there are %zu revisions; at most %d are allowed", count,
                         GRAPH_REVISIONS_MAX);
    all.by_name = sort_by_name(NULL, revisions, count);
    all.links = memory_array(all.by_name, struct link, count);
    if (check_unique(all.by_name, count, err) != ERROR_OK)
        goto fail;
    for (size_t i = 0; i < count; i++)
        if (link_one(&all, &revisions[i], &all.links[i], err) != ERROR_OK)
            goto fail;
    *ret = all;
    return ERROR_OK;

fail:
    talloc_free(all.by_name);
    return err->code;
}

static bool parents_are_placed(const struct link *link, const bool *is_placed)
{
    for (size_t i = 0; i < link->parent_count; i++)
        if (!is_placed[link->parents[i]])
            return false;
    return true;
}

/* The first by name that is not placed and whose parents are; count if there is none. */
static size_t next_ready(const struct resolved *all, const bool *is_placed)
{
    for (size_t i = 0; i < all->count; i++) {
        size_t place = all->by_name[i].place;

        if (!is_placed[place] && parents_are_placed(&all->links[place], is_placed))
            return place;
    }
    return all->count;
}

static size_t unplaced_parent(const struct link *link, const bool *is_placed)
{
    for (size_t i = 0; i < link->parent_count; i++)
        if (!is_placed[link->parents[i]])
            return link->parents[i];
    assert(false); /* what is not ready has a parent that is not placed */
    return 0;
}

/* Follows unplaced parents for count steps: then we are on the cycle; one more revision is on it.
 */
static enum error_code fail_cycle(const struct resolved *all,
                                  const struct graph_revision *revisions, const bool *is_placed,
                                  struct error *err)
{
    size_t on = 0;
    size_t other;

    while (is_placed[on])
        on++;
    for (size_t i = 0; i < all->count; i++)
        on = unplaced_parent(&all->links[on], is_placed);
    other = unplaced_parent(&all->links[on], is_placed);
    if (other == on)
        return error_set(err, ERROR_INVALID, "%s requires itself", revisions[on].name);
    return error_set(err, ERROR_INVALID,
                     "the revisions require each other in a circle: %s requires %s, which leads "
                     "back to it",
                     revisions[on].name, revisions[other].name);
}

enum error_code graph_order(const struct graph_revision *revisions, size_t count, size_t *ret_order,
                            struct error *err)
{
    struct resolved all = {.count = 0};
    size_t *order;
    bool *is_placed;
    enum error_code code = ERROR_OK;

    if (resolve(revisions, count, &all, err) != ERROR_OK)
        return err->code;
    is_placed = memory_array(all.by_name, bool, count);
    order = memory_array(all.by_name, size_t, count);
    for (size_t placed = 0; placed < count && code == ERROR_OK; placed++) {
        size_t next = next_ready(&all, is_placed);

        if (next == count) {
            code = fail_cycle(&all, revisions, is_placed, err);
            break;
        }
        is_placed[next] = true;
        order[placed] = next;
    }
    if (code == ERROR_OK && count > 0)
        memcpy(ret_order, order, count * sizeof(order[0]));
    talloc_free(all.by_name);
    return code;
}

static void mark_parents(const struct resolved *all, bool *ret_is_parent)
{
    for (size_t i = 0; i < all->count; i++)
        for (size_t p = 0; p < all->links[i].parent_count; p++)
            ret_is_parent[all->links[i].parents[p]] = true;
}

static enum error_code pick_head(const struct resolved *all, const bool *is_parent, size_t *ret,
                                 struct error *err)
{
    size_t head = all->count;

    for (size_t i = 0; i < all->count; i++) {
        size_t place = all->by_name[i].place;

        if (is_parent[place])
            continue;
        if (head != all->count)
            return error_set(err, ERROR_INVALID,
                             "the history has two heads, %s and %s: add a revision that requires "
                             "both, as hakem migration merge NAME does",
                             all->by_name[head].name, all->by_name[i].name);
        head = i;
    }
    if (head == all->count)
        return error_set(err, all->count == 0 ? ERROR_NOT_FOUND : ERROR_INVALID,
                         "the history has no head");
    *ret = all->by_name[head].place;
    return ERROR_OK;
}

enum error_code graph_head(const struct graph_revision *revisions, size_t count, size_t *ret_head,
                           struct error *err)
{
    struct resolved all = {.count = 0};
    bool *is_parent;
    enum error_code code;

    if (resolve(revisions, count, &all, err) != ERROR_OK)
        return err->code;
    is_parent = memory_array(all.by_name, bool, count);
    mark_parents(&all, is_parent);
    code = pick_head(&all, is_parent, ret_head, err);
    talloc_free(all.by_name);
    return code;
}

/* Marks what is reached from the revisions in todo, by a work list: no recursion on input. */
static bool reaches(const struct resolved *all, size_t wanted, size_t from)
{
    bool *is_seen = memory_array(all->by_name, bool, all->count);
    size_t *todo = memory_array(all->by_name, size_t, all->count + 1);
    size_t todo_count = 1;

    assert(all->links != NULL && from < all->count);
    todo[0] = from;
    while (todo_count > 0) {
        const struct link *link = &all->links[todo[--todo_count]];

        for (size_t i = 0; i < link->parent_count; i++) {
            size_t parent = link->parents[i];

            if (parent == wanted)
                return true;
            if (!is_seen[parent])
                todo[todo_count++] = parent;
            is_seen[parent] = true;
        }
    }
    return false;
}

bool graph_is_ancestor(const struct graph_revision *revisions, size_t count, size_t ancestor,
                       size_t of)
{
    struct resolved all = {.count = 0};
    struct error err;
    bool found;

    assert(ancestor < count && of < count);
    if (resolve(revisions, count, &all, &err) != ERROR_OK)
        return false;
    found = reaches(&all, ancestor, of);
    talloc_free(all.by_name);
    return found;
}

bool graph_find(const struct graph_revision *revisions, size_t count, const char *name, size_t *ret)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(revisions[i].name, name) == 0) {
            *ret = i;
            return true;
        }
    }
    return false;
}
