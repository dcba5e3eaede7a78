/* The wire: key files, who is let in, and what comes through. */
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/wire/gate_keeper.h"
#include "common/wire/line.h"
#include "common/wire/port.h"
#include "support/suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#define PATIENCE_MS 8000

static struct error err;

/* ---- key files ---- */

static char folder[64];
static char path[96];
static struct key_pair pair;

static void set_up_folder(void)
{
    (void)text_copy(folder, sizeof(folder), "/tmp/hakem-wire-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)text_format(path, sizeof(path), "%s/key", folder);
    key_generate(&pair);
}

static void tear_down_folder(void)
{
    char link[128];

    (void)text_format(link, sizeof(link), "%s.link", path);
    (void)unlink(link);
    (void)unlink(path);
    (void)rmdir(folder);
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(path, 0600), 0);
}

START_TEST(a_key_file_comes_back_as_it_was_written_and_is_nobody_else_s)
{
    struct key_pair again;
    struct stat info;

    ck_assert(key_is_valid(pair.public_key) && key_is_valid(pair.secret_key));
    ck_assert_int_eq(key_write(path, &pair, &err), ERROR_OK);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_int_eq(info.st_mode & 0777, 0600);
    ck_assert_int_eq(key_read(path, &again, &err), ERROR_OK);
    ck_assert_str_eq(again.public_key, pair.public_key);
    ck_assert_str_eq(again.secret_key, pair.secret_key);
}
END_TEST

START_TEST(no_public_key_looks_like_a_flag)
{
    struct key_pair one;

    for (int i = 0; i < 1000; i++) {
        key_generate(&one);
        ck_assert(key_is_valid(one.public_key) && key_is_valid(one.secret_key));
        ck_assert_int_ne(one.public_key[0], '-');
    }
}
END_TEST

START_TEST(a_key_file_is_never_overwritten)
{
    ck_assert_int_eq(key_write(path, &pair, &err), ERROR_OK);
    ck_assert_int_eq(key_write(path, &pair, &err), ERROR_SYSTEM);
}
END_TEST

/* Loop test: modes that let others in. */
START_TEST(a_key_file_that_others_may_touch_is_refused)
{
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610, 0777};
    struct key_pair again;

    ck_assert_int_eq(key_write(path, &pair, &err), ERROR_OK);
    ck_assert_int_eq(chmod(path, modes[_i]), 0);
    ck_assert_int_eq(key_read(path, &again, &err), ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.detail, "mode 0600"));
}
END_TEST

START_TEST(a_link_a_folder_and_nothing_are_refused)
{
    struct key_pair again;
    char link[128];

    ck_assert_int_eq(key_read(path, &again, &err), ERROR_CONFIG);
    ck_assert_int_eq(key_write(path, &pair, &err), ERROR_OK);
    (void)text_format(link, sizeof(link), "%s.link", path);
    ck_assert_int_eq(symlink(path, link), 0);
    ck_assert_int_eq(key_read(link, &again, &err), ERROR_CONFIG);
    ck_assert_int_eq(key_read(folder, &again, &err), ERROR_CONFIG);
}
END_TEST

START_TEST(a_key_file_that_is_not_one_pair_is_refused)
{
    struct key_pair other;
    struct key_pair again;
    char text[256];

    key_generate(&other);
    (void)text_format(text, sizeof(text), "public %s\nsecret %s\n", other.public_key,
                      pair.secret_key);
    write_file(text);
    ck_assert_int_eq(key_read(path, &again, &err), ERROR_CONFIG);
    (void)text_format(text, sizeof(text), "public %s\n", pair.public_key);
    write_file(text);
    ck_assert_int_eq(key_read(path, &again, &err), ERROR_CONFIG);
    (void)text_format(text, sizeof(text), "public %.39s\nsecret %s\n", pair.public_key,
                      pair.secret_key);
    write_file(text);
    ck_assert_int_eq(key_read(path, &again, &err), ERROR_CONFIG);
    write_file("");
    ck_assert_int_eq(key_read(path, &again, &err), ERROR_CONFIG);
    ck_assert_ptr_null(strstr(err.detail, pair.secret_key));
}
END_TEST

