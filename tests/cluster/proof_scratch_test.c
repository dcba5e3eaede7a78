/* Scratch databases: what they are, and that nothing is left of them, whatever happens. */
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/proof/scratch.h"
#include "support/engine.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS     20000
#define READY_PATH  "ready"
#define NAMES_COUNT "SELECT count(*) FROM pg_database WHERE datname LIKE 'hakem\\_scratch\\_%'"

static char folder[FILE_PATH_MAX]; /* TMPDIR of each test */

static void set_up(void)
{
    engine_set_up();
    (void)text_copy(folder, sizeof(folder), "/tmp/hakem-proof-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chmod(folder, 0755), 0); /* root's servers run as another user */
    ck_assert_int_eq(setenv("TMPDIR", folder, 1), 0);
}

static void tear_down(void)
{
    assert_ok(file_remove_tree(folder, &failure));
    engine_tear_down();
}

static size_t left_in_folder(void)
{
    char **names = NULL;
    size_t count = 0;

    assert_ok(file_list(NULL, folder, &names, &count, &failure));
    talloc_free(names);
    return count;
}

static struct scratch *open_scratch(const char *url)
{
    const struct scratch_options options = {.url = url};
    struct scratch *scratch = NULL;

    assert_ok(scratch_open(NULL, &options, &scratch, &failure));
    return scratch;
}

static struct session *open_session_to(const char *url)
{
    const struct session_options options = {.url = url};
    struct session *session = NULL;

    assert_ok(session_open(NULL, &options, &session, &failure));
    return session;
}

static bool says_yes(struct session *session, const char *query)
{
    bool is = false;

    assert_ok(session_ask_bool(session, SQL(query), &is, &failure));
    return is;
}

START_TEST(an_own_server_is_nobody_else_s_and_goes_with_its_folder)
{
    struct scratch *scratch = open_scratch(NULL);
    struct session *session = open_session_to(scratch_url(scratch));
    char *data = NULL;
    struct stat info;

    ck_assert_ptr_nonnull(scratch_programs(scratch));
    ck_assert(says_yes(session, "SELECT current_setting('fsync') = 'off'"));
    ck_assert(says_yes(session, "SELECT current_setting('listen_addresses') = ''"));
    ck_assert(says_yes(session, "SELECT current_database() LIKE 'hakem\\_scratch\\_%'"));
    ck_assert(says_yes(session, "SELECT count(*) = 0 FROM pg_class WHERE relnamespace = "
                                "'public'::regnamespace"));
    assert_ok(session_ask_text(session, SQL("SELECT current_setting('unix_socket_directories')"),
                               session, &data, &failure));
    ck_assert(text_starts_with(data, folder));
    ck_assert_int_eq(stat(data, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0700);
    session_close(session);
    assert_ok(scratch_close(scratch, &failure));
    ck_assert_uint_eq(left_in_folder(), 0);
}
END_TEST

START_TEST(a_server_whose_process_was_killed_is_removed_all_the_same)
{
    struct scratch *scratch = open_scratch(NULL);
    struct session *session = open_session_to(scratch_url(scratch));
    char *text = NULL;
    uint64_t pid = 0;

    assert_ok(session_ask_text(session,
                               SQL("SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)"),
                               session, &text, &failure));
    ck_assert(text_to_number(text, INT32_MAX, &pid));
    ck_assert_int_eq(kill((pid_t)pid, SIGKILL), 0);
    assert_ok(scratch_close(scratch, &failure));
    ck_assert_uint_eq(left_in_folder(), 0);
    ck_assert_int_ne(kill((pid_t)pid, 0), 0);
    session_close(session);
}
END_TEST

START_TEST(on_a_named_server_it_is_a_database_that_goes_though_somebody_uses_it)
{
    uint64_t before = ask(NAMES_COUNT);
    struct scratch *first = open_scratch(engine.url), *second = open_scratch(engine.url);
    struct session *session = open_session_to(scratch_url(first));

    ck_assert_str_ne(scratch_url(first), scratch_url(second));
    ck_assert_ptr_null(scratch_programs(first));
    ck_assert_uint_eq(ask(NAMES_COUNT), before + 2);
    ck_assert_uint_eq(left_in_folder(), 0);
    assert_ok(scratch_close(first, &failure));
    assert_ok(scratch_close(second, &failure));
    ck_assert_uint_eq(ask(NAMES_COUNT), before);
    session_close(session);
}
END_TEST

START_TEST(a_renewed_one_is_another_and_empty)
{
    struct scratch *scratch = open_scratch(engine.url);
    uint64_t before = ask(NAMES_COUNT);
    struct session *session = open_session_to(scratch_url(scratch));

    assert_ok(session_run(session, "CREATE TABLE mine (id int)", &failure));
    session_close(session);
    assert_ok(scratch_renew(scratch, &failure));
    session = open_session_to(scratch_url(scratch));
    ck_assert(says_yes(session, "SELECT to_regclass('public.mine') IS NULL"));
    ck_assert_uint_eq(ask(NAMES_COUNT), before);
    session_close(session);
    assert_ok(scratch_close(scratch, &failure));
}
END_TEST

START_TEST(sqlalchemy_s_form_of_a_url_is_understood)
{
    char url[POSTGRES_URL_SIZE + 16];
    struct scratch *scratch;

    (void)text_format(url, sizeof(url), "postgresql+asyncpg%s", engine.url + strlen("postgresql"));
    scratch = open_scratch(url);
    session_close(open_session_to(scratch_url(scratch)));
    assert_ok(scratch_close(scratch, &failure));
}
END_TEST

START_TEST(where_none_can_be_had_it_says_what_to_do_and_leaves_nothing)
{
    struct scratch_options options = {.programs = "/nowhere"};
    struct scratch *scratch = NULL;

    assert_fails(ERROR_REFUSED, scratch_open(NULL, &options, &scratch, &failure));
    assert_says("TEST_DATABASE_URL");
    options = (struct scratch_options){.url = "host=127.0.0.1 port=1 dbname=x"};
    assert_fails(ERROR_CONNECTION, scratch_open(NULL, &options, &scratch, &failure));
    assert_says("no scratch database can be made on that server, for which a role needs CREATEDB");
    ck_assert_ptr_null(scratch);
    ck_assert_uint_eq(left_in_folder(), 0);
}
END_TEST

START_TEST(a_role_that_may_make_databases_is_enough_and_one_that_may_not_is_said)
{
    struct scratch_options options = {
        .url = memory_format(engine.session, "%s?user=maker", engine.url)};
    struct scratch *scratch = NULL;

    sql("DROP ROLE IF EXISTS maker; CREATE ROLE maker LOGIN CREATEDB");
    assert_ok(scratch_open(NULL, &options, &scratch, &failure));
    session_close(open_session_to(scratch_url(scratch)));
    assert_ok(scratch_close(scratch, &failure));
    sql("ALTER ROLE maker NOCREATEDB");
    assert_fails(ERROR_SQL, scratch_open(NULL, &options, &scratch, &failure));
    assert_says("CREATEDB");
    assert_says("permission denied");
}
END_TEST

/* A process that has one, says so, and works in it until it is told to end. */
static pid_t use_in_child(const char *url)
{
    pid_t pid = fork();
    char path[FILE_PATH_MAX];
    struct scratch *scratch;
    struct session *session;

    ck_assert_int_ge(pid, 0);
    if (pid != 0)
        return pid;
    session_cancel_on_signal(SIGTERM);
    scratch = open_scratch(url);
    session = open_session_to(scratch_url(scratch));
    (void)text_format(path, sizeof(path), "%s/" READY_PATH, folder);
    assert_ok(file_write_atomically(path, "", 0, 0600, &failure));
    if (session_run(session, "SELECT pg_sleep(60)", &failure) != ERROR_CANCELLED)
        _exit(2);
    session_close(session);
    _exit(scratch_close(scratch, &failure) == ERROR_OK ? 0 : 1);
}

static void await_file(const char *path)
{
    uint64_t until = clock_monotonic_ms() + WAIT_MS;

    while (!file_exists(path)) {
        ck_assert_uint_lt(clock_monotonic_ms(), until);
        clock_sleep_ms(5);
    }
}

static void interrupt(const char *url)
{
    pid_t pid = use_in_child(url);
    char path[FILE_PATH_MAX];
    int status = 0;

    (void)text_format(path, sizeof(path), "%s/" READY_PATH, folder);
    await_file(path);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(kill(pid, SIGTERM), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}

START_TEST(a_run_that_is_interrupted_leaves_no_server_and_no_database)
{
    uint64_t before = ask(NAMES_COUNT);

    interrupt(NULL);
    ck_assert_uint_eq(left_in_folder(), 0);
    interrupt(engine.url);
    ck_assert_uint_eq(ask(NAMES_COUNT), before);
}
END_TEST

static bool is_there(pid_t pid)
{
    return kill(pid, 0) == 0;
}

START_TEST(a_run_that_is_killed_takes_its_server_along)
{
    pid_t pid = use_in_child(NULL);
    char path[FILE_PATH_MAX], *bytes = NULL, **names = NULL;
    uint64_t until = clock_monotonic_ms() + WAIT_MS, server = 0;
    size_t count = 0, size = 0;

    (void)text_format(path, sizeof(path), "%s/" READY_PATH, folder);
    await_file(path);
    assert_ok(file_list(NULL, folder, &names, &count, &failure));
    ck_assert_uint_eq(count, 2);
    (void)text_format(path, sizeof(path), "%s/%s/data/postmaster.pid", folder, names[0]);
    assert_ok(file_read(NULL, path, 4096, &bytes, &size, &failure));
    bytes[strcspn(bytes, "\n")] = '\0';
    ck_assert(text_to_number(bytes, INT32_MAX, &server));
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    while (is_there((pid_t)server)) {
        ck_assert_uint_lt(clock_monotonic_ms(), until);
        clock_sleep_ms(5);
    }
    talloc_free(bytes);
    talloc_free(names);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, an_own_server_is_nobody_else_s_and_goes_with_its_folder);
    tcase_add_test(tcase, a_server_whose_process_was_killed_is_removed_all_the_same);
    tcase_add_test(tcase, on_a_named_server_it_is_a_database_that_goes_though_somebody_uses_it);
    tcase_add_test(tcase, a_renewed_one_is_another_and_empty);
    tcase_add_test(tcase, sqlalchemy_s_form_of_a_url_is_understood);
    tcase_add_test(tcase, where_none_can_be_had_it_says_what_to_do_and_leaves_nothing);
    tcase_add_test(tcase, a_role_that_may_make_databases_is_enough_and_one_that_may_not_is_said);
    tcase_add_test(tcase, a_run_that_is_interrupted_leaves_no_server_and_no_database);
    tcase_add_test(tcase, a_run_that_is_killed_takes_its_server_along);
}

SUITE("proof: scratch", {.add = add_all,
                         .set_up = set_up,
                         .tear_down = tear_down,
                         .set_up_once = engine_start,
                         .tear_down_once = engine_stop,
                         .timeout_s = 60})
