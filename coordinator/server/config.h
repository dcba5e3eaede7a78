/* config.h: the coordinator's configuration file. */
#ifndef COORDINATOR_SERVER_CONFIG_H
#define COORDINATOR_SERVER_CONFIG_H

#include "common/base/error.h"

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
    const char *log_level;
    const char *environment; /* development, staging, production */
    struct operator_config *operator_keys;
    size_t operator_count;
};

/* ERROR_CONFIG names file, line and key. What it points to are talloc descendants of parent. */
enum error_code server_config_read(const void *parent, const char *path, struct server_config *ret,
                                   struct error *err);

#endif
