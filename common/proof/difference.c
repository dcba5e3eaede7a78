#include "common/proof/difference.h"

#include "common/base/memory.h"

/* Where the walk is in both. */
struct walk {
    const struct fingerprint_objects *before, *after;
    size_t b, a;
};

/* Which of the two is next: below 0 before's, above 0 after's, 0 one that both have. */
static int next_of(const struct walk *walk)
{
    if (walk->b == walk->before->count)
        return 1;
    if (walk->a == walk->after->count)
        return -1;
    return fingerprint_compare(&walk->before->items[walk->b], &walk->after->items[walk->a]);
}

struct difference *difference_of(const void *parent, const struct fingerprint_objects *before,
                                 const struct fingerprint_objects *after)
{
    struct difference *difference = memory_new(parent, struct difference);
    struct difference_entry *entries =
        memory_array(difference, struct difference_entry, before->count + after->count);
    struct walk walk = {.before = before, .after = after};

    while (walk.b < before->count || walk.a < after->count) {
        int next = next_of(&walk);

        if (next < 0)
            entries[difference->count++] = (struct difference_entry){'-', &before->items[walk.b]};
        else if (next > 0)
            entries[difference->count++] = (struct difference_entry){'+', &after->items[walk.a]};
        walk.b += next <= 0;
        walk.a += next >= 0;
    }
    difference->entries = entries;
    return difference;
}

void difference_say(const struct difference_entry *entry, struct text *out)
{
    text_append_format(out, "%c %s %s ", entry->sign, entry->object->kind, entry->object->name);
    for (const char *p = entry->object->definition; *p != '\0'; p++)
        text_append_format(out, *p == '\n' ? "\\n" : "%c", *p);
}
