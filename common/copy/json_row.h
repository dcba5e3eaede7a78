/* json_row.h: a line that is a JSON object, as a row for COPY in its text format.
 *
 * Own code, because no digit of a number may change: libraries make doubles of them, and a numeric
 * has more.  Values keep the text that they have; only strings are unescaped.
 */
#ifndef COMMON_COPY_JSON_ROW_H
#define COMMON_COPY_JSON_ROW_H

#include "common/base/error.h"
#include "common/base/text.h"

#define JSON_ROW_DEPTH_MAX 512

/* The keys that a line may have, in the order in which the row has their values. */
struct json_row_keys {
    const char **names;
    bool *are_json; /* the column's value is the JSON itself, of a string with its quotes */
    size_t count;
};

/* Appends the row, with its line end: a key that the line lacks is NULL, as null is; an object or a
 * list is its own text.  size: without a line end.  INVALID: no object, another key, a key twice, a
 * character that no text can hold (\u0000, half a surrogate pair). */
enum error_code json_row_append(const char *line, size_t size, const struct json_row_keys *keys,
                                struct text *ret, struct error *err);

#endif
