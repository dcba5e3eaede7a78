/* section.c: layouts with both ways in one file, cut by marks in comments: goose, dbmate and
 * sql-migrate.
 */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/layout/reading.h"

#include <string.h>
#include <strings.h>

#define MARK_SIZE 80

enum section_act {
    SECTION_BEGINS,
    SECTION_OPENS_BLOCK,
    SECTION_CLOSES_BLOCK,
    SECTION_EACH, /* of the whole file */
    SECTION_SAYS_NOTHING,
    SECTION_REFUSED
};

struct section_mark {
    const char *words; /* NULL: the last row */
    enum section_act act;
    enum layout_script_kind way; /* of BEGINS */
    bool is_each;                /* likewise */
};

struct section_layout {
    const char *lead; /* "+goose" */
    const struct section_mark *marks;
    bool may_be_indented;
};

static const struct section_layout goose = {
    .lead = "+goose",
    .may_be_indented = true,
    .marks = (const struct section_mark[]){
        {.words = "Up", .act = SECTION_BEGINS, .way = LAYOUT_UP},
        {.words = "Down", .act = SECTION_BEGINS, .way = LAYOUT_DOWN},
        {.words = "StatementBegin", .act = SECTION_OPENS_BLOCK},
        {.words = "StatementEnd", .act = SECTION_CLOSES_BLOCK},
        {.words = "NO TRANSACTION", .act = SECTION_EACH},
        {.words = "ENVSUB ON", .act = SECTION_REFUSED},
        {.words = "ENVSUB OFF", .act = SECTION_SAYS_NOTHING},
        {.words = NULL},
    }};

static const struct section_layout dbmate = {
    .lead = "migrate:",
    .marks = (const struct section_mark[]){
        {.words = "up", .act = SECTION_BEGINS, .way = LAYOUT_UP},
        {.words = "up transaction:true", .act = SECTION_BEGINS, .way = LAYOUT_UP},
        {.words = "up transaction:false", .act = SECTION_BEGINS, .way = LAYOUT_UP, .is_each = true},
        {.words = "down", .act = SECTION_BEGINS, .way = LAYOUT_DOWN},
        {.words = "down transaction:true", .act = SECTION_BEGINS, .way = LAYOUT_DOWN},
        {.words = "down transaction:false",
         .act = SECTION_BEGINS,
         .way = LAYOUT_DOWN,
         .is_each = true},
        {.words = NULL},
    }};

static const struct section_layout sql_migrate = {
    .lead = "+migrate",
    .marks = (const struct section_mark[]){
        {.words = "Up", .act = SECTION_BEGINS, .way = LAYOUT_UP},
        {.words = "Up notransaction", .act = SECTION_BEGINS, .way = LAYOUT_UP, .is_each = true},
        {.words = "Down", .act = SECTION_BEGINS, .way = LAYOUT_DOWN},
        {.words = "Down notransaction", .act = SECTION_BEGINS, .way = LAYOUT_DOWN, .is_each = true},
        {.words = "StatementBegin", .act = SECTION_OPENS_BLOCK},
        {.words = "StatementEnd", .act = SECTION_CLOSES_BLOCK},
        {.words = NULL},
    }};

/* One file on its way. */
struct section_file {
    const struct section_layout *layout;
    const struct layout_file *file;
    size_t line;
    size_t block_line; /* of the block that is open; 0: none is */
    bool is_in;        /* behind the first Up or Down */
    bool is_each;
    enum layout_script_kind way;
    struct {
        struct text *text; /* NULL: no such section */
        size_t first_line;
        size_t lines;
        bool is_each;
    } sections[LAYOUT_SCRIPT_COUNT];
};

/* ---- marks ---- */

/* Behind the lead, words with one space between; false if the line is no mark. */
static bool read_mark(const struct section_layout *layout, const char *line, size_t length,
                      char ret[static MARK_SIZE])
{
    size_t used = 0, at = 0;

    while (layout->may_be_indented && at < length && strchr(" \t", line[at]) != NULL)
        at++;
    if (length - at < 2 || memcmp(line + at, "--", 2) != 0)
        return false;
    for (at += 2; at < length && strchr(" \t", line[at]) != NULL;)
        at++;
    if (length - at < strlen(layout->lead) ||
        memcmp(line + at, layout->lead, strlen(layout->lead)) != 0)
        return false;
    for (at += strlen(layout->lead); at < length && used < MARK_SIZE - 1; at++) {
        if (strchr(" \t\r", line[at]) == NULL)
            ret[used++] = line[at];
        else if (used > 0 && ret[used - 1] != ' ')
            ret[used++] = ' ';
    }
    while (used > 0 && ret[used - 1] == ' ')
        used--;
    ret[used] = '\0';
    return true;
}

