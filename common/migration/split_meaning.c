/* split_meaning.c: what stays of a statement when comments go and white space between words becomes
 * one space: two texts of one meaning are laid out differently, and nothing else.
 */
#include "common/base/memory.h"
#include "common/migration/split.h"

#include <string.h>
#include <strings.h>

struct walk {
    const char *text;
    size_t size;
    size_t at;
    char *out;
    size_t used;
    bool has_gap; /* white space or a comment stood before what comes */
    bool escapes; /* the piece before was one of E'...' */
};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_operator(char c)
{
    static const bool are[256] = {
        ['+'] = true, ['-'] = true, ['*'] = true, ['/'] = true, ['<'] = true, ['>'] = true,
        ['='] = true, ['~'] = true, ['!'] = true, ['@'] = true, ['#'] = true, ['%'] = true,
        ['^'] = true, ['&'] = true, ['|'] = true, ['`'] = true, ['?'] = true, [':'] = true};

    return are[(unsigned char)c];
}

/* Quotes, too: 'a' 'b' is not 'a''b'. */
static bool is_word(char c)
{
    return c != '\0' && !is_operator(c) && strchr("(),;[]{}", c) == NULL;
}

/* Where a gap stood one stays, if without it the two would be one. */
static void put(struct walk *w, size_t count)
{
    const char *before = w->used > 0 ? &w->out[w->used - 1] : "";
    char next = w->text[w->at];

    if (w->has_gap &&
        ((is_word(*before) && is_word(next)) || (is_operator(*before) && is_operator(next))))
        w->out[w->used++] = ' ';
    w->has_gap = false;
    memcpy(w->out + w->used, w->text + w->at, count);
    w->used += count;
    w->at += count;
}

static bool stands(const struct walk *w, size_t at, const char *two)
{
    return at + 1 < w->size && w->text[at] == two[0] && w->text[at + 1] == two[1];
}

static void skip_block(struct walk *w)
{
    size_t depth = 0;

    do {
        bool opens = stands(w, w->at, "/*");
        bool closes = stands(w, w->at, "*/");

        depth += opens;
        depth -= closes;
        w->at += opens || closes ? 2 : 1;
    } while (depth > 0 && w->at < w->size);
}

static bool skip_gap(struct walk *w)
{
    size_t before = w->at;

    while (w->at < w->size) {
        if (is_space(w->text[w->at]))
            w->at++;
        else if (stands(w, w->at, "--"))
            while (w->at < w->size && w->text[w->at] != '\n')
                w->at++;
        else if (stands(w, w->at, "/*"))
            skip_block(w);
        else
            break;
    }
    w->has_gap |= w->at > before;
    return w->at > before;
}

static bool has_prefix(const struct walk *w)
{
    return w->at > 0 && strchr("eE", w->text[w->at - 1]) != NULL &&
           (w->at == 1 || !is_word(w->text[w->at - 2]) || is_space(w->text[w->at - 2]));
}

/* E'...' knows backslashes.  A doubled quote, and a quote on a later line, begins the next piece,
 * and that knows them as well. */
static size_t quoted_length(struct walk *w)
{
    char quote = w->text[w->at];
    size_t end = w->at + 1;

    w->escapes = quote == '\'' && (w->escapes || has_prefix(w));
    while (end < w->size && w->text[end] != quote)
        end += w->escapes && w->text[end] == '\\' && end + 1 < w->size ? 2 : 1;
    return (end < w->size ? end + 1 : w->size) - w->at;
}

static bool is_tag(char c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (unsigned char)c >= 0x80;
}

/* 0: no dollar quote begins here. */
static size_t dollar_length(const struct walk *w)
{
    size_t tag = w->at + 1, end;

    if (w->text[w->at] != '$' || (w->at > 0 && is_tag(w->text[w->at - 1])) ||
        (tag < w->size && w->text[tag] >= '0' && w->text[tag] <= '9'))
        return 0;
    while (tag < w->size && is_tag(w->text[tag]))
        tag++;
    if (tag >= w->size || w->text[tag] != '$')
        return 0;
    tag = tag + 1 - w->at;
    for (end = w->at + tag; end + tag <= w->size; end++)
        if (memcmp(w->text + end, w->text + w->at, tag) == 0)
            return end + tag - w->at;
    return w->size - w->at;
}

/* What is taken as it is. */
static size_t piece_length(struct walk *w)
{
    size_t dollars = dollar_length(w), end = w->at + 1;

    if (dollars == 0 && (w->text[w->at] == '\'' || w->text[w->at] == '"'))
        return quoted_length(w);
    w->escapes = false;
    if (dollars > 0)
        return dollars;
    while (is_tag(w->text[end - 1]) && is_tag(w->text[end])) /* is_tag() of the terminator: no */
        end++;
    return end - w->at;
}

char *split_meaning(const void *parent, const char *text)
{
    struct walk w = {.text = text, .size = strlen(text)};

    w.out = memory_raw(parent, w.size + 1, "meaning"); /* a gap was a byte at least */
    while (w.at < w.size)
        if (!skip_gap(&w))
            put(&w, piece_length(&w));
    w.out[w.used] = '\0';
    return w.out;
}

void split_add_meaning(struct hash *hash, const struct split *split)
{
    hash_add(hash, &split->must_run, sizeof(split->must_run));
    for (size_t i = 0; i < split->count; i++) {
        const struct split_statement *statement = &split->statements[i];
        char *meaning = split_meaning(NULL, statement->text);
        uint64_t undoes = statement->undoes;

        hash_add(hash, meaning, strlen(meaning));
        hash_add(hash, &statement->cuts, sizeof(statement->cuts));
        hash_add(hash, &undoes, sizeof(undoes));
        talloc_free(meaning);
    }
}
