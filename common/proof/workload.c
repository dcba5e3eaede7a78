#include "common/proof/workload.h"

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/process.h"
#include "common/base/text.h"
#include "common/postgres/programs.h"
#include "common/postgres/session.h"
#include "embedded_hakem_proof.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define APPLICATION_NAME "hakem:load"
#define OBSERVER_NAME    "hakem:watcher"
#define LOOK_EVERY_MS    50
#define POLL_MS          20
#define CONNECT_MS       30000
#define STOP_MS          30000
#define RUN_S            "86400" /* it is ended long before */
#define ARGUMENTS_MAX    32
#define NUMBER_SIZE      24
#define SAID_MAX         600
#define KEY_SIZE         64
#define US_PER_MS        1000

struct workload {
    const struct workload_options *options;
    char folder[FILE_PATH_MAX]; /* of its log and of what it says */
    char said[FILE_PATH_MAX];
    char prefix[FILE_PATH_MAX];
    struct process process;
    pid_t log_pid;            /* names the log */
    struct session *observer; /* beside everything else */
    uint64_t looked_at_ms;
    uint64_t began_us, happened_us; /* since 1970: the windows' ends */
    uint64_t deadlocks_before;
    char (*waits)[KEY_SIZE]; /* that were met */
    size_t wait_count;
    uint64_t longest_wait_ms;
};

static uint64_t now_us(void)
{
    return clock_wall_ms() * US_PER_MS;
}

/* ---- its process ---- */

static enum error_code make_folder(struct workload *w, struct error *err)
{
    const char *base = getenv("TMPDIR");

    if (!text_format(w->folder, FILE_PATH_MAX / 2, "%s/hakem-load-XXXXXX",
                     base != NULL && base[0] != '\0' ? base : "/tmp") ||
        mkdtemp(w->folder) == NULL) {
        error_set(err, ERROR_SYSTEM, "cannot make the folder %s: %s", w->folder, strerror(errno));
        w->folder[0] = '\0';
        return err->code;
    }
    (void)text_format(w->said, sizeof(w->said), "%s/said", w->folder);
    (void)text_format(w->prefix, sizeof(w->prefix), "%s/log", w->folder);
    return ERROR_OK;
}

static enum error_code find_pgbench(const struct workload_options *options, const void *parent,
                                    const char **ret, struct error *err)
{
    static const char *const names[] = {"pgbench", NULL};
    const char *folder = options->programs;

    if (folder == NULL || !programs_are_in(folder, names))
        folder = programs_newest_place(names, parent);
    if (folder == NULL)
        return error_set(err, ERROR_REFUSED,
                         "pgbench, which runs --load, was not found: install it, or name its "
                         "folder with --programs");
    *ret = memory_format(parent, "%s/pgbench", folder);
    return ERROR_OK;
}

/* One thread: its log is one file. */
static enum error_code spawn(struct workload *w, const char *pgbench, struct error *err)
{
    char clients[NUMBER_SIZE], rate[NUMBER_SIZE];
    const char *arguments[ARGUMENTS_MAX] = {
        "setpriv", "--pdeathsig", "KILL",         pgbench,
        "-n",      "-l",          "--log-prefix", w->prefix,
        "-j",      "1",           "-T",           RUN_S,
        "-c",      clients,       "-f",           w->options->script,
        NULL};
    const char *environment[PROGRAMS_ENVIRONMENT_MAX];
    struct process_command command = {.path = "/usr/bin/setpriv",
                                      .argv = (char *const *)(uintptr_t)arguments,
                                      .environment = (char *const *)(uintptr_t)environment,
                                      .own_session = true,
                                      .log = w->said};
    size_t count = 0;

    (void)text_format(clients, sizeof(clients), "%" PRIu64, w->options->clients);
    (void)text_format(rate, sizeof(rate), "%" PRIu64, w->options->rate);
    while (arguments[count] != NULL)
        count++;
    if (w->options->rate > 0) {
        arguments[count++] = "-R";
        arguments[count] = rate;
    }
    programs_environment(w->observer, APPLICATION_NAME, w, environment);
    if (process_spawn(&command, &w->process, err) != ERROR_OK)
        return err->code;
    w->log_pid = w->process.pid;
    return ERROR_OK;
}

