/* config_window.h: the part of the coordinator's configuration that says when rollouts may go
 * forward.
 */
#ifndef COORDINATOR_SERVER_CONFIG_WINDOW_H
#define COORDINATOR_SERVER_CONFIG_WINDOW_H

#include "common/config/yaml.h"
#include "proto/window.h"

struct window_config {
    const char **days; /* none: every day */
    size_t day_count;
    const char *from; /* HH:MM, UTC */
    const char *to;
};

struct freeze_config {
    const char *from; /* YYYY-MM-DDTHH:MMZ */
    const char *to;
    const char *why;
};

extern const struct yaml_table config_window_table;
extern const struct yaml_table config_freeze_table;

/* They have been read by those tables, so that nothing in them is wrong. Lists are talloc children
 * of parent. */
struct windows config_windows(const struct window_config *windows, size_t window_count,
                              const struct freeze_config *freezes, size_t freeze_count,
                              const void *parent);

#endif
