/* draw.h: a fuzzer's bytes as choices: numbers, names, and whole records by their tables.
 *
 * What is drawn could have come over the wire: texts are well-formed and fit, enums have names,
 * lists keep their limits.  Bytes that have run out read as 0, so that every input is a whole one.
 */
#ifndef TESTS_FUZZ_DRAW_H
#define TESTS_FUZZ_DRAW_H

#include "proto/field.h"

struct draw {
    const uint8_t *next;
    const uint8_t *end;
    const char *const *words; /* what texts are mostly made of */
    size_t word_count;
};

bool draw_is_empty(const struct draw *draw);
uint8_t draw_byte(struct draw *draw);
uint64_t draw_below(struct draw *draw, uint64_t limit);

/* Mostly small, sometimes at the edge of what a number may be. */
uint64_t draw_number(struct draw *draw);

const char *draw_word(struct draw *draw);

/* Fills the zeroed *ret; what it points to becomes talloc children of parent. */
void draw_record(struct draw *draw, const struct record *record, const void *parent, void *ret);

#endif
