/* split_internal.h: between split.c (files into statements) and split_class.c (what a statement
 * is). */
#ifndef COMMON_MIGRATION_SPLIT_INTERNAL_H
#define COMMON_MIGRATION_SPLIT_INTERNAL_H

#include "common/base/arena.h"
#include "common/migration/split.h"
#include "common/migration/tree.h"

#include <jansson.h>

/* Fills class, remains, subject, kind, tables and the flags of a statement from its parse tree;
 * what they point to lives in memory. A statement that has no place in a migration: ERROR_INVALID,
 * the sentence without path and line. */
enum error_code split_classify(struct arena *memory, const struct tree *tree,
                               struct split_statement *statement, struct error *err);

/* The parse tree of one statement, {"SelectStmt": {...}}, to be changed; free with json_decref. */
enum error_code split_parse_one(const char *text, json_t **ret, struct error *err);

#endif
