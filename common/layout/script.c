/* script.c: the text of a foreign file: what is cut off it, and what stands in it. */
#include "common/base/text.h"
#include "common/layout/reading.h"

#include <ctype.h>
#include <pg_query.h>
#include <string.h>
#include <strings.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define WORDS_SIZE      40

/* ---- bytes ---- */

static void cut_carriage_returns(char *bytes, size_t *size)
{
    size_t kept = 0;

    for (size_t i = 0; i < *size; i++)
        if (bytes[i] != '\r' || i + 1 == *size || bytes[i + 1] != '\n')
            bytes[kept++] = bytes[i];
    bytes[kept] = '\0';
    *size = kept;
}

enum error_code script_clean(const char *path, char *bytes, size_t *size, struct error *err)
{
    size_t line = 1;

    if (*size >= 3 && memcmp(bytes, BYTE_ORDER_MARK, 3) == 0) {
        *size -= 3;
        memmove(bytes, bytes + 3, *size + 1);
    }
    for (size_t at = 0, end; at < *size; at = end + 1, line++) {
        const char *newline = memchr(bytes + at, '\n', *size - at);

        end = newline == NULL ? *size : (size_t)(newline - bytes);
        if (!text_is_utf8(bytes + at, end - at))
            return error_set(err, ERROR_INVALID, "%s:%zu: not UTF-8", path, line);
    }
    cut_carriage_returns(bytes, size);
    return ERROR_OK;
}

/* ---- comments ---- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool stands_at(const char *text, size_t size, size_t at, const char *two)
{
    return at + 1 < size && text[at] == two[0] && text[at + 1] == two[1];
}

/* They nest, as in the parser. */
static size_t behind_block(const char *text, size_t size, size_t at)
{
    size_t depth = 0;

    do {
        bool opens = stands_at(text, size, at, "/*");
        bool closes = stands_at(text, size, at, "*/");

        depth += opens;
        depth -= closes;
        at += opens || closes ? 2 : 1;
    } while (depth > 0 && at < size);
    return at;
}

size_t script_first_word(const char *text, size_t size)
{
    size_t at = 0;

    while (at < size) {
        if (is_space(text[at]))
            at++;
        else if (stands_at(text, size, at, "--"))
            while (at < size && text[at] != '\n')
                at++;
        else if (stands_at(text, size, at, "/*"))
            at = behind_block(text, size, at);
        else
            break;
    }
    return at;
}

bool script_is_blank(const char *text, size_t size)
{
    size_t at = script_first_word(text, size);

    while (at < size && text[at] == ';') {
        at++;
        at += script_first_word(text + at, size - at);
    }
    return at >= size;
}

/* ---- BEGIN and COMMIT around all of it ---- */

/* The statement's words with one space between, in ret; nothing if it is longer than any that is
 * looked for. */
static void words_of(const char *text, size_t size, char ret[static WORDS_SIZE])
{
    size_t used = 0;

    for (size_t i = 0; i < size && used < WORDS_SIZE - 1; i++) {
        if (!is_space(text[i]))
            ret[used++] = text[i];
        else if (used > 0 && ret[used - 1] != ' ')
            ret[used++] = ' ';
    }
    if (used == WORDS_SIZE - 1)
        used = 0;
    while (used > 0 && ret[used - 1] == ' ')
        used--;
    ret[used] = '\0';
}

struct place {
    size_t from;
    size_t end;
};

static struct place place_of(const char *text, size_t size, const PgQuerySplitStmt *statement)
{
    struct place place = {.from = (size_t)statement->stmt_location, .end = size};

    if (statement->stmt_len != 0)
        place.end = place.from + (size_t)statement->stmt_len;
    place.from += script_first_word(text + place.from, place.end - place.from);
    return place;
}

static bool is_one_of(const char *text, struct place place, const char *const *wanted)
{
    char words[WORDS_SIZE];

    words_of(text + place.from, place.end - place.from, words);
    for (; *wanted != NULL; wanted++)
        if (strcasecmp(words, *wanted) == 0)
            return true;
    return false;
}

/* And the semicolon behind it. */
static void blank_out(char *text, size_t size, struct place place)
{
    size_t behind = place.end + script_first_word(text + place.end, size - place.end);

    for (size_t i = place.from; i < place.end; i++)
        if (!is_space(text[i]))
            text[i] = ' ';
    if (behind < size && text[behind] == ';')
        text[behind] = ' ';
}

static bool begins_transaction(const char *text, size_t size)
{
    size_t at = script_first_word(text, size);

    return (size - at >= 5 && strncasecmp(text + at, "begin", 5) == 0) ||
           (size - at >= 5 && strncasecmp(text + at, "start", 5) == 0);
}

bool script_unwrap(char *text, size_t size, enum layout_script_kind kind)
{
    static const char *const opens[] = {"begin", "begin work", "begin transaction",
                                        "start transaction", NULL};
    static const char *const closes[] = {
        "commit", "commit work", "commit transaction", "end", "end work", "end transaction", NULL};
    static const char *const drops[] = {"rollback", "rollback work", "rollback transaction", NULL};
    PgQuerySplitResult found;
    bool is_wrapped = false;

    if (!begins_transaction(text, size))
        return false;
    found = pg_query_split_with_parser(text);
    if (found.error == NULL && found.n_stmts >= 2) {
        struct place first = place_of(text, size, found.stmts[0]);
        struct place last = place_of(text, size, found.stmts[found.n_stmts - 1]);

        is_wrapped = is_one_of(text, first, opens) &&
                     (is_one_of(text, last, closes) ||
                      (kind == LAYOUT_VERIFY && is_one_of(text, last, drops)));
        if (is_wrapped) {
            blank_out(text, size, last);
            blank_out(text, size, first);
        }
    }
    pg_query_free_split_result(found);
    return is_wrapped;
}
