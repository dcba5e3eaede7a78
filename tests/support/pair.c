#define _DEFAULT_SOURCE /* kill, fork, execv */
#include "support/pair.h"

#include "agent/watch.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/schema.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 20000

struct pair pair;

static const char *game_roles[] = {"game"};
static const char settings[] = "wal_level = logical\nmax_wal_senders = 20\n"
                               "max_replication_slots = 20\nmax_worker_processes = 30\n"
                               "max_logical_replication_workers = 12\n"
                               "max_sync_workers_per_subscription = 4\n"
                               "wal_retrieve_retry_interval = 200ms\n"
                               "max_prepared_transactions = 5\n";

static uint64_t the_term(void *context)
{
    (void)context;
    return 1;
}
static const struct migration_hooks term_hooks = {.term = the_term};

/* ---- fixtures ---- */

static void open_side(struct side *side, struct session **ret)
{
    struct session_options options = {.url = side->url, .application_name = "test"};

    assert_ok(session_open(NULL, &options, ret, &failure));
}

void pair_start(void)
{
    for (int i = BLUE; i <= GREEN; i++) {
        struct side *side = &pair.sides[i];

        side->node = i == BLUE ? "db-1" : "db-2";
        assert_ok(postgres_start(&side->server, settings, &failure));
        (void)text_copy(side->url, sizeof(side->url), side->server.url);
        open_side(side, &side->session);
        sql_on((enum pair_side)i,
               "CREATE ROLE migrator LOGIN; GRANT pg_monitor, pg_signal_backend TO migrator;"
               "CREATE ROLE game LOGIN; CREATE ROLE other_game LOGIN");
        session_close(side->session);
        side->session = NULL;
    }
}

void pair_stop(void)
{
    for (int i = BLUE; i <= GREEN; i++)
        postgres_stop(&pair.sides[i].server);
}

/* Slots are few, and WAL is kept for each. */
static void drop_links(struct session *session)
{
    (void)session_run(session,
                      "DO $$ DECLARE s name; BEGIN"
                      " FOR s IN SELECT subname FROM pg_subscription WHERE subdbid ="
                      " (SELECT oid FROM pg_database WHERE datname = current_database()) LOOP"
                      " EXECUTE format('ALTER SUBSCRIPTION %I DISABLE', s);"
                      " EXECUTE format('ALTER SUBSCRIPTION %I SET (slot_name = NONE)', s);"
                      " EXECUTE format('DROP SUBSCRIPTION %I', s); END LOOP; END $$",
                      &failure);
}

static void drop_slots(struct session *session)
{
    uint64_t left = 1;

    for (int i = 0; i < 100 && left > 0; i++) {
        (void)session_run(session,
                          "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots"
                          " WHERE active",
                          &failure);
        (void)session_run(session,
                          "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
                          " WHERE NOT active",
                          &failure);
        if (session_ask_number(session, SQL("SELECT count(*) FROM pg_replication_slots"), &left,
                               &failure) != ERROR_OK)
            return;
        clock_sleep_ms(left > 0 ? 20 : 0);
    }
}

/* A test that failed has torn nothing down. */
static void drop_left_links(const struct side *side)
{
    struct session_options options = {.url = side->server.url};
    struct session *server = NULL;
    struct rows *rows = NULL;

    assert_ok(session_open(NULL, &options, &server, &failure));
    assert_ok(session_query(server,
                            SQL("SELECT DISTINCT datname FROM pg_subscription"
                                " JOIN pg_database AS d ON d.oid = subdbid"),
                            &rows, &failure));
    for (size_t i = 0; i < rows_count(rows); i++) {
        struct session *session = NULL;

        options.url = memory_format(server, "postgresql://postgres@127.0.0.1:%d/%s",
                                    side->server.port, rows_text(rows, i, 0));
        assert_ok(session_open(NULL, &options, &session, &failure));
        drop_links(session);
        session_close(session);
    }
    session_close(server);
}

static void name_urls(struct side *side, const char *database)
{
    const struct {
        const char *role;
        char *url;
    } urls[] = {{"migrator", side->migrator_url}, {"game", side->game_url}};

    for (size_t i = 0; i < ARRAY_LEN(urls); i++)
        (void)text_format(urls[i].url, POSTGRES_URL_SIZE, "postgresql://%s@127.0.0.1:%d/%s",
                          urls[i].role, side->server.port, database);
}

