/* The engine and locks: it gives up in time, names who holds them, and nobody queues. */
#include "common/base/clock.h"
#include "common/base/text.h"
#include "support/engine.h"

#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_told_to_stop(int fd)
{
    struct timeval none = {.tv_usec = 1000};
    fd_set set_of_stop;

    FD_ZERO(&set_of_stop);
    FD_SET(fd, &set_of_stop);
    return select(fd + 1, &set_of_stop, NULL, NULL, &none) > 0;
}

/* In a child: reads until told to stop, then says how long the slowest read took. */
static void read_until_told(int report, int stop)
{
    struct session *own = open_session("player");
    uint64_t slowest = 0;

    if (write(report, "r", 1) != 1)
        _exit(1);
    do {
        uint64_t began = clock_monotonic_ms();

        if (session_run(own, "SELECT count(*) FROM players", &failure) != ERROR_OK)
            _exit(1);
        if (clock_monotonic_ms() - began > slowest)
            slowest = clock_monotonic_ms() - began;
    } while (!is_told_to_stop(stop));
    _exit(write(report, &slowest, sizeof(slowest)) == (ssize_t)sizeof(slowest) ? 0 : 1);
}

static pid_t start_player(int *ret_fd, int *ret_stop)
{
    int report[2], stop[2];
    pid_t pid;

    ck_assert_int_eq(pipe(report), 0);
    ck_assert_int_eq(pipe(stop), 0);
    pid = fork();
    if (pid == 0) {
        (void)close(stop[1]);
        read_until_told(report[1], stop[0]);
    }
    (void)close(report[1]);
    (void)close(stop[0]);
    *ret_fd = report[0];
    *ret_stop = stop[1];
    return pid;
}

START_TEST(a_lock_that_is_not_to_be_had_names_who_holds_it_and_nobody_queues)
{
    struct session *holder;
    uint64_t slowest = 0;
    int report, stop;
    char byte, who[64];
    pid_t player;

    given_rating();
    assert_ok(expand("0001_players"));
    holder = open_session("analytics");
    assert_ok(session_run(holder, "BEGIN; SELECT count(*) FROM players", &failure));
    player = start_player(&report, &stop);
    ck_assert_int_eq(read(report, &byte, 1), 1);
    engine.with.lock_budget_ms = 1500;
    assert_fails(ERROR_LOCK, expand("0002_rating"));
    ck_assert_int_eq(close(stop), 0);
    ck_assert_int_eq(read(report, &slowest, sizeof(slowest)), sizeof(slowest));
    ck_assert_int_eq(waitpid(player, NULL, 0), player);
    assert_says("analytics");
    (void)text_format(who, sizeof(who), "pid %d (user %s,", session_backend_pid(holder),
                      "postgres");
    assert_says(who);
    assert_says("SELECT count(*) FROM players");
    ck_assert_uint_lt(slowest, 1200); /* our longest patience, and slack for a busy machine */

    assert_ok(session_run(holder, "ROLLBACK", &failure));
    session_close(holder);
    assert_ok(expand("0002_rating"));
}
END_TEST

START_TEST(two_migrations_do_not_run_at_once)
{
    struct session *other;

    given_rating();
    assert_ok(expand("0001_players"));
    other = open_session("somebody-else");
    assert_ok(session_run(other, "SELECT pg_advisory_lock(7521902, 2)", &failure));
    engine.with.lock_budget_ms = 300;
    assert_fails(ERROR_LOCK, expand("0002_rating"));
    assert_says("somebody-else");
    session_close(other);
    engine.with.lock_budget_ms = 10000;
    assert_ok(expand("0002_rating"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), 0);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_lock_that_is_not_to_be_had_names_who_holds_it_and_nobody_queues);
    tcase_add_test(tcase, two_migrations_do_not_run_at_once);
}

ENGINE_SUITE("engine: locks", add_all)
