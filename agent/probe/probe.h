/* probe.h: what must hold for a node, looked at from beside it. */
#ifndef AGENT_PROBE_PROBE_H
#define AGENT_PROBE_PROBE_H

#include "agent/config.h"
#include "proto/report.h"

/* Blocks for at most the probe's timeout. Always fills ret; age_ms is 0. */
void probe_run(const struct agent_config *config, const struct probe_config *probe,
               struct probe_result *ret);

/* The body of an answer to GET url, cut at size - 1; false: no answer. *ret_status is its status. */
bool probe_get(const char *url, uint64_t timeout_ms, char *ret, size_t size, long *ret_status,
               char *ret_why, size_t why_size);

/* Kinds, for the test that walks them. */
bool probe_kind_is_known(const char *kind);

#endif
