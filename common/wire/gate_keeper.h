/* gate_keeper.h: who may connect: a ZAP handler that maps a CURVE key to a user id, fail closed.
 *
 * Bound before any other socket of its context.  An unknown key gets 300 ("not yet": the peer
 * retries) and is remembered for `hakem node pending`; a revoked one gets 400 (the peer gives up).
 */
#ifndef COMMON_WIRE_GATE_KEEPER_H
#define COMMON_WIRE_GATE_KEEPER_H

#include "common/base/error.h"
#include "proto/message.h"

#define GATE_KEEPER_PENDING_MAX 256
#define GATE_KEEPER_REVOKED_MAX 4096
#define GATE_KEEPER_KNOCKS_MAX  16 /* revoked keys that knocked last */
#define GATE_KEEPER_DOMAIN      "hakem"

struct gate_keeper;

struct pending_key {
    char key[KEY_TEXT_SIZE];
    char address[64];
    uint64_t seen_at_ms; /* wall clock */
    uint64_t tries;
    bool was_told; /* to whoever asks for strangers */
};

/* The context's handler: exactly one per context, before any other socket. */
enum error_code gate_keeper_open(void *zmq_context, struct gate_keeper **ret, struct error *err);
void gate_keeper_close(struct gate_keeper *keeper); /* NULL is fine */

/* A key's owner: user id = role letter ('a' agent, 'o' operator), ':', name. */
void gate_keeper_allow(struct gate_keeper *keeper, const char *key, enum role role,
                       const char *name);
/* The only key of that name from now on. True if another one was that until now. */
bool gate_keeper_replace(struct gate_keeper *keeper, const char *key, enum role role,
                         const char *name);
void gate_keeper_revoke(struct gate_keeper *keeper, const char *key);
/* As if that key had never been revoked, nor knocked. */
void gate_keeper_forget(struct gate_keeper *keeper, const char *key);
/* Every key of that name. */
void gate_keeper_revoke_name(struct gate_keeper *keeper, enum role role, const char *name);
/* Still to be asked at every message: revoking does not end a connection that exists. */
bool gate_keeper_knows(const struct gate_keeper *keeper, enum role role, const char *name);

void *gate_keeper_socket(struct gate_keeper *keeper); /* for zmq_poll */

/* Answers what waits, without blocking; now_ms is the wall clock. */
void gate_keeper_serve(struct gate_keeper *keeper, uint64_t now_ms);

/* The next unknown key that knocked for the first time, each once; false: no other one has. */
bool gate_keeper_next_stranger(struct gate_keeper *keeper, struct pending_key *ret);

/* The next revoked key that knocked, every time that it does; false: no other one has. */
bool gate_keeper_next_revoked(struct gate_keeper *keeper, struct pending_key *ret);

/* A key that waits, or one of the revoked ones that knocked last, came from there. */
bool gate_keeper_turned_away(const struct gate_keeper *keeper, const char *address);

const struct pending_key *gate_keeper_pending(const struct gate_keeper *keeper, size_t *ret_count);

#endif
