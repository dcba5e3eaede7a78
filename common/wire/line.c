#include "common/wire/line.h"

#include "common/base/memory.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

#define LINE_HIGH_WATER   256
#define LINE_RECONNECT_MS 1500
#define LINE_CONNECT_MS   5000
#define LINE_HANDSHAKE_MS 5000

struct line {
    void *socket;
};

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
    int64_t size_max = MESSAGE_BYTES_MAX;

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
