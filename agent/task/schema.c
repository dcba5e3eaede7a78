/* schema.c: phases of revisions, replay and verification: thin calls into the migration engine. */
#include "agent/task/task.h"

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/drift.h"
#include "common/migration/inspect.h"
#include "common/migration/load.h"
#include "common/migration/phase.h"
#include "common/migration/repeatable.h"
#include "common/migration/schema.h"
#include "common/migration/verify.h"
#include "common/postgres/session.h"
#include "common/postgres/term.h"

#include <stdio.h>
#include <string.h>

#define TERM_WAIT_MS    10000
#define BACKENDS_END_MS 15000
#define REPLAY_POLL_MS  50
#define VERIFY_MS       30000
#define DRIFT_TRIES_MAX 5 /* of a second each */

void task_bundle_path(const struct agent_config *config, const char *digest, char *ret, size_t size)
{
    (void)text_format(ret, size, "%s/bundles/%s", config->state, digest);
}

enum error_code task_load_bundle(struct task_context *task, struct migration_set **ret,
                                 struct error *err)
{
    const char *digest = task->job->order.arguments.bundle;
    char path[FILE_PATH_MAX];
    char actual[HASH_HEX_SIZE];
    char *bytes = NULL;
    size_t size = 0;

    task_bundle_path(task->config, digest, path, sizeof(path));
    if (file_read(task->memory, path, MIGRATION_BUNDLE_MAX, &bytes, &size, err) != ERROR_OK)
        return err->code;
    hash_bytes_hex(bytes, size, actual);
    if (strcmp(actual, digest) != 0)
        return error_set(err, ERROR_CORRUPT, "the bundle %s is damaged: remove it", path);
    return migration_bundle_unpack(task->memory, bytes, size, ret, err);
}

/* ---- fences ---- */

static void name_rollout(const struct order *order, char *ret, size_t size)
{
    (void)text_format(ret, size, "%llu", (unsigned long long)order->id.rollout);
}

enum error_code task_raise_term(struct task_context *task, struct session *session,
                                struct error *err)
{
    const struct order *order = &task->job->order;
    struct term_row row = {.term = task->term};

    (void)text_copy(row.journal, sizeof(row.journal), order->journal);
    name_rollout(order, row.rollout, sizeof(row.rollout));
    if (schema_ensure(session, err) != ERROR_OK)
        return err->code;
    return term_raise(session, &row, TERM_WAIT_MS, err);
}

enum error_code task_clear_rollout(struct task_context *task, struct error *err)
{
    const struct order *order = &task->job->order;
    struct term_row row = {.term = task->term};
    struct session *session = NULL;

    (void)text_copy(row.journal, sizeof(row.journal), order->journal);
    name_rollout(order, row.rollout, sizeof(row.rollout));
    if (task_open_session(task, &session, err) != ERROR_OK)
        return err->code;
    return term_clear_rollout(session, &row, err);
}

/* ---- phases ---- */

/* "16/B374D848" as a number of bytes. */
static uint64_t position_of(const char *text)
{
    unsigned high = 0;
    unsigned low = 0;

    if (sscanf(text, "%X/%X", &high, &low) != 2) /* NOLINT(cert-err34-c): checked by the count */
        return 0;
    return (uint64_t)high << 32 | low;
}

/* The term of now: it rises while a phase is under way. */
static struct term_row fence_of(struct task_context *task)
{
    struct term_row row = {.term = task_asks_term(task)};

    (void)text_copy(row.journal, sizeof(row.journal), task->job->order.journal);
    return row;
}

/* A cancel is for the phase: what it has done is taken down all the same. */
static void end_watched(struct task_context *task, struct session *session)
{
    char fingerprint[HASH_HEX_SIZE];
    struct session_watch before =
        session_set_watch(session, (struct session_watch){.context = NULL});
    enum error_code code = ERROR_LOCK;
    struct error ignored;

    for (int tries = 0; tries < DRIFT_TRIES_MAX && (code == ERROR_LOCK || code == ERROR_CONFLICT);
         tries++) {
        struct term_row by = fence_of(task);

        code = drift_end(session, &by, fingerprint, &ignored);
    }
    (void)session_set_watch(session, before);
}

/* What it does to the schema is known from then on, whatever becomes of it. Where nobody could look
 * before, nobody can tell afterwards: what was known stays. */