static bool has_ended(struct workload *w)
{
    int status;

    if (w->process.pid == 0)
        return true;
    if (!process_has_ended(&w->process, &status))
        return false;
    process_close(&w->process);
    return true;
}

/* Errors end a client; that we ended it is none. */
static void read_said(const struct workload *w, struct workload_figures *figures)
{
    FILE *file = fopen(w->said, "re");
    char line[1024];

    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        const char *error = strstr(line, "ERROR:");

        if (error == NULL)
            continue;
        line[strcspn(line, "\n")] = '\0';
        if (figures->errors++ == 0)
            (void)text_copy(figures->error, sizeof(figures->error), error);
    }
    if (file != NULL)
        (void)fclose(file);
    text_mend(figures->error);
}

static enum error_code fail_early(const struct workload *w, struct error *err)
{
    struct workload_figures figures = {.errors = 0};
    char words[SAID_MAX];

    read_said(w, &figures);
    file_last_words(w->said, words, sizeof(words));
    return error_set(err, ERROR_INVALID, "the load %s gave up before anything happened: %.500s",
                     w->options->script, figures.errors > 0 ? figures.error : words);
}

/* Until it has run that long, or is_there says so. */
static enum error_code run_for(struct workload *w, uint64_t ms, bool (*is_there)(struct workload *),
                               struct error *err)
{
    uint64_t until = clock_monotonic_ms() + ms;

    while (clock_monotonic_ms() < until && (is_there == NULL || !is_there(w))) {
        if (session_was_signalled())
            return error_set(err, ERROR_CANCELLED, "cancelled");
        if (has_ended(w))
            return fail_early(w, err);
        clock_sleep_ms(POLL_MS);
    }
    return ERROR_OK;
}

static bool is_connected(struct workload *w)
{
    struct error ignored;
    bool is = false;

    return session_ask_bool(w->observer,
                            SQL_WITH("SELECT count(*) > 0 FROM pg_catalog.pg_stat_activity"
                                     " WHERE application_name = $1 AND query <> ''",
                                     APPLICATION_NAME),
                            &is, &ignored) == ERROR_OK &&
           is;
}

static enum error_code read_deadlocks(const struct workload *w, uint64_t *ret, struct error *err)
{
    return session_ask_number(w->observer,
                              SQL("SELECT deadlocks FROM pg_catalog.pg_stat_database"
                                  " WHERE datname = pg_catalog.current_database()"),
                              ret, err);
}

static enum error_code begin(struct workload *w, struct error *err)
{
    const char *pgbench = NULL;

    if (make_folder(w, err) != ERROR_OK || find_pgbench(w->options, w, &pgbench, err) != ERROR_OK ||
        spawn(w, pgbench, err) != ERROR_OK || run_for(w, CONNECT_MS, is_connected, err) != ERROR_OK)
        return err->code;
    if (!is_connected(w))
        return fail_early(w, err);
    w->began_us = now_us();
    if (run_for(w, w->options->before_ms, NULL, err) != ERROR_OK ||
        read_deadlocks(w, &w->deadlocks_before, err) != ERROR_OK)
        return err->code;
    w->happened_us = now_us();
    return ERROR_OK;
}

enum error_code workload_start(const void *parent, const char *url,
                               const struct workload_options *options, struct workload **ret,
                               struct error *err)
{
    const struct session_options session = {
        .url = url, .application_name = OBSERVER_NAME, .ignores_signals = true};
    struct workload *w = memory_new(parent, struct workload);

    w->options = options;
    w->process.channel = -1;
    w->waits = memory_zeroed(w, WORKLOAD_WAITS_MAX, KEY_SIZE, "waits");
    if (session_open(w, &session, &w->observer, err) != ERROR_OK || begin(w, err) != ERROR_OK) {
        workload_free(w);
        return err->code;
    }
    *ret = w;
    return ERROR_OK;
}

/* ---- looking ---- */

