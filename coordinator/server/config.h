/* config.h: the coordinator's configuration file. */
#ifndef COORDINATOR_SERVER_CONFIG_H
#define COORDINATOR_SERVER_CONFIG_H

#include "common/base/error.h"
#include "coordinator/server/config_window.h"

#include <stdint.h>

struct operator_config {
    const char *name;
    const char *key; /* public, Z85 */
};

struct server_config {
    const char *agents;    /* endpoint, tcp://HOST:PORT */
    const char *operators; /* endpoint */
    const char *key_file;
    const char *journal;    /* path */
    const char *migrations; /* folder */
    const char *layout;     /* NULL: what it looks like */
    const char *log_level;
    const char *environment; /* development, staging, production */
    struct operator_config *operator_keys;
    size_t operator_count;
    struct window_config *window_rows; /* as they are written */
    size_t window_count;
    struct freeze_config *freeze_rows;
    size_t freeze_count;
    struct windows windows; /* the same, for the core */
};

/* ERROR_CONFIG names file, line and key. What it points to are talloc descendants of parent. */
enum error_code server_config_read(const void *parent, const char *path, struct server_config *ret,
                                   struct error *err);

#endif
