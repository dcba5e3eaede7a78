#include "coordinator/cli/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ROWS_OTHERWISE    24
#define COLUMNS_OTHERWISE 100

/* ---- characters ---- */

struct range {
    uint32_t first, last;
};

/* Controls, C1 (terminals obey them as they obey ESC), line ends and overrides of the direction. */
static const struct range controls[] = {
    {0x01, 0x1f}, {0x7f, 0x9f}, {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069},
};

/* Two columns each (Unicode 15, EastAsianWidth W and F, and pictures, by whole blocks). */
static const struct range wide[] = {
    {0x1100, 0x115f}, {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xa960, 0xa97f},
    {0xac00, 0xd7a3}, {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},
    {0xffe0, 0xffe6}, {0x1f000, 0x1faff}, {0x20000, 0x3fffd},
};

static bool is_in(const struct range *ranges, size_t count, uint32_t character)
{
    for (size_t i = 0; i < count; i++)
        if (character >= ranges[i].first && character <= ranges[i].last)
            return true;
    return false;
}

/* Of well-formed UTF-8; ret_bytes of a character, 1 to 4. */
static uint32_t character_at(const char *text, size_t *ret_bytes)
{
    static const uint8_t first_mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    const uint8_t *p = (const uint8_t *)text;
    size_t bytes = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    uint32_t character = p[0] & first_mask[bytes];

    for (size_t i = 1; i < bytes; i++)
        character = character << 6 | (p[i] & 0x3fU);
    *ret_bytes = bytes;
    return character;
}

void terminal_disarm(char *text, const char *keep)
{
    size_t bytes;

    text_mend(text);
    for (char *p = text; *p != '\0'; p += bytes) {
        uint32_t character = character_at(p, &bytes);

        if (!is_in(controls, ARRAY_LEN(controls), character) ||
            (bytes == 1 && strchr(keep, *p) != NULL))
            continue;
        memset(p, strchr("\n\r\t", *p) != NULL ? ' ' : '?', bytes);
    }
}

size_t terminal_fitting(const char *text, int columns)
{
    size_t at = 0;
    size_t bytes;

    for (; text[at] != '\0'; at += bytes) {
        columns -= is_in(wide, ARRAY_LEN(wide), character_at(text + at, &bytes)) ? 2 : 1;
        if (columns < 0)
            break;
    }
    return at;
}

/* What our own pictures are made of. */
static const struct {
    uint32_t character;
    char ascii;
} spellings[] = {
    {0xb7, '.'},   {0x2013, '-'}, {0x2192, '>'}, {0x2500, '-'}, {0x2514, '`'}, {0x251c, '|'},
    {0x2588, '#'}, {0x2591, '.'}, {0x25b6, '>'}, {0x25cb, 'o'}, {0x2714, '+'}, {0x2718, 'x'},
};

static char in_ascii(uint32_t character)
{
    for (size_t i = 0; i < ARRAY_LEN(spellings); i++)
        if (spellings[i].character == character)
            return spellings[i].ascii;
    return '?';
}

void terminal_spell(const struct terminal *terminal, const char *text, struct text *out)
{
    size_t bytes;

    for (; *text != '\0'; text += bytes) {
        uint32_t character = character_at(text, &bytes);
        char ascii = in_ascii(character);

        if (bytes == 1 || terminal->is_utf8)
            text_append_bytes(out, text, bytes);
        else
            text_append_bytes(out, &ascii, 1);
    }
}

/* ---- the terminal ---- */

/* A locale that is named and not installed says what it wants all the same. */
static bool locale_is_utf8(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    if (setlocale(LC_CTYPE, "") != NULL)
        return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
        const char *value = getenv(variables[i]);

        if (value != NULL && value[0] != '\0')
            return strstr(value, ".UTF-8") != NULL || strstr(value, ".utf8") != NULL;
    }
    return false;
}

/* https://no-color.org: set, and not empty. */
static bool colour_is_wanted(void)
{
    const char *no = getenv("NO_COLOR");

    return no == NULL || no[0] == '\0';
}

void terminal_look(struct terminal *ret)
{
    struct winsize size;

    *ret = (struct terminal){.rows = ROWS_OTHERWISE,
                             .columns = COLUMNS_OTHERWISE,
                             .has_colour = colour_is_wanted(),
                             .is_utf8 = locale_is_utf8()};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
        ret->rows = size.ws_row;
        ret->columns = size.ws_col;
    }
}

bool terminal_can_redraw(void)
{
    const char *kind = getenv("TERM");

    return isatty(STDOUT_FILENO) != 0 && kind != NULL && strcmp(kind, "dumb") != 0;
}
