/* journal_bytes.h: a journal in one piece, as a fuzzer's input: [size, two bytes][fact] and so on.
 */
#ifndef TESTS_FUZZ_JOURNAL_BYTES_H
#define TESTS_FUZZ_JOURNAL_BYTES_H

#include "common/base/text.h"
#include "proto/fact.h"

#include <string.h>

struct journal_bytes {
    const uint8_t *next;
    const uint8_t *end;
};

/* The next fact's bytes; false at the end. A size that lies takes what is left. */
static inline bool journal_bytes_next(struct journal_bytes *in, const uint8_t **ret,
                                      size_t *ret_size)
{
    size_t left = (size_t)(in->end - in->next);
    size_t size;

    if (left < 2)
        return false;
    size = (size_t)in->next[0] << 8 | in->next[1];
    in->next += 2;
    left -= 2;
    *ret = in->next;
    *ret_size = size < left ? size : left;
    in->next += *ret_size;
    return true;
}

static inline void journal_bytes_append(const struct fact *fact, struct text *ret)
{
    struct text *bytes = text_new(ret, UINT16_MAX);
    uint8_t head[2];

    fact_encode(fact, bytes);
    head[0] = (uint8_t)(bytes->size >> 8);
    head[1] = (uint8_t)bytes->size;
    text_append_bytes(ret, head, sizeof(head));
    text_append_bytes(ret, bytes->data, bytes->size);
}

#endif
