/* endpoint.h: tcp://HOST:PORT as people write it, looked at before ZeroMQ is. */
#ifndef COMMON_WIRE_ENDPOINT_H
#define COMMON_WIRE_ENDPOINT_H

/* What text is if it cannot be meant ("not tcp://HOST:PORT, ..."); NULL: it can be. To connect to,
 * the port is 1 to 65535; to listen on, also 0 or *: a free one. */
const char *endpoint_fault(const char *text);
const char *endpoint_listen_fault(const char *text);

/* Of HOST:PORT alone. */
const char *endpoint_address_fault(const char *text);

#endif
