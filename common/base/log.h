/* log.h: one event, one line of key=value on standard error.
 *
 *     log_event(LOG_INFO, "step_ordered", LOG_TEXT("node", name), LOG_NUMBER("step", id));
 *
 * prints: at=2026-01-02T03:04:05.678Z level=info program=hakem-agent event=step_ordered node=db-1
 * step=4 Values with spaces, quotes, '=' or control characters are quoted and escaped: one line
 * stays one.
 */
#ifndef COMMON_BASE_LOG_H
#define COMMON_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR, LOG_ALERT, LOG_LEVEL_COUNT };

struct log_field {
    const char *key; /* NULL ends the list */
    const char *text;
    uint64_t number; /* where text is NULL */
};

#define LOG_TEXT(name, value)   ((struct log_field){.key = (name), .text = (value)})
#define LOG_NUMBER(name, value) ((struct log_field){.key = (name), .number = (value)})
#define log_event(level, event, ...)                                                               \
    log_fields(level, event, (const struct log_field[]){__VA_ARGS__, {.key = (const char *)0}})

/* The name in every line; threshold: what is below is not printed. Call once, at start. */
void log_open(const char *program, enum log_level threshold);
void log_fields(enum log_level level, const char *event, const struct log_field *fields);

bool log_level_from_name(const char *name, enum log_level *ret);
/* What the name is if it is none of a level, for people; NULL: it is one. */
const char *log_level_fault(const char *name);

#endif
