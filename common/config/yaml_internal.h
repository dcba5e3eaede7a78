/* yaml_internal.h: what the scan, the document walker and the value converters share. */
#ifndef COMMON_CONFIG_YAML_INTERNAL_H
#define COMMON_CONFIG_YAML_INTERNAL_H

#include "common/config/yaml.h"

#include <yaml.h>

/* Where a scalar stands, and what it says. */
struct yaml_place {
    const char *file;
    size_t line;
    const char *key;
    const char *value;
    bool is_quoted; /* then it is text, never a number or a bool */
};

/* One scalar into the C value at ret, by key->kind and its limits. */
enum error_code yaml_store_scalar(const void *parent, const struct yaml_place *place,
                                  const struct yaml_key *key, void *ret, struct error *err);

/* yaml_scan.c: ERROR_CONFIG for what is too big or too deep, has an anchor or a second document. */
enum error_code yaml_check_limits(const struct yaml_text *text, struct error *err);
enum error_code yaml_start_parser(yaml_parser_t *parser, const struct yaml_text *text,
                                  struct error *err);
enum error_code yaml_fail_syntax(const char *file, const yaml_parser_t *parser, struct error *err);

/* ERROR_CONFIG "FILE:LINE: KEY: sentence". */
enum error_code yaml_fail(const struct yaml_place *place, struct error *err, const char *format,
                          ...) __attribute__((format(printf, 3, 4)));

#endif
