/* seeds.c: fuzz_seeds DIR: a first corpus for fuzz_wire and fuzz_fact: every message and every fact
 * once, drawn by their tables. */
#include "common/base/memory.h"
#include "proto/json.h"
#include "proto/message.h"
#include "tests/fuzz/draw.h"
#include "tests/fuzz/journal_bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const words[] = {"main", "db1", "g1", "edge1", "r1", "new"};

static void write_file(const char *directory, const char *name, const void *bytes, size_t size)
{
    char path[512];
    FILE *file;

    (void)text_format(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
}

/* The same on every machine. */
static struct draw deck(unsigned number, uint8_t bytes[static 512])
{
    uint32_t random = 2463534242u + number * 40503u;

    for (int i = 0; i < 512; i++) {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        bytes[i] = (uint8_t)(random >> 11);
    }
    return (struct draw){.next = bytes,
                         .end = bytes + 512,
                         .words = words,
                         .word_count = sizeof(words) / sizeof(words[0])};
}

static void write_message(const char *directory, enum message_type type, const void *context)
{
    const struct message_row *row = message_row(type);
    uint8_t bytes[512];
    struct draw draw = deck(type, bytes);
    void *body = memory_zeroed(context, 1, row->record->size, row->name);
    struct text *out = text_new(context, MESSAGE_BYTES_MAX);
    char name[64];
    uint8_t head;
    json_t *object;
    char *json;

    draw_record(&draw, row->record, body, body);
    head = (uint8_t)row->role;
    text_append_bytes(out, &head, 1);
    message_encode(type, 1, 1, body, out);
    write_file(directory, row->name, out->data, out->size);

    object = json_from_record(row->record, body);
    json = json_dumps(object, JSON_COMPACT);
    out->size = 0;
    head = (uint8_t)(0x80 | type);
    text_append_bytes(out, &head, 1);
    text_append(out, json);
    (void)text_format(name, sizeof(name), "%s.json", row->name);
    write_file(directory, name, out->data, out->size);
    free(json);
    json_decref(object);
}

static void write_fact(const char *directory, enum fact_type type, const void *context)
{
    const struct fact_row *row = fact_row(type);
    uint8_t bytes[512];
    struct draw draw = deck(100 + type, bytes);
    struct fact fact = {.type = type,
                        .at_ms = 1000,
                        .body = memory_zeroed(context, 1, row->record->size, row->name)};
    struct text *out = text_new(context, MESSAGE_BYTES_MAX);

    draw_record(&draw, row->record, fact.body, fact.body);
    journal_bytes_append(&fact, out);
    write_file(directory, row->name, out->data, out->size);
}

int main(int argc, char *argv[])
{
    void *context = talloc_new(NULL);
    char directory[512];

    if (argc != 2) {
        (void)fprintf(stderr, "usage: fuzz_seeds CORPUS\n");
        return 2;
    }
    (void)text_format(directory, sizeof(directory), "%s/wire", argv[1]);
    for (unsigned type = 0; type < MESSAGE_COUNT; type++)
        write_message(directory, (enum message_type)type, context);
    (void)text_format(directory, sizeof(directory), "%s/fact", argv[1]);
    for (unsigned type = 0; type < FACT_COUNT; type++)
        write_fact(directory, (enum fact_type)type, context);
    talloc_free(context);
    return EXIT_SUCCESS;
}
