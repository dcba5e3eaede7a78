/* twin.c: a database that follows another one, is switched to, and is left. */
#include "agent/task/task.h"

enum error_code task_follow(struct task_context *task, struct task_outcome *ret, struct error *err)
{
    (void)task;
    (void)ret;
    return error_set(err, ERROR_REFUSED, "not there yet");
}
enum error_code task_unfollow(struct task_context *task, struct task_outcome *ret,
                              struct error *err)
{
    (void)task;
    (void)ret;
    return error_set(err, ERROR_REFUSED, "not there yet");
}
enum error_code task_close_writes(struct task_context *task, struct task_outcome *ret,
                                  struct error *err)
{
    (void)task;
    (void)ret;
    return error_set(err, ERROR_REFUSED, "not there yet");
}
enum error_code task_open_writes(struct task_context *task, struct task_outcome *ret,
                                 struct error *err)
{
    (void)task;
    (void)ret;
    return error_set(err, ERROR_REFUSED, "not there yet");
}
enum error_code task_drain_wal(struct task_context *task, struct task_outcome *ret,
                               struct error *err)
{
    (void)task;
    (void)ret;
    return error_set(err, ERROR_REFUSED, "not there yet");
}
enum error_code task_compare(struct task_context *task, struct task_outcome *ret, struct error *err)
{
    (void)task;
    (void)ret;
    return error_set(err, ERROR_REFUSED, "not there yet");
}
enum error_code task_sequences(struct task_context *task, struct task_outcome *ret,
                               struct error *err)
{
    (void)task;
    (void)ret;
    return error_set(err, ERROR_REFUSED, "not there yet");
}
enum error_code task_reverse(struct task_context *task, struct task_outcome *ret, struct error *err)
{
    (void)task;
    (void)ret;
    return error_set(err, ERROR_REFUSED, "not there yet");
}
enum error_code task_unreverse(struct task_context *task, struct task_outcome *ret,
                               struct error *err)
{
    (void)task;
    (void)ret;
    return error_set(err, ERROR_REFUSED, "not there yet");
}
enum error_code task_close(struct task_context *task, struct task_outcome *ret, struct error *err)
{
    (void)task;
    (void)ret;
    return error_set(err, ERROR_REFUSED, "not there yet");
}
