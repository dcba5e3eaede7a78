/* A pool: where its line points, and what consoles have to say before it counts as paused. */
#include "agent/traffic/pool_file.h"
#include "agent/traffic/pooler.h"
#include "support/scratch.h"

#include <string.h>

static const struct pool_server db2 = {
    .node = "db-2", .host = "10.0.0.2", .port = 5433, .database = "game_2"};

static const char *point(const char *text)
{
    struct text *anew = text_new(scratch.memory, POOL_FILE_BYTES_MAX);

    ck_assert_msg(pool_file_point(text, "p.ini", "game", &db2, anew, &failure) == ERROR_OK, "%s",
                  failure.detail);
    return anew->data;
}

START_TEST(only_the_address_of_the_pool_s_line_changes)
{
    ck_assert_str_eq(point("; ours\n[databases]\ngame = host=10.0.0.1 port=5432 dbname=game "
                           "pool_size=20\nother = host=10.0.0.1\n"),
                     "; ours\n[databases]\ngame = host=10.0.0.2 port=5433 dbname=game_2 "
                     "pool_size='20'\nother = host=10.0.0.1\n");
    ck_assert_str_eq(point("game="), "game= host=10.0.0.2 port=5433 dbname=game_2");
    ck_assert_str_eq(point("\"game\" = password='it''s' host = 'a b'\n"),
                     "\"game\" = host=10.0.0.2 port=5433 dbname=game_2 password='it''s'\n");
}
END_TEST

START_TEST(a_pool_s_line_is_read_with_pgbouncer_s_defaults)
{
    struct pool_address address;

    assert_ok(
        pool_file_read("[databases]\ngame = host=10.0.0.1\n", "p.ini", "game", &address, &failure));
    ck_assert_str_eq(address.host, "10.0.0.1");
    ck_assert_uint_eq(address.port, 5432);
    ck_assert_str_eq(address.database, "game");
    assert_ok(pool_file_read(point("game ="), "p.ini", "game", &address, &failure));
    ck_assert(pool_address_is(&address, &db2));
}
END_TEST

/* Loop test: what cannot be meant, and the sentence that says so. */
START_TEST(a_file_that_cannot_be_meant_is_refused_in_a_sentence)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "there is no line \"game = host="},
        {"[users]\ngame = pool_mode=session\n", "there is no line"},
        {"; game = host=a\n", "there is no line"},
        {"game = host=a\ngame = host=b\n", "has two lines"},
        {"game = host\n", "is not game = key=value"},
        {"game = password='never ends\n", "is not game = key=value"},
        {"game = host=a port=many\n", "is not game = key=value"},
    };
    struct pool_address address;

    ck_assert_int_eq(pool_file_read(rows[_i].text, "p.ini", "game", &address, &failure),
                     ERROR_CONFIG);
    ck_assert_msg(strstr(failure.detail, rows[_i].says) != NULL, "%s", failure.detail);
    ck_assert_ptr_nonnull(strstr(failure.detail, "p.ini"));
}
END_TEST

START_TEST(a_pool_is_held_when_every_console_says_so_and_nothing_is_under_way)
{
    struct pool_report pools[2] = {{.could_measure = true, .is_paused = true},
                                   {.could_measure = true, .is_paused = true}};

    ck_assert(pools_are_held(pools, 2));
    ck_assert(!pools_are_open(pools, 2));
    pools[1].servers_active = 1;
    ck_assert(!pools_are_held(pools, 2));
    pools[1] = (struct pool_report){.could_measure = true};
    ck_assert(!pools_are_held(pools, 2));
    ck_assert(!pools_are_open(pools, 2)); /* one still holds queries back */
    pools[0].is_paused = false;
    ck_assert(pools_are_open(pools, 2));
    pools[0].could_measure = false;
    ck_assert(!pools_are_open(pools, 2));
    ck_assert(!pools_are_held(pools, 0));
}
END_TEST

START_TEST(clients_must_outlast_a_pause)
{
    const struct pool_report pools[] = {{.console = "a", .wait_limit_ms = 0},
                                        {.console = "b", .wait_limit_ms = 60000}};

    ck_assert_ptr_null(pools_that_give_up(pools, 2, 60000 - POOLER_WAIT_MARGIN_MS));
    ck_assert_str_eq(pools_that_give_up(pools, 2, 60000)->console, "b");
    ck_assert_ptr_null(pools_that_give_up(pools, 1, 1000000)); /* they wait for ever */
}
END_TEST

/* Nobody listens there. */
START_TEST(a_console_that_does_not_answer_is_named_and_the_others_are_looked_at_all_the_same)
{
    const char *consoles[] = {"host=127.0.0.1 port=1 user=hakem", "host=/nowhere user=hakem"};
    const struct edge_config edge = {
        .driver = "pgbouncer", .consoles = consoles, .console_count = 2, .pool = "game"};
    struct pooler *pooler = pooler_new(scratch.memory, &edge);
    struct pool_report *pools = NULL;
    size_t count = 0;

    ck_assert_int_eq(pooler_look(pooler, scratch.memory, &pools, &count, &failure), ERROR_EDGE);
    ck_assert_msg(strstr(failure.detail, "PgBouncer at 127.0.0.1:1 ") != NULL, "%s",
                  failure.detail);
    ck_assert_uint_eq(count, 2);
    ck_assert(!pools[0].could_measure && !pools[1].could_measure);
}
END_TEST

START_TEST(a_conninfo_that_is_none_is_refused_without_its_password)
{
    const char *consoles[] = {"host= password=secret port"};
    const struct edge_config edge = {
        .driver = "pgbouncer", .consoles = consoles, .console_count = 1, .pool = "game"};
    struct pooler *pooler = pooler_new(scratch.memory, &edge);
    struct pool_report *pools = NULL;
    size_t count = 0;

    ck_assert_int_eq(pooler_look(pooler, scratch.memory, &pools, &count, &failure), ERROR_CONFIG);
    ck_assert_ptr_null(strstr(failure.detail, "secret"));
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, only_the_address_of_the_pool_s_line_changes);
    tcase_add_test(tcase, a_pool_s_line_is_read_with_pgbouncer_s_defaults);
    tcase_add_loop_test(tcase, a_file_that_cannot_be_meant_is_refused_in_a_sentence, 0, 7);
    tcase_add_test(tcase, a_pool_is_held_when_every_console_says_so_and_nothing_is_under_way);
    tcase_add_test(tcase, clients_must_outlast_a_pause);
    tcase_add_test(
        tcase, a_console_that_does_not_answer_is_named_and_the_others_are_looked_at_all_the_same);
    tcase_add_test(tcase, a_conninfo_that_is_none_is_refused_without_its_password);
}

SUITE("agent: pool", {.add = add_all, .set_up = scratch_set_up, .tear_down = scratch_tear_down})
