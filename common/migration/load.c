#include "common/migration/load.h"

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/load_internal.h"

#include <stdlib.h>
#include <string.h>

#define MANIFEST_FILE "migration.yaml"
#define RELEASES_FILE MIGRATION_RELEASES_FILE

static const char *const script_files[MIGRATION_SCRIPT_COUNT] = {
    [MIGRATION_SCRIPT_EXPAND] = "expand.sql",
    [MIGRATION_SCRIPT_REVERT] = "revert.sql",
    [MIGRATION_SCRIPT_LOSSLESS] = "lossless.sql",
    [MIGRATION_SCRIPT_CONTRACT] = "contract.sql",
    [MIGRATION_SCRIPT_VERIFY] = "verify.sql",
    [MIGRATION_SCRIPT_VERIFY_CONTRACT] = "verify.contract.sql",
};

const char *migration_script_file(enum migration_script script)
{
    return script_files[script];
}

/* A revision while its parents are still names. */
struct draft {
    struct migration_revision revision;
    struct migration_manifest manifest;
    const struct migration_file *yaml;
};

struct loading {
    struct migration_set *set;
    void *scratch;
    struct draft *drafts; /* by name */
    size_t count;
    struct graph_revision *graph; /* likewise, children of scratch */
    size_t *order;
    size_t *place_of; /* draft index → index in the set */
    const struct migration_file *releases;
    size_t trees_size; /* that are kept */
};

/* ---- one revision ---- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

static enum error_code take_script(struct loading *in, struct draft *draft,
                                   const struct migration_file *file, struct error *err)
{
    struct split_source source = source_of_file(file);

    source.keeps = MIGRATION_TREES_MAX - in->trees_size;
    for (size_t i = 0; i < MIGRATION_SCRIPT_COUNT; i++) {
        struct split *split;

        if (strcmp(base_name(file->path), script_files[i]) != 0)
            continue;
        if (split_part(in->set, &source, &split, err) != ERROR_OK)
            return err->code;
        in->trees_size += split->trees_size;
        draft->revision.scripts[i] = split;
        return ERROR_OK;
    }
    return error_set(err, ERROR_INVALID,
                     "%s: no SQL file of a revision is called so; known are expand.sql, "
                     "revert.sql, lossless.sql, contract.sql, verify.sql and verify.contract.sql",
                     file->path);
}

static enum error_code take_file(struct loading *in, struct draft *draft,
                                 const struct migration_file *file, struct error *err)
{
    if (strcmp(base_name(file->path), MANIFEST_FILE) == 0)
        draft->yaml = file;
    else if (text_ends_with(file->path, ".sql"))
        return take_script(in, draft, file, err);
    return ERROR_OK;
}

/* Of a file that is no script its bytes are what it means. */
static void add_meaning(struct hash *hash, const struct migration_revision *revision,
                        const struct migration_file *file)
{
    const char *name = base_name(file->path);

    hash_add(hash, name, strlen(name));
    for (size_t i = 0; i < MIGRATION_SCRIPT_COUNT; i++) {
        if (strcmp(name, script_files[i]) != 0)
            continue;
        split_add_meaning(hash, revision->scripts[i]);
        return;
    }
    hash_add(hash, file->bytes, file->size);
}

static enum error_code check_queries(const struct split *split, struct error *err)
{
    for (size_t i = 0; split != NULL && i < split->count; i++)
        if (!split->statements[i].is_query &&
            !(split->must_run && strcmp(split->statements[i].kind, "DoStmt") == 0))
            return error_set(err, ERROR_INVALID, "%s:%zu: only queries have a place here",
                             split->path, split->statements[i].line);
    return ERROR_OK;
}

static enum error_code check_undoes(const struct migration_revision *revision, struct error *err)
{
    const struct split *expand = revision->scripts[MIGRATION_SCRIPT_EXPAND];
    const struct split *revert = revision->scripts[MIGRATION_SCRIPT_REVERT];

    for (size_t i = 0; revert != NULL && i < revert->count; i++)
        if (revert->statements[i].undoes > expand->count)
            return error_set(err, ERROR_INVALID,
                             "%s:%zu: undoes statement %zu; expand.sql has only %zu", revert->path,
                             revert->statements[i].line, revert->statements[i].undoes,
                             expand->count);
    return ERROR_OK;
}

static enum error_code check_loss(const struct migration_revision *revision,
                                  const struct migration_backfill *backfill, struct error *err)
{
    if (!backfill->is_lossy || revision->is_irreversible ||
        revision->scripts[MIGRATION_SCRIPT_LOSSLESS] != NULL)
        return ERROR_OK;
    return error_set(
        err, ERROR_INVALID,
        "%s/lossless.sql is missing: the backfill of %s is lossy; write the query that "
        "counts what a revert would leave lost, or say irreversible: true in %s/%s",
        revision->name, backfill->table, revision->name, MANIFEST_FILE);
}

