/* The agent's hands: hooks, probes against small real listeners, and edges. */
#include "agent/hook.h"
#include "agent/probe/probe.h"
#include "agent/traffic/traffic.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "support/suite.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void *memory;
static char folder[64];
static char script[96];
static struct error err;

static void set_up(void)
{
    memory = talloc_new(NULL);
    (void)text_copy(folder, sizeof(folder), "/tmp/hakem-edges-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)text_format(script, sizeof(script), "%s/script", folder);
}

static void tear_down(void)
{
    char file[128];

    (void)unlink(script);
    (void)text_format(file, sizeof(file), "%s/socket", folder);
    (void)unlink(file);
    (void)text_format(file, sizeof(file), "%s/state", folder);
    (void)unlink(file);
    (void)rmdir(folder);
    talloc_free(memory);
}

static void write_script(const char *lines)
{
    FILE *file = fopen(script, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_gt(fprintf(file, "#!/bin/sh\n%s\n", lines), 0);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(script, 0755), 0);
}

/* ---- hooks ---- */

static enum error_code run_script(const char *const *environment, uint64_t timeout_ms,
                                  char **ret_output)
{
    struct hook hook = {.path = script, .environment = environment, .timeout_ms = timeout_ms};

    return hook_run(&hook, memory, ret_output, &err);
}

START_TEST(a_hook_sees_its_own_environment_and_nothing_of_the_agent_s)
{
    const char *const environment[] = {"HAKEM_RELEASE=a b; touch nothing $(id)", NULL};
    char *output = NULL;

    ck_assert_int_eq(setenv("HAKEM_SECRET", "not for hooks", 1), 0);
    write_script("echo \"$HAKEM_RELEASE|$HAKEM_SECRET|$#\"");
    ck_assert_int_eq(run_script(environment, 5000, &output), ERROR_OK);
    ck_assert_str_eq(output, "a b; touch nothing $(id)||0\n");
}
END_TEST

START_TEST(a_path_is_executed_and_never_given_to_a_shell)
{
    struct hook hook = {.path = "/bin/echo x; exit 0", .timeout_ms = 5000};

    ck_assert_int_ne(hook_run(&hook, memory, NULL, &err), ERROR_OK);
}
END_TEST

START_TEST(a_hook_that_fails_says_why_in_its_last_line)
{
    write_script("echo first; echo the last word >&2; exit 3");
    ck_assert_int_eq(run_script(NULL, 5000, NULL), ERROR_HOOK);
    ck_assert_ptr_nonnull(strstr(err.detail, "exit 3"));
    ck_assert_ptr_nonnull(strstr(err.detail, "the last word"));
    ck_assert_ptr_null(strstr(err.detail, "first"));
    write_script("kill -9 $$");
    ck_assert_int_eq(run_script(NULL, 5000, NULL), ERROR_HOOK);
    ck_assert_ptr_nonnull(strstr(err.detail, "signal 9"));
}
END_TEST

START_TEST(a_hook_that_does_not_end_is_killed_in_time)
{
    uint64_t began = clock_monotonic_ms();

    write_script("exec /bin/sleep 60");
    ck_assert_int_eq(run_script(NULL, 300, NULL), ERROR_TIMEOUT);
    ck_assert_uint_lt(clock_monotonic_ms() - began, 5000);
}
END_TEST

static bool yes(void *context)
{
    (void)context;
    return true;
}

START_TEST(a_hook_that_is_cancelled_is_killed_and_says_so)
{
    struct hook hook = {.path = script, .timeout_ms = 60000, .is_cancelled = yes};

    write_script("exec /bin/sleep 60");
    ck_assert_int_eq(hook_run(&hook, memory, NULL, &err), ERROR_CANCELLED);
}
END_TEST

START_TEST(what_a_hook_says_too_much_is_cut_and_does_not_hold_it_up)
{
    char *output = NULL;

    write_script("i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789; "
                 "i=$((i+1)); done");
    ck_assert_int_eq(run_script(NULL, 15000, &output), ERROR_OK);
    ck_assert_uint_eq(strlen(output), HOOK_OUTPUT_MAX);
}
END_TEST

/* ---- a listener that answers every connection with the same words ---- */

struct listener {
    int fd;
    int port;
    const char *answer; /* NULL: says nothing, and keeps the connection open */
    char heard[1024];   /* of all connections */
    size_t heard_size;
    pthread_t thread;
};

static void listen_on(struct listener *listener, const struct sockaddr *address, socklen_t size)
{
    ck_assert_int_eq(bind(listener->fd, address, size), 0);
    ck_assert_int_eq(listen(listener->fd, 8), 0);
}

static void *serve(void *context)
{
    struct listener *listener = context;
    int fd;

    while ((fd = accept(listener->fd, NULL, NULL)) >= 0) {
        size_t room = sizeof(listener->heard) - 1 - listener->heard_size;
        ssize_t got = read(fd, listener->heard + listener->heard_size, room);

        if (got > 0)
            listener->heard_size += (size_t)got;
        if (listener->answer == NULL)
            (void)read(fd, (char[1]){0}, 1); /* until the other side gives up */
        else if (write(fd, listener->answer, strlen(listener->answer)) < 0)
            perror("listener");
        (void)close(fd);
    }
    return NULL;
}

static void start_tcp(struct listener *listener, const char *answer)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);

    *listener = (struct listener){.answer = answer};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    listen_on(listener, (const struct sockaddr *)(const void *)&address, size);
    ck_assert_int_eq(getsockname(listener->fd, (struct sockaddr *)(void *)&address, &size), 0);
    listener->port = ntohs(address.sin_port);
    ck_assert_int_eq(pthread_create(&listener->thread, NULL, serve, listener), 0);
}

