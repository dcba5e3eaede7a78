#include "common/base/arena.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/tree_internal.h"

#include <pg_query.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_SIZE      8192 /* of memory that nodes are cut from */
#define LIST_PIECE_SIZE 65536
#define STATEMENT_DEPTH 2                  /* {"stmts": [ */
#define NUMBER_MAX      100000000000000000 /* digits beyond are not read: no place is so far */

/* One text on its way: the bytes are changed where they are. */
struct parsing {
    char *at;
    const char *backslash; /* the next one, or the end: what is before it is plain */
    struct arena nodes;
};

struct tree_list {
    struct parsing in;
    const char *json;
    void *memory;
    char *piece; /* for every statement's nodes, one after the other; what is more is in memory */
    bool is_first, has_ended;
};

static struct tree *parse_value(struct parsing *in, unsigned depth);

static struct tree *new_node(struct parsing *in, enum tree_type type)
{
    struct tree *node = arena_cut(&in->nodes, sizeof(*node));

    *node = (struct tree){.key = "", .type = type};
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

/* To the last quote; false if there is none. */
static bool parse_escaped(struct parsing *in)
{
    char *to = in->at;

    while (*in->at != '"') {
        if (*in->at == '\0')
            return false;
        if (*in->at != '\\') {
            *to++ = *in->at++;
            continue;
        }
        in->at++;
        to = write_escape(in, to);
        if (to == NULL)
            return false;
    }
    *to = '\0';
    return true;
}

static void find_backslash(struct parsing *in)
{
    in->backslash = in->at + strcspn(in->at, "\\");
}

/* Behind the first quote; NULL if there is no last one. */
static char *parse_text(struct parsing *in)
{
    char *text = in->at, *end = strchr(text, '"');

    if (end == NULL)
        return NULL;
    if (end < in->backslash) {
        *end = '\0';
        in->at = end + 1;
        return text;
    }
    if (!parse_escaped(in))
        return NULL;
    in->at++;
    find_backslash(in);
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
    const struct tree **items = arena_cut(&in->nodes, array->count * sizeof(*items));
    size_t i = 0;

    for (const struct tree *part = array->first; part != NULL; part = part->next)
        items[i++] = part;
    array->items = items;
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
    bool is_negative = *in->at == '-';
    const char *first = in->at += is_negative;
    long long number = 0;

    for (; *in->at >= '0' && *in->at <= '9'; in->at++)
        if (number < NUMBER_MAX)
            number = 10 * number + (*in->at - '0');
    if (in->at == first)
        return NULL;
    node = new_node(in, TREE_NUMBER);
    node->number = is_negative ? -number : number;
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
    return NULL;
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
        return *in->at == '-' || (*in->at >= '0' && *in->at <= '9') ? parse_number(in)
                                                                    : parse_word(in);
    text = parse_text(in);
    if (text != NULL) {
        node = new_node(in, TREE_TEXT);
        node->text = text;
    }
    return node;
}

static const struct tree *parse_whole(void *memory, char *json, unsigned depth)
{
    struct parsing in = {.at = json};
    const struct tree *root;

    arena_begin(&in.nodes, memory, PIECE_SIZE);
    find_backslash(&in);
    root = parse_value(&in, depth);
    skip_space(&in);
    return *in.at == '\0' ? root : NULL;
}

const struct tree *tree_parse(void *memory, const char *json)
{
    return parse_whole(memory, memory_text(memory, json), 0);
}

const struct tree *tree_parse_statement(void *memory, const char *json, size_t size)
{
    return tree_get(parse_whole(memory, memory_copy(memory, json, size), STATEMENT_DEPTH), "stmt");
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

/* ---- a whole text's statements ---- */

struct tree_list *tree_list_new(const void *parent, char *json)
{
    struct tree_list *list = memory_new(parent, struct tree_list);

    list->json = json;
    list->is_first = true;
    list->piece = memory_raw(list, LIST_PIECE_SIZE, "trees");
    list->memory = talloc_new(list);
    list->in.at = json;
    find_backslash(&list->in);
    return list;
}

static void forget(struct tree_list *list)
{
    talloc_free_children(list->memory);
    list->in.nodes = (struct arena){.parent = list->memory,
                                    .piece_size = PIECE_SIZE,
                                    .rest = list->piece,
                                    .rest_size = LIST_PIECE_SIZE};
}

/* To behind the bracket of "stmts": [. */
static bool begin_statements(struct parsing *in)
{
    const char *key;

    if (!take(in, '{'))
        return false;
    while (take(in, '"')) {
        key = parse_text(in);
        if (key == NULL || !take(in, ':'))
            return false;
        if (strcmp(key, "stmts") == 0)
            return take(in, '[');
        if (parse_value(in, 1) == NULL || !take(in, ','))
            return false;
    }
    return false;
}

static const struct tree *next_element(struct tree_list *list)
{
    bool is_first = list->is_first;

    list->is_first = false;
    return is_first || take(&list->in, ',') ? parse_value(&list->in, STATEMENT_DEPTH) : NULL;
}

bool tree_list_next(struct tree_list *list, struct tree_statement *ret)
{
    struct parsing *in = &list->in;
    const struct tree *element = NULL;
    bool is_right;

    forget(list);
    is_right = !list->is_first || begin_statements(in);
    if (list->has_ended || (is_right && take(in, ']'))) {
        list->has_ended = true;
        return false;
    }
    ret->json_from = (size_t)(in->at - list->json) + !list->is_first; /* the comma */
    if (is_right)
        element = next_element(list);
    ret->json_size = (size_t)(in->at - list->json) - ret->json_from;
    ret->tree = tree_get(element, "stmt");
    ret->from = tree_number(element, "stmt_location");
    ret->size = tree_number(element, "stmt_len");
    list->has_ended = ret->tree == NULL;
    return true;
}
