/* rollout.c: hakem rollout …, and the incident responder's one command: hakem rollback. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "coordinator/cli/follow.h"
#include "coordinator/cli/options.h"
#include "coordinator/cli/policy.h"
#include "coordinator/cli/screen.h"
#include "coordinator/cli/verbs.h"

#include <string.h>

#define TARGET_FLAGS                                                                               \
    {.name = "--to", .value = "REVISION", .doc = "where the databases go"},                        \
    {                                                                                              \
        .name = "--release", .value = "R", .doc = "where the game servers go"                      \
    }
#define OVERRIDE_FLAG                                                                              \
    {                                                                                              \
        .name = "--override-window", .value = "REASON",                                            \
        .doc = "outside its window, or in a freeze"                                                \
    }
#define NO_WAIT_FLAG                                                                               \
    {                                                                                              \
        .name = "--no-wait", .doc = "return at once"                                               \
    }

const struct cli_flag rollout_start_flags[] = {
    CONNECTION_FLAGS,
    TARGET_FLAGS,
    {.name = "--strategy",
     .value = "NAME",
     .doc = "rolling (the default), blue-green, database-blue-green, maintenance or shadow"},
    {.name = "--share",
     .value = "1%,10%,50%",
     .doc = "blue-green: the other colour gets these shares of the traffic, each proven, then all"},
    {.name = "--max-pause",
     .value = "DURATION",
     .doc = "database-blue-green: how long players may be held back, default 5s"},
    {.name = "--budget",
     .value = "DURATION",
     .doc = "maintenance: everything is back before it is used up, default 10m"},
    {.name = "--shadow", .doc = "rehearse it on a copy of the database first"},
    {.name = "--no-rehearsal", .value = "REASON", .doc = "in production, without a rehearsal"},
    POLICY_FLAGS,
    ROLLOUT_OPTION_FLAGS,
    {.name = "--window", .doc = "plan for the next window, should it be shut now"},
    OVERRIDE_FLAG,
    {.name = "--plan", .value = "DIGEST", .doc = "refuse if the plan is another one by now"},
    {.name = "--dry-run", .doc = "show the plan, and leave it at that"},
    NO_WAIT_FLAG,
    {.name = NULL},
};
const struct cli_flag rollout_steer_flags[] = {
    CONNECTION_FLAGS,
    NO_WAIT_FLAG,
    {.name = "--reason", .value = "TEXT", .doc = "for the record"},
    {.name = NULL},
};
const struct cli_flag rollout_resume_flags[] = {
    CONNECTION_FLAGS,
    NO_WAIT_FLAG,
    {.name = "--reason", .value = "TEXT", .doc = "for the record"},
    OVERRIDE_FLAG,
    {.name = NULL},
};
const struct cli_flag rollback_flags[] = {
    CONNECTION_FLAGS,
    {.name = "--reason", .value = "TEXT", .doc = "for the record"},
    {.name = "--schema", .doc = "revert the schema that an earlier rollback kept"},
    ROLLOUT_OPTION_FLAGS,
    NO_WAIT_FLAG,
    {.name = NULL},
};

static enum error_code read_rollout(const struct cli *cli, size_t at, uint64_t *ret,
                                    struct error *err)
{
    const char *text = cli_argument(cli, at);

    if (text != NULL && !text_to_number(text, INT64_MAX, ret))
        return error_set(err, ERROR_USAGE, "\"%s\" is not a rollout's number", text);
    return ERROR_OK;
}

/* ---- plan and start ---- */

static enum error_code ask_plan(struct cli *cli, struct connection *connection,
                                struct request *request, json_t **ret, struct error *err)
{
    struct reply reply = {.rollout = 0};
    struct request show = {.verb = "show"};

    (void)text_copy(request->verb, sizeof(request->verb), "plan");
    if (connection_ask(connection, request, &reply, NULL, err) != ERROR_OK)
        return err->code;
    show.rollout = reply.rollout;
    if (connection_ask(connection, &show, NULL, ret, err) != ERROR_OK)
        return err->code;
    screen_print_plan(cli, *ret);
    cli_answer(cli, "plan", json_incref(*ret));
    return ERROR_OK;
}

static enum error_code read_strategy(const struct cli *cli, struct request *request,
                                     struct error *err)
{
    const char *reason = cli_flag(cli, "--no-rehearsal");

    if (options_read_strategy(cli, &request->strategy, err) != ERROR_OK)
        return err->code;
    request->options.shadow = cli_is_set(cli, "--shadow");
    if (reason != NULL && (reason[0] == '\0' ||
                           !text_copy(request->options.no_rehearsal, REHEARSAL_TEXT_SIZE, reason)))
        return error_set(err, ERROR_USAGE, "--no-rehearsal takes a reason of at most %d bytes",
                         REHEARSAL_TEXT_SIZE - 1);
    if (reason != NULL && request->options.shadow)
        return error_set(err, ERROR_USAGE, "--shadow and --no-rehearsal exclude each other");
    if (policy_read_backups(cli, &request->options, err) != ERROR_OK)
        return err->code;
    return policy_read_environment(cli, &request->in_production, err);
}

