/* yaml.h: YAML into C structs by a table of keys; errors name the file, the line and the key.
 *
 *     struct thing { const char *name; uint64_t wait_ms; };
 *     static const struct yaml_key thing_keys[] = {
 *         {.key = "name", .kind = YAML_KIND_NAME, .offset = offsetof(struct thing, name),
 *          .is_required = true, .doc = "what it is called"},
 *         {.key = "wait", .kind = YAML_KIND_DURATION, .offset = offsetof(struct thing, wait_ms),
 *          .otherwise = "5s", .doc = "how long to wait"},
 *     };
 *     static const struct yaml_table thing_table = YAML_TABLE(struct thing, thing_keys);
 */
#ifndef COMMON_CONFIG_YAML_H
#define COMMON_CONFIG_YAML_H

#include "common/base/error.h"
#include "common/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define YAML_BYTES_MAX 1048576
#define YAML_DEPTH_MAX 12
#define YAML_NODES_MAX 20000
#define YAML_LIST_MAX  1000 /* of any list whose row gives no max */
#define YAML_TEXT_MAX  8192 /* likewise, bytes of a text */
#define YAML_NAME_MAX  63

/* What a key holds, and the C type at its offset. */
enum yaml_kind {
    YAML_KIND_TEXT,     /* const char * */
    YAML_KIND_NAME,     /* const char *, text_is_name() */
    YAML_KIND_NUMBER,   /* uint64_t */
    YAML_KIND_BOOL,     /* bool: true, false */
    YAML_KIND_DURATION, /* uint64_t, milliseconds: 250ms, 5s, 10m, 2h, 1d */
    YAML_KIND_TEXTS,    /* const char **, and a size_t at count_offset */
    YAML_KIND_NAMES,    /* likewise, text_is_name() */
    YAML_KIND_STRUCT,   /* the struct itself, by the table nested */
    YAML_KIND_STRUCTS,  /* pointer to an array of structs, and a size_t at count_offset */
    YAML_KIND_COUNT
};

struct yaml_table;

struct yaml_key {
    const char *key;
    enum yaml_kind kind;
    bool is_required;
    size_t offset;
    size_t count_offset;             /* lists only */
    uint64_t min;                    /* number, duration: value; text: bytes; lists: entries */
    uint64_t max;                    /* 0: no other limit than those above */
    const char *otherwise;           /* the value of a scalar key that is not there, as text;
                                      * NULL: zero, false or NULL */
    const struct yaml_table *nested; /* structs only */
    /* Texts and names, each of a list too: what a value is that cannot be meant, such as "not an
     * absolute path"; NULL: it may be. The row may leave it out. */
    const char *(*value_fault)(const char *value);
    const char *doc;
};

/* What is wrong with a struct whose values are all right one by one. */
struct yaml_fault {
    const char *key; /* of the table: its line is named; the struct's, if it is not there */
    size_t entry;    /* of that key's list, from 1: the entry's line is; 0: the key's */
    char sentence[256];
};

struct yaml_table {
    const struct yaml_key *keys;
    size_t key_count;
    size_t size; /* of the C struct */
    /* Do the values go together? NULL: any do. */
    bool (*is_faulty)(const void *filled, struct yaml_fault *ret);
};

#define YAML_TABLE(type, rows)                                                                     \
    {                                                                                              \
        .keys = (rows), .key_count = ARRAY_LEN(rows), .size = sizeof(type)                         \
    }
#define YAML_CHECKED_TABLE(type, rows, function)                                                   \
    {                                                                                              \
        .keys = (rows), .key_count = ARRAY_LEN(rows), .size = sizeof(type),                        \
        .is_faulty = (function)                                                                    \
    }

/* Fills the struct at ret (written only on success); whatever it points to is a talloc descendant
 * of parent.  An unreadable or empty file, a syntax error, an unknown, duplicate or missing key, a
 * value of the wrong type, out of its limits or without sense, an anchor or alias, too big or too
 * deep: ERROR_CONFIG, in one sentence "FILE:LINE: KEY: ...". */
enum error_code yaml_read_file(const void *parent, const char *path, const struct yaml_table *table,
                               void *ret, struct error *err);

/* Of a text in memory. */
struct yaml_text {
    const char *name; /* what the errors call it */
    const char *bytes;
    size_t size;
};

enum error_code yaml_read(const void *parent, const struct yaml_text *text,
                          const struct yaml_table *table, void *ret, struct error *err);

/* The kind's name for people: "duration". */
const char *yaml_kind_name(enum yaml_kind kind);

#endif
