/* How a step reads in a line: progress with the time left, and what an open gate has seen. */
#include "coordinator/cli/words.h"
#include "support/suite.h"

#include <string.h>
#include <talloc.h>

static struct text *line;
static json_t *step;

static void tear_down(void)
{
    json_decref(step);
    talloc_free(line);
    step = NULL;
    line = NULL;
}

/* What is said of it is to be added to the line. */
static void read_document(const char *text)
{
    json_error_t err;

    json_decref(step);
    talloc_free(line);
    line = text_new(NULL, WORDS_BYTES_MAX);
    step = json_loads(text, 0, &err);
    ck_assert_msg(step != NULL, "%s", err.text);
}

static void given_step(const char *text)
{
    read_document(text);
    words_add_step(line, step);
}

static void assert_line_has(const char *part)
{
    ck_assert_msg(strstr(line->data, part) != NULL, "\"%s\" is not in: %s", part, line->data);
}

static void assert_line_lacks(const char *part)
{
    ck_assert_msg(strstr(line->data, part) == NULL, "\"%s\" is in: %s", part, line->data);
}

START_TEST(long_work_tells_how_much_is_done_and_left)
{
    given_step("{\"id\": 12, \"stage\": \"backfill\", \"node\": \"db-1\", \"state\": \"running\","
               " \"elapsed_ms\": 90000, \"done\": 250, \"total\": 1000}");
    assert_line_has("1min 30s 250/1000 (25%, 4min 30s left)");
}
END_TEST

START_TEST(what_has_hardly_begun_or_has_ended_has_no_time_left)
{
    given_step("{\"id\": 12, \"stage\": \"backfill\", \"node\": \"db-1\", \"state\": \"running\","
               " \"elapsed_ms\": 10, \"done\": 1, \"total\": 1000}");
    assert_line_has("1/1000");
    assert_line_lacks("left");
    given_step("{\"id\": 12, \"stage\": \"backfill\", \"node\": \"db-1\", \"state\": \"succeeded\","
               " \"elapsed_ms\": 90000, \"done\": 1000, \"total\": 1000}");
    assert_line_lacks("left");
}
END_TEST

START_TEST(an_open_gate_tells_its_verdict_and_for_how_long_it_has_held)
{
    given_step(
        "{\"id\": 28, \"stage\": \"healthy\", \"target\": \"game-1\", \"state\": \"running\","
        " \"elapsed_ms\": 2000, \"why\": \"game-1: 1 probes pass\","
        " \"gate\": {\"verdict\": \"pass\", \"passing_ms\": 1500, \"steady_ms\": 5000}}");
    assert_line_has("pass for 1.5 of 5.0s – game-1: 1 probes pass");
}
END_TEST

START_TEST(a_failing_gate_counts_a_closed_one_is_silent)
{
    given_step("{\"id\": 30, \"stage\": \"soak\", \"target\": \"game-1\", \"state\": \"running\","
               " \"gate\": {\"verdict\": \"fail\", \"failing_in_a_row\": 2}}");
    assert_line_has("fail 2 times");
    given_step("{\"id\": 30, \"stage\": \"soak\", \"target\": \"game-1\", \"state\": \"succeeded\","
               " \"gate\": {\"verdict\": \"pass\", \"passing_ms\": 1500, \"steady_ms\": 5000}}");
    assert_line_lacks("pass");
}
END_TEST

START_TEST(a_task_that_succeeded_tells_what_somebody_should_look_at)
{
    given_step("{\"id\": 2, \"stage\": \"preflight\", \"task\": \"preflight\", \"node\": \"db-2\","
               " \"state\": \"succeeded\", \"detail\": \"x\", \"why\": \"replay is behind\"}");
    assert_line_has("– replay is behind");
    given_step("{\"id\": 2, \"stage\": \"preflight\", \"task\": \"preflight\", \"node\": \"db-2\","
               " \"state\": \"succeeded\", \"detail\": \"\", \"why\": \"\"}");
    assert_line_lacks("–");
}
END_TEST

static void given_rehearsed(const char *text)
{
    read_document(text);
    words_add_rehearsed(line, step);
}

START_TEST(a_rehearsed_statement_tells_its_lock_rewrite_and_sizes)
{
    given_rehearsed("{\"revision\": \"0005_a\", \"phase\": \"expand\", \"statement\": 2,"
                    " \"duration_us\": 3450, \"lock\": \"access exclusive\","
                    " \"relation\": \"public.players\", \"is_rewritten\": true,"
                    " \"bytes_before\": 1536, \"bytes_after\": 10485760}");
    assert_line_has("0005_a");
    assert_line_has("   2        3.5 ms access exclusive       rewrite    1.5 KiB   10.0 MiB "
                    "public.players");
    given_rehearsed("{\"revision\": \"0005_a\", \"phase\": \"expand\", \"statement\": 3}");
    assert_line_has("locks nothing more");
}
END_TEST

START_TEST(a_rehearsed_phase_tells_its_verdict_and_what_there_is_to_say)
{
    given_rehearsed("{\"revision\": \"0005_a\", \"phase\": \"backfill\", \"verdict\": \"pass\","
                    " \"rows\": 200}");
    assert_line_has(" pass, 200 rows");
    given_rehearsed("{\"phase\": \"workload\", \"verdict\": \"fail\", \"text\": \"exit 3\"}");
    assert_line_has(" fail: exit 3");
}
END_TEST

static void given_node(const char *text)
{
    read_document(text);
    words_add_node(line, step);
}

START_TEST(a_pooler_says_of_each_pgbouncer_whether_it_is_paused_where_it_leads_and_who_waits)
{
    given_node("{\"name\": \"pool-1\", \"kind\": \"edge\", \"link\": \"online\","
               " \"quarantine\": \"none\", \"pooler\": true, \"pools\": ["
               "{\"console\": \"a:1\", \"could_measure\": true, \"paused\": true,"
               " \"server\": \"db-1\", \"clients_active\": 5, \"clients_waiting\": 3},"
               "{\"console\": \"a:2\", \"could_measure\": true, \"paused\": false,"
               " \"server\": \"\", \"host\": \"10.0.0.9\", \"port\": 5432},"
               "{\"console\": \"a:3\", \"could_measure\": false}]}");
    assert_line_has("a:1:paused to db-1 8 clients, 3 waiting");
    assert_line_has("a:2:open to 10.0.0.9:5432 0 clients");
    assert_line_has("a:3:unknown");
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_rehearsed_statement_tells_its_lock_rewrite_and_sizes);
    tcase_add_test(tcase, a_rehearsed_phase_tells_its_verdict_and_what_there_is_to_say);
    tcase_add_test(
        tcase, a_pooler_says_of_each_pgbouncer_whether_it_is_paused_where_it_leads_and_who_waits);
    tcase_add_test(tcase, long_work_tells_how_much_is_done_and_left);
    tcase_add_test(tcase, what_has_hardly_begun_or_has_ended_has_no_time_left);
    tcase_add_test(tcase, an_open_gate_tells_its_verdict_and_for_how_long_it_has_held);
    tcase_add_test(tcase, a_failing_gate_counts_a_closed_one_is_silent);
    tcase_add_test(tcase, a_task_that_succeeded_tells_what_somebody_should_look_at);
}

SUITE("cli: words", {.add = add_all, .tear_down = tear_down})
