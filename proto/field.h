/* field.h: what a message, a fact or a view consists of, as tables: one row a field.
 *
 * The same rows drive msgpack, JSON, limits and docs/protocol.md.  A record is a C struct; a row
 * says where its member lies and what may stand in it.
 */
#ifndef PROTO_FIELD_H
#define PROTO_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* JSON and SQL know no greater number, and two of them can be added. */
#define FIELD_NUMBER_MAX INT64_MAX

enum field_kind {
    FIELD_BOOL,    /* bool */
    FIELD_NUMBER,  /* uint64_t, at most FIELD_NUMBER_MAX */
    FIELD_ENUM,    /* an enum of non-negative values; on the wire its name */
    FIELD_TEXT,    /* char[size], terminated */
    FIELD_STRING,  /* const char *, a talloc child of the record; NULL reads as "" */
    FIELD_RECORD,  /* a struct within the struct */
    FIELD_LIST,    /* struct *, size_t: an array of records, a talloc child */
    FIELD_NUMBERS, /* uint32_t *, size_t */
    FIELD_BYTES,   /* const uint8_t *, size_t; hexadecimal in JSON */
    FIELD_KIND_COUNT
};

/* The names of an enum, by value; a hole is NULL. */
struct field_names {
    const char *name;
    const char *const *names;
    size_t count;
};

struct record;

struct field {
    const char *name;
    enum field_kind kind;
    size_t offset;
    size_t count_offset;             /* LIST, NUMBERS: where the size_t is */
    size_t max;                      /* TEXT: size of the array; STRING: bytes; LIST: elements */
    const struct field_names *names; /* ENUM */
    const struct record *record;     /* RECORD, LIST */
    const char *doc;
};

struct record {
    const char *name;
    size_t size;
    const struct field *fields;
    size_t field_count;
    const char *doc;
};

#define FIELD_AT(type, member) .name = #member, .offset = offsetof(struct type, member)

#define BOOL_FIELD(type, member, text)                                                             \
    {                                                                                              \
        FIELD_AT(type, member), .kind = FIELD_BOOL, .doc = (text)                                  \
    }
#define NUMBER_FIELD(type, member, text)                                                           \
    {                                                                                              \
        FIELD_AT(type, member), .kind = FIELD_NUMBER, .doc = (text)                                \
    }
#define ENUM_FIELD(type, member, values, text)                                                     \
    {                                                                                              \
        FIELD_AT(type, member), .kind = FIELD_ENUM, .names = &(values), .doc = (text)              \
    }
#define TEXT_FIELD(type, member, text)                                                             \
    {                                                                                              \
        FIELD_AT(type, member), .kind = FIELD_TEXT, .max = sizeof(((struct type *)0)->member),     \
                                .doc = (text)                                                      \
    }
#define STRING_FIELD(type, member, bytes_max, text)                                                \
    {                                                                                              \
        FIELD_AT(type, member), .kind = FIELD_STRING, .max = (bytes_max), .doc = (text)            \
    }
#define RECORD_FIELD(type, member, of, text)                                                       \
    {                                                                                              \
        FIELD_AT(type, member), .kind = FIELD_RECORD, .record = &(of), .doc = (text)               \
    }
#define LIST_FIELD(type, member, count_member, of, elements_max, text)                             \
    {                                                                                              \
        FIELD_AT(type, member), .kind = FIELD_LIST, .max = (elements_max), .record = &(of),        \
                                .count_offset = offsetof(struct type, count_member), .doc = (text) \
    }
#define NUMBERS_FIELD(type, member, count_member, elements_max, text)                              \
    {                                                                                              \
        FIELD_AT(type, member), .kind = FIELD_NUMBERS, .max = (elements_max),                      \
                                .count_offset = offsetof(struct type, count_member), .doc = (text) \
    }
#define BYTES_FIELD(type, member, count_member, bytes_max, text)                                   \
    {                                                                                              \
        FIELD_AT(type, member), .kind = FIELD_BYTES, .max = (bytes_max),                           \
                                .count_offset = offsetof(struct type, count_member), .doc = (text) \
    }
#define RECORD(type, rows, text)                                                                   \
    {                                                                                              \
        .name = #type, .size = sizeof(struct type), .fields = (rows),                              \
        .field_count = sizeof(rows) / sizeof((rows)[0]), .doc = (text)                             \
    }

/* NULL if the value has no name. */
const char *field_name_of(const struct field_names *names, unsigned value);
bool field_value_of(const struct field_names *names, const char *name, size_t size, unsigned *ret);

/* The row with that name, or NULL. */
const struct field *field_find(const struct record *record, const char *name, size_t size);

/* True if the member holds its default: false, 0, the first name, "", an empty list. */
bool field_is_default(const struct field *field, const void *base);

/* Why the rows are wrong (a duplicate name, a member outside the struct, a missing doc), or NULL.
 */
const char *record_broken_rule(const struct record *record);

#endif
