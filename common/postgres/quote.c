#include "common/postgres/quote.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#define QUOTED_BYTES_MAX     2097152
#define IDENTIFIER_BYTES_MAX 1024

static void append_quoted(struct text *out, const char *word, char quote, char escape)
{
    text_append_bytes(out, &quote, 1);
    for (; *word != '\0'; word++) {
        if (*word == quote || *word == escape)
            text_append_bytes(out, &escape, 1);
        text_append_bytes(out, word, 1);
    }
    text_append_bytes(out, &quote, 1);
}

char *sql_array(const void *parent, const char *const *words, size_t count)
{
    struct text *out = text_new(NULL, QUOTED_BYTES_MAX);
    char *array;

    text_append(out, "{");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            text_append(out, ",");
        append_quoted(out, words[i], '"', '\\');
    }
    text_append(out, "}");
    array = memory_text(parent, out->data);
    talloc_free(out);
    return array;
}

char *sql_identifier(const void *parent, const char *schema, const char *name)
{
    struct text *out = text_new(NULL, IDENTIFIER_BYTES_MAX);
    char *identifier;

    if (schema != NULL) {
        append_quoted(out, schema, '"', '"');
        text_append(out, ".");
    }
    append_quoted(out, name, '"', '"');
    identifier = memory_text(parent, out->data);
    talloc_free(out);
    return identifier;
}

const char *sql_literal(const void *parent, const char *text)
{
    struct text *out = text_new(parent, QUOTED_BYTES_MAX);

    text_append(out, "E'");
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\')
            text_append_bytes(out, text, 1);
        text_append_bytes(out, text, 1);
    }
    text_append(out, "'");
    return out->data;
}