static enum error_code read_override(const struct cli *cli, struct request *request,
                                     struct error *err)
{
    const char *reason = cli_flag(cli, "--override-window");

    if (reason != NULL && (reason[0] == '\0' ||
                           !text_copy(request->options.override_window, WINDOW_WHY_SIZE, reason)))
        return error_set(err, ERROR_USAGE, "--override-window takes a reason of at most %d bytes",
                         WINDOW_WHY_SIZE - 1);
    return ERROR_OK;
}

static enum error_code read_target(const struct cli *cli, struct request *request, void *memory,
                                   struct error *err)
{
    const char *revision = cli_flag(cli, "--to");
    const char *release = cli_flag(cli, "--release");
    const char *share = cli_flag(cli, "--share");

    if (revision == NULL && release == NULL)
        return error_set(err, ERROR_USAGE, "say where to go: --to REVISION, --release R, or both");
    if (!text_copy(request->revision, NAME_SIZE, revision == NULL ? "" : revision) ||
        !text_copy(request->release, NAME_SIZE, release == NULL ? "" : release))
        return error_set(err, ERROR_USAGE, "the name of a revision or release is too long");
    request->for_window = cli_is_set(cli, "--window");
    if (read_strategy(cli, request, err) != ERROR_OK ||
        read_override(cli, request, err) != ERROR_OK ||
        options_read(cli, memory, &request->options, err) != ERROR_OK)
        return err->code;
    if (cli_flag_duration(cli, "--max-pause", &request->options.max_pause_ms, err) != ERROR_OK)
        return err->code;
    if (share != NULL && options_read_shares(share, memory, &request->options, err) != ERROR_OK)
        return err->code;
    return cli_flag_duration(cli, "--budget", &request->options.budget_ms, err);
}

static enum error_code check_digest(const struct cli *cli, const json_t *plan, struct error *err)
{
    const char *wanted = cli_flag(cli, "--plan");
    const char *digest = json_string_value(json_object_get(plan, "digest"));

    if (wanted != NULL && (digest == NULL || strcmp(wanted, digest) != 0))
        return error_set(err, ERROR_CHANGED,
                         "the plan has changed since %s was approved: look at it again", wanted);
    return ERROR_OK;
}

static enum error_code begin(struct cli *cli, struct connection *connection, const json_t *plan,
                             struct error *err)
{
    struct request start = {.verb = "start"};
    struct reply reply = {.rollout = 0};

    if (check_digest(cli, plan, err) != ERROR_OK)
        return err->code;
    if (cli_is_set(cli, "--dry-run"))
        return ERROR_OK;
    if (cli_confirm(cli, "Start it?", err) != ERROR_OK)
        return err->code;
    start.rollout = (uint64_t)json_integer_value(json_object_get(plan, "rollout"));
    (void)text_copy(start.digest, DIGEST_SIZE, json_string_value(json_object_get(plan, "digest")));
    if (connection_ask(connection, &start, &reply, NULL, err) != ERROR_OK)
        return err->code;
    if (cli_is_set(cli, "--no-wait")) {
        cli_say(cli, "rollout %llu has started", (unsigned long long)reply.rollout);
        return ERROR_OK;
    }
    return follow_rollout(cli, connection, reply.rollout, FOLLOW_FORWARD, err);
}

static enum error_code plan_and(struct cli *cli, bool starts, struct error *err)
{
    void *memory = memory_zeroed(NULL, 1, 1, "rollout");
    struct request request = {.rollout = 0};
    struct connection *connection = NULL;
    json_t *plan = NULL;

    err->code = ERROR_OK;
    if (read_target(cli, &request, memory, err) == ERROR_OK &&
        connection_open(cli, &connection, err) == ERROR_OK &&
        ask_plan(cli, connection, &request, &plan, err) == ERROR_OK)
        err->code = starts ? begin(cli, connection, plan, err) : check_digest(cli, plan, err);
    json_decref(plan);
    connection_close(connection);
    talloc_free(memory);
    return err->code;
}

enum error_code rollout_plan(struct cli *cli, struct error *err)
{
    return plan_and(cli, false, err);
}

enum error_code rollout_start(struct cli *cli, struct error *err)
{
    return plan_and(cli, true, err);
}

/* ---- looking ---- */

enum error_code rollout_list(struct cli *cli, struct error *err)
{
    struct request request = {.verb = "rollouts"};
    json_t *document = NULL;
    json_t *item;
    size_t i;

