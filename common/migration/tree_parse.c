#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/tree_internal.h"

#include <pg_query.h>
#include <stdlib.h>
#include <string.h>

#define NODES_FIRST 64
#define NODES_MORE  512

/* One text on its way: the bytes are changed where they are. */
struct parsing {
    void *memory;
    char *at;
    struct tree *nodes; /* free ones */
    size_t free_count;
    size_t next_count;
};

static struct tree *parse_value(struct parsing *in, unsigned depth);

static struct tree *new_node(struct parsing *in, enum tree_type type)
{
    struct tree *node;

    if (in->free_count == 0) {
        in->nodes = memory_array(in->memory, struct tree, in->next_count);
        in->free_count = in->next_count;
        in->next_count = NODES_MORE;
    }
    node = in->nodes++;
    in->free_count--;
    node->type = type;
    node->key = "";
    node->text = "";
    return node;
}

static void skip_space(struct parsing *in)
{
    while (*in->at == ' ' || *in->at == '\n' || *in->at == '\t' || *in->at == '\r')
        in->at++;
}

static bool take(struct parsing *in, char c)
{
    skip_space(in);
    if (*in->at != c)
        return false;
    in->at++;
    return true;
}

/* ---- texts ---- */

/* \u0000 to \uFFFF; the parser writes control characters and angle brackets so. */
static char *write_code(char *to, const char digits[static 4])
{
    unsigned code = 0;

    for (size_t i = 0; i < 4; i++) {
        char c = digits[i];
        unsigned value = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                                                : (unsigned)(c - 'A') + 10;

        code = code * 16 + (value & 15);
    }
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | (code >> 6));
        *to++ = (char)(0x80 | (code & 0x3f));
    } else {
        *to++ = (char)(0xe0 | (code >> 12));
        *to++ = (char)(0x80 | ((code >> 6) & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    }
    return to;
}

static char *write_escape(struct parsing *in, char *to)
{
    static const char letters[] = "\"\\/bfnrt", characters[] = "\"\\/\b\f\n\r\t";
    const char *letter = *in->at != '\0' ? strchr(letters, *in->at) : NULL;

    if (letter != NULL) {
        in->at++;
        *to++ = characters[letter - letters];
        return to;
    }
    if (*in->at != 'u' || strspn(in->at + 1, "0123456789abcdefABCDEF") < 4)
        return NULL;
    to = write_code(to, in->at + 1);
    in->at += 5;
    return to;
}

/* Behind the first quote; NULL if there is no last one. */
static char *parse_text(struct parsing *in)
{
    char *text = in->at, *to = text;

    for (;;) {
        size_t plain = strcspn(in->at, "\"\\");

        if (to != in->at)
            memmove(to, in->at, plain);
        to += plain;
        in->at += plain;
        if (*in->at == '\0')
            return NULL;
        if (*in->at++ == '"')
            break;
        to = write_escape(in, to);
        if (to == NULL)
            return NULL;
    }
    *to = '\0';
    return text;
}

/* ---- objects and arrays ---- */

static void append(struct tree *whole, struct tree **last, struct tree *part)
{
    if (*last == NULL)
        whole->first = part;
    else
        (*last)->next = part;
    *last = part;
    whole->count++;
}

static struct tree *parse_member(struct parsing *in, unsigned depth)
{
    struct tree *part;
    char *key;

    if (!take(in, '"'))
        return NULL;
    key = parse_text(in);
    if (key == NULL || !take(in, ':'))
        return NULL;
    part = parse_value(in, depth);
    if (part != NULL)
        part->key = key;
    return part;
}

static void list_items(struct parsing *in, struct tree *array)
{
    size_t i = 0;

    array->items = memory_array(in->memory, const struct tree *, array->count + 1);
    for (const struct tree *part = array->first; part != NULL; part = part->next)
        array->items[i++] = part;
}

static struct tree *parse_parts(struct parsing *in, enum tree_type type, unsigned depth)
{
    struct tree *whole = new_node(in, type), *last = NULL;
    char end = type == TREE_OBJECT ? '}' : ']';

    if (take(in, end))
        return whole;
    do {
        struct tree *part =
            type == TREE_OBJECT ? parse_member(in, depth + 1) : parse_value(in, depth + 1);

        if (part == NULL)
            return NULL;
        append(whole, &last, part);
    } while (take(in, ','));
    if (!take(in, end))
        return NULL;
    if (type == TREE_ARRAY)
        list_items(in, whole);
    return whole;
}

/* ---- values ---- */

static struct tree *parse_number(struct parsing *in)
{
    struct tree *node;
    char *end = in->at;
    long long number = strtoll(in->at, &end, 10);

    if (end == in->at)
        return NULL;
    in->at = end;
    node = new_node(in, TREE_NUMBER);
    node->number = number;
    return node;
}

static struct tree *parse_word(struct parsing *in)
{
    static const struct {
        const char *word;
        bool is_true;
    } words[] = {{"true", true}, {"false", false}, {"null", false}};

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        struct tree *node;

        if (!text_starts_with(in->at, words[i].word))
            continue;
        in->at += strlen(words[i].word);
        node = new_node(in, TREE_FLAG);
        node->number = words[i].is_true;
        return node;
    }
    return parse_number(in);
}

static struct tree *parse_value(struct parsing *in, unsigned depth)
{
    struct tree *node = NULL;
    char *text;

    if (depth > TREE_DEPTH_MAX)
        return NULL;
    if (take(in, '{'))
        return parse_parts(in, TREE_OBJECT, depth);
    if (take(in, '['))
        return parse_parts(in, TREE_ARRAY, depth);
    if (!take(in, '"'))
        return parse_word(in);
    text = parse_text(in);
    if (text != NULL) {
        node = new_node(in, TREE_TEXT);
        node->text = text;
    }
    return node;
}

const struct tree *tree_parse(void *memory, const char *json)
{
    struct parsing in = {
        .memory = memory, .at = memory_text(memory, json), .next_count = NODES_FIRST};
    const struct tree *root = parse_value(&in, 0);

    skip_space(&in);
    return *in.at == '\0' ? root : NULL;
}

enum error_code tree_of_statement(void *memory, const char *text, const struct tree **ret,
                                  struct error *err)
{
    PgQueryParseResult result = pg_query_parse(text);
    const struct tree *root = NULL, *statement;

    if (result.error == NULL)
        root = tree_parse(memory, result.parse_tree);
    pg_query_free_parse_result(result);
    if (root == NULL)
        return error_set(err, ERROR_INVALID, "cannot be parsed, or is nested too deeply");
    statement = tree_get(tree_element(tree_get(root, "stmts"), 0), "stmt");
    if (statement == NULL || tree_count(tree_get(root, "stmts")) != 1)
        return error_set(err, ERROR_INVALID, "is not one statement");
    *ret = statement;
    return ERROR_OK;
}
