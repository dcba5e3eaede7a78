/* What the watcher says of a game server and of an edge, once a beat. */
#include "agent/watch.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "support/listener.h"
#include "support/scratch.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 10000

/* ---- the watcher, in a thread, and the agent's end of its channel ---- */

static struct agent_config config;
static struct listener server;
static struct channel above, below;
static pthread_t watcher;
static bool is_watching;
static const struct report *report;

static void *watch(void *context)
{
    watch_run(&config, context, "g1");
    return NULL;
}

static void start_watching(void)
{
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    channel_open(&above, pair[0], scratch.memory);
    channel_open(&below, pair[1], scratch.memory);
    ck_assert_int_eq(pthread_create(&watcher, NULL, watch, &below), 0);
    is_watching = true;
}

static void stop_watching(void)
{
    if (!is_watching)
        return;
    (void)shutdown(above.fd, SHUT_RDWR);
    ck_assert_int_eq(pthread_join(watcher, NULL), 0);
    (void)close(above.fd);
    (void)close(below.fd);
    is_watching = false;
}

static void hear_report(void)
{
    enum frame_type type = FRAME_NONE;
    void *body = NULL;

    ck_assert(channel_await(&above, PATIENCE_MS, scratch.memory, &type, &body));
    ck_assert_int_eq(type, FRAME_REPORT);
    report = body;
}

static void look_once(void)
{
    start_watching();
    hear_report();
    stop_watching();
}

static void serve(const char *answer)
{
    static char url[64];

    listener_start_tcp(&server, answer);
    (void)text_format(url, sizeof(url), "http://127.0.0.1:%d/alive", server.port);
    config.game.release_url = url;
}

#define HTTP(body) "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n" body

static void set_up(void)
{
    scratch_set_up();
    config = (struct agent_config){.kind = KIND_GAME, .game = {.data = "/"}};
    is_watching = false;
}

static void tear_down(void)
{
    stop_watching();
    scratch_tear_down();
}

/* ---- a game server ---- */

START_TEST(a_game_server_is_up_with_the_release_that_it_says)
{
    static const char *reads[] = {"db-1", "db-2"};
    static struct probe_config probes[] = {
        {.name = "yes", .kind = "exec", .target = "/bin/true", .timeout_ms = 2000},
        {.name = "no", .kind = "exec", .target = "/bin/false", .timeout_ms = 2000},
    };

    serve(HTTP("{\"release\": \"1.1\", \"players\": 3}"));
    config.game.reads = reads;
    config.game.read_count = 2;
    config.probes = probes;
    config.probe_count = 2;
    look_once();
    listener_stop(&server);
    ck_assert_int_eq(report->kind, KIND_GAME);
    ck_assert(report->is_up && report->could_measure);
    ck_assert_str_eq(report->release, "1.1");
    ck_assert_str_eq(report->fault, "");
    ck_assert_uint_eq(report->read_count, 2);
    ck_assert_str_eq(report->reads[1].name, "db-2");
    ck_assert_uint_gt(report->disk_free_bytes, 0);
    ck_assert_uint_eq(report->probe_count, 2);
    ck_assert_str_eq(report->probes[0].name, "yes");
    ck_assert(report->probes[0].passes && !report->probes[1].passes);
}
END_TEST

START_TEST(a_game_server_that_is_not_there_is_down_and_that_was_measured)
{
    serve(HTTP(""));
    listener_stop(&server); /* its port is free again */
    look_once();
    ck_assert(!report->is_up);
    ck_assert(report->could_measure);
    ck_assert_str_eq(report->release, "");
    ck_assert_str_eq(report->fault, "the game server does not answer");
}
END_TEST

