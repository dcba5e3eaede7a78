/* bench_fanout COORDINATOR MIGRATIONS FOLDER [AGENTS]: one order to every agent and its outcome and
 * acknowledgement back, through the real coordinator with its journal synced, against libzmq alone;
 * what an agent costs the coordinator; how fast they are back after an outage.
 */
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "tests/bench/fleet.h"
#include "tests/bench/raw.h"

#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#define AGENTS_DEFAULT 1000
#define PATIENCE_MS    60000
#define ROUNDS         5
#define TARGET         "0005_display_name"
#define REVISIONS      4 /* of the migrations folder, that the database has */

struct bench {
    const char *program, *migrations, *folder;
    void *zmq_context;
    void *memory;
    struct key_pair server, operator_key;
    struct fleet *fleet;
    struct line *line;
    uint64_t request_id;
    pid_t coordinator;
    char agents[128], operators[128];
};

static void fail(const struct bench *bench, const char *what)
{
    (void)fprintf(stderr, "bench_fanout: %s\n", what);
    if (bench->coordinator > 0)
        (void)kill(bench->coordinator, SIGKILL);
    _exit(1);
}

static const char *path_of(const struct bench *bench, const char *name)
{
    return memory_format(bench->memory, "%s/%s", bench->folder, name);
}

/* ---- the coordinator ---- */

static void write_config(struct bench *bench, const char *agents, const char *operators)
{
    char *text =
        memory_format(bench->memory,
                      "agents: %s\noperators: %s\nkey_file: %s\njournal: %s\n"
                      "migrations: %s\nlog_level: error\noperator_keys:\n"
                      "  - name: bench\n    key: \"%s\"\n",
                      agents, operators, path_of(bench, "coordinator.key"),
                      path_of(bench, "journal"), bench->migrations, bench->operator_key.public_key);
    struct error err;

    if (file_write_atomically(path_of(bench, "coordinator.yaml"), text, strlen(text), 0600, &err) !=
        ERROR_OK)
        fail(bench, err.detail);
}

static bool read_endpoints(struct bench *bench)
{
    FILE *file = fopen(path_of(bench, "journal.endpoints"), "r");
    bool is_there = file != NULL && fscanf(file, "agents %127s operators %127s", bench->agents,
                                           bench->operators) == 2;

    if (file != NULL)
        (void)fclose(file);
    return is_there;
}

/* Until it has written where it listens: its sockets are bound then. */
static void start_coordinator(struct bench *bench)
{
    uint64_t until = clock_monotonic_ms() + PATIENCE_MS;

    (void)unlink(path_of(bench, "journal.endpoints"));
    bench->coordinator = fork();
    if (bench->coordinator == 0) {
        (void)execl(bench->program, bench->program, "--config", path_of(bench, "coordinator.yaml"),
                    (char *)NULL);
        _exit(127);
    }
    while (!read_endpoints(bench)) {
        if (clock_monotonic_ms() >= until || waitpid(bench->coordinator, NULL, WNOHANG) != 0)
            fail(bench, "the coordinator did not start");
        clock_sleep_ms(1);
    }
}

