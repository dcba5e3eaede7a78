#include "common/migration/split.h"

#include "common/base/hash.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/split_internal.h"

#include <assert.h>
#include <pg_query.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MARKER            "hakem:"
#define BYTE_ORDER_MARK   "\xef\xbb\xbf"
#define TEXTS_SIZE        160 /* of a statement's hash and the names in it, mostly */
#define UNDOES_NUMBER_MAX SPLIT_STATEMENTS_MAX

/* One file on its way through. */
struct splitting {
    const char *path;
    size_t first_line;
    const char *text;
    size_t size;
    size_t seen, seen_line; /* a line that is known: of the statement before */
    struct split *split;
    struct split_statement *statements;
    size_t room;         /* for so many */
    struct arena memory; /* of their texts */
    size_t undoes;       /* what the last undoes mark said */
    bool cuts_each;      /* -- hakem:commit each was there */
};

static size_t line_at(const struct splitting *in, size_t offset)
{
    bool is_behind = offset >= in->seen;
    size_t line = is_behind ? in->seen_line : in->first_line;

    for (size_t i = is_behind ? in->seen : 0; i < offset && i < in->size; i++)
        line += in->text[i] == '\n';
    return line;
}

static enum error_code fail_at(const struct splitting *in, size_t offset, const char *sentence,
                               struct error *err)
{
    char copy[ERROR_DETAIL_MAX];

    (void)text_copy(copy, sizeof(copy), sentence); /* it may be err->detail itself */
    return error_set(err, ERROR_INVALID, "%s:%zu: %s", in->path, line_at(in, offset), copy);
}

/* ---- syntax errors ---- */

/* The parser counts characters from 1; we count bytes from 0. */
static size_t offset_of_character(const char *text, size_t size, int character)
{
    size_t offset = 0;

    while (offset < size && character > 1) {
        offset++;
        while (offset < size && ((unsigned char)text[offset] & 0xc0) == 0x80)
            offset++;
        character--;
    }
    return offset;
}

static bool has_copy_before(const char *text, size_t end)
{
    static const char word[] = "from stdin";
    size_t length = sizeof(word) - 1;

    for (size_t i = 0; i + length <= end; i++) {
        size_t same = 0;

        while (same < length && (text[i + same] | 0x20) == (word[same] | 0x20))
            same++;
        if (same == length)
            return true;
    }
    return false;
}

static enum error_code fail_syntax(const struct splitting *in, const PgQueryError *error,
                                   struct error *err)
{
    size_t offset = offset_of_character(in->text, in->size, error->cursorpos);
    char sentence[ERROR_DETAIL_MAX / 2];

    if (offset < in->size && in->text[offset] == '\\')
        return fail_at(in, offset, "psql's backslash commands have no place here", err);
    if (offset < in->size && in->text[offset] == ':')
        return fail_at(in, offset, "psql's :variables have no place here", err);
    if (has_copy_before(in->text, offset))
        return fail_at(in, offset, "COPY FROM STDIN has no place here: write INSERT", err);
    (void)text_format(sentence, sizeof(sentence), "%s", error->message);
    return fail_at(in, offset, sentence, err);
}

enum error_code split_parse_one(const char *text, json_t **ret, struct error *err)
{
    PgQueryParseResult result = pg_query_parse(text);
    json_t *root = NULL;
    json_t *statement;

    if (result.error == NULL)
        root = json_loads(result.parse_tree, 0, NULL);
    pg_query_free_parse_result(result);
    if (root == NULL)
        return error_set(err, ERROR_INVALID, "cannot be parsed, or is nested too deeply");
    statement = json_object_get(json_array_get(json_object_get(root, "stmts"), 0), "stmt");
    if (statement == NULL || json_array_size(json_object_get(root, "stmts")) != 1) {
        json_decref(root);
        return error_set(err, ERROR_INVALID, "is not one statement");
    }
    *ret = json_incref(statement);
    json_decref(root);
    return ERROR_OK;
}

/* ---- what stands before a statement: white space, comments, our marks in them ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static size_t end_of_line(const struct splitting *in, size_t at, size_t end)
{
    const char *found = at < end ? memchr(in->text + at, '\n', end - at) : NULL;

    return found != NULL ? (size_t)(found - in->text) : end;
}

/* They nest, as in the parser. */
static size_t end_of_block_comment(const struct splitting *in, size_t at, size_t end)
{
    size_t depth = 0;

    do {
        bool opens = at + 1 < end && in->text[at] == '/' && in->text[at + 1] == '*';
        bool closes = at + 1 < end && in->text[at] == '*' && in->text[at + 1] == '/';

        depth += opens;
        depth -= closes;
        at += opens || closes ? 2 : 1;
    } while (depth > 0 && at < end);
    return at;
}

static enum error_code read_undoes(struct splitting *in, size_t at, const char *word,
                                   struct error *err)
{
    uint64_t number;

    if (!text_to_number(word, UNDOES_NUMBER_MAX, &number) || number == 0)
        return fail_at(
            in, at, "-- hakem:undoes wants the number of a statement of expand.sql, from 1", err);
    in->undoes = (size_t)number;
    return ERROR_OK;
}

