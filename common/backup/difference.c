#include "common/backup/difference.h"

#include "common/migration/deparse.h"

#include <string.h>

/* An entry: its first line, and those after it that are indented. */
static size_t entry_size(const char *at)
{
    const char *end = at;

    do {
        const char *line_end = strchr(end, '\n');

        if (line_end == NULL)
            return strlen(at);
        end = line_end + 1;
    } while (strncmp(end, "  ", 2) == 0);
    return (size_t)(end - at) - 1;
}

static const char *next_entry(const char *at, size_t size)
{
    return at[size] == '\n' ? at + size + 1 : at + size;
}

static int compare(const char *one, size_t one_size, const char *other, size_t other_size)
{
    size_t shorter = one_size < other_size ? one_size : other_size;
    int order = memcmp(one, other, shorter);

    if (order != 0 || one_size == other_size)
        return order;
    return one_size < other_size ? -1 : 1;
}

size_t difference_add(const char *before, const char *after, size_t max, struct text *ret)
{
    size_t count = 0;

    while (*before != '\0' || *after != '\0') {
        size_t b = entry_size(before), a = entry_size(after);
        int order = compare(before, b, after, a);
        bool is_before;

        if (order == 0 || (a > 0 && b > 0 && deparse_is_same(before, b, after, a))) {
            before = next_entry(before, b);
            after = next_entry(after, a);
            continue;
        }
        is_before = *after == '\0' || (*before != '\0' && order < 0);
        if (count++ < max)
            text_append_format(ret, "%c %.*s\n", is_before ? '-' : '+', (int)(is_before ? b : a),
                               is_before ? before : after);
        if (is_before)
            before = next_entry(before, b);
        else
            after = next_entry(after, a);
    }
    return count;
}