static void stop(struct listener *listener)
{
    (void)shutdown(listener->fd, SHUT_RDWR);
    ck_assert_int_eq(pthread_join(listener->thread, NULL), 0);
    (void)close(listener->fd);
}

/* ---- probes ---- */

static struct probe_result probed(const char *kind, const char *target, uint64_t expect)
{
    const struct agent_config config = {.kind = KIND_GAME};
    const struct probe_config probe = {
        .name = "p", .kind = kind, .target = target, .timeout_ms = 700, .expect = expect};
    struct probe_result result;
    uint64_t began = clock_monotonic_ms();

    probe_run(&config, &probe, &result);
    ck_assert_str_eq(result.name, "p");
    ck_assert_uint_lt(clock_monotonic_ms() - began, 5000);
    return result;
}

static struct probe_result probed_http(const char *answer, uint64_t expect)
{
    struct listener listener;
    struct probe_result result;
    char url[64];

    start_tcp(&listener, answer);
    (void)text_format(url, sizeof(url), "http://127.0.0.1:%d/health", listener.port);
    result = probed("http", url, expect);
    stop(&listener);
    return result;
}

#define HTTP(status, body) "HTTP/1.0 " status "\r\nConnection: close\r\n\r\n" body

START_TEST(an_http_probe_passes_below_400_or_with_exactly_what_is_expected)
{
    struct probe_result result = probed_http(HTTP("200 OK", "all is well"), 0);

    ck_assert(result.could_measure && result.passes);
    ck_assert_str_eq(result.text, "200 all is well");
    ck_assert(!probed_http(HTTP("404 Not Found", ""), 0).passes);
    ck_assert(!probed_http(HTTP("503 Service Unavailable", "starting"), 0).passes);
    ck_assert(probed_http(HTTP("503 Service Unavailable", ""), 503).passes);
    ck_assert(!probed_http(HTTP("200 OK", ""), 204).passes);
}
END_TEST

START_TEST(a_server_that_does_not_answer_in_time_is_measured_and_not_healthy)
{
    struct probe_result result = probed_http(NULL, 0);

    ck_assert(result.could_measure && !result.passes);
    ck_assert_uint_ge(result.latency_ms, 500);
    result = probed_http("no HTTP at all", 0);
    ck_assert(result.could_measure && !result.passes);
    ck_assert(!probed("http", "file:///etc/hostname", 0).passes);
}
END_TEST

START_TEST(a_tcp_probe_wants_somebody_who_accepts)
{
    struct listener listener;
    char target[64];

    start_tcp(&listener, "");
    (void)text_format(target, sizeof(target), "127.0.0.1:%d", listener.port);
    ck_assert(probed("tcp", target, 0).passes);
    stop(&listener);
    ck_assert(!probed("tcp", target, 0).passes);
    ck_assert(probed("tcp", target, 0).could_measure);
    ck_assert(!probed("tcp", "nowhere", 0).could_measure);
    ck_assert(!probed("tcp", "no.such.host.invalid:1", 0).could_measure);
}
END_TEST