START_TEST(a_key_has_forty_characters_of_its_alphabet)
{
    ck_assert(!key_is_valid(""));
    ck_assert(!key_is_valid("short"));
    ck_assert(!key_is_valid("0123456789012345678901234567890123456 89"));
    ck_assert(key_is_valid("0123456789012345678901234567890123456789"));
}
END_TEST

/* ---- the gate keeper, asked as libzmq asks it ---- */

static void *context;
static struct gate_keeper *keeper;
static void *asker;
static char status[8];
static char user[NAME_SIZE + 2];

static void set_up_keeper(void)
{
    int wait_ms = 2000;

    key_generate(&pair);
    context = zmq_ctx_new();
    ck_assert_msg(gate_keeper_open(context, &keeper, &err) == ERROR_OK, "%s", err.detail);
    asker = zmq_socket(context, ZMQ_REQ);
    ck_assert_int_eq(zmq_setsockopt(asker, ZMQ_RCVTIMEO, &wait_ms, sizeof(wait_ms)), 0);
    ck_assert_int_eq(zmq_connect(asker, "inproc://zeromq.zap.01"), 0);
}

static void tear_down_keeper(void)
{
    (void)zmq_close(asker);
    gate_keeper_close(keeper);
    (void)zmq_ctx_term(context);
}

static void take_frame(char *ret, size_t size)
{
    char bytes[256];
    int got = zmq_recv(asker, bytes, sizeof(bytes), 0);

    ck_assert_int_ge(got, 0);
    (void)text_format(ret, size, "%.*s", got, bytes);
}

static void ask(const char *domain, const char *mechanism, const void *key, size_t key_size)
{
    const struct {
        const void *bytes;
        size_t size;
    } frames[] = {{"1.0", 3},       {"77", 2}, {domain, strlen(domain)},
                  {"127.0.0.1", 9}, {"", 0},   {mechanism, strlen(mechanism)},
                  {key, key_size}};
    char text[256];

    for (size_t i = 0; i < ARRAY_LEN(frames); i++)
        ck_assert_int_ge(zmq_send(asker, frames[i].bytes, frames[i].size,
                                  i + 1 < ARRAY_LEN(frames) ? ZMQ_SNDMORE : 0),
                         0);
    for (int i = 0; i < PATIENCE_MS / 10; i++) {
        zmq_pollitem_t item = {.socket = asker, .events = ZMQ_POLLIN};

        gate_keeper_serve(keeper, 5000);
        if (zmq_poll(&item, 1, 10) > 0)
            break;
    }
    take_frame(text, sizeof(text));
    ck_assert_str_eq(text, "1.0");
    take_frame(text, sizeof(text));
    ck_assert_str_eq(text, "77");
    take_frame(status, sizeof(status));
    take_frame(text, sizeof(text));
    take_frame(user, sizeof(user));
    take_frame(text, sizeof(text));
}

static void ask_for(const char *key)
{
    uint8_t bytes[32];

    ck_assert_ptr_nonnull(zmq_z85_decode(bytes, key));
    ask(GATE_KEEPER_DOMAIN, "CURVE", bytes, sizeof(bytes));
}

