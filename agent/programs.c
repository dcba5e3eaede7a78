#include "agent/programs.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#define LISTED_MAX 256

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

enum error_code programs_find(const struct agent_config *config, uint64_t version,
                              const char *const *names, const void *parent, const char **ret,
                              struct error *err)
{
    const char *found = config->database.programs;

    if (found == NULL)
        found = programs_place(version, names, parent);
    if (found == NULL)
        return error_set(err, ERROR_CONFIG,
                         "PostgreSQL %llu's %s were not found: say where they are with "
                         "database.programs",
                         (unsigned long long)version, list(names, parent));
    if (!programs_are_in(found, names))
        return error_set(err, ERROR_CONFIG, "database.programs %s has no %s that can be executed",
                         found, list(names, parent));
    *ret = found;
    return ERROR_OK;
}