/* Loop test: what a server may say, and the release that is understood. */
START_TEST(a_release_is_a_name_in_json_or_not_known)
{
    static const struct {
        const char *answer, *release;
    } rows[] = {
        {HTTP("{\"release\": \"1.0-rc.1\"}"), "1.0-rc.1"},
        {HTTP(""), ""},
        {HTTP("1.0"), ""},
        {HTTP("{\"release\": 1.0}"), ""},
        {HTTP("{\"version\": \"1.0\"}"), ""},
        {HTTP("[\"release\", \"1.0\"]"), ""},
        {HTTP("{\"release\": \"\"}"), ""},
        {HTTP("{\"release\": \"../1.0\"}"), ""},
        {HTTP("{\"release\": \"1.0\\n\"}"), ""},
        {HTTP(
             "{\"release\": \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}"),
         ""},
    };
    char release[NAME_SIZE] = "before";

    serve(rows[_i].answer);
    ck_assert_int_eq(watch_release(&config, release), rows[_i].release[0] != '\0');
    ck_assert_str_eq(release, rows[_i].release);
    listener_stop(&server);
}
END_TEST

/* ---- an edge ---- */

static void given_edge(const char *script)
{
    write_script(script);
    config = (struct agent_config){.kind = KIND_EDGE,
                                   .edge = {.driver = "exec", .hook = scratch.script}};
}

START_TEST(an_edge_says_how_each_server_stands)
{
    given_edge("[ $HAKEM_ACTION = state ] || exit 1\n"
               "echo g1 ready 3\necho g2 drain 0\necho g3 maintenance 0");
    look_once();
    ck_assert_int_eq(report->kind, KIND_EDGE);
    ck_assert(report->is_up && report->could_measure);
    ck_assert_uint_eq(report->server_count, 3);
    ck_assert_str_eq(report->servers[0].node, "g1");
    ck_assert_int_eq(report->servers[0].state, TRAFFIC_READY);
    ck_assert_uint_eq(report->servers[0].sessions, 3);
    ck_assert_int_eq(report->servers[1].state, TRAFFIC_DRAIN);
    ck_assert_int_eq(report->servers[2].state, TRAFFIC_MAINTENANCE);
}
END_TEST

START_TEST(an_edge_that_does_not_answer_could_not_be_measured_and_says_why)
{
    given_edge("echo the balancer is not there >&2\nexit 1");
    look_once();
    ck_assert(!report->is_up && !report->could_measure);
    ck_assert_uint_eq(report->server_count, 0);
    ck_assert_msg(strstr(report->fault, "the balancer is not there") != NULL, "%s", report->fault);
}
END_TEST

/* ---- beats ---- */

START_TEST(evidence_is_as_old_as_the_look_took)
{
    given_edge("sleep 0.3\necho g1 ready 0");
    look_once();
    ck_assert_uint_ge(report->age_ms, 300);
}
END_TEST

START_TEST(there_is_a_report_once_a_beat_and_at_once_after_a_word_from_the_agent)
{
    uint64_t began, second, third;

    given_edge("echo g1 ready 0");
    start_watching();
    hear_report();
    began = clock_monotonic_ms();
    hear_report();
    second = clock_monotonic_ms();
    ck_assert_uint_ge(second - began, WATCH_BEAT_MS - 300);
    ck_assert(channel_send(above.fd, FRAME_CANCEL, NULL));
    hear_report();
    third = clock_monotonic_ms();
    ck_assert_uint_lt(third - second, WATCH_BEAT_MS - 100);
}
END_TEST

START_TEST(the_watcher_ends_with_its_agent)
{
    uint64_t began;

    given_edge("echo g1 ready 0");
    start_watching();
    hear_report();
    began = clock_monotonic_ms();
    stop_watching();
    ck_assert_uint_lt(clock_monotonic_ms() - began, WATCH_BEAT_MS - 100);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_game_server_is_up_with_the_release_that_it_says);
    tcase_add_test(tcase, a_game_server_that_is_not_there_is_down_and_that_was_measured);
    tcase_add_loop_test(tcase, a_release_is_a_name_in_json_or_not_known, 0, 10);
    tcase_add_test(tcase, an_edge_says_how_each_server_stands);
    tcase_add_test(tcase, an_edge_that_does_not_answer_could_not_be_measured_and_says_why);
    tcase_add_test(tcase, evidence_is_as_old_as_the_look_took);
    tcase_add_test(tcase, there_is_a_report_once_a_beat_and_at_once_after_a_word_from_the_agent);
    tcase_add_test(tcase, the_watcher_ends_with_its_agent);
}

SUITE("agent watch", {.add = add_all, .set_up = set_up, .tear_down = tear_down})