static enum error_code check_revision(const struct migration_revision *revision, struct error *err)
{
    static const enum migration_script queries[] = {
        MIGRATION_SCRIPT_LOSSLESS, MIGRATION_SCRIPT_VERIFY, MIGRATION_SCRIPT_VERIFY_CONTRACT};
    const struct split *const *scripts = revision->scripts;

    if (scripts[MIGRATION_SCRIPT_EXPAND] == NULL)
        return error_set(err, ERROR_INVALID, "%s/expand.sql is missing", revision->name);
    if (scripts[MIGRATION_SCRIPT_REVERT] == NULL && !revision->is_irreversible)
        return error_set(err, ERROR_INVALID,
                         "%s/revert.sql is missing; write it, or say irreversible: true in %s/%s",
                         revision->name, revision->name, MANIFEST_FILE);
    for (size_t i = 0; i < ARRAY_LEN(queries); i++)
        if (check_queries(scripts[queries[i]], err) != ERROR_OK)
            return err->code;
    for (size_t i = 0; i < revision->backfill_count; i++)
        if (check_loss(revision, &revision->backfills[i], err) != ERROR_OK)
            return err->code;
    return check_undoes(revision, err);
}

static enum error_code finish_draft(struct loading *in, struct draft *draft, struct error *err)
{
    struct migration_revision *revision = &draft->revision;

    if (manifest_read(in->set, draft->yaml, &draft->manifest, err) != ERROR_OK)
        return err->code;
    revision->description = draft->manifest.description;
    revision->backfills = draft->manifest.backfills;
    revision->backfill_count = draft->manifest.backfill_count;
    revision->is_irreversible = draft->manifest.is_irreversible;
    revision->is_plain = draft->manifest.is_plain;
    revision->lock_timeout_ms = draft->manifest.lock_timeout_ms;
    revision->statement_timeout_ms = draft->manifest.statement_timeout_ms;
    revision->search_path = draft->manifest.search_path;
    revision->role = draft->manifest.role;
    revision->assertions = draft->manifest.assertions;
    revision->assertion_count = draft->manifest.assertion_count;
    return check_revision(revision, err);
}

/* ---- all revisions ---- */

static size_t folder_length(const struct migration_file *file)
{
    const char *slash = strchr(file->path, '/');

    return slash == NULL ? 0 : (size_t)(slash - file->path);
}

static bool is_same_folder(const struct migration_file *a, const struct migration_file *b)
{
    size_t length = folder_length(a);

    return length == folder_length(b) && memcmp(a->path, b->path, length) == 0;
}

static enum error_code check_name(const char *name, struct error *err)
{
    if (text_is_name(name, MIGRATION_NAME_MAX))
        return ERROR_OK;
    return error_set(err, ERROR_INVALID,
                     "%.80s: a revision's name is 1 to %d letters, digits, '_', '-' or '.'", name,
                     MIGRATION_NAME_MAX);
}

/* Files first to end-1 are one folder's. */
static enum error_code draft_revision(struct loading *in, size_t first, size_t end,
                                      struct error *err)
{
    const struct migration_file *files = in->set->files;
    size_t length = folder_length(&files[first]);
    struct draft *draft = &in->drafts[in->count];
    struct hash hash, meaning;

    if (in->count == GRAPH_REVISIONS_MAX)
        return error_set(err, ERROR_LIMIT, "there are more than %d revisions", GRAPH_REVISIONS_MAX);
    draft->revision.name = memory_copy(in->set, files[first].path, length);
    if (check_name(draft->revision.name, err) != ERROR_OK)
        return err->code;
    hash_begin(&hash);
    hash_begin(&meaning);
    for (size_t i = first; i < end; i++) {
        hash_add(&hash, files[i].path + length + 1, strlen(files[i].path) - length - 1);
        hash_add(&hash, files[i].bytes, files[i].size);
        if (take_file(in, draft, &files[i], err) != ERROR_OK)
            return err->code;
        add_meaning(&meaning, &draft->revision, &files[i]);
    }
    hash_end_hex(&hash, draft->revision.checksum);
    hash_end_hex(&meaning, draft->revision.meaning);
    in->count++;
    return finish_draft(in, draft, err);
}

static int by_draft_name(const void *a, const void *b)
{
    return strcmp(((const struct draft *)a)->revision.name,
                  ((const struct draft *)b)->revision.name);
}

static enum error_code draft_all(struct loading *in, struct error *err)
{
    const struct migration_file *files = in->set->files;
    size_t end;

