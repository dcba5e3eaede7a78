/* probe.h: what must hold for a node, looked at from beside it. */
#ifndef AGENT_PROBE_PROBE_H
#define AGENT_PROBE_PROBE_H

#include "agent/config.h"
#include "proto/report.h"

/* Blocks for at most the probe's timeout. Always fills ret; age_ms is 0. */
void probe_run(const struct agent_config *config, const struct probe_config *probe,
               struct probe_result *ret);

#define PROBE_BODY_MAX 4096

struct probe_answer {
    long status;
    char body[PROBE_BODY_MAX]; /* cut */
    char why[128];             /* there is none */
};

/* GET url; false: no answer. */
bool probe_get(const char *url, uint64_t timeout_ms, struct probe_answer *ret);

/* Kinds, for the test that walks them. */
bool probe_kind_is_known(const char *kind);

#endif
