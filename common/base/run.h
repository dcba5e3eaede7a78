/* run.h: a child process run to its end: what it says is kept, and it ends by a deadline.
 */
#ifndef COMMON_BASE_RUN_H
#define COMMON_BASE_RUN_H

#include "common/base/process.h"
#include "common/base/text.h"

#include <stdint.h>

struct run {
    const char *name; /* for sentences */
    struct process_command command;
    uint64_t timeout_ms;
    bool (*is_cancelled)(void *context); /* asked all the time; NULL: never */
    void *context;
};

/* Appends its output (what there is room for) to output.  Ends any other way than by exit 0:
 * ERROR_FAILED with the last line that it said; ERROR_TIMEOUT or ERROR_CANCELLED after killing it,
 * with its own session, everything in that. */
enum error_code run_to_end(const struct run *run, struct text *output, struct error *err);

/* The last line of such an output, within it; cuts the blanks and line ends after it off. */
const char *run_last_line(char *output);

#endif
