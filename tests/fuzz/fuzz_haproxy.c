/* What HAProxy answers, in its three forms: whatever it is, it is read within bounds or refused. */
#include "agent/traffic/traffic.h"
#include "common/base/memory.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#define TEXT_MAX 65536

static void read_stat(const char *text, const void *parent)
{
    struct server_traffic *servers = NULL;
    size_t count = 0;
    struct error err;

    if (haproxy_parse_stat(text, "games", parent, &servers, &count, &err) != ERROR_OK)
        return;
    assert(count <= REPORT_SERVERS_MAX);
    (void)haproxy_parse_state(text, parent, servers, count, &err);
}

static void read_map(const char *text)
{
    char value[NAME_SIZE] = "";

    for (int has_address = 0; has_address < 2; has_address++)
        if (haproxy_parse_map(text, "live", has_address != 0, value))
            assert(value[0] != '\0' && strlen(value) < NAME_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text;

    if (size > TEXT_MAX)
        return 0;
    text = memory_zeroed(NULL, size + 1, 1, "text");
    memcpy(text, bytes, size);
    read_stat(text, text);
    read_map(text);
    talloc_free(text);
    return 0;
}
