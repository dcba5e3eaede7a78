#include "agent/shadow/copy_internal.h"

#include "agent/hook.h"
#include "agent/programs.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "embedded_hakem_agent_shell.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define COPY_MS       3600000 /* the task's own deadline comes first */
#define LOOK_EVERY_MS 1000

uint64_t copy_room(uint64_t size)
{
    return size + size / 2 + COPY_MARGIN_BYTES;
}

bool copy_is_within(const char *inner, const char *outer)
{
    size_t size = strlen(outer);

    while (size > 1 && outer[size - 1] == '/')
        size--;
    return strncmp(inner, outer, size) == 0 &&
           (inner[size] == '\0' || inner[size] == '/' || size == 1);
}

/* ---- checks: nothing has been touched yet ---- */

static enum error_code check_place(const struct copier *c, const char *what, const char *place,
                                   struct error *err)
{
    char real[FILE_PATH_MAX];
    bool is_inside = shadow_real_path(place, real) && copy_is_within(c->shadow->folder, real);

    if (is_inside)
        return error_set(err, ERROR_CONFIG,
                         "database.scratch %s lies in the %s %s: give it a folder outside",
                         c->config->database.scratch, what, place);
    return ERROR_OK;
}

static enum error_code check_room(const struct copier *c, struct error *err)
{
    struct statvfs info;
    uint64_t free_bytes;

    if (statvfs(c->config->database.scratch, &info) != 0)
        return error_set(err, ERROR_CONFIG, "database.scratch %s: %s", c->config->database.scratch,
                         strerror(errno));
    free_bytes = (uint64_t)info.f_bavail * info.f_frsize;
    if (free_bytes < copy_room(c->origin.size))
        return error_set(err, ERROR_REFUSED,
                         "database.scratch %s has %llu MiB left, and a shadow of %llu MiB needs "
                         "%llu with what it rewrites: make room there",
                         c->config->database.scratch, (unsigned long long)free_bytes >> 20,
                         (unsigned long long)c->origin.size >> 20,
                         (unsigned long long)copy_room(c->origin.size) >> 20);
    return ERROR_OK;
}

static enum error_code find_programs(struct copier *c, uint64_t version, struct error *err)
{
    static const char *const names[] = {"pg_basebackup", "pg_ctl", "postgres", NULL};

    return programs_find(c->config, version, names, c->memory, &c->origin.programs, err);
}

bool copy_is_quotable(const char *word)
{
    return word[0] != '\0' && strpbrk(word, "\"\\\n\r") == NULL;
}

static enum error_code take_origin(struct copier *c, const struct rows *rows, struct error *err)
{
    struct shadow *shadow = c->shadow;

    if (!rows_bool(rows, 0, 0))
        return error_set(err, ERROR_REFUSED,
                         "%s may not copy the database: ALTER ROLE %s REPLICATION, and let it in "
                         "by a line \"replication\" of pg_hba.conf",
                         rows_text(rows, 0, 1), rows_text(rows, 0, 1));
    if (!copy_is_quotable(rows_text(rows, 0, 1)) || !copy_is_quotable(rows_text(rows, 0, 2)) ||
        !text_copy(shadow->role, NAME_SIZE, rows_text(rows, 0, 1)) ||
        !text_copy(shadow->database, NAME_SIZE, rows_text(rows, 0, 2)))
        return error_set(err, ERROR_CONFIG,
                         "a shadow lets one role into one database, and the name of %s or %s has a "
                         "quote, a backslash or a line's end",
                         rows_text(rows, 0, 1), rows_text(rows, 0, 2));
    c->origin.size = rows_number(rows, 0, 3);
    (void)text_copy(shadow->system_id, SYSTEM_ID_SIZE, rows_text(rows, 0, 6));
    shadow->timeline = rows_number(rows, 0, 7);
    if (check_place(c, "data directory", rows_text(rows, 0, 4), err) != ERROR_OK ||
        check_room(c, err) != ERROR_OK)
        return err->code;
    return find_programs(c, rows_number(rows, 0, 5), err);
}

static enum error_code look_at_origin(struct copier *c, struct error *err)
{
    struct rows *rows = NULL;

    if (geteuid() == 0)
        return error_set(err, ERROR_REFUSED,
                         "the agent runs as root, and PostgreSQL does not: run the agent as the "
                         "user that the database runs as");
    if (session_query(c->session, SQL(embedded_shadow_origin), &rows, err) != ERROR_OK)
        return err->code;
    err->code = take_origin(c, rows, err);
    rows_free(rows);
    return err->code;
}

