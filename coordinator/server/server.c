#include "coordinator/server/server_internal.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "coordinator/core/state.h"
#include "coordinator/server/library.h"

#include <zmq.h>

uint64_t server_now_ms(const struct server *server)
{
    /* The wall clock at the start, carried on by the monotonic one: nobody is lost because somebody
     * set the clock. */
    return clock_monotonic_ms() + server->wall_offset_ms;
}

#define IO_THREADS 2 /* CURVE is what a thousand agents cost */

static enum error_code fold(void *context, const struct fact *fact, struct error *err)
{
    struct server *server = context;

    server_follow_keys(server, fact);
    return control_apply(server->control, fact, err);
}

static enum error_code fold_journal(struct server *server, struct error *err)
{
    const char *fault;

    if (journal_read(server->journal, 0, fold, server, err) != ERROR_OK)
        return err->code;
    fault = control_broken_invariant(server->control);
    if (fault != NULL)
        return error_set(err, ERROR_CORRUPT, "the journal breaks an invariant: %s", fault);
    return ERROR_OK;
}

static enum error_code begin_term(struct server *server, struct error *err)
{
    struct event event = {.type = EVENT_STARTED,
                          .at_ms = server_now_ms(server),
                          .journal = journal_identity(server->journal),
                          .outage_from_ms = journal_last_at_ms(server->journal)};

    if (event.at_ms < event.outage_from_ms)
        event.at_ms = event.outage_from_ms;
    control_handle(server->control, &event, server->decisions);
    event.type = EVENT_WINDOWS;
    event.windows = &server->config->windows;
    control_handle(server->control, &event, server->decisions);
    return server_commit(server, NULL, 0, err);
}

enum error_code server_read_library(struct server *server, struct error *err)
{
    const struct library library = {.folder = server->config->migrations,
                                    .layout = server->config->layout};
    void *memory = memory_zeroed(NULL, 1, 1, "library");
    struct catalog catalog;
    struct event event = {
        .type = EVENT_CATALOG, .at_ms = server_now_ms(server), .catalog = &catalog};

    if (library_read(&library, server->journal, memory, &catalog, err) == ERROR_OK) {
        err->code = ERROR_OK;
        control_handle(server->control, &event, server->decisions);
    }
    talloc_free(memory);
    return err->code;
}

static void allow_operators(struct server *server)
{
    for (size_t i = 0; i < server->config->operator_count; i++)
        gate_keeper_allow(server->keeper, server->config->operator_keys[i].key, ROLE_OPERATOR,
                          server->config->operator_keys[i].name);
}

static enum error_code open_ports(struct server *server, struct error *err)
{
    const struct server_config *config = server->config;

    if (port_open(server->zmq_context, config->agents, &server->key, &server->agents, err) !=
            ERROR_OK ||
        port_open(server->zmq_context, config->operators, &server->key, &server->operators, err) !=
            ERROR_OK)
        return err->code;
    if (port_self_test(server->zmq_context, server->agents, &server->key, server->keeper, err) !=
        ERROR_OK)
        return err->code;
    if (port_self_test(server->zmq_context, server->operators, &server->key, server->keeper, err) !=
            ERROR_OK ||
        port_watch(server->zmq_context, server->agents, err) != ERROR_OK)
        return err->code;
    return port_watch(server->zmq_context, server->operators, err);
}

static enum error_code open_all(struct server *server, struct error *err)
{
    if (key_read(server->config->key_file, &server->key, err) != ERROR_OK ||
        journal_open(server->config->journal, &server->journal, err) != ERROR_OK ||
        gate_keeper_open(server->zmq_context, &server->keeper, err) != ERROR_OK)
        return err->code;
    allow_operators(server);
    if (fold_journal(server, err) != ERROR_OK || begin_term(server, err) != ERROR_OK)
        return err->code;
    if (server_read_library(server, err) != ERROR_OK) {
        /* An operator can mend the folder while the cluster is looked after: it is read again. */
        log_event(LOG_ERROR, "migrations_unreadable", LOG_TEXT("detail", err->detail));
        err->code = ERROR_OK;
    }
    if (server_commit(server, NULL, 0, err) != ERROR_OK)
        return err->code;
    return open_ports(server, err);
}

enum error_code server_open(const struct server_config *config, struct server **ret,
                            struct error *err)
{
    struct server *server = memory_new(NULL, struct server);

    server->config = config;
    server->wall_offset_ms = clock_wall_ms() - clock_monotonic_ms();
    server->control = control_new(server);
    server->decisions = decisions_new(server);
    server->zmq_context = zmq_ctx_new();
    if (server->zmq_context == NULL || zmq_ctx_set(server->zmq_context, ZMQ_BLOCKY, 0) != 0 ||
        zmq_ctx_set(server->zmq_context, ZMQ_IO_THREADS, IO_THREADS) != 0) {
        error_set(err, ERROR_SYSTEM, "cannot make a ZeroMQ context");
        server_close(server);
        return err->code;
    }
    err->code = ERROR_OK;
    if (open_all(server, err) != ERROR_OK) {
        server_close(server);
        return err->code;
    }
    *ret = server;
    return ERROR_OK;
}

void server_close(struct server *server)
{
    if (server == NULL)
        return;
    port_close(server->agents);
    port_close(server->operators);
    gate_keeper_close(server->keeper);
    if (server->zmq_context != NULL)
        (void)zmq_ctx_term(server->zmq_context);
    journal_close(server->journal);
    talloc_free(server);
}

const char *server_agents_endpoint(const struct server *server)
{
    return port_endpoint(server->agents);
}

const char *server_operators_endpoint(const struct server *server)
{
    return port_endpoint(server->operators);
}
