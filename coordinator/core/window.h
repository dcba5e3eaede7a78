/* window.h: whether a moment lies within the operators' windows, and when the next one does. */
#ifndef COORDINATOR_CORE_WINDOW_H
#define COORDINATOR_CORE_WINDOW_H

#include "proto/window.h"

#define WINDOW_NEVER UINT64_MAX

/* Nothing is restricted. */
bool windows_are_none(const struct windows *windows);

bool windows_are_open(const struct windows *windows, uint64_t at_ms);

/* The first moment from at_ms on at which they are; WINDOW_NEVER: as far as is known, none. */
uint64_t windows_open_at_ms(const struct windows *windows, uint64_t at_ms);

/* The first moment from at_ms on, where they are open, at which they are not; WINDOW_NEVER: none.
 */
uint64_t windows_shut_at_ms(const struct windows *windows, uint64_t at_ms);

/* How it stands at that moment, with what comes next, in a clause. */
void windows_say(const struct windows *windows, uint64_t at_ms, char ret[static SENTENCE_SIZE]);

bool windows_are_same(const struct windows *a, const struct windows *b);

#endif
