#include "common/base/run.h"

#include "common/base/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define POLL_MS 50

/* Takes what has been said so far; false once the other side is closed. */
static bool take_output(struct process *process, struct text *output)
{
    char bytes[1024];
    ssize_t n = read(process->channel, bytes, sizeof(bytes));

    if (n > 0)
        text_append_bytes(output, bytes, (size_t)n);
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* ERROR_OK: it may go on. */
static enum error_code is_over(const struct run *run, uint64_t until, struct error *err)
{
    if (clock_monotonic_ms() >= until)
        return error_set(err, ERROR_TIMEOUT, "%s: it did not end in time", run->name);
    if (run->is_cancelled != NULL && run->is_cancelled(run->context))
        return error_set(err, ERROR_CANCELLED, "%s: cancelled", run->name);
    return ERROR_OK;
}

/* What is still on its way when it has ended. */
static void take_rest(struct process *process, struct text *output)
{
    while (output->size < output->limit && take_output(process, output)) {
        struct pollfd item = {.fd = process->channel, .events = POLLIN};

        if (poll(&item, 1, 0) <= 0)
            return; /* what it left running keeps the other end open */
    }
}

static enum error_code await(const struct run *run, struct process *process, struct text *output,
                             int *ret_status, struct error *err)
{
    uint64_t until = clock_monotonic_ms() + run->timeout_ms;

    while (!process_has_ended(process, ret_status)) {
        struct pollfd item = {.fd = process->channel, .events = POLLIN};

        if (is_over(run, until, err) != ERROR_OK) {
            (void)kill(run->command.own_session ? -process->pid : process->pid, SIGKILL);
            (void)waitpid(process->pid, ret_status, 0);
            return err->code;
        }
        (void)poll(&item, 1, POLL_MS);
        if ((item.revents & POLLIN) != 0)
            (void)take_output(process, output);
        else if ((item.revents & POLLHUP) != 0)
            clock_sleep_ms(POLL_MS / 10); /* it closed its output and is about to end */
    }
    take_rest(process, output);
    return ERROR_OK;
}

const char *run_last_line(char *output)
{
    char *end = output + strlen(output);
    char *start;

    while (end > output && (end[-1] == '\n' || end[-1] == ' '))
        *--end = '\0';
    start = strrchr(output, '\n');
    return start == NULL ? output : start + 1;
}

enum error_code run_to_end(const struct run *run, struct text *output, struct error *err)
{
    struct process process;
    char status_text[32];
    enum error_code code;
    int status = 0;

    if (process_spawn(&run->command, &process, err) != ERROR_OK)
        return err->code;
    code = await(run, &process, output, &status, err);
    process_close(&process);
    if (code != ERROR_OK || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
        return code;
    process_status_text(status, status_text, sizeof(status_text));
    return error_set(err, ERROR_FAILED, "%s: %s: %.800s", run->name, status_text,
                     run_last_line(output->data));
}
