/* Who is at a port and does not get in, or leaves: each is told apart, and nobody else suffers. */
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/wire/frame.h"
#include "common/wire/gate_keeper.h"
#include "common/wire/line.h"
#include "common/wire/port.h"
#include "support/suite.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#define PATIENCE_MS 12000
#define SLICE_MS    20
#define CROWD       200

static struct error err;
static void *context;
static struct gate_keeper *keeper;
static struct key_pair server_pair, own, stranger;
static struct port *port;
static struct line *line, *good;
static struct visit seen[INCIDENT_COUNT]; /* the last of each */
static unsigned counts[INCIDENT_COUNT];
static struct parcel parcel;
static char heard[NAME_SIZE + 2]; /* who said something else than "hello" last */
static size_t heard_size;

static void set_up(void)
{
    key_generate(&server_pair);
    key_generate(&own);
    key_generate(&stranger);
    memset(counts, 0, sizeof(counts));
    heard[0] = '\0';
    line = NULL;
    good = NULL;
    context = zmq_ctx_new();
    ck_assert_int_eq(gate_keeper_open(context, &keeper, &err), ERROR_OK);
    ck_assert_int_eq(port_open(context, "tcp://127.0.0.1:*", &server_pair, &port, &err), ERROR_OK);
    ck_assert_msg(port_watch(context, port, &err) == ERROR_OK, "%s", err.detail);
    gate_keeper_allow(keeper, own.public_key, ROLE_AGENT, "g1");
}

static void tear_down(void)
{
    line_close(line);
    line_close(good);
    port_close(port);
    gate_keeper_close(keeper);
    (void)zmq_ctx_term(context);
}

static struct line *open_line(const char *server_key, const struct key_pair *key)
{
    struct line *opened = NULL;

    ck_assert_msg(line_open(context, port_endpoint(port), server_key, key, &opened, &err) ==
                      ERROR_OK,
                  "%s", err.detail);
    return opened;
}

/* As the coordinator's loop does: the door first, then messages. */
static void turn(void)
{
    zmq_pollitem_t items[] = {{.socket = gate_keeper_socket(keeper), .events = ZMQ_POLLIN},
                              {.socket = port_socket(port), .events = ZMQ_POLLIN},
                              {.socket = door_socket(port_door(port)), .events = ZMQ_POLLIN}};
    struct visit visit;

    (void)zmq_poll(items, 3, SLICE_MS);
    door_look(port_door(port));
    while (door_next(port_door(port), &visit)) {
        seen[visit.incident] = visit;
        counts[visit.incident]++;
    }
    gate_keeper_serve(keeper, 1);
    while (port_receive(port, &parcel)) {
        if (parcel.size == 5 && memcmp(parcel.bytes, "hello", 5) == 0)
            continue;
        (void)text_copy(heard, sizeof(heard), parcel.user);
        heard_size = parcel.size;
    }
}

static void await_incident(enum incident incident)
{
    uint64_t until = clock_monotonic_ms() + PATIENCE_MS;

    while (counts[incident] == 0 && clock_monotonic_ms() < until)
        turn();
    ck_assert_msg(counts[incident] > 0, "no incident %d", (int)incident);
}

/* Whoever is let in comes in, and is heard, all the same. */
static void assert_nobody_suffers(void)
{
    uint64_t until = clock_monotonic_ms() + PATIENCE_MS;
    bool is_sent = false;

    good = open_line(server_pair.public_key, &own);
    heard[0] = '\0';
    while (heard[0] == '\0' && clock_monotonic_ms() < until) {
        is_sent = is_sent || line_send(good, "good day", 8);
        turn();
    }
    ck_assert_str_eq(heard, "a:g1");
    ck_assert_uint_eq(heard_size, 8);
}

static void await_fault(enum line_fault fault)
{
    uint64_t until = clock_monotonic_ms() + PATIENCE_MS;

    while (line_fault(line) != fault && clock_monotonic_ms() < until)
        turn();
    ck_assert_int_eq(line_fault(line), fault);
}

static void assert_text_has(enum line_fault fault, const char *what)
{
    char *text = line_fault_text(line, fault, NULL);

    ck_assert_msg(strstr(text, port_endpoint(port)) != NULL && strstr(text, what) != NULL, "%s",
                  text);
    talloc_free(text);
}

