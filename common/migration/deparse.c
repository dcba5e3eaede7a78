#include "common/migration/deparse.h"

#include "common/base/text.h"

#include <ctype.h>
#include <string.h>

/* A definition that is being read; in_quotes: the quote that will end what is read as it stands. */
struct reader {
    const char *at, *end;
    char in_quotes;
};

static bool begins_with(const struct reader *r, const char *word)
{
    size_t size = strlen(word);

    return (size_t)(r->end - r->at) >= size && memcmp(r->at, word, size) == 0;
}

static void skip_quoted(struct reader *r)
{
    r->at++;
    while (r->at < r->end && *r->at != '"')
        r->at++;
    if (r->at < r->end)
        r->at++;
}

/* public."My type", int4 */
static void skip_name(struct reader *r)
{
    while (r->at < r->end) {
        unsigned char c = (unsigned char)*r->at;

        if (c == '"')
            skip_quoted(r);
        else if (isalnum(c) != 0 || c == '_' || c == '.' || c == '$' || c >= 0x80)
            r->at++;
        else
            return;
    }
}

/* The types whose names have several words, and (3), and []. */
static void skip_rest_of_type(struct reader *r)
{
    static const char *const words[] = {" varying", " precision", " without time zone",
                                        " with time zone"};
    const char *closing;

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (begins_with(r, "(") &&
            (closing = memchr(r->at, ')', (size_t)(r->end - r->at))) != NULL &&
            strspn(r->at + 1, "0123456789,") == (size_t)(closing - r->at - 1))
            r->at = closing + 1;
        if (begins_with(r, words[i]))
            r->at += strlen(words[i]);
    }
    while (begins_with(r, "[]"))
        r->at += 2;
}

static bool skips(struct reader *r)
{
    if (begins_with(r, "::")) {
        r->at += 2;
        skip_name(r);
        skip_rest_of_type(r);
        return true;
    }
    if (isspace((unsigned char)*r->at) != 0 || *r->at == '(' || *r->at == ')') {
        r->at++;
        return true;
    }
    return false;
}

/* The next character that counts; 0 at the end. */
static char next(struct reader *r)
{
    char c;

    while (r->in_quotes == '\0' && r->at < r->end && skips(r))
        ;
    if (r->at == r->end)
        return '\0';
    c = *r->at++;
    if (r->in_quotes != '\0')
        r->in_quotes = (char)(c == r->in_quotes ? '\0' : r->in_quotes);
    else if (c == '\'' || c == '"')
        r->in_quotes = c;
    return c;
}

bool deparse_is_same(const char *one, size_t one_size, const char *other, size_t other_size)
{
    struct reader a = {.at = one, .end = one + one_size};
    struct reader b = {.at = other, .end = other + other_size};
    char c;

    do {
        c = next(&a);
        if (c != next(&b))
            return false;
    } while (c != '\0');
    return true;
}
