/* Edges: what HAProxy says and is told, and an edge by a script. */
#include "agent/task/task.h"
#include "agent/traffic/traffic.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "support/listener.h"
#include "support/scratch.h"

/* ---- HAProxy ---- */

#define STAT_HEADER "# pxname,svname,scur,stot,hrsp_5xx,status,check_status,agent_status,\n"

static struct server_traffic *servers;
static size_t server_count;

static enum error_code parse(const char *text)
{
    server_count = 0;
    return haproxy_parse_stat(text, "games", scratch.memory, &servers, &server_count, &failure);
}

START_TEST(the_columns_of_statistics_are_found_by_name)
{
    ck_assert_int_eq(parse("# svname,pxname,status,check_status,hrsp_5xx,stot,scur,agent_status,\n"
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

/* Of the columns that are needed, any may be the last. */
START_TEST(a_line_that_ends_too_early_is_passed_over)
{
    ck_assert_int_eq(parse("# svname,pxname,status,check_status,hrsp_5xx,stot,scur,agent_status,\n"
                           "g1,games,UP,L7OK,1,20\ng2,games,UP,L7OK,1,20,3,\n"),
                     ERROR_OK);
    ck_assert_uint_eq(server_count, 1);
    ck_assert_str_eq(servers[0].node, "g2");
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
        {"UP", TRAFFIC_READY, true},
        {"UP 1/2", TRAFFIC_READY, true},
        {"no check", TRAFFIC_READY, true},
        {"DRAIN", TRAFFIC_DRAIN, false},
        {"DRAIN (agent)", TRAFFIC_DRAIN, false},
        {"DOWN (agent)", TRAFFIC_DOWN, false},
        {"MAINT", TRAFFIC_MAINTENANCE, false},
        {"MAINT (via games/g2)", TRAFFIC_MAINTENANCE, false},
        {"DOWN", TRAFFIC_DOWN, false},
        {"DOWN 1/2", TRAFFIC_DOWN, false},
        {"NOLB", TRAFFIC_DRAIN, false},
        {"SOMETHING", TRAFFIC_UNKNOWN, false},
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
    const char *path = scratch_path("socket");

    listener_start_unix(listener, path, answer);
    edge = (struct edge_config){.driver = "haproxy",
                                .socket = path,
                                .backend = "games",
                                .state_file = scratch_path("state")};
}

/* Statistics with g1, then nothing but consent; agent is what its agent-check said last. */
static void start_with_g1(struct listener *listener, const char *agent)
{
    static char stat[256];

    (void)text_format(stat, sizeof(stat), STAT_HEADER "games,g1,0,0,0,UP,L7OK,%s,\n", agent);
    start_haproxy(listener, stat);
    listener->then = "\n";
}

/* Loop test over the wishes. */
START_TEST(a_wish_is_said_in_haproxy_s_words)
{
    static const char *const commands[] = {
        [WISH_DRAIN] = "show stat\nset server games/g1 state drain\n",
        [WISH_ADMIT] = "show stat\nset server games/g1 state ready\n",
        [WISH_ISOLATE] = "show stat\nset server games/g1 state maint\n"
                         "shutdown sessions server games/g1\n",
    };
    struct listener listener;

    start_with_g1(&listener, "");
    ck_assert_int_eq(traffic_driver(&edge)->wish(&edge, "g1", (enum edge_wish)_i, &failure),
                     ERROR_OK);
    listener_stop(&listener);
    ck_assert_str_eq(listener.heard, commands[_i]);
}
END_TEST

/* First what is asked, then the state: or the agent would say what it was asked for before. Loop
 * test: answering or not, it is asked for the same. */
START_TEST(where_the_node_s_agent_is_asked_it_is_asked_for_the_same)
{
    static const char *const agents[] = {"L7OK", "CHECKED", "L4CON", "INI"};
    struct listener listener;

    start_with_g1(&listener, agents[_i]);
    ck_assert_int_eq(traffic_driver(&edge)->wish(&edge, "g1", WISH_DRAIN, &failure), ERROR_OK);
    listener_stop(&listener);
    ck_assert_str_eq(listener.heard, "show stat\nset server games/g1 agent-send drain\n"
                                     "set server games/g1 state drain\n");
}
END_TEST

START_TEST(any_words_in_answer_to_a_wish_are_a_refusal)
{
    struct listener listener;

    start_with_g1(&listener, "");
    listener.then = "No such server.\n\n";
    ck_assert_int_eq(traffic_driver(&edge)->wish(&edge, "g9", WISH_DRAIN, &failure), ERROR_EDGE);
    ck_assert_ptr_nonnull(strstr(failure.detail, "No such server"));
    listener_stop(&listener);
    ck_assert_int_eq(traffic_driver(&edge)->wish(&edge, "g9", WISH_DRAIN, &failure), ERROR_EDGE);
}
END_TEST

/* Whose check fails is DOWN in the statistics, held out or not. */
START_TEST(whom_we_hold_out_is_out_even_when_its_check_fails)
{
    ck_assert_int_eq(parse(STAT_HEADER "games,g1,0,0,0,DOWN,L4CON,\ngames,g2,0,0,0,DOWN,L4CON,\n"
                                       "games,g3,0,0,0,UP,L7OK,\n"),
                     ERROR_OK);
    ck_assert_int_eq(haproxy_parse_state("1\n# be_id be_name srv_id srv_name srv_addr srv_op_state "
                                         "srv_admin_state srv_uweight\n"
                                         "3 games 1 g1 127.0.0.1 0 8 1\n"
                                         "3 games 2 g2 127.0.0.1 0 0 1\n"
                                         "3 games 3 g3 127.0.0.1 2 8 1\n",
                                         scratch.memory, servers, server_count, &failure),
                     ERROR_OK);
    ck_assert_int_eq(servers[0].state, TRAFFIC_DRAIN);
    ck_assert(wish_is_fulfilled(WISH_DRAIN, &servers[0]));
    ck_assert(!servers[0].check_passes);
    ck_assert_int_eq(servers[1].state, TRAFFIC_DOWN);  /* it would get traffic when it comes back */
    ck_assert_int_eq(servers[2].state, TRAFFIC_READY); /* a later answer about another moment */
}
END_TEST

START_TEST(server_states_of_another_form_are_refused)
{
    static const char *const texts[] = {"", "1\n", "1\n# srv_name\n", "1\n\n# be_id srv_id\n"};

    ck_assert_int_eq(haproxy_parse_state(texts[_i], scratch.memory, NULL, 0, &failure), ERROR_EDGE);
}
END_TEST

START_TEST(an_edge_that_does_not_answer_is_an_error_in_time)
{
    struct listener listener;
    uint64_t began = clock_monotonic_ms();

    start_haproxy(&listener, NULL);
    ck_assert_int_eq(
        traffic_driver(&edge)->read(&edge, scratch.memory, &servers, &server_count, &failure),
        ERROR_EDGE);
    ck_assert_uint_lt(clock_monotonic_ms() - began, 6000);
    listener_stop(&listener);
}
END_TEST

START_TEST(what_haproxy_says_is_read_and_its_state_is_kept_for_a_reload)
{
    struct listener listener;
    char kept[64] = "";
    FILE *file;

    start_haproxy(&listener, STAT_HEADER "games,g1,2,9,0,DRAIN,L7OK,\n");
    ck_assert_int_eq(
        traffic_driver(&edge)->read(&edge, scratch.memory, &servers, &server_count, &failure),
        ERROR_OK);
    ck_assert_uint_eq(server_count, 1);
    ck_assert(!wish_is_fulfilled(WISH_DRAIN, &servers[0])); /* sessions are left */
    servers[0].sessions = 0;
    ck_assert(wish_is_fulfilled(WISH_DRAIN, &servers[0]));
    ck_assert(!wish_is_fulfilled(WISH_ISOLATE, &servers[0]));
    ck_assert(!wish_is_fulfilled(WISH_ADMIT, &servers[0]));
    listener_stop(&listener);

    start_haproxy(&listener, "1\n# be_id be_name\n");
    ck_assert_int_eq(traffic_driver(&edge)->keep(&edge, &failure), ERROR_OK);
    listener_stop(&listener);
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
    edge = (struct edge_config){.driver = "exec", .hook = scratch.script};
    write_script("[ $HAKEM_ACTION = state ] && printf 'g1 ready 5\\ng2 drain 0\\n' && exit 0\n"
                 "[ \"$HAKEM_ACTION $HAKEM_TARGET\" = 'drain g1' ]");
    ck_assert_int_eq(
        traffic_driver(&edge)->read(&edge, scratch.memory, &servers, &server_count, &failure),
        ERROR_OK);
    ck_assert_uint_eq(server_count, 2);
    ck_assert_str_eq(servers[0].node, "g1");
    ck_assert(servers[0].state == TRAFFIC_READY && servers[0].check_passes);
    ck_assert_uint_eq(servers[0].sessions, 5);
    ck_assert_int_eq(servers[1].state, TRAFFIC_DRAIN);
    ck_assert_int_eq(traffic_driver(&edge)->wish(&edge, "g1", WISH_DRAIN, &failure), ERROR_OK);
    ck_assert_int_eq(traffic_driver(&edge)->wish(&edge, "g1", WISH_ADMIT, &failure), ERROR_HOOK);
    ck_assert_int_eq(traffic_driver(&edge)->wish(&edge, "g2", WISH_DRAIN, &failure), ERROR_HOOK);
}
END_TEST

/* ---- colours ---- */

START_TEST(a_map_s_entry_is_found_with_addresses_and_without)
{
    char value[NAME_SIZE] = "";

    ck_assert(haproxy_parse_map("0x55d2 other x\n0x55d3 live hokm_green\n", "live", true, value));
    ck_assert_str_eq(value, "hokm_green");
    ck_assert(haproxy_parse_map("# live x\nlive\thokm_blue\r\n", "live", false, value));
    ck_assert_str_eq(value, "hokm_blue");
}
END_TEST

/* Loop test: a map that does not say. */
START_TEST(a_map_without_the_entry_says_so)
{
    static const char *const maps[] = {
        "",
        "\n",
        "live\n",
        "0x1 live\n",
        "0x1 lively x\n",
        "Unknown map identifier.\n",
        "0x1 live 0123456789012345678901234567890123456789012345678901234567890123456789\n"};
    char value[NAME_SIZE] = "";

    ck_assert(!haproxy_parse_map(maps[_i], "live", true, value));
}
END_TEST

static void name_entries(void)
{
    edge.map_key = "live";
    edge.map_next_key = "next";
    edge.map_share_key = "share";
}

/* One command, and no other, whatever else is in the file. */
START_TEST(a_colour_is_pointed_to_by_its_backend)
{
    struct edge_colour colours[] = {{"blue", "hokm_blue"}, {"green", "hokm_green"}};
    struct listener listener;

    start_haproxy(&listener, "0x1 live hokm_blue\n");
    listener.then = "\n";
    edge.colours = colours;
    edge.colour_count = ARRAY_LEN(colours);
    edge.map = "/etc/map";
    name_entries();
    ck_assert_int_eq(traffic_driver(&edge)->point(&edge, "green", 0, &failure), ERROR_OK);
    ck_assert_int_eq(traffic_driver(&edge)->point(&edge, "red; show info", 0, &failure),
                     ERROR_NOT_FOUND);
    listener_stop(&listener);
    ck_assert_str_eq(listener.heard, "show map /etc/map\nset map /etc/map live hokm_green\n");
}
END_TEST

/* Loop test: what the map says, what is wished, and in which order it is said. */
START_TEST(a_share_of_the_traffic_is_given_without_a_moment_of_anything_else)
{
    static const struct {
        const char *map, *colour;
        uint64_t share_permille;
        const char *said;
    } rows[] = {
        {"0x1 live hokm_blue\n0x2 next hokm_green\n0x3 share 0\n", "green", 10,
         "set map /m share 10\n"},
        {"0x1 live hokm_blue\n0x2 next hokm_blue\n0x3 share 0\n", "green", 10,
         "set map /m share 0\nset map /m next hokm_green\nset map /m share 10\n"},
        {"0x1 live hokm_blue\n0x2 next hokm_green\n0x3 share 500\n", "green", 0,
         "set map /m live hokm_green\nset map /m share 0\n"},
        {"0x1 live hokm_blue\n0x2 next hokm_green\n0x3 share 500\n", "blue", 0,
         "set map /m live hokm_blue\nset map /m share 0\n"},
    };
    struct edge_colour colours[] = {{"blue", "hokm_blue"}, {"green", "hokm_green"}};
    struct listener listener;

    start_haproxy(&listener, rows[_i].map);
    listener.then = "\n";
    edge.colours = colours;
    edge.colour_count = ARRAY_LEN(colours);
    edge.map = "/m";
    name_entries();
    ck_assert_int_eq(
        traffic_driver(&edge)->point(&edge, rows[_i].colour, rows[_i].share_permille, &failure),
        ERROR_OK);
    listener_stop(&listener);
    ck_assert_str_eq(listener.heard + strlen("show map /m\n"), rows[_i].said);
}
END_TEST

/* Loop test: maps, and what an edge with them says. */
START_TEST(an_edge_says_who_is_next_and_how_much_it_gets)
{
    static const struct {
        const char *map;
        bool can_split;
        uint64_t share_permille;
        const char *fault; /* NULL: it is a map that makes sense */
    } rows[] = {
        {"0x1 live hokm_blue\n", false, 0, NULL},
        {"0x1 live hokm_blue\n0x2 share 10\n", false, 0, NULL}, /* of whom? */
        {"0x1 live hokm_blue\n0x2 next hokm_green\n0x3 share 10\n", true, 10, NULL},
        {"0x1 live hokm_blue\n0x2 next hokm_green\n0x3 share 1001\n", true, 0, "\"1001\""},
        {"0x1 live hokm_blue\n0x2 next hokm_green\n0x3 share 1%\n", true, 0, "\"1%\""},
        {"0x1 live hokm_blue\n0x2 next other\n0x3 share 10\n", true, 10, "backend other"},
    };
    struct edge_colour colours[] = {{"blue", "hokm_blue"}, {"green", "hokm_green"}};
    struct report seen = {.kind = KIND_EDGE};
    struct listener listener;

    start_haproxy(&listener, rows[_i].map);
    edge.colours = colours;
    edge.colour_count = ARRAY_LEN(colours);
    edge.map = "/m";
    name_entries();
    ck_assert_int_eq(traffic_driver(&edge)->live(&edge, &seen, &failure),
                     rows[_i].fault == NULL ? ERROR_OK : ERROR_EDGE);
    listener_stop(&listener);
    ck_assert(rows[_i].fault == NULL || strstr(failure.detail, rows[_i].fault) != NULL);
    ck_assert_int_eq(seen.can_split, rows[_i].can_split);
    ck_assert_uint_eq(seen.share_permille, rows[_i].share_permille);
}
END_TEST

/* What the process has in memory is kept for a reload; what else is in the file stays. */
START_TEST(a_map_s_file_follows_what_is_live)
{
    struct edge_colour colours[] = {{"blue", "hokm_blue"}, {"green", "hokm_green"}};
    struct listener listener;
    struct report seen = {.kind = KIND_EDGE};
    char line[64];
    FILE *file;

    start_haproxy(&listener, "0x1 live hokm_green\n");
    edge.colours = colours;
    edge.colour_count = ARRAY_LEN(colours);
    edge.state_file = NULL;
    edge.map = scratch_path("map");
    name_entries();
    file = fopen(edge.map, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs("# whose\nlive hokm_blue\nother x\n", file), 0);
    (void)fclose(file);
    ck_assert_int_eq(traffic_driver(&edge)->live(&edge, &seen, &failure), ERROR_OK);
    ck_assert_str_eq(seen.live, "green");
    ck_assert(!seen.live_is_kept);
    ck_assert_int_eq(traffic_driver(&edge)->keep(&edge, &failure), ERROR_OK);
    ck_assert_int_eq(traffic_driver(&edge)->live(&edge, &seen, &failure), ERROR_OK);
    ck_assert(seen.live_is_kept);
    listener_stop(&listener);
    file = fopen(edge.map, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert(fgets(line, sizeof(line), file) != NULL && strcmp(line, "# whose\n") == 0);
    ck_assert(fgets(line, sizeof(line), file) != NULL && strcmp(line, "other x\n") == 0);
    ck_assert(fgets(line, sizeof(line), file) != NULL && strcmp(line, "live hokm_green\n") == 0);
    (void)fclose(file);
}
END_TEST

START_TEST(a_backend_that_is_no_colour_s_is_an_error)
{
    struct edge_colour colours[] = {{"blue", "hokm_blue"}, {"green", "hokm_green"}};
    struct listener listener;
    struct report seen = {.kind = KIND_EDGE};

    start_haproxy(&listener, "0x1 live other\n");
    edge.colours = colours;
    edge.colour_count = ARRAY_LEN(colours);
    edge.map = "/etc/map";
    name_entries();
    ck_assert_int_eq(traffic_driver(&edge)->live(&edge, &seen, &failure), ERROR_EDGE);
    ck_assert_ptr_nonnull(strstr(failure.detail, "backend other, which is no colour's"));
    listener_stop(&listener);
}
END_TEST

START_TEST(an_edge_by_script_says_its_colour_and_is_told_another)
{
    struct report seen = {.kind = KIND_EDGE};

    edge = (struct edge_config){.driver = "exec", .hook = scratch.script};
    write_script("[ $HAKEM_ACTION = live ] && echo blue && exit 0\n"
                 "[ \"$HAKEM_ACTION $HAKEM_TARGET\" = 'switch green' ]");
    ck_assert_int_eq(traffic_driver(&edge)->live(&edge, &seen, &failure), ERROR_OK);
    ck_assert_str_eq(seen.live, "blue");
    ck_assert(seen.live_is_kept);
    ck_assert_int_eq(traffic_driver(&edge)->point(&edge, "green", 0, &failure), ERROR_OK);
    ck_assert_int_eq(traffic_driver(&edge)->point(&edge, "blue", 0, &failure), ERROR_HOOK);
    write_script("[ $HAKEM_ACTION = live ] && echo blue green 10 && exit 0\n"
                 "[ \"$HAKEM_TARGET $HAKEM_SHARE\" = 'green 500' ]");
    ck_assert_int_eq(traffic_driver(&edge)->live(&edge, &seen, &failure), ERROR_OK);
    ck_assert(seen.can_split);
    ck_assert_str_eq(seen.next, "green");
    ck_assert_uint_eq(seen.share_permille, 10);
    ck_assert_int_eq(traffic_driver(&edge)->point(&edge, "green", 500, &failure), ERROR_OK);
    ck_assert_int_eq(traffic_driver(&edge)->point(&edge, "green", 0, &failure), ERROR_HOOK);
    write_script("echo 'no colour at all'");
    ck_assert_int_eq(traffic_driver(&edge)->live(&edge, &seen, &failure), ERROR_EDGE);
}
END_TEST

/* Loop test: lines that are not NAME STATE SESSIONS. */
START_TEST(a_script_s_line_of_another_form_is_an_error)
{
    static const char *const lines[] = {"echo g1 ready", "echo g1 fine 3", "echo g1 ready many",
                                        "echo g1 ready -1"};

    edge = (struct edge_config){.driver = "exec", .hook = scratch.script};
    write_script(lines[_i]);
    ck_assert_int_eq(
        traffic_driver(&edge)->read(&edge, scratch.memory, &servers, &server_count, &failure),
        ERROR_EDGE);
}
END_TEST

/* ---- before anything begins ---- */

static enum error_code preflight_about(struct name_item *games, size_t count)
{
    const struct agent_config config = {.kind = KIND_EDGE, .edge = edge};
    const struct job job = {
        .order = {.task = TASK_PREFLIGHT, .arguments = {.games = games, .game_count = count}}};
    struct task_context task = {.config = &config, .job = &job, .memory = scratch.memory};

    return task_preflight_edge(&task, &failure);
}

START_TEST(a_preflight_names_the_servers_that_an_edge_lacks)
{
    struct name_item games[] = {{"g1"}, {"g3"}, {"g2"}, {"g4"}};

    edge = (struct edge_config){.driver = "exec", .hook = scratch.script};
    write_script("printf 'g1 ready 5\\ng2 drain 0\\n'");
    ck_assert_int_eq(preflight_about(games, 1), ERROR_OK);
    ck_assert_int_eq(preflight_about(NULL, 0), ERROR_OK);
    ck_assert_int_eq(preflight_about(games, 4), ERROR_REFUSED);
    ck_assert_msg(strstr(failure.detail, "no server called g3, g4, and") != NULL, "%s",
                  failure.detail);
}
END_TEST

START_TEST(a_preflight_of_an_edge_that_lacks_hundreds_says_so_in_a_sentence)
{
    struct name_item games[REPORT_SERVERS_MAX];

    for (unsigned i = 0; i < REPORT_SERVERS_MAX; i++)
        (void)text_format(games[i].name, NAME_SIZE, "game-server-%u", i);
    edge = (struct edge_config){.driver = "exec", .hook = scratch.script};
    write_script("true");
    ck_assert_int_eq(preflight_about(games, REPORT_SERVERS_MAX), ERROR_REFUSED);
    ck_assert_ptr_nonnull(strstr(failure.detail, "game-server-0, game-server-1"));
    ck_assert_ptr_nonnull(strstr(failure.detail, " ..., and the plan moves it"));
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, the_columns_of_statistics_are_found_by_name);
    tcase_add_test(tcase, a_line_that_ends_too_early_is_passed_over);
    tcase_add_loop_test(tcase, every_status_has_its_meaning_and_an_unknown_one_is_unknown, 0, 13);
    tcase_add_test(tcase, other_backends_sums_and_short_lines_are_passed_over);
    tcase_add_test(tcase, a_map_s_entry_is_found_with_addresses_and_without);
    tcase_add_loop_test(tcase, a_map_without_the_entry_says_so, 0, 7);
    tcase_add_test(tcase, a_colour_is_pointed_to_by_its_backend);
    tcase_add_loop_test(tcase, a_share_of_the_traffic_is_given_without_a_moment_of_anything_else, 0,
                        4);
    tcase_add_loop_test(tcase, an_edge_says_who_is_next_and_how_much_it_gets, 0, 6);
    tcase_add_test(tcase, a_map_s_file_follows_what_is_live);
    tcase_add_test(tcase, a_backend_that_is_no_colour_s_is_an_error);
    tcase_add_test(tcase, an_edge_by_script_says_its_colour_and_is_told_another);
    tcase_add_loop_test(tcase, a_wish_is_said_in_haproxy_s_words, WISH_DRAIN, WISH_SWITCH);
    tcase_add_loop_test(tcase, where_the_node_s_agent_is_asked_it_is_asked_for_the_same, 0, 4);
    tcase_add_test(tcase, any_words_in_answer_to_a_wish_are_a_refusal);
    tcase_add_test(tcase, an_edge_that_does_not_answer_is_an_error_in_time);
    tcase_add_test(tcase, whom_we_hold_out_is_out_even_when_its_check_fails);
    tcase_add_loop_test(tcase, server_states_of_another_form_are_refused, 0, 4);
    tcase_add_test(tcase, what_haproxy_says_is_read_and_its_state_is_kept_for_a_reload);
    tcase_add_test(tcase, an_edge_by_script_is_read_and_told_through_its_environment);
    tcase_add_loop_test(tcase, a_script_s_line_of_another_form_is_an_error, 0, 4);
    tcase_add_test(tcase, a_preflight_names_the_servers_that_an_edge_lacks);
    tcase_add_test(tcase, a_preflight_of_an_edge_that_lacks_hundreds_says_so_in_a_sentence);
}

SUITE("agent: traffic", {.add = add_all, .set_up = scratch_set_up, .tear_down = scratch_tear_down})