static int connect_raw(void)
{
    const char *number = strrchr(port_endpoint(port), ':') + 1;
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)strtoul(number, NULL, 10))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static void write_raw(int fd, const void *bytes, size_t size)
{
    ck_assert_int_eq(send(fd, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
}

START_TEST(who_has_another_server_s_key_is_told_of_and_says_so_itself)
{
    line = open_line(stranger.public_key, &own);
    await_incident(INCIDENT_FOREIGN_KEY);
    await_fault(LINE_FAULT_FOREIGN_KEY);
    assert_text_has(LINE_FAULT_FOREIGN_KEY, stranger.public_key);
    assert_nobody_suffers();
    ck_assert_uint_eq(counts[INCIDENT_ENDED] + counts[INCIDENT_UNHEARD], 0);
}
END_TEST

/* Once may be a coordinator that dies. */
START_TEST(one_handshake_that_ended_is_not_called_another_server_s_key)
{
    line = open_line(stranger.public_key, &own);
    await_incident(INCIDENT_FOREIGN_KEY);
    clock_sleep_ms(100);
    ck_assert_int_eq(line_fault(line), LINE_FAULT_NONE);
}
END_TEST

START_TEST(who_speaks_without_curve_is_told_of)
{
    void *plain = zmq_socket(context, ZMQ_DEALER);
    int linger = 0;

    (void)zmq_setsockopt(plain, ZMQ_LINGER, &linger, sizeof(linger));
    ck_assert_int_eq(zmq_connect(plain, port_endpoint(port)), 0);
    await_incident(INCIDENT_NO_CURVE);
    (void)zmq_close(plain);
    assert_nobody_suffers();
}
END_TEST

START_TEST(a_malformed_handshake_is_told_of_with_its_address)
{
    static const uint8_t greeting[64] = {0xff, 0, 0, 0,   0,   0,   0,   0,  0,
                                         0x7f, 3, 0, 'C', 'U', 'R', 'V', 'E'};
    uint8_t nonsense[200] = {4, 198};
    int fd = connect_raw();

    clock_sleep_ms(50);
    turn();
    write_raw(fd, greeting, sizeof(greeting));
    write_raw(fd, nonsense, sizeof(nonsense));
    await_incident(INCIDENT_MALFORMED);
    (void)close(fd);
    ck_assert_str_eq(seen[INCIDENT_MALFORMED].address, "127.0.0.1");
    assert_nobody_suffers();
}
END_TEST

START_TEST(who_speaks_another_protocol_is_told_of)
{
    int fd = connect_raw();

    write_raw(fd, "GET / HTTP/1.0\r\n\r\n", 18);
    await_incident(INCIDENT_UNHEARD);
    (void)close(fd);
    assert_nobody_suffers();
}
END_TEST

START_TEST(who_leaves_in_the_middle_of_a_handshake_is_told_of)
{
    (void)close(connect_raw());
    await_incident(INCIDENT_UNFINISHED);
    assert_nobody_suffers();
}
END_TEST

START_TEST(a_crowd_at_the_door_while_nobody_looks_holds_up_no_one)
{
    for (int i = 0; i < CROWD; i++)
        (void)close(connect_raw());
    clock_sleep_ms(100);
    assert_nobody_suffers();
    ck_assert_uint_gt(counts[INCIDENT_UNFINISHED], CROWD / 2);
}
END_TEST

START_TEST(a_key_that_waits_says_so_itself_and_whose_it_is)
{
    line = open_line(server_pair.public_key, &stranger);
    await_fault(LINE_FAULT_NOT_LET_IN);
    assert_text_has(LINE_FAULT_NOT_LET_IN, stranger.public_key);
    ck_assert(gate_keeper_turned_away(keeper, "127.0.0.1"));
    ck_assert(!gate_keeper_turned_away(keeper, "127.0.0.2"));
}
END_TEST

START_TEST(a_revoked_key_is_told_of_by_the_keeper_and_says_so_itself)
{
    struct pending_key told;

    gate_keeper_revoke(keeper, stranger.public_key);
    line = open_line(server_pair.public_key, &stranger);
    await_fault(LINE_FAULT_REVOKED);
    assert_text_has(LINE_FAULT_REVOKED, "hakem node accept");
    ck_assert(gate_keeper_next_revoked(keeper, &told));
    ck_assert_str_eq(told.key, stranger.public_key);
    ck_assert_str_eq(told.address, "127.0.0.1");
    ck_assert(!gate_keeper_next_revoked(keeper, &told));
    ck_assert(gate_keeper_turned_away(keeper, "127.0.0.1"));
    assert_nobody_suffers();
}
END_TEST

START_TEST(the_self_test_s_own_key_is_nobody_s_incident)
{
    struct pending_key told;

    ck_assert_int_eq(port_self_test(context, port, &server_pair, keeper, &err), ERROR_OK);
    ck_assert(!gate_keeper_next_revoked(keeper, &told));
    ck_assert(!gate_keeper_turned_away(keeper, "127.0.0.1"));
}
END_TEST

static const struct {
    size_t size;
    bool arrives;
} sizes[] = {
    {MESSAGE_BYTES_MAX, true}, /* it was cut for CURVE's envelope */
    {MESSAGE_BYTES_MAX + 1, true},
    {WIRE_FRAME_MAX - 33, true},
    {WIRE_FRAME_MAX + 1, false},
};

/* What arrives is refused by name; what does not is told of as one who left. */
START_TEST(what_is_too_large_is_heard_of_one_way_or_the_other)
{
    uint64_t until = clock_monotonic_ms() + PATIENCE_MS;
    size_t size = sizes[_i].size;
    uint8_t *bytes = memory_array(NULL, uint8_t, size);
    bool is_known = false;
    bool is_sent = false;

    gate_keeper_allow(keeper, stranger.public_key, ROLE_AGENT, "g2");
    line = open_line(server_pair.public_key, &stranger);
    while (heard[0] == '\0' && counts[INCIDENT_ENDED] == 0 && clock_monotonic_ms() < until) {
        if (!is_known)
            is_known = line_send(line, "hello", 5);
        else
            is_sent = is_sent || line_send(line, bytes, size);
        turn();
    }
    talloc_free(bytes);
    if (sizes[_i].arrives) {
        ck_assert_str_eq(heard, "a:g2");
        ck_assert_uint_eq(heard_size, size);
    } else {
        ck_assert_str_eq(heard, "");
        ck_assert_str_eq(seen[INCIDENT_ENDED].user, "a:g2");
    }
    assert_nobody_suffers();
}
END_TEST

START_TEST(whose_first_word_is_too_large_is_told_of_as_unheard)
{
    size_t size = 2 * (size_t)MESSAGE_BYTES_MAX;
    uint8_t *bytes = memory_array(NULL, uint8_t, size);
    uint64_t until = clock_monotonic_ms() + PATIENCE_MS;
    bool is_sent = false;

    gate_keeper_allow(keeper, stranger.public_key, ROLE_AGENT, "g2");
    line = open_line(server_pair.public_key, &stranger);
    while (!is_sent && clock_monotonic_ms() < until) {
        is_sent = line_send(line, bytes, size);
        turn();
    }
    talloc_free(bytes);
    await_incident(INCIDENT_UNHEARD);
    assert_nobody_suffers();
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, who_has_another_server_s_key_is_told_of_and_says_so_itself);
    tcase_add_test(tcase, one_handshake_that_ended_is_not_called_another_server_s_key);
    tcase_add_test(tcase, who_speaks_without_curve_is_told_of);
    tcase_add_test(tcase, a_malformed_handshake_is_told_of_with_its_address);
    tcase_add_test(tcase, who_speaks_another_protocol_is_told_of);
    tcase_add_test(tcase, who_leaves_in_the_middle_of_a_handshake_is_told_of);
    tcase_add_test(tcase, a_crowd_at_the_door_while_nobody_looks_holds_up_no_one);
    tcase_add_test(tcase, a_key_that_waits_says_so_itself_and_whose_it_is);
    tcase_add_test(tcase, a_revoked_key_is_told_of_by_the_keeper_and_says_so_itself);
    tcase_add_test(tcase, the_self_test_s_own_key_is_nobody_s_incident);
    tcase_add_loop_test(tcase, what_is_too_large_is_heard_of_one_way_or_the_other, 0,
                        (int)ARRAY_LEN(sizes));
    tcase_add_test(tcase, whose_first_word_is_too_large_is_told_of_as_unheard);
}

SUITE("door", {.add = add_all, .set_up = set_up, .tear_down = tear_down})