START_TEST(an_exec_probe_passes_on_exit_0_and_is_ended_in_time)
{
    struct probe_result result;

    write_script("echo fine");
    result = probed("exec", script, 0);
    ck_assert(result.could_measure && result.passes);
    write_script("echo broken; exit 1");
    result = probed("exec", script, 0);
    ck_assert(result.could_measure && !result.passes);
    ck_assert_ptr_nonnull(strstr(result.text, "broken"));
    write_script("exec /bin/sleep 60");
    result = probed("exec", script, 0);
    ck_assert(result.could_measure && !result.passes);
}
END_TEST

START_TEST(a_probe_that_cannot_be_run_measures_nothing_and_never_passes)
{
    struct probe_result result = probed("telepathy", "", 0);

    ck_assert(!result.could_measure && !result.passes);
    result = probed("exec", "/no/such/file", 0);
    ck_assert(!result.passes);
    ck_assert(probe_kind_is_known("http") && probe_kind_is_known("tcp") &&
              probe_kind_is_known("sql") && probe_kind_is_known("exec"));
    ck_assert(!probe_kind_is_known("telepathy"));
}
END_TEST

/* ---- HAProxy ---- */

#define STAT_HEADER "# pxname,svname,scur,stot,hrsp_5xx,status,check_status,\n"

static struct server_traffic *servers;
static size_t server_count;

static enum error_code parse(const char *text)
{
    server_count = 0;
    return haproxy_parse_stat(text, "games", memory, &servers, &server_count, &err);
}

START_TEST(the_columns_of_statistics_are_found_by_name)
{
    ck_assert_int_eq(parse("# svname,pxname,status,check_status,hrsp_5xx,stot,scur,\n"
                           "g1,games,UP,L7OK,1,20,3,\n"),
                     ERROR_OK);
    ck_assert_uint_eq(server_count, 1);
    ck_assert_str_eq(servers[0].node, "g1");
    ck_assert_uint_eq(servers[0].sessions, 3);
    ck_assert_uint_eq(servers[0].requests, 20);
    ck_assert_uint_eq(servers[0].errors, 1);
    ck_assert(servers[0].check_passes);
}
END_TEST

/* Loop test: a status as HAProxy 2.6 prints it, and what it means. */
START_TEST(every_status_has_its_meaning_and_an_unknown_one_is_unknown)
{
    static const struct {
        const char *status;
        enum traffic_state state;
        bool passes;
    } rows[] = {
        {"UP", TRAFFIC_READY, true},           {"UP 1/2", TRAFFIC_READY, true},
        {"no check", TRAFFIC_READY, true},     {"DRAIN", TRAFFIC_DRAIN, false},
        {"MAINT", TRAFFIC_MAINTENANCE, false}, {"MAINT (via games/g2)", TRAFFIC_MAINTENANCE, false},
        {"DOWN", TRAFFIC_DOWN, false},         {"DOWN 1/2", TRAFFIC_DOWN, false},
        {"NOLB", TRAFFIC_DRAIN, false},        {"SOMETHING", TRAFFIC_UNKNOWN, false},
        {"", TRAFFIC_UNKNOWN, false},
    };
    char text[256];

    (void)text_format(text, sizeof(text), STAT_HEADER "games,g1,0,0,0,%s,L7OK,\n", rows[_i].status);
    ck_assert_int_eq(parse(text), ERROR_OK);
    ck_assert_uint_eq(server_count, 1);
    ck_assert_int_eq(servers[0].state, rows[_i].state);
    ck_assert(servers[0].check_passes == rows[_i].passes);
}
END_TEST