/* Do only comments stand between here and the next empty line? */
static bool is_before_empty_line(const struct splitting *in, size_t at)
{
    size_t line_end;

    for (at = end_of_line(in, at, in->size); at < in->size; at = line_end) {
        size_t first = at + 1;

        line_end = end_of_line(in, first, in->size);
        while (first < line_end && is_space(in->text[first]))
            first++;
        if (first == line_end)
            return line_end < in->size;
        if (first + 1 >= in->size || memcmp(in->text + first, "--", 2) != 0)
            return false;
    }
    return false;
}

/* at is behind the mark, stop the end of its line. */
static enum error_code read_allow(struct splitting *in, size_t at, size_t stop,
                                  struct split_statement *statement, struct error *err)
{
    struct split_allow *allows = (struct split_allow *)(uintptr_t)statement->allows;
    char *rule, *reason;

    if (statement->allow_count == SPLIT_ALLOWS_MAX)
        return fail_at(in, at, "too many -- hakem:allow before one statement", err);
    while (at < stop && is_space(in->text[at]))
        at++;
    while (stop > at && is_space(in->text[stop - 1]))
        stop--;
    rule = memory_copy(in->split, in->text + at, stop - at);
    reason = rule + strcspn(rule, " \t");
    if (*reason != '\0')
        *reason++ = '\0';
    allows = memory_grow(in->split, allows, statement->allow_count, statement->allow_count + 1);
    allows[statement->allow_count++] = (struct split_allow){
        .rule = rule,
        .reason = reason + strspn(reason, " \t"),
        .line = line_at(in, at),
        .is_for_file = in->split->count == 0 && is_before_empty_line(in, stop)};
    statement->allows = allows;
    return ERROR_OK;
}

/* at is behind the two dashes. */
static enum error_code read_line_comment(struct splitting *in, size_t at, size_t end,
                                         struct split_statement *statement, struct error *err)
{
    char line[64];
    size_t length;

    while (at < end && (in->text[at] == ' ' || in->text[at] == '\t'))
        at++;
    length = end - at < sizeof(line) - 1 ? end - at : sizeof(line) - 1;
    memcpy(line, in->text + at, length);
    while (length > 0 && is_space(line[length - 1]))
        length--;
    line[length] = '\0';
    if (!text_starts_with(line, MARKER))
        return ERROR_OK;
    if (strcmp(line, MARKER "commit") == 0) {
        statement->cuts = true;
        return ERROR_OK;
    }
    if (strcmp(line, MARKER "commit each") == 0) {
        in->cuts_each = true;
        return ERROR_OK;
    }
    if (strcmp(line, MARKER "must-run") == 0) {
        in->split->must_run = true;
        return ERROR_OK;
    }
    if (text_starts_with(line, MARKER "allow "))
        return read_allow(in, at + strlen(MARKER "allow "), end, statement, err);
    if (text_starts_with(line, MARKER "undoes "))
        return read_undoes(in, at, line + strlen(MARKER "undoes "), err);
    return fail_at(in, at,
                   "the marks known here are -- hakem:commit, -- hakem:commit each, -- "
                   "hakem:must-run, -- hakem:undoes N and -- hakem:allow RULE reason",
                   err);
}

/* *at moves from the end of the statement before to this one's first word. */
static enum error_code skip_before(struct splitting *in, size_t *at, size_t end,
                                   struct split_statement *statement, struct error *err)
{
    while (*at < end) {
        if (is_space(in->text[*at])) {
            (*at)++;
        } else if (*at + 1 < end && memcmp(in->text + *at, "--", 2) == 0) {
            size_t stop = end_of_line(in, *at, end);

            if (read_line_comment(in, *at + 2, stop, statement, err) != ERROR_OK)
                return err->code;
            *at = stop;
        } else if (*at + 1 < end && memcmp(in->text + *at, "/*", 2) == 0) {
            *at = end_of_block_comment(in, *at, end);
        } else {
            break;
        }
    }
    return ERROR_OK;
}

/* ---- statements ---- */

static enum error_code describe(struct splitting *in, const struct tree *tree,
                                struct split_statement *statement, struct error *err)
{
    char hash[HASH_HEX_SIZE];

    hash_bytes_hex(statement->text, strlen(statement->text), hash);
    statement->hash = arena_text(&in->memory, hash);
    if (tree == NULL)
        return error_set(err, ERROR_INVALID, "cannot be parsed, or is nested too deeply");
    return split_classify(&in->memory, tree, statement, err);
}

