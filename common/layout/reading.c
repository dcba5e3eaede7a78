#include "common/layout/reading.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION_WIDTH 4 /* so that 10 sorts behind 9, in most histories */

/* ---- versions ---- */

static size_t part_length(const char *version)
{
    return strcspn(version, ".");
}

static int compare_parts(const char *a, size_t a_length, const char *b, size_t b_length)
{
    while (a_length > 0 && *a == '0') {
        a++;
        a_length--;
    }
    while (b_length > 0 && *b == '0') {
        b++;
        b_length--;
    }
    if (a_length != b_length)
        return a_length < b_length ? -1 : 1;
    return a_length == 0 ? 0 : memcmp(a, b, a_length);
}

int reading_compare_versions(const char *a, const char *b)
{
    while (*a != '\0' || *b != '\0') {
        size_t a_length = part_length(a);
        size_t b_length = part_length(b);
        int order = compare_parts(a, a_length, b, b_length);

        if (order != 0)
            return order;
        a += a_length + (a[a_length] == '.');
        b += b_length + (b[b_length] == '.');
    }
    return 0;
}

/* ---- names ---- */

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
}

/* Whatever else there is becomes '_'. */
static char *name_of(const void *parent, const char *version, const char *name)
{
    size_t digits = strspn(version, "0123456789");
    int zeros = digits > 0 && digits < VERSION_WIDTH ? (int)(VERSION_WIDTH - digits) : 0;
    const char *between = version[0] != '\0' && name[0] != '\0' ? "_" : "";
    char *made = memory_format(parent, "%.*s%s%s%s", zeros, "0000", version, between, name);

    for (char *c = made; *c != '\0'; c++)
        if (!is_name_byte(*c))
            *c = '_';
    if (strlen(made) > MIGRATION_NAME_MAX)
        made[MIGRATION_NAME_MAX] = '\0';
    return made;
}

enum error_code reading_add(struct layout_reading *in, const char *version, const char *name,
                            struct layout_revision **ret, struct error *err)
{
    struct layout_revision *added;
    const char *made;

    if (in->revision_count == GRAPH_REVISIONS_MAX)
        return error_set(err, ERROR_LIMIT, "there are more than %d revisions", GRAPH_REVISIONS_MAX);
    if (strlen(version) > LAYOUT_VERSION_MAX)
        return error_set(err, ERROR_INVALID, "%.80s: a version has at most %d characters", version,
                         LAYOUT_VERSION_MAX);
    made = name_of(in->memory, version, name);
    if (!text_is_name(made, MIGRATION_NAME_MAX))
        return error_set(err, ERROR_INVALID,
                         "%.80s: a migration's name begins with a letter or a digit", name);
    in->revisions =
        memory_grow(in->memory, in->revisions, in->revision_count, in->revision_count + 1);
    added = &in->revisions[in->revision_count++];
    added->version = memory_text(in->memory, version);
    added->name = made;
    *ret = added;
    return ERROR_OK;
}

enum error_code reading_add_repeatable(struct layout_reading *in, const char *name,
                                       const struct layout_file *file, struct error *err)
{
    const char *made = name_of(in->memory, "", name);

    if (!text_is_name(made, MIGRATION_NAME_MAX))
        return error_set(err, ERROR_INVALID, "%s: its name begins with a letter or a digit",
                         file->path);
    for (size_t i = 0; i < in->repeatable_count; i++)
        if (strcmp(in->repeatables[i].name, made) == 0)
            return error_set(err, ERROR_INVALID, "%s and %s would both be the repeatable %s",
                             in->repeatables[i].file->path, file->path, made);
    in->repeatables =
        memory_grow(in->memory, in->repeatables, in->repeatable_count, in->repeatable_count + 1);
    in->repeatables[in->repeatable_count++] =
        (struct layout_repeatable){.name = made, .file = file};
    return ERROR_OK;
}

struct layout_revision *reading_find_version(const struct layout_reading *in, const char *version)
{
    for (size_t i = in->revision_count; i-- > 0;)
        if (reading_compare_versions(in->revisions[i].version, version) == 0)
            return &in->revisions[i];
    return NULL;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct layout_file *)a)->path, ((const struct layout_file *)b)->path);
}