/* The second number of /proc/PID/statm. */
static uint64_t resident_bytes(const struct bench *bench)
{
    char *path = memory_format(bench->memory, "/proc/%d/statm", (int)bench->coordinator);
    FILE *file = fopen(path, "r");
    char line[256];
    char *rest = NULL;
    char *resident = NULL;
    uint64_t pages = 0;

    if (file != NULL && fgets(line, sizeof(line), file) != NULL &&
        strtok_r(line, " ", &rest) != NULL)
        resident = strtok_r(NULL, " ", &rest);
    if (resident == NULL || !text_to_number(resident, UINT64_MAX, &pages))
        fail(bench, "the coordinator's memory cannot be read");
    if (file != NULL)
        (void)fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* ---- the operator ---- */

static bool take_reply(struct bench *bench, struct reply *ret)
{
    void *bytes = NULL;
    size_t size = 0;
    struct message message;
    struct error err;

    while (line_receive(bench->line, bench->memory, &bytes, &size)) {
        if (message_decode(bytes, size, ROLE_COORDINATOR, bench->memory, &message, &err) !=
                ERROR_OK ||
            message.type != MESSAGE_REPLY || message.id != bench->request_id)
            continue;
        *ret = *(const struct reply *)message.body;
        return true;
    }
    return false;
}

/* Asked again until it is not refused: reports may still be on their way. */
static void ask(struct bench *bench, const struct request *request)
{
    struct text *bytes = text_new(bench->memory, MESSAGE_BYTES_MAX);
    uint64_t until = clock_monotonic_ms() + PATIENCE_MS;
    struct reply reply = {.rollout = 0};
    bool is_sent = false;

    message_encode(MESSAGE_REQUEST, ++bench->request_id, 0, request, bytes);
    while (clock_monotonic_ms() < until) {
        if (!is_sent)
            is_sent = line_send(bench->line, bytes->data, bytes->size);
        fleet_turn(bench->fleet, 1);
        if (!take_reply(bench, &reply))
            continue;
        if (strcmp(reply.code, "OK") == 0)
            return;
        is_sent = false;
    }
    fail(bench, reply.detail[0] != '\0' ? reply.detail : "the coordinator does not answer");
}

static void enroll(struct bench *bench)
{
    for (size_t i = 0; i < fleet_size(bench->fleet); i++) {
        struct request request = {
            .verb = "accept", .shard = "main", .kind = fleet_kind(bench->fleet, i)};

        (void)text_copy(request.node, NAME_SIZE, fleet_name(bench->fleet, i));
        (void)text_copy(request.application, NAME_SIZE, fleet_name(bench->fleet, i));
        (void)text_copy(request.key, KEY_TEXT_SIZE, fleet_key(bench->fleet, i));
        ask(bench, &request);
    }
}

static void connect_operator(struct bench *bench)
{
    struct error err;

    line_close(bench->line);
    bench->line = NULL;
    if (line_open(bench->zmq_context, bench->operators, bench->server.public_key,
                  &bench->operator_key, &bench->line, &err) != ERROR_OK)
        fail(bench, err.detail);
}

/* ---- measuring ---- */

static double await(struct bench *bench, size_t (*count)(const struct fleet *fleet), size_t wanted)
{
    uint64_t began = clock_monotonic_us();

    while (count(bench->fleet) < wanted) {
        if (clock_monotonic_us() - began > PATIENCE_MS * UINT64_C(1000))
            fail(bench, memory_format(bench->memory, "%zu of %zu answered in time",
                                      count(bench->fleet), wanted));
        fleet_turn(bench->fleet, 10);
    }
    return (double)(clock_monotonic_us() - began) / 1e6;
}

static size_t size_of(enum message_type type, const void *body)
{
    struct text *bytes = text_new(NULL, MESSAGE_BYTES_MAX);
    size_t size;

    message_encode(type, 1, 1, body, bytes);
    size = bytes->size;
    talloc_free(bytes);
    return size;
}

static void measure_sizes(struct raw_sizes *ret)
{
    struct order order = {.task = TASK_PREFLIGHT, .journal = "00112233445566778899aabbccddeeff"};
    struct accepted accepted = {.is_accepted = true, .code = "OK"};
    struct task_outcome outcome = {.outcome = OUTCOME_SUCCEEDED, .code = "OK"};
    struct order_ref settled = {.id.step = 1};

    (void)text_copy(order.arguments.bundle, DIGEST_SIZE,
                    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    ret->order = size_of(MESSAGE_ORDER, &order);
    ret->accepted = size_of(MESSAGE_ACCEPTED, &accepted);
    ret->outcome = size_of(MESSAGE_OUTCOME, &outcome);
    ret->settled = size_of(MESSAGE_SETTLED, &settled);
}

static double measure_fanout(struct bench *bench, const char *revision)
{
    struct request plan = {.verb = "plan"};
    struct request start = {.verb = "start"};
    struct request back = {.verb = "rollback"};
    uint64_t began;

    (void)text_copy(plan.revision, NAME_SIZE, revision);
    ask(bench, &plan);
    fleet_forget(bench->fleet);
    ask(bench, &start);
    began = clock_monotonic_us();
    (void)await(bench, fleet_settled, fleet_size(bench->fleet));
    began = clock_monotonic_us() - began;
    ask(bench, &back);
    return (double)began / 1e6;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

static double median(double *of)
{
    qsort(of, ROUNDS, sizeof(of[0]), compare);
    return of[ROUNDS / 2];
}

/* In a process of its own, while the fleet goes on beating here. */
static double measure_raw(struct bench *bench)
{
    char *count = memory_format(bench->memory, "%zu", fleet_size(bench->fleet));
    int status = 0;
    int said[2];
    double seconds = -1;
    pid_t raw;

    if (pipe(said) != 0)
        fail(bench, "no pipe");
    raw = fork();
    if (raw == 0) {
        (void)dup2(said[1], STDOUT_FILENO);
        (void)execl("/proc/self/exe", "bench_fanout", "raw", count, (char *)NULL);
        _exit(127);
    }
    (void)close(said[1]);
    while (waitpid(raw, &status, WNOHANG) == 0)
        fleet_turn(bench->fleet, 10);
    if (read(said[0], &seconds, sizeof(seconds)) != (ssize_t)sizeof(seconds) || seconds < 0)
        fail(bench, "the peer did not come to an end");
    (void)close(said[0]);
    return seconds;
}

static int be_raw(const char *count_text)
{
    struct raw_sizes sizes;
    uint64_t count = 0;
    double seconds = -1;

    measure_sizes(&sizes);
    if (text_to_number(count_text, FLEET_AGENTS_MAX, &count))
        seconds = raw_round_trips(count, &sizes);
    return write(STDOUT_FILENO, &seconds, sizeof(seconds)) == (ssize_t)sizeof(seconds) ? 0 : 1;
}

/* In turns, so that whatever else the machine does falls on both. */
static void compare_fanout(struct bench *bench)
{
    double raw[ROUNDS], fanout[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        raw[i] = measure_raw(bench);
        fanout[i] = measure_fanout(bench, TARGET);
    }
    (void)printf("fanout_raw_seconds %.3f s\nfanout_seconds %.3f s\n", median(raw), median(fanout));
    (void)printf("fanout_ratio %.2f x\n", median(fanout) / median(raw));
}

static double measure_outage(struct bench *bench, uint64_t outage_ms)
{
    uint64_t until;

    (void)kill(bench->coordinator, SIGKILL);
    (void)waitpid(bench->coordinator, NULL, 0);
    fleet_forget(bench->fleet);
    for (until = clock_monotonic_ms() + outage_ms; clock_monotonic_ms() < until;)
        fleet_turn(bench->fleet, 10);
    write_config(bench, bench->agents, bench->operators);
    start_coordinator(bench);
    return await(bench, fleet_adopted, fleet_size(bench->fleet));
}

static void begin(struct bench *bench, size_t count)
{
    static struct name_item expanded[REVISIONS] = {{"0001_initial"},
                                                   {"0002_player_statistics"},
                                                   {"0003_room_results"},
                                                   {"0004_plays_by_player"}};
    struct error err;

    bench->memory = memory_zeroed(NULL, 1, 1, "bench");
    bench->zmq_context = zmq_ctx_new();
    (void)zmq_ctx_set(bench->zmq_context, ZMQ_MAX_SOCKETS, 4 * FLEET_AGENTS_MAX); /* three a line */
    (void)zmq_ctx_set(bench->zmq_context, ZMQ_BLOCKY, 0);
    (void)zmq_ctx_set(bench->zmq_context, ZMQ_IO_THREADS, 2);
    key_generate(&bench->server);
    key_generate(&bench->operator_key);
    if (key_write(path_of(bench, "coordinator.key"), &bench->server, &err) != ERROR_OK)
        fail(bench, err.detail);
    bench->fleet = fleet_new(count, expanded, REVISIONS, "1.0");
    write_config(bench, "tcp://127.0.0.1:*", "tcp://127.0.0.1:*");
    start_coordinator(bench);
    connect_operator(bench);
}

/* Enrolled first: nobody is turned away at the gate. */
static void gather(struct bench *bench)
{
    struct error err;

    enroll(bench);
    if (fleet_connect(bench->fleet, bench->zmq_context, bench->agents, bench->server.public_key,
                      &err) != ERROR_OK)
        fail(bench, err.detail);
    /* Whoever joins is quarantined until it has reported after its database. */
    (void)await(bench, fleet_known, fleet_size(bench->fleet));
}

static void end(struct bench *bench)
{
    (void)kill(bench->coordinator, SIGTERM);
    (void)waitpid(bench->coordinator, NULL, 0);
    line_close(bench->line);
    fleet_free(bench->fleet);
    (void)zmq_ctx_term(bench->zmq_context);
    talloc_free(bench->memory);
}

int main(int argc, char *argv[])
{
    struct bench bench = {.coordinator = 0};
    struct rlimit files = {.rlim_cur = 65536, .rlim_max = 65536};
    uint64_t count = AGENTS_DEFAULT;
    uint64_t empty_bytes;

    (void)setrlimit(RLIMIT_NOFILE, &files);
    if (argc == 3 && strcmp(argv[1], "raw") == 0 && sodium_init() >= 0)
        return be_raw(argv[2]);
    if (argc < 4 || argc > 5 || sodium_init() < 0 ||
        (argc == 5 && !text_to_number(argv[4], FLEET_AGENTS_MAX - 1, &count))) {
        (void)fputs("usage: bench_fanout COORDINATOR MIGRATIONS FOLDER [AGENTS]\n", stderr);
        return 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    bench.program = argv[1];
    bench.migrations = argv[2];
    bench.folder = argv[3];
    begin(&bench, count);
    empty_bytes = resident_bytes(&bench);
    gather(&bench);
    compare_fanout(&bench);
    (void)printf("memory_per_agent %.1f KiB\n",
                 (double)(resident_bytes(&bench) - empty_bytes) / 1024 / (double)(count + 1));
    (void)printf("reconnect_after_1s %.2f s\n", measure_outage(&bench, 1000));
    (void)printf("reconnect_after_60s %.2f s\n", measure_outage(&bench, 60000));
    end(&bench);
    return 0;
}
