#include "common/wire/line.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/wire/frame.h"
#include "common/wire/monitor.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <zmq.h>

#define LINE_HIGH_WATER   256
#define LINE_RECONNECT_MS 1500
#define LINE_CONNECT_MS   5000
#define LINE_HANDSHAKE_MS 5000
/* A coordinator that ends a handshake cannot read it; one that waits does not know the key. */
#define LINE_AT_ONCE_MS (LINE_HANDSHAKE_MS / 2)
/* One that dies ends it, too: it is not said at the first time. */
#define LINE_ENDED_MIN  2
#define LINE_EVENTS_MAX 64 /* looked at in one turn */

struct line {
    void *socket;
    struct monitor *monitor;
    char endpoint[128];
    char server_key[KEY_TEXT_SIZE];
    char public_key[KEY_TEXT_SIZE];
    uint64_t connected_ms;
    unsigned ended; /* handshakes in a row that the coordinator ended at once */
    enum line_fault fault;
};

#define LINE_EVENTS                                                                                \
    (ZMQ_EVENT_CONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |       \
     ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)

static bool set_options(void *socket)
{
    static const struct {
        int option;
        int value;
    } options[] = {
        {ZMQ_IMMEDIATE, 1},
        {ZMQ_LINGER, 0},
        {ZMQ_SNDHWM, LINE_HIGH_WATER},
        {ZMQ_RCVHWM, LINE_HIGH_WATER},
        {ZMQ_RECONNECT_IVL, LINE_RECONNECT_MS},
        {ZMQ_CONNECT_TIMEOUT, LINE_CONNECT_MS},
        {ZMQ_HANDSHAKE_IVL, LINE_HANDSHAKE_MS},
        {ZMQ_HEARTBEAT_IVL, 2000},
        {ZMQ_HEARTBEAT_TIMEOUT, 6000},
        {ZMQ_HEARTBEAT_TTL, 8000},
    };
    int64_t size_max = WIRE_FRAME_MAX;

    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        if (zmq_setsockopt(socket, options[i].option, &options[i].value, sizeof(int)) != 0)
            return false;
    return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &size_max, sizeof(size_max)) == 0;
}

static bool set_keys(void *socket, const char *server_key, const struct key_pair *own)
{
    return zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server_key, KEY_TEXT_SIZE) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, own->public_key, KEY_TEXT_SIZE) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, own->secret_key, KEY_TEXT_SIZE) == 0;
}

enum error_code line_open(void *zmq_context, const char *endpoint, const char *server_key,
                          const struct key_pair *own, struct line **ret, struct error *err)
{
    struct line *line;

    if (!key_is_valid(server_key))
        return error_set(err, ERROR_CONFIG, "the coordinator's key is not 40 characters of Z85");
    line = memory_new(NULL, struct line);
    line->socket = zmq_socket(zmq_context, ZMQ_DEALER);
    if (line->socket == NULL || !set_options(line->socket) ||
        !set_keys(line->socket, server_key, own)) {
        error_set(err, ERROR_SYSTEM, "cannot set up a socket: %s", zmq_strerror(errno));
        line_close(line);
        return err->code;
    }
    (void)text_copy(line->endpoint, sizeof(line->endpoint), endpoint);
    (void)text_copy(line->server_key, sizeof(line->server_key), server_key);
    (void)text_copy(line->public_key, sizeof(line->public_key), own->public_key);
    if (monitor_open(zmq_context, line->socket, LINE_EVENTS, &line->monitor, err) != ERROR_OK) {
        line_close(line);
        return err->code;
    }
    if (zmq_connect(line->socket, endpoint) != 0) {
        error_set(err, ERROR_CONFIG, "cannot connect to \"%s\": %s", endpoint, zmq_strerror(errno));
        line_close(line);
        return err->code;
    }
    *ret = line;
    return ERROR_OK;
}

