#include "coordinator/cli/follow.h"

#include "common/base/clock.h"
#include "common/base/text.h"
#include "coordinator/cli/screen.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define LOOK_MS         250
#define UNREACHABLE_MAX 12 /* looks without an answer: a minute */

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    is_interrupted = 1;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "" : text;
}

/* How a state ends the command; a state without a row is gone on with. */
static const struct {
    const char *state;
    enum error_code forward;
    enum error_code back;
} ends[] = {
    {"completed", ERROR_OK, ERROR_OK},
    {"reverted", ERROR_ROLLED_BACK, ERROR_OK},
    {"cancelled", ERROR_ROLLED_BACK, ERROR_OK},
    {"abandoned", ERROR_STUCK, ERROR_STUCK},
    {"halted", ERROR_STUCK, ERROR_STUCK},
    {"stuck", ERROR_STUCK, ERROR_STUCK},
    {"paused", ERROR_OK, ERROR_OK},
    {"planned", ERROR_OK, ERROR_OK},
};

static bool is_end(const json_t *show, enum follow_wish wish, enum error_code *ret)
{
    const char *state = text_of(show, "state");

    if (strcmp(state, "holding") == 0 &&
        json_is_true(json_object_get(show, "waits_for_complete"))) {
        *ret = ERROR_OK;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        if (strcmp(ends[i].state, state) != 0)
            continue;
        *ret = wish == FOLLOW_BACK ? ends[i].back : ends[i].forward;
        return true;
    }
    return false;
}

struct follower {
    struct cli *cli;
    struct connection *connection;
    uint64_t rollout;
    json_t *last;
    bool is_terminal;
    int unanswered;
};

/* A coordinator that restarts is waited for: the rollout goes on. */
static enum error_code look(struct follower *f, json_t **ret, struct error *err)
{
    struct request request = {.verb = "show", .rollout = f->rollout};

    *ret = NULL;
    if (connection_ask(f->connection, &request, NULL, ret, err) == ERROR_OK) {
        f->unanswered = 0;
        return ERROR_OK;
    }
    if (err->code == ERROR_UNREACHABLE && ++f->unanswered < UNREACHABLE_MAX)
        return ERROR_OK;
    return err->code;
}

static void show(struct follower *f, json_t *now)
{
    if (f->is_terminal)
        screen_draw(now);
    else
        screen_print_changes(f->cli, f->last, now);
    json_decref(f->last);
    f->last = now;
}

static enum error_code follow(struct follower *f, enum follow_wish wish, struct error *err)
{
    while (!is_interrupted) {
        enum error_code code = ERROR_OK;
        json_t *now = NULL;

        if (look(f, &now, err) != ERROR_OK)
            return err->code;
        if (now != NULL) {
            show(f, now);
            if (is_end(now, wish, &code))
                return code == ERROR_OK ? ERROR_OK
                                        : error_set(err, code, "rollout %llu is %s: %s",
                                                    (unsigned long long)f->rollout,
                                                    text_of(now, "state"), text_of(now, "why"));
        }
        clock_sleep_ms(LOOK_MS);
    }
    cli_say(f->cli, "no longer following; the rollout goes on: `hakem rollout watch`");
    return ERROR_OK;
}

static void leave_terminal(const struct follower *f)
{
    if (f->is_terminal)
        (void)printf("\x1b[?1049l");
    if (f->last != NULL && f->is_terminal)
        screen_print(f->cli, f->last);
}

enum error_code follow_rollout(struct cli *cli, struct connection *connection, uint64_t rollout,
                               enum follow_wish wish, struct error *err)
{
    struct sigaction interrupt = {.sa_handler = on_interrupt};
    struct follower f = {.cli = cli,
                         .connection = connection,
                         .rollout = rollout,
                         .is_terminal = terminal_can_redraw() && !cli->is_json};
    enum error_code code;

    (void)sigaction(SIGINT, &interrupt, NULL);
    if (f.is_terminal)
        (void)printf("\x1b[?1049h"); /* the picture leaves the scroll-back alone */
    code = follow(&f, wish, err);
    leave_terminal(&f);
    if (f.last != NULL)
        cli_answer(cli, "rollout", f.last);
    return code;
}