static enum error_code fail_unknown(const struct section_file *s, const char *words,
                                    struct error *err)
{
    char known[400] = "";
    size_t used = 0;

    for (const struct section_mark *mark = s->layout->marks; mark->words != NULL; mark++)
        if (text_format(known + used, sizeof(known) - used, "%s%s", used == 0 ? "" : ", ",
                        mark->words))
            used = strlen(known);
    return error_set(err, ERROR_INVALID, "%s:%zu: -- %s has no \"%s\"; it has %s", s->file->path,
                     s->line, s->layout->lead, words, known);
}

static enum error_code begin_section(struct section_file *s, const struct section_mark *mark,
                                     const void *parent, struct error *err)
{
    if (s->block_line != 0)
        return error_set(err, ERROR_INVALID, "%s:%zu: StatementBegin without a StatementEnd",
                         s->file->path, s->block_line);
    s->way = mark->way;
    s->is_in = true;
    if (s->sections[mark->way].text == NULL) {
        s->sections[mark->way].text = text_new(parent, SPLIT_BYTES_MAX);
        s->sections[mark->way].first_line = s->line + 1;
    }
    s->sections[mark->way].is_each |= mark->is_each;
    return ERROR_OK;
}

static enum error_code change_block(struct section_file *s, bool opens, struct error *err)
{
    if (!s->is_in)
        return error_set(err, ERROR_INVALID, "%s:%zu: a block stands before the first Up",
                         s->file->path, s->line);
    if (opens == (s->block_line != 0))
        return error_set(err, ERROR_INVALID, "%s:%zu: %s", s->file->path, s->line,
                         opens ? "StatementBegin inside of another"
                               : "StatementEnd without a StatementBegin");
    s->block_line = opens ? s->line : 0;
    return ERROR_OK;
}

static enum error_code do_mark(struct section_file *s, const char *words, const void *parent,
                               struct error *err)
{
    const struct section_mark *mark = s->layout->marks;

    while (mark->words != NULL && strcasecmp(mark->words, words) != 0)
        mark++;
    if (mark->words == NULL)
        return fail_unknown(s, words, err);
    switch (mark->act) {
    case SECTION_BEGINS:
        return begin_section(s, mark, parent, err);
    case SECTION_OPENS_BLOCK:
    case SECTION_CLOSES_BLOCK:
        return change_block(s, mark->act == SECTION_OPENS_BLOCK, err);
    case SECTION_EACH:
        s->is_each = true;
        return ERROR_OK;
    case SECTION_SAYS_NOTHING:
        return ERROR_OK;
    case SECTION_REFUSED:
        break;
    }
    return error_set(err, ERROR_INVALID,
                     "%s:%zu: %s: what a migration does may not depend on who runs it: write the "
                     "values",
                     s->file->path, s->line, mark->words);
}

/* ---- lines ---- */

/* So that lines agree, those of other sections in between stay as empty ones. */
static void add_line(struct section_file *s, const char *line, size_t length)
{
    struct text *text = s->sections[s->way].text;

    for (; s->sections[s->way].lines < s->line - s->sections[s->way].first_line;
         s->sections[s->way].lines++)
        text_append(text, "\n");
    text_append_bytes(text, line, length);
}

static enum error_code check_head(const struct section_file *s, size_t end, struct error *err)
{
    size_t word = script_first_word(s->file->bytes, end);
    size_t line = 1;

    if (word >= end)
        return ERROR_OK;
    for (size_t i = 0; i < word; i++)
        line += s->file->bytes[i] == '\n';
    return error_set(err, ERROR_INVALID, "%s:%zu: a statement stands before the first -- %s mark",
                     s->file->path, line, s->layout->lead);
}

