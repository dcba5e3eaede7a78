#include "agent/hook.h"

#include "common/base/memory.h"
#include "common/base/run.h"

#include <unistd.h>

#define ENVIRONMENT_MAX 128
#define ARGUMENTS_MAX   64

static char **full_environment(const struct hook *hook, const void *parent)
{
    char **list = memory_array(parent, char *, ENVIRONMENT_MAX + 2);
    size_t count = 0;

    for (; hook->environment != NULL && hook->environment[count] != NULL && count < ENVIRONMENT_MAX;
         count++)
        list[count] = memory_text(list, hook->environment[count]);
    list[count] =
        memory_text(list, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    return list;
}

/* own_session: by the agent's own program, which dies with us. */
static char **full_arguments(const struct hook *hook, const void *parent)
{
    char **list = memory_array(parent, char *, ARGUMENTS_MAX + 5);
    size_t count = 0;

    if (hook->own_session) {
        list[count++] = memory_text(list, "hakem-agent");
        list[count++] = memory_text(list, "hook");
        list[count++] = memory_format(list, "%ld", (long)getpid());
    }
    list[count++] = memory_text(list, hook->path);
    for (size_t i = 0; hook->arguments != NULL && hook->arguments[i] != NULL && i < ARGUMENTS_MAX;
         i++)
        list[count++] = memory_text(list, hook->arguments[i]);
    return list;
}

enum error_code hook_run(const struct hook *hook, const void *parent, char **ret_output,
                         struct error *err)
{
    const struct run run = {
        .name = hook->path,
        .command = {.path = hook->own_session ? "/proc/self/exe" : hook->path,
                    .argv = full_arguments(hook, parent),
                    .environment = full_environment(hook, parent),
                    .own_session = hook->own_session},
        .timeout_ms = hook->timeout_ms,
        .is_cancelled = hook->is_cancelled,
        .context = hook->context,
    };
    struct text *output = text_new(parent, HOOK_OUTPUT_MAX);
    enum error_code code = run_to_end(&run, output, err);

    if (code == ERROR_FAILED)
        return error_set(err, ERROR_HOOK, "%s", err->detail);
    if (code == ERROR_OK && ret_output != NULL)
        *ret_output = output->data;
    return code;
}
