/* difference.h: two schemas object by object: what only the one has, and what only the other. Pure.
 */
#ifndef COMMON_PROOF_DIFFERENCE_H
#define COMMON_PROOF_DIFFERENCE_H

#include "common/base/text.h"
#include "common/migration/fingerprint.h"

/* An object that changed is there twice, side by side. */
struct difference_entry {
    char sign; /* '-': only before; '+': only after */
    const struct fingerprint_object *object;
};

struct difference {
    size_t count;
    const struct difference_entry *entries; /* by kind and name */
};

/* A talloc child of parent; its objects are those of before and after. */
struct difference *difference_of(const void *parent, const struct fingerprint_objects *before,
                                 const struct fingerprint_objects *after);

/* "- column public.players.x integer", on one line: a line end is written as \n. */
void difference_say(const struct difference_entry *entry, struct text *out);

#endif
