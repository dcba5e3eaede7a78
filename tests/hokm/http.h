/* http.h: libmicrohttpd around request_answer(): a thread per connection, bounded. */
#ifndef TESTS_HOKM_HTTP_H
#define TESTS_HOKM_HTTP_H

#include "tests/hokm/request.h"

#define HTTP_CONNECTIONS_MAX 512

struct http;

/* On 127.0.0.1.  server must outlive it. */
enum error_code http_open(const void *parent, const struct server *server, unsigned port,
                          struct http **ret, struct error *err);

/* Takes no new connection, answers what is in flight (at most patience_ms), then closes. */
void http_close(struct http *http, uint64_t patience_ms);

#endif
