/* shadow.c: a shadow is made, rehearsed on, and discarded; what became of one. */
#include "agent/task/task.h"

#include "agent/hook.h"
#include "agent/shadow/copy.h"
#include "agent/shadow/keep.h"
#include "agent/shadow/rehearsal.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/run.h"
#include "common/base/text.h"
#include "common/migration/inspect.h"
#include "common/migration/schema.h"
#include "common/postgres/term.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define TERM_WAIT_MS  10000
#define VERIFY_MS     300000
#define OWN_VARIABLES 10
#define LAST_WORDS    200

static enum error_code find_shadow(struct task_context *task, struct shadow *ret, struct error *err)
{
    return shadow_find(task->config, task->job->order.id.rollout, ret, err);
}

/* ---- clone ---- */

/* What an earlier attempt left is of no use: nobody knows how far it came. */
static enum error_code make(struct task_context *task, struct shadow *shadow, struct error *err)
{
    struct copy_hooks hooks = {
        .context = task, .is_cancelled = task_asks_cancel, .progress = task_passes_progress};
    struct session *session = NULL;
    struct error ignored;

    if (shadow_discard(shadow, err) != ERROR_OK ||
        task_open_session(task, &session, err) != ERROR_OK)
        return err->code;
    err->code = copy_make(task->config, session, &hooks, shadow, err);
    session_close(session);
    if (err->code != ERROR_OK && shadow->state != SHADOW_NONE)
        (void)shadow_discard(shadow, &ignored); /* what is left is found by the next attempt */
    return err->code;
}

enum error_code task_clone(struct task_context *task, struct task_outcome *ret, struct error *err)
{
    uint64_t began = clock_monotonic_ms();
    struct shadow shadow;
    int lock = -1;

    if (find_shadow(task, &shadow, err) != ERROR_OK ||
        shadow_lock(task->config, task_asks_cancel, task, &lock, err) != ERROR_OK)
        return err->code;
    if (find_shadow(task, &shadow, err) == ERROR_OK && make(task, &shadow, err) == ERROR_OK)
        (void)text_format(ret->detail, sizeof(ret->detail), "copied in %.1f s to %s",
                          (double)(clock_monotonic_ms() - began) / 1000.0, shadow.folder);
    (void)close(lock);
    return err->code;
}

/* It is as its origin was, and answers. */
enum error_code inspect_clone(struct task_context *task, enum finding *ret, struct error *err)
{
    struct shadow shadow;
    struct session *session = NULL;
    struct error ignored;

    if (find_shadow(task, &shadow, err) != ERROR_OK)
        return err->code;
    *ret = FINDING_DID_NOT;
    if (shadow.state == SHADOW_READY &&
        copy_open_session(&shadow, "hakem:inspect", task->memory, &session, &ignored) == ERROR_OK)
        *ret = FINDING_DID;
    session_close(session);
    return ERROR_OK;
}

/* ---- rehearse ---- */

static void add_variable(const char **list, size_t *count, const void *parent, const char *name,
                         const char *value)
{
    list[(*count)++] = memory_format(parent, "%s=%s", name, value);
}

static const char *const *workload_environment(struct task_context *task,
                                               const struct shadow *shadow)
{
    const struct database_config *database = &task->config->database;
    const struct task_arguments *arguments = &task->job->order.arguments;
    const char **list =
        memory_array(task->memory, const char *, OWN_VARIABLES + database->environment_count + 1);
    size_t count = 0;
    char number[24];

    (void)text_format(number, sizeof(number), "%llu",
                      (unsigned long long)task->job->order.id.rollout);
    add_variable(list, &count, list, "HAKEM_NODE", task->job->node);
    add_variable(list, &count, list, "HAKEM_SHARD", arguments->shard);
    add_variable(list, &count, list, "HAKEM_REVISION", arguments->revision);
    add_variable(list, &count, list, "HAKEM_RELEASE", arguments->release);
    add_variable(list, &count, list, "HAKEM_ROLLOUT", number);
    add_variable(list, &count, list, "PGHOST", shadow->socket);
    add_variable(list, &count, list, "PGDATABASE", shadow->database);
    add_variable(list, &count, list, "PGUSER", shadow->role);
    (void)text_format(number, sizeof(number), "%d", SHADOW_PORT);
    add_variable(list, &count, list, "PGPORT", number);
    for (size_t i = 0; i < database->environment_count; i++)
        list[count++] = database->environment[i];
    return list;
}