    if (connection_ask_once(cli, &request, NULL, &document, err) != ERROR_OK)
        return err->code;
    json_array_foreach(json_object_get(document, "rollouts"), i, item)
    {
        cli_say(cli, "%4lld %-10s %-8s %s %s – %s",
                (long long)json_integer_value(json_object_get(item, "rollout")),
                json_string_value(json_object_get(item, "state")),
                json_string_value(json_object_get(item, "strategy")),
                json_string_value(json_object_get(item, "revision")),
                json_string_value(json_object_get(item, "release")),
                json_string_value(json_object_get(item, "why")));
    }
    cli_answer(cli, "rollouts", json_incref(json_object_get(document, "rollouts")));
    json_decref(document);
    return ERROR_OK;
}

enum error_code rollout_show(struct cli *cli, struct error *err)
{
    struct request request = {.verb = "show"};
    json_t *document = NULL;

    if (read_rollout(cli, 0, &request.rollout, err) != ERROR_OK ||
        connection_ask_once(cli, &request, NULL, &document, err) != ERROR_OK)
        return err->code;
    screen_print(cli, document);
    cli_answer(cli, "rollout", document);
    return ERROR_OK;
}

enum error_code rollout_watch(struct cli *cli, struct error *err)
{
    struct connection *connection = NULL;
    uint64_t rollout = 0;

    if (read_rollout(cli, 0, &rollout, err) != ERROR_OK ||
        connection_open(cli, &connection, err) != ERROR_OK)
        return err->code;
    err->code = follow_rollout(cli, connection, rollout, FOLLOW_FORWARD, err);
    connection_close(connection);
    return err->code;
}

/* ---- steering ---- */

static enum error_code steer(struct cli *cli, struct request *request, enum follow_wish wish,
                             struct error *err)
{
    const char *reason = cli_flag(cli, "--reason");
    struct connection *connection = NULL;
    struct reply reply = {.rollout = 0};

    if (reason != NULL && !text_copy(request->reason, SENTENCE_SIZE, reason))
        return error_set(err, ERROR_USAGE, "--reason: at most %d bytes", SENTENCE_SIZE - 1);
    if (connection_open(cli, &connection, err) != ERROR_OK)
        return err->code;
    err->code = connection_ask(connection, request, &reply, NULL, err);
    if (err->code == ERROR_OK) {
        cli_say(cli, "%s", reply.detail);
        cli_answer(cli, "detail", json_string(reply.detail));
        if (wish != FOLLOW_ONLY && reply.rollout != 0 && !cli_is_set(cli, "--no-wait"))
            err->code = follow_rollout(cli, connection, reply.rollout, wish, err);
    }
    connection_close(connection);
    return err->code;
}

enum error_code rollout_pause(struct cli *cli, struct error *err)
{
    struct request request = {.verb = "pause"};

    return steer(cli, &request, FOLLOW_ONLY, err);
}

enum error_code rollout_resume(struct cli *cli, struct error *err)
{
    struct request request = {.verb = "resume"};

    if (read_override(cli, &request, err) != ERROR_OK)
        return err->code;
    return steer(cli, &request, FOLLOW_FORWARD, err);
}

enum error_code rollout_complete(struct cli *cli, struct error *err)
{
    struct request request = {.verb = "complete"};

    return steer(cli, &request, FOLLOW_FORWARD, err);
}

enum error_code rollout_abandon(struct cli *cli, struct error *err)
{
    struct request request = {.verb = "abandon"};

    if (cli_confirm(cli, "Leave every node as it is?", err) != ERROR_OK)
        return err->code;
    return steer(cli, &request, FOLLOW_ONLY, err);
}

static enum error_code steer_step(struct cli *cli, const char *verb, enum follow_wish wish,
                                  struct error *err)
{
    struct request request = {.rollout = 0};

    (void)text_copy(request.verb, sizeof(request.verb), verb);
    if (!text_to_number(cli_argument(cli, 0), PLAN_STEPS_MAX, &request.step))
        return error_set(err, ERROR_USAGE, "\"%s\" is not a step's number", cli_argument(cli, 0));
    return steer(cli, &request, wish, err);
}

enum error_code rollout_retry(struct cli *cli, struct error *err)
{
    return steer_step(cli, "retry", FOLLOW_FORWARD, err);
}

enum error_code rollout_skip(struct cli *cli, struct error *err)
{
    return steer_step(cli, "skip", FOLLOW_ONLY, err);
}

enum error_code rollback_run(struct cli *cli, struct error *err)
{
    void *memory = memory_zeroed(NULL, 1, 1, "rollback");
    struct request request = {.verb = "rollback", .schema_too = cli_is_set(cli, "--schema")};

    err->code = ERROR_OK;
    if (read_rollout(cli, 0, &request.rollout, err) == ERROR_OK &&
        options_read(cli, memory, &request.options, err) == ERROR_OK)
        err->code = steer(cli, &request, FOLLOW_BACK, err);
    talloc_free(memory);
    return err->code;
}
