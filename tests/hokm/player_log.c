#include "tests/hokm/player_log.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_SIZE   1024
#define REASON_MAX_SIZE 201
#define CAPACITY_FIRST  4096
#define REQUEST_FIELDS  5
#define WRITE_FIELDS    6

struct reading {
    uint64_t from, to;
    struct player_log_figures figures;
    struct player_log_write *writes;
    size_t write_count, write_capacity;
    uint64_t *latencies;
    size_t latency_count, latency_capacity;
    const void *parent;
};

void player_log_request(FILE *log, uint64_t at_ms, uint64_t latency_us, const char *kind,
                        long status)
{
    (void)fprintf(log, "R %" PRIu64 " %" PRIu64 " %s %ld\n", at_ms, latency_us, kind, status);
}

void player_log_failure(FILE *log, uint64_t at_ms, const char *kind, long status,
                        const char *reason)
{
    char line[REASON_MAX_SIZE];

    /* A load balancer's own page has several. */
    (void)text_copy(line, sizeof(line), reason);
    for (char *at = line; *at != '\0'; at++)
        if (*at == '\n' || *at == '\r')
            *at = ' ';
    (void)fprintf(log, "F %" PRIu64 " %s %ld %s\n", at_ms, kind, status, line);
}

void player_log_write(FILE *log, uint64_t at_ms, const struct action *action, bool acknowledged)
{
    (void)fprintf(log, "%c %" PRIu64 " %s %s %" PRId64 " %s\n", acknowledged ? 'W' : 'U', at_ms,
                  action->id, action->kind, action->subject, action->value);
}

/* Cuts line at its spaces; false if there are fewer fields. */
static bool split(char *line, size_t count, const char *ret[])
{
    char *rest = NULL;

    for (size_t i = 0; i < count; i++) {
        ret[i] = strtok_r(i == 0 ? line : NULL, " \n", &rest);
        if (ret[i] == NULL)
            return false;
    }
    return true;
}

static bool read_request(struct reading *reading, char *line)
{
    const char *fields[REQUEST_FIELDS];
    uint64_t at, latency, due;

    if (!split(line, REQUEST_FIELDS, fields) || !text_to_number(fields[1], UINT64_MAX, &at) ||
        !text_to_number(fields[2], UINT64_MAX, &latency))
        return false;
    reading->figures.requests++;
    if (reading->figures.from_ms == 0)
        reading->figures.from_ms = at;
    reading->figures.to_ms = at;
    due = at - latency / 1000;
    if (due < reading->from || due > reading->to)
        return true;
    if (reading->latency_count == reading->latency_capacity) {
        size_t more = reading->latency_capacity * 2 + CAPACITY_FIRST;

        reading->latencies =
            memory_grow(reading->parent, reading->latencies, reading->latency_capacity, more);
        reading->latency_capacity = more;
    }
    reading->latencies[reading->latency_count++] = latency;
    return true;
}

static bool read_write(struct reading *reading, char *line, size_t order)
{
    struct player_log_write write = {.order = order, .is_acknowledged = line[0] == 'W'};
    const char *fields[WRITE_FIELDS];
    uint64_t subject;

    if (!split(line, WRITE_FIELDS, fields) || !text_copy(write.id, sizeof(write.id), fields[2]) ||
        !text_copy(write.kind, sizeof(write.kind), fields[3]) ||
        !text_to_number(fields[4], INT64_MAX, &subject) ||
        !text_copy(write.value, sizeof(write.value), fields[5]))
        return false;
    write.subject = (int64_t)subject;
    if (write.is_acknowledged)
        reading->figures.acknowledged++;
    if (reading->write_count == reading->write_capacity) {
        size_t more = reading->write_capacity * 2 + CAPACITY_FIRST;

        reading->writes =
            memory_grow(reading->parent, reading->writes, reading->write_capacity, more);
        reading->write_capacity = more;
    }
    reading->writes[reading->write_count++] = write;
    return true;
}

static bool read_line(struct reading *reading, char *line, size_t order)
{
    if (line[0] == 'R')
        return read_request(reading, line);
    if (line[0] == 'W' || line[0] == 'U')
        return read_write(reading, line, order);
    if (line[0] != 'F')
        return false;
    reading->figures.failed++;
    return true;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void compute_latencies(struct reading *reading)
{
    size_t count = reading->latency_count;

    if (count == 0)
        return;
    qsort(reading->latencies, count, sizeof(reading->latencies[0]), by_size);
    reading->figures.p50_us = reading->latencies[(count - 1) * 50 / 100];
    reading->figures.p99_us = reading->latencies[(count - 1) * 99 / 100];
    reading->figures.max_us = reading->latencies[count - 1];
}

enum error_code player_log_read(const void *parent, const char *path, uint64_t from, uint64_t to,
                                struct player_log_contents *ret, struct error *err)
{
    struct reading reading = {.from = from, .to = to, .parent = parent};
    char line[LINE_MAX_SIZE];
    size_t order = 0;
    FILE *file = fopen(path, "re");

    if (file == NULL)
        return error_set(err, ERROR_NOT_FOUND, "%s: %s", path, strerror(errno));
    while (fgets(line, sizeof(line), file) != NULL && order < PLAYER_LOG_RECORDS_MAX) {
        order++;
        if (strchr(line, '\n') == NULL && feof(file)) /* the players were killed while writing it */
            break;
        if (!read_line(&reading, line, order)) {
            (void)fclose(file);
            return error_set(err, ERROR_INVALID, "%s:%zu: not a line of the players' log", path,
                             order);
        }
    }
    (void)fclose(file);
    compute_latencies(&reading);
    talloc_free(reading.latencies);
    *ret = (struct player_log_contents){
        .figures = reading.figures, .writes = reading.writes, .write_count = reading.write_count};
    return ERROR_OK;
}
