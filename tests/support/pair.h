/* pair.h: two servers, each with an agent's configuration that knows the other one: what a database
 * is followed by, switched to and left with. Each test has a database of its own on both.
 */
#ifndef TESTS_SUPPORT_PAIR_H
#define TESTS_SUPPORT_PAIR_H

#include "agent/task/task.h"
#include "support/engine.h"

#define PAIR_ROLLOUT  12
#define PAIR_LEASE_MS 30000

enum pair_side { BLUE, GREEN };

struct side {
    const char *node;
    struct postgres server;
    char url[POSTGRES_URL_SIZE]; /* as its superuser */
    char migrator_url[POSTGRES_URL_SIZE];
    char game_url[POSTGRES_URL_SIZE];
    char system_id[SYSTEM_ID_SIZE];
    struct agent_config config;
    struct twin_config other;
    struct session *session; /* as its superuser */
};

extern struct pair {
    struct side sides[2];
    struct order order;          /* what the next task gets, but for task, target and system_id */
    struct task_outcome outcome; /* of the last task */
} pair;

/* The fixtures; both servers keep WAL for slots without a limit. */
void pair_start(void);
void pair_stop(void);
void pair_set_up(void);
void pair_tear_down(void);

/* Every suite's main: the agent's program runs hooks by itself, and here that is the suite. */
int pair_main(int argc, char **argv, const char *name, const struct suite_case *cases,
              size_t count);
#define PAIR_SUITE(name, adds)                                                                     \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        static const struct suite_case suite_cases[] = {{.add = (adds),                            \
                                                         .set_up = pair_set_up,                    \
                                                         .tear_down = pair_tear_down,              \
                                                         .set_up_once = pair_start,                \
                                                         .tear_down_once = pair_stop,              \
                                                         .timeout_s = 90}};                        \
                                                                                                   \
        return pair_main(argc, argv, name, suite_cases, 1);                                        \
    }

/* ---- doing ---- */

enum error_code run_on(enum pair_side side, enum task task);
/* In a process of its own, to be killed from outside; and that kill, in the middle of it. */
pid_t begin_on(enum pair_side side, enum task task);
void kill_task(pid_t pid);
/* It is killed several times, at different moments, and succeeds in the end. */
void run_despite_kills(enum pair_side side, enum task task);
/* Cancelled so long after its begin; it must not have ended by then. */
void run_cancelled(enum pair_side side, enum task task, uint64_t after_ms);
enum finding inspect_on(enum pair_side side, enum task task);
void sql_on(enum pair_side side, const char *text);
/* As the role of game servers; false if it is not let in or may not. */
bool play_on(enum pair_side side, const char *text);

/* Players, seats that need no sequence, and what schema hakem records; blue has rows. */
void given_a_game(void);
/* Green follows blue. */
void follow(void);
/* Blue's writes are closed, what it has is on green, and blue follows green. */
void reverse(void);
/* And green is opened. */
void switch_to_green(void);

/* ---- looking ---- */

uint64_t ask_on(enum pair_side side, const char *number_query);
bool is_true_on(enum pair_side side, const char *boolean_query);
void wait_on(enum pair_side side, const char *boolean_query);
/* What the watcher of that side's agent says now. */
const struct twin_report *report_on(enum pair_side side);

#endif
