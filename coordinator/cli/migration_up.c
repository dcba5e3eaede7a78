/* up and down: one database alone, in a rollout's order of phases: expand all, backfill all,
 * verify; then contract all, verify again. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/drift.h"
#include "common/migration/phase.h"
#include "common/migration/repeatable.h"
#include "common/migration/schema.h"
#include "common/migration/verify.h"
#include "common/postgres/term.h"
#include "coordinator/cli/backup.h"
#include "coordinator/cli/commands.h"
#include "coordinator/cli/migration_target.h"
#include "coordinator/cli/policy.h"
#include "coordinator/cli/verbs.h"

#include <string.h>

#define VERIFY_DEADLINE_MS 60000

#define RUN_FLAGS                                                                                  \
    {.name = "--statement-timeout",                                                                \
     .value = "DURATION",                                                                          \
     .environment = "MIGRATION_TIMEOUT",                                                           \
     .doc = "ceiling of each statement"},                                                          \
        {.name = "--lock-budget",                                                                  \
         .value = "DURATION",                                                                      \
         .doc = "all tries for the locks of one transaction, default 60s"},                        \
        {.name = "--role",                                                                         \
         .value = "ROLE",                                                                          \
         .doc = "whom statements run as, unless a revision's migration.yaml says"},                \
    {                                                                                              \
        .name = "--take-over", .value = "REASON",                                                  \
        .doc = "although a coordinator has a rollout open here: its orders are refused from then " \
               "on"                                                                                \
    }

const struct cli_flag migration_up_flags[] = {
    DATABASE_FLAG,
    MIGRATIONS_FLAG,
    TARGET_FLAGS,
    RUN_FLAGS,
    {.name = "--release",
     .value = "RELEASE",
     .doc = "to what this release needs; contract only what it can do without"},
    {.name = "--out-of-order", .doc = "apply what came too late, behind what stands on it"},
    {.name = "--no-contract", .doc = "leave what older releases need"},
    POLICY_FLAGS,
    BACKUP_PLACE_FLAGS,
    COMMANDS_FLAG,
    {.name = NULL},
};
const struct cli_flag migration_down_flags[] = {
    DATABASE_FLAG,
    MIGRATIONS_FLAG,
    TARGET_FLAGS,
    RUN_FLAGS,
    {.name = "--accept-data-loss", .doc = "revert although values would be destroyed"},
    {.name = NULL},
};

/* One call of up or down. */
struct trip {
    struct cli *cli;
    struct database db;
    struct migration_run run;
    struct migration_hooks hooks;
    size_t target;
    bool *is_wanted;    /* per revision of the set */
    bool *may_contract; /* likewise */
    json_t *done;
    bool has_looked; /* at the schema, before anything */
};

/* ---- beginning and end ---- */

static void show_progress(void *context, uint64_t done, uint64_t total, const char *text)
{
    const struct trip *trip = context;

    cli_progress(trip->cli, done, total, text);
}

static enum error_code take_over(struct trip *trip, struct error *err)
{
    const char *reason = cli_flag(trip->cli, "--take-over");
    struct term_row term;

    if (term_read(trip->db.session, &term, err) != ERROR_OK)
        return err->code;
    if (term.rollout[0] == '\0')
        return ERROR_OK;
    if (reason == NULL)
        return error_set(err, ERROR_REFUSED,
                         "the coordinator has rollout %s open on this database; wait for it, roll "
                         "it back, or give --take-over REASON",
                         term.rollout);
    return term_take_over(trip->db.session, database_operator(), reason, err);
}

/* Somebody's lock on some table is no reason to do nothing: what was known of the schema stays. */
static enum error_code look_before(struct trip *trip, struct error *err)
{
    enum error_code code = drift_begin(trip->db.session, NULL, err);

    trip->has_looked = code == ERROR_OK;
    return code == ERROR_LOCK ? ERROR_OK : code;
}

static enum error_code begin_trip(struct cli *cli, struct trip *trip, struct error *err)
{
    *trip = (struct trip){
        .cli = cli, .run = {.operator_name = database_operator(), .role = cli_flag(cli, "--role")}};
    if (cli_flag_duration(cli, "--statement-timeout", &trip->run.statement_timeout_ms, err) !=
            ERROR_OK ||
        cli_flag_duration(cli, "--lock-budget", &trip->run.lock_budget_ms, err) != ERROR_OK ||
        database_open(cli, &trip->db, err) != ERROR_OK)
        return err->code;
    trip->hooks = (struct migration_hooks){.context = trip, .progress = show_progress};
    trip->run.hooks = &trip->hooks;
    trip->is_wanted = memory_array(trip->db.context, bool, trip->db.set->revision_count);
    trip->may_contract = memory_array(trip->db.context, bool, trip->db.set->revision_count);
    trip->done = json_array();
    if (take_over(trip, err) != ERROR_OK ||
        migration_hold_open(trip->db.session, trip->db.set, &trip->run, &trip->run.hold, err) !=
            ERROR_OK ||
        look_before(trip, err) != ERROR_OK) {
        json_decref(trip->done);
        database_close(&trip->db);
        return err->code;
    }
    return ERROR_OK;
}

