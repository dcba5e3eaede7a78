/* migration.yaml and releases.yaml out of anybody's bytes. */
#include "common/base/memory.h"
#include "common/migration/load_internal.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    void *context = talloc_new(NULL);
    const struct migration_file file = {
        .path = "f.yaml", .bytes = memory_copy(context, bytes, size), .size = size};
    struct migration_manifest manifest;
    struct releases_manifest releases;
    struct error err;

    (void)manifest_read(context, &file, &manifest, &err);
    (void)releases_read(context, &file, &releases, &err);
    talloc_free(context);
    return 0;
}