START_TEST(an_unknown_key_is_told_not_yet_and_remembered)
{
    const struct pending_key *pending;
    size_t count;

    ask_for(pair.public_key);
    ck_assert_str_eq(status, "300");
    ask_for(pair.public_key);
    pending = gate_keeper_pending(keeper, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(pending[0].key, pair.public_key);
    ck_assert_str_eq(pending[0].address, "127.0.0.1");
    ck_assert_uint_eq(pending[0].tries, 2);
    ck_assert_uint_eq(pending[0].seen_at_ms, 5000);
}
END_TEST

START_TEST(a_known_key_has_its_owner_s_name_and_role_and_is_pending_no_longer)
{
    struct key_pair operator_pair;
    size_t count;

    key_generate(&operator_pair);
    ask_for(pair.public_key);
    gate_keeper_allow(keeper, pair.public_key, ROLE_AGENT, "g1");
    gate_keeper_allow(keeper, operator_pair.public_key, ROLE_OPERATOR, "anna");
    (void)gate_keeper_pending(keeper, &count);
    ck_assert_uint_eq(count, 0);
    ask_for(pair.public_key);
    ck_assert_str_eq(status, "200");
    ck_assert_str_eq(user, "a:g1");
    ask_for(operator_pair.public_key);
    ck_assert_str_eq(user, "o:anna");
    ck_assert(gate_keeper_knows(keeper, ROLE_AGENT, "g1"));
    ck_assert(!gate_keeper_knows(keeper, ROLE_OPERATOR, "g1"));
}
END_TEST

START_TEST(a_revoked_key_is_turned_away_until_it_is_let_in_again)
{
    gate_keeper_allow(keeper, pair.public_key, ROLE_AGENT, "g1");
    gate_keeper_revoke_name(keeper, ROLE_OPERATOR, "g1");
    ck_assert(gate_keeper_knows(keeper, ROLE_AGENT, "g1"));
    gate_keeper_revoke_name(keeper, ROLE_AGENT, "g1");
    ck_assert(!gate_keeper_knows(keeper, ROLE_AGENT, "g1"));
    ask_for(pair.public_key);
    ck_assert_str_eq(status, "400");
    ck_assert_str_eq(user, "");
    gate_keeper_allow(keeper, pair.public_key, ROLE_AGENT, "g2");
    ask_for(pair.public_key);
    ck_assert_str_eq(user, "a:g2");
}
END_TEST

START_TEST(a_name_has_one_key_and_its_older_one_is_turned_away)
{
    struct key_pair newer;

    key_generate(&newer);
    gate_keeper_allow(keeper, pair.public_key, ROLE_OPERATOR, "anna");
    ck_assert(!gate_keeper_replace(keeper, pair.public_key, ROLE_AGENT, "g1"));
    ck_assert(!gate_keeper_replace(keeper, pair.public_key, ROLE_AGENT, "g1"));
    ck_assert(gate_keeper_replace(keeper, newer.public_key, ROLE_AGENT, "g1"));
    ask_for(pair.public_key);
    ck_assert_str_eq(status, "400");
    ask_for(newer.public_key);
    ck_assert_str_eq(user, "a:g1");
}
END_TEST

START_TEST(a_stranger_is_told_of_once)
{
    struct pending_key stranger;

    ask_for(pair.public_key);
    ask_for(pair.public_key);
    ck_assert(gate_keeper_next_stranger(keeper, &stranger));
    ck_assert_str_eq(stranger.key, pair.public_key);
    ask_for(pair.public_key);
    ck_assert(!gate_keeper_next_stranger(keeper, &stranger));
}
END_TEST

/* Each revocation took a new place, even of a key that had one, until there were none left. */
START_TEST(a_key_that_comes_and_goes_for_years_is_still_turned_away)
{
    struct key_pair last;

    for (int i = 0; i < GATE_KEEPER_REVOKED_MAX; i++) {
        gate_keeper_allow(keeper, pair.public_key, ROLE_AGENT, "g1");
        gate_keeper_revoke(keeper, pair.public_key);
        gate_keeper_revoke(keeper, pair.public_key);
    }
    key_generate(&last);
    gate_keeper_revoke(keeper, last.public_key);
    ask_for(last.public_key);
    ck_assert_str_eq(status, "400");
}
END_TEST

START_TEST(another_domain_mechanism_or_size_of_key_is_turned_away_unremembered)
{
    uint8_t bytes[32];
    size_t count;

    gate_keeper_allow(keeper, pair.public_key, ROLE_AGENT, "g1");
    ck_assert_ptr_nonnull(zmq_z85_decode(bytes, pair.public_key));
    ask("another", "CURVE", bytes, sizeof(bytes));
    ck_assert_str_eq(status, "400");
    ask(GATE_KEEPER_DOMAIN, "NULL", bytes, sizeof(bytes));
    ck_assert_str_eq(status, "400");
    ask(GATE_KEEPER_DOMAIN, "PLAIN", bytes, sizeof(bytes));
    ck_assert_str_eq(status, "400");
    ask(GATE_KEEPER_DOMAIN, "CURVE", bytes, sizeof(bytes) - 1);
    ck_assert_str_eq(status, "400");
    (void)gate_keeper_pending(keeper, &count);
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(of_unknown_keys_the_oldest_makes_room)
{
    struct key_pair others;
    const struct pending_key *pending;
    size_t count;

    ask_for(pair.public_key);
    for (int i = 0; i < GATE_KEEPER_PENDING_MAX; i++) {
        key_generate(&others);
        ask_for(others.public_key);
    }
    pending = gate_keeper_pending(keeper, &count);
    ck_assert_uint_eq(count, GATE_KEEPER_PENDING_MAX);
    ck_assert_str_eq(pending[count - 1].key, others.public_key);
    for (size_t i = 0; i < count; i++)
        ck_assert_str_ne(pending[i].key, pair.public_key);
}
END_TEST

/* ---- a port and a line ---- */

static struct key_pair server_pair;
static struct port *port;
static struct line *line;

static void set_up_port(void)
{
    key_generate(&server_pair);
    key_generate(&pair);
    context = zmq_ctx_new();
    ck_assert_int_eq(gate_keeper_open(context, &keeper, &err), ERROR_OK);
    ck_assert_msg(port_open(context, "tcp://127.0.0.1:*", &server_pair, &port, &err) == ERROR_OK,
                  "%s", err.detail);
    line = NULL;
}

static void tear_down_port(void)
{
    line_close(line);
    port_close(port);
    gate_keeper_close(keeper);
    (void)zmq_ctx_term(context);
}

static void open_line(void)
{
    ck_assert_msg(line_open(context, port_endpoint(port), server_pair.public_key, &pair, &line,
                            &err) == ERROR_OK,
                  "%s", err.detail);
}

/* Serves the keeper meanwhile. */
static bool port_brings(struct parcel *ret)
{
    uint64_t until = clock_monotonic_ms() + PATIENCE_MS;

    while (clock_monotonic_ms() < until) {
        zmq_pollitem_t items[] = {{.socket = gate_keeper_socket(keeper), .events = ZMQ_POLLIN},
                                  {.socket = port_socket(port), .events = ZMQ_POLLIN}};

        (void)zmq_poll(items, 2, 20);
        gate_keeper_serve(keeper, 1);
        if (port_receive(port, ret))
            return true;
        if (line != NULL)
            (void)line_send(line, "hello", 5);
    }
    return false;
}

static bool line_brings(void **ret, size_t *ret_size)
{
    zmq_pollitem_t item = {.socket = line_socket(line), .events = ZMQ_POLLIN};

    (void)zmq_poll(&item, 1, PATIENCE_MS);
    return line_receive(line, NULL, ret, ret_size);
}

START_TEST(what_a_known_key_says_arrives_under_its_owner_s_name_and_is_answered)
{
    struct parcel parcel;
    void *bytes = NULL;
    size_t size = 0;

    gate_keeper_allow(keeper, pair.public_key, ROLE_AGENT, "g1");
    open_line();
    ck_assert(port_brings(&parcel));
    ck_assert_str_eq(parcel.user, "a:g1");
    ck_assert_uint_eq(parcel.size, 5);
    ck_assert_mem_eq(parcel.bytes, "hello", 5);
    ck_assert(port_send(port, "a:g1", "welcome", 7));
    ck_assert(line_brings(&bytes, &size));
    ck_assert_mem_eq(bytes, "welcome", 7);
    talloc_free(bytes);
    ck_assert(port_answer(port, &parcel, "reply", 5));
    ck_assert(line_brings(&bytes, &size));
    ck_assert_uint_eq(size, 5);
    talloc_free(bytes);
    ck_assert(!port_send(port, "a:g2", "nobody", 6));
    port_forget(port, "a:g1");
    ck_assert(!port_send(port, "a:g1", "gone", 4));
}
END_TEST

START_TEST(what_an_unknown_key_says_does_not_arrive_until_it_is_let_in)
{
    struct parcel parcel;
    uint64_t until = clock_monotonic_ms() + PATIENCE_MS;
    size_t count = 0;

    open_line();
    while (count == 0 && clock_monotonic_ms() < until) {
        zmq_pollitem_t item = {.socket = gate_keeper_socket(keeper), .events = ZMQ_POLLIN};

        (void)zmq_poll(&item, 1, 50);
        gate_keeper_serve(keeper, 1);
        ck_assert(!port_receive(port, &parcel));
        (void)gate_keeper_pending(keeper, &count);
    }
    ck_assert_uint_eq(count, 1);
    ck_assert(!line_send(line, "hello", 5));
    gate_keeper_allow(keeper, pair.public_key, ROLE_AGENT, "g1");
    ck_assert(port_brings(&parcel));
    ck_assert_str_eq(parcel.user, "a:g1");
}
END_TEST

START_TEST(the_port_turns_a_throw_away_key_away_or_refuses_to_serve)
{
    ck_assert_msg(port_self_test(context, port, &server_pair, keeper, &err) == ERROR_OK, "%s",
                  err.detail);
}
END_TEST

START_TEST(an_endpoint_or_key_that_cannot_be_is_refused)
{
    struct port *other = NULL;

    ck_assert_int_ne(port_open(context, "nonsense", &server_pair, &other, &err), ERROR_OK);
    ck_assert_int_ne(port_open(context, port_endpoint(port), &server_pair, &other, &err), ERROR_OK);
    ck_assert_int_eq(line_open(context, "nonsense", server_pair.public_key, &pair, &line, &err),
                     ERROR_CONFIG);
    ck_assert_int_eq(line_open(context, port_endpoint(port), "short", &pair, &line, &err),
                     ERROR_CONFIG);
    ck_assert_ptr_null(line);
}
END_TEST

static void add_keys(TCase *tcase)
{
    tcase_add_test(tcase, a_key_file_comes_back_as_it_was_written_and_is_nobody_else_s);
    tcase_add_test(tcase, no_public_key_looks_like_a_flag);
    tcase_add_test(tcase, a_key_file_is_never_overwritten);
    tcase_add_loop_test(tcase, a_key_file_that_others_may_touch_is_refused, 0, 6);
    tcase_add_test(tcase, a_link_a_folder_and_nothing_are_refused);
    tcase_add_test(tcase, a_key_file_that_is_not_one_pair_is_refused);
    tcase_add_test(tcase, a_key_has_forty_characters_of_its_alphabet);
}

static void add_gate(TCase *tcase)
{
    tcase_add_test(tcase, an_unknown_key_is_told_not_yet_and_remembered);
    tcase_add_test(tcase, a_known_key_has_its_owner_s_name_and_role_and_is_pending_no_longer);
    tcase_add_test(tcase, a_revoked_key_is_turned_away_until_it_is_let_in_again);
    tcase_add_test(tcase, a_name_has_one_key_and_its_older_one_is_turned_away);
    tcase_add_test(tcase, a_stranger_is_told_of_once);
    tcase_add_test(tcase, a_key_that_comes_and_goes_for_years_is_still_turned_away);
    tcase_add_test(tcase, another_domain_mechanism_or_size_of_key_is_turned_away_unremembered);
    tcase_add_test(tcase, of_unknown_keys_the_oldest_makes_room);
}

static void add_ports(TCase *tcase)
{
    tcase_add_test(tcase, what_a_known_key_says_arrives_under_its_owner_s_name_and_is_answered);
    tcase_add_test(tcase, what_an_unknown_key_says_does_not_arrive_until_it_is_let_in);
    tcase_add_test(tcase, the_port_turns_a_throw_away_key_away_or_refuses_to_serve);
    tcase_add_test(tcase, an_endpoint_or_key_that_cannot_be_is_refused);
}

SUITE(
    "wire",
    {.name = "keys", .add = add_keys, .set_up = set_up_folder, .tear_down = tear_down_folder},
    {.name = "gate keeper",
     .add = add_gate,
     .set_up = set_up_keeper,
     .tear_down = tear_down_keeper},
    {.name = "port and line", .add = add_ports, .set_up = set_up_port, .tear_down = tear_down_port})
