#include "common/proof/scratch_server.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/run.h"
#include "common/postgres/programs.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOCKET_FOLDER_MAX 90 /* of sockaddr_un's 108 bytes, less the socket's own name */
#define INITDB_MS         120000
#define START_MS          60000
#define STOP_MS           20000
#define CONNECT_MS        1000
#define POLL_MS           20
#define ARGUMENTS_MAX     24
#define OUTPUT_MAX        4096
#define LOG_WORDS         400
#define USER              "postgres" /* as root: PostgreSQL refuses to run as that */

#define USE_ANOTHER "set TEST_DATABASE_URL to a server on which scratch databases may be made"

static const char setpriv[] = "/usr/bin/setpriv";
static const char *const environment[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "TZ=UTC",
    NULL};

/* ---- its programs ---- */

static enum error_code find_programs(const void *parent, struct scratch_server *server,
                                     struct error *err)
{
    static const char *const names[] = {"initdb", "postgres", NULL};

    if (server->programs == NULL)
        server->programs = programs_newest_place(names, parent);
    if (server->programs == NULL)
        return error_set(err, ERROR_REFUSED,
                         "PostgreSQL's initdb and postgres were not found for a scratch server: "
                         "install them, or " USE_ANOTHER);
    if (!programs_are_in(server->programs, names))
        return error_set(err, ERROR_REFUSED,
                         "%s has no initdb and postgres that can be executed, for a scratch "
                         "server: name another folder, or " USE_ANOTHER,
                         server->programs);
    if (access(setpriv, X_OK) != 0)
        return error_set(err, ERROR_REFUSED,
                         "%s is not there, without which a scratch server could outlive us: "
                         "install util-linux, or " USE_ANOTHER,
                         setpriv);
    return ERROR_OK;
}

/* setpriv: another user for root, and an end with ours: by that signal. */
static size_t begin_command(const char **ret, const char *signal_name)
{
    size_t count = 0;

    ret[count++] = setpriv;
    ret[count++] = "--pdeathsig";
    ret[count++] = signal_name;
    if (geteuid() == 0) {
        ret[count++] = "--reuid=" USER;
        ret[count++] = "--regid=" USER;
        ret[count++] = "--clear-groups";
    }
    return count;
}

static struct process_command command_of(const struct scratch_server *server,
                                         const char *const *arguments)
{
    return (struct process_command){.path = setpriv,
                                    .argv = (char *const *)(uintptr_t)arguments,
                                    .environment = (char *const *)(uintptr_t)environment,
                                    .own_session = true,
                                    .folder = server->folder};
}

/* ---- its start ---- */

static enum error_code make_folder(struct scratch_server *server, struct error *err)
{
    const char *base = getenv("TMPDIR");
    const struct passwd *user = geteuid() == 0 ? getpwnam(USER) : NULL;

    if (geteuid() == 0 && user == NULL)
        return error_set(err, ERROR_REFUSED,
                         "PostgreSQL does not run as root, and there is no user " USER
                         ": " USE_ANOTHER);
    if (!text_format(server->folder, SOCKET_FOLDER_MAX, "%s/hakem-server-XXXXXX",
                     base != NULL && base[0] != '\0' ? base : "/tmp")) {
        server->folder[0] = '\0';
        return error_set(err, ERROR_REFUSED,
                         "the folder TMPDIR %.200s is too long for a socket below it", base);
    }
    if (mkdtemp(server->folder) == NULL) {
        error_set(err, ERROR_SYSTEM, "cannot make the folder %s: %s", server->folder,
                  strerror(errno));
        server->folder[0] = '\0';
        return err->code;
    }
    if (user != NULL && chown(server->folder, user->pw_uid, user->pw_gid) != 0)
        return error_set(err, ERROR_SYSTEM, "cannot give %s to the user " USER ": %s",
                         server->folder, strerror(errno));
    (void)text_format(server->data, sizeof(server->data), "%s/data", server->folder);
    (void)text_format(server->log, sizeof(server->log), "%s/log", server->folder);
    return ERROR_OK;
}

static bool is_cancelled(void *context)
{
    (void)context;
    return session_was_signalled();
}

static enum error_code make_data(const struct scratch_server *server, struct error *err)
{
    const char *arguments[ARGUMENTS_MAX];
    struct text *output = text_new(NULL, OUTPUT_MAX);
    size_t count = begin_command(arguments, "KILL");
    char program[FILE_PATH_MAX];
    struct run run = {.name = "initdb", .timeout_ms = INITDB_MS, .is_cancelled = is_cancelled};
    const char *const words[] = {"-D",        server->data,       "-U",
                                 USER,        "--auth=trust", /* nobody else can enter the folder */
                                 "--no-sync", "--locale=C.UTF-8", "--encoding=UTF8"};

    (void)text_format(program, sizeof(program), "%s/initdb", server->programs);
    arguments[count++] = program;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        arguments[count++] = words[i];
    arguments[count] = NULL;
    run.command = command_of(server, arguments);
    err->code = ERROR_OK;
    (void)run_to_end(&run, output, err);
    talloc_free(output);
    return err->code;
}