const struct layout_file *reading_find_file(const struct layout_reading *in, const char *path)
{
    const struct layout_file wanted = {.path = path};

    if (in->file_count == 0)
        return NULL;
    return bsearch(&wanted, in->files, in->file_count, sizeof(wanted), by_path);
}

enum error_code reading_take(struct layout_revision *revision, enum layout_script_kind kind,
                             const struct layout_file *file, struct error *err)
{
    struct layout_script *script = &revision->scripts[kind];

    if (script->path != NULL)
        return error_set(err, ERROR_INVALID,
                         "%s: %s has the same version, %s: give one of them another", file->path,
                         script->path, revision->version);
    *script = (struct layout_script){
        .path = file->path, .text = file->bytes, .size = file->size, .line = 1};
    if (revision->path == NULL || kind == LAYOUT_UP)
        revision->path = file->path;
    return ERROR_OK;
}

void reading_note(struct layout_reading *in, const char *format, ...)
{
    char sentence[ERROR_DETAIL_MAX];
    va_list arguments;

    if (in->note_count == LAYOUT_NOTES_MAX)
        return;
    va_start(arguments, format);
    (void)vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    in->notes = memory_grow(in->memory, in->notes, in->note_count, in->note_count + 1);
    in->notes[in->note_count++] = memory_text(in->memory, sentence);
}

/* ---- other languages ---- */

bool reading_is_top(const char *path)
{
    return strchr(path, '/') == NULL;
}

/* "00002_fill.go", "V3__fill.java": a number first; embed.go and the like carry no migration. */
static bool has_version(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;

    if (strchr("VURB", name[0]) != NULL && name[0] != '\0')
        name++;
    return *name >= '0' && *name <= '9';
}

enum error_code reading_refuse_languages(const struct layout_reading *in, struct error *err)
{
    static const char *const endings[] = {".go",  ".rb", ".java", ".kt",     ".class", ".py",
                                          ".php", ".js", ".ts",   ".groovy", ".scala", ".rs"};

    for (size_t i = 0; i < in->file_count; i++)
        for (size_t e = 0; e < ARRAY_LEN(endings); e++)
            if (text_ends_with(in->files[i].path, endings[e]) && has_version(in->files[i].path))
                return error_set(err, ERROR_INVALID,
                                 "%s: a migration that is not SQL cannot be read: write it in "
                                 "SQL, or as a backfill",
                                 in->files[i].path);
    return ERROR_OK;
}

/* ---- order ---- */

static int by_version(const void *a, const void *b)
{
    return reading_compare_versions(((const struct layout_revision *)a)->version,
                                    ((const struct layout_revision *)b)->version);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct layout_revision *const *)a)->name,
                  (*(const struct layout_revision *const *)b)->name);
}

static enum error_code check_versions(const struct layout_reading *in, struct error *err)
{
    for (size_t i = 1; i < in->revision_count; i++)
        if (by_version(&in->revisions[i - 1], &in->revisions[i]) == 0)
            return error_set(
                err, ERROR_INVALID, "%s and %s have the same version, %s: give one of them another",
                in->revisions[i - 1].path, in->revisions[i].path, in->revisions[i].version);
    return ERROR_OK;
}

static enum error_code check_names(const struct layout_reading *in, struct error *err)
{
    const struct layout_revision **sorted =
        memory_array(in->memory, const struct layout_revision *, in->revision_count);

    for (size_t i = 0; i < in->revision_count; i++)
        sorted[i] = &in->revisions[i];
    if (in->revision_count > 1)
        qsort(sorted, in->revision_count, sizeof(sorted[0]), by_name);
    for (size_t i = 1; i < in->revision_count; i++)
        if (by_name(&sorted[i - 1], &sorted[i]) == 0)
            return error_set(err, ERROR_INVALID, "%s and %s would both be the revision %s",
                             sorted[i - 1]->path, sorted[i]->path, sorted[i]->name);
    return ERROR_OK;
}

enum error_code reading_order(struct layout_reading *in, bool has_order, struct error *err)
{
    if (!has_order && in->revision_count > 1)
        qsort(in->revisions, in->revision_count, sizeof(in->revisions[0]), by_version);
    if (!has_order && check_versions(in, err) != ERROR_OK)
        return err->code;
    return check_names(in, err);
}
