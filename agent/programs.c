#include "agent/programs.h"

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <string.h>
#include <unistd.h>

#define LISTED_MAX 256

static bool has_all(const char *folder, const char *const *names)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        char path[FILE_PATH_MAX];

        if (!text_format(path, sizeof(path), "%s/%s", folder, names[i]) || access(path, X_OK) != 0)
            return false;
    }
    return true;
}

/* "a, b and c" */
static const char *list(const char *const *names, const void *parent)
{
    struct text *text = text_new(parent, LISTED_MAX);

    for (size_t i = 0; names[i] != NULL; i++)
        text_append_format(text, "%s%s",
                           i == 0                 ? ""
                           : names[i + 1] == NULL ? " and "
                                                  : ", ",
                           names[i]);
    return text->data;
}

/* Where Debian, the PostgreSQL project's packages and a build of one's own put them. */
enum error_code programs_find(const struct agent_config *config, uint64_t version,
                              const char *const *names, const void *parent, const char **ret,
                              struct error *err)
{
    const char *found = config->database.programs;
    const char *const places[] = {
        memory_format(parent, "/usr/lib/postgresql/%llu/bin", (unsigned long long)version),
        memory_format(parent, "/usr/pgsql-%llu/bin", (unsigned long long)version),
        "/usr/local/pgsql/bin", "/usr/bin"};

    for (size_t i = 0; found == NULL && i < ARRAY_LEN(places); i++)
        if (has_all(places[i], names))
            found = places[i];
    if (found == NULL)
        return error_set(err, ERROR_CONFIG,
                         "PostgreSQL %llu's %s were not found: say where they are with "
                         "database.programs",
                         (unsigned long long)version, list(names, parent));
    if (!has_all(found, names))
        return error_set(err, ERROR_CONFIG, "database.programs %s has no %s that can be executed",
                         found, list(names, parent));
    *ret = found;
    return ERROR_OK;
}

void programs_environment(struct session *session, const char *application_name, const void *parent,
                          const char *ret[static PROGRAMS_ENVIRONMENT_MAX])
{
    PQconninfoOption *options = PQconninfo(session_connection(session));
    size_t count = 0;

    for (const PQconninfoOption *option = options; option != NULL && option->keyword != NULL;
         option++)
        if (option->envvar != NULL && option->val != NULL && option->val[0] != '\0' &&
            strcmp(option->keyword, "application_name") != 0 &&
            strcmp(option->keyword, "options") != 0 && count + 2 < PROGRAMS_ENVIRONMENT_MAX)
            ret[count++] = memory_format(parent, "%s=%s", option->envvar, option->val);
    ret[count++] = memory_format(parent, "PGAPPNAME=%s", application_name);
    ret[count] = NULL;
    PQconninfoFree(options);
}
