/* exec.c: any edge, through one hook of the agent's own configuration.
 *
 * HAKEM_ACTION=state prints a line for each game node: NAME ready|drain|maintenance|down SESSIONS.
 * HAKEM_ACTION=drain, admit or isolate, with HAKEM_TARGET, does it.  With colours:
 * HAKEM_ACTION=live prints the one that gets all traffic (its nodes are ready in `state`, the
 * others idle), switch gives it to HAKEM_TARGET.
 */
#include "agent/traffic/traffic.h"

#include "agent/hook.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <string.h>

#define HOOK_MS 10000

static enum error_code run(const struct edge_config *config, const char *action, const char *node,
                           const void *parent, char **ret_output, struct error *err)
{
    const char *const environment[] = {memory_format(parent, "HAKEM_ACTION=%s", action),
                                       memory_format(parent, "HAKEM_TARGET=%s", node), NULL};
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

    if (run(config, "state", "", parent, &output, err) != ERROR_OK)
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

static enum error_code wish(const struct edge_config *config, const char *node,
                            enum edge_wish wanted, struct error *err)
{
    void *scratch = memory_zeroed(NULL, 1, 1, "exec");
    enum error_code code = run(config, wish_name(wanted), node, scratch, NULL, err);

    talloc_free(scratch);
    return code;
}

static enum error_code live(const struct edge_config *config, char ret[static NAME_SIZE],
                            bool *ret_is_kept, struct error *err)
{
    void *scratch = memory_zeroed(NULL, 1, 1, "exec");
    char *output = NULL;

    err->code = ERROR_OK;
    if (run(config, "live", "", scratch, &output, err) == ERROR_OK) {
        output[strcspn(output, "\r\n")] = '\0';
        if (!text_is_name(output, NAME_MAX_LENGTH) || !text_copy(ret, NAME_SIZE, output))
            error_set(err, ERROR_EDGE, "%s: its answer to live is not a colour", config->hook);
    }
    *ret_is_kept = true; /* that is the hook's own care */
    talloc_free(scratch);
    return err->code;
}

static enum error_code point(const struct edge_config *config, const char *colour,
                             struct error *err)
{
    void *scratch = memory_zeroed(NULL, 1, 1, "exec");
    enum error_code code = run(config, wish_name(WISH_SWITCH), colour, scratch, NULL, err);

    talloc_free(scratch);
    return code;
}

const struct traffic_driver traffic_exec = {
    .name = "exec", .read = read_servers, .wish = wish, .live = live, .point = point};
