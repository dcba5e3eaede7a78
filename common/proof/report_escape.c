#include "common/proof/report_escape.h"

#include "common/base/memory.h"

#include <string.h>

static const struct {
    char character;
    const char *entity;
} entities[] = {{'&', "&amp;"},  {'<', "&lt;"},   {'>', "&gt;"}, {'"', "&quot;"},
                {'\'', "&#39;"}, {'\n', "&#10;"}, {'\t', "&#9;"}};

static void append_one(struct text *out, const char *character)
{
    for (size_t i = 0; i < ARRAY_LEN(entities); i++) {
        if (entities[i].character == *character) {
            text_append(out, entities[i].entity);
            return;
        }
    }
    if ((unsigned char)*character < ' ' || *character == 127)
        text_append(out, "?");
    else
        text_append_bytes(out, character, 1);
}

/* U+FFFE and U+FFFF are UTF-8, and no characters of XML's. */
static bool is_no_character(const char *at)
{
    return memcmp(at, "\xef\xbf", 2) == 0 && (at[2] == '\xbe' || at[2] == '\xbf');
}

void report_escape(struct text *out, const char *text)
{
    char *mended = memory_text(NULL, text);
    size_t length;

    text_mend(mended);
    length = strlen(mended);
    for (size_t i = 0; i < length; i++) {
        if (i + 2 < length && is_no_character(mended + i)) {
            text_append(out, "?");
            i += 2;
        } else {
            append_one(out, mended + i);
        }
    }
    talloc_free(mended);
}
