#define _GNU_SOURCE /* prctl's header and posix_spawn's POSIX_SPAWN_SETSID and addchdir_np */
#include "common/base/process.h"

#include "common/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define DESCRIPTORS_SEALED_MAX 1024

static void set_attributes(posix_spawnattr_t *attributes, bool own_session)
{
    sigset_t all;
    sigset_t none;
    int flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;

    (void)sigfillset(&all);
    (void)sigemptyset(&none);
    (void)posix_spawnattr_init(attributes);
    (void)posix_spawnattr_setsigdefault(attributes, &all);
    (void)posix_spawnattr_setsigmask(attributes, &none);
    if (own_session)
        flags |= POSIX_SPAWN_SETSID;
    (void)posix_spawnattr_setflags(attributes, (short)flags);
}

static void set_descriptors(posix_spawn_file_actions_t *actions,
                            const struct process_command *command, int channel)
{
    int output = command->output > 0 ? command->output : channel;

    if (command->input > 0)
        (void)posix_spawn_file_actions_adddup2(actions, command->input, STDIN_FILENO);
    else
        (void)posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (command->with_channel) {
        (void)posix_spawn_file_actions_adddup2(actions, channel, PROCESS_CHANNEL_FD);
        return;
    }
    if (command->log != NULL)
        (void)posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, command->log,
                                               O_WRONLY | O_CREAT | O_APPEND, 0600);
    else
        (void)posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
    (void)posix_spawn_file_actions_adddup2(actions, command->log != NULL ? STDOUT_FILENO : channel,
                                           STDERR_FILENO);
}

enum error_code process_spawn(const struct process_command *command, struct process *ret,
                              struct error *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int pair[2];
    pid_t pid;
    int rc;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return error_set(err, ERROR_SYSTEM, "cannot make a channel to a child: %s",
                         strerror(errno));
    (void)posix_spawn_file_actions_init(&actions);
    set_descriptors(&actions, command, pair[1]);
    if (command->folder != NULL)
        (void)posix_spawn_file_actions_addchdir_np(&actions, command->folder);
    set_attributes(&attributes, command->own_session);
    rc = posix_spawn(&pid, command->path, &actions, &attributes, command->argv,
                     command->environment);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(pair[1]);
    if (rc != 0) {
        (void)close(pair[0]);
        return error_set(err, ERROR_SYSTEM, "cannot run %s: %s", command->path, strerror(rc));
    }
    (void)fcntl(pair[0], F_SETFL, O_NONBLOCK);
    *ret = (struct process){.pid = pid, .channel = pair[0]};
    return ERROR_OK;
}

void process_die_with_parent(pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
}

bool process_has_ended(const struct process *process, int *ret_status)
{
    return process->pid > 0 && waitpid(process->pid, ret_status, WNOHANG) == process->pid;
}

void process_close(struct process *process)
{
    if (process->channel >= 0)
        (void)close(process->channel);
    process->channel = -1;
    process->pid = 0;
}

void process_status_text(int status, char *ret, size_t size)
{
    if (WIFSIGNALED(status))
        (void)text_format(ret, size, "signal %d", WTERMSIG(status));
    else
        (void)text_format(ret, size, "exit %d", WEXITSTATUS(status));
}

void process_seal_descriptors(void)
{
    for (int fd = STDERR_FILENO + 1; fd < DESCRIPTORS_SEALED_MAX; fd++) {
        int flags = fcntl(fd, F_GETFD);

        if (flags >= 0)
            (void)fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
    }
}
