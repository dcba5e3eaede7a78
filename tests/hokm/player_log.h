/* player_log.h: the players' log: a line an event, and what it says when it is read again.
 *
 *     R at_ms latency_us kind status        a request that was answered, or not (status 0); from
 * due F at_ms kind status reason            a failure W at_ms id kind subject value         an
 * acknowledged write U at_ms id kind subject value         a write without an answer: it may have
 * happened
 */
#ifndef TESTS_HOKM_PLAYER_LOG_H
#define TESTS_HOKM_PLAYER_LOG_H

#include "common/base/error.h"
#include "tests/hokm/world.h"

#include <stdio.h>

#define PLAYER_LOG_RECORDS_MAX 20000000
#define PLAYER_LOG_KIND_SIZE   16

struct player_log_write {
    size_t order; /* of the line */
    bool is_acknowledged;
    char id[WORLD_ID_SIZE];
    char kind[PLAYER_LOG_KIND_SIZE];
    int64_t subject;
    char value[WORLD_VALUE_MAX];
};

struct player_log_figures {
    uint64_t requests, failed, acknowledged;
    uint64_t from_ms, to_ms; /* first and last request */
    uint64_t p50_us, p99_us; /* within the window */
    uint64_t max_us;
};

void player_log_request(FILE *log, uint64_t at_ms, uint64_t latency_us, const char *kind,
                        long status);
void player_log_failure(FILE *log, uint64_t at_ms, const char *kind, long status,
                        const char *reason);
void player_log_write(FILE *log, uint64_t at_ms, const struct action *action, bool acknowledged);

struct player_log_contents {
    struct player_log_figures figures;
    struct player_log_write *writes;
    size_t write_count;
};

/* Latencies of requests that fell due from..to (wall ms), however long they took.  ret->writes is a
 * talloc child of parent. */
enum error_code player_log_read(const void *parent, const char *path, uint64_t from, uint64_t to,
                                struct player_log_contents *ret, struct error *err);

#endif
