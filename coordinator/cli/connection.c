#include "coordinator/cli/connection.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/config/yaml.h"
#include "common/wire/endpoint.h"
#include "common/wire/line.h"

#include <assert.h>
#include <zmq.h>

#define RESEND_MS 50

struct operator_file {
    const char *coordinator;
    const char *coordinator_key;
    const char *key_file;
};

static const struct yaml_key operator_rows[] = {
    {.key = "coordinator",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct operator_file, coordinator),
     .value_fault = endpoint_fault,
     .is_required = true,
     .doc = "endpoint, tcp://HOST:PORT"},
    {.key = "coordinator_key",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct operator_file, coordinator_key),
     .value_fault = key_fault,
     .is_required = true,
     .doc = "the coordinator's public key"},
    {.key = "key_file",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct operator_file, key_file),
     .is_required = true,
     .doc = "the operator's own key pair"},
};
static const struct yaml_table operator_table = YAML_TABLE(struct operator_file, operator_rows);

struct connection {
    void *zmq_context;
    struct line *line;
    uint64_t next_id;
    struct operator_file file;
};

static enum error_code connect_line(const struct cli *cli, struct connection *connection,
                                    struct error *err)
{
    const char *path = cli_flag(cli, "--config");
    const char *endpoint = cli_flag(cli, "--coordinator");
    struct key_pair key;

    if (path == NULL)
        return error_set(err, ERROR_USAGE,
                         "say who you are: --config FILE or HAKEM_CONFIG (coordinator, "
                         "coordinator_key, key_file)");
    if (yaml_read_file(connection, path, &operator_table, &connection->file, err) != ERROR_OK ||
        key_read(connection->file.key_file, &key, err) != ERROR_OK)
        return err->code;
    if (endpoint == NULL)
        endpoint = connection->file.coordinator;
    connection->zmq_context = zmq_ctx_new();
    if (connection->zmq_context == NULL || zmq_ctx_set(connection->zmq_context, ZMQ_BLOCKY, 0) != 0)
        return error_set(err, ERROR_SYSTEM, "cannot make a ZeroMQ context");
    return line_open(connection->zmq_context, endpoint, connection->file.coordinator_key, &key,
                     &connection->line, err);
}

enum error_code connection_open(const struct cli *cli, struct connection **ret, struct error *err)
{
    struct connection *connection = memory_new(NULL, struct connection);

    if (connect_line(cli, connection, err) != ERROR_OK) {
        connection_close(connection);
        return err->code;
    }
    *ret = connection;
    return ERROR_OK;
}

void connection_close(struct connection *connection)
{
    if (connection == NULL)
        return;
    line_close(connection->line);
    if (connection->zmq_context != NULL)
        (void)zmq_ctx_term(connection->zmq_context);
    talloc_free(connection);
}

/* The reply to that request; anything else is an earlier one's, late. */
static bool take_reply(struct connection *connection, uint64_t id, void *memory,
                       struct message *ret)
{
    void *bytes = NULL;
    size_t size = 0;
    struct error err;

    while (line_receive(connection->line, memory, &bytes, &size))
        if (message_decode(bytes, size, ROLE_COORDINATOR, memory, ret, &err) == ERROR_OK &&
            ret->type == MESSAGE_REPLY && ret->id == id)
            return true;
    return false;
}

static enum error_code exchange(struct connection *connection, const struct text *bytes,
                                uint64_t id, void *memory, struct message *ret, struct error *err)
{
    uint64_t until = clock_monotonic_ms() + CONNECTION_MS;
    bool is_sent = false;

    while (clock_monotonic_ms() < until) {
        zmq_pollitem_t item = {.socket = line_socket(connection->line), .events = ZMQ_POLLIN};

        /* Refused until the connection stands; sent exactly once. */
        if (!is_sent)
            is_sent = line_send(connection->line, bytes->data, bytes->size);
        (void)zmq_poll(&item, 1, RESEND_MS);
        if (take_reply(connection, id, memory, ret))
            return ERROR_OK;
        (void)line_fault(connection->line); /* by the time at which it is read */
    }
    if (line_fault(connection->line) != LINE_FAULT_NONE)
        return error_set(err, ERROR_UNREACHABLE, "%s",
                         line_fault_text(connection->line, line_fault(connection->line), memory));
    return error_set(err, ERROR_UNREACHABLE,
                     is_sent ? "the coordinator did not answer within %d ms"
                             : "no coordinator lets this key in within %d ms: is it running, is "
                               "the address right, is the key among its operator_keys?",
                     CONNECTION_MS);
}

enum error_code connection_ask(struct connection *connection, const struct request *request,
                               struct reply *ret, json_t **ret_document, struct error *err)
{
    void *memory = memory_zeroed(NULL, 1, 1, "ask");
    struct text *bytes = text_new(memory, MESSAGE_BYTES_MAX);
    struct message message = {.body = NULL};
    enum error_code code;
    uint64_t id;

    assert(connection != NULL);
    id = ++connection->next_id;
    message_encode(MESSAGE_REQUEST, id, 0, request, bytes);
    code = exchange(connection, bytes, id, memory, &message, err);
    if (code == ERROR_OK && message.body != NULL) {
        const struct reply *reply = message.body;

        if (!error_code_from_name(reply->code, &code))
            code = ERROR_FAILED;
        if (code != ERROR_OK)
            error_set(err, code, "%s", reply->detail);
        if (ret != NULL)
            *ret = *reply;
        if (code == ERROR_OK && ret_document != NULL)
            *ret_document = reply->document == NULL ? NULL : json_loads(reply->document, 0, NULL);
    }
    if (ret != NULL)
        ret->document = NULL; /* it goes with the memory */
    talloc_free(memory);
    return code;
}

enum error_code connection_ask_once(const struct cli *cli, const struct request *request,
                                    struct reply *ret, json_t **ret_document, struct error *err)
{
    struct connection *connection = NULL;

    if (connection_open(cli, &connection, err) != ERROR_OK)
        return err->code;
    err->code = connection_ask(connection, request, ret, ret_document, err);
    connection_close(connection);
    return err->code;
}
