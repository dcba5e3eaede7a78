#include "common/wire/gate_keeper.h"

#include "common/base/memory.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

#define ZAP_ENDPOINT   "inproc://zeromq.zap.01"
#define ZAP_FRAMES_MAX 8
#define ZAP_KEY_BYTES  32
#define SERVE_MAX      1024 /* requests answered before others get a turn */

struct owner {
    char key[KEY_TEXT_SIZE];
    enum role role;
    char name[NAME_SIZE];
};

struct gate_keeper {
    void *socket;
    struct owner *owners;
    size_t owner_count, owner_capacity;
    char (*revoked)[KEY_TEXT_SIZE];
    size_t revoked_count;
    struct pending_key pending[GATE_KEEPER_PENDING_MAX];
    size_t pending_count;
    struct pending_key knocks[GATE_KEEPER_KNOCKS_MAX]; /* of revoked ones; a ring */
    size_t knock_next;
};

enum error_code gate_keeper_open(void *zmq_context, struct gate_keeper **ret, struct error *err)
{
    struct gate_keeper *keeper = memory_new(NULL, struct gate_keeper);
    int linger = 0;

    keeper->socket = zmq_socket(zmq_context, ZMQ_REP);
    if (keeper->socket == NULL ||
        zmq_setsockopt(keeper->socket, ZMQ_LINGER, &linger, sizeof(linger)) != 0 ||
        zmq_bind(keeper->socket, ZAP_ENDPOINT) != 0) {
        error_set(err, ERROR_SYSTEM, "cannot bind the authentication handler: %s",
                  zmq_strerror(errno));
        gate_keeper_close(keeper);
        return err->code;
    }
    keeper->revoked = memory_zeroed(keeper, GATE_KEEPER_REVOKED_MAX, KEY_TEXT_SIZE, "revoked");
    *ret = keeper;
    return ERROR_OK;
}

void gate_keeper_close(struct gate_keeper *keeper)
{
    if (keeper == NULL)
        return;
    if (keeper->socket != NULL)
        (void)zmq_close(keeper->socket);
    talloc_free(keeper);
}

void *gate_keeper_socket(struct gate_keeper *keeper)
{
    return keeper->socket;
}

static struct owner *find_owner(const struct gate_keeper *keeper, const char *key)
{
    for (size_t i = 0; i < keeper->owner_count; i++)
        if (strcmp(keeper->owners[i].key, key) == 0)
            return &keeper->owners[i];
    return NULL;
}

static void forget_pending(struct gate_keeper *keeper, const char *key)
{
    for (size_t i = 0; i < keeper->pending_count; i++) {
        if (strcmp(keeper->pending[i].key, key) != 0)
            continue;
        keeper->pending_count--;
        memmove(&keeper->pending[i], &keeper->pending[i + 1],
                (keeper->pending_count - i) * sizeof(keeper->pending[0]));
        return;
    }
}

static void forget_revoked(struct gate_keeper *keeper, const char *key)
{
    for (size_t i = 0; i < keeper->revoked_count; i++) {
        if (strcmp(keeper->revoked[i], key) != 0)
            continue;
        keeper->revoked_count--;
        memmove(keeper->revoked[i], keeper->revoked[i + 1],
                (keeper->revoked_count - i) * KEY_TEXT_SIZE);
        return;
    }
}

void gate_keeper_forget(struct gate_keeper *keeper, const char *key)
{
    forget_pending(keeper, key);
    forget_revoked(keeper, key);
    for (size_t i = 0; i < GATE_KEEPER_KNOCKS_MAX; i++)
        if (strcmp(keeper->knocks[i].key, key) == 0)
            keeper->knocks[i].key[0] = '\0';
}

void gate_keeper_allow(struct gate_keeper *keeper, const char *key, enum role role,
                       const char *name)
{
    struct owner *owner = find_owner(keeper, key);

    if (owner == NULL) {
        if (keeper->owner_count == keeper->owner_capacity) {
            size_t capacity = keeper->owner_capacity == 0 ? 16 : keeper->owner_capacity * 2;

            keeper->owners = memory_grow(keeper, keeper->owners, keeper->owner_capacity, capacity);
            keeper->owner_capacity = capacity;
        }
        owner = &keeper->owners[keeper->owner_count++];
    }
    (void)text_copy(owner->key, sizeof(owner->key), key);
    (void)text_copy(owner->name, sizeof(owner->name), name);
    owner->role = role;
    gate_keeper_forget(keeper, key);
}

