/* json_line.h: a row of COPY's text format as a line that is a JSON object: what row_to_json()
 * makes of it, byte for byte.
 *
 * Own code: the server takes twice as long for the object as for its CSV, and a library would parse
 * what is only to be written. Values keep the text that they have.
 */
#ifndef COMMON_COPY_JSON_LINE_H
#define COMMON_COPY_JSON_LINE_H

#include "common/base/error.h"
#include "common/base/text.h"

/* What a column's text is in JSON. */
enum json_kind {
    JSON_KIND_ITSELF,  /* JSON: as it is, with spaces for line ends */
    JSON_KIND_NUMBER,  /* itself, or a string: NaN, Infinity */
    JSON_KIND_BOOLEAN, /* t or f */
    JSON_KIND_STRING,
    JSON_KIND_COUNT
};

struct json_line_columns {
    const char *const *keys; /* json_line_key() of each */
    const enum json_kind *kinds;
    size_t count;
};

/* {"name": or ,"name": as the first, or a later, key of a line; a talloc child of parent. */
const char *json_line_key(const void *parent, const char *name, bool is_first);

/* Appends the line, with its end.  size: with the row's line end, or without.  PROTOCOL: it has
 * another number of columns, or a boolean that is none. */
enum error_code json_line_append(const char *row, size_t size,
                                 const struct json_line_columns *columns, struct text *ret,
                                 struct error *err);

#endif
