/* The open loop: a request falls due every 1/rate seconds, whatever became of the ones before; if
 * all players are busy it waits for the first free one. How long it took, and whether that was too
 * long, counts from when it was due: a request that was kept from being sent had its player wait.
 */
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "tests/hokm/players_run.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#define FLUSH_MS    1000
#define WAIT_MAX_MS 200
#define STOP_MS     12000  /* longer than a client's patience */
#define STALL_US    250000 /* later by this than we meant to be: the machine had no time for us */
#define REASON_SIZE 160

struct flight {
    const struct action *action; /* NULL: the player is free */
    uint64_t due_us;
};

struct loop {
    FILE *log;
    struct client *client;
    struct world *world;
    struct flight *flights;
    size_t player_count;
    size_t next_player;
    uint64_t awake_us;                 /* when we meant to look at the clock again */
    uint64_t stalled_us, stall_end_us; /* the last time that this process was kept from running */
};

static volatile sig_atomic_t must_stop;

static void on_signal(int signal)
{
    (void)signal;
    must_stop = 1;
}

/* The time. Every look at it tells whether this process was kept from running since the one before,
 * wherever it was then: waiting, sending or taking an answer. */
static uint64_t look_at_clock(struct loop *loop)
{
    uint64_t now_us = clock_monotonic_us();

    if (now_us > loop->awake_us + STALL_US) {
        loop->stalled_us = now_us - loop->awake_us;
        loop->stall_end_us = now_us;
    }
    loop->awake_us = now_us;
    return now_us;
}

/* Who was late: the system under test, or in part we ourselves? It counts either way, for what was
 * not measured is not known to be well; the sentence tells the two apart. */
static const char *name_lateness(const struct loop *loop, uint64_t due_us, uint64_t now_us,
                                 char ret[static REASON_SIZE])
{
    size_t length;

    (void)text_format(ret, REASON_SIZE, "late: %" PRIu64 " ms after it was due",
                      (now_us - due_us) / 1000);
    length = strlen(ret);
    if (loop->stall_end_us > due_us)
        (void)text_format(ret + length, REASON_SIZE - length,
                          ", and the players' own process had stood still for %" PRIu64 " ms",
                          loop->stalled_us / 1000);
    return ret;
}

static void on_answer(void *context, size_t player, long status, const char *answer)
{
    struct loop *loop = context;
    struct flight *flight = &loop->flights[player];
    const struct action *action = flight->action;
    uint64_t now_us = look_at_clock(loop);
    uint64_t at_ms = clock_wall_ms();
    bool is_late = now_us - flight->due_us > PLAYERS_FAILURE_US;
    bool is_broken = status == 0 || status >= 500;
    bool is_acknowledged = world_answer(loop->world, player, status, answer);
    char reason[REASON_SIZE];

    player_log_request(loop->log, at_ms, now_us - flight->due_us, action->kind, status);
    /* 404 would mean that something acknowledged is gone; 400, that the players are wrong. */
    if (is_broken || is_late || (status != 200 && status != 409))
        player_log_failure(loop->log, at_ms, action->kind, status,
                           is_late ? name_lateness(loop, flight->due_us, now_us, reason) : answer);
    if (action->is_write && (is_acknowledged || is_broken))
        player_log_write(loop->log, at_ms, action, is_acknowledged);
    flight->action = NULL;
}

static bool find_free(struct loop *loop, size_t *ret)
{
    for (size_t i = 0; i < loop->player_count; i++) {
        size_t player = (loop->next_player + i) % loop->player_count;

        if (loop->flights[player].action == NULL) {
            loop->next_player = (player + 1) % loop->player_count;
            *ret = player;
            return true;
        }
    }
    return false;
}

static void send_due(struct loop *loop, uint64_t interval_us, uint64_t *due_us)
{
    size_t player;

    while (*due_us <= look_at_clock(loop) && find_free(loop, &player)) {
        struct flight *flight = &loop->flights[player];

        flight->action = world_next(loop->world, player);
        flight->due_us = *due_us;
        client_start(loop->client, player, &flight->action->call);
        *due_us += interval_us;
    }
}

static uint64_t wait_ms(uint64_t due_us)
{
    uint64_t now_us = clock_monotonic_us();

    if (due_us <= now_us)
        return 1; /* due, but nobody is free */
    return (due_us - now_us) / 1000 < WAIT_MAX_MS ? (due_us - now_us) / 1000 : WAIT_MAX_MS;
}

static void wait_for_answers(struct loop *loop, uint64_t timeout_ms)
{
    loop->awake_us = look_at_clock(loop) + timeout_ms * 1000;
    client_wait(loop->client, timeout_ms, on_answer, loop);
    (void)look_at_clock(loop);
}

/* What was due when the time was over and had nobody to send it was not answered either. */
static void count_unsent(struct loop *loop, uint64_t interval_us, uint64_t due_us)
{
    uint64_t now_us = look_at_clock(loop);
    char reason[REASON_SIZE];

    for (; due_us <= now_us; due_us += interval_us) {
        player_log_request(loop->log, clock_wall_ms(), now_us - due_us, "unsent", 0);
        if (now_us - due_us > PLAYERS_FAILURE_US)
            player_log_failure(loop->log, clock_wall_ms(), "unsent", 0,
                               name_lateness(loop, due_us, now_us, reason));
    }
}

static void play(struct loop *loop, const struct players_options *options)
{
    uint64_t start_us = clock_monotonic_us();
    uint64_t end_us = options->seconds > 0 ? start_us + options->seconds * 1000000 : UINT64_MAX;
    uint64_t interval_us = 1000000 / options->rate;
    uint64_t due_us = start_us;
    uint64_t flush_ms = clock_monotonic_ms() + FLUSH_MS;

    loop->awake_us = start_us;
    while (must_stop == 0 && clock_monotonic_us() < end_us) {
        send_due(loop, interval_us, &due_us);
        wait_for_answers(loop, wait_ms(due_us));
        if (clock_monotonic_ms() >= flush_ms) {
            (void)fflush(loop->log);
            flush_ms += FLUSH_MS;
        }
    }
    count_unsent(loop, interval_us, due_us);
    for (uint64_t stop_ms = clock_monotonic_ms() + STOP_MS;
         client_in_flight(loop->client) > 0 && clock_monotonic_ms() < stop_ms;)
        wait_for_answers(loop, WAIT_MAX_MS);
}

enum error_code players_play(const struct players_options *options, struct error *err)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct loop loop = {.log = fopen(options->log, "we"), .player_count = options->players};
    void *memory = talloc_new(NULL);
    bool is_written;

    if (loop.log == NULL) {
        talloc_free(memory);
        return error_set(err, ERROR_SYSTEM, "%s: %s", options->log, strerror(errno));
    }
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    loop.client = client_new(memory, options->target, options->players);
    loop.world = world_new(memory, options->players, (int64_t)options->first_row,
                           (int64_t)options->last_row);
    loop.flights = memory_array(memory, struct flight, options->players);
    play(&loop, options);
    client_free(loop.client);
    is_written = fflush(loop.log) == 0 && ferror(loop.log) == 0;
    is_written = fclose(loop.log) == 0 && is_written;
    talloc_free(memory);
    return is_written ? ERROR_OK
                      : error_set(err, ERROR_SYSTEM, "%s: %s", options->log, strerror(errno));
}