/* It stands there once, and of too many the oldest is only told "not yet" again. */
static void note_revoked(struct gate_keeper *keeper, const char *key)
{
    forget_revoked(keeper, key);
    if (keeper->revoked_count == GATE_KEEPER_REVOKED_MAX)
        forget_revoked(keeper, keeper->revoked[0]);
    (void)text_copy(keeper->revoked[keeper->revoked_count++], KEY_TEXT_SIZE, key);
}

void gate_keeper_revoke(struct gate_keeper *keeper, const char *key)
{
    struct owner *owner = find_owner(keeper, key);

    if (owner != NULL) {
        *owner = keeper->owners[keeper->owner_count - 1];
        keeper->owner_count--;
    }
    note_revoked(keeper, key);
}

void gate_keeper_revoke_name(struct gate_keeper *keeper, enum role role, const char *name)
{
    for (size_t i = keeper->owner_count; i > 0; i--) {
        struct owner owner = keeper->owners[i - 1];

        if (owner.role == role && strcmp(owner.name, name) == 0)
            gate_keeper_revoke(keeper, owner.key);
    }
}

bool gate_keeper_replace(struct gate_keeper *keeper, const char *key, enum role role,
                         const char *name)
{
    bool has_replaced = false;

    for (size_t i = keeper->owner_count; i > 0; i--) {
        struct owner owner = keeper->owners[i - 1];

        if (owner.role != role || strcmp(owner.name, name) != 0 || strcmp(owner.key, key) == 0)
            continue;
        gate_keeper_revoke(keeper, owner.key);
        has_replaced = true;
    }
    gate_keeper_allow(keeper, key, role, name);
    return has_replaced;
}

bool gate_keeper_next_stranger(struct gate_keeper *keeper, struct pending_key *ret)
{
    for (size_t i = 0; i < keeper->pending_count; i++) {
        if (keeper->pending[i].was_told)
            continue;
        keeper->pending[i].was_told = true;
        *ret = keeper->pending[i];
        return true;
    }
    return false;
}

bool gate_keeper_next_revoked(struct gate_keeper *keeper, struct pending_key *ret)
{
    for (size_t i = 0; i < GATE_KEEPER_KNOCKS_MAX; i++) {
        if (keeper->knocks[i].key[0] == '\0' || keeper->knocks[i].was_told)
            continue;
        keeper->knocks[i].was_told = true;
        *ret = keeper->knocks[i];
        return true;
    }
    return false;
}

bool gate_keeper_turned_away(const struct gate_keeper *keeper, const char *address)
{
    for (size_t i = 0; i < keeper->pending_count; i++)
        if (strcmp(keeper->pending[i].address, address) == 0)
            return true;
    for (size_t i = 0; i < GATE_KEEPER_KNOCKS_MAX; i++)
        if (keeper->knocks[i].key[0] != '\0' && strcmp(keeper->knocks[i].address, address) == 0)
            return true;
    return false;
}

bool gate_keeper_knows(const struct gate_keeper *keeper, enum role role, const char *name)
{
    for (size_t i = 0; i < keeper->owner_count; i++)
        if (keeper->owners[i].role == role && strcmp(keeper->owners[i].name, name) == 0)
            return true;
    return false;
}

const struct pending_key *gate_keeper_pending(const struct gate_keeper *keeper, size_t *ret_count)
{
    *ret_count = keeper->pending_count;
    return keeper->pending;
}

static void remember(struct gate_keeper *keeper, const char *key, const char *address,
                     uint64_t now_ms)
{
    struct pending_key *pending = NULL;

    for (size_t i = 0; i < keeper->pending_count; i++)
        if (strcmp(keeper->pending[i].key, key) == 0)
            pending = &keeper->pending[i];
    if (pending == NULL) {
        if (keeper->pending_count == GATE_KEEPER_PENDING_MAX)
            forget_pending(keeper, keeper->pending[0].key); /* the oldest makes room */
        pending = &keeper->pending[keeper->pending_count++];
        *pending = (struct pending_key){.tries = 0};
        (void)text_copy(pending->key, sizeof(pending->key), key);
    }
    (void)text_copy(pending->address, sizeof(pending->address), address);
    pending->seen_at_ms = now_ms;
    pending->tries++;
}

