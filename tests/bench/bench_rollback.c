/* bench_rollback GAMES: what the coordinator's core takes to plan a rollout of so many game nodes,
 * to bring it to its hold, and to take it all back: processor time, the plan's size, the core's
 * memory. Where a limit forbids so many in one plan, the largest plan that fits is found and
 * measured.
 */
#include "proto/pack.h"
#include "tests/bench/crowd.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define BEATS_MAX       200000
#define PLAN_BYTES_MAX  (64 << 20)
#define SEARCH_SHARE    100 /* the largest is known to within a hundredth */
#define UNAVAILABLE_DIV 4

static struct request a_rollout(size_t games)
{
    struct request request = {.verb = "plan", .release = "new"};
    size_t shards = (games + CROWD_SHARD_GAMES - 1) / CROWD_SHARD_GAMES;

    request.options.steady_ms = 1000;
    request.options.soak_ms = 2000;
    request.options.hold = true;
    request.options.max_unavailable = games / shards / UNAVAILABLE_DIV + 1;
    return request;
}

static bool ask(struct crowd *crowd, const struct request *request)
{
    const char *sentence;

    if (crowd_ask(crowd, request, &sentence) == ERROR_OK)
        return true;
    (void)fprintf(stderr, "bench_rollback: %s: %s\n", request->verb, sentence);
    return false;
}

/* ---- figures ---- */

static void say(size_t games, const char *what, double value, const char *unit)
{
    (void)printf("rollback_core_%zu_%s %.3f %s\n", games, what, value, unit);
}

static void say_both(size_t games, const char *what, double value, const char *unit, double share,
                     const char *share_unit)
{
    say(games, what, value, unit);
    (void)printf("rollback_core_%zu_%s_per_node %.3f %s\n", games, what, share, share_unit);
}

static void say_cpu(const struct crowd *crowd, size_t games, const char *what)
{
    double seconds = (double)crowd_cpu_ns(crowd) / 1e9;

    say_both(games, what, seconds, "s", seconds * 1e6 / (double)games, "us");
}

static void say_plan(const struct crowd *crowd, size_t games)
{
    const struct plan *plan = crowd_control(crowd)->open->work.plan;
    struct text *bytes = text_new(NULL, PLAN_BYTES_MAX);

    pack_record(&plan_record, plan, bytes);
    say(games, "shards", (double)plan->shard_count, "shards");
    say_both(games, "steps", (double)plan->step_count, "steps",
             (double)plan->step_count / (double)games, "steps");
    say_both(games, "plan", (double)bytes->size, "B", (double)bytes->size / (double)games, "B");
    talloc_free(bytes);
}

static void say_memory(const struct crowd *crowd, size_t games, const char *what)
{
    double bytes = (double)talloc_total_size(crowd_control(crowd));

    say_both(games, what, bytes / 1024, "KiB", bytes / 1024 / (double)games, "KiB");
}

/* ---- there and back ---- */

static bool holds(const struct control *control)
{
    return control->open != NULL && control->open->state == ROLLOUT_HOLDING;
}

static bool is_back(const struct control *control)
{
    return control->open == NULL;
}

static bool go_on_until(struct crowd *crowd, bool (*is_there)(const struct control *control),
                        size_t games, const char *what)
{
    char name[64];
    uint64_t beats = 0;

    while (!is_there(crowd_control(crowd)) && beats < BEATS_MAX) {
        crowd_beat(crowd);
        beats++;
    }
    (void)text_format(name, sizeof(name), "%s_cpu", what);
    say_cpu(crowd, games, name);
    (void)text_format(name, sizeof(name), "%s_events", what);
    say(games, name, (double)crowd_events(crowd), "events");
    (void)text_format(name, sizeof(name), "%s_simulated", what);
    say(games, name, (double)beats, "s");
    return is_there(crowd_control(crowd));
}

static bool ask_verb(struct crowd *crowd, const char *verb)
{
    struct request request = {.step = 0};

    (void)text_copy(request.verb, NAME_SIZE, verb);
    crowd_forget(crowd);
    return ask(crowd, &request);
}

static int measure(struct crowd *crowd, size_t games)
{
    const struct control *control = crowd_control(crowd);
    const struct summary *summary;

    say_cpu(crowd, games, "plan_cpu");
    say_plan(crowd, games);
    if (!ask_verb(crowd, "start") || !go_on_until(crowd, holds, games, "forward"))
        return 1;
    say_memory(crowd, games, "memory_holding");
    if (!ask_verb(crowd, "rollback") || !go_on_until(crowd, is_back, games, "back"))
        return 1;
    summary = control_summary(control, control->rollout_number);
    if (summary == NULL || summary->state != ROLLOUT_REVERTED) {
        (void)fputs("bench_rollback: it was not taken back\n", stderr);
        return 1;
    }
    return 0;
}

/* ---- how many ---- */

/* NULL: they do not fit into one plan. */
static struct crowd *plan_for(size_t games, bool tells)
{
    struct crowd *crowd = crowd_new(games);
    struct request request = a_rollout(games);

    if (crowd == NULL) {
        (void)fprintf(stderr, "bench_rollback: %zu game nodes did not come together\n", games);
        return NULL;
    }
    if (tells)
        say_memory(crowd, games, "memory_enrolled");
    crowd_forget(crowd);
    if (ask(crowd, &request))
        return crowd;
    crowd_free(crowd);
    return NULL;
}

/* In a process of its own: what breaks on too many is no more than a limit that was found. */
static bool fits(size_t games)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0)
        _exit(plan_for(games, false) == NULL);
    if (child < 0 || waitpid(child, &status, 0) != child)
        return false;
    if (WIFSIGNALED(status))
        (void)fprintf(stderr, "bench_rollback: a plan of %zu game nodes ended with signal %d\n",
                      games, WTERMSIG(status));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static size_t find_largest(size_t too_many)
{
    size_t most = 0;

    while (too_many - most > too_many / SEARCH_SHARE + 1) {
        size_t games = most + (too_many - most) / 2;

        if (fits(games))
            most = games;
        else
            too_many = games;
    }
    return most;
}

int main(int argc, char *argv[])
{
    uint64_t wanted = 0;
    size_t games;
    struct crowd *crowd;
    int status = 1;

    if (argc != 2 || !text_to_number(argv[1], FLEET_NODES_MAX, &wanted) || wanted == 0) {
        (void)fputs("usage: bench_rollback GAMES\n", stderr);
        return 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    games = fits(wanted) ? wanted : find_largest(wanted);
    if (games != wanted)
        (void)printf("rollback_core_largest %zu nodes\n", games);
    crowd = games == 0 ? NULL : plan_for(games, true);
    if (crowd != NULL)
        status = measure(crowd, games);
    crowd_free(crowd);
    return status;
}
