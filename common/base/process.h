/* process.h: child processes: spawned with posix_spawn, never forked; tied to their parent's life.
 */
#ifndef COMMON_BASE_PROCESS_H
#define COMMON_BASE_PROCESS_H

#include "common/base/error.h"

#include <stdbool.h>
#include <sys/types.h>

/* The descriptor under which a task child finds its channel to the parent (a socket pair). */
#define PROCESS_CHANNEL_FD 3

struct process {
    pid_t pid;   /* 0: none */
    int channel; /* the parent's end of the socket pair, non-blocking; -1: none */
};

struct process_command {
    const char *path; /* absolute, or "/proc/self/exe"; no shell, no search path */
    char *const *argv;
    char *const *environment;
    bool with_channel;  /* else standard output and error are the channel */
    bool own_session;   /* setsid: what it leaves behind survives us */
    const char *folder; /* where it works; NULL: here */
    const char *log;    /* file that standard output and error are appended to; NULL: the channel */
    /* In place of the channel: its standard input, which is empty otherwise, and its standard
     * output. 0: as said. */
    int input, output;
};

/* Spawn from the main thread: PDEATHSIG fires when the spawning thread ends. */
enum error_code process_spawn(const struct process_command *command, struct process *ret,
                              struct error *err);

/* In a child, first thing: dies with the parent from now on, or at once if it is gone already.
 * parent is the id that the parent put into the arguments. */
void process_die_with_parent(pid_t parent);

/* Without waiting: true if it has ended; *ret_status is then waitpid's. */
bool process_has_ended(const struct process *process, int *ret_status);

/* Closes the channel. Does not kill. */
void process_close(struct process *process);

/* "exit 3", "signal 9" */
void process_status_text(int status, char *ret, size_t size);

/* Marks every descriptor above standard error close-on-exec: foreign ones that came with our start,
 * and a task child's channel. */
void process_seal_descriptors(void);

#endif
