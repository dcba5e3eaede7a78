#include "coordinator/cli/migration_repeatable.h"

#include "common/migration/repeatable.h"

#include <assert.h>

static const char *const words[REPEATABLE_STATE_COUNT] = {
    [REPEATABLE_NEW] = "not applied",
    [REPEATABLE_CHANGED] = "changed since it was applied",
    [REPEATABLE_CURRENT] = "applied",
};

static void show(struct cli *cli, const struct migration_repeatable *repeatable,
                 enum repeatable_state state, json_t *all)
{
    cli_say(cli, "%-40s %s", repeatable->split->path, words[state]);
    (void)json_array_append_new(
        all, json_pack("{s:s, s:s}", "name", repeatable->name, "state", words[state]));
}

enum error_code migration_show_repeatables(struct cli *cli, const struct database *db,
                                           bool is_pending_only, size_t *ret_count,
                                           struct error *err)
{
    enum repeatable_state *states = NULL;
    json_t *all;

    if (repeatable_read(db->session, db->set, db->context, &states, err) != ERROR_OK)
        return err->code;
    assert(states != NULL);
    all = json_array();
    for (size_t i = 0; i < db->set->repeatable_count; i++)
        if (!is_pending_only || states[i] != REPEATABLE_CURRENT)
            show(cli, &db->set->repeatables[i], states[i], all);
    *ret_count = json_array_size(all);
    cli_answer(cli, "repeatables", all);
    return ERROR_OK;
}