    in->drafts = memory_array(in->scratch, struct draft, in->set->file_count);
    for (size_t first = 0; first < in->set->file_count; first = end) {
        end = first + 1;
        if (folder_length(&files[first]) == 0) {
            if (strcmp(files[first].path, RELEASES_FILE) == 0)
                in->releases = &files[first];
            continue;
        }
        while (end < in->set->file_count && is_same_folder(&files[first], &files[end]))
            end++;
        if (!file_is_repeatable(&files[first]) && draft_revision(in, first, end, err) != ERROR_OK)
            return err->code;
    }
    if (in->count == 0)
        return error_set(err, ERROR_INVALID,
                         "there is no revision: a revision is a folder with expand.sql");
    /* Paths sort "a-b/x" before "a/x": by name it is the other way around. */
    qsort(in->drafts, in->count, sizeof(in->drafts[0]), by_draft_name);
    return ERROR_OK;
}

/* ---- the graph ---- */

static void draft_parents(struct loading *in, size_t i)
{
    const struct migration_manifest *manifest = &in->drafts[i].manifest;
    struct graph_revision *node = &in->graph[i];

    node->name = in->drafts[i].revision.name;
    if (manifest->requires == NULL) {
        node->parent_count = i > 0;
        if (i > 0)
            node->parents[0] = in->drafts[i - 1].revision.name;
        return;
    }
    node->parent_count = manifest->require_count;
    for (size_t p = 0; p < manifest->require_count; p++)
    node->parents[p] = manifest->requires[p];
}

static void draft_graph(struct loading *in)
{
    in->graph = memory_array(in->scratch, struct graph_revision, in->count);
    in->order = memory_array(in->scratch, size_t, in->count);
    in->place_of = memory_array(in->scratch, size_t, in->count);
    for (size_t i = 0; i < in->count; i++)
        draft_parents(in, i);
}

static enum error_code order_all(struct loading *in, struct error *err)
{
    size_t head;

    draft_graph(in);
    if (graph_order(in->graph, in->count, in->order, err) != ERROR_OK ||
        graph_head(in->graph, in->count, &head, err) != ERROR_OK)
        return error_set(err, err->code, "%s (%s says what a revision requires)", err->detail,
                         MANIFEST_FILE);
    for (size_t i = 0; i < in->count; i++)
        in->place_of[in->order[i]] = i;
    in->set->head = in->place_of[head];
    return ERROR_OK;
}

static int by_name(const void *name, const void *draft)
{
    return strcmp(name, ((const struct draft *)draft)->revision.name);
}

static bool find_draft(const struct loading *in, const char *name, size_t *ret)
{
    const struct draft *found =
        bsearch(name, in->drafts, in->count, sizeof(in->drafts[0]), by_name);

    if (found != NULL)
        *ret = (size_t)(found - in->drafts);
    return found != NULL;
}

static enum error_code link_contracted(struct loading *in, size_t draft,
                                       struct migration_revision *ret, struct error *err)
{
    const struct migration_manifest *manifest = &in->drafts[draft].manifest;

    for (size_t i = 0; i < manifest->contracted_count; i++) {
        size_t found;

        if (!find_draft(in, manifest->contracted[i], &found))
            return error_set(err, ERROR_INVALID,
                             "%s/%s: requires_contracted names %s, and there is no such revision",
                             ret->name, MANIFEST_FILE, manifest->contracted[i]);
        ret->contracted_parents[i] = in->place_of[found];
    }
    ret->contracted_parent_count = manifest->contracted_count;
    return ERROR_OK;
}

static enum error_code place_all(struct loading *in, struct error *err)
{
    struct migration_revision *revisions =
        memory_array(in->set, struct migration_revision, in->count);

    for (size_t i = 0; i < in->count; i++) {
        size_t draft = in->order[i];
        const struct graph_revision *node = &in->graph[draft];

        revisions[i] = in->drafts[draft].revision;
        revisions[i].parent_count = node->parent_count;
        for (size_t p = 0; p < node->parent_count; p++) {
            size_t found = 0;

            (void)find_draft(in, node->parents[p], &found); /* ordered: exists */
            revisions[i].parents[p] = in->place_of[found];
        }
        if (link_contracted(in, draft, &revisions[i], err) != ERROR_OK)
            return err->code;
    }
    in->set->revisions = revisions;
    in->set->revision_count = in->count;
    return ERROR_OK;
}

/* ---- releases ---- */

static enum error_code fail_release(const struct release_manifest *release, const char *verb,
                                    const char *revision, struct error *err)
{
    return error_set(err, ERROR_INVALID, "%s: release %s %s %s, and there is no such revision",
                     RELEASES_FILE, release->name, verb, revision);
}