static void set_up_side(struct side *side, struct side *other, const char *database)
{
    struct session *session = NULL;
    char *id = NULL;

    assert_ok(postgres_make_database(&side->server, database, side->url, &failure));
    name_urls(side, database);
    open_side(side, &side->session);
    session = side->session;
    drop_slots(session);
    assert_ok(session_run(session, "ALTER ROLE game LOGIN; ALTER ROLE other_game LOGIN", &failure));
    assert_ok(session_run(session,
                          memory_format(session, "ALTER DATABASE %s OWNER TO migrator", database),
                          &failure));
    assert_ok(session_ask_text(session, SQL("SELECT system_identifier FROM pg_control_system()"),
                               session, &id, &failure));
    (void)text_copy(side->system_id, sizeof(side->system_id), id);
    side->other = (struct twin_config){.node = other->node, .url = other->url};
    side->config = (struct agent_config){.kind = KIND_DATABASE,
                                         .state = side->server.folder,
                                         .database = {.url = side->migrator_url,
                                                      .admin_url = side->url,
                                                      .game_roles = game_roles,
                                                      .game_role_count = 1,
                                                      .twins = &side->other,
                                                      .twin_count = 1}};
}

void pair_set_up(void)
{
    char name[32];

    drop_left_links(&pair.sides[BLUE]);
    drop_left_links(&pair.sides[GREEN]);
    (void)text_format(name, sizeof(name), "test_%llu", (unsigned long long)clock_monotonic_us());
    set_up_side(&pair.sides[BLUE], &pair.sides[GREEN], name);
    set_up_side(&pair.sides[GREEN], &pair.sides[BLUE], name);
    pair.order = (struct order){.id = {.rollout = PAIR_ROLLOUT, .step = 1, .attempt = 1},
                                .journal = "00112233445566778899aabbccddeeff",
                                .ttl_ms = 40000,
                                .arguments = {.pause_ms = PAIR_LEASE_MS}};
    engine.with = (struct migration_run){.operator_name = "test",
                                         .journal = pair.order.journal,
                                         .rollout = "12",
                                         .hooks = &term_hooks,
                                         .lock_budget_ms = 10000};
    engine.file_count = 0;
    engine.set = NULL;
}

void pair_tear_down(void)
{
    for (int i = BLUE; i <= GREEN; i++)
        if (pair.sides[i].session != NULL)
            drop_links(pair.sides[i].session);
    for (int i = BLUE; i <= GREEN; i++) {
        if (pair.sides[i].session != NULL)
            drop_slots(pair.sides[i].session);
        session_close(pair.sides[i].session);
    }
    talloc_free(engine.set);
}

int pair_main(int argc, char **argv, const char *name, const struct suite_case *cases, size_t count)
{
    if (argc >= 4 && strcmp(argv[1], "hook") == 0) {
        (void)execv(argv[3], &argv[3]);
        return EXIT_FAILURE;
    }
    return suite_main(name, cases, count);
}

/* ---- doing ---- */

struct child_task {
    struct job job;
    struct channel channel;
    struct task_context context;
    int pair[2];
};

static void begin_task(struct child_task *c, enum pair_side side, enum task task)
{
    const struct side *here = &pair.sides[side];

    c->job = (struct job){.order = pair.order};
    c->job.order.task = task;
    (void)text_copy(c->job.node, NAME_SIZE, here->node);
    (void)text_copy(c->job.order.arguments.target, NAME_SIZE, here->config.database.twins[0].node);
    (void)text_copy(c->job.order.arguments.system_id, SYSTEM_ID_SIZE, here->system_id);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, c->pair), 0);
    c->context = (struct task_context){.config = &here->config,
                                       .job = &c->job,
                                       .channel = &c->channel,
                                       .term = 1,
                                       .memory = talloc_new(NULL)};
    channel_open(&c->channel, c->pair[0], c->context.memory);
}

static void end_task(struct child_task *c)
{
    (void)close(c->pair[0]);
    (void)close(c->pair[1]);
    talloc_free(c->context.memory);
}

static enum error_code run_task(struct child_task *c, enum task task)
{
    failure = (struct error){.code = ERROR_OK};
    pair.outcome = (struct task_outcome){.code = ""};
    return task_functions(task)->run(&c->context, &pair.outcome, &failure);
}

enum error_code run_on(enum pair_side side, enum task task)
{
    struct child_task c;
    enum error_code code;

    begin_task(&c, side, task);
    code = run_task(&c, task);
    end_task(&c);
    return code;
}

