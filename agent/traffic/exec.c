/* exec.c: any edge, through one hook of the agent's own configuration.
 *
 * HAKEM_ACTION=state prints a line for each game node: NAME ready|drain|maintenance|down SESSIONS.
 * HAKEM_ACTION=drain, admit or isolate, with HAKEM_TARGET, does it.  With colours:
 * HAKEM_ACTION=live prints the one that gets all traffic (its nodes are ready in `state`, the
 * others idle), switch gives it to HAKEM_TARGET. An edge that can split it prints LIVE NEXT
 * PERMILLE: how much of it NEXT gets (0: none); switch then has HAKEM_SHARE, which is 0 for all of
 * it.
 */
#include "agent/traffic/traffic.h"

#include "agent/hook.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <string.h>

#define HOOK_MS 10000

struct action {
    const char *name;
    const char *target;      /* NULL: nobody */
    uint64_t share_permille; /* of a switch */
};

static enum error_code run(const struct edge_config *config, const struct action *action,
                           const void *parent, char **ret_output, struct error *err)
{
    const char *target = action->target == NULL ? "" : action->target;
    const char *const environment[] = {
        memory_format(parent, "HAKEM_ACTION=%s", action->name),
        memory_format(parent, "HAKEM_TARGET=%s", target),
        memory_format(parent, "HAKEM_SHARE=%llu", (unsigned long long)action->share_permille),
        NULL};
    struct hook hook = {.path = config->hook, .environment = environment, .timeout_ms = HOOK_MS};

    return hook_run(&hook, parent, ret_output, err);
}

static bool read_line(char *line, struct server_traffic *ret)
{
    char *rest = line;
    const char *node = strtok_r(line, " ", &rest);
    const char *state = strtok_r(NULL, " ", &rest);
    const char *sessions = strtok_r(NULL, " ", &rest);
    unsigned value;

    if (node == NULL || state == NULL || sessions == NULL ||
        !text_copy(ret->node, NAME_SIZE, node) ||
        !field_value_of(&traffic_state_names, state, strlen(state), &value) ||
        !text_to_number(sessions, UINT64_MAX, &ret->sessions))
        return false;
    ret->state = (enum traffic_state)value;
    ret->check_passes = ret->state == TRAFFIC_READY;
    return true;
}

static enum error_code read_servers(const struct edge_config *config, const void *parent,
                                    struct server_traffic **ret, size_t *ret_count,
                                    struct error *err)
{
    struct server_traffic *servers =
        memory_array(parent, struct server_traffic, REPORT_SERVERS_MAX);
    char *output = NULL;
    char *rest = NULL;
    size_t count = 0;

    if (run(config, &(struct action){.name = "state"}, parent, &output, err) != ERROR_OK)
        return err->code;
    for (char *line = strtok_r(output, "\n", &rest); line != NULL && count < REPORT_SERVERS_MAX;
         line = strtok_r(NULL, "\n", &rest))
        if (!read_line(line, &servers[count++]))
            return error_set(err, ERROR_EDGE, "%s: a line of its state is not NAME STATE SESSIONS",
                             config->hook);
    *ret = servers;
    *ret_count = count;
    return ERROR_OK;
}

static enum error_code act(const struct edge_config *config, const struct action *action,
                           struct error *err)
{
    void *scratch = memory_zeroed(NULL, 1, 1, "exec");
    enum error_code code = run(config, action, scratch, NULL, err);

    talloc_free(scratch);
    return code;
}

static enum error_code wish(const struct edge_config *config, const char *node,
                            enum edge_wish wanted, struct error *err)
{
    return act(config, &(struct action){.name = wish_name(wanted), .target = node}, err);
}

static bool take_colour(const char *word, char ret[static NAME_SIZE])
{
    return word != NULL && text_is_name(word, NAME_MAX_LENGTH) && text_copy(ret, NAME_SIZE, word);
}

/* LIVE, or LIVE NEXT PERMILLE */
static bool read_live(char *line, struct report *ret)
{
    char *rest = NULL;
    const char *live = strtok_r(line, " \r\n", &rest);
    const char *next = strtok_r(NULL, " \r\n", &rest);
    const char *share = strtok_r(NULL, " \r\n", &rest);

    ret->can_split = next != NULL;
    return take_colour(live, ret->live) &&
           (!ret->can_split || (take_colour(next, ret->next) && share != NULL &&
                                text_to_number(share, SHARE_ALL_PERMILLE, &ret->share_permille)));
}

static enum error_code live(const struct edge_config *config, struct report *ret, struct error *err)
{
    void *scratch = memory_zeroed(NULL, 1, 1, "exec");
    char *output = NULL;

    err->code = ERROR_OK;
    if (run(config, &(struct action){.name = "live"}, scratch, &output, err) == ERROR_OK &&
        !read_live(output, ret))
        error_set(err, ERROR_EDGE, "%s: its answer to live is not LIVE, or LIVE NEXT PERMILLE",
                  config->hook);
    ret->live_is_kept = true; /* that is the hook's own care */
    talloc_free(scratch);
    return err->code;
}

static enum error_code point(const struct edge_config *config, const char *colour,
                             uint64_t share_permille, struct error *err)
{
    return act(config,
               &(struct action){.name = wish_name(WISH_SWITCH),
                                .target = colour,
                                .share_permille = share_permille},
               err);
}

const struct traffic_driver traffic_exec = {
    .name = "exec", .read = read_servers, .wish = wish, .live = live, .point = point};