static bool was_met(const struct workload *w, const char *key)
{
    for (size_t i = w->wait_count; i-- > 0;)
        if (strcmp(w->waits[i], key) == 0)
            return true;
    return false;
}

void workload_look(struct workload *w)
{
    uint64_t now_ms = clock_monotonic_ms();
    struct rows *rows = NULL;
    struct error ignored;

    if (now_ms < w->looked_at_ms + LOOK_EVERY_MS)
        return;
    w->looked_at_ms = now_ms;
    if (session_query(w->observer, SQL_WITH(embedded_workload_locks, APPLICATION_NAME), &rows,
                      &ignored) != ERROR_OK)
        return;
    for (size_t i = 0; i < rows_count(rows); i++) {
        const char *key = rows_text(rows, i, 0);

        if (!was_met(w, key) && w->wait_count < WORKLOAD_WAITS_MAX)
            (void)text_copy(w->waits[w->wait_count++], KEY_SIZE, key);
        if (rows_number(rows, i, 1) > w->longest_wait_ms)
            w->longest_wait_ms = rows_number(rows, i, 1);
    }
    rows_free(rows);
}

/* ---- the end ---- */

/* Without its connections it ends and writes the rest of its log; killed, it would not.  What they
 * counted is there once they are gone. */
static enum error_code disconnect(struct workload *w, struct error *err)
{
    uint64_t until = clock_monotonic_ms() + STOP_MS;

    for (uint64_t left = 1; !has_ended(w) || left > 0;) {
        if (session_ask_number(w->observer,
                               SQL_WITH("SELECT count(pg_catalog.pg_terminate_backend(pid))"
                                        " FROM pg_catalog.pg_stat_activity"
                                        " WHERE application_name = $1",
                                        APPLICATION_NAME),
                               &left, err) != ERROR_OK)
            return err->code;
        if (clock_monotonic_ms() >= until)
            return error_set(err, ERROR_TIMEOUT, "pgbench does not end");
        clock_sleep_ms(POLL_MS);
    }
    return ERROR_OK;
}

/* Who still waits when it is ended has waited for us: it is within the second window. */
static enum error_code read_log(struct workload *w, struct workload_figures *figures,
                                struct error *err)
{
    struct latency_window before = {
        .from_us = w->began_us, .until_us = w->happened_us, .parent = w};
    struct latency_window during = {.from_us = w->happened_us, .until_us = UINT64_MAX, .parent = w};
    char path[FILE_PATH_MAX + NUMBER_SIZE], line[256];
    FILE *file;

    (void)text_format(path, sizeof(path), "%s.%ld", w->prefix, (long)w->log_pid);
    file = fopen(path, "re");
    if (file == NULL)
        return error_set(err, ERROR_SYSTEM, "cannot read pgbench's log %s: %s", path,
                         strerror(errno));
    while (fgets(line, sizeof(line), file) != NULL) {
        (void)latency_take(&before, line);
        (void)latency_take(&during, line);
    }
    (void)fclose(file);
    figures->before = latency_of(&before);
    figures->during = latency_of(&during);
    return ERROR_OK;
}

enum error_code workload_stop(struct workload *w, struct workload_figures *ret, struct error *err)
{
    struct workload_figures figures = {.waits = w->wait_count,
                                       .longest_wait_ms = w->longest_wait_ms};
    uint64_t deadlocks = 0;

    if (disconnect(w, err) != ERROR_OK || read_deadlocks(w, &deadlocks, err) != ERROR_OK ||
        read_log(w, &figures, err) != ERROR_OK)
        return err->code;
    figures.deadlocks = deadlocks - w->deadlocks_before;
    read_said(w, &figures);
    *ret = figures;
    return ERROR_OK;
}

void workload_free(struct workload *w)
{
    struct error ignored;
    int status;

    if (w == NULL)
        return;
    if (!has_ended(w)) {
        (void)kill(-w->process.pid, SIGKILL);
        (void)waitpid(w->process.pid, &status, 0);
        process_close(&w->process);
    }
    if (w->folder[0] != '\0')
        (void)file_remove_tree(w->folder, &ignored);
    talloc_free(w);
}