START_TEST(other_backends_sums_and_short_lines_are_passed_over)
{
    ck_assert_int_eq(parse(STAT_HEADER "games,FRONTEND,0,0,0,OPEN,,\n"
                                       "other,g1,0,0,0,UP,L7OK,\n"
                                       "games,g2,0,0,0,UP,L7OK,\n"
                                       "games,g3,0\n"
                                       "games,BACKEND,0,0,0,UP,,\n\n"),
                     ERROR_OK);
    ck_assert_uint_eq(server_count, 1);
    ck_assert_str_eq(servers[0].node, "g2");
    ck_assert_int_eq(parse(""), ERROR_EDGE);
    ck_assert_int_eq(parse("# pxname,svname\n"), ERROR_EDGE);
    ck_assert_int_eq(parse("Unknown command.\n"), ERROR_EDGE);
}
END_TEST

static struct edge_config edge;

static void start_haproxy(struct listener *listener, const char *answer)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)text_format(address.sun_path, sizeof(address.sun_path), "%s/socket", folder);
    (void)unlink(address.sun_path);
    *listener = (struct listener){.answer = answer};
    listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    listen_on(listener, (const struct sockaddr *)(const void *)&address, sizeof(address));
    ck_assert_int_eq(pthread_create(&listener->thread, NULL, serve, listener), 0);
    edge = (struct edge_config){.driver = "haproxy",
                                .socket = memory_text(memory, address.sun_path),
                                .backend = "games",
                                .state_file = memory_format(memory, "%s/state", folder)};
}

/* Loop test over the wishes. */
START_TEST(a_wish_is_said_in_haproxy_s_words)
{
    static const char *const commands[] = {
        [WISH_DRAIN] = "set server games/g1 state drain\n",
        [WISH_ADMIT] = "set server games/g1 state ready\n",
        [WISH_ISOLATE] = "set server games/g1 state maint\nshutdown sessions server games/g1\n",
    };
    struct listener listener;

    start_haproxy(&listener, "\n");
    ck_assert_int_eq(traffic_driver(&edge)->wish(&edge, "g1", (enum edge_wish)_i, &err),
                     ERROR_OK);
    stop(&listener);
    ck_assert_str_eq(listener.heard, commands[_i]);
}
END_TEST

START_TEST(any_words_in_answer_to_a_wish_are_a_refusal)
{
    struct listener listener;

    start_haproxy(&listener, "No such server.\n\n");
    ck_assert_int_eq(traffic_driver(&edge)->wish(&edge, "g9", WISH_DRAIN, &err), ERROR_EDGE);
    ck_assert_ptr_nonnull(strstr(err.detail, "No such server"));
    stop(&listener);
    ck_assert_int_eq(traffic_driver(&edge)->wish(&edge, "g9", WISH_DRAIN, &err), ERROR_EDGE);
}
END_TEST

START_TEST(an_edge_that_does_not_answer_is_an_error_in_time)
{
    struct listener listener;
    uint64_t began = clock_monotonic_ms();

    start_haproxy(&listener, NULL);
    ck_assert_int_eq(traffic_driver(&edge)->read(&edge, memory, &servers, &server_count, &err),
                     ERROR_EDGE);
    ck_assert_uint_lt(clock_monotonic_ms() - began, 6000);
    stop(&listener);
}
END_TEST

START_TEST(what_haproxy_says_is_read_and_its_state_is_kept_for_a_reload)
{
    struct listener listener;
    char kept[64] = "";
    FILE *file;

    start_haproxy(&listener, STAT_HEADER "games,g1,2,9,0,DRAIN,L7OK,\n");
    ck_assert_int_eq(traffic_driver(&edge)->read(&edge, memory, &servers, &server_count, &err),
                     ERROR_OK);
    ck_assert_uint_eq(server_count, 1);
    ck_assert(!wish_is_fulfilled(WISH_DRAIN, &servers[0])); /* sessions are left */
    servers[0].sessions = 0;
    ck_assert(wish_is_fulfilled(WISH_DRAIN, &servers[0]));
    ck_assert(!wish_is_fulfilled(WISH_ISOLATE, &servers[0]));
    ck_assert(!wish_is_fulfilled(WISH_ADMIT, &servers[0]));
    stop(&listener);

    start_haproxy(&listener, "1\n# be_id be_name\n");
    ck_assert_int_eq(traffic_driver(&edge)->keep(&edge, &err), ERROR_OK);
    stop(&listener);
    ck_assert_str_eq(listener.heard, "show servers state\n");
    file = fopen(edge.state_file, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(kept, sizeof(kept), file));
    (void)fclose(file);
    ck_assert_str_eq(kept, "1\n");
}
END_TEST