static void remember_knock(struct gate_keeper *keeper, const char *key, const char *address,
                           uint64_t now_ms)
{
    struct pending_key *knock = &keeper->knocks[keeper->knock_next];
    uint64_t tries = 1;

    for (size_t i = 0; i < GATE_KEEPER_KNOCKS_MAX; i++)
        if (strcmp(keeper->knocks[i].key, key) == 0)
            knock = &keeper->knocks[i];
    if (knock->key[0] != '\0' && strcmp(knock->key, key) == 0)
        tries += knock->tries;
    else
        keeper->knock_next = (keeper->knock_next + 1) % GATE_KEEPER_KNOCKS_MAX;
    *knock = (struct pending_key){.seen_at_ms = now_ms, .tries = tries};
    (void)text_copy(knock->key, sizeof(knock->key), key);
    (void)text_copy(knock->address, sizeof(knock->address), address);
}

static bool is_revoked(const struct gate_keeper *keeper, const char *key)
{
    for (size_t i = 0; i < keeper->revoked_count; i++)
        if (strcmp(keeper->revoked[i], key) == 0)
            return true;
    return false;
}

/* A ZAP request, https://rfc.zeromq.org/spec/27/: version, request id, domain, address, identity,
 * mechanism, credentials. */
struct zap_request {
    char request_id[64];
    char address[64];
    char mechanism[16];
    char domain[32];
    uint8_t key[ZAP_KEY_BYTES];
    bool is_complete;
};

static void take_frame(struct zap_request *request, int index, const zmq_msg_t *frame)
{
    char *const texts[] = {NULL, request->request_id, request->domain, request->address,
                           NULL, request->mechanism};
    static const size_t sizes[] = {
        0, sizeof(request->request_id), sizeof(request->domain), sizeof(request->address),
        0, sizeof(request->mechanism)};
    size_t size = zmq_msg_size(frame);
    const void *data = zmq_msg_data((zmq_msg_t *)(uintptr_t)frame);

    if (index < 6 && texts[index] != NULL) {
        if (size >= sizes[index])
            size = sizes[index] - 1;
        memcpy(texts[index], data, size);
        texts[index][size] = '\0';
    } else if (index == 6 && size == ZAP_KEY_BYTES) {
        memcpy(request->key, data, ZAP_KEY_BYTES);
        request->is_complete = true;
    }
}

static bool receive(struct gate_keeper *keeper, struct zap_request *ret)
{
    bool has_more = true;

    for (int i = 0; has_more; i++) {
        zmq_msg_t frame;

        (void)zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, keeper->socket, ZMQ_DONTWAIT) < 0) {
            (void)zmq_msg_close(&frame);
            return false;
        }
        if (i < ZAP_FRAMES_MAX)
            take_frame(ret, i, &frame);
        has_more = zmq_msg_more(&frame) != 0;
        (void)zmq_msg_close(&frame);
    }
    return true;
}

static void answer(struct gate_keeper *keeper, const struct zap_request *request,
                   const char *status, const char *user)
{
    const char *const frames[] = {"1.0", request->request_id, status, "", user, ""};

    for (size_t i = 0; i < ARRAY_LEN(frames); i++)
        (void)zmq_send(keeper->socket, frames[i], strlen(frames[i]),
                       i + 1 < ARRAY_LEN(frames) ? ZMQ_SNDMORE : 0);
}

static void decide(struct gate_keeper *keeper, const struct zap_request *request, uint64_t now_ms)
{
    char key[KEY_TEXT_SIZE] = "";
    char user[NAME_SIZE + 2] = "";
    const struct owner *owner;

    if (!request->is_complete || strcmp(request->mechanism, "CURVE") != 0 ||
        strcmp(request->domain, GATE_KEEPER_DOMAIN) != 0 ||
        zmq_z85_encode(key, request->key, ZAP_KEY_BYTES) == NULL) {
        answer(keeper, request, "400", "");
        return;
    }
    owner = find_owner(keeper, key);
    if (owner != NULL) {
        (void)text_format(user, sizeof(user), "%c:%s", owner->role == ROLE_AGENT ? 'a' : 'o',
                          owner->name);
        answer(keeper, request, "200", user);
    } else if (is_revoked(keeper, key)) {
        remember_knock(keeper, key, request->address, now_ms);
        answer(keeper, request, "400", "");
    } else {
        remember(keeper, key, request->address, now_ms);
        answer(keeper, request, "300", "");
    }
}

void gate_keeper_serve(struct gate_keeper *keeper, uint64_t now_ms)
{
    for (int i = 0; i < SERVE_MAX; i++) {
        struct zap_request request = {.is_complete = false};

        if (!receive(keeper, &request))
            return;
        decide(keeper, &request, now_ms);
    }
}