static enum error_code apply_watched(struct session *session, const struct migration_order *what,
                                     const struct migration_run *run, struct migration_result *ret,
                                     struct error *err)
{
    struct task_context *task = run->hooks->context;
    struct term_row by = fence_of(task);
    enum error_code looked = drift_begin(session, &by, err);
    enum error_code code;

    if (looked != ERROR_OK && looked != ERROR_LOCK)
        return looked;
    code = migration_apply(session, what, run, ret, err);
    if (code == ERROR_OK && what->phase == MIGRATION_EXPAND)
        code = repeatable_follow(session, what, run, ret, err);
    if (looked == ERROR_OK && code != ERROR_SUPERSEDED && !session_is_lost(session))
        end_watched(task, session);
    return code;
}

static enum error_code apply(struct task_context *task, enum migration_phase phase,
                             struct task_outcome *ret, struct error *err)
{
    const struct order *order = &task->job->order;
    struct migration_hooks hooks = {.context = task,
                                    .term = task_asks_term,
                                    .is_cancelled = task_asks_cancel,
                                    .players = task_asks_players,
                                    .progress = task_passes_progress};
    char rollout[32];
    struct migration_run run = {.journal = order->journal,
                                .rollout = rollout,
                                .step = order->id.step,
                                .attempt = order->id.attempt,
                                .commands = task->config->database.commands,
                                .command_count = task->config->database.command_count,
                                .hooks = &hooks,
                                .role = task->config->database.role,
                                .accept_data_loss = order->arguments.accept_data_loss};
    struct migration_order what = {.revision = order->arguments.revision, .phase = phase};
    struct migration_result result = {.already_done = false};
    struct migration_set *set = NULL;
    struct session *session = NULL;

    name_rollout(order, rollout, sizeof(rollout));
    if (task_load_bundle(task, &set, err) != ERROR_OK ||
        task_open_session(task, &session, err) != ERROR_OK ||
        task_raise_term(task, session, err) != ERROR_OK)
        return err->code;
    what.set = set;
    if (apply_watched(session, &what, &run, &result, err) != ERROR_OK)
        return err->code;
    ret->is_kept = result.is_kept;
    ret->position = position_of(result.position);
    if (result.is_kept)
        (void)text_copy(ret->detail, sizeof(ret->detail), result.kept_reason);
    return ERROR_OK;
}

enum error_code task_expand(struct task_context *task, struct task_outcome *ret, struct error *err)
{
    return apply(task, MIGRATION_EXPAND, ret, err);
}

enum error_code task_backfill(struct task_context *task, struct task_outcome *ret,
                              struct error *err)
{
    return apply(task, MIGRATION_BACKFILL, ret, err);
}

enum error_code task_contract(struct task_context *task, struct task_outcome *ret,
                              struct error *err)
{
    return apply(task, MIGRATION_CONTRACT, ret, err);
}

enum error_code task_revert(struct task_context *task, struct task_outcome *ret, struct error *err)
{
    return apply(task, MIGRATION_REVERT, ret, err);
}

/* ---- what became of a phase ---- */

/* Only these four are inspected here. */
static enum migration_phase phase_of(enum task task)
{
    if (task == TASK_BACKFILL)
        return MIGRATION_BACKFILL;
    if (task == TASK_CONTRACT)
        return MIGRATION_CONTRACT;
    return task == TASK_REVERT ? MIGRATION_REVERT : MIGRATION_EXPAND;
}

/* Its session may still be at it after its client died: ended first, so that the answer stands. */
static enum error_code end_its_backend(struct task_context *task, struct session *session,
                                       struct error *err)
{
    const struct order_id *id = &task->job->order.id;
    char name[INSPECT_APPLICATION_SIZE];
    char rollout[32];

    if (task->job->of_replica)
        return ERROR_OK;
    name_rollout(&task->job->order, rollout, sizeof(rollout));
    inspect_application_name(rollout, id->step * 2 + (id->direction == DIRECTION_UNDO), id->attempt,
                             name);
    return inspect_end_backends(session, name, BACKENDS_END_MS, NULL, err);
}

/* It died behind its last commit: what comes after that is made good by the next attempt, or here.
 */
static enum error_code finish_inspection(struct task_context *task, struct session *session,
                                         enum migration_phase phase, enum finding *ret,
                                         struct error *err)
{
    const char *revision = task->job->order.arguments.revision;
    struct migration_set *set = NULL;
    bool assertions = false, repeatables = false;
    size_t at = 0;