void run_cancelled(enum pair_side side, enum task task, uint64_t after_ms)
{
    struct child_task c;
    enum error_code code;
    pid_t canceller;

    begin_task(&c, side, task);
    canceller = fork();
    ck_assert_int_ge(canceller, 0);
    if (canceller == 0) {
        clock_sleep_ms(after_ms);
        _exit(channel_send(c.pair[1], FRAME_CANCEL, NULL) ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    code = run_task(&c, task);
    ck_assert_int_eq(waitpid(canceller, NULL, 0), canceller);
    end_task(&c);
    assert_fails(ERROR_CANCELLED, code);
}

enum finding inspect_on(enum pair_side side, enum task task)
{
    enum finding finding = FINDING_NOTHING;
    struct child_task c;

    begin_task(&c, side, task);
    c.job.kind = JOB_INSPECT;
    failure = (struct error){.code = ERROR_OK};
    if (task_functions(task)->inspect(&c.context, &finding, &failure) != ERROR_OK)
        finding = FINDING_NOTHING;
    end_task(&c);
    return finding;
}

pid_t begin_on(enum pair_side side, enum task task)
{
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        _exit(run_on(side, task) == ERROR_OK ? EXIT_SUCCESS : EXIT_FAILURE);
    return pid;
}

void kill_task(pid_t pid)
{
    int status = 0;

    (void)kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFSIGNALED(status), "it had ended before it was killed");
}

/* True if it was killed before it had ended. */
static bool kill_after(enum pair_side side, enum task task, uint64_t ms)
{
    int status = 0;
    pid_t pid = begin_on(side, task);

    clock_sleep_ms(ms);
    (void)kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status);
}

void run_despite_kills(enum pair_side side, enum task task)
{
    static const uint64_t moments_ms[] = {15, 40, 80, 150, 300, 500};

    for (size_t i = 0; i < ARRAY_LEN(moments_ms); i++)
        if (!kill_after(side, task, moments_ms[i]))
            break; /* it had ended, and is done once more below */
    assert_ok(run_on(side, task));
}

void sql_on(enum pair_side side, const char *text)
{
    assert_ok(session_run(pair.sides[side].session, text, &failure));
}

bool play_on(enum pair_side side, const char *text)
{
    struct session_options options = {.url = pair.sides[side].game_url,
                                      .application_name = "a game"};
    struct session *session = NULL;
    struct error why;
    bool did = session_open(NULL, &options, &session, &why) == ERROR_OK &&
               session_run(session, text, &why) == ERROR_OK;

    session_close(session);
    return did;
}

void given_a_game(void)
{
    struct session_options options = {.url = pair.sides[BLUE].migrator_url};
    struct session *session = NULL;

    assert_ok(session_open(NULL, &options, &session, &failure));
    assert_ok(schema_ensure(session, &failure));
    session_close(session);
    sql_on(BLUE, "CREATE TABLE players (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
                 " name text NOT NULL, rank integer NOT NULL DEFAULT 0,"
                 " shout text GENERATED ALWAYS AS (upper(name)) STORED);"
                 "CREATE TABLE seats (room integer, seat text, player bigint NOT NULL,"
                 " PRIMARY KEY (room, seat));"
                 "ALTER TABLE players OWNER TO migrator; ALTER TABLE seats OWNER TO migrator;"
                 "GRANT SELECT, INSERT, UPDATE, DELETE ON players, seats TO game;"
                 "INSERT INTO players (name) SELECT 'player ' || n FROM generate_series(1, 3000) n;"
                 "INSERT INTO seats SELECT n, s, n FROM generate_series(1, 500) n,"
                 " unnest(ARRAY['N', 'E', 'S', 'W']) s");
}

void follow(void)
{
    assert_ok(run_on(GREEN, TASK_FOLLOW));
}

void reverse(void)
{
    assert_ok(run_on(BLUE, TASK_CLOSE_WRITES));
    assert_ok(run_on(GREEN, TASK_DRAIN_WAL));
    assert_ok(run_on(GREEN, TASK_SEQUENCES));
    assert_ok(run_on(BLUE, TASK_REVERSE));
}

void switch_to_green(void)
{
    reverse();
    assert_ok(run_on(GREEN, TASK_OPEN_WRITES));
}

/* ---- looking ---- */

uint64_t ask_on(enum pair_side side, const char *number_query)
{
    uint64_t number = 0;

    assert_ok(session_ask_number(pair.sides[side].session, SQL(number_query), &number, &failure));
    return number;
}

bool is_true_on(enum pair_side side, const char *boolean_query)
{
    bool is_true = false;

    assert_ok(session_ask_bool(pair.sides[side].session, SQL(boolean_query), &is_true, &failure));
    return is_true;
}

void wait_on(enum pair_side side, const char *boolean_query)
{
    uint64_t until = clock_monotonic_ms() + WAIT_MS;

    while (!is_true_on(side, boolean_query)) {
        ck_assert_msg(clock_monotonic_ms() < until, "never true: %s", boolean_query);
        clock_sleep_ms(20);
    }
}

const struct twin_report *report_on(enum pair_side side)
{
    static struct database_watch *watches[2];
    static struct report reports[2];

    if (watches[side] == NULL)
        watches[side] = database_watch_new(&pair.sides[side].config);
    reports[side] = (struct report){.kind = KIND_DATABASE};
    ck_assert_msg(database_watch_look(watches[side], watches[side], &reports[side]), "%s",
                  reports[side].fault);
    return &reports[side].database.twin;
}
