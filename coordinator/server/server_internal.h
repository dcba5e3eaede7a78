/* server_internal.h: what server.c (opening), loop.c (batches), tell.c (the log of peers) and
 * answer.c (operators who only look) share.
 */
#ifndef COORDINATOR_SERVER_SERVER_INTERNAL_H
#define COORDINATOR_SERVER_SERVER_INTERNAL_H

#include "common/wire/gate_keeper.h"
#include "common/wire/port.h"
#include "coordinator/core/control.h"
#include "coordinator/journal/journal.h"
#include "coordinator/server/incidents.h"
#include "coordinator/server/refusals.h"
#include "coordinator/server/server.h"

#define BATCH_MAX 1024 /* messages before the journal is synced and effects leave */
#define GATHER_MS 8    /* that a burst may go on before it is synced */
#define BURST_MIN 8    /* messages at once */

struct server {
    const struct server_config *config;
    void *zmq_context;
    struct gate_keeper *keeper;
    struct port *agents;
    struct port *operators;
    struct journal *journal;
    struct control *control;
    struct decisions *decisions;
    struct key_pair key;
    uint64_t wall_offset_ms;         /* wall clock at the start minus the monotonic one */
    char served_bundle[DIGEST_SIZE]; /* the one in memory */
    uint8_t *bundle_bytes;
    size_t bundle_size;
    struct refusals refusals;
    struct incidents incidents;
    uint64_t dropped_told;
};

/* An operator's request in the present batch. */
struct wish_slot {
    struct parcel from; /* bytes are gone by then; the route stays */
    uint64_t id;
    const struct request *request;
    bool only_looks;
};

uint64_t server_now_ms(const struct server *server);

/* Reads the migrations folder and tells the core. */
enum error_code server_read_library(struct server *server, struct error *err);

/* Who may connect follows the facts about nodes, at the start those of the journal. */
void server_follow_keys(struct server *server, const struct fact *fact);

/* Appends what was decided, then lets it leave. */
enum error_code server_commit(struct server *server, const struct wish_slot *wishes, size_t count,
                              struct error *err);

/* A message that was not taken. */
void server_refuse_parcel(struct server *server, const struct parcel *parcel,
                          const struct error *err);
/* Who did not get in, or left; at every turn, and before messages are taken (door.h). */
void server_tell_peers(struct server *server);

/* True if it is a verb that only looks. */
bool answer_knows(const char *verb);
void answer_look(struct server *server, const struct wish_slot *wish);
void answer_send(struct server *server, const struct wish_slot *wish, enum error_code code,
                 const char *text, uint64_t rollout, const char *document);

#endif
