#include "common/backup/program.h"

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/process.h"
#include "common/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define POLL_MS       100
#define END_MS        30000 /* to roll back, and to close its connections */
#define END_POLL_MS   2
#define ARGUMENTS_MAX 256
#define LAST_WORDS    800

/* One on its way. */
struct run {
    const struct program *program;
    struct process process;
    int data;             /* our end of its output, or of its input; -1: closed */
    const uint8_t *piece; /* of the source, not yet taken */
    size_t piece_size;
    char words[PROGRAM_WORDS_MAX + 1]; /* of its standard error */
    size_t word_count;
    uint64_t until_ms;
};

/* ---- beginning ---- */

/* Both ends; ours is [0] and does not block. Sockets, because writing to one whose reader is gone
 * can be an error rather than a signal. */
static enum error_code open_data(int pair[2], struct error *err)
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return error_set(err, ERROR_SYSTEM, "cannot make a pipe to a program: %s", strerror(errno));
    (void)fcntl(pair[0], F_SETFL, O_NONBLOCK);
    return ERROR_OK;
}

static char **words_of(const void *parent, const char *first, const char *const *rest)
{
    char **list = memory_array(parent, char *, ARGUMENTS_MAX + 2);
    size_t count = 0;

    if (first != NULL)
        list[count++] = memory_text(list, first);
    for (size_t i = 0; i < ARGUMENTS_MAX && rest[i] != NULL; i++)
        list[count++] = memory_text(list, rest[i]);
    return list;
}

static enum error_code begin(struct run *run, void *memory, struct error *err)
{
    const struct program *program = run->program;
    char *path = memory_format(memory, "%s/%s", program->folder, program->name);
    struct process_command command = {.path = path,
                                      .argv = words_of(memory, program->name, program->arguments),
                                      .environment = words_of(memory, NULL, program->environment)};
    int pair[2];

    if (open_data(pair, err) != ERROR_OK)
        return err->code;
    if (program->source != NULL)
        command.input = pair[1];
    else
        command.output = pair[1];
    err->code = process_spawn(&command, &run->process, err);
    (void)close(pair[1]);
    run->data = pair[0];
    return err->code;
}

/* ---- while it runs ---- */

static void close_data(struct run *run)
{
    if (run->data >= 0)
        (void)close(run->data);
    run->data = -1;
}

/* Keeps the end of it. False: no more will come. */
static bool hear_words(struct run *run)
{
    char bytes[1024];
    ssize_t n = read(run->process.channel, bytes, sizeof(bytes));

    if (n <= 0)
        return n < 0 && (errno == EAGAIN || errno == EINTR);
    if (run->word_count + (size_t)n > PROGRAM_WORDS_MAX) {
        size_t kept =
            PROGRAM_WORDS_MAX / 2 < run->word_count ? PROGRAM_WORDS_MAX / 2 : run->word_count;

        memmove(run->words, run->words + run->word_count - kept, kept);
        run->word_count = kept;
    }
    memcpy(run->words + run->word_count, bytes, (size_t)n);
    run->word_count += (size_t)n;
    run->words[run->word_count] = '\0';
    return true;
}

static enum error_code take_output(struct run *run, struct error *err)
{
    uint8_t bytes[PROGRAM_PIECE_BYTES];
    ssize_t n = read(run->data, bytes, sizeof(bytes));

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return ERROR_OK;
    if (n <= 0) {
        close_data(run);
        return ERROR_OK;
    }
    if (run->program->sink == NULL)
        return ERROR_OK;
    return run->program->sink(run->program->stream, bytes, (size_t)n, err);
}

/* One that no longer reads says why itself, when it ends. */
static enum error_code give_input(struct run *run, struct error *err)
{
    ssize_t n;

    if (run->piece_size == 0) {
        if (run->program->source(run->program->stream, &run->piece, &run->piece_size, err) !=
            ERROR_OK)
            return err->code;
        if (run->piece_size == 0) {
            close_data(run);
            return ERROR_OK;
        }
    }
    n = send(run->data, run->piece, run->piece_size, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        close_data(run);
    if (n > 0) {
        run->piece += n;
        run->piece_size -= (size_t)n;
    }
    return ERROR_OK;
}

static enum error_code check_wait(struct run *run, struct error *err)
{
    const struct program *program = run->program;

    if (program->beat != NULL)
        program->beat(program->context);
    if (program->is_cancelled != NULL && program->is_cancelled(program->context))
        return error_set(err, ERROR_CANCELLED, "%s was cancelled", program->name);
    if (clock_monotonic_ms() >= run->until_ms)
        return error_set(err, ERROR_TIMEOUT, "%s did not end within %llu s", program->name,
                         (unsigned long long)program->timeout_ms / 1000);
    return ERROR_OK;
}

/* Until both its streams are closed. */
static enum error_code converse(struct run *run, struct error *err)
{
    bool gives = run->program->source != NULL;
    bool hears = true;
    uint64_t looked_ms = 0;

    err->code = ERROR_OK;
    while (err->code == ERROR_OK && (hears || run->data >= 0)) {
        struct pollfd items[2] = {{.fd = run->process.channel, .events = POLLIN},
                                  {.fd = run->data, .events = gives ? POLLOUT : POLLIN}};

        if (!hears)
            items[0].fd = -1;
        (void)poll(items, 2, POLL_MS);
        if (items[0].revents != 0)
            hears = hear_words(run);
        if (items[1].revents != 0)
            err->code = gives ? give_input(run, err) : take_output(run, err);
        if (err->code == ERROR_OK && clock_monotonic_ms() - looked_ms >= POLL_MS) {
            looked_ms = clock_monotonic_ms();
            err->code = check_wait(run, err);
        }
    }
    return err->code;
}

/* ---- its end ---- */

static const char *last_words(struct run *run)
{
    size_t at;

    while (run->word_count > 0 && run->words[run->word_count - 1] == '\n')
        run->words[--run->word_count] = '\0';
    text_mend(run->words);
    at = run->word_count > LAST_WORDS ? run->word_count - LAST_WORDS : 0;
    for (char *c = run->words + at; *c != '\0'; c++)
        *c = (char)(*c == '\n' ? ' ' : *c);
    return run->words + at;
}

/* Both its streams are closed, or it was told to end. */
static int await_end(struct run *run)
{
    uint64_t until_ms = clock_monotonic_ms() + END_MS;
    int status = 0;

    while (!process_has_ended(&run->process, &status)) {
        if (clock_monotonic_ms() >= until_ms) {
            (void)kill(run->process.pid, SIGKILL);
            (void)waitpid(run->process.pid, &status, 0);
            break;
        }
        clock_sleep_ms(END_POLL_MS);
    }
    return status;
}

static enum error_code end(struct run *run, enum error_code code, struct error *err)
{
    char status_text[32];
    int status;

    close_data(run);
    if (code != ERROR_OK)
        (void)kill(run->process.pid, SIGTERM);
    status = await_end(run);
    process_close(&run->process);
    if (code != ERROR_OK || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
        return code;
    process_status_text(status, status_text, sizeof(status_text));
    return error_set(err, ERROR_FAILED, "%s: %s: %s", run->program->name, status_text,
                     last_words(run));
}

enum error_code program_run(const struct program *program, struct error *err)
{
    struct run *run = memory_new(NULL, struct run);
    enum error_code code;

    run->program = program;
    run->data = -1;
    run->until_ms = clock_monotonic_ms() + program->timeout_ms;
    code = begin(run, run, err);
    if (code == ERROR_OK)
        code = end(run, converse(run, err), err);
    close_data(run);
    talloc_free(run);
    return code;
}