/* Whatever became of the trip: what it did to the schema is known from here on. */
static void say_fingerprint(struct trip *trip)
{
    char fingerprint[HASH_HEX_SIZE];
    struct error ignored;

    if (drift_end(trip->db.session, NULL, fingerprint, &ignored) != ERROR_OK)
        return;
    (void)session_query(trip->db.session,
                        SQL_WITH("UPDATE hakem.schema_version SET fingerprint = $1"
                                 " WHERE id = (SELECT max(id) FROM hakem.schema_version)",
                                 fingerprint),
                        NULL, &ignored);
    cli_say(trip->cli, "fingerprint %s", fingerprint);
    cli_answer(trip->cli, "fingerprint", json_string(fingerprint));
}

static enum error_code end_trip(struct trip *trip, enum error_code code, struct error *err)
{
    struct error failure;

    cli_answer(trip->cli, "done", trip->done);
    if (trip->has_looked && !session_is_lost(trip->db.session))
        say_fingerprint(trip);
    if (migration_hold_close(trip->run.hold, &failure) != ERROR_OK && code == ERROR_OK)
        code = error_set(err, failure.code,
                         "what was done may not be on the server's disk yet; run it again to be "
                         "sure: %.800s",
                         failure.detail);
    database_close(&trip->db);
    return code;
}

/* ---- phases ---- */

static void say_done(struct trip *trip, size_t index, enum migration_phase phase,
                     uint64_t statements)
{
    const char *name = trip->db.set->revisions[index].name;

    cli_say(trip->cli, "%-8s %s", migration_phase_name(phase), name);
    (void)json_array_append_new(trip->done, json_pack("{s:s, s:s, s:I}", "revision", name, "phase",
                                                      migration_phase_name(phase), "statements",
                                                      (json_int_t)statements));
}

static enum error_code apply(struct trip *trip, size_t index, enum migration_phase phase,
                             struct migration_result *ret, struct error *err)
{
    const char *name = trip->db.set->revisions[index].name;
    const struct migration_order order = {.set = trip->db.set, .revision = name, .phase = phase};
    enum error_code code = migration_apply(trip->db.session, &order, &trip->run, ret, err);

    cli_end_progress(trip->cli);
    if (code != ERROR_OK || ret->already_done || ret->is_kept)
        return code;
    say_done(trip, index, phase, ret->statements_run);
    return ERROR_OK;
}

static enum error_code expand_each(struct trip *trip, const size_t *indexes, size_t count,
                                   struct error *err)
{
    struct migration_result result;
    size_t done = 0;

