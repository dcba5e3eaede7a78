/* traffic.h: an edge, driven and read back: what it says, not what it was told. */
#ifndef AGENT_TRAFFIC_TRAFFIC_H
#define AGENT_TRAFFIC_TRAFFIC_H

#include "agent/config.h"
#include "proto/report.h"

enum traffic_wish { WISH_DRAIN, WISH_ADMIT, WISH_ISOLATE, WISH_COUNT };

struct traffic_driver {
    const char *name;
    /* Every game node behind the edge; *ret is a talloc child of parent. */
    enum error_code (*read)(const struct edge_config *config, const void *parent,
                            struct server_traffic **ret, size_t *ret_count, struct error *err);
    /* Asks for it; whether it came about is for read() to tell. */
    enum error_code (*wish)(const struct edge_config *config, const char *node,
                            enum traffic_wish wish, struct error *err);
    /* Keeps it over a reload; NULL: nothing to keep. */
    enum error_code (*keep)(const struct edge_config *config, struct error *err);
};

/* Never NULL for a configuration that was read. */
const struct traffic_driver *traffic_driver(const struct edge_config *config);

/* The state that a wish leads to. */
bool traffic_is_fulfilled(const struct server_traffic *server, enum traffic_wish wish);
/* It is in a state that another wish leads to: not one on the way to this wish's. */
bool traffic_contradicts(const struct server_traffic *server, enum traffic_wish wish);
const char *traffic_wish_name(enum traffic_wish wish);

extern const struct traffic_driver traffic_haproxy;
extern const struct traffic_driver traffic_exec;

/* Lines of `show stat` of one backend; exposed for its test and fuzzer. */
enum error_code haproxy_parse_stat(const char *text, const char *backend, const void *parent,
                                   struct server_traffic **ret, size_t *ret_count,
                                   struct error *err);

#endif
