/* The players' own measure: an open loop, whose requests are late from when they were due. */
#include "common/base/clock.h"
#include "common/base/process.h"
#include "common/base/text.h"
#include "support/scratch.h"
#include "tests/hokm/players_run.h"

#include <arpa/inet.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- a server that answers one request after the other, each after a while ---- */

static int listening;
static char target[32];
static pthread_t server;
static uint64_t takes_ms;

static void answer(int fd)
{
    static const char text[] = "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n{}";
    char request[2048];

    if (recv(fd, request, sizeof(request), 0) > 0) {
        clock_sleep_ms(takes_ms);
        (void)send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL);
    }
    (void)close(fd);
}

static void *serve(void *context)
{
    int fd;

    while ((fd = accept(listening, NULL, NULL)) >= 0)
        answer(fd);
    return context;
}

static void set_up(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);

    scratch_set_up();
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listening, (struct sockaddr *)(void *)&address, size), 0);
    ck_assert_int_eq(listen(listening, 64), 0);
    ck_assert_int_eq(getsockname(listening, (struct sockaddr *)(void *)&address, &size), 0);
    (void)text_format(target, sizeof(target), "127.0.0.1:%d", ntohs(address.sin_port));
    takes_ms = 0;
    ck_assert_int_eq(pthread_create(&server, NULL, serve, NULL), 0);
}

static void tear_down(void)
{
    (void)shutdown(listening, SHUT_RDWR);
    (void)pthread_join(server, NULL);
    (void)close(listening);
    scratch_tear_down();
}

/* ---- playing ---- */

static struct players_options options;

static void play(uint64_t players, uint64_t rate, uint64_t seconds)
{
    options = (struct players_options){.target = target,
                                       .log = scratch_path("log"),
                                       .players = players,
                                       .rate = rate,
                                       .seconds = seconds};
    assert_ok(players_play(&options, &failure));
}

static struct player_log_figures figures_between(uint64_t from_ms, uint64_t to_ms)
{
    struct player_log_contents contents;

    assert_ok(
        player_log_read(scratch.memory, scratch_path("log"), from_ms, to_ms, &contents, &failure));
    return contents.figures;
}

static struct player_log_figures figures(void)
{
    return figures_between(0, UINT64_MAX);
}

/* A failure whose line has that part. */
static bool has_failure(const char *part)
{
    char line[1024];
    bool has = false;
    FILE *file = fopen(scratch_path("log"), "re");

    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof(line), file) != NULL)
        has = has || (line[0] == 'F' && strstr(line, part) != NULL);
    (void)fclose(file);
    return has;
}

/* "R at latency kind 200": of the requests that were answered well, the one that took longest. */
static uint64_t slowest_answer_us(void)
{
    char line[1024];
    uint64_t slowest = 0;
    FILE *file = fopen(scratch_path("log"), "re");

    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        char *rest = NULL;
        bool is_good = line[0] == 'R' && strstr(line, " 200\n") != NULL;
        uint64_t latency = 0;

        (void)strtok_r(line, " ", &rest);
        (void)strtok_r(NULL, " ", &rest);
        if (is_good && text_to_number(strtok_r(NULL, " ", &rest), UINT64_MAX, &latency) &&
            latency > slowest)
            slowest = latency;
    }
    (void)fclose(file);
    return slowest;
}

START_TEST(every_request_that_falls_due_is_counted_once)
{
    play(10, 50, 2);
    ck_assert_uint_ge(figures().requests, 99);
    ck_assert_uint_le(figures().requests, 101);
    ck_assert_uint_eq(figures().failed, 0);
}
END_TEST

/* Each answer takes 0.3 s, 0.6 s with the one before it: nobody waits for long once he has been
 * sent. But of ten that fall due in a second three are. */
START_TEST(who_is_kept_waiting_before_he_is_sent_is_late_all_the_same)
{
    takes_ms = 300;
    play(2, 10, 5);
    ck_assert_uint_ge(figures().requests, 49); /* those that were never sent, too */
    ck_assert_uint_ge(figures().p99_us, 3000000);
    ck_assert_uint_ge(figures().failed, 20);
    ck_assert_uint_lt(figures().failed, figures().requests);
    ck_assert_uint_gt(slowest_answer_us(), PLAYERS_FAILURE_US);
    ck_assert(has_failure("late: 2"));
    ck_assert(!has_failure("stood still for 2"));
}
END_TEST

/* A program of its own: this one has a thread, and a fork of it might never come to the end. */
START_TEST(players_that_stood_still_themselves_say_so)
{
    static char shell[] = "/bin/sh", flag[] = "-c";
    char script[PATH_MAX];
    char *argv[] = {shell, flag, script, NULL};
    char *environment[] = {NULL};
    struct process_command command = {.path = shell, .argv = argv, .environment = environment};
    struct process players;
    int status = 1;

    ck_assert(text_format(script, sizeof(script),
                          "exec %s --target %s --log %s --players 10 --rate 50 --seconds 5",
                          HOKM_PLAYERS, target, scratch_path("log")));
    assert_ok(process_spawn(&command, &players, &failure));
    clock_sleep_ms(1000);
    ck_assert_int_eq(kill(players.pid, SIGSTOP), 0);
    clock_sleep_ms(2700);
    ck_assert_int_eq(kill(players.pid, SIGCONT), 0);
    ck_assert_int_eq(waitpid(players.pid, &status, 0), players.pid);
    process_close(&players);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_gt(figures().failed, 0);
    ck_assert(has_failure("the players' own process had stood still for 2"));
}
END_TEST

/* ---- the log ---- */

START_TEST(a_window_has_the_requests_that_fell_due_in_it_however_late_they_ended)
{
    (void)write_file("log", "R 1000 10000 look 200\n"   /* due at 990 */
                            "R 2500 2000000 look 200\n" /* at 500 */
                            "R 5000 3500000 name 200\n" /* at 1500, ended long after */
                            "R 6000 20000 look 200\n"   /* at 5980 */
                            "F 5000 name 200 late\n");
    ck_assert_uint_eq(figures().requests, 4);
    ck_assert_uint_eq(figures().failed, 1);
    ck_assert_uint_eq(figures_between(900, 2000).max_us, 3500000);
    ck_assert_uint_eq(figures_between(900, 2000).p50_us, 10000);
    ck_assert_uint_eq(figures_between(2000, 7000).max_us, 20000);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, every_request_that_falls_due_is_counted_once);
    tcase_add_test(tcase, who_is_kept_waiting_before_he_is_sent_is_late_all_the_same);
    tcase_add_test(tcase, players_that_stood_still_themselves_say_so);
    tcase_add_test(tcase, a_window_has_the_requests_that_fell_due_in_it_however_late_they_ended);
}

SUITE("players", {.add = add_all, .set_up = set_up, .tear_down = tear_down, .timeout_s = 40})