    while (done < count) {
        size_t many = migration_expand_plain(trip->db.session, trip->db.set, &trip->run,
                                             indexes + done, count - done);

        for (size_t end = done + many; done < end; done++)
            say_done(
                trip, indexes[done], MIGRATION_EXPAND,
                trip->db.set->revisions[indexes[done]].scripts[MIGRATION_SCRIPT_EXPAND]->count);
        if (many == 0 && apply(trip, indexes[done++], MIGRATION_EXPAND, &result, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

static enum error_code expand_all(struct trip *trip, const bool *which, struct error *err)
{
    size_t *indexes = memory_array(NULL, size_t, trip->db.set->revision_count);
    size_t count = 0;
    enum error_code code;

    for (size_t i = 0; i < trip->db.set->revision_count; i++)
        if (which[i])
            indexes[count++] = i;
    code = expand_each(trip, indexes, count, err);
    talloc_free(indexes);
    return code;
}

static enum error_code backfill_all(struct trip *trip, const bool *which, struct error *err)
{
    for (size_t i = 0; i < trip->db.set->revision_count; i++) {
        struct migration_result result;

        if (which[i] && trip->db.set->revisions[i].backfill_count > 0 &&
            apply(trip, i, MIGRATION_BACKFILL, &result, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

/* verify.sql speaks of what a contract, its own or a later one, may have taken away since. */
static enum error_code verify_all(struct trip *trip, const bool *which, struct error *err)
{
    for (size_t i = 0; i < trip->db.set->revision_count; i++) {
        const struct migration_revision *revision = &trip->db.set->revisions[i];

        if (which[i] && !marks_is_contracted(trip->db.marks, revision->name) &&
            verify_run(&trip->db.options, revision, MIGRATION_SCRIPT_VERIFY, VERIFY_DEADLINE_MS,
                       err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

static enum error_code contract_all(struct trip *trip, const bool *which, struct error *err)
{
    for (size_t i = 0; i < trip->db.set->revision_count; i++) {
        struct migration_result result;

        if (!which[i] || !trip->may_contract[i] ||
            trip->db.set->revisions[i].scripts[MIGRATION_SCRIPT_CONTRACT] == NULL)
            continue;
        if (apply(trip, i, MIGRATION_CONTRACT, &result, err) != ERROR_OK)
            return err->code;
        if (!result.already_done &&
            verify_run(&trip->db.options, &trip->db.set->revisions[i],
                       MIGRATION_SCRIPT_VERIFY_CONTRACT, VERIFY_DEADLINE_MS, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

static enum error_code forward(struct trip *trip, const bool *which, struct error *err)
{
    if (expand_all(trip, which, err) != ERROR_OK || backfill_all(trip, which, err) != ERROR_OK ||
        database_read_marks(&trip->db, err) != ERROR_OK || verify_all(trip, which, err) != ERROR_OK)
        return err->code;
    return contract_all(trip, which, err);
}

/* A revision that needs a contract of another begins a new leg: what is before it is done whole. */
static enum error_code forward_in_legs(struct trip *trip, struct error *err)
{
    size_t count = trip->db.set->revision_count;
    bool *leg = memory_array(trip->db.context, bool, count);

    for (size_t i = 0; i < count; i++) {
        bool begins = trip->db.set->revisions[i].contracted_parent_count > 0;

        if (begins && trip->is_wanted[i] &&
            !marks_is_expanded(trip->db.marks, trip->db.set->revisions[i].name)) {
            if (forward(trip, leg, err) != ERROR_OK)
                return err->code;
            memset(leg, 0, count * sizeof(leg[0]));
        }
        leg[i] = trip->is_wanted[i];
    }
    return forward(trip, leg, err);
}

/* ---- files that changed ---- */

static void warn_of_comments(const struct trip *trip)
{
    for (size_t i = 0; i < trip->db.set->revision_count; i++) {
        const struct migration_revision *revision = &trip->db.set->revisions[i];
        const struct mark *mark = marks_find(trip->db.marks, revision->name);

        if (mark != NULL && mark->checksum[0] != '\0' &&
            strcmp(mark->checksum, revision->checksum) != 0 &&
            strcmp(mark->meaning, revision->meaning) == 0)
            cli_say(trip->cli,
                    "warning: comments or white space of %s have changed since it was "
                    "applied",
                    revision->name);
    }
}

/* ---- repeatables ---- */

static void note_repeated(void *context, const struct migration_repeatable *repeatable)
{
    struct trip *trip = context;

    cli_end_progress(trip->cli);
    cli_say(trip->cli, "%-8s %s", "repeat", repeatable->split->path);
    (void)json_array_append_new(
        trip->done, json_pack("{s:s, s:s, s:I}", "revision", repeatable->split->path, "phase",
                              "repeatable", "statements", (json_int_t)repeatable->split->count));
}

/* They may speak of anything: the whole history has to be there. */
static enum error_code repeat_all(struct trip *trip, struct error *err)
{
    struct repeatable_hooks hooks = {.context = trip, .done = note_repeated};

    if (trip->target != trip->db.set->head)
        return ERROR_OK;
    return repeatable_apply(trip->db.session, trip->db.set, &trip->run, &hooks, err);
}

/* ---- up ---- */

/* What a release can do without: the contracts of its own history, and of what it tolerates. */
static void allow_contracts(struct trip *trip, const struct migration_release *release)
{
    if (cli_is_set(trip->cli, "--no-contract"))
        return;
    if (release == NULL) {
        memset(trip->may_contract, true, trip->db.set->revision_count);
        return;
    }
    target_mark_history(trip->db.set, release->needs, trip->may_contract);
    for (size_t i = 0; i < release->tolerate_count; i++)
        trip->may_contract[release->tolerates[i]] = true;
}

static enum error_code choose_target(struct trip *trip, struct error *err)
{
    const struct migration_set *set = trip->db.set;
    const char *release_name = cli_flag(trip->cli, "--release");
    const struct migration_release *release = NULL;
    const char *word = NULL;
    size_t found;

    if (target_word(trip->cli, &word, err) != ERROR_OK ||
        target_check_from(trip->cli, &trip->db, err) != ERROR_OK)
        return err->code;
    if (release_name != NULL) {
        if (!migration_find_release(set, release_name, &found))
            return error_set(err, ERROR_NOT_FOUND, "releases.yaml knows no release %s",
                             release_name);
        release = &set->releases[found];
        if (word == NULL)
            word = set->revisions[release->needs].name;
    }
    if (target_up(&trip->db, word, trip->is_wanted, &trip->target, err) != ERROR_OK)
        return err->code;
    if (release != NULL && trip->target != release->needs &&
        !migration_is_ancestor(set, release->needs, trip->target))
        return error_set(err, ERROR_INCOMPATIBLE, "release %s needs %s, which %s does not include",
                         release->name, set->revisions[release->needs].name,
                         set->revisions[trip->target].name);
    allow_contracts(trip, release);
    return target_check_order(&trip->db, trip->is_wanted, cli_is_set(trip->cli, "--out-of-order"),
                              err);
}

static bool has_work(const struct trip *trip)
{
    for (size_t i = 0; i < trip->db.set->revision_count; i++) {
        const struct migration_revision *revision = &trip->db.set->revisions[i];

        if ((trip->is_wanted[i] && !marks_is_expanded(trip->db.marks, revision->name)) ||
            (trip->may_contract[i] && revision->scripts[MIGRATION_SCRIPT_CONTRACT] != NULL &&
             !marks_is_contracted(trip->db.marks, revision->name)))
            return true;
    }
    return false;
}

/* By the same rules as a rollout. */
static enum error_code back_up(struct trip *trip, struct error *err)
{
    struct rollout_options options = {.backup = false};
    bool in_production = false;

    if (policy_read_backups(trip->cli, &options, err) != ERROR_OK ||
        policy_read_environment(trip->cli, &in_production, err) != ERROR_OK)
        return err->code;
    if (!has_work(trip) || (!options.backup && (!in_production || options.no_backup[0] != '\0')))
        return ERROR_OK;
    return backup_before_change(trip->cli, &trip->db.options, err);
}

enum error_code migration_up(struct cli *cli, struct error *err)
{
    struct commands commands = {.count = 0};
    struct trip trip;
    enum error_code code;

    if (commands_read(cli, &commands, err) != ERROR_OK || begin_trip(cli, &trip, err) != ERROR_OK)
        return err->code;
    trip.run.commands = commands.list;
    trip.run.command_count = commands.count;
    warn_of_comments(&trip);
    code = choose_target(&trip, err);
    if (code == ERROR_OK)
        code = back_up(&trip, err);
    if (code == ERROR_OK)
        code = forward_in_legs(&trip, err);
    if (code == ERROR_OK)
        code = repeat_all(&trip, err);
    if (code == ERROR_OK)
        cli_say(cli, "the database is at %s", trip.db.set->revisions[trip.target].name);
    return end_trip(&trip, code, err);
}

/* ---- down ---- */

static enum error_code back(struct trip *trip, struct error *err)
{
    for (size_t i = trip->db.set->revision_count; i-- > 0;) {
        struct migration_result result;

        if (!trip->is_wanted[i])
            continue;
        if (apply(trip, i, MIGRATION_REVERT, &result, err) != ERROR_OK)
            return err->code;
        if (result.is_kept && trip->db.set->revisions[i].is_irreversible)
            return error_set(err, ERROR_IRREVERSIBLE,
                             "%s is marked as irreversible: go forward with a new revision, or "
                             "restore a backup",
                             trip->db.set->revisions[i].name);
        if (result.is_kept)
            return error_set(err, ERROR_WOULD_LOSE_DATA,
                             "%s was kept: %s; --accept-data-loss reverts it all the same",
                             trip->db.set->revisions[i].name, result.kept_reason);
    }
    return ERROR_OK;
}

enum error_code migration_down(struct cli *cli, struct error *err)
{
    const char *word = NULL;
    struct trip trip;
    enum error_code code;

    if (begin_trip(cli, &trip, err) != ERROR_OK)
        return err->code;
    trip.run.accept_data_loss = cli_is_set(cli, "--accept-data-loss");
    code = target_word(cli, &word, err);
    if (code == ERROR_OK)
        code = target_check_from(cli, &trip.db, err);
    if (code == ERROR_OK)
        code = target_down(&trip.db, word, trip.is_wanted, err);
    if (code == ERROR_OK)
        code = back(&trip, err);
    return end_trip(&trip, code, err);
}
