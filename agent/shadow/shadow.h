/* shadow.h: a shadow's folder below database.scratch: its name, its marker, and its end.
 *
 * Everything of a shadow is in that folder, and nothing without a marker of this agent's is ever
 * touched. An agent belongs to one shard, and a rollout has one shadow a shard: the folder is
 * called by the rollout's number.
 *
 *     SCRATCH/hakem-shadow-ROLLOUT/marker       whose it is, and how far it has come
 *                                 /data         the copy
 *                                 /tablespaces  those of the copy
 *                                 /run          its socket; nobody else may look into it
 *                                 /log          what its server said
 */
#ifndef AGENT_SHADOW_SHADOW_H
#define AGENT_SHADOW_SHADOW_H

#include "agent/config.h"
#include "common/base/file.h"

#define SHADOW_PORT     5432 /* the name of a socket: it listens nowhere else */
#define SHADOW_LOCK_MS  60000
#define SHADOW_STOP_MS  30000
#define SHADOW_NAME_MAX 64

enum shadow_state {
    SHADOW_NONE,    /* no folder */
    SHADOW_CLONING, /* being made, or left so */
    SHADOW_READY,   /* as its origin was */
    SHADOW_USED,    /* a rehearsal has begun on it */
    SHADOW_STATE_COUNT
};
extern const struct field_names shadow_state_names;

struct shadow {
    uint64_t rollout;
    enum shadow_state state;
    char name[SHADOW_NAME_MAX]; /* of the folder, and of the server */
    char folder[FILE_PATH_MAX]; /* absolute, without symbolic links */
    char data[FILE_PATH_MAX];   /* below it */
    char socket[FILE_PATH_MAX]; /* folder */
    char log[FILE_PATH_MAX];    /* file */
    char marker[FILE_PATH_MAX]; /* file */
    char owner[FILE_PATH_MAX];  /* the state folder of the agent that made it */
    char database[NAME_SIZE];   /* to connect to */
    char role[NAME_SIZE];       /* the only one that is let in */
    char system_id[SYSTEM_ID_SIZE];
    uint64_t timeline; /* of its origin: its own is a later one */
};

/* Its paths and, if there is a folder, what its marker says. ERROR_CONFIG: no scratch folder, or
 * one that cannot be used; ERROR_REFUSED: a folder without a marker of this agent's. */
enum error_code shadow_find(const struct agent_config *config, uint64_t rollout, struct shadow *ret,
                            struct error *err);

/* Without symbolic links; false if there is no such thing, or it is too long. */
bool shadow_real_path(const char *path, char ret[static FILE_PATH_MAX]);

/* The marker, durable. The folder is made if there is none. */
enum error_code shadow_mark(struct shadow *shadow, enum shadow_state state, struct error *err);

/* How to connect to its server, a talloc child of parent. */
char *shadow_url(const struct shadow *shadow, const void *parent);

/* Stops exactly its server and removes exactly its folder; nothing there is fine. */
enum error_code shadow_discard(const struct shadow *shadow, struct error *err);

/* The oldest rollout of which this agent has a shadow; 0: none. */
uint64_t shadow_oldest(const struct agent_config *config);

/* Discards those of rollouts up to that one. */
enum error_code shadow_discard_until(const struct agent_config *config, uint64_t rollout,
                                     struct error *err);

/* One task at a time works with shadows; the lock goes with the descriptor. Waits for at most
 * SHADOW_LOCK_MS; is_cancelled may be NULL. ERROR_LOCK says so. */
enum error_code shadow_lock(const struct agent_config *config, bool (*is_cancelled)(void *context),
                            void *context, int *ret, struct error *err);

/* ---- server.c ---- */

/* PostgreSQL's processes at work in that folder, or copying into it. 0: none. */
size_t shadow_server_processes(const struct shadow *shadow);

/* None is left when it returns ERROR_OK. */
enum error_code shadow_server_stop(const struct shadow *shadow, struct error *err);

#endif