/* ---- the copy ---- */

static void add_argument(struct copier *c, const char *argument)
{
    if (c->origin.argument_count < ARGUMENTS_MAX)
        c->origin.arguments[c->origin.argument_count++] = argument;
}

/* Left to itself, pg_basebackup would put them where the origin has its own. */
static enum error_code move_tablespaces(struct copier *c, struct error *err)
{
    struct rows *rows = NULL;

    if (session_query(c->session, SQL(embedded_shadow_tablespaces), &rows, err) != ERROR_OK)
        return err->code;
    if (rows_count(rows) > TABLESPACES_MAX)
        error_set(err, ERROR_LIMIT, "the database has %zu tablespaces; a shadow takes %d",
                  rows_count(rows), TABLESPACES_MAX);
    for (size_t i = 0; i < rows_count(rows) && err->code == ERROR_OK; i++) {
        const char *place = rows_text(rows, i, 1);

        if (strpbrk(place, "=\\") != NULL)
            error_set(err, ERROR_REFUSED, "the tablespace in %s has a = or \\ in its path", place);
        else
            err->code = check_place(c, "tablespace", place, err);
        add_argument(c, "--tablespace-mapping");
        add_argument(c, memory_format(c->memory, "%s=%s/tablespaces/%s", place, c->shadow->folder,
                                      rows_text(rows, i, 0)));
    }
    rows_free(rows);
    return err->code;
}

static bool is_cancelled(void *context)
{
    struct copier *c = context;
    uint64_t streamed = 0;
    struct error ignored;

    if (c->hooks->is_cancelled(c->hooks->context))
        return true;
    if (clock_monotonic_ms() - c->looked_at_ms < LOOK_EVERY_MS || session_is_lost(c->session))
        return false;
    c->looked_at_ms = clock_monotonic_ms();
    if (session_ask_number(c->session,
                           SQL_WITH("SELECT coalesce(sum(p.backup_streamed), 0)::bigint"
                                    " FROM pg_catalog.pg_stat_progress_basebackup p"
                                    " JOIN pg_catalog.pg_stat_activity a USING (pid)"
                                    " WHERE a.application_name = $1",
                                    c->shadow->name),
                           &streamed, &ignored) == ERROR_OK)
        c->hooks->progress(c->hooks->context, streamed, c->origin.size, "bytes copied");
    return false;
}

enum error_code copy_run(struct copier *c, const char *program, const char *const *arguments,
                         struct error *err)
{
    char path[FILE_PATH_MAX + 32];
    struct hook hook = {.path = path,
                        .arguments = arguments,
                        .environment = c->origin.environment,
                        .timeout_ms = COPY_MS,
                        .own_session = true,
                        .is_cancelled = is_cancelled,
                        .context = c};

    (void)text_format(path, sizeof(path), "%s/%s", c->origin.programs, program);
    return hook_run(&hook, c->memory, NULL, err);
}

static enum error_code copy_files(struct copier *c, struct error *err)
{
    static const char *const plain[] = {"--checkpoint=fast", "--wal-method=stream", "--no-password",
                                        "--no-sync", "--pgdata"};

    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        add_argument(c, plain[i]);
    add_argument(c, c->shadow->data);
    err->code = ERROR_OK;
    if (move_tablespaces(c, err) != ERROR_OK)
        return err->code;
    programs_environment(c->session, c->shadow->name, c->memory, c->origin.environment);
    c->hooks->progress(c->hooks->context, 0, c->origin.size, "bytes copied");
    return copy_run(c, "pg_basebackup", c->origin.arguments, err);
}

enum error_code copy_make(const struct agent_config *config, struct session *session,
                          const struct copy_hooks *hooks, struct shadow *shadow, struct error *err)
{
    struct copier c = {.config = config, .session = session, .hooks = hooks, .shadow = shadow};

    c.memory = memory_zeroed(NULL, 1, 1, "copy");
    if (look_at_origin(&c, err) != ERROR_OK ||
        shadow_mark(shadow, SHADOW_CLONING, err) != ERROR_OK || copy_files(&c, err) != ERROR_OK ||
        copy_set_apart(&c, err) != ERROR_OK || copy_start(&c, err) != ERROR_OK ||
        copy_settle_in(&c, err) != ERROR_OK)
        hooks->progress(hooks->context, 0, 0, "the copy failed");
    else
        (void)shadow_mark(shadow, SHADOW_READY, err);
    talloc_free(c.memory);
    return err->code;
}