static enum error_code add_statement(struct splitting *in, const struct tree_statement *found,
                                     size_t end, struct error *err)
{
    struct split_statement *statement = &in->statements[in->split->count];
    size_t at = found->from;

    if (skip_before(in, &at, end, statement, err) != ERROR_OK)
        return err->code;
    while (end > at && is_space(in->text[end - 1]))
        end--;
    if (at == end)
        return ERROR_OK;
    statement->text = arena_copy(&in->memory, in->text + at, end - at);
    statement->line = in->seen_line = line_at(in, at);
    in->seen = at;
    statement->undoes = in->undoes;
    statement->cuts |= in->cuts_each;
    if (describe(in, found->tree, statement, err) != ERROR_OK)
        return fail_at(in, at, err->detail, err);
    if (in->split->trees != NULL)
        statement->tree = (struct split_tree){
            .json = in->split->trees + found->json_from, .size = found->json_size, .offset = at};
    if (in->undoes != 0 && !in->split->has_undoes && in->split->count > 0)
        return fail_at(in, at,
                       "-- hakem:undoes must stand before the first statement, if it is used", err);
    in->split->has_undoes = in->undoes != 0;
    in->split->count++;
    return ERROR_OK;
}

/* Every statement but the last one has a semicolon behind it. */
static void make_room(struct splitting *in)
{
    in->room = 1;
    for (size_t i = 0; i < in->size && in->room < SPLIT_STATEMENTS_MAX; i++)
        in->room += in->text[i] == ';';
    in->statements = memory_array(in->split, struct split_statement, in->room);
    in->split->statements = in->statements;
    arena_begin(&in->memory, in->split, in->size + in->room * TEXTS_SIZE);
}

static enum error_code add_all(struct splitting *in, struct tree_list *list, struct error *err)
{
    struct tree_statement found = {.from = 0};
    size_t behind = 0;

    make_room(in);
    while (tree_list_next(list, &found)) {
        size_t end = found.size == 0 ? in->size : found.from + found.size;

        if (found.tree == NULL) { /* nor is it known where it begins */
            found.from = behind;
            end = in->size;
        }
        assert(found.from <= end && end <= in->size);
        if (in->split->count == SPLIT_STATEMENTS_MAX)
            return error_set(err, ERROR_INVALID, "%s: more than %d statements; no more are read",
                             in->path, SPLIT_STATEMENTS_MAX);
        assert(in->split->count < in->room);
        if (add_statement(in, &found, end, err) != ERROR_OK)
            return err->code;
        behind = end < in->size ? end + 1 : end; /* the semicolon */
    }
    return ERROR_OK;
}

static enum error_code add_parsed(struct splitting *in, char *json, size_t keeps, struct error *err)
{
    size_t size = strlen(json);
    struct tree_list *list;
    enum error_code code;

    if (size <= keeps) {
        in->split->trees = memory_copy(in->split, json, size);
        in->split->trees_size = size;
    }
    list = tree_list_new(NULL, json);
    code = add_all(in, list, err);
    talloc_free(list);
    return code;
}

static enum error_code check_text(const struct splitting *in, struct error *err)
{
    if (in->size > SPLIT_BYTES_MAX)
        return error_set(err, ERROR_INVALID, "%s: %zu bytes; at most %d are read", in->path,
                         in->size, SPLIT_BYTES_MAX);
    if (in->size >= 3 && memcmp(in->text, BYTE_ORDER_MARK, 3) == 0)
        return fail_at(in, 0, "the file begins with a byte order mark: remove it", err);
    for (size_t at = 0, line_end; at < in->size; at = line_end + 1) {
        line_end = end_of_line(in, at, in->size);
        if (!text_is_utf8(in->text + at, line_end - at))
            return fail_at(in, at, "not UTF-8", err);
    }
    return ERROR_OK;
}

enum error_code split_sql(const void *parent, const char *path, const char *text, size_t size,
                          struct split **ret, struct error *err)
{
    const struct split_source source = {.path = path, .line = 1, .text = text, .size = size};

    return split_part(parent, &source, ret, err);
}

enum error_code split_part(const void *parent, const struct split_source *source,
                           struct split **ret, struct error *err)
{
    struct splitting in = {.path = source->path,
                           .first_line = source->line,
                           .seen_line = source->line,
                           .text = source->text,
                           .size = source->size};
    PgQueryParseResult parsed;
    enum error_code code;

    assert(in.text[in.size] == '\0');
    if (check_text(&in, err) != ERROR_OK)
        return err->code;
    in.split = memory_new(parent, struct split);
    in.split->path = memory_text(in.split, in.path);
    parsed = pg_query_parse(in.text);
    if (parsed.error != NULL)
        code = fail_syntax(&in, parsed.error, err);
    else
        code = add_parsed(&in, parsed.parse_tree, source->keeps, err);
    pg_query_free_parse_result(parsed);
    if (code != ERROR_OK) {
        talloc_free(in.split);
        return code;
    }
    *ret = in.split;
    return ERROR_OK;
}

enum error_code split_tree_of(void *memory, const struct split_statement *statement,
                              const struct tree **ret, struct error *err)
{
    const struct split_tree *kept = &statement->tree;
    const struct tree *tree;

    if (kept->json == NULL)
        return tree_of_statement(memory, statement->text, ret, err);
    tree = tree_parse_statement(memory, kept->json, kept->size);
    assert(tree != NULL); /* it was read before */
    *ret = tree;
    return ERROR_OK;
}
