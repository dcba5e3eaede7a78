#include "tests/hokm/player_log.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_SIZE  1024
#define CAPACITY_FIRST 4096

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
    (void)fprintf(log, "F %" PRIu64 " %s %ld %.200s\n", at_ms, kind, status, reason);
}

void player_log_write(FILE *log, uint64_t at_ms, const struct action *action, bool acknowledged)
{
    (void)fprintf(log, "%c %" PRIu64 " %s %s %" PRId64 " %s\n", acknowledged ? 'W' : 'U', at_ms,
                  action->id, action->kind, action->subject, action->value);
}

static bool read_request(struct reading *reading, const char *line)
{
    uint64_t at, latency;

    if (sscanf(line, "R %" SCNu64 " %" SCNu64, &at, &latency) != 2)
        return false;
    reading->figures.requests++;
    if (reading->figures.from_ms == 0)
        reading->figures.from_ms = at;
    reading->figures.to_ms = at;
    if (at < reading->from || at > reading->to)
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

static bool read_write(struct reading *reading, const char *line, size_t order)
{
    struct player_log_write write = {.order = order, .is_acknowledged = line[0] == 'W'};
    uint64_t at;

    if (sscanf(line + 1, "%" SCNu64 " %36s %15s %" SCNd64 " %63s", &at, write.id, write.kind,
               &write.subject, write.value) != 5)
        return false;
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

static bool read_line(struct reading *reading, const char *line, size_t order)
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
                                struct player_log_figures *ret,
                                struct player_log_write **ret_writes, size_t *ret_count,
                                struct error *err)
{
    struct reading reading = {.from = from, .to = to, .parent = parent};
    char line[LINE_MAX_SIZE];
    size_t order = 0;
    FILE *file = fopen(path, "re");

    if (file == NULL)
        return error_set(err, ERROR_NOT_FOUND, "%s: %s", path, strerror(errno));
    while (fgets(line, sizeof(line), file) != NULL && order < PLAYER_LOG_RECORDS_MAX) {
        order++;
        if (!read_line(&reading, line, order)) {
            (void)fclose(file);
            return error_set(err, ERROR_INVALID, "%s:%zu: not a line of the players' log", path,
                             order);
        }
    }
    (void)fclose(file);
    compute_latencies(&reading);
    talloc_free(reading.latencies);
    *ret = reading.figures;
    *ret_writes = reading.writes;
    *ret_count = reading.write_count;
    return ERROR_OK;
}
