/* haproxy_parse.c: what HAProxy 2.6 says of its servers, in its own two forms. */
#include "agent/traffic/haproxy.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <string.h>

#define FIELDS_MAX 128

/* ---- show stat ---- */

struct columns {
    size_t proxy, server, status, sessions, requests, errors, check;
    size_t agent; /* what its agent-check said last; "": it has none */
};

static size_t split_line(char *line, char **fields)
{
    size_t count = 0;
    char *next = line;

    while (count < FIELDS_MAX && next != NULL) {
        char *comma = strchr(next, ',');

        fields[count++] = next;
        if (comma != NULL)
            *comma++ = '\0';
        next = comma;
    }
    return count;
}

static bool find_column(char *const *fields, size_t count, const char *name, size_t *ret)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i], name) == 0) {
            *ret = i;
            return true;
        }
    }
    return false;
}

static bool find_columns(char *header, struct columns *ret)
{
    char *fields[FIELDS_MAX];
    size_t count;

    if (!text_starts_with(header, "# "))
        return false;
    count = split_line(header + 2, fields);
    return find_column(fields, count, "pxname", &ret->proxy) &&
           find_column(fields, count, "svname", &ret->server) &&
           find_column(fields, count, "status", &ret->status) &&
           find_column(fields, count, "scur", &ret->sessions) &&
           find_column(fields, count, "stot", &ret->requests) &&
           find_column(fields, count, "hrsp_5xx", &ret->errors) &&
           find_column(fields, count, "check_status", &ret->check) &&
           find_column(fields, count, "agent_status", &ret->agent);
}

/* A line needs as many fields, whatever the order of the columns. */
static size_t last_of(const struct columns *at)
{
    const size_t all[] = {at->proxy,    at->server, at->status, at->sessions,
                          at->requests, at->errors, at->check,  at->agent};
    size_t last = 0;

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        last = all[i] > last ? all[i] : last;
    return last;
}

static uint64_t number_of(const char *text)
{
    uint64_t number = 0;

    (void)text_to_number(text, UINT64_MAX, &number);
    return number;
}

/* "UP", "UP 1/2", "DOWN", "DRAIN", "MAINT", "MAINT (via …)", "NOLB" */
static enum traffic_state state_of(const char *status)
{
    static const struct {
        const char *prefix;
        enum traffic_state state;
    } states[] = {{"UP", TRAFFIC_READY},    {"no check", TRAFFIC_READY},
                  {"DRAIN", TRAFFIC_DRAIN}, {"MAINT", TRAFFIC_MAINTENANCE},
                  {"DOWN", TRAFFIC_DOWN},   {"NOLB", TRAFFIC_DRAIN}};

    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        if (text_starts_with(status, states[i].prefix))
            return states[i].state;
    return TRAFFIC_UNKNOWN;
}

static void fill_server(char *const *fields, const struct columns *at, struct server_traffic *ret)
{
    (void)text_copy(ret->node, NAME_SIZE, fields[at->server]);
    ret->state = state_of(fields[at->status]);
    ret->check_passes = text_starts_with(fields[at->status], "UP") ||
                        text_starts_with(fields[at->status], "no check");
    ret->asks_agent = fields[at->agent][0] != '\0';
    ret->sessions = number_of(fields[at->sessions]);
    ret->requests = number_of(fields[at->requests]);
    ret->errors = number_of(fields[at->errors]);
}

enum error_code haproxy_parse_stat(const char *text, const char *backend, const void *parent,
                                   struct server_traffic **ret, size_t *ret_count,
                                   struct error *err)
{
    char *copy = memory_text(parent, text);
    struct server_traffic *servers =
        memory_array(parent, struct server_traffic, REPORT_SERVERS_MAX);
    struct columns at = {0};
    size_t count = 0;
    char *rest = copy;
    char *line = strtok_r(copy, "\n", &rest);

    if (line == NULL || !find_columns(line, &at))
        return error_set(err, ERROR_EDGE, "HAProxy's statistics have another form than expected");
    while ((line = strtok_r(NULL, "\n", &rest)) != NULL && count < REPORT_SERVERS_MAX) {
        char *fields[FIELDS_MAX];
        size_t field_count = split_line(line, fields);

        if (field_count <= last_of(&at) || strcmp(fields[at.proxy], backend) != 0 ||
            strcmp(fields[at.server], "BACKEND") == 0 || strcmp(fields[at.server], "FRONTEND") == 0)
            continue;
        fill_server(fields, &at, &servers[count++]);
    }
    *ret = servers;
    *ret_count = count;
    return ERROR_OK;
}

/* ---- show servers state ---- */

#define ADMIN_DRAIN 0x18 /* by the runtime socket, or inherited: HAProxy 2.6, management, 9.3 */

/* Columns are words; the header's first is "#". */
static bool find_word(char *header, const char *name, size_t *ret)
{
    char *rest = NULL;
    size_t at = 0;

    for (char *word = strtok_r(header, "# ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest), at++) {
        if (strcmp(word, name) == 0) {
            *ret = at;
            return true;
        }
    }
    return false;
}

static const char *word_at(const char *line, size_t at, char ret[static NAME_SIZE])
{
    while (at-- > 0 && line != NULL) {
        line = strchr(line, ' ');
        line = line == NULL ? NULL : line + 1;
    }
    ret[0] = '\0';
    if (line != NULL)
        (void)text_format(ret, NAME_SIZE, "%.*s", (int)strcspn(line, " "), line);
    return ret;
}

static void mark_drained(const char *line, size_t name_at, size_t admin_at,
                         struct server_traffic *servers, size_t count)
{
    char name[NAME_SIZE], admin[NAME_SIZE];

    (void)word_at(line, name_at, name);
    if ((number_of(word_at(line, admin_at, admin)) & ADMIN_DRAIN) == 0)
        return;
    for (size_t i = 0; i < count; i++)
        if (servers[i].state == TRAFFIC_DOWN && strcmp(servers[i].node, name) == 0)
            servers[i].state = TRAFFIC_DRAIN;
}

enum error_code haproxy_parse_state(const char *text, const void *parent,
                                    struct server_traffic *servers, size_t count, struct error *err)
{
    char *copy = memory_text(parent, text);
    char *rest = NULL;
    char *version = strtok_r(copy, "\n", &rest);
    char *header = version == NULL ? NULL : strtok_r(NULL, "\n", &rest);
    char *header_copy = header == NULL ? NULL : memory_text(copy, header);
    size_t name_at = 0;
    size_t admin_at = 0;

    if (header == NULL || !find_word(header, "srv_name", &name_at) ||
        !find_word(header_copy, "srv_admin_state", &admin_at)) {
        talloc_free(copy);
        return error_set(err, ERROR_EDGE,
                         "HAProxy's server states have another form than expected");
    }
    for (char *line = strtok_r(NULL, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        mark_drained(line, name_at, admin_at, servers, count);
    talloc_free(copy);
    return ERROR_OK;
}
