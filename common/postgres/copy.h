/* copy.h: COPY between a session and the client, as a stream: no more of it is in memory than a
 * piece.
 */
#ifndef COMMON_POSTGRES_COPY_H
#define COMMON_POSTGRES_COPY_H

#include "common/postgres/session.h"

/* Takes a piece that the server sent; what it fails with is what the copy fails with. */
typedef enum error_code copy_taker(void *context, const char *bytes, size_t size,
                                   struct error *err);

/* sql: COPY … TO STDOUT, without parameters.  ret_rows as the server counts them. */
enum error_code copy_out(struct session *session, const char *sql, copy_taker *take, void *context,
                         uint64_t *ret_rows, struct error *err);

/* COPY … FROM STDIN: begin, any number of puts, end, or, for a reason of the caller's own, abandon:
 * then nothing of it is there.  After an error it is over. */
enum error_code copy_in_begin(struct session *session, const char *sql, struct error *err);
enum error_code copy_in_put(struct session *session, const char *bytes, size_t size,
                            struct error *err);
enum error_code copy_in_end(struct session *session, uint64_t *ret_rows, struct error *err);
void copy_in_abandon(struct session *session);

#endif
