#include "common/proof/data.h"

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/run.h"
#include "common/postgres/programs.h"

#define LOAD_MS    86400000
#define OUTPUT_MAX 4096

static bool is_cancelled(void *context)
{
    (void)context;
    return session_was_signalled();
}

/* What it said, on one line. */
static void join_lines(char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '\n')
            *text = ' ';
}

static enum error_code find_psql(const char *programs, const void *parent, const char **ret,
                                 struct error *err)
{
    static const char *const names[] = {"psql", NULL};
    const char *folder = programs;

    if (folder == NULL || !programs_are_in(folder, names))
        folder = programs_newest_place(names, parent);
    if (folder == NULL)
        return error_set(err, ERROR_REFUSED,
                         "psql, which loads --data, was not found: install postgresql-client, or "
                         "name its folder with --programs");
    *ret = memory_format(parent, "%s/psql", folder);
    return ERROR_OK;
}

static enum error_code run_psql(struct session *session, const char *psql, const char *path,
                                void *memory, struct error *err)
{
    const char *const arguments[] = {"psql", "-X",        "-q", "-v", "ON_ERROR_STOP=1",
                                     "-o",   "/dev/null", "-f", path, NULL};
    const char *environment[PROGRAMS_ENVIRONMENT_MAX];
    struct text *output = text_new(memory, OUTPUT_MAX);
    struct run run = {.name = "psql", .timeout_ms = LOAD_MS, .is_cancelled = is_cancelled};

    programs_environment(session, "hakem:data", memory, environment);
    run.command = (struct process_command){.path = psql,
                                           .argv = (char *const *)(uintptr_t)arguments,
                                           .environment = (char *const *)(uintptr_t)environment,
                                           .own_session = true};
    if (run_to_end(&run, output, err) != ERROR_FAILED)
        return err->code;
    join_lines(output->data);
    return error_set(err, ERROR_INVALID, "%s cannot be loaded: %.800s", path, output->data);
}

enum error_code data_load(struct session *session, const char *path, const char *programs,
                          struct error *err)
{
    void *memory = talloc_new(NULL);
    const char *psql = NULL;

    err->code = ERROR_OK;
    if (!file_exists(path))
        error_set(err, ERROR_NOT_FOUND, "there is no file %s", path);
    else if (find_psql(programs, memory, &psql, err) == ERROR_OK)
        (void)run_psql(session, psql, path, memory, err);
    talloc_free(memory);
    return err->code;
}
