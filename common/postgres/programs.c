#include "common/postgres/programs.h"

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <string.h>
#include <unistd.h>

bool programs_are_in(const char *folder, const char *const *names)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        char path[FILE_PATH_MAX];

        if (!text_format(path, sizeof(path), "%s/%s", folder, names[i]) || access(path, X_OK) != 0)
            return false;
    }
    return true;
}

/* Where Debian, the PostgreSQL project's packages and a build of one's own put them. */
const char *programs_place(uint64_t version, const char *const *names, const void *parent)
{
    const char *const places[] = {
        memory_format(parent, "/usr/lib/postgresql/%llu/bin", (unsigned long long)version),
        memory_format(parent, "/usr/pgsql-%llu/bin", (unsigned long long)version),
        "/usr/local/pgsql/bin", "/usr/bin"};

    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        if (programs_are_in(places[i], names))
            return places[i];
    return NULL;
}

const char *programs_newest_place(const char *const *names, const void *parent)
{
    for (uint64_t version = PROGRAMS_VERSION_MAX; version >= PROGRAMS_VERSION_MIN; version--) {
        const char *found = programs_place(version, names, parent);

        if (found != NULL)
            return found;
    }
    return NULL;
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
