/* A file of [databases] out of anybody's bytes: what is written anew is read as what was meant, and
 * pointing it there a second time changes nothing.
 */
#include "agent/traffic/pool_file.h"
#include "common/base/memory.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct pool_server server = {
        .node = "db-2", .host = "10.0.0.2", .port = 5433, .database = "game"};
    char *file = memory_zeroed(NULL, 1, size + 1, "file");
    struct text *once = text_new(file, POOL_FILE_BYTES_MAX);
    struct text *twice = text_new(file, POOL_FILE_BYTES_MAX);
    struct pool_address address;
    struct error err;

    if (size > 0)
        memcpy(file, bytes, size);
    (void)pool_file_read(file, "f.ini", "game", &address, &err);
    if (pool_file_point(file, "f.ini", "game", &server, once, &err) == ERROR_OK) {
        assert(pool_file_read(once->data, "f.ini", "game", &address, &err) == ERROR_OK);
        assert(pool_address_is(&address, &server));
        if (pool_file_point(once->data, "f.ini", "game", &server, twice, &err) == ERROR_OK)
            assert(strcmp(once->data, twice->data) == 0);
    }
    talloc_free(file);
    return 0;
}
