/* Probes against small real listeners. */
#include "agent/probe/probe.h"
#include "common/base/clock.h"
#include "common/base/text.h"
#include "support/listener.h"
#include "support/scratch.h"

#include <sys/stat.h>

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

    listener_start_tcp(&listener, answer);
    (void)text_format(url, sizeof(url), "http://127.0.0.1:%d/health", listener.port);
    result = probed("http", url, expect);
    listener_stop(&listener);
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

    listener_start_tcp(&listener, "");
    (void)text_format(target, sizeof(target), "127.0.0.1:%d", listener.port);
    ck_assert(probed("tcp", target, 0).passes);
    listener_stop(&listener);
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
    result = probed("exec", scratch.script, 0);
    ck_assert(result.could_measure && result.passes);
    write_script("echo broken; exit 1");
    result = probed("exec", scratch.script, 0);
    ck_assert(result.could_measure && !result.passes);
    ck_assert_ptr_nonnull(strstr(result.text, "broken"));
    write_script("exec /bin/sleep 60");
    result = probed("exec", scratch.script, 0);
    ck_assert(result.could_measure && !result.passes);
}
END_TEST

START_TEST(an_exec_probe_that_is_killed_or_may_not_be_run_does_not_pass)
{
    struct probe_result result;

    write_script("kill -9 $$");
    result = probed("exec", scratch.script, 0);
    ck_assert(result.could_measure && !result.passes);
    ck_assert_ptr_nonnull(strstr(result.text, "signal 9"));
    ck_assert_int_eq(chmod(scratch.script, 0644), 0);
    ck_assert(!probed("exec", scratch.script, 0).passes);
    ck_assert(!probed("exec", scratch.folder, 0).passes);
}
END_TEST

START_TEST(an_exec_probe_that_leaves_somebody_behind_ends_in_time)
{
    uint64_t began = clock_monotonic_ms();

    write_script("/bin/sleep 20 & exit 0");
    (void)probed("exec", scratch.script, 0);
    ck_assert_uint_lt(clock_monotonic_ms() - began, 5000);
}
END_TEST

START_TEST(what_a_probe_says_too_much_is_cut)
{
    struct probe_result result;

    write_script("i=0; while [ $i -lt 500 ]; do printf 0123456789; i=$((i+1)); done");
    result = probed("exec", scratch.script, 0);
    ck_assert(result.passes);
    ck_assert_uint_eq(strlen(result.text), sizeof(result.text) - 1);
    ck_assert(strncmp(result.text, "0123456789", 10) == 0);
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

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, an_http_probe_passes_below_400_or_with_exactly_what_is_expected);
    tcase_add_test(tcase, a_server_that_does_not_answer_in_time_is_measured_and_not_healthy);
    tcase_add_test(tcase, a_tcp_probe_wants_somebody_who_accepts);
    tcase_add_test(tcase, an_exec_probe_passes_on_exit_0_and_is_ended_in_time);
    tcase_add_test(tcase, what_a_probe_says_too_much_is_cut);
    tcase_add_test(tcase, an_exec_probe_that_leaves_somebody_behind_ends_in_time);
    tcase_add_test(tcase, an_exec_probe_that_is_killed_or_may_not_be_run_does_not_pass);
    tcase_add_test(tcase, a_probe_that_cannot_be_run_measures_nothing_and_never_passes);
}

SUITE("agent: probe", {.add = add_all, .set_up = scratch_set_up, .tear_down = scratch_tear_down})
