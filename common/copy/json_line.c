#include "common/copy/json_line.h"

#include "common/base/memory.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ESCAPE_SIZE 8

/* A column's text as COPY writes it. */
struct field {
    const char *at, *end;
};

/* ---- characters ---- */

/* What a character is within a JSON string, as PostgreSQL's own JSON has it; NULL: itself. */
static const char *escaped(char c, char buffer[static ESCAPE_SIZE])
{
    static const struct {
        char c;
        const char *as;
    } rows[] = {{'"', "\\\""}, {'\\', "\\\\"}, {'\n', "\\n"}, {'\r', "\\r"},
                {'\t', "\\t"}, {'\b', "\\b"},  {'\f', "\\f"}};

    if ((unsigned char)c >= ' ' && c != '"' && c != '\\')
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].c == c)
            return rows[i].as;
    (void)snprintf(buffer, ESCAPE_SIZE, "\\u%04x", (unsigned)(unsigned char)c);
    return buffer;
}

/* COPY's own escapes: a letter for what would end a field or a row; any other stands for itself. */
static char unescaped(char letter)
{
    static const char letters[] = "bfnrtv", meant[] = "\b\f\n\r\t\v";
    const char *found = letter == '\0' ? NULL : strchr(letters, letter);

    if (found == NULL)
        return letter;
    return meant[found - letters];
}

/* ---- values ---- */

/* As long as nothing of it has to be written otherwise. */
static const char *end_of_plain(const struct field *field)
{
    const char *at = field->at;

    while (at < field->end && (unsigned char)*at >= ' ' && *at != '"' && *at != '\\')
        at++;
    return at;
}

static void append_string(struct text *ret, struct field field)
{
    char buffer[ESCAPE_SIZE];

    text_append_bytes(ret, "\"", 1);
    while (field.at < field.end) {
        const char *end = end_of_plain(&field);
        const char *as;
        char c;

        text_append_bytes(ret, field.at, (size_t)(end - field.at));
        field.at = end;
        if (field.at == field.end)
            break;
        c = *field.at++;
        if (c == '\\' && field.at < field.end)
            c = unescaped(*field.at++);
        as = escaped(c, buffer);
        text_append_bytes(ret, as != NULL ? as : &c, as != NULL ? strlen(as) : 1);
    }
    text_append_bytes(ret, "\"", 1);
}

/* Between the words of a document a line end is as good as a space; within them there is none. */
static void append_itself(struct text *ret, struct field field)
{
    while (field.at < field.end) {
        const char *escape = memchr(field.at, '\\', (size_t)(field.end - field.at));
        const char *end = escape != NULL ? escape : field.end;
        char c;

        text_append_bytes(ret, field.at, (size_t)(end - field.at));
        field.at = end;
        if (field.end - field.at < 2) {
            text_append_bytes(ret, field.at, (size_t)(field.end - field.at));
            break;
        }
        c = unescaped(field.at[1]);
        if (c == '\n' || c == '\r')
            c = ' ';
        text_append_bytes(ret, &c, 1);
        field.at += 2;
    }
}

static bool is_number(const struct field *field)
{
    const char *at = field->at;

    if (at < field->end && *at == '-')
        at++;
    return at < field->end && *at >= '0' && *at <= '9';
}

static bool append_value(struct text *ret, struct field field, enum json_kind kind)
{
    size_t size = (size_t)(field.end - field.at);

    if (size == 2 && memcmp(field.at, "\\N", 2) == 0) {
        text_append_bytes(ret, "null", 4);
    } else if (kind == JSON_KIND_BOOLEAN) {
        if (size != 1 || (*field.at != 't' && *field.at != 'f'))
            return false;
        text_append(ret, *field.at == 't' ? "true" : "false");
    } else if (kind == JSON_KIND_STRING || (kind == JSON_KIND_NUMBER && !is_number(&field))) {
        append_string(ret, field);
    } else if (kind == JSON_KIND_NUMBER) {
        text_append_bytes(ret, field.at, size);
    } else {
        append_itself(ret, field);
    }
    return true;
}

/* ---- lines ---- */

const char *json_line_key(const void *parent, const char *name, bool is_first)
{
    struct text *key = text_new(parent, SIZE_MAX / 2);
    char buffer[ESCAPE_SIZE];

    text_append(key, is_first ? "{\"" : ",\"");
    for (const char *c = name; *c != '\0'; c++) {
        const char *as = escaped(*c, buffer);

        text_append_bytes(key, as != NULL ? as : c, as != NULL ? strlen(as) : 1);
    }
    text_append(key, "\":");
    return key->data;
}

/* Up to the next tab: those within a text are escaped. */
static struct field next_field(const char **at, const char *end)
{
    const char *tab = memchr(*at, '\t', (size_t)(end - *at));
    struct field field = {.at = *at, .end = tab != NULL ? tab : end};

    *at = tab != NULL ? tab + 1 : NULL;
    return field;
}

enum error_code json_line_append(const char *row, size_t size,
                                 const struct json_line_columns *columns, struct text *ret,
                                 struct error *err)
{
    const char *at = row, *end = row + size - (size > 0 && row[size - 1] == '\n');
    size_t i = 0;

    for (; i < columns->count && at != NULL; i++) {
        struct field field = next_field(&at, end);

        text_append(ret, columns->keys[i]);
        if (!append_value(ret, field, columns->kinds[i]))
            return error_set(err, ERROR_PROTOCOL, "the server's value of column %zu is no boolean",
                             i + 1);
    }
    if (i < columns->count || at != NULL)
        return error_set(err, ERROR_PROTOCOL, "the server's row has not %zu columns",
                         columns->count);
    text_append(ret, "}\n");
    return ERROR_OK;
}
