#include "common/lint/name.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/postgres/quote.h"

#include <stdlib.h>
#include <string.h>

/* PostgreSQL 15's keywords that are not names everywhere, in order. */
static const char *const keywords[] = {
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "between",
    "bigint",
    "binary",
    "bit",
    "boolean",
    "both",
    "case",
    "cast",
    "char",
    "character",
    "check",
    "coalesce",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "dec",
    "decimal",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "exists",
    "extract",
    "false",
    "fetch",
    "float",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "greatest",
    "group",
    "grouping",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "inout",
    "int",
    "integer",
    "intersect",
    "interval",
    "into",
    "is",
    "isnull",
    "join",
    "lateral",
    "leading",
    "least",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "national",
    "natural",
    "nchar",
    "none",
    "normalize",
    "not",
    "notnull",
    "null",
    "nullif",
    "numeric",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "out",
    "outer",
    "overlaps",
    "overlay",
    "placing",
    "position",
    "precision",
    "primary",
    "real",
    "references",
    "returning",
    "right",
    "row",
    "select",
    "session_user",
    "setof",
    "similar",
    "smallint",
    "some",
    "substring",
    "symmetric",
    "table",
    "tablesample",
    "then",
    "time",
    "timestamp",
    "to",
    "trailing",
    "treat",
    "trim",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "values",
    "varchar",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
    "xmlattributes",
    "xmlconcat",
    "xmlelement",
    "xmlexists",
    "xmlforest",
    "xmlnamespaces",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
    "xmltable",
};

bool name_has_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static int compare(const void *name, const void *keyword)
{
    return strcmp(name, *(const char *const *)keyword);
}

static bool is_plain(const char *name)
{
    bool is_word = (name[0] >= 'a' && name[0] <= 'z') || name[0] == '_';

    for (const char *c = name; *c != '\0' && is_word; c++)
        is_word = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_';
    return is_word &&
           bsearch(name, keywords, ARRAY_LEN(keywords), sizeof(keywords[0]), compare) == NULL;
}

char *name_text(const void *parent, const char *name)
{
    return is_plain(name) ? memory_text(parent, name) : sql_identifier(parent, NULL, name);
}

char *name_with_schema(const void *parent, const char *schema, const char *name)
{
    char *left = is_plain(schema) ? NULL : sql_identifier(parent, NULL, schema);
    char *right = is_plain(name) ? NULL : sql_identifier(parent, NULL, name);
    const char *words[] = {left != NULL ? left : schema, right != NULL ? right : name};
    size_t sizes[] = {strlen(words[0]), strlen(words[1])};
    char *both = memory_raw(parent, sizes[0] + sizes[1] + 2, "name");

    memcpy(both, words[0], sizes[0]);
    both[sizes[0]] = '.';
    memcpy(both + sizes[0] + 1, words[1], sizes[1] + 1);
    talloc_free(left);
    talloc_free(right);
    return both;
}
