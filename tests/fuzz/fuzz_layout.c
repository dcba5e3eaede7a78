/* Folders of other tools out of anybody's bytes: the first one chooses the layout, lines that begin
 * with "==> " name the files.
 */
#include "common/base/memory.h"
#include "common/layout/layout.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#define FILES_MAX 16
#define LEAD      "==> "

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Cuts text up in place; its end is a terminator. */
static size_t cut(char *text, struct migration_file *ret)
{
    size_t count = 0;
    char *at = strstr(text, LEAD);

    while (at != NULL && count < FILES_MAX) {
        char *path = at + strlen(LEAD);
        char *end = strchr(path, '\n');

        if (end == NULL)
            break;
        *end = '\0';
        at = strstr(end + 1, "\n" LEAD);
        if (at != NULL)
            *at++ = '\0';
        ret[count++] =
            (struct migration_file){.path = path, .bytes = end + 1, .size = strlen(end + 1)};
    }
    return count;
}

static const char *choose(uint8_t byte)
{
    size_t count = 0;

    while (layout_name(count) != NULL)
        count++;
    return byte % (count + 1) == count ? NULL : layout_name(byte % (count + 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    void *context = talloc_new(NULL);
    struct migration_file files[FILES_MAX];
    struct layout_content *content = NULL;
    struct migration_set *set = NULL;
    struct error err;
    size_t count;

    if (size > 0) {
        count = cut(memory_copy(context, bytes + 1, size - 1), files);
        if (layout_read_files(context, files, count, choose(bytes[0]), &content, &err) ==
                ERROR_OK &&
            migration_load_files(context, content->files, content->file_count, &set, &err) ==
                ERROR_OK) {
            for (size_t i = 0; i < set->revision_count; i++)
                assert(set->revisions[i].is_plain || content->version_count == 0);
        }
    }
    talloc_free(context);
    return 0;
}
