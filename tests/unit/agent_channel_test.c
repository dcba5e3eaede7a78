/* What an agent and its children say to each other: whole frames, in order, or a closed channel. */
#include "agent/channel.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_SIZE 5

static void *memory;
static int ours, theirs;
static struct channel channel;
static enum frame_type type;
static void *body;

static void set_up(void)
{
    int pair[2];

    memory = talloc_new(NULL);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ours = pair[0];
    theirs = pair[1];
    ck_assert_int_eq(fcntl(theirs, F_SETFL, O_NONBLOCK), 0);
    channel_open(&channel, ours, memory);
}

static void hang_up(void)
{
    if (theirs >= 0)
        (void)close(theirs);
    theirs = -1;
}

static void tear_down(void)
{
    hang_up();
    (void)close(ours);
    talloc_free(memory);
}

static bool receive(void)
{
    return channel_receive(&channel, memory, &type, &body);
}

static void write_bytes(const void *bytes, size_t size)
{
    ck_assert_int_eq(send(theirs, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
}

static void write_head(unsigned kind, uint32_t size)
{
    uint8_t head[HEAD_SIZE] = {(uint8_t)kind, (uint8_t)(size >> 24), (uint8_t)(size >> 16),
                               (uint8_t)(size >> 8), (uint8_t)size};

    write_bytes(head, HEAD_SIZE);
}

static struct progress progress_of(uint64_t done)
{
    return (struct progress){.id = {.rollout = 7, .step = 3}, .done = done, .total = 100};
}

static void send_progress(uint64_t done)
{
    struct progress progress = progress_of(done);

    ck_assert(channel_send(theirs, FRAME_PROGRESS, &progress));
}

static void assert_progress(uint64_t done)
{
    ck_assert(receive());
    ck_assert_int_eq(type, FRAME_PROGRESS);
    ck_assert_uint_eq(((const struct progress *)body)->done, done);
}

START_TEST(a_job_arrives_as_it_was_sent)
{
    struct job job = {.kind = JOB_INSPECT, .term = 12, .of_replica = true, .node = "db-2"};
    const struct job *got;

    job.order.id = (struct order_id){.rollout = 7, .step = 3, .attempt = 2};
    job.order.ttl_ms = 60000;
    (void)text_copy(job.order.arguments.revision, NAME_SIZE, "0005_display_name");
    ck_assert(channel_send(theirs, FRAME_JOB, &job));
    ck_assert(receive());
    got = body;
    ck_assert_int_eq(type, FRAME_JOB);
    ck_assert_int_eq(got->kind, JOB_INSPECT);
    ck_assert_uint_eq(got->term, 12);
    ck_assert(got->of_replica);
    ck_assert_str_eq(got->node, "db-2");
    ck_assert_uint_eq(got->order.id.attempt, 2);
    ck_assert_uint_eq(got->order.ttl_ms, 60000);
    ck_assert_str_eq(got->order.arguments.revision, "0005_display_name");
}
END_TEST

/* What it says is of no matter here: zeroes of whatever record it has. */
START_TEST(every_kind_of_frame_arrives_and_only_cancel_is_empty)
{
    for (unsigned i = FRAME_JOB; i < FRAME_COUNT; i++) {
        const struct record *record = frame_record((enum frame_type)i);

        ck_assert_int_eq(record == NULL, i == FRAME_CANCEL);
        body = record != NULL ? memory_zeroed(memory, 1, record->size, record->name) : NULL;
        ck_assert(channel_send(theirs, (enum frame_type)i, body));
        ck_assert(receive());
        ck_assert_uint_eq(type, i);
        ck_assert_int_eq(body == NULL, i == FRAME_CANCEL);
    }
    ck_assert(!receive());
    ck_assert(!channel.is_closed);
}
END_TEST

START_TEST(frames_that_come_together_are_taken_one_by_one_in_order)
{
    for (uint64_t i = 1; i <= 50; i++)
        send_progress(i);
    for (uint64_t i = 1; i <= 50; i++)
        assert_progress(i);
    ck_assert(!receive());
}
END_TEST

START_TEST(a_frame_is_there_only_when_its_last_byte_is)
{
    uint8_t bytes[256];
    ssize_t size;
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ck_assert(channel_send(pair[0], FRAME_PROGRESS, &(struct progress){.done = 9, .total = 10}));
    size = recv(pair[1], bytes, sizeof(bytes), 0);
    (void)close(pair[0]);
    (void)close(pair[1]);
    ck_assert_int_gt(size, HEAD_SIZE);
    for (ssize_t i = 0; i < size - 1; i++) {
        write_bytes(&bytes[i], 1);
        ck_assert(!receive());
    }
    write_bytes(&bytes[size - 1], 1);
    assert_progress(9);
}
END_TEST

START_TEST(a_large_frame_arrives_whole)
{
    struct report report = {.kind = KIND_DATABASE, .is_up = true};
    struct name_item *names = memory_array(memory, struct name_item, REPORT_REVISIONS_MAX);
    uint64_t until = clock_monotonic_ms() + 5000;
    pid_t pid;

    for (unsigned i = 0; i < REPORT_REVISIONS_MAX; i++)
        (void)text_format(names[i].name, NAME_SIZE, "%060u", i);
    report.database.expanded = report.database.applied = names;
    report.database.expanded_count = report.database.applied_count = REPORT_REVISIONS_MAX;
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        _exit(channel_send(theirs, FRAME_REPORT, &report) ? 0 : 1);
    while (!receive() && clock_monotonic_ms() < until)
        clock_sleep_ms(1);
    ck_assert_int_eq(type, FRAME_REPORT);
    ck_assert_uint_eq(((const struct report *)body)->database.expanded_count, REPORT_REVISIONS_MAX);
    ck_assert_str_eq(((const struct report *)body)->database.expanded[4095].name, names[4095].name);
    ck_assert(!channel.is_closed);
}
END_TEST

START_TEST(what_was_said_before_the_end_is_heard_before_it)
{
    send_progress(1);
    send_progress(2);
    hang_up();
    assert_progress(1);
    assert_progress(2);
    ck_assert(!receive());
    ck_assert(channel.is_closed);
}
END_TEST

START_TEST(a_frame_cut_off_by_the_end_is_none)
{
    write_head(FRAME_PROGRESS, 20);
    write_bytes("half", 4);
    hang_up();
    ck_assert(!receive());
    ck_assert(!receive());
    ck_assert(channel.is_closed);
}
END_TEST

/* After the first three nothing says where the next frame begins, the others are not to be trusted:
 * what follows is not taken, though it looks well. */
static const struct {
    unsigned kind;
    uint32_t size;
    const char *bytes;
} malformed[] = {
    {FRAME_COUNT, 0, ""},
    {255, 0, ""},
    {FRAME_PROGRESS, CHANNEL_FRAME_MAX + 1, ""},
    {FRAME_PROGRESS, 0xffffffff, ""},
    {FRAME_NONE, 0, ""},
    {FRAME_PROGRESS, 0, ""},         /* no record at all */
    {FRAME_PROGRESS, 1, "\xc1"},     /* not msgpack */
    {FRAME_PROGRESS, 2, "\x80\x80"}, /* a second record behind it */
    {FRAME_PROGRESS, 5,
     "\x81\xa4"
     "don"},                   /* cut inside */
    {FRAME_CANCEL, 1, "\x80"}, /* it is empty */
};

START_TEST(a_malformed_frame_closes_the_channel_for_all_that_follows)
{
    write_head(malformed[_i].kind, malformed[_i].size);
    if (malformed[_i].size <= 5)
        write_bytes(malformed[_i].bytes, malformed[_i].size);
    send_progress(5);
    for (int i = 0; i < 3; i++)
        ck_assert(!receive());
    ck_assert(channel.is_closed);
}
END_TEST

START_TEST(to_one_who_is_gone_nothing_is_sent_and_nobody_dies_of_it)
{
    struct progress progress = progress_of(1);

    (void)close(ours);
    ours = -1;
    ck_assert(!channel_send(theirs, FRAME_PROGRESS, &progress));
}
END_TEST

START_TEST(one_who_does_not_read_is_given_up_in_time)
{
    struct progress progress = progress_of(1);
    uint64_t began = clock_monotonic_ms();
    unsigned sent = 0;

    while (sent < 100000 && channel_send(theirs, FRAME_PROGRESS, &progress))
        sent++;
    ck_assert_uint_gt(sent, 0);
    ck_assert_uint_lt(sent, 100000);
    ck_assert_uint_lt(clock_monotonic_ms() - began, 10000);
}
END_TEST

START_TEST(waiting_ends_with_a_frame_with_the_end_or_with_the_time)
{
    uint64_t began = clock_monotonic_ms();

    ck_assert(!channel_await(&channel, 50, memory, &type, &body));
    ck_assert_uint_ge(clock_monotonic_ms() - began, 50);
    ck_assert(!channel.is_closed);
    send_progress(4);
    ck_assert(channel_await(&channel, 20000, memory, &type, &body));
    ck_assert_uint_eq(((const struct progress *)body)->done, 4);
    hang_up();
    ck_assert(!channel_await(&channel, 20000, memory, &type, &body));
    ck_assert_uint_lt(clock_monotonic_ms() - began, 10000);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_job_arrives_as_it_was_sent);
    tcase_add_test(tcase, every_kind_of_frame_arrives_and_only_cancel_is_empty);
    tcase_add_test(tcase, frames_that_come_together_are_taken_one_by_one_in_order);
    tcase_add_test(tcase, a_frame_is_there_only_when_its_last_byte_is);
    tcase_add_test(tcase, a_large_frame_arrives_whole);
    tcase_add_test(tcase, what_was_said_before_the_end_is_heard_before_it);
    tcase_add_test(tcase, a_frame_cut_off_by_the_end_is_none);
    tcase_add_loop_test(tcase, a_malformed_frame_closes_the_channel_for_all_that_follows, 0,
                        (int)ARRAY_LEN(malformed));
    tcase_add_test(tcase, to_one_who_is_gone_nothing_is_sent_and_nobody_dies_of_it);
    tcase_add_test(tcase, one_who_does_not_read_is_given_up_in_time);
    tcase_add_test(tcase, waiting_ends_with_a_frame_with_the_end_or_with_the_time);
}

SUITE("agent channel", {.add = add_all, .set_up = set_up, .tear_down = tear_down})
