/* tree.h: looking into the parser's JSON trees: what is not there reads as empty, never as NULL
 * text.
 */
#ifndef COMMON_LINT_TREE_H
#define COMMON_LINT_TREE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define TREE_DEPTH_MAX 400

const char *tree_text(const json_t *node, const char *key);
bool tree_flag(const json_t *node, const char *key);
/* 0 if there is none: the parser leaves zeros out. */
size_t tree_number(const json_t *node, const char *key);
const json_t *tree_list(const json_t *node, const char *key);

/* The node of that kind at key: {"key": {"Kind": node}}; NULL if there is none or it is another. */
const json_t *tree_at(const json_t *node, const char *key, const char *kind);
/* Likewise the element i of a list. */
const json_t *tree_item(const json_t *list, size_t i, const char *kind);
/* The kind of {"Kind": node}, and node; "" if it is no such thing. */
const char *tree_kind(const json_t *wrapped, const json_t **ret_node);

/* A name of several words: how many, and word i from the end (0 the last); "" if there is none. */
const char *tree_word_from_end(const json_t *words, size_t i);
/* The words of {"List": {"items": words}} or {"TypeName": {"names": words}} or words alone. */
const json_t *tree_words(const json_t *wrapped);

/* Every node below (and with) node that is of that kind, to a depth of TREE_DEPTH_MAX; kind
 * "RangeVar" also finds those that the parser does not wrap. */
typedef void tree_visit(const json_t *node, void *context);
void tree_find(const json_t *node, const char *kind, tree_visit *visit, void *context);

/* The DefElem of a list of options, NULL if there is none of that name. */
const json_t *tree_option(const json_t *options, const char *name);

#endif