    end_watched(task, session);
    if (task_load_bundle(task, &set, err) != ERROR_OK || set == NULL)
        return err->code;
    if (phase != MIGRATION_REVERT && migration_find(set, revision, &at) &&
        assertions_are_open(session, &set->revisions[at], phase, &assertions, err) != ERROR_OK)
        return err->code;
    if (phase == MIGRATION_EXPAND &&
        repeatable_are_open(session, set, revision, &repeatables, err) != ERROR_OK)
        return err->code;
    if (assertions || repeatables)
        *ret = FINDING_DID_NOT;
    return ERROR_OK;
}

enum error_code inspect_schema(struct task_context *task, enum finding *ret, struct error *err)
{
    const struct order *order = &task->job->order;
    char rollout[32];
    struct inspect_question question = {.revision = order->arguments.revision,
                                        .phase = phase_of(order->task),
                                        .generation = INSPECT_GENERATION_CURRENT,
                                        .rollout = rollout,
                                        .step = order->id.step};
    enum inspect_answer answer = INSPECT_DID_NOT;
    struct session *session = NULL;

    name_rollout(order, rollout, sizeof(rollout));
    if (task_open_session(task, &session, err) != ERROR_OK ||
        end_its_backend(task, session, err) != ERROR_OK ||
        inspect_phase(session, &question, &answer, err) != ERROR_OK)
        return err->code;
    *ret = answer == INSPECT_DID ? FINDING_DID
                                 : FINDING_DID_NOT; /* partly: the next attempt resumes */
    if (answer != INSPECT_DID || task->job->of_replica)
        return ERROR_OK;
    return finish_inspection(task, session, question.phase, ret, err);
}

/* ---- replay ---- */

static enum error_code ask_position(struct session *session, uint64_t *ret, struct error *err)
{
    return session_ask_number(
        session,
        SQL("SELECT (CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn(), '0/0') "
            "ELSE pg_current_wal_insert_lsn() END - '0/0'::pg_lsn)::bigint"),
        ret, err);
}

/* Who cancels it, usually for its deadline, learns what it still waited for. */
static enum error_code give_up_replay(struct task_context *task, bool is_late, const char *text,
                                      struct error *err)
{
    if (task->is_cancelled)
        return error_set(err, ERROR_CANCELLED, "cancelled: %s", text);
    if (is_late)
        return error_set(err, ERROR_TIMEOUT, "%s", text);
    return err->code;
}

enum error_code task_await_replay(struct task_context *task, struct task_outcome *ret,
                                  struct error *err)
{
    const struct order *order = &task->job->order;
    uint64_t until = clock_monotonic_ms() + order->ttl_ms;
    struct session *session = NULL;
    uint64_t position = 0;

    if (task_open_session(task, &session, err) != ERROR_OK ||
        ask_position(session, &position, err) != ERROR_OK)
        return err->code;
    while (position < order->arguments.position) {
        bool is_late = clock_monotonic_ms() >= until;
        char text[128];

        (void)text_format(text, sizeof(text), "%llu bytes of WAL still to be replayed",
                          (unsigned long long)(order->arguments.position - position));
        task_progress(task, position, order->arguments.position, text);
        task_listen(task);
        if (!is_late && !task->is_cancelled)
            clock_sleep_ms(REPLAY_POLL_MS);
        if (is_late || task->is_cancelled || ask_position(session, &position, err) != ERROR_OK)
            return give_up_replay(task, is_late, text, err);
    }
    ret->position = position;
    return ERROR_OK;
}

enum error_code task_verify(struct task_context *task, struct task_outcome *ret, struct error *err)
{
    const struct task_arguments *arguments = &task->job->order.arguments;
    struct session_options options = {.url = task->config->database.url,
                                      .application_name = "hakem:verify",
                                      .connect_timeout_ms = 5000};
    struct migration_set *set = NULL;
    size_t at = 0;

    (void)ret;
    if (task_load_bundle(task, &set, err) != ERROR_OK || set == NULL)
        return err->code;
    if (!migration_find(set, arguments->revision, &at))
        return error_set(err, ERROR_NOT_FOUND, "the bundle has no revision %s",
                         arguments->revision);
    return verify_run(&options, &set->revisions[at],
                      arguments->of_contract ? MIGRATION_SCRIPT_VERIFY_CONTRACT
                                             : MIGRATION_SCRIPT_VERIFY,
                      VERIFY_MS, err);
}