static enum error_code split_queries(struct migration_set *set, const struct release_manifest *from,
                                     const struct split **ret, struct error *err)
{
    char *path = memory_format(set, "%s, queries of %s", RELEASES_FILE, from->name);
    struct split *split = NULL;

    if (from->queries == NULL)
        return ERROR_OK;
    if (split_sql(set, path, from->queries, strlen(from->queries), &split, err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < split->count; i++)
        if (!split->statements[i].is_query && !split->statements[i].is_dml)
            return error_set(err, ERROR_INVALID,
                             "%s:%zu: only SELECT, INSERT, UPDATE and DELETE have a place here",
                             path, split->statements[i].line);
    *ret = split;
    return ERROR_OK;
}

static enum error_code place_release(struct migration_set *set, const struct release_manifest *from,
                                     struct migration_release *ret, struct error *err)
{
    size_t *tolerates = memory_array(set, size_t, from->tolerate_count);

    if (!migration_find(set, from->needs, &ret->needs))
        return fail_release(from, "needs", from->needs, err);
    for (size_t i = 0; i < from->tolerate_count; i++)
        if (!migration_find(set, from->tolerates[i], &tolerates[i]))
            return fail_release(from, "tolerates", from->tolerates[i], err);
    ret->name = from->name;
    ret->tolerates = tolerates;
    ret->tolerate_count = from->tolerate_count;
    return split_queries(set, from, &ret->queries, err);
}

static enum error_code place_releases(struct loading *in, struct error *err)
{
    struct migration_set *set = in->set;
    struct migration_release *releases;
    struct releases_manifest manifest;

    if (releases_read(set, in->releases, &manifest, err) != ERROR_OK)
        return err->code;
    releases = memory_array(set, struct migration_release, manifest.release_count);
    set->releases = releases;
    for (size_t i = 0; i < manifest.release_count; i++) {
        if (place_release(set, &manifest.releases[i], &releases[i], err) != ERROR_OK)
            return err->code;
        set->release_count = i + 1;
    }
    return ERROR_OK;
}

/* ---- the whole ---- */

enum error_code migration_load_files(const void *parent, const struct migration_file *files,
                                     size_t count, struct migration_set **ret, struct error *err)
{
    struct loading in = {.set = memory_new(parent, struct migration_set)};
    enum error_code code;

    in.scratch = talloc_new(NULL);
    code = files_adopt(in.set, files, count, err);
    if (code == ERROR_OK)
        code = draft_all(&in, err);
    if (code == ERROR_OK)
        code = repeatables_take(in.set, err);
    if (code == ERROR_OK)
        code = order_all(&in, err);
    if (code == ERROR_OK)
        code = place_all(&in, err);
    if (code == ERROR_OK)
        code = place_releases(&in, err);
    talloc_free(in.scratch);
    if (code != ERROR_OK) {
        talloc_free(in.set);
        return code;
    }
    *ret = in.set;
    return ERROR_OK;
}

enum error_code migration_load(const void *parent, const char *folder, struct migration_set **ret,
                               struct error *err)
{
    void *scratch = talloc_new(NULL);
    struct migration_file *files = NULL;
    size_t count = 0;
    enum error_code code = files_read_folder(scratch, folder, &files, &count, err);

    if (code == ERROR_OK) {
        code = migration_load_files(parent, files, count, ret, err);
        if (code != ERROR_OK)
            (void)error_set(err, code, "%s/%s", folder, err->detail);
    }
    talloc_free(scratch);
    return code;
}

/* ---- heads ---- */

static bool is_parent(const struct loading *in, const char *name)
{
    for (size_t i = 0; i < in->count; i++)
        for (size_t p = 0; p < in->graph[i].parent_count; p++)
            if (strcmp(in->graph[i].parents[p], name) == 0)
                return true;
    return false;
}

static enum error_code find_heads(struct loading *in, const void *parent, const char ***ret,
                                  size_t *ret_count, struct error *err)
{
    const char **heads;
    size_t count = 0;

    if (draft_all(in, err) != ERROR_OK)
        return err->code;
    draft_graph(in);
    if (graph_order(in->graph, in->count, in->order, err) != ERROR_OK)
        return err->code;
    heads = memory_array(parent, const char *, in->count);
    for (size_t i = 0; i < in->count; i++)
        if (!is_parent(in, in->graph[i].name))
            heads[count++] = memory_text(heads, in->graph[i].name);
    *ret = heads;
    *ret_count = count;
    return ERROR_OK;
}

enum error_code migration_heads(const void *parent, const char *folder, const char ***ret,
                                size_t *ret_count, struct error *err)
{
    struct loading in = {.scratch = talloc_new(NULL)};
    struct migration_file *files = NULL;
    size_t count = 0;
    enum error_code code = files_read_folder(in.scratch, folder, &files, &count, err);

    in.set = memory_new(in.scratch, struct migration_set);
    if (code == ERROR_OK)
        code = files_adopt(in.set, files, count, err);
    if (code == ERROR_OK && find_heads(&in, parent, ret, ret_count, err) != ERROR_OK)
        code = error_set(err, err->code, "%s/%s", folder, err->detail);
    talloc_free(in.scratch);
    return code;
}
