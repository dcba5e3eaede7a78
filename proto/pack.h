/* pack.h: records as msgpack maps, by their tables.
 *
 * Members that hold their default are left out, unknown keys are passed over: so a newer peer or
 * journal can be read by an older program and the other way round, within one wire version.
 */
#ifndef PROTO_PACK_H
#define PROTO_PACK_H

#include "common/base/error.h"
#include "common/base/text.h"
#include "proto/field.h"

#include <msgpack.h>

/* Appends the record to ret. Texts that are not well-formed UTF-8 are mended on the way, numbers
 * that are too large become the largest: what was written can always be read. */
void pack_record(const struct record *record, const void *base, struct text *ret);

/* Bytes that a peer or a disk gave. Members go into the zeroed *ret, what it points to becomes
 * talloc children of parent. ERROR_PROTOCOL names the record and the field. */
enum error_code unpack_record(const struct record *record, const void *bytes, size_t size,
                              const void *parent, void *ret, struct error *err);

/* The same from a tree that has passed scan_fault() and been unpacked already. */
enum error_code unpack_map(const struct record *record, const msgpack_object *map,
                           const void *parent, void *ret, struct error *err);

#endif
