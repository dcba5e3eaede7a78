#include "agent/channel.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "proto/pack.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define HEAD_BYTES   5 /* type, size in four bytes, big end first */
#define READ_BYTES   65536
#define SEND_WAIT_MS 1000

static const char *const kinds[] = {[JOB_TASK] = "task",
                                    [JOB_INSPECT] = "inspect",
                                    [JOB_WATCH] = "watch",
                                    [JOB_MEND_EDGE] = "mend_edge",
                                    [JOB_CLEAR_ROLLOUT] = "clear_rollout",
                                    [JOB_DISCARD_SHADOWS] = "discard_shadows",
                                    [JOB_REOPEN] = "reopen",
                                    [JOB_DROP_SLOTS] = "drop_slots",
                                    [JOB_END_FOLLOWING] = "end_following"};
const struct field_names job_kind_names = {"job_kind", kinds, JOB_COUNT};

static const struct field job_fields[] = {
    ENUM_FIELD(job, kind, job_kind_names, "what for"),
    RECORD_FIELD(job, order, order_record, "the order"),
    NUMBER_FIELD(job, term, "the coordinator's"),
    BOOL_FIELD(job, of_replica, "look for another agent"),
    TEXT_FIELD(job, node, "this node"),
};
const struct record job_record = RECORD(job, job_fields, "a child's job");

const struct record *frame_record(enum frame_type type)
{
    switch (type) {
    case FRAME_JOB:
    case FRAME_TERM:
        return &job_record;
    case FRAME_PLAYERS:
        return message_row(MESSAGE_WATCH)->record;
    case FRAME_PROGRESS:
        return message_row(MESSAGE_PROGRESS)->record;
    case FRAME_OUTCOME:
        return message_row(MESSAGE_OUTCOME)->record;
    case FRAME_FINDING:
        return message_row(MESSAGE_FINDING)->record;
    case FRAME_REPORT:
        return &report_record;
    case FRAME_NONE:
    case FRAME_CANCEL:
    case FRAME_COUNT:
        break;
    }
    return NULL;
}

void channel_open(struct channel *channel, int fd, const void *parent)
{
    *channel = (struct channel){.fd = fd, .capacity = READ_BYTES};
    channel->bytes = memory_array(parent, uint8_t, channel->capacity);
}

static bool send_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);

        if (n > 0) {
            bytes += n;
            size -= (size_t)n;
        } else if (n < 0 && errno == EAGAIN) {
            struct pollfd item = {.fd = fd, .events = POLLOUT};

            if (poll(&item, 1, SEND_WAIT_MS) <= 0)
                return false;
        } else if (n < 0 && errno != EINTR) {
            return false;
        }
    }
    return true;
}

bool channel_send(int fd, enum frame_type type, const void *body)
{
    struct text *bytes = text_new(NULL, CHANNEL_FRAME_MAX + HEAD_BYTES);
    uint8_t head[HEAD_BYTES] = {(uint8_t)type, 0, 0, 0, 0};
    size_t size;
    bool is_sent;

    text_append_bytes(bytes, head, HEAD_BYTES);
    if (frame_record(type) != NULL)
        pack_record(frame_record(type), body, bytes);
    size = bytes->size - HEAD_BYTES;
    for (int i = 0; i < 4; i++)
        bytes->data[1 + i] = (char)(uint8_t)(size >> (24 - 8 * i));
    is_sent = !bytes->is_cut && send_all(fd, bytes->data, bytes->size);
    talloc_free(bytes);
    return is_sent;
}

static size_t frame_size(const struct channel *channel)
{
    size_t size = 0;

    for (int i = 0; i < 4; i++)
        size = size << 8 | channel->bytes[1 + i];
    return size;
}

/* One wrong word, and nothing behind it is believed. */
static void break_off(struct channel *channel)
{
    channel->is_closed = true;
    channel->size = 0;
}

static bool is_head_sound(const struct channel *channel)
{
    uint8_t type = channel->bytes[0];

    if (type == FRAME_NONE || type >= FRAME_COUNT)
        return false;
    return frame_record((enum frame_type)type) != NULL ? frame_size(channel) <= CHANNEL_FRAME_MAX
                                                       : frame_size(channel) == 0;
}

static bool has_frame(struct channel *channel)
{
    if (channel->size < HEAD_BYTES)
        return false;
    if (!is_head_sound(channel))
        break_off(channel);
    return channel->size >= HEAD_BYTES && channel->size >= HEAD_BYTES + frame_size(channel);
}

static void read_more(struct channel *channel)
{
    ssize_t n;

    if (channel->capacity - channel->size < READ_BYTES) {
        size_t capacity = channel->capacity * 2;

        channel->bytes = memory_grow(NULL, channel->bytes, channel->capacity, capacity);
        channel->capacity = capacity;
    }
    n = recv(channel->fd, channel->bytes + channel->size, READ_BYTES, MSG_DONTWAIT);
    if (n > 0)
        channel->size += (size_t)n;
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        channel->is_closed = true;
}

static bool take_frame(struct channel *channel, const void *parent, enum frame_type *ret_type,
                       void **ret_body)
{
    enum frame_type type = (enum frame_type)channel->bytes[0];
    const struct record *record = frame_record(type);
    size_t size = frame_size(channel);
    struct error err;
    void *body = NULL;

    if (record != NULL) {
        body = memory_zeroed(parent, 1, record->size, record->name);
        if (unpack_record(record, channel->bytes + HEAD_BYTES, size, body, body, &err) !=
            ERROR_OK) {
            break_off(channel);
            return false;
        }
    }
    channel->size -= HEAD_BYTES + size;
    memmove(channel->bytes, channel->bytes + HEAD_BYTES + size, channel->size);
    *ret_type = type;
    *ret_body = body;
    return true;
}

bool channel_receive(struct channel *channel, const void *parent, enum frame_type *ret_type,
                     void **ret_body)
{
    if (!has_frame(channel) && !channel->is_closed)
        read_more(channel);
    return has_frame(channel) && take_frame(channel, parent, ret_type, ret_body);
}

bool channel_await(struct channel *channel, int timeout_ms, const void *parent,
                   enum frame_type *ret_type, void **ret_body)
{
    uint64_t until = clock_monotonic_ms() + (uint64_t)timeout_ms;

    while (!channel_receive(channel, parent, ret_type, ret_body)) {
        uint64_t now = clock_monotonic_ms();
        struct pollfd item = {.fd = channel->fd, .events = POLLIN};

        if (channel->is_closed || now >= until)
            return false;
        (void)poll(&item, 1, (int)(until - now));
    }
    return true;
}
