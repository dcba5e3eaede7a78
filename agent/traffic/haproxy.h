/* haproxy.h: internal: what the files of the HAProxy driver share. */
#ifndef AGENT_TRAFFIC_HAPROXY_H
#define AGENT_TRAFFIC_HAPROXY_H

#include "agent/traffic/traffic.h"
#include "common/base/text.h"

/* One command on the runtime socket, and its answer, a talloc child of parent. */
enum error_code haproxy_ask(const struct edge_config *config, const char *command,
                            const void *parent, struct text **ret, struct error *err);
/* One command; anything but an empty answer is a refusal. */
enum error_code haproxy_command(const struct edge_config *config, const char *line,
                                struct error *err);

/* ---- haproxy_map.c: which colour gets how much ---- */

enum error_code haproxy_live(const struct edge_config *config, struct report *ret,
                             struct error *err);
enum error_code haproxy_point(const struct edge_config *config, const char *colour,
                              uint64_t share_permille, struct error *err);
/* The map's file says what the process has in memory. */
enum error_code haproxy_keep_map(const struct edge_config *config, struct error *err);

#endif
