#include "coordinator/server/config.h"

#include "common/base/log.h"
#include "common/config/yaml.h"
#include "common/layout/layout.h"
#include "common/wire/endpoint.h"
#include "common/wire/key.h"

#include <string.h>

#define OPERATORS_MAX 256

static const char *environment_fault(const char *value)
{
    return strcmp(value, "development") == 0 || strcmp(value, "staging") == 0 ||
                   strcmp(value, "production") == 0
               ? NULL
               : "not development, staging or production";
}

static const char *layout_fault(const char *value)
{
    const char *name;

    if (strcmp(value, LAYOUT_NATIVE) == 0)
        return NULL;
    for (size_t i = 0; (name = layout_name(i)) != NULL; i++)
        if (strcmp(value, name) == 0)
            return NULL;
    return "not native, golang-migrate, goose, dbmate, sql-migrate, flyway, diesel or sqitch";
}

static const struct yaml_key operator_rows[] = {
    {.key = "name",
     .kind = YAML_KIND_NAME,
     .offset = offsetof(struct operator_config, name),
     .is_required = true,
     .doc = "who it is, for the journal"},
    {.key = "key",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct operator_config, key),
     .value_fault = key_fault,
     .is_required = true,
     .doc = "the public key, as `hakem key show` prints it"},
};
static const struct yaml_table operator_table = YAML_TABLE(struct operator_config, operator_rows);

static const struct yaml_key rows[] = {
    {.key = "agents",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct server_config, agents),
     .value_fault = endpoint_listen_fault,
     .is_required = true,
     .doc = "where agents connect: tcp://HOST:PORT"},
    {.key = "operators",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct server_config, operators),
     .value_fault = endpoint_listen_fault,
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
    {.key = "layout",
     .kind = YAML_KIND_NAME,
     .offset = offsetof(struct server_config, layout),
     .value_fault = layout_fault,
     .doc = "whose the folder is, if it looks like two: native, goose, flyway and so on"},
    {.key = "log_level",
     .kind = YAML_KIND_NAME,
     .offset = offsetof(struct server_config, log_level),
     .value_fault = log_level_fault,
     .otherwise = "info",
     .doc = "debug, info, warning, error or alert"},
    {.key = "environment",
     .kind = YAML_KIND_NAME,
     .offset = offsetof(struct server_config, environment),
     .value_fault = environment_fault,
     .otherwise = "development",
     .doc = "development, staging or production: that asks for a rehearsal of every schema"},
    {.key = "operator_keys",
     .kind = YAML_KIND_STRUCTS,
     .offset = offsetof(struct server_config, operator_keys),
     .count_offset = offsetof(struct server_config, operator_count),
     .min = 1, /* with an empty list nobody could steer */
     .max = OPERATORS_MAX,
     .nested = &operator_table,
     .doc = "who may steer"},
    {.key = "windows",
     .kind = YAML_KIND_STRUCTS,
     .offset = offsetof(struct server_config, window_rows),
     .count_offset = offsetof(struct server_config, window_count),
     .min = 1, /* an empty list would look as if nothing might ever move */
     .max = WINDOWS_MAX,
     .nested = &config_window_table,
     .doc = "when rollouts may go forward; none: always"},
    {.key = "freezes",
     .kind = YAML_KIND_STRUCTS,
     .offset = offsetof(struct server_config, freeze_rows),
     .count_offset = offsetof(struct server_config, freeze_count),
     .max = FREEZES_MAX,
     .nested = &config_freeze_table,
     .doc = "when they may not, whatever the windows say"},
};

/* Whom the journal names must not be a matter of luck. */
static const struct operator_config *same_key(const struct server_config *config, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(config->operator_keys[i].key, config->operator_keys[at].key) == 0)
            return &config->operator_keys[i];
    return NULL;
}

static bool is_faulty(const void *filled, struct yaml_fault *ret)
{
    const struct server_config *config = filled;

    for (size_t i = 0; i < config->operator_count; i++) {
        const struct operator_config *other = same_key(config, i);

        if (other == NULL)
            continue;
        ret->key = "operator_keys";
        ret->entry = i + 1;
        (void)text_format(ret->sentence, sizeof(ret->sentence),
                          "%s and %s have the same key: whose wish it was could not be told",
                          other->name, config->operator_keys[i].name);
        return true;
    }
    return false;
}
static const struct yaml_table table = YAML_CHECKED_TABLE(struct server_config, rows, is_faulty);

enum error_code server_config_read(const void *parent, const char *path, struct server_config *ret,
                                   struct error *err)
{
    if (yaml_read_file(parent, path, &table, ret, err) != ERROR_OK)
        return err->code;
    ret->windows = config_windows(ret->window_rows, ret->window_count, ret->freeze_rows,
                                  ret->freeze_count, parent);
    return ERROR_OK;
}
