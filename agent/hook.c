#include "agent/hook.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/process.h"
#include "common/base/text.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define POLL_MS         50
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

/* Takes what has been said so far; false once the other side is closed. */
static bool take_output(struct process *process, struct text *output)
{
    char bytes[1024];
    ssize_t n = read(process->channel, bytes, sizeof(bytes));

    if (n > 0)
        text_append_bytes(output, bytes, (size_t)n);
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static bool is_over(const struct hook *hook, uint64_t until, const char **ret_why)
{
    if (clock_monotonic_ms() >= until)
        *ret_why = "it did not end in time";
    else if (hook->is_cancelled != NULL && hook->is_cancelled(hook->context))
        *ret_why = "cancelled";
    else
        return false;
    return true;
}

/* NULL, or why it was killed. */
static const char *await(const struct hook *hook, struct process *process, struct text *output,
                         int *ret_status)
{
    uint64_t until = clock_monotonic_ms() + hook->timeout_ms;
    const char *why = NULL;

    while (!process_has_ended(process, ret_status)) {
        struct pollfd item = {.fd = process->channel, .events = POLLIN};

        if (is_over(hook, until, &why)) {
            (void)kill(hook->own_session ? -process->pid : process->pid, SIGKILL);
            (void)waitpid(process->pid, ret_status, 0);
            return why;
        }
        (void)poll(&item, 1, POLL_MS);
        if ((item.revents & POLLIN) != 0)
            (void)take_output(process, output);
        else if ((item.revents & POLLHUP) != 0)
            clock_sleep_ms(POLL_MS / 10); /* it closed its output and is about to end */
    }
    while ((output->size < output->limit) && take_output(process, output)) {
        struct pollfd item = {.fd = process->channel, .events = POLLIN};

        if (poll(&item, 1, 0) <= 0)
            break; /* what it left running keeps the other end open */
    }
    return NULL;
}

const char *hook_last_line(char *output)
{
    char *end = output + strlen(output);
    char *start;

    while (end > output && (end[-1] == '\n' || end[-1] == ' '))
        *--end = '\0';
    start = strrchr(output, '\n');
    return start == NULL ? output : start + 1;
}

enum error_code hook_run(const struct hook *hook, const void *parent, char **ret_output,
                         struct error *err)
{
    struct process_command command = {.path = hook->own_session ? "/proc/self/exe" : hook->path,
                                      .argv = full_arguments(hook, parent),
                                      .environment = full_environment(hook, parent),
                                      .own_session = hook->own_session};
    struct text *output = text_new(parent, HOOK_OUTPUT_MAX);
    struct process process;
    char status_text[32];
    const char *why;
    int status = 0;

    if (process_spawn(&command, &process, err) != ERROR_OK)
        return err->code;
    why = await(hook, &process, output, &status);
    process_close(&process);
    if (why != NULL)
        return error_set(err, strcmp(why, "cancelled") == 0 ? ERROR_CANCELLED : ERROR_TIMEOUT,
                         "%s: %s", hook->path, why);
    process_status_text(status, status_text, sizeof(status_text));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return error_set(err, ERROR_HOOK, "%s: %s: %.800s", hook->path, status_text,
                         hook_last_line(output->data));
    if (ret_output != NULL)
        *ret_output = output->data;
    return ERROR_OK;
}
