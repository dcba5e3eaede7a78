/* native.c: revisions of a foreign layout as the files that native ones consist of. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/layout/reading.h"

#include <stdlib.h>
#include <string.h>

#define EACH_MARK     "-- hakem:commit each\n"
#define MUST_RUN_MARK "-- hakem:must-run\n"
#define MANIFEST_MAX  1024

struct writing {
    struct layout_reading *in;
    struct migration_file *files;
    size_t count;
};

static void add_file(struct writing *w, const struct layout_revision *revision, const char *name,
                     const struct migration_file *like)
{
    struct migration_file *file = &w->files[w->count++];

    *file = *like;
    file->path = memory_format(w->in->memory, "%s/%s", revision->name, name);
}

/* Blank lines around are cut; *line follows. */
static void trim(const char **text, size_t *size, size_t *line)
{
    size_t at = 0;

    for (size_t i = 0; i < *size && strchr(" \t\n\r", (*text)[i]) != NULL; i++) {
        if ((*text)[i] != '\n')
            continue;
        at = i + 1;
        (*line)++;
    }
    *text += at;
    *size -= at;
    while (*size > 0 && strchr(" \t\n\r", (*text)[*size - 1]) != NULL)
        (*size)--;
}

static void add_repeatable(struct writing *w, const struct layout_repeatable *repeatable)
{
    const struct layout_file *from = repeatable->file;
    char *copy = memory_copy(w->in->memory, from->bytes, from->size);
    struct migration_file *file = &w->files[w->count++];

    (void)script_unwrap(copy, from->size, LAYOUT_UP);
    *file = (struct migration_file){
        .path = memory_format(w->in->memory, MIGRATION_REPEATABLES "/%s.sql", repeatable->name),
        .bytes = copy,
        .size = from->size,
        .origin = from->path,
        .origin_line = 1};
}

static void add_script(struct writing *w, const struct layout_revision *revision, const char *name,
                       enum layout_script_kind kind)
{
    const struct layout_script *script = &revision->scripts[kind];
    char *copy = memory_copy(w->in->memory, script->text, script->size);
    bool is_wrapped = script_unwrap(copy, script->size, kind);
    const char *mark = kind == LAYOUT_VERIFY            ? MUST_RUN_MARK
                       : script->is_each && !is_wrapped ? EACH_MARK
                                                        : "";
    struct migration_file file = {.origin = script->path, .origin_line = script->line};
    const char *text = copy;
    size_t size = script->size;

    trim(&text, &size, &file.origin_line);
    file.origin_line -= mark[0] != '\0';
    file.bytes =
        memory_format(w->in->memory, "%s%.*s%s", mark, (int)size, text, size > 0 ? "\n" : "");
    file.size = strlen(file.bytes);
    add_file(w, revision, name, &file);
}

/* What is not there, and what is there and says nothing although there is something to undo. */
static bool has_way_back(const struct layout_revision *revision)
{
    const struct layout_script *up = &revision->scripts[LAYOUT_UP];
    const struct layout_script *down = &revision->scripts[LAYOUT_DOWN];

    return down->path != NULL &&
           (!script_is_blank(down->text, down->size) || script_is_blank(up->text, up->size));
}

/* ---- migration.yaml ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct layout_revision *const *)a)->name,
                  (*(const struct layout_revision *const *)b)->name);
}

/* Of each revision the one before it by name: what it requires unless it says otherwise. */
static const struct layout_revision **by_name_before(const struct layout_reading *in)
{
    size_t count = in->revision_count;
    const struct layout_revision **sorted =
        memory_array(in->memory, const struct layout_revision *, count);
    const struct layout_revision **before =
        memory_array(in->memory, const struct layout_revision *, count);

    for (size_t i = 0; i < count; i++)
        sorted[i] = &in->revisions[i];
    if (count > 1)
        qsort(sorted, count, sizeof(sorted[0]), by_name);
    for (size_t i = 1; i < count; i++)
        before[sorted[i] - in->revisions] = sorted[i - 1];
    return before;
}

static void add_manifest(struct writing *w, size_t i, const struct layout_revision *by_default)
{
    const struct layout_revision *revision = &w->in->revisions[i];
    const struct layout_revision *before = i == 0 ? NULL : revision - 1;
    struct text *text = text_new(w->in->memory, MANIFEST_MAX);
    struct migration_file file = {.origin = revision->path, .origin_line = 1};

    text_append(text, "plain: true\n");
    if (!has_way_back(revision))
        text_append(text, "irreversible: true\n");
    if (before != by_default)
        text_append_format(text, "requires: [%s]\n", before == NULL ? "" : before->name);
    file.bytes = text->data;
    file.size = text->size;
    add_file(w, revision, "migration.yaml", &file);
}

/* ---- all ---- */

static enum error_code write_one(struct writing *w, size_t i,
                                 const struct layout_revision *by_default, struct error *err)
{
    const struct layout_revision *revision = &w->in->revisions[i];

    if (revision->scripts[LAYOUT_UP].path == NULL)
        return error_set(err, ERROR_INVALID, "%s: there is no up that it belongs to",
                         revision->path);
    add_script(w, revision, "expand.sql", LAYOUT_UP);
    if (has_way_back(revision))
        add_script(w, revision, "revert.sql", LAYOUT_DOWN);
    else
        reading_note(w->in, "%s has no way back: %s is irreversible", revision->path,
                     revision->name);
    if (revision->scripts[LAYOUT_VERIFY].path != NULL)
        add_script(w, revision, "verify.sql", LAYOUT_VERIFY);
    add_manifest(w, i, by_default);
    return ERROR_OK;
}

/* Which release needs which revision no other tool knows: it is said beside their files. */
static void add_releases(struct writing *w)
{
    const struct layout_file *file = reading_find_file(w->in, MIGRATION_RELEASES_FILE);

    if (file != NULL && file->bytes != NULL)
        w->files[w->count++] = (struct migration_file){
            .path = MIGRATION_RELEASES_FILE, .bytes = file->bytes, .size = file->size};
}

enum error_code native_write(struct layout_reading *in, struct layout_content *ret,
                             struct error *err)
{
    const struct layout_revision **before = by_name_before(in);
    struct layout_version *versions =
        memory_array(in->memory, struct layout_version, in->revision_count);
    struct writing w = {.in = in};

    w.files =
        memory_array(in->memory, struct migration_file,
                     in->revision_count * (LAYOUT_SCRIPT_COUNT + 1) + in->repeatable_count + 1);
    for (size_t i = 0; i < in->revision_count; i++) {
        if (write_one(&w, i, before[i], err) != ERROR_OK)
            return err->code;
        versions[i] = (struct layout_version){.revision = in->revisions[i].name,
                                              .version = in->revisions[i].version,
                                              .path = in->revisions[i].path};
    }
    for (size_t i = 0; i < in->repeatable_count; i++)
        add_repeatable(&w, &in->repeatables[i]);
    add_releases(&w);
    ret->files = w.files;
    ret->file_count = w.count;
    ret->versions = versions;
    ret->version_count = in->revision_count;
    ret->notes = in->notes;
    ret->note_count = in->note_count;
    return ERROR_OK;
}
