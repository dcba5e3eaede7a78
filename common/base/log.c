#include "common/base/log.h"

#include "common/base/clock.h"
#include "common/base/text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define LOG_LINE_MAX 4096

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info",   [LOG_WARNING] = "warning",
    [LOG_ERROR] = "error", [LOG_ALERT] = "alert",
};
static_assert(ARRAY_LEN(level_names) == LOG_LEVEL_COUNT, "a level has no name");

static const char *program_name = "hakem";
static enum log_level level_threshold = LOG_INFO;

void log_open(const char *program, enum log_level threshold)
{
    program_name = program;
    level_threshold = threshold;
}

bool log_level_from_name(const char *name, enum log_level *ret)
{
    for (size_t i = 0; i < LOG_LEVEL_COUNT; i++) {
        if (strcmp(level_names[i], name) == 0) {
            *ret = (enum log_level)i;
            return true;
        }
    }
    return false;
}

const char *log_level_fault(const char *name)
{
    enum log_level level;

    return log_level_from_name(name, &level) ? NULL : "not debug, info, warning, error or alert";
}

struct line {
    char bytes[LOG_LINE_MAX];
    size_t size;
};

static void put(struct line *line, char c)
{
    if (line->size < sizeof(line->bytes) - 2) /* room for the newline and the terminator */
        line->bytes[line->size++] = c;
}

static void put_text(struct line *line, const char *text)
{
    while (*text != '\0')
        put(line, *text++);
}

static bool needs_quotes(const char *text)
{
    if (*text == '\0')
        return true;
    for (; *text != '\0'; text++)
        if ((unsigned char)*text <= ' ' || *text == '"' || *text == '=' || *text == '\\' ||
            *text == 0x7f)
            return true;
    return false;
}

static void put_quoted(struct line *line, const char *text)
{
    put(line, '"');
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            put_text(line, "\\n");
        } else if ((unsigned char)*text < ' ' || *text == 0x7f) {
            put(line, '?'); /* a terminal's control sequences do not pass */
        } else {
            if (*text == '"' || *text == '\\')
                put(line, '\\');
            put(line, *text);
        }
    }
    put(line, '"');
}

static void put_pair(struct line *line, const char *key, const char *value)
{
    if (line->size > 0)
        put(line, ' ');
    put_text(line, key);
    put(line, '=');
    if (needs_quotes(value))
        put_quoted(line, value);
    else
        put_text(line, value);
}

void log_fields(enum log_level level, const char *event, const struct log_field *fields)
{
    struct line line = {.size = 0};
    char now[CLOCK_TEXT_SIZE];

    assert(level < LOG_LEVEL_COUNT);
    if (level < level_threshold)
        return;
    clock_to_text(clock_wall_ms(), now);
    put_pair(&line, "at", now);
    put_pair(&line, "level", level_names[level]);
    put_pair(&line, "program", program_name);
    put_pair(&line, "event", event);
    for (; fields->key != NULL; fields++) {
        char number[24];

        (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)fields->number);
        put_pair(&line, fields->key, fields->text != NULL ? fields->text : number);
    }
    line.bytes[line.size++] = '\n';
    (void)fwrite(line.bytes, 1, line.size, stderr); /* one write: lines of processes don't mix */
}
