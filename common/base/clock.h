/* clock.h: the two clocks, in milliseconds.  Never used by the cores: there, time is in the event.
 */
#ifndef COMMON_BASE_CLOCK_H
#define COMMON_BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_TEXT_SIZE 32

uint64_t clock_monotonic_ms(void);
uint64_t clock_monotonic_us(void);
uint64_t clock_wall_ms(void); /* since 1970, UTC */

/* "2026-01-02T03:04:05.678Z" */
void clock_to_text(uint64_t wall_ms, char ret[static CLOCK_TEXT_SIZE]);

/* Sleeps that long, whatever signals arrive.  For pauses between tries, never in place of a
 * condition. */
void clock_sleep_ms(uint64_t ms);

#endif
