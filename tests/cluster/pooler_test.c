/* Pools, on real PgBouncers: a pause is had everywhere or nowhere, and who stands in its way is
 * named; a pool points where its file says.
 */
#include "agent/task/task.h"
#include "agent/traffic/pooler.h"
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "support/pgbouncer.h"
#include "support/suite.h"

#include <libpq-fe.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BOUNCERS 2
#define SOON_MS  5000

static struct postgres server;
static struct pgbouncer bouncers[BOUNCERS];
static char databases_file[POSTGRES_URL_SIZE];
static const char *consoles[BOUNCERS];
static struct pool_server servers[2];
static struct agent_config config;
static struct job job;
static struct channel channel;
static struct task_context task;
static int pair[2];

static void must(enum error_code code)
{
    ck_assert_msg(code == ERROR_OK, "%s", failure.detail);
}

static void start_server(void)
{
    char url[POSTGRES_URL_SIZE];

    must(postgres_start(&server, NULL, &failure));
    must(postgres_make_database(&server, "other", url, &failure));
}

static void stop_server(void)
{
    postgres_stop(&server);
}

static void set_up(void)
{
    must(pgbouncer_point(&server, "postgres", databases_file, &failure));
    for (int i = 0; i < BOUNCERS; i++) {
        must(pgbouncer_start(&bouncers[i], &server, i + 1, &failure));
        consoles[i] = bouncers[i].console;
    }
    servers[0] = (struct pool_server){"db-1", "127.0.0.1", (uint64_t)server.port, "postgres"};
    servers[1] = (struct pool_server){"db-2", "127.0.0.1", (uint64_t)server.port, "other"};
    config = (struct agent_config){.kind = KIND_EDGE,
                                   .edge = {.driver = "pgbouncer",
                                            .consoles = consoles,
                                            .console_count = BOUNCERS,
                                            .pool = PGBOUNCER_POOL,
                                            .databases_file = databases_file,
                                            .servers = servers,
                                            .server_count = 2,
                                            .pause_max_ms = 700}};
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    task = (struct task_context){
        .config = &config, .job = &job, .channel = &channel, .memory = talloc_new(NULL)};
    channel_open(&channel, pair[0], task.memory);
    job = (struct job){.order = {.arguments = {.pause_ms = 30000}}};
}

static void tear_down(void)
{
    for (int i = 0; i < BOUNCERS; i++)
        pgbouncer_stop(&bouncers[i]);
    (void)close(pair[0]);
    (void)close(pair[1]);
    talloc_free(task.memory);
}

/* ---- doing and looking ---- */

static enum error_code run(enum task what)
{
    struct task_outcome outcome = {.code = ""};

    failure = (struct error){.code = ERROR_OK};
    return task_functions(what)->run(&task, &outcome, &failure);
}

static enum finding found(enum task what)
{
    enum finding finding = FINDING_NOTHING;

    failure = (struct error){.code = ERROR_OK};
    (void)task_functions(what)->inspect(&task, &finding, &failure);
    return finding;
}

static const struct pool_report *look(void)
{
    struct pooler *pooler = pooler_new(task.memory, &config.edge);
    struct pool_report *pools = NULL;
    size_t count = 0;
    struct error ignored;

    (void)pooler_look(pooler, task.memory, &pools, &count, &ignored);
    ck_assert_uint_eq(count, BOUNCERS);
    return pools;
}

static PGconn *connect_client(int to)
{
    char conninfo[256];
    PGconn *client;

    (void)text_format(conninfo, sizeof(conninfo), "%s application_name=a-game", bouncers[to].url);
    client = PQconnectdb(conninfo);
    ck_assert_msg(PQstatus(client) == CONNECTION_OK, "%s", PQerrorMessage(client));
    return client;
}

static void say(PGconn *client, const char *sql, const char *expected)
{
    PGresult *result = PQexec(client, sql);

    ck_assert_msg(PQresultStatus(result) == PGRES_TUPLES_OK ||
                      PQresultStatus(result) == PGRES_COMMAND_OK,
                  "%s", PQerrorMessage(client));
    if (expected != NULL)
        ck_assert_str_eq(PQgetvalue(result, 0, 0), expected);
    PQclear(result);
}

/* A console's own command, beside the agent's. */
static void tell_console(int which, const char *command)
{
    char conninfo[256];
    PGconn *console;

    (void)text_format(conninfo, sizeof(conninfo), "%s dbname=pgbouncer", bouncers[which].console);
    console = PQconnectdb(conninfo);
    PQclear(PQexec(console, command));
    PQfinish(console);
}

/* ---- pauses ---- */