/* Nothing of it has to survive a crash, and nobody but us is let in. */
static enum error_code spawn(struct scratch_server *server, struct error *err)
{
    const char *arguments[ARGUMENTS_MAX];
    size_t count = begin_command(arguments, "QUIT");
    char program[FILE_PATH_MAX], socket[FILE_PATH_MAX];
    struct process_command command;
    const char *const settings[] = {"listen_addresses=", socket, "fsync=off",
                                    "full_page_writes=off", "logging_collector=off"};

    (void)text_format(program, sizeof(program), "%s/postgres", server->programs);
    (void)text_format(socket, sizeof(socket), "unix_socket_directories=%s", server->folder);
    arguments[count++] = program;
    arguments[count++] = "-D";
    arguments[count++] = server->data;
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        arguments[count++] = "-c";
        arguments[count++] = settings[i];
    }
    arguments[count] = NULL;
    command = command_of(server, arguments);
    command.log = server->log;
    return process_spawn(&command, &server->process, err);
}

static enum error_code fail_start(const struct scratch_server *server, struct error *err)
{
    char before[ERROR_DETAIL_MAX / 4];
    char words[LOG_WORDS];

    (void)text_copy(before, sizeof(before), err->detail);
    file_last_words(server->log, words, sizeof(words));
    return error_set(err, ERROR_FAILED, "the scratch server does not start: %s; its log ends: %s",
                     before, words);
}

static enum error_code await_answer(struct scratch_server *server, struct error *err)
{
    char *url = scratch_server_url(server, NULL);
    const struct session_options options = {.url = url, .connect_timeout_ms = CONNECT_MS};
    uint64_t until = clock_monotonic_ms() + START_MS;
    struct session *session = NULL;
    int status;

    while (session_open(NULL, &options, &session, err) != ERROR_OK &&
           err->code != ERROR_CANCELLED) {
        bool has_ended = process_has_ended(&server->process, &status);

        if (has_ended)
            process_close(&server->process);
        if (has_ended || clock_monotonic_ms() >= until) {
            (void)fail_start(server, err);
            break;
        }
        clock_sleep_ms(POLL_MS);
    }
    talloc_free(url);
    if (session == NULL)
        return err->code;
    session_close(session);
    return ERROR_OK;
}

enum error_code scratch_server_start(const void *parent, const char *programs,
                                     struct scratch_server *ret, struct error *err)
{
    struct scratch_server server = {.programs = programs, .process.channel = -1};
    struct error ignored;

    if (find_programs(parent, &server, err) != ERROR_OK || make_folder(&server, err) != ERROR_OK ||
        make_data(&server, err) != ERROR_OK || spawn(&server, err) != ERROR_OK ||
        await_answer(&server, err) != ERROR_OK) {
        (void)scratch_server_stop(&server, &ignored);
        return err->code;
    }
    *ret = server;
    return ERROR_OK;
}

char *scratch_server_url(const struct scratch_server *server, const void *parent)
{
    return memory_format(parent,
                         "host='%s' port=5432 user=" USER " dbname=postgres sslmode=disable",
                         server->folder);
}

/* ---- its end ---- */

static bool has_ended_within(struct scratch_server *server, uint64_t ms)
{
    uint64_t until = clock_monotonic_ms() + ms;
    int status;

    while (!process_has_ended(&server->process, &status)) {
        if (clock_monotonic_ms() >= until)
            return false;
        clock_sleep_ms(POLL_MS);
    }
    return true;
}

/* An immediate shutdown, and if that is not one, its end. */
static enum error_code end_process(struct scratch_server *server, struct error *err)
{
    pid_t pid = server->process.pid;

    if (pid <= 0)
        return ERROR_OK;
    (void)kill(pid, SIGQUIT);
    if (!has_ended_within(server, STOP_MS / 2)) {
        (void)kill(pid, SIGKILL);
        if (!has_ended_within(server, STOP_MS / 2))
            return error_set(err, ERROR_TIMEOUT, "the scratch server %ld in %s does not end",
                             (long)pid, server->folder);
    }
    process_close(&server->process);
    return ERROR_OK;
}

/* Of a server that was killed the backends end a moment later, and may still make files. */
static enum error_code remove_folder(const struct scratch_server *server, struct error *err)
{
    uint64_t until = clock_monotonic_ms() + STOP_MS;

    while (file_remove_tree(server->folder, err) != ERROR_OK) {
        if (clock_monotonic_ms() >= until)
            return err->code;
        clock_sleep_ms(POLL_MS);
    }
    return ERROR_OK;
}

enum error_code scratch_server_stop(struct scratch_server *server, struct error *err)
{
    if (end_process(server, err) != ERROR_OK)
        return err->code;
    if (server->folder[0] != '\0' && remove_folder(server, err) != ERROR_OK)
        return err->code;
    *server = (struct scratch_server){.process.channel = -1};
    return ERROR_OK;
}