static enum error_code run_workload(struct task_context *task, const struct shadow *shadow,
                                    struct rehearsal *rehearsal, struct error *err)
{
    const struct database_config *database = &task->config->database;
    struct hook hook = {.path = database->workload,
                        .environment = workload_environment(task, shadow),
                        .timeout_ms = database->workload_timeout_ms,
                        .own_session = true,
                        .is_cancelled = task_asks_cancel,
                        .context = task};
    struct rehearsed row = {.phase = REHEARSED_WORKLOAD, .verdict = VERDICT_PASS};
    uint64_t began_us = clock_monotonic_us();
    char *output = NULL;

    if (database->workload == NULL)
        return ERROR_OK;
    task_progress(task, 0, 0, "the workload runs on the shadow");
    if (hook_run(&hook, task->memory, &output, err) != ERROR_OK) {
        row.verdict = VERDICT_FAIL;
        (void)text_format(row.text, sizeof(row.text), "%.*s", LAST_WORDS, err->detail);
        if (err->code == ERROR_HOOK)
            err->code = ERROR_VERIFY; /* again, it would say the same */
    } else {
        const char *said = run_last_line(output);

        (void)text_format(row.text, sizeof(row.text), "exit 0%s%.*s", said[0] == '\0' ? "" : ": ",
                          LAST_WORDS, said);
    }
    text_mend(row.text);
    row.duration_us = clock_monotonic_us() - began_us;
    rehearsal_add(rehearsal, &row);
    return err->code;
}

/* The shadow's own fence: its row is a copy of the origin's, and obeys the same coordinator. */
static enum error_code raise_term(struct task_context *task, struct session *session,
                                  struct error *err)
{
    const struct order *order = &task->job->order;
    struct term_row row = {.term = task->term};

    (void)text_copy(row.journal, sizeof(row.journal), order->journal);
    (void)text_format(row.rollout, sizeof(row.rollout), "%llu",
                      (unsigned long long)order->id.rollout);
    return term_raise(session, &row, TERM_WAIT_MS, err);
}

static enum error_code rehearse(struct task_context *task, const struct shadow *shadow,
                                struct rehearsal *rehearsal, struct error *err)
{
    const struct order *order = &task->job->order;
    struct migration_hooks hooks = {.context = task,
                                    .term = task_asks_term,
                                    .is_cancelled = task_asks_cancel,
                                    .progress = task_passes_progress};
    char number[24];
    struct migration_run run = {.journal = order->journal,
                                .rollout = number,
                                .step = order->id.step,
                                .attempt = order->id.attempt,
                                .commands = task->config->database.commands,
                                .command_count = task->config->database.command_count,
                                .hooks = &hooks};
    struct rehearsal_order what = {.url = shadow_url(shadow, task->memory),
                                   .revision = order->arguments.revision,
                                   .release = order->arguments.release,
                                   .with_contracts = order->arguments.of_contract,
                                   .run = &run,
                                   .verify_ms = VERIFY_MS};
    struct migration_set *set = NULL;
    struct session *session = NULL;
    char name[INSPECT_APPLICATION_SIZE];

