/* sqitch.c: Sqitch: sqitch.plan, deploy/NAME.sql, revert/NAME.sql, verify/NAME.sql.
 *
 * A plan is a line: each change requires the one before it.  What it says of `requires` and
 * conflicts is held against that line.
 */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/layout/reading.h"

#include <string.h>

#define PLAN_FILE       "sqitch.plan"
#define PLAN_LINE_MAX   2000
#define PLAN_TAGS_MAX   1000
#define SQITCH_NAME_MAX 200

/* A tag, and how many changes stand before it. */
struct plan_tag {
    const char *name; /* with the @ */
    size_t place;
};

/* The revisions of in are the plan's changes; what the plan calls them is their version. */
struct plan {
    struct layout_reading *in;
    const struct layout_file *file;
    size_t line;
    struct plan_tag *tags;
    size_t tag_count;
};

static const char *change_name(const struct plan *plan, size_t i)
{
    return plan->in->revisions[i].version;
}

bool sqitch_recognises(const struct layout_reading *in)
{
    return reading_find_file(in, PLAN_FILE) != NULL;
}

static enum error_code fail_line(const struct plan *plan, const char *sentence, const char *about,
                                 struct error *err)
{
    return error_set(err, ERROR_INVALID, "%s:%zu: %.200s %s", plan->file->path, plan->line, about,
                     sentence);
}

/* ---- what a change requires ---- */

static bool find_tag(const struct plan *plan, const char *name, size_t *ret_place)
{
    for (size_t i = 0; i < plan->tag_count; i++) {
        if (strcmp(plan->tags[i].name, name) != 0)
            continue;
        *ret_place = plan->tags[i].place;
        return true;
    }
    return false;
}

static bool find_change(const struct plan *plan, const char *name, size_t end)
{
    for (size_t i = 0; i < end; i++)
        if (strcmp(change_name(plan, i), name) == 0)
            return true;
    return false;
}

/* "users", "users@v1", "@v1": is it in the plan already? */
static bool stands_before(const struct plan *plan, const char *what, size_t end)
{
    const char *at = strchr(what, '@');
    size_t place = 0;
    char name[SQITCH_NAME_MAX + 1];

    if (at == NULL)
        return find_change(plan, what, end);
    if (!find_tag(plan, at, &place) || (size_t)(at - what) >= sizeof(name))
        return false;
    memcpy(name, what, (size_t)(at - what));
    name[at - what] = '\0';
    return at == what || find_change(plan, name, place);
}

static enum error_code check_dependency(const struct plan *plan, const char *word,
                                        struct error *err)
{
    bool is_conflict = word[0] == '!';
    const char *what = word + is_conflict;
    size_t before = plan->in->revision_count;

    if (strchr(what, ':') != NULL)
        return fail_line(plan, "is a change of another project: that is not read", word, err);
    if (is_conflict && stands_before(plan, what, before))
        return fail_line(plan, "is in conflict with this change, and is deployed before it", what,
                         err);
    if (!is_conflict && !stands_before(plan, what, before))
        return fail_line(plan, "is required, and no change before this one is called so", what,
                         err);
    return ERROR_OK;
}

/* text: behind the '['. */
static enum error_code check_dependencies(const struct plan *plan, char *text, struct error *err)
{
    char *close = strchr(text, ']');
    char *rest = NULL;

    if (close == NULL)
        return fail_line(plan, "is not closed by a ]", "[", err);
    *close = '\0';
    for (char *word = strtok_r(text, " \t", &rest); word != NULL;
         word = strtok_r(NULL, " \t", &rest))
        if (check_dependency(plan, word, err) != ERROR_OK)
            return err->code;
    return ERROR_OK;
}

/* ---- lines ---- */

static enum error_code add_tag(struct plan *plan, char *line, struct error *err)
{
    line[strcspn(line, " \t")] = '\0';
    if (plan->tag_count == PLAN_TAGS_MAX)
        return fail_line(plan, "is a tag too many: 1000 are read", line, err);
    plan->tags = memory_grow(plan->in->memory, plan->tags, plan->tag_count, plan->tag_count + 1);
    plan->tags[plan->tag_count++] = (struct plan_tag){.name = memory_text(plan->in->memory, line),
                                                      .place = plan->in->revision_count};
    return ERROR_OK;
}

/* The second change of a name is NAME-2: what the first one is called must stay. */
static enum error_code add_change(struct plan *plan, char *line, struct error *err)
{
    size_t count = plan->in->revision_count;
    size_t length = strcspn(line, " \t");
    char *rest = line + length + strspn(line + length, " \t");
    struct layout_revision *revision;
    size_t before = 0;
    const char *name;

