/* pool_file.h: the file of [databases] that a PgBouncer configuration includes: where a pool's line
 * points, and the same file with that line pointing elsewhere.  What else stands there, stays.
 */
#ifndef AGENT_TRAFFIC_POOL_FILE_H
#define AGENT_TRAFFIC_POOL_FILE_H

#include "agent/config.h"
#include "common/base/text.h"

#define POOL_FILE_BYTES_MAX (64 << 10)

/* What the pool's line says. */
struct pool_address {
    char host[POOL_HOST_SIZE]; /* "": a local socket */
    uint64_t port;
    char database[NAME_SIZE];
};

/* ERROR_CONFIG: no line, two lines, or one that is not NAME = key=value ... . path is for the
 * sentence. */
enum error_code pool_file_read(const char *text, const char *path, const char *pool,
                               struct pool_address *ret, struct error *err);

/* The whole file anew, for ret to be written. */
enum error_code pool_file_point(const char *text, const char *path, const char *pool,
                                const struct pool_server *server, struct text *ret,
                                struct error *err);

bool pool_address_is(const struct pool_address *address, const struct pool_server *server);

#endif
