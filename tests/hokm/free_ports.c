/* hokm-free-ports N: prints N different TCP ports of 127.0.0.1 that nobody has.
 *
 * Below the range from which the kernel takes the near ends of outgoing connections: a port from
 * that range could be such an end just while its server restarts, and could not be bound again
 * then.
 */
#include "common/base/text.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define PORT_FIRST 10000
#define PORT_COUNT 22000
#define PORTS_MAX  100
#define TRIES_MAX  10000

/* The socket stays open, so that no port comes twice. */
static bool is_free(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return listener >= 0 &&
           bind(listener, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
           listen(listener, 1) == 0;
}

int main(int argc, char *argv[])
{
    uint64_t wanted = 0;

    if (argc != 2 || !text_to_number(argv[1], PORTS_MAX, &wanted) || sodium_init() < 0) {
        (void)fputs("usage: hokm-free-ports N\n", stderr);
        return 2;
    }
    for (unsigned try = 0; try < TRIES_MAX && wanted > 0; try++) {
        unsigned port = PORT_FIRST + randombytes_uniform(PORT_COUNT);

        if (is_free(port)) {
            (void)printf("%u\n", port);
            wanted--;
        }
    }
    return wanted == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
