/* scan.h: looks at msgpack bytes before anything unpacks them: allocates nothing, believes nothing.
 *
 * msgpack-c 4.0 reserves memory by the lengths that a peer claims: 5 bytes can ask it for 128 GiB.
 * What passes here has honest counts, no extension types, no duplicate keys, text keys only, a
 * bounded depth, and no bytes behind it.
 */
#ifndef PROTO_SCAN_H
#define PROTO_SCAN_H

#include <stddef.h>
#include <stdint.h>

#define SCAN_DEPTH_MAX 8
#define SCAN_KEYS_MAX  64 /* of one map: no record has more fields */

struct scan_limits {
    size_t bytes;
    size_t items;
};

/* What a peer may say at once, and what the journal may hold: a plan for a large cluster is larger
 * than any message. */
extern const struct scan_limits scan_of_peer;
extern const struct scan_limits scan_of_journal;

/* NULL, or what is wrong with the bytes, for a log line. */
const char *scan_fault(const void *bytes, size_t size, const struct scan_limits *limits);

#endif
