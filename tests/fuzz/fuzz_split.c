/* SQL files, and bundles of them, out of anybody's bytes. */
#include "common/base/memory.h"
#include "common/migration/load.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    void *context = talloc_new(NULL);
    char *text = memory_copy(context, bytes, size);
    struct migration_set *set;
    struct split *split;
    struct error err;

    if (split_sql(context, "f.sql", text, size, &split, &err) == ERROR_OK) {
        for (size_t i = 0; i < split->count; i++) {
            assert(split->statements[i].text[0] != '\0' && split->statements[i].line > 0);
            assert(strlen(split_meaning(context, split->statements[i].text)) <=
                   strlen(split->statements[i].text));
            assert(!split->has_undoes || split->statements[i].undoes > 0);
        }
    }
    (void)migration_bundle_unpack(context, text, size, &set, &err);
    talloc_free(context);
    return 0;
}