/* ---- an edge by a script ---- */

START_TEST(an_edge_by_script_is_read_and_told_through_its_environment)
{
    edge = (struct edge_config){.driver = "exec", .hook = script};
    write_script("[ $HAKEM_ACTION = state ] && printf 'g1 ready 5\\ng2 drain 0\\n' && exit 0\n"
                 "[ \"$HAKEM_ACTION $HAKEM_TARGET\" = 'drain g1' ]");
    ck_assert_int_eq(traffic_driver(&edge)->read(&edge, memory, &servers, &server_count, &err),
                     ERROR_OK);
    ck_assert_uint_eq(server_count, 2);
    ck_assert_str_eq(servers[0].node, "g1");
    ck_assert(servers[0].state == TRAFFIC_READY && servers[0].check_passes);
    ck_assert_uint_eq(servers[0].sessions, 5);
    ck_assert_int_eq(servers[1].state, TRAFFIC_DRAIN);
    ck_assert_int_eq(traffic_driver(&edge)->wish(&edge, "g1", WISH_DRAIN, &err), ERROR_OK);
    ck_assert_int_eq(traffic_driver(&edge)->wish(&edge, "g1", WISH_ADMIT, &err), ERROR_HOOK);
    ck_assert_int_eq(traffic_driver(&edge)->wish(&edge, "g2", WISH_DRAIN, &err), ERROR_HOOK);
}
END_TEST

/* Loop test: lines that are not NAME STATE SESSIONS. */
START_TEST(a_script_s_line_of_another_form_is_an_error)
{
    static const char *const lines[] = {"echo g1 ready", "echo g1 fine 3", "echo g1 ready many",
                                        "echo g1 ready -1"};

    edge = (struct edge_config){.driver = "exec", .hook = script};
    write_script(lines[_i]);
    ck_assert_int_eq(traffic_driver(&edge)->read(&edge, memory, &servers, &server_count, &err),
                     ERROR_EDGE);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_hook_sees_its_own_environment_and_nothing_of_the_agent_s);
    tcase_add_test(tcase, a_path_is_executed_and_never_given_to_a_shell);
    tcase_add_test(tcase, a_hook_that_fails_says_why_in_its_last_line);
    tcase_add_test(tcase, a_hook_that_does_not_end_is_killed_in_time);
    tcase_add_test(tcase, a_hook_that_is_cancelled_is_killed_and_says_so);
    tcase_add_test(tcase, what_a_hook_says_too_much_is_cut_and_does_not_hold_it_up);
    tcase_add_test(tcase, an_http_probe_passes_below_400_or_with_exactly_what_is_expected);
    tcase_add_test(tcase, a_server_that_does_not_answer_in_time_is_measured_and_not_healthy);
    tcase_add_test(tcase, a_tcp_probe_wants_somebody_who_accepts);
    tcase_add_test(tcase, an_exec_probe_passes_on_exit_0_and_is_ended_in_time);
    tcase_add_test(tcase, a_probe_that_cannot_be_run_measures_nothing_and_never_passes);
    tcase_add_test(tcase, the_columns_of_statistics_are_found_by_name);
    tcase_add_loop_test(tcase, every_status_has_its_meaning_and_an_unknown_one_is_unknown, 0, 11);
    tcase_add_test(tcase, other_backends_sums_and_short_lines_are_passed_over);
    tcase_add_loop_test(tcase, a_wish_is_said_in_haproxy_s_words, WISH_DRAIN, WISH_COUNT);
    tcase_add_test(tcase, any_words_in_answer_to_a_wish_are_a_refusal);
    tcase_add_test(tcase, an_edge_that_does_not_answer_is_an_error_in_time);
    tcase_add_test(tcase, what_haproxy_says_is_read_and_its_state_is_kept_for_a_reload);
    tcase_add_test(tcase, an_edge_by_script_is_read_and_told_through_its_environment);
    tcase_add_loop_test(tcase, a_script_s_line_of_another_form_is_an_error, 0, 4);
}

int main(void)
{
    Suite *suite = suite_create("agent edges");
    TCase *tcase = tcase_create("agent edges");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 30);
    add_all(tcase);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
