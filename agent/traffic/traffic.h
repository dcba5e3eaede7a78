/* traffic.h: an edge, driven and read back: what it says, not what it was told. */
#ifndef AGENT_TRAFFIC_TRAFFIC_H
#define AGENT_TRAFFIC_TRAFFIC_H

#include "agent/config.h"
#include "agent/core/wish.h"

struct traffic_driver {
    const char *name;
    bool is_pooler; /* no game node is behind it: pooler.h drives it, and the rest is NULL */
    /* Every game node behind the edge; *ret is a talloc child of parent. */
    enum error_code (*read)(const struct edge_config *config, const void *parent,
                            struct server_traffic **ret, size_t *ret_count, struct error *err);
    /* Asks for it; whether it came about is for read() to tell. */
    enum error_code (*wish)(const struct edge_config *config, const char *node, enum edge_wish wish,
                            struct error *err);
    /* Keeps it over a reload; NULL: nothing to keep. */
    enum error_code (*keep)(const struct edge_config *config, struct error *err);
    /* What a report says of colours: live, next, and so on. NULL, like point: it cannot know them;
     * called only if the configuration names some. */
    enum error_code (*live)(const struct edge_config *config, struct report *ret,
                            struct error *err);
    /* Asks for a share of the traffic for the colour (0: all of it, and none for another); whether
     * it came about is for live() to tell. */
    enum error_code (*point)(const struct edge_config *config, const char *colour,
                             uint64_t share_permille, struct error *err);
};

/* Never NULL for a configuration that was read. */
const struct traffic_driver *traffic_driver(const struct edge_config *config);

extern const struct traffic_driver traffic_haproxy;
extern const struct traffic_driver traffic_exec;
extern const struct traffic_driver traffic_pgbouncer;

/* Lines of `show stat` of one backend; exposed for its test and fuzzer. */
enum error_code haproxy_parse_stat(const char *text, const char *backend, const void *parent,
                                   struct server_traffic **ret, size_t *ret_count,
                                   struct error *err);
/* Lines of `show map`, which begin with an address, or of the map's file: the value of key.  False:
 * there is none that a name has room for. */
bool haproxy_parse_map(const char *text, const char *key, bool has_address,
                       char ret[static NAME_SIZE]);
/* Lines of `show servers state`: which of the servers that are down are drained besides. */
enum error_code haproxy_parse_state(const char *text, const void *parent,
                                    struct server_traffic *servers, size_t count,
                                    struct error *err);

#endif
