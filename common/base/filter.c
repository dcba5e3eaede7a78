#define _GNU_SOURCE /* pipe2 */
#include "common/base/filter.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/process.h"
#include "common/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILTER_TICK_MS 20
#define FILTER_PIECE   65536

/* Our ends; -1: closed. */
enum end { END_INPUT, END_OUTPUT, END_COMPLAINT, END_COUNT };

struct run {
    const struct filter *filter;
    struct filter_bytes left; /* of the input */
    struct text *taken[END_COUNT];
    int ends[END_COUNT];
    int theirs[END_COUNT];
    pid_t pid;
    uint64_t until;
};

static void close_all(int *ends)
{
    for (int i = 0; i < END_COUNT; i++) {
        if (ends[i] >= 0)
            (void)close(ends[i]);
        ends[i] = -1;
    }
}

/* ---- beginning ---- */

/* The input is a socket: writing to a program that does not read it any more must not be our end.
 */
static bool make_ends(struct run *run)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return false;
    run->ends[END_INPUT] = pair[0];
    run->theirs[END_INPUT] = pair[1];
    for (int i = END_OUTPUT; i < END_COUNT; i++) {
        if (pipe2(pair, O_CLOEXEC) != 0)
            return false;
        run->ends[i] = pair[0];
        run->theirs[i] = pair[1];
    }
    for (int i = 0; i < END_COUNT; i++)
        (void)fcntl(run->ends[i], F_SETFL, O_NONBLOCK);
    return true;
}

static void set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t all, none;

    (void)sigfillset(&all);
    (void)sigemptyset(&none);
    (void)posix_spawnattr_init(attributes);
    (void)posix_spawnattr_setsigdefault(attributes, &all);
    (void)posix_spawnattr_setsigmask(attributes, &none);
    (void)posix_spawnattr_setpgroup(attributes, 0);
    (void)posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                                   POSIX_SPAWN_SETPGROUP);
}

static int spawn(struct run *run)
{
    char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    char *const environment[] = {path, NULL};
    char *name = memory_text(NULL, run->filter->path);
    char *const arguments[] = {name, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int rc;

    (void)posix_spawn_file_actions_init(&actions);
    for (int i = 0; i < END_COUNT; i++) /* 0, 1, 2 in the order of enum end */
        (void)posix_spawn_file_actions_adddup2(&actions, run->theirs[i], i);
    set_attributes(&attributes);
    rc = posix_spawn(&run->pid, name, &actions, &attributes, arguments, environment);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    talloc_free(name);
    return rc;
}

/* ---- bytes ---- */

static void close_end(struct run *run, enum end end)
{
    (void)close(run->ends[end]);
    run->ends[end] = -1;
}

static bool may_come_again(ssize_t n)
{
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* All is given, or nobody wants it: then the program's end says what that means. */
static void give(struct run *run)
{
    size_t size = run->left.size < FILTER_PIECE ? run->left.size : FILTER_PIECE;
    ssize_t n = size > 0 ? send(run->ends[END_INPUT], run->left.bytes, size, MSG_NOSIGNAL) : 0;

    if (n > 0) {
        run->left.bytes += n;
        run->left.size -= (size_t)n;
    }
    if (run->left.size == 0 || (n < 0 && !may_come_again(n)))
        close_end(run, END_INPUT);
}

static void take(struct run *run, enum end end)
{
    char bytes[FILTER_PIECE];
    ssize_t n = read(run->ends[end], bytes, sizeof(bytes));

    if (n > 0)
        text_append_bytes(run->taken[end], bytes, (size_t)n);
    else if (!may_come_again(n))
        close_end(run, end);
}

/* A tick at most. */
static void exchange(struct run *run)
{
    struct pollfd items[END_COUNT];

    for (int i = 0; i < END_COUNT; i++)
        items[i] = (struct pollfd){.fd = run->ends[i], .events = i == END_INPUT ? POLLOUT : POLLIN};
    if (poll(items, END_COUNT, FILTER_TICK_MS) <= 0)
        return;
    if (items[END_INPUT].revents != 0)
        give(run);
    for (int i = END_OUTPUT; i < END_COUNT; i++)
        if (items[i].revents != 0)
            take(run, (enum end)i);
}

/* ---- the end ---- */

static enum error_code is_over(const struct run *run, struct error *err)
{
    const struct filter *filter = run->filter;

    if (run->taken[END_OUTPUT]->is_cut)
        return error_set(err, ERROR_LIMIT, "%s: it writes more than %zu bytes", filter->path,
                         filter->output_max);
    if (clock_monotonic_ms() >= run->until)
        return error_set(err, ERROR_TIMEOUT, "%s: it did not end in time", filter->path);
    if (filter->is_cancelled != NULL && filter->is_cancelled(filter->context))
        return error_set(err, ERROR_CANCELLED, "%s: cancelled", filter->path);
    return ERROR_OK;
}

static const char *last_line(char *text)
{
    char *end = text + strlen(text);
    char *start;

    while (end > text && (end[-1] == '\n' || end[-1] == ' '))
        *--end = '\0';
    start = strrchr(text, '\n');
    return start == NULL ? text : start + 1;
}

static enum error_code judge(struct run *run, int status, struct error *err)
{
    char words[32];

    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return ERROR_OK;
    process_status_text(status, words, sizeof(words));
    return error_set(err, ERROR_HOOK, "%s: %s: %.600s", run->filter->path, words,
                     last_line(run->taken[END_COMPLAINT]->data));
}

static enum error_code await(struct run *run, struct error *err)
{
    struct process process = {.pid = run->pid, .channel = -1};
    bool has_ended = false;
    int status = 0;

    while (!has_ended || run->ends[END_OUTPUT] >= 0) {
        if (is_over(run, err) != ERROR_OK) {
            (void)kill(-run->pid, SIGKILL);
            if (!has_ended)
                (void)waitpid(run->pid, &status, 0);
            return err->code;
        }
        exchange(run);
        has_ended = has_ended || process_has_ended(&process, &status);
    }
    if (run->ends[END_COMPLAINT] >= 0)
        exchange(run); /* what it said last */
    return judge(run, status, err);
}

enum error_code filter_run(const struct filter *filter, struct filter_bytes input,
                           const void *parent, struct filter_bytes *ret, struct error *err)
{
    struct run run = {
        .filter = filter, .left = input, .ends = {-1, -1, -1}, .theirs = {-1, -1, -1}};
    void *scratch = talloc_new(NULL);
    enum error_code code;
    int rc;

    run.until = clock_monotonic_ms() + filter->timeout_ms;
    run.taken[END_OUTPUT] = text_new(scratch, filter->output_max);
    run.taken[END_COMPLAINT] = text_new(scratch, FILTER_COMPLAINT_MAX);
    rc = make_ends(&run) ? spawn(&run) : errno;
    close_all(run.theirs);
    if (rc != 0)
        code = error_set(err, ERROR_HOOK, "cannot run %s: %s", filter->path, strerror(rc));
    else
        code = await(&run, err);
    close_all(run.ends);
    if (code == ERROR_OK)
        *ret = (struct filter_bytes){
            .bytes = memory_copy(parent, run.taken[END_OUTPUT]->data, run.taken[END_OUTPUT]->size),
            .size = run.taken[END_OUTPUT]->size};
    talloc_free(scratch);
    return code;
}
