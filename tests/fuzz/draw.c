#include "tests/fuzz/draw.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <string.h>

#define ITEMS_MAX 6 /* of a list: more would only be more of the same */

bool draw_is_empty(const struct draw *draw)
{
    return draw->next == draw->end;
}

uint8_t draw_byte(struct draw *draw)
{
    return draw_is_empty(draw) ? 0 : *draw->next++;
}

uint64_t draw_below(struct draw *draw, uint64_t limit)
{
    return limit == 0 ? 0 : draw_byte(draw) % limit;
}

uint64_t draw_number(struct draw *draw)
{
    static const uint64_t edges[] = {1000,          3000,     3001,         15000,
                                     60000,         300000,   UINT32_MAX,   INT64_MAX,
                                     INT64_MAX - 1, 1u << 16, 0x10000u + 50};
    uint8_t byte = draw_byte(draw);

    return byte < 240 ? byte % 120 : edges[(byte - 240) % ARRAY_LEN(edges)];
}

const char *draw_word(struct draw *draw)
{
    return draw->word_count == 0 ? "" : draw->words[draw_byte(draw) % draw->word_count];
}

/* Two-byte characters up to the brim: whoever cuts it must not cut one in half. */
static void fill_to_the_brim(char *ret, size_t size, size_t shift)
{
    size_t at = 0;

    for (; at < shift && at + 1 < size; at++)
        ret[at] = 'x';
    for (; at + 2 < size; at += 2)
        memcpy(ret + at, "\xc3\xa9", 2);
    ret[at] = '\0';
}

static void draw_text(struct draw *draw, char *ret, size_t size)
{
    uint8_t byte = draw_byte(draw);

    if (byte >= 250)
        fill_to_the_brim(ret, size, byte - 250u);
    else if (byte >= 8 && draw->word_count > 0)
        (void)text_copy(ret, size, draw->words[byte % draw->word_count]);
}

static void draw_list(struct draw *draw, const struct field *field, const void *parent, char *base)
{
    size_t size = field->kind == FIELD_LIST      ? field->record->size
                  : field->kind == FIELD_NUMBERS ? sizeof(uint32_t)
                                                 : 1;
    size_t count = draw_below(draw, field->max < ITEMS_MAX ? field->max + 1 : ITEMS_MAX);
    char *items = memory_zeroed(parent, count, size, "drawn");

    for (size_t i = 0; i < count; i++) {
        if (field->kind == FIELD_LIST)
            draw_record(draw, field->record, items, items + i * size);
        else if (field->kind == FIELD_NUMBERS)
            ((uint32_t *)(void *)items)[i] = (uint32_t)draw_number(draw);
        else
            items[i] = (char)draw_byte(draw);
    }
    *(char **)(void *)(base + field->offset) = items;
    *(size_t *)(void *)(base + field->count_offset) = count;
}

static void draw_field(struct draw *draw, const struct field *field, const void *parent, char *base)
{
    char *at = base + field->offset;

    switch (field->kind) {
    case FIELD_BOOL:
        *(bool *)(void *)at = (draw_byte(draw) & 1) != 0;
        break;
    case FIELD_NUMBER:
        *(uint64_t *)(void *)at = draw_number(draw);
        break;
    case FIELD_ENUM:
        *(unsigned *)(void *)at = (unsigned)draw_below(draw, field->names->count);
        break;
    case FIELD_TEXT:
        draw_text(draw, at, field->max);
        break;
    case FIELD_STRING:
        *(const char **)(void *)at = memory_text(parent, draw_word(draw));
        break;
    case FIELD_RECORD:
        draw_record(draw, field->record, parent, at);
        break;
    case FIELD_LIST:
    case FIELD_NUMBERS:
    case FIELD_BYTES:
        draw_list(draw, field, parent, base);
        break;
    case FIELD_KIND_COUNT:
        break;
    }
}

void draw_record(struct draw *draw, const struct record *record, const void *parent, void *ret)
{
    for (size_t i = 0; i < record->field_count; i++)
        draw_field(draw, &record->fields[i], parent, ret);
}
