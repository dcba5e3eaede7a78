/* json.h: records as JSON objects, by the same tables as msgpack: what --json prints. */
#ifndef PROTO_JSON_H
#define PROTO_JSON_H

#include "common/base/error.h"
#include "proto/field.h"

#include <jansson.h>

/* Every member, defaults too, in the order of the rows. The caller json_decref()s it. */
json_t *json_from_record(const struct record *record, const void *base);

/* Unknown keys are passed over; ERROR_INVALID names the record and the field. Strings and lists
 * become talloc children of parent. */
enum error_code json_to_record(const struct record *record, const json_t *object,
                               const void *parent, void *ret, struct error *err);

#endif
