#include "common/wire/endpoint.h"

#include "common/base/text.h"

#include <stdbool.h>
#include <string.h>

#define SCHEME   "tcp://"
#define PORT_MAX 65535

/* [::1]:7001 has its port behind the last colon, too. */
static const char *port_of(const char *address)
{
    const char *colon = strrchr(address, ':');

    return colon == NULL || colon == address ? NULL : colon + 1;
}

static bool is_port(const char *port, uint64_t min)
{
    uint64_t number;

    return port != NULL && text_to_number(port, PORT_MAX, &number) && number >= min;
}

const char *endpoint_address_fault(const char *text)
{
    return is_port(port_of(text), 1) ? NULL : "not HOST:PORT with a port from 1 to 65535";
}

const char *endpoint_fault(const char *text)
{
    if (text_starts_with(text, SCHEME) && is_port(port_of(text + strlen(SCHEME)), 1))
        return NULL;
    return "not tcp://HOST:PORT with a port from 1 to 65535";
}

const char *endpoint_listen_fault(const char *text)
{
    const char *port = text_starts_with(text, SCHEME) ? port_of(text + strlen(SCHEME)) : NULL;

    if (is_port(port, 0) || (port != NULL && strcmp(port, "*") == 0))
        return NULL;
    return "not tcp://HOST:PORT with a port from 0 (a free one) to 65535";
}