START_TEST(a_pause_holds_queries_back_at_every_console_and_a_resume_lets_them_go_on)
{
    PGconn *client = connect_client(1);
    uint64_t began;

    say(client, "SELECT 1", "1");
    ck_assert_int_eq(found(TASK_PAUSE_POOL), FINDING_DID_NOT);
    must(run(TASK_PAUSE_POOL));
    ck_assert(pools_are_held(look(), BOUNCERS));
    ck_assert_int_eq(found(TASK_PAUSE_POOL), FINDING_DID);
    ck_assert_int_eq(found(TASK_RESUME_POOL), FINDING_DID_NOT);
    must(run(TASK_PAUSE_POOL)); /* again: it is so already */
    ck_assert_int_eq(PQsendQuery(client, "SELECT 2"), 1);
    for (began = clock_monotonic_ms(); look()[1].clients_waiting == 0; clock_sleep_ms(20))
        ck_assert_uint_lt(clock_monotonic_ms() - began, SOON_MS);
    must(run(TASK_RESUME_POOL));
    ck_assert_int_eq(found(TASK_RESUME_POOL), FINDING_DID);
    for (PGresult *result; (result = PQgetResult(client)) != NULL; PQclear(result))
        ck_assert_str_eq(PQgetvalue(result, 0, 0), "2");
    PQfinish(client);
}
END_TEST

START_TEST(a_pause_that_a_transaction_keeps_from_being_had_is_undone_everywhere_and_says_whose)
{
    PGconn *client = connect_client(0);

    say(client, "BEGIN", NULL);
    say(client, "SELECT 1", "1");
    ck_assert_int_eq(run(TASK_PAUSE_POOL), ERROR_TIMEOUT);
    ck_assert_msg(strstr(failure.detail, "postgres at 127.0.0.1:") != NULL &&
                      strstr(failure.detail, "(a-game)") != NULL &&
                      strstr(failure.detail, "700 ms") != NULL,
                  "%s", failure.detail);
    ck_assert(pools_are_open(look(), BOUNCERS));
    say(client, "SELECT 2", "2"); /* it never noticed */
    say(client, "COMMIT", NULL);
    must(run(TASK_PAUSE_POOL));
    must(run(TASK_RESUME_POOL));
    PQfinish(client);
}
END_TEST

START_TEST(a_cancelled_pause_is_undone)
{
    PGconn *client = connect_client(0);

    say(client, "BEGIN", NULL);
    say(client, "SELECT 1", "1");
    config.edge.pause_max_ms = 10000;
    ck_assert(channel_send(pair[1], FRAME_CANCEL, NULL));
    ck_assert_int_eq(run(TASK_PAUSE_POOL), ERROR_CANCELLED);
    ck_assert(pools_are_open(look(), BOUNCERS));
    PQfinish(client);
}
END_TEST

START_TEST(a_pause_that_clients_would_not_outlast_is_refused_before_anything_is_done)
{
    tell_console(1, "SET query_wait_timeout = 20");
    ck_assert_int_eq(run(TASK_PAUSE_POOL), ERROR_REFUSED);
    ck_assert_msg(strstr(failure.detail, "query_wait_timeout") != NULL, "%s", failure.detail);
    ck_assert(pools_are_open(look(), BOUNCERS));
    ck_assert_int_eq(task_preflight_pool(&task, &failure), ERROR_REFUSED);
    tell_console(1, "SET query_wait_timeout = 120");
    must(task_preflight_pool(&task, &failure));
}
END_TEST

START_TEST(a_pgbouncer_that_died_fails_the_pause_and_leaves_the_other_open)
{
    pgbouncer_stop(&bouncers[1]);
    ck_assert_int_eq(run(TASK_PAUSE_POOL), ERROR_EDGE);
    ck_assert_msg(strstr(failure.detail, "PgBouncer at 127.0.0.1:") != NULL, "%s", failure.detail);
    ck_assert(look()[0].could_measure && !look()[0].is_paused);
    ck_assert(!look()[1].could_measure);
    ck_assert_int_eq(found(TASK_PAUSE_POOL), FINDING_NOTHING);
}
END_TEST

/* What a child that was killed leaves behind. */
START_TEST(a_pool_that_is_paused_at_one_console_only_is_opened)
{
    tell_console(0, "PAUSE \"" PGBOUNCER_POOL "\"");
    ck_assert_int_eq(found(TASK_PAUSE_POOL), FINDING_DID_NOT);
    ck_assert_int_eq(found(TASK_RESUME_POOL), FINDING_DID_NOT);
    must(task_open_pool(&task, &failure));
    ck_assert(pools_are_open(look(), BOUNCERS));
}
END_TEST

/* ---- pointing ---- */