static enum error_code read_line(struct section_file *s, size_t at, size_t length,
                                 const void *parent, struct error *err)
{
    const char *line = s->file->bytes + at;
    char words[MARK_SIZE];

    if (read_mark(s->layout, line, length, words)) {
        if (!s->is_in && check_head(s, at, err) != ERROR_OK)
            return err->code;
        return do_mark(s, words, parent, err);
    }
    if (s->is_in)
        add_line(s, line, length);
    return ERROR_OK;
}

static enum error_code read_lines(struct section_file *s, const void *parent, struct error *err)
{
    const struct layout_file *file = s->file;

    for (size_t at = 0, length; at < file->size; at += length + 1) {
        const char *newline = memchr(file->bytes + at, '\n', file->size - at);

        length = newline == NULL ? file->size - at : (size_t)(newline - file->bytes) - at;
        s->line++;
        if (read_line(s, at, length, parent, err) != ERROR_OK)
            return err->code;
    }
    if (s->block_line != 0)
        return error_set(err, ERROR_INVALID, "%s:%zu: StatementBegin without a StatementEnd",
                         file->path, s->block_line);
    if (s->sections[LAYOUT_UP].text == NULL)
        return error_set(err, ERROR_INVALID, "%s: there is no -- %s%s%s", file->path,
                         s->layout->lead, text_ends_with(s->layout->lead, ":") ? "" : " ",
                         s->layout->marks[0].words);
    return ERROR_OK;
}

/* ---- files ---- */

static void give_sections(const struct section_file *s, struct layout_revision *revision)
{
    for (size_t i = 0; i < LAYOUT_SCRIPT_COUNT; i++) {
        if (s->sections[i].text == NULL)
            continue;
        revision->scripts[i] = (struct layout_script){
            .path = s->file->path,
            .text = s->sections[i].text->data,
            .size = s->sections[i].text->size,
            .line = s->sections[i].first_line,
            .is_each = s->is_each || s->sections[i].is_each,
        };
    }
}

static enum error_code take(struct layout_reading *in, const struct section_layout *layout,
                            const struct layout_file *file, struct error *err)
{
    size_t digits = strspn(file->path, "0123456789");
    struct section_file s = {.layout = layout, .file = file};
    struct layout_revision *revision;
    const char *version = memory_copy(in->memory, file->path, digits);
    size_t skip = digits + (file->path[digits] == '_');
    const char *name = memory_copy(in->memory, file->path + skip, strlen(file->path) - skip - 4);

    if (read_lines(&s, in->memory, err) != ERROR_OK ||
        reading_add(in, version, name, &revision, err) != ERROR_OK)
        return err->code;
    revision->path = file->path;
    give_sections(&s, revision);
    return ERROR_OK;
}

static enum error_code read_all(struct layout_reading *in, const struct section_layout *layout,
                                struct error *err)
{
    for (size_t i = 0; i < in->file_count; i++) {
        const struct layout_file *file = &in->files[i];

        if (!text_ends_with(file->path, ".sql"))
            continue;
        if (!reading_is_top(file->path) || strspn(file->path, "0123456789") == 0)
            reading_note(in, "%s is left out: its name does not begin with a version", file->path);
        else if (take(in, layout, file, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

static bool has_mark(const struct section_layout *layout, const struct layout_file *file)
{
    char words[MARK_SIZE];

    for (size_t at = 0, length; at < file->size; at += length + 1) {
        length = strcspn(file->bytes + at, "\n");
        if (read_mark(layout, file->bytes + at, length, words))
            return true;
    }
    return false;
}

static bool recognises(const struct layout_reading *in, const struct section_layout *layout)
{
    for (size_t i = 0; i < in->file_count; i++)
        if (reading_is_top(in->files[i].path) && text_ends_with(in->files[i].path, ".sql") &&
            has_mark(layout, &in->files[i]))
            return true;
    return false;
}

bool goose_recognises(const struct layout_reading *in)
{
    return recognises(in, &goose);
}

enum error_code goose_read(struct layout_reading *in, struct error *err)
{
    return read_all(in, &goose, err);
}

bool dbmate_recognises(const struct layout_reading *in)
{
    return recognises(in, &dbmate);
}

enum error_code dbmate_read(struct layout_reading *in, struct error *err)
{
    return read_all(in, &dbmate, err);
}

bool sql_migrate_recognises(const struct layout_reading *in)
{
    return recognises(in, &sql_migrate);
}

enum error_code sql_migrate_read(struct layout_reading *in, struct error *err)
{
    return read_all(in, &sql_migrate, err);
}
