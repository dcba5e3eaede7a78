#include "proto/words.h"

#include <assert.h>

#define WORD(upper, text) text,
#define X(prefix, name, list)                                                                      \
    static const char *const name##_words[] = {list(WORD)};                                        \
    const struct field_names name##_names = {#name, name##_words, prefix##_COUNT_};
WORDS(X)
#undef X

const char *word_of(const struct field_names *names, unsigned value)
{
    const char *name = field_name_of(names, value);

    assert(name != NULL);
    return name;
}