static void assert_points_at(const char *node)
{
    for (int i = 0; i < BOUNCERS; i++)
        ck_assert_str_eq(look()[i].server, node);
}

static void name_target(const char *node)
{
    (void)text_copy(job.order.arguments.target, NAME_SIZE, node);
}

START_TEST(a_pool_is_pointed_at_another_database_in_its_file_and_in_every_memory)
{
    PGconn *client = connect_client(0);
    char *text = NULL;
    size_t size = 0;

    say(client, "SELECT current_database()", "postgres");
    assert_points_at("db-1");
    name_target("db-2");
    ck_assert_int_eq(found(TASK_POINT_POOL), FINDING_DID_NOT);
    must(run(TASK_POINT_POOL));
    ck_assert_int_eq(found(TASK_POINT_POOL), FINDING_DID);
    assert_points_at("db-2");
    say(client, "SELECT current_database()", "other");
    must(file_read(task.memory, databases_file, 4096, &text, &size, &failure));
    ck_assert_msg(strstr(text, "dbname=other pool_size='5'") != NULL, "%s", text);
    ck_assert_msg(text_starts_with(text, "; of a test\n"), "%s", text);
    must(task_preflight_pool(&task, &failure));
    name_target("db-1");
    must(run(TASK_POINT_POOL));
    say(client, "SELECT current_database()", "postgres");
    PQfinish(client);
}
END_TEST

START_TEST(a_paused_pool_can_be_pointed_elsewhere_and_whoever_waits_ends_up_there)
{
    PGconn *client = connect_client(1);

    say(client, "SELECT 1", "1");
    must(run(TASK_PAUSE_POOL));
    ck_assert_int_eq(PQsendQuery(client, "SELECT current_database()"), 1);
    name_target("db-2");
    must(run(TASK_POINT_POOL));
    must(run(TASK_RESUME_POOL));
    for (PGresult *result; (result = PQgetResult(client)) != NULL; PQclear(result))
        ck_assert_str_eq(PQgetvalue(result, 0, 0), "other");
    PQfinish(client);
}
END_TEST

START_TEST(a_pool_that_one_pgbouncer_does_not_follow_points_where_it_did_before)
{
    char *before = NULL;
    char *after = NULL;
    size_t size = 0;

    must(file_read(task.memory, databases_file, 4096, &before, &size, &failure));
    pgbouncer_stop(&bouncers[1]);
    name_target("db-2");
    ck_assert_int_eq(run(TASK_POINT_POOL), ERROR_EDGE);
    must(file_read(task.memory, databases_file, 4096, &after, &size, &failure));
    ck_assert_str_eq(after, before);
    ck_assert_str_eq(look()[0].server, "db-1");
    name_target("db-9");
    ck_assert_int_eq(run(TASK_POINT_POOL), ERROR_NOT_FOUND);
}
END_TEST

START_TEST(a_file_that_says_something_else_than_the_memory_is_found_before_anything_begins)
{
    char path[POSTGRES_URL_SIZE];

    must(pgbouncer_point(&server, "other", path, &failure));
    ck_assert_int_eq(task_preflight_pool(&task, &failure), ERROR_REFUSED);
    ck_assert_msg(strstr(failure.detail, "RELOAD it, or mend the file") != NULL, "%s",
                  failure.detail);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_pause_holds_queries_back_at_every_console_and_a_resume_lets_them_go_on);
    tcase_add_test(
        tcase, a_pause_that_a_transaction_keeps_from_being_had_is_undone_everywhere_and_says_whose);
    tcase_add_test(tcase, a_cancelled_pause_is_undone);
    tcase_add_test(tcase,
                   a_pause_that_clients_would_not_outlast_is_refused_before_anything_is_done);
    tcase_add_test(tcase, a_pgbouncer_that_died_fails_the_pause_and_leaves_the_other_open);
    tcase_add_test(tcase, a_pool_that_is_paused_at_one_console_only_is_opened);
    tcase_add_test(tcase, a_pool_is_pointed_at_another_database_in_its_file_and_in_every_memory);
    tcase_add_test(tcase, a_paused_pool_can_be_pointed_elsewhere_and_whoever_waits_ends_up_there);
    tcase_add_test(tcase, a_pool_that_one_pgbouncer_does_not_follow_points_where_it_did_before);
    tcase_add_test(tcase,
                   a_file_that_says_something_else_than_the_memory_is_found_before_anything_begins);
}

SUITE("cluster: pooler", {.add = add_all,
                          .set_up = set_up,
                          .tear_down = tear_down,
                          .set_up_once = start_server,
                          .tear_down_once = stop_server,
                          .timeout_s = 60})
