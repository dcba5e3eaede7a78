#include "coordinator/server/config.h"

#include "common/base/log.h"
#include "common/config/yaml.h"
#include "common/wire/key.h"

#include <string.h>

#define OPERATORS_MAX 256

static const struct yaml_key operator_rows[] = {
    {.key = "name",
     .kind = YAML_KIND_NAME,
     .offset = offsetof(struct operator_config, name),
     .is_required = true,
     .doc = "who it is, for the journal"},
    {.key = "key",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct operator_config, key),
     .is_required = true,
     .doc = "the public key, as `hakem key show` prints it"},
};
static const struct yaml_table operator_table = YAML_TABLE(struct operator_config, operator_rows);

static const struct yaml_key rows[] = {
    {.key = "agents",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct server_config, agents),
     .is_required = true,
     .doc = "where agents connect: tcp://HOST:PORT"},
    {.key = "operators",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct server_config, operators),
     .is_required = true,
     .doc = "where the CLI connects: tcp://HOST:PORT"},
    {.key = "key_file",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct server_config, key_file),
     .is_required = true,
     .doc = "the coordinator's own key pair"},
    {.key = "journal",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct server_config, journal),
     .is_required = true,
     .doc = "the journal's file, on a local disk"},
    {.key = "migrations",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct server_config, migrations),
     .is_required = true,
     .doc = "the migrations folder"},
    {.key = "log_level",
     .kind = YAML_KIND_NAME,
     .offset = offsetof(struct server_config, log_level),
     .otherwise = "info",
     .doc = "debug, info, warning, error or alert"},
    {.key = "operator_keys",
     .kind = YAML_KIND_STRUCTS,
     .offset = offsetof(struct server_config, operator_keys),
     .count_offset = offsetof(struct server_config, operator_count),
     .max = OPERATORS_MAX,
     .nested = &operator_table,
     .doc = "who may steer"},
};
static const struct yaml_table table = YAML_TABLE(struct server_config, rows);

/* Whom the journal names must not be a matter of luck. */
static const struct operator_config *same_key(const struct server_config *config, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(config->operator_keys[i].key, config->operator_keys[at].key) == 0)
            return &config->operator_keys[i];
    return NULL;
}

static enum error_code check_operator(const struct server_config *config, size_t at,
                                      const char *path, struct error *err)
{
    const struct operator_config *one = &config->operator_keys[at];
    const struct operator_config *other = same_key(config, at);

    if (!key_is_valid(one->key))
        return error_set(err, ERROR_CONFIG,
                         "%s: operator_keys: the key of %s is not 40 characters of Z85", path,
                         one->name);
    if (other != NULL)
        return error_set(err, ERROR_CONFIG,
                         "%s: operator_keys: %s and %s have the same key: whose wish it was could "
                         "not be told",
                         path, other->name, one->name);
    return ERROR_OK;
}

enum error_code server_config_read(const void *parent, const char *path, struct server_config *ret,
                                   struct error *err)
{
    struct server_config config = {.agents = NULL};
    enum log_level level;

    if (yaml_read_file(parent, path, &table, &config, err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < config.operator_count; i++)
        if (check_operator(&config, i, path, err) != ERROR_OK)
            return err->code;
    if (!log_level_from_name(config.log_level, &level))
        return error_set(err, ERROR_CONFIG, "%s: log_level: \"%s\" is none of the levels", path,
                         config.log_level);
    *ret = config;
    return ERROR_OK;
}
