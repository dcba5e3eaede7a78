#include "common/base/memory.h"
#include "common/config/yaml_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum error_code yaml_fail(const struct yaml_place *place, struct error *err, const char *format,
                          ...)
{
    char sentence[ERROR_DETAIL_MAX / 2];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    if (place->key == NULL)
        return error_set(err, ERROR_CONFIG, "%s:%zu: %s", place->file, place->line, sentence);
    return error_set(err, ERROR_CONFIG, "%s:%zu: %s: %s", place->file, place->line, place->key,
                     sentence);
}

/* What the row itself asks of the value. */
static enum error_code check_value(const struct yaml_place *place, const struct yaml_key *key,
                                   struct error *err)
{
    const char *fault = key->value_fault != NULL ? key->value_fault(place->value) : NULL;

    return fault == NULL ? ERROR_OK : yaml_fail(place, err, "\"%.64s\" is %s", place->value, fault);
}

static enum error_code store_text(const void *parent, const struct yaml_place *place,
                                  const struct yaml_key *key, void *ret, struct error *err)
{
    size_t max = key->max != 0 ? (size_t)key->max : YAML_TEXT_MAX;

    if (strlen(place->value) < key->min || strlen(place->value) > max)
        return yaml_fail(place, err, "must have %" PRIu64 " to %zu bytes", key->min, max);
    if (check_value(place, key, err) != ERROR_OK)
        return err->code;
    *(const char **)ret = memory_text(parent, place->value);
    return ERROR_OK;
}

static enum error_code store_name(const void *parent, const struct yaml_place *place,
                                  const struct yaml_key *key, void *ret, struct error *err)
{
    size_t max = key->max != 0 ? (size_t)key->max : YAML_NAME_MAX;

    if (!text_is_name(place->value, max))
        return yaml_fail(place, err,
                         "\"%.64s\" is not a name: 1 to %zu letters, digits, '_', '-' or '.', the "
                         "first a letter or digit",
                         place->value, max);
    if (check_value(place, key, err) != ERROR_OK)
        return err->code;
    *(const char **)ret = memory_text(parent, place->value);
    return ERROR_OK;
}

static enum error_code check_limits(const struct yaml_place *place, const struct yaml_key *key,
                                    uint64_t value, const char *unit, struct error *err)
{
    uint64_t max = key->max != 0 ? key->max : UINT64_MAX;

    if (value >= key->min && value <= max)
        return ERROR_OK;
    if (key->max == 0)
        return yaml_fail(place, err, "must be at least %" PRIu64 "%s", key->min, unit);
    return yaml_fail(place, err, "must be between %" PRIu64 "%s and %" PRIu64 "%s", key->min, unit,
                     max, unit);
}

static enum error_code store_number(const void *parent, const struct yaml_place *place,
                                    const struct yaml_key *key, void *ret, struct error *err)
{
    uint64_t number;

    (void)parent;
    if (!text_to_number(place->value, UINT64_MAX, &number))
        return yaml_fail(place, err, "\"%.64s\" is not a number", place->value);
    if (check_limits(place, key, number, "", err) != ERROR_OK)
        return err->code;
    *(uint64_t *)ret = number;
    return ERROR_OK;
}

static enum error_code store_duration(const void *parent, const struct yaml_place *place,
                                      const struct yaml_key *key, void *ret, struct error *err)
{
    uint64_t ms;

    (void)parent;
    if (!text_to_duration(place->value, &ms))
        return yaml_fail(place, err, "\"%.64s\" is not a duration such as 250ms, 5s, 10m, 2h or 1d",
                         place->value);
    if (check_limits(place, key, ms, "ms", err) != ERROR_OK)
        return err->code;
    *(uint64_t *)ret = ms;
    return ERROR_OK;
}

static enum error_code store_bool(const void *parent, const struct yaml_place *place,
                                  const struct yaml_key *key, void *ret, struct error *err)
{
    bool is_true = strcmp(place->value, "true") == 0;

    (void)parent;
    (void)key;
    if (!is_true && strcmp(place->value, "false") != 0)
        return yaml_fail(place, err, "\"%.64s\" is neither true nor false", place->value);
    *(bool *)ret = is_true;
    return ERROR_OK;
}

static const struct {
    const char *name;
    bool may_be_quoted;
    enum error_code (*store)(const void *, const struct yaml_place *, const struct yaml_key *,
                             void *, struct error *);
} kinds[YAML_KIND_COUNT] = {
    [YAML_KIND_TEXT] = {.name = "text", .may_be_quoted = true, .store = store_text},
    [YAML_KIND_NAME] = {.name = "name", .may_be_quoted = true, .store = store_name},
    [YAML_KIND_NUMBER] = {.name = "number", .store = store_number},
    [YAML_KIND_BOOL] = {.name = "bool", .store = store_bool},
    [YAML_KIND_DURATION] = {.name = "duration", .may_be_quoted = true, .store = store_duration},
    /* A list's elements are stored one by one. */
    [YAML_KIND_TEXTS] = {.name = "list of texts", .may_be_quoted = true, .store = store_text},
    [YAML_KIND_NAMES] = {.name = "list of names", .may_be_quoted = true, .store = store_name},
    [YAML_KIND_STRUCT] = {.name = "keys"},
    [YAML_KIND_STRUCTS] = {.name = "list of keys"},
};

const char *yaml_kind_name(enum yaml_kind kind)
{
    return kinds[kind].name;
}

enum error_code yaml_store_scalar(const void *parent, const struct yaml_place *place,
                                  const struct yaml_key *key, void *ret, struct error *err)
{
    if (kinds[key->kind].store == NULL || (place->is_quoted && !kinds[key->kind].may_be_quoted))
        return yaml_fail(place, err, "must be a %s, not \"%.64s\"", kinds[key->kind].name,
                         place->value);
    return kinds[key->kind].store(parent, place, key, ret, err);
}
