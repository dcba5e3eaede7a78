/* What a game node's agent answers its edges' agent-checks. */
#include "agent/agent_check.h"
#include "common/base/clock.h"
#include "common/base/text.h"
#include "support/scratch.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Loop test: what is asked, and what the node looks like. */
START_TEST(the_word_that_was_asked_for_comes_back_with_whether_the_server_lives)
{
    static const struct {
        const char *asked;
        unsigned dead_looks;
        bool was_seen;
        const char *answer;
    } rows[] = {
        {"ready", 0, true, "ready up\n"},
        {"drain", 0, true, "drain up\n"},
        {"maint", 0, true, "maint up\n"},
        {"up", 0, true, "up\n"},
        {NULL, 0, true, "up\n"},
        {"", 0, true, "up\n"},
        {"stopped", 0, true, "up\n"}, /* no word of ours */
        {"drain; ready", 0, true, "up\n"},
        {"ready", 0, false, "ready\n"}, /* nobody has looked yet */
        {NULL, 0, false, "\n"},
        {"ready", 1, true, "ready up\n"}, /* one slow answer is no verdict */
        {"ready", 2, true, "ready down #its server does not answer\n"},
        {NULL, 9, true, "down #its server does not answer\n"},
    };
    char answer[AGENT_CHECK_ANSWER_SIZE];

    agent_check_answer(rows[_i].asked, rows[_i].dead_looks, rows[_i].was_seen, answer);
    ck_assert_str_eq(answer, rows[_i].answer);
}
END_TEST

/* ---- at its port ---- */

static struct agent_check *check;
static uint16_t port;

static int connect_to_it(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)(void *)&address, sizeof(address)), 0);
    return fd;
}

/* A port that was free a moment ago. */
static void open_check(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    char text[32];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)(void *)&address, size), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)(void *)&address, &size), 0);
    (void)close(fd);
    port = ntohs(address.sin_port);
    (void)text_format(text, sizeof(text), "127.0.0.1:%u", port);
    assert_ok(agent_check_open(text, scratch.memory, &check, &failure));
}

static void set_up(void)
{
    scratch_set_up();
    open_check();
}

static void tear_down(void)
{
    agent_check_close(check);
    scratch_tear_down();
}

/* As the loop does: it is served whenever something comes, and at least every 20 ms. */
static void serve_for(uint64_t ms)
{
    uint64_t until = clock_monotonic_ms() + ms;

    while (clock_monotonic_ms() < until) {
        int descriptors[AGENT_CHECK_PENDING_MAX + 1];
        struct pollfd items[AGENT_CHECK_PENDING_MAX + 1];
        size_t count = agent_check_descriptors(check, descriptors);

        ck_assert_uint_le(count, AGENT_CHECK_PENDING_MAX + 1);
        for (size_t i = 0; i < count; i++)
            items[i] = (struct pollfd){.fd = descriptors[i], .events = POLLIN};
        (void)poll(items, count, 20);
        agent_check_serve(check, clock_monotonic_ms());
    }
}

static void assert_answer(int fd, const char *wanted)
{
    char answer[AGENT_CHECK_ANSWER_SIZE] = "";

    ck_assert_int_eq(recv(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT), (int)strlen(wanted));
    ck_assert_str_eq(answer, wanted);
    ck_assert_int_eq(recv(fd, answer, sizeof(answer), MSG_DONTWAIT), 0); /* and it hangs up */
    (void)close(fd);
}

static void see(bool is_up)
{
    struct report report = {.kind = KIND_GAME, .is_up = is_up};

    agent_check_see(check, &report);
}

START_TEST(it_answers_what_was_asked_and_hangs_up)
{
    int fd = connect_to_it();

    see(true);
    ck_assert_int_eq(send(fd, "drain", 5, 0), 5); /* as HAProxy sends it: no line's end */
    serve_for(40);
    assert_answer(fd, "drain up\n");
    see(false);
    see(false);
    fd = connect_to_it();
    ck_assert_int_eq(send(fd, "ready\n", 6, 0), 6);
    serve_for(40);
    assert_answer(fd, "ready down #its server does not answer\n");
}
END_TEST

START_TEST(who_asks_nothing_is_answered_after_a_while)
{
    int fd = connect_to_it();

    see(true);
    serve_for(AGENT_CHECK_ASK_MS + 100);
    assert_answer(fd, "up\n");
}
END_TEST

/* More than it has room for, silent ones first: each has its turn. */
START_TEST(many_at_once_wait_for_their_turn)
{
    int fds[AGENT_CHECK_PENDING_MAX + 8];

    see(true);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = connect_to_it();
        agent_check_serve(check, clock_monotonic_ms());
    }
    serve_for(3 * AGENT_CHECK_ASK_MS + 100);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        assert_answer(fds[i], "up\n");
}
END_TEST

START_TEST(who_hangs_up_at_once_hurts_nobody)
{
    int fd;

    (void)close(connect_to_it());
    serve_for(20);
    fd = connect_to_it();
    ck_assert_int_eq(send(fd, "maint", 5, 0), 5);
    serve_for(40);
    assert_answer(fd, "maint\n"); /* nobody has looked yet */
}
END_TEST

/* Loop test: addresses that cannot be. */
START_TEST(an_address_that_cannot_be_is_named)
{
    static const char *const addresses[] = {"127.0.0.1", "nowhere.invalid:80", "192.0.2.1:9999",
                                            ":"};
    struct agent_check *other = NULL;

    ck_assert_int_ne(agent_check_open(addresses[_i], scratch.memory, &other, &failure), ERROR_OK);
    ck_assert_ptr_nonnull(strstr(failure.detail, "agent_check"));
    ck_assert_ptr_null(other);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_loop_test(tcase, the_word_that_was_asked_for_comes_back_with_whether_the_server_lives,
                        0, 13);
    tcase_add_test(tcase, it_answers_what_was_asked_and_hangs_up);
    tcase_add_test(tcase, who_asks_nothing_is_answered_after_a_while);
    tcase_add_test(tcase, many_at_once_wait_for_their_turn);
    tcase_add_test(tcase, who_hangs_up_at_once_hurts_nobody);
    tcase_add_loop_test(tcase, an_address_that_cannot_be_is_named, 0, 4);
}

SUITE("agent-check", {.add = add_all, .set_up = set_up, .tear_down = tear_down})
