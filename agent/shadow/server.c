/* server.c: the processes of a shadow: those of PostgreSQL's server that work in its folder, and of
 * pg_basebackup that write there.
 *
 * A server's process changes into its data directory first thing; one whose working directory is a
 * shadow's, and whose program is PostgreSQL's, is that shadow's and nobody else's. pg_basebackup
 * has a second process, which streams WAL and for a while outlives the first. Numbers in files are
 * not believed: they may have been given to another process since.
 */
#include "agent/shadow/shadow.h"

#include "common/base/clock.h"
#include "common/base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define STOP_POLL_MS      20
#define LINK_PATH_SIZE    64
#define COMMAND_BYTES_MAX 16384
#define GONE_FOLDER       " (deleted)" /* what Linux puts behind a path that is no more */

static bool read_link(const char *pid, const char *what, char ret[static FILE_PATH_MAX])
{
    char path[LINK_PATH_SIZE];
    ssize_t size;

    if (!text_format(path, sizeof(path), "/proc/%s/%s", pid, what))
        return false;
    size = readlink(path, ret, FILE_PATH_MAX - 1);
    if (size <= 0)
        return false; /* gone, or another user's */
    ret[size] = '\0';
    if (text_ends_with(ret, GONE_FOLDER))
        ret[(size_t)size - strlen(GONE_FOLDER)] = '\0';
    return true;
}

/* One of its words is the folder's path. */
static bool has_argument(const char *pid, const char *wanted)
{
    char path[LINK_PATH_SIZE];
    char words[COMMAND_BYTES_MAX];
    ssize_t size;
    int fd;

    if (!text_format(path, sizeof(path), "/proc/%s/cmdline", pid))
        return false;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size = read(fd, words, sizeof(words) - 1);
    (void)close(fd);
    words[size > 0 ? size : 0] = '\0';
    for (ssize_t at = 0; at < size; at += (ssize_t)strlen(words + at) + 1)
        if (strcmp(words + at, wanted) == 0)
            return true;
    return false;
}

static bool works_there(const char *pid, const char *folder)
{
    char where[FILE_PATH_MAX];

    return read_link(pid, "cwd", where) && strcmp(where, folder) == 0;
}

static const struct {
    const char *program;
    bool (*is_there)(const char *pid, const char *folder);
} programs[] = {{"postgres", works_there}, {"pg_basebackup", has_argument}};

static bool is_of(const struct shadow *shadow, const char *pid)
{
    char program[FILE_PATH_MAX];
    const char *slash;

    if (!read_link(pid, "exe", program))
        return false; /* another user's, or gone */
    slash = strrchr(program, '/');
    for (size_t i = 0; i < ARRAY_LEN(programs); i++)
        if (strcmp(slash == NULL ? program : slash + 1, programs[i].program) == 0)
            return programs[i].is_there(pid, shadow->data);
    return false;
}

/* signal 0: only counted. */
static size_t signal_all(const struct shadow *shadow, int signal_number)
{
    DIR *folder = opendir("/proc");
    const struct dirent *entry;
    size_t count = 0;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        uint64_t pid = 0;

        if (!text_to_number(entry->d_name, INT32_MAX, &pid) || pid <= 1 ||
            !is_of(shadow, entry->d_name))
            continue;
        count++;
        if (signal_number != 0)
            (void)kill((pid_t)pid, signal_number);
    }
    if (folder != NULL)
        (void)closedir(folder);
    return count;
}

size_t shadow_server_processes(const struct shadow *shadow)
{
    return signal_all(shadow, 0);
}

static bool are_gone_within(const struct shadow *shadow, uint64_t ms)
{
    uint64_t until = clock_monotonic_ms() + ms;

    while (signal_all(shadow, 0) > 0) {
        if (clock_monotonic_ms() >= until)
            return false;
        clock_sleep_ms(STOP_POLL_MS);
    }
    return true;
}

/* Nothing of it is needed any more: an immediate shutdown, and if that is not one, its end. */
enum error_code shadow_server_stop(const struct shadow *shadow, struct error *err)
{
    if (signal_all(shadow, SIGQUIT) == 0 || are_gone_within(shadow, SHADOW_STOP_MS / 2))
        return ERROR_OK;
    (void)signal_all(shadow, SIGKILL);
    if (are_gone_within(shadow, SHADOW_STOP_MS / 2))
        return ERROR_OK;
    return error_set(err, ERROR_TIMEOUT, "%zu processes of the shadow in %s do not end",
                     signal_all(shadow, 0), shadow->folder);
}
