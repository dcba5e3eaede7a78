/* main.c: hakem-agent --config FILE */
#include "agent/adopt.h"
#include "agent/loop.h"
#include "agent/task/task.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/process.h"
#include "common/base/text.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char usage[] = "usage: hakem-agent --config FILE\n"
                            "       hakem-agent adopt-journal ID --config FILE\n";

static void on_stop(int signal_number)
{
    (void)signal_number;
    agent_stop();
}

static void handle_signals(void)
{
    struct sigaction stop = {.sa_handler = on_stop};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct rlimit none = {0, 0};

    (void)sigaction(SIGTERM, &stop, NULL);
    (void)sigaction(SIGINT, &stop, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)setrlimit(RLIMIT_CORE, &none); /* the secret key is in memory */
}

static int report(const struct error *err)
{
    (void)fprintf(stderr, "hakem-agent: %s\n", err->detail);
    return error_code_exit_status(err->code);
}

struct command {
    const char *config_path;
    const char *journal; /* adopt-journal */
    uint64_t parent;     /* task, hook: a child of this process */
    char **hook;         /* hook: becomes this executable, with these arguments */
};

static bool parse(int argc, char *argv[], struct command *ret)
{
    if (argc == 3 && strcmp(argv[1], "--config") == 0) {
        ret->config_path = argv[2];
        return true;
    }
    if (argc == 5 && strcmp(argv[1], "adopt-journal") == 0 && strcmp(argv[3], "--config") == 0) {
        ret->journal = argv[2];
        ret->config_path = argv[4];
        return true;
    }
    if (argc == 5 && strcmp(argv[1], "task") == 0 && strcmp(argv[2], "--config") == 0) {
        ret->config_path = argv[3];
        return text_to_number(argv[4], INT32_MAX, &ret->parent) && ret->parent > 0;
    }
    if (argc >= 4 && strcmp(argv[1], "hook") == 0) {
        ret->hook = &argv[3];
        return text_to_number(argv[2], INT32_MAX, &ret->parent) && ret->parent > 0;
    }
    return false;
}

static enum error_code adopt(const struct agent_config *config, const char *journal,
                             struct error *err)
{
    if (agent_adopt_journal(config, journal, err) != ERROR_OK)
        return err->code;
    return config->kind == KIND_DATABASE ? adopt_in_database(config, journal, err) : ERROR_OK;
}

static int run(const struct command *command, const struct agent_config *config, struct error *err)
{
    if (command->parent != 0)
        return task_child(config);
    if (command->journal != NULL)
        return adopt(config, command->journal, err) == ERROR_OK ? EXIT_SUCCESS : report(err);
    handle_signals();
    log_event(LOG_INFO, "started", LOG_TEXT("kind", config->kind_name),
              LOG_TEXT("coordinator", config->coordinator));
    return agent_run(config, err) == ERROR_OK ? EXIT_SUCCESS : report(err);
}

/* A hook outlives neither the task that runs it nor its agent: the next attempt would meet it. */
static int become_hook(const struct command *command)
{
    (void)execv(command->hook[0], command->hook);
    (void)fprintf(stderr, "cannot run %s: %s\n", command->hook[0], strerror(errno));
    return EXIT_FAILURE;
}

int main(int argc, char *argv[])
{
    struct command command = {.config_path = NULL};
    struct agent_config config;
    struct error err = {.code = ERROR_OK};
    enum log_level level = LOG_INFO;
    void *memory;
    int status;

    if (!parse(argc, argv, &command)) {
        (void)fputs(usage, stderr);
        return error_code_exit_status(ERROR_USAGE);
    }
    if (command.parent != 0)
        process_die_with_parent((pid_t)command.parent);
    process_seal_descriptors(); /* what a hook leaves running must not hold a task's channel */
    if (command.hook != NULL)
        return become_hook(&command);
    memory = memory_zeroed(NULL, 1, 1, "config");
    if (agent_config_read(memory, command.config_path, &config, &err) != ERROR_OK) {
        talloc_free(memory);
        return report(&err);
    }
    (void)log_level_from_name(config.log_level, &level);
    log_open("hakem-agent", level);
    status = run(&command, &config, &err);
    talloc_free(memory);
    return status;
}