void line_close(struct line *line)
{
    if (line == NULL)
        return;
    monitor_close(line->monitor);
    if (line->socket != NULL)
        (void)zmq_close(line->socket);
    talloc_free(line);
}

void *line_socket(const struct line *line)
{
    return line->socket;
}

bool line_send(struct line *line, const void *bytes, size_t size)
{
    return zmq_send(line->socket, bytes, size, ZMQ_DONTWAIT) >= 0;
}

bool line_receive(struct line *line, const void *parent, void **ret, size_t *ret_size)
{
    zmq_msg_t frame;
    bool is_whole;

    (void)zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, line->socket, ZMQ_DONTWAIT) < 0) {
        (void)zmq_msg_close(&frame);
        return false;
    }
    is_whole = zmq_msg_more(&frame) == 0;
    if (is_whole) {
        *ret_size = zmq_msg_size(&frame);
        *ret = memory_copy(parent, zmq_msg_data(&frame), *ret_size);
    }
    while (zmq_msg_more(&frame) != 0 && zmq_msg_recv(&frame, line->socket, ZMQ_DONTWAIT) >= 0)
        ;
    (void)zmq_msg_close(&frame);
    return is_whole;
}

/* ---- what handshakes tell ---- */

static const struct {
    unsigned what;
    enum line_fault fault;
} outcomes[] = {
    {ZMQ_EVENT_HANDSHAKE_SUCCEEDED, LINE_FAULT_NONE},
    {ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, LINE_FAULT_REVOKED},
    {ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, LINE_FAULT_NO_CURVE},
    {ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, LINE_FAULT_NOT_LET_IN}, /* unless at once */
};

/* Address, says, key, then. */
static const struct {
    const char *says;
    bool is_server_key;
    const char *then;
} texts[] = {
    [LINE_FAULT_NONE] = {"has let this key in: ", false, ""},
    [LINE_FAULT_FOREIGN_KEY] = {"ends every handshake at once: it is no coordinator, or ", true,
                                " is not its key; `hakem key show` of the coordinator's key_file "
                                "prints what belongs in coordinator_key"},
    [LINE_FAULT_NOT_LET_IN] = {"does not let this key in: ", false,
                               "; a node's waits for `hakem node accept` (`hakem node pending` "
                               "shows it), an operator's belongs in the coordinator's "
                               "operator_keys"},
    [LINE_FAULT_REVOKED] = {"turns this key away: ", false,
                            "; its node was removed or has another key since, and `hakem node "
                            "accept` lets it in again"},
    [LINE_FAULT_NO_CURVE] = {"is no coordinator that knows CURVE; this key was not shown to it: ",
                             false, "; look at the address and the port"},
};
static_assert(ARRAY_LEN(texts) == LINE_FAULT_COUNT, "a fault has no text");

static void take_event(struct line *line, unsigned what)
{
    uint64_t now_ms = clock_monotonic_ms();

    if (what == ZMQ_EVENT_CONNECTED) {
        line->connected_ms = now_ms;
        return;
    }
    if (what == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL &&
        now_ms - line->connected_ms < LINE_AT_ONCE_MS) {
        if (++line->ended >= LINE_ENDED_MIN)
            line->fault = LINE_FAULT_FOREIGN_KEY;
        return;
    }
    line->ended = 0;
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++)
        if (outcomes[i].what == what)
            line->fault = outcomes[i].fault;
}

enum line_fault line_fault(struct line *line)
{
    struct monitor_event event;

    for (int i = 0; i < LINE_EVENTS_MAX && monitor_next(line->monitor, &event); i++)
        take_event(line, event.what);
    return line->fault;
}

char *line_fault_text(const struct line *line, enum line_fault fault, const void *parent)
{
    assert(fault < LINE_FAULT_COUNT);
    return memory_format(parent, "%s %s%s%s", line->endpoint, texts[fault].says,
                         texts[fault].is_server_key ? line->server_key : line->public_key,
                         texts[fault].then);
}
