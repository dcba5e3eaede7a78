#include "coordinator/cli/migration_target.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/layout/layout.h"

#include <string.h>

enum error_code target_word(const struct cli *cli, const char **ret, struct error *err)
{
    const char *argument = cli_argument(cli, 0);
    const char *flag = cli_flag(cli, "--to");

    if (argument != NULL && flag != NULL)
        return error_set(err, ERROR_USAGE, "give the revision once: %s, or --to %s", argument,
                         flag);
    *ret = argument != NULL ? argument : flag;
    return ERROR_OK;
}

enum error_code target_find(const struct migration_set *set, const char *word, size_t *ret,
                            struct error *err)
{
    if (strcmp(word, "head") == 0) {
        *ret = set->head;
        return ERROR_OK;
    }
    if (!migration_find(set, word, ret))
        return error_set(err, ERROR_NOT_FOUND, "there is no revision %s", word);
    return ERROR_OK;
}

void target_mark_history(const struct migration_set *set, size_t of, bool *ret)
{
    size_t *history = memory_array(NULL, size_t, set->revision_count);
    size_t count = migration_history_of(set, of, history);

    for (size_t i = 0; i < count; i++)
        ret[history[i]] = true;
    talloc_free(history);
}

/* "+2" with sign '+'. */
static bool read_count(const char *word, char sign, uint64_t *ret)
{
    return word[0] == sign && text_to_number(word + 1, GRAPH_REVISIONS_MAX, ret) && *ret > 0;
}

static bool is_applied(const struct database *db, size_t i)
{
    const struct mark *mark = marks_find(db->marks, db->set->revisions[i].name);

    return mark != NULL && (mark->is_expanded || mark->is_partial);
}

/* ---- from ---- */

enum error_code target_check_from(const struct cli *cli, const struct database *db,
                                  struct error *err)
{
    const char *from = cli_flag(cli, "--from");
    bool *is_wanted;
    size_t target;

    if (from == NULL)
        return ERROR_OK;
    if (target_find(db->set, from, &target, err) != ERROR_OK)
        return err->code;
    is_wanted = memory_array(db->context, bool, db->set->revision_count);
    target_mark_history(db->set, target, is_wanted);
    for (size_t i = 0; i < db->set->revision_count; i++)
        if (is_wanted[i] != is_applied(db, i))
            return error_set(err, ERROR_REFUSED, "this database is not at %s: %s is %sapplied",
                             db->set->revisions[target].name, db->set->revisions[i].name,
                             is_wanted[i] ? "not " : "");
    return ERROR_OK;
}

/* ---- up ---- */

/* Parents stand before their children: what is picked can be reached. */
static void pick_first(const struct database *db, uint64_t count, bool *ret_is_wanted,
                       size_t *ret_target)
{
    *ret_target = db->set->head;
    for (size_t i = 0; i < db->set->revision_count && count > 0; i++) {
        if (marks_is_expanded(db->marks, db->set->revisions[i].name))
            continue;
        target_mark_history(db->set, i, ret_is_wanted);
        *ret_target = i;
        count--;
    }
}

enum error_code target_up(const struct database *db, const char *word, bool *ret_is_wanted,
                          size_t *ret_target, struct error *err)
{
    uint64_t count = 0;

    if (word != NULL && read_count(word, '+', &count)) {
        pick_first(db, count, ret_is_wanted, ret_target);
        return ERROR_OK;
    }
    if (target_find(db->set, word != NULL ? word : "head", ret_target, err) != ERROR_OK)
        return err->code;
    target_mark_history(db->set, *ret_target, ret_is_wanted);
    return ERROR_OK;
}

/* ---- down ---- */

static enum error_code pick_newest(const struct database *db, uint64_t count, bool *ret_is_wanted,
                                   struct error *err)
{
    uint64_t found = 0;

    for (size_t i = db->set->revision_count; i-- > 0 && found < count;) {
        ret_is_wanted[i] = is_applied(db, i);
        found += ret_is_wanted[i];
    }
    if (found < count)
        return error_set(err, ERROR_REFUSED,
                         found == 0 ? "nothing is applied to this database"
                                    : "fewer revisions than that are applied to this database");
    return ERROR_OK;
}

enum error_code target_down(const struct database *db, const char *word, bool *ret_is_wanted,
                            struct error *err)
{
    const struct migration_set *set = db->set;
    uint64_t count = 1;
    bool *stays;
    size_t target;

    if (word == NULL || read_count(word, '-', &count))
        return pick_newest(db, count, ret_is_wanted, err);
    if (target_find(set, word, &target, err) != ERROR_OK)
        return err->code;
    if (!is_applied(db, target))
        return error_set(err, ERROR_REFUSED, "%s is not applied to this database",
                         set->revisions[target].name);
    stays = memory_array(db->context, bool, set->revision_count);
    target_mark_history(set, target, stays);
    for (size_t i = 0; i < set->revision_count; i++)
        ret_is_wanted[i] = !stays[i] && is_applied(db, i);
    return ERROR_OK;
}

/* ---- what arrives late ---- */

static size_t applied_on(const struct database *db, size_t late)
{
    size_t i = late + 1;

    while (!is_applied(db, i) || !migration_is_ancestor(db->set, late, i))
        i++;
    return i;
}

static enum error_code fail_late(const struct database *db, size_t late, struct error *err)
{
    const char *name = db->set->revisions[late].name;
    const char *on = db->set->revisions[applied_on(db, late)].name;

    if (!layout_allows_late(db->set->layout))
        return error_set(err, ERROR_REFUSED,
                         "%s came too late: %s, which stands on it, is applied to this database; "
                         "give it a version behind the last one (%s knows no other order)",
                         name, on, db->set->layout);
    return error_set(err, ERROR_REFUSED,
                     "%s came too late: %s, which stands on it, is applied to this database; give "
                     "it a place behind the last one, or apply it all the same with "
                     "--out-of-order",
                     name, on);
}

enum error_code target_check_order(const struct database *db, const bool *is_wanted,
                                   bool is_allowed, struct error *err)
{
    const struct migration_set *set = db->set;
    bool *is_needed = memory_array(db->context, bool, set->revision_count);

    for (size_t i = set->revision_count; i-- > 0;) {
        is_needed[i] |= is_applied(db, i);
        for (size_t p = 0; is_needed[i] && p < set->revisions[i].parent_count; p++)
            is_needed[set->revisions[i].parents[p]] = true;
    }
    for (size_t i = 0; i < set->revision_count; i++)
        if (is_wanted[i] && is_needed[i] && !is_applied(db, i) &&
            !(is_allowed && layout_allows_late(set->layout)))
            return fail_late(db, i, err);
    return ERROR_OK;
}
