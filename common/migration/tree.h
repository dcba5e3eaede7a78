/* tree.h: the parser's JSON trees, read into one piece of memory, and looking into them: what is
 * not there reads as empty, never as NULL text.
 *
 * A history is thousands of small trees that are looked at once: a general JSON library's objects
 * took two thirds of the time that linting takes.
 */
#ifndef COMMON_MIGRATION_TREE_H
#define COMMON_MIGRATION_TREE_H

#include "common/base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define TREE_DEPTH_MAX 2000

struct tree;

/* The parse tree of the one statement that text is, {"SelectStmt": {...}}; it lives in memory.
 * ERROR_INVALID, a sentence without place, if it is not one. */
enum error_code tree_of_statement(void *memory, const char *text, const struct tree **ret,
                                  struct error *err);
/* Any JSON of objects, arrays, texts, whole numbers, true and false; NULL if it is something else,
 * or nested deeper than TREE_DEPTH_MAX.  It lives in memory. */
const struct tree *tree_parse(void *memory, const char *json);

/* One of a text's statements. */
struct tree_statement {
    const struct tree *tree;     /* {"SelectStmt": {...}}, until the next one is read; NULL: nested
                                  * deeper than TREE_DEPTH_MAX, and no more come */
    size_t json_from, json_size; /* what tree_parse_statement() reads it from */
    size_t from, size; /* bytes of the text, with what stands before; size 0: to its end */
};

/* The parser's JSON of a whole text, {"stmts": [...]}, one statement at a time: memory is that of
 * the largest.  json is changed, and outlives the list. */
struct tree_list;
struct tree_list *tree_list_new(const void *parent, char *json);
bool tree_list_next(struct tree_list *list, struct tree_statement *ret);

/* The tree of a statement that such a list has read without error, from the JSON as it was before;
 * it lives in memory, and its locations count from the beginning of the whole text. */
const struct tree *tree_parse_statement(void *memory, const char *json, size_t size);

/* Of NULL, and of what has no such part, all of these are NULL, 0 or false. */
const struct tree *tree_get(const struct tree *object, const char *key);
const struct tree *tree_element(const struct tree *array, size_t i);
size_t tree_count(const struct tree *array);
bool tree_is_array(const struct tree *tree);
bool tree_is_object(const struct tree *tree);
bool tree_is_text(const struct tree *tree);
/* Of an object or an array: its parts in order. */
const struct tree *tree_first(const struct tree *tree);
const struct tree *tree_next(const struct tree *part);
const char *tree_key(const struct tree *part); /* "" in an array */

const char *tree_text(const struct tree *node, const char *key);
bool tree_flag(const struct tree *node, const char *key);
/* 0 if there is none: the parser leaves zeros out. */
size_t tree_number(const struct tree *node, const char *key);

/* The node of that kind at key: {"key": {"Kind": node}}; NULL if there is none or it is another. */
const struct tree *tree_at(const struct tree *node, const char *key, const char *kind);
/* Likewise the element i of a list. */
const struct tree *tree_item(const struct tree *list, size_t i, const char *kind);
/* The kind of {"Kind": node}, and node; "" if it is no such thing. */
const char *tree_kind(const struct tree *wrapped, const struct tree **ret_node);

/* A name of several words: word i from the end (0 the last); "" if there is none. */
const char *tree_word_from_end(const struct tree *words, size_t i);
/* The words of {"List": {"items": words}} or {"TypeName": {"names": words}} or words alone. */
const struct tree *tree_words(const struct tree *wrapped);

/* Every node below (and with) node that is of that kind; kind "RangeVar" also finds those that the
 * parser does not wrap. */
typedef void tree_visit(const struct tree *node, void *context);
void tree_find(const struct tree *node, const char *kind, tree_visit *visit, void *context);

/* The DefElem of a list of options, NULL if there is none of that name. */
const struct tree *tree_option(const struct tree *options, const char *name);

#endif