    if (line[0] == '-')
        return fail_line(plan, "takes a change back in the plan: that is not read", line, err);
    if (length > SQITCH_NAME_MAX || memchr(line, '@', length) != NULL)
        return fail_line(plan, "is no change's name", line, err);
    name = memory_copy(plan->in->memory, line, length);
    if (*rest == '[' && check_dependencies(plan, rest + 1, err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < count; i++)
        before += strcmp(change_name(plan, i), name) == 0;
    if (reading_add(plan->in, "",
                    before == 0 ? name
                                : memory_format(plan->in->memory, "%s-%zu", name, before + 1),
                    &revision, err) != ERROR_OK)
        return fail_line(plan, "(a change of the plan)", err->detail, err);
    revision->version = name;
    revision->path = memory_format(plan->in->memory, "%s:%zu", plan->file->path, plan->line);
    return ERROR_OK;
}

static enum error_code read_line(struct plan *plan, char *line, struct error *err)
{
    line += strspn(line, " \t");
    line[strcspn(line, "#")] = '\0';
    if (line[0] == '\0' || line[0] == '%')
        return ERROR_OK;
    if (line[0] == '@')
        return add_tag(plan, line, err);
    return add_change(plan, line + (line[0] == '+'), err);
}

static enum error_code read_plan(struct plan *plan, struct error *err)
{
    const struct layout_file *file = plan->file;
    char line[PLAN_LINE_MAX];

    for (size_t at = 0, length; at < file->size; at += length + 1) {
        length = strcspn(file->bytes + at, "\n");
        plan->line++;
        if (!text_format(line, sizeof(line), "%.*s", (int)length, file->bytes + at))
            return fail_line(plan, "is too long", "the line", err);
        if (read_line(plan, line, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

/* ---- scripts ---- */

static size_t next_of_name(const struct plan *plan, size_t i)
{
    size_t next = i + 1;

    while (next < plan->in->revision_count &&
           strcmp(change_name(plan, next), change_name(plan, i)) != 0)
        next++;
    return next;
}

/* Of a change that was reworked the old files carry a tag that stands between the two. */
static const struct layout_file *find_script(const struct plan *plan, size_t i, const char *folder)
{
    size_t next = next_of_name(plan, i);

    if (next == plan->in->revision_count)
        return reading_find_file(
            plan->in, memory_format(plan->in->memory, "%s/%s.sql", folder, change_name(plan, i)));
    for (size_t t = 0; t < plan->tag_count; t++) {
        const struct layout_file *found;

        if (plan->tags[t].place <= i || plan->tags[t].place > next)
            continue;
        found =
            reading_find_file(plan->in, memory_format(plan->in->memory, "%s/%s%s.sql", folder,
                                                      change_name(plan, i), plan->tags[t].name));
        if (found != NULL)
            return found;
    }
    return NULL;
}

static enum error_code take_scripts(const struct plan *plan, size_t i, struct error *err)
{
    static const char *const folders[LAYOUT_SCRIPT_COUNT] = {
        [LAYOUT_UP] = "deploy", [LAYOUT_DOWN] = "revert", [LAYOUT_VERIFY] = "verify"};
    struct layout_revision *revision = &plan->in->revisions[i];
    const char *line = revision->path;

    for (size_t kind = 0; kind < LAYOUT_SCRIPT_COUNT; kind++) {
        const struct layout_file *file = find_script(plan, i, folders[kind]);

        if (file == NULL && kind == LAYOUT_UP)
            return error_set(err, ERROR_INVALID,
                             "%s: %s%s has no script: deploy/%s%s.sql is "
                             "missing",
                             line, change_name(plan, i),
                             next_of_name(plan, i) < plan->in->revision_count ? " (reworked later)"
                                                                              : "",
                             change_name(plan, i),
                             next_of_name(plan, i) < plan->in->revision_count ? "@TAG" : "");
        if (file != NULL &&
            reading_take(revision, (enum layout_script_kind)kind, file, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

enum error_code sqitch_read(struct layout_reading *in, struct error *err)
{
    struct plan plan = {.in = in, .file = reading_find_file(in, PLAN_FILE)};

    if (plan.file == NULL)
        return error_set(err, ERROR_INVALID, PLAN_FILE " is missing");
    if (read_plan(&plan, err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < in->revision_count; i++)
        if (take_scripts(&plan, i, err) != ERROR_OK)
            return err->code;
    return ERROR_OK;
}