    (void)text_format(number, sizeof(number), "%llu", (unsigned long long)order->id.rollout);
    inspect_application_name(number, order->id.step * 2, order->id.attempt, name);
    session_cancel_on_signal(SIGTERM);
    if (task_load_bundle(task, &set, err) != ERROR_OK ||
        copy_open_session(shadow, name, task->memory, &session, err) != ERROR_OK)
        return err->code;
    what.set = set;
    if (raise_term(task, session, err) == ERROR_OK)
        err->code = rehearsal_run(session, &what, rehearsal, err);
    session_close(session);
    return err->code == ERROR_OK ? run_workload(task, shadow, rehearsal, err) : err->code;
}

/* One that a rehearsal has begun on would measure what is there already: it is made anew. */
static enum error_code prepare(struct task_context *task, struct shadow *shadow, struct error *err)
{
    if (find_shadow(task, shadow, err) != ERROR_OK)
        return err->code;
    if (shadow->state != SHADOW_READY && make(task, shadow, err) != ERROR_OK)
        return err->code;
    return shadow_mark(shadow, SHADOW_USED, err);
}

/* Also of one that failed: how far it came. */
static void keep_rows(struct task_context *task, const struct rehearsal *rehearsal)
{
    struct task_outcome outcome = {.id = task->job->order.id,
                                   .rehearsal = rehearsal->rows,
                                   .rehearsal_count = rehearsal->count,
                                   .rehearsal_left_out = rehearsal->left_out};
    struct error err;

    if (rehearsal->count > 0 && keep_rehearsal(task->config, &outcome, &err) != ERROR_OK)
        log_event(LOG_WARNING, "rehearsal_not_kept", LOG_TEXT("detail", err.detail));
}

static void sum_up(const struct rehearsal *rehearsal, struct task_outcome *ret)
{
    uint64_t statements = 0;
    uint64_t rewrites = 0;

    for (size_t i = 0; i < rehearsal->count; i++) {
        const struct rehearsed *row = &rehearsal->rows[i];

        statements += row->statement != 0 && (i == 0 || row->statement != row[-1].statement ||
                                              row->phase != row[-1].phase);
        rewrites += row->is_rewritten && row->bytes_before > 0;
    }
    (void)text_format(ret->detail, sizeof(ret->detail),
                      "rehearsed: %llu statements, %llu rewrites; see `hakem rollout show`",
                      (unsigned long long)statements, (unsigned long long)rewrites);
}

enum error_code task_rehearse(struct task_context *task, struct task_outcome *ret,
                              struct error *err)
{
    struct rehearsal *rehearsal = rehearsal_new(task->memory);
    struct shadow shadow;
    int lock = -1;

    if (shadow_lock(task->config, task_asks_cancel, task, &lock, err) != ERROR_OK)
        return err->code;
    if (prepare(task, &shadow, err) == ERROR_OK)
        err->code = rehearse(task, &shadow, rehearsal, err);
    keep_rows(task, rehearsal);
    if (err->code == ERROR_OK)
        sum_up(rehearsal, ret);
    (void)close(lock);
    return err->code;
}

/* ---- discard ---- */

enum error_code task_discard(struct task_context *task, struct task_outcome *ret, struct error *err)
{
    struct shadow shadow;
    int lock = -1;

    (void)ret;
    if (shadow_lock(task->config, NULL, NULL, &lock, err) != ERROR_OK)
        return err->code;
    if (find_shadow(task, &shadow, err) == ERROR_OK)
        err->code = shadow_discard(&shadow, err);
    (void)close(lock);
    return err->code;
}

enum error_code inspect_discard(struct task_context *task, enum finding *ret, struct error *err)
{
    struct shadow shadow;

    if (find_shadow(task, &shadow, err) != ERROR_OK)
        return err->code;
    *ret = shadow.state == SHADOW_NONE ? FINDING_DID : FINDING_DID_NOT;
    return ERROR_OK;
}

enum error_code task_discard_shadows(struct task_context *task, struct error *err)
{
    int lock = -1;

    if (shadow_lock(task->config, NULL, NULL, &lock, err) != ERROR_OK)
        return err->code;
    err->code = shadow_discard_until(task->config, task->job->order.id.rollout, err);
    (void)close(lock);
    return err->code;
}
