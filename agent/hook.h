/* hook.h: executables of the agent's own configuration, run without a shell. */
#ifndef AGENT_HOOK_H
#define AGENT_HOOK_H

#include "common/base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define HOOK_OUTPUT_MAX 4096

struct hook {
    const char *path;               /* absolute */
    const char *const *arguments;   /* NULL at the end; NULL: none */
    const char *const *environment; /* NAME=VALUE, NULL at the end; PATH is added */
    uint64_t timeout_ms;
    bool own_session; /* run by the agent's own program: it dies with the task that runs it, and
                         what it put into a session of its own survives */
    bool (*is_cancelled)(void *context); /* NULL: never */
    void *context;
};

/* Runs it and waits. Its output (standard output and error) goes to ret_output, cut at
 * HOOK_OUTPUT_MAX, a talloc child of parent; ret_output may be NULL. ERROR_HOOK holds its last
 * line. */
enum error_code hook_run(const struct hook *hook, const void *parent, char **ret_output,
                         struct error *err);

#endif
