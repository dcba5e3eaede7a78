/* Backups of a real database, with PostgreSQL's own programs, there and back. */
#include "common/backup/backup.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/schema.h"
#include "common/migration/touched.h"
#include "common/proof/scratch.h"
#include "support/engine.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct back {
    char folder[64];
    char backups[96];
    struct backup_key key;
    struct backup_hooks hooks;
    struct backup_tools tools;
    struct session_options database;
    struct backup_order order;
    struct backup_manifest *manifest;
} back;

static void set_up(void)
{
    char path[96];

    engine_set_up();
    memset(&back, 0, sizeof(back));
    (void)text_copy(back.folder, sizeof(back.folder), "/tmp/hakem.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(back.folder));
    (void)text_format(path, sizeof(path), "%s/key", back.folder);
    assert_ok(backup_key_make(path, &failure));
    assert_ok(backup_key_read(path, &back.key, &failure));
    (void)text_format(back.backups, sizeof(back.backups), "%s/backups", back.folder);
    back.tools = (struct backup_tools){.place = {.folder = back.backups}, .hooks = &back.hooks};
    back.database = (struct session_options){.url = engine.url};
    back.order = (struct backup_order){.name = "one", .created_by = "tester"};
}

static void tear_down(void)
{
    talloc_free(back.manifest);
    assert_ok(file_remove_tree(back.folder, &failure));
    engine_tear_down();
}

/* Three tables, a view, and what PostgreSQL writes differently once it was read back. */
static void given_a_game(void)
{
    sql("CREATE TABLE players (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT "
        "NULL, level varchar(10) CHECK (level IN ('low', 'high')));"
        "CREATE TABLE \"Odd name\" (a int, b text);"
        "CREATE TABLE games (id int PRIMARY KEY, player bigint REFERENCES players);"
        "CREATE VIEW high AS SELECT * FROM players WHERE level IN ('high', 'higher');"
        "CREATE SCHEMA other; CREATE TABLE other.things (at timestamptz) PARTITION BY RANGE (at);"
        "CREATE TABLE other.things_26 PARTITION OF other.things FOR VALUES FROM ('2026-01-01') TO "
        "('2027-01-01');"
        "INSERT INTO players (name, level) SELECT 'p' || g, 'low' FROM generate_series(1, 1000) g;"
        "INSERT INTO \"Odd name\" VALUES (1, E'a\\nb'), (2, NULL);"
        "INSERT INTO games SELECT g, g FROM generate_series(1, 500) g;"
        "INSERT INTO other.things VALUES ('2026-05-05')");
}

static enum error_code create(void)
{
    talloc_free(back.manifest);
    back.manifest = NULL;
    return backup_create(&back.tools, &back.database, &back.order, NULL, &back.manifest, &failure);
}

static enum error_code check(void)
{
    struct backup_manifest *manifest = NULL;
    enum error_code code = backup_check(&back.tools, back.order.name, NULL, &manifest, &failure);

    talloc_free(manifest);
    return code;
}

static enum error_code restore_with(struct backup_restore order, struct backup_restored *ret)
{
    session_close(engine.session);
    engine.session = NULL;
    order.name = back.order.name;
    return backup_restore(&back.tools, &back.database, &order, ret, &failure);
}

static void connect_again(void)
{
    assert_ok(session_open(NULL, &back.database, &engine.session, &failure));
}

static const struct backup_table *table_called(const char *name)
{
    ck_assert_ptr_nonnull(back.manifest);
    for (size_t i = 0; i < back.manifest->table_count; i++)
        if (strcmp(back.manifest->tables[i].name, name) == 0)
            return &back.manifest->tables[i];
    return NULL;
}

/* On a database of its own; before: what is there already. */
static enum error_code verify(const char *before, struct text *ret_differences)
{
    struct scratch_options options = {.url = engine.server.url};
    struct scratch *scratch = NULL;
    struct session_options there;
    struct session *session = NULL;
    enum error_code code;

    assert_ok(scratch_open(NULL, &options, &scratch, &failure));
    there = (struct session_options){.url = scratch_url(scratch)};
    assert_ok(session_open(NULL, &there, &session, &failure));
    assert_ok(session_run(session, before, &failure));
    code = backup_verify(&back.tools, back.manifest, session, ret_differences, &failure);
    session_close(session);
    assert_ok(scratch_close(scratch, &failure));
    return code;
}

/* Names in the folder of backups, hidden ones too, but the lock. */
static size_t entries(void)
{
    DIR *folder = opendir(back.backups);
    const struct dirent *entry;
    size_t count = 0;

    ck_assert_ptr_nonnull(folder);
    while ((entry = readdir(folder)) != NULL)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
                 strcmp(entry->d_name, ".lock") != 0;
    (void)closedir(folder);
    return count;
}

/* ---- making one ---- */

START_TEST(a_backup_says_of_what_it_is_and_as_of_when)
{
    char now[HASH_HEX_SIZE];

    given_a_game();
    assert_ok(create());
    ck_assert_ptr_nonnull(back.manifest);
    fingerprint(now);
    ck_assert_str_eq(back.manifest->fingerprint, now);
    ck_assert_uint_eq(table_called("public.players")->rows, 1000);
    ck_assert_uint_eq(table_called("public.\"Odd name\"")->rows, 2);
    ck_assert_uint_eq(table_called("other.things_26")->rows, 1);
    ck_assert_ptr_null(table_called("other.things"));
    ck_assert_uint_eq(back.manifest->server_version / 10000, 15);
    ck_assert(is_true(memory_format(
        back.manifest,
        "SELECT pg_current_wal_insert_lsn() >= '%s' AND current_database() = '%s' AND '%s' = "
        "(SELECT system_identifier::text FROM pg_control_system())",
        back.manifest->position, back.manifest->database, back.manifest->system_id)));
    assert_ok(check());
}
END_TEST

START_TEST(a_verified_one_was_restored_elsewhere_and_is_equal)
{
    struct text *differences = text_new(engine.session, BACKUP_DIFFERENCES_MAX);

    given_a_game();
    sql("DROP ROLE IF EXISTS verified_owner; CREATE ROLE verified_owner;"
        "ALTER TABLE games OWNER TO verified_owner; GRANT SELECT ON players TO verified_owner");
    back.tools.place.key = _i == 1 ? &back.key : NULL;
    assert_ok(create());
    assert_ok(verify("", differences));
    ck_assert_str_eq(differences->data, "");
    sql("DROP OWNED BY verified_owner; DROP ROLE verified_owner");
}
END_TEST

/* The manifest says otherwise than the dump, by no fault of the files. */
START_TEST(a_difference_is_told_object_by_object)
{
    struct text *differences = text_new(engine.session, BACKUP_DIFFERENCES_MAX);
    struct backup_table *tables;

    given_a_game();
    assert_ok(create());
    ck_assert_ptr_nonnull(back.manifest);
    tables = memory_copy(back.manifest, back.manifest->tables,
                         back.manifest->table_count * sizeof(*tables));
    back.manifest->tables = tables;
    tables[0].rows += 1;
    assert_fails(ERROR_VERIFY, verify("CREATE VIEW beside AS SELECT 1", differences));
    ck_assert_ptr_nonnull(strstr(differences->data, "+ relation public.beside"));
    ck_assert_ptr_nonnull(strstr(differences->data, "has 1 rows, and the backup was made of 2"));
    ck_assert_ptr_null(strstr(differences->data, "players"));
}
END_TEST

/* Of a file, at one place. */
static void assert_altered_is_found(int fd, off_t at)
{
    char byte = 0, altered;

    ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
    altered = (char)(byte ^ 1);
    ck_assert_int_eq(pwrite(fd, &altered, 1, at), 1);
    assert_fails(ERROR_CORRUPT, check());
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
}

START_TEST(a_byte_of_any_file_that_was_altered_is_found_before_anything_is_touched)
{
    static const char *const files[] = {PLACE_DUMP, PLACE_CATALOG, MANIFEST_FILE};
    const char *file = files[_i % 3];
    struct backup_restored done;
    struct stat info;
    char path[FILE_PATH_MAX];
    int fd;

    given_a_game();
    back.tools.place.key = _i >= 3 ? &back.key : NULL;
    assert_ok(create());
    (void)text_format(path, sizeof(path), "%s/one/%s", back.backups, file);
    fd = open(path, O_RDWR);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &info), 0);
    for (off_t at = 40; at < info.st_size; at += info.st_size / 7)
        assert_altered_is_found(fd, at);
    assert_ok(check());
    ck_assert_int_eq(ftruncate(fd, info.st_size - 1), 0);
    assert_fails(ERROR_CORRUPT, restore_with((struct backup_restore){.replace = true}, &done));
    ck_assert_int_eq(close(fd), 0);
    connect_again();
    ck_assert_uint_eq(ask("SELECT count(*) FROM pg_database WHERE datname LIKE"
                          " current_database() || '%restore%'"),
                      0);
}
END_TEST

/* Meanwhile somebody else. */
static void change_the_schema(void *context, uint64_t done, uint64_t total, const char *text)
{
    (void)context;
    (void)done;
    (void)total;
    if (strcmp(text, "tables counted") == 0)
        sql("CREATE TABLE IF NOT EXISTS meanwhile (a int)");
}

START_TEST(a_schema_that_changes_meanwhile_makes_no_backup)
{
    given_a_game();
    back.hooks.progress = change_the_schema;
    assert_fails(ERROR_CONFLICT, create());
    ck_assert_uint_eq(entries(), 1); /* its remains */
    back.hooks.progress = NULL;
    assert_ok(create());
    ck_assert_uint_eq(entries(), 1);
    assert_ok(check());
}
END_TEST

static void add_rows(void *context, uint64_t done, uint64_t total, const char *text)
{
    (void)context;
    (void)done;
    (void)total;
    if (strcmp(text, "tables counted") == 0)
        sql("INSERT INTO \"Odd name\" VALUES (3, 'later')");
}

START_TEST(rows_that_are_written_meanwhile_are_in_the_next_one)
{
    struct backup_restored done;

    given_a_game();
    back.hooks.progress = add_rows;
    assert_ok(create());
    ck_assert_uint_eq(table_called("public.\"Odd name\"")->rows, 2);
    back.hooks.progress = NULL;
    assert_ok(restore_with((struct backup_restore){.replace = true}, &done));
    connect_again();
    ck_assert_uint_eq(ask("SELECT count(*) FROM \"Odd name\""), 2);
}
END_TEST

static bool always(void *context)
{
    (void)context;
    return true;
}

START_TEST(a_cancelled_one_is_none_and_the_next_one_removes_what_it_left)
{
    struct backup_entry *found = NULL;
    size_t count = 0;

    given_a_game();
    back.hooks.is_cancelled = always;
    assert_fails(ERROR_CANCELLED, create());
    assert_ok(backup_place_list(&back.tools.place, engine.session, &found, &count, &failure));
    ck_assert_uint_eq(count, 0);
    back.hooks.is_cancelled = NULL;
    assert_ok(create());
    ck_assert_uint_eq(entries(), 1);
}
END_TEST

START_TEST(only_one_at_a_time_is_made_in_a_folder)
{
    int lock = -1;

    given_a_game();
    assert_ok(backup_place_lock(&back.tools.place, &lock, &failure));
    assert_fails(ERROR_LOCK, create());
    assert_says(back.backups);
    ck_assert_int_eq(close(lock), 0);
    assert_ok(create());
    assert_fails(ERROR_REFUSED, create());
    assert_says("called one already");
}
END_TEST

START_TEST(the_oldest_go_when_more_are_there_than_are_to_be_kept)
{
    static const char *const names[] = {"one", "two", "three"};
    struct backup_entry *found = NULL;
    size_t count = 0;

    given_a_game();
    back.order.keep = 2;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        back.order.name = names[i];
        assert_ok(create());
    }
    assert_ok(backup_place_list(&back.tools.place, back.manifest, &found, &count, &failure));
    ck_assert_uint_eq(count, 2);
    ck_assert_str_eq(found[0].name, "three");
    ck_assert_str_eq(found[1].name, "two");
}
END_TEST

START_TEST(a_backup_of_tables_has_them_alone)
{
    static const char *const only[] = {"public.\"Odd name\"", "other.things", NULL};
    struct backup_restored done;
    char other[POSTGRES_URL_SIZE];

    given_a_game();
    back.order.only = only;
    assert_ok(create());
    ck_assert_ptr_nonnull(back.manifest);
    ck_assert_uint_eq(back.manifest->table_count, 2);
    assert_fails(ERROR_REFUSED, restore_with((struct backup_restore){.replace = true}, &done));
    assert_says("tables only");
    assert_ok(postgres_make_database(&engine.server, "some_tables", other, &failure));
    back.database.url = other;
    connect_again();
    assert_fails(ERROR_FAILED, restore_with((struct backup_restore){.into_another = true}, &done));
    assert_says("other"); /* the schema is not in it */
    connect_again();
}
END_TEST

/* Another version's, as far as it says. */
START_TEST(programs_of_another_version_are_refused_before_anything)
{
    static const char script[] = "#!/bin/sh\necho \"pg_dump (PostgreSQL) 99.1 (Debian)\"\n";
    char path[FILE_PATH_MAX];

    given_a_game();
    (void)text_format(path, sizeof(path), "%s/pg_dump", back.folder);
    assert_ok(file_write_atomically(path, script, strlen(script), 0755, &failure));
    back.tools.programs = back.folder;
    assert_fails(ERROR_CONFIG, create());
    assert_says("of PostgreSQL 99, and the server of 15");
}
END_TEST

START_TEST(a_table_that_is_not_there_is_named)
{
    static const char *const only[] = {"public.gone", NULL};

    given_a_game();
    back.order.only = only;
    assert_fails(ERROR_NOT_FOUND, create());
    assert_says("public.gone");
}
END_TEST

/* ---- restore ---- */

/* An empty list is a list of one empty word. */
static void set_settings(void)
{
    sql("DO $$ BEGIN"
        " EXECUTE format('ALTER DATABASE %I SET work_mem = %L', current_database(), '7MB');"
        " EXECUTE format('ALTER DATABASE %I SET search_path = %L', current_database(), '');"
        " EXECUTE format('ALTER DATABASE %I SET temp_tablespaces = %L', current_database(), '');"
        " END $$");
}

static struct session *open_kept(const struct backup_restored *done)
{
    struct session_options options = {0};
    struct session *session = NULL;
    char *url = NULL;

    assert_ok(session_url_of_database(back.manifest, engine.url, done->kept_as, &url, &failure));
    options.url = url;
    assert_ok(session_open(NULL, &options, &session, &failure));
    return session;
}

START_TEST(a_restored_database_is_as_it_was_and_what_was_there_is_kept)
{
    struct session *visitor = NULL, *kept;
    struct backup_restored done;

    given_a_game();
    set_settings();
    back.tools.place.key = &back.key;
    assert_ok(create());
    sql("DELETE FROM games; DROP VIEW high; ALTER TABLE players ADD extra int");
    assert_ok(session_open(NULL, &back.database, &visitor, &failure));
    assert_ok(restore_with((struct backup_restore){.replace = true}, &done));
    ck_assert_int_ne(session_run(visitor, "SELECT 1", &failure), ERROR_OK);
    session_close(visitor);
    connect_again();
    ck_assert(is_true("SELECT current_setting('search_path') = '\"\"'"));
    sql("SET search_path = public");
    ck_assert_uint_eq(ask("SELECT count(*) FROM games"), 500);
    ck_assert_uint_eq(ask("SELECT count(*) FROM high RIGHT JOIN players USING (id)"), 1000);
    ck_assert_uint_eq(ask("SELECT count(*) FROM pg_attribute WHERE attname = 'extra'"), 0);
    ck_assert(is_true("SELECT current_setting('work_mem') = '7MB'"));
    ck_assert(is_true("SELECT reltuples = 1000 FROM pg_class WHERE relname = 'players'"));
    kept = open_kept(&done);
    assert_ok(session_run(kept, "SELECT extra FROM public.players", &failure));
    session_close(kept);
}
END_TEST

/* Who owns the database and may make others needs to be nobody special; and whatever it is called.
 */
START_TEST(its_owner_can_restore_a_database_of_any_name)
{
    static const char name[] = "игра игра игра игра игра игра"; /* more than half of 63 bytes */
    struct backup_restored done;
    char *url = NULL;

    sql("DROP ROLE IF EXISTS maker; CREATE ROLE maker LOGIN CREATEDB");
    sql(memory_format(engine.session, "CREATE DATABASE \"%s\" OWNER maker", name));
    assert_ok(session_url_of_database(engine.session, engine.url, name, &url, &failure));
    url = memory_format(NULL, "%s user=maker", url);
    back.database.url = url;
    session_close(engine.session);
    connect_again();
    sql("CREATE TABLE games (id int); INSERT INTO games VALUES (1), (2)");
    assert_ok(create());
    sql("DELETE FROM games");
    assert_ok(restore_with((struct backup_restore){.replace = true}, &done));
    connect_again();
    ck_assert_uint_eq(ask("SELECT count(*) FROM games"), 2);
    session_close(engine.session);
    back.database.url = engine.url;
    connect_again();
    talloc_free(url);
}
END_TEST

/* As players' pools do: a new connection as soon as one is lost. */
static void keep_coming_in(void)
{
    struct session *session = NULL;
    struct error ignored;

    for (;;) {
        if (session_open(NULL, &back.database, &session, &ignored) == ERROR_OK)
            (void)session_run(session, "SELECT pg_sleep(60)", &ignored);
        session_close(session);
        session = NULL;
    }
}

START_TEST(whoever_keeps_coming_in_does_not_hold_the_change_of_names_up)
{
    struct backup_restored done;
    pid_t pid;

    given_a_game();
    assert_ok(create());
    pid = fork();
    if (pid == 0)
        keep_coming_in();
    wait_for("SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid "
             "<> pg_backend_pid()");
    assert_ok(restore_with((struct backup_restore){.replace = true}, &done));
    kill_child(pid);
    connect_again();
    ck_assert_uint_eq(ask("SELECT count(*) FROM games"), 500);
}
END_TEST

START_TEST(a_database_that_is_another_or_not_empty_is_refused_unless_told_so)
{
    struct backup_restored done;
    char other[POSTGRES_URL_SIZE];

    given_a_game();
    assert_ok(create());
    assert_fails(ERROR_REFUSED, restore_with((struct backup_restore){0}, &done));
    assert_says("--replace");
    connect_again();
    assert_ok(postgres_make_database(&engine.server, "other_one", other, &failure));
    back.database.url = other;
    assert_fails(ERROR_REFUSED, restore_with((struct backup_restore){0}, &done));
    assert_says("--into-another");
    assert_ok(restore_with((struct backup_restore){.into_another = true}, &done));
    ck_assert_str_eq(done.kept_as, "");
    connect_again();
    ck_assert_uint_eq(ask("SELECT count(*) FROM pg_database WHERE datname LIKE 'other_one_%'"), 0);
    ck_assert_uint_eq(ask("SELECT count(*) FROM games"), 500);
}
END_TEST

START_TEST(what_cannot_be_restored_leaves_everything_as_it_was)
{
    struct backup_restored done;

    given_a_game();
    sql("DROP ROLE IF EXISTS leaver; CREATE ROLE leaver; ALTER TABLE games OWNER TO leaver");
    assert_ok(create());
    sql("ALTER TABLE games OWNER TO current_user; DROP ROLE leaver; DELETE FROM games");
    assert_fails(ERROR_FAILED, restore_with((struct backup_restore){.replace = true}, &done));
    assert_says("leaver");
    connect_again();
    ck_assert_uint_eq(ask("SELECT count(*) FROM games"), 0);
    ck_assert_uint_eq(ask("SELECT count(*) FROM pg_database WHERE datname LIKE"
                          " current_database() || '%restore%'"),
                      0);
    assert_ok(
        restore_with((struct backup_restore){.replace = true, .without_owners = true}, &done));
    connect_again();
    ck_assert_uint_eq(ask("SELECT count(*) FROM games"), 500);
}
END_TEST

static void fill_aside(const char *aside)
{
    struct session_options options = {0};
    struct session *session = NULL;
    char *url = NULL;

    assert_ok(session_url_of_database(back.manifest, engine.url, aside, &url, &failure));
    options.url = url;
    assert_ok(session_open(NULL, &options, &session, &failure));
    assert_ok(session_run(session, "CREATE TABLE somebodys (a int)", &failure));
    session_close(session);
}

/* Its seal fits, and what comes out of it is not what it says. */
START_TEST(what_is_restored_otherwise_than_it_was_does_not_take_the_place)
{
    struct backup_restored done;
    struct backup_table *tables;
    char folder[FILE_PATH_MAX];

    given_a_game();
    assert_ok(create());
    ck_assert_ptr_nonnull(back.manifest);
    tables = memory_copy(back.manifest, back.manifest->tables,
                         back.manifest->table_count * sizeof(*tables));
    tables[0].rows += 1;
    back.manifest->tables = tables;
    assert_ok(backup_place_path(&back.tools.place, back.order.name, NULL, folder, &failure));
    assert_ok(backup_manifest_write(back.manifest, folder, NULL, &failure));
    sql("DELETE FROM games");
    assert_fails(ERROR_VERIFY, restore_with((struct backup_restore){.replace = true}, &done));
    connect_again();
    ck_assert_uint_eq(ask("SELECT count(*) FROM games"), 0);
    ck_assert_uint_eq(ask("SELECT count(*) FROM pg_database WHERE datname LIKE"
                          " current_database() || '%restore%'"),
                      0);
}
END_TEST

/* From a run that was killed; and one of somebody else's. */
START_TEST(what_a_killed_restore_left_is_dropped_and_nothing_else)
{
    struct backup_restored done;
    char *aside;

    given_a_game();
    assert_ok(create());
    ck_assert_ptr_nonnull(back.manifest);
    aside = memory_format(back.manifest, "%.49s_hakem_restore", back.manifest->database);
    sql(memory_format(aside, "CREATE DATABASE \"%s\"", aside));
    fill_aside(aside);
    assert_fails(ERROR_REFUSED, restore_with((struct backup_restore){.replace = true}, &done));
    assert_says(aside);
    connect_again();
    sql(memory_format(aside, "COMMENT ON DATABASE \"%s\" IS 'being restored by hakem'", aside));
    assert_ok(restore_with((struct backup_restore){.replace = true}, &done));
    connect_again();
    sql(memory_format(aside, "CREATE DATABASE \"%s\"", aside)); /* and not yet said whose */
    assert_ok(restore_with((struct backup_restore){.replace = true}, &done));
    connect_again();
}
END_TEST

/* Ends the process at its n-th call. */
static void die_soon(void *context, uint64_t done, uint64_t total, const char *text)
{
    int *left = context;

    (void)done;
    (void)total;
    (void)text;
    if (--*left == 0)
        _exit(1);
}

START_TEST(killed_anywhere_it_leaves_a_whole_database_and_the_next_one_succeeds)
{
    struct backup_restored done;

    given_a_game();
    assert_ok(create());
    for (int calls = 1; calls <= 6; calls++) {
        int left = calls, status = 0;
        pid_t pid;

        session_close(engine.session);
        engine.session = NULL;
        pid = fork();
        if (pid == 0) {
            back.hooks = (struct backup_hooks){.context = &left, .progress = die_soon};
            (void)restore_with((struct backup_restore){.replace = true}, &done);
            _exit(0);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        connect_again();
        ck_assert_uint_eq(ask("SELECT count(*) FROM games"), 500);
    }
    assert_ok(restore_with((struct backup_restore){.replace = true}, &done));
    connect_again();
    ck_assert_uint_eq(ask("SELECT count(*) FROM games"), 500);
}
END_TEST

START_TEST(a_standby_takes_no_restore_but_can_be_backed_up)
{
    struct postgres standby;
    struct backup_restored done;
    char *url = NULL;

    given_a_game();
    assert_ok(create());
    assert_ok(postgres_start_standby(&standby, &engine.server, "standby", &failure));
    ck_assert_ptr_nonnull(back.manifest);
    assert_ok(session_url_of_database(engine.session, standby.url, back.manifest->database, &url,
                                      &failure));
    url = memory_text(NULL, url);
    back.database.url = url;
    assert_fails(ERROR_REFUSED, restore_with((struct backup_restore){.replace = true}, &done));
    assert_says("its primary");
    back.order.name = "from-standby";
    assert_ok(create());
    assert_ok(check());
    ck_assert_uint_eq(table_called("public.players")->rows, 1000);
    postgres_stop(&standby);
    back.database.url = engine.url;
    connect_again();
    talloc_free(url);
}
END_TEST

/* ---- what would be lost ---- */

START_TEST(what_was_written_since_is_counted)
{
    struct backup_loss loss = {0};

    given_a_game();
    sql("SELECT pg_stat_force_next_flush()");
    assert_ok(create());
    sql("INSERT INTO \"Odd name\" SELECT g FROM generate_series(1, 10) g;"
        "UPDATE games SET player = NULL WHERE id <= 5; DELETE FROM games WHERE id = 6;"
        "CREATE TABLE since AS SELECT 1 AS a; DROP VIEW high");
    wait_for("SELECT pg_stat_force_next_flush() IS NOT NULL AND"
             " pg_stat_get_tuples_updated('games'::regclass) >= 5");
    assert_ok(backup_ask_loss(engine.session, back.manifest, &loss, &failure));
    ck_assert(loss.is_known);
    ck_assert_uint_eq(loss.changes, 10 + 5 + 1 + 1);
    ck_assert_uint_gt(loss.wal_bytes, 0);
    sql("SELECT pg_stat_reset()");
    assert_ok(backup_ask_loss(engine.session, back.manifest, &loss, &failure));
    ck_assert(!loss.is_known);
}
END_TEST

START_TEST(tables_that_a_plan_would_touch_are_those_that_are_there_and_not_done_yet)
{
    struct marks *marks = NULL;
    const char **tables = NULL;

    given("0001_players/expand.sql", "CREATE TABLE players (id bigint PRIMARY KEY, name text);"
                                     "CREATE TABLE \"Odd name\" (a int);"
                                     "CREATE TABLE scores (id bigint);");
    given("0001_players/revert.sql", "DROP TABLE scores; DROP TABLE \"Odd name\", players;");
    given("0002_more/expand.sql", "CREATE TABLE medals (id int);"
                                  "ALTER TABLE \"Odd name\" ADD COLUMN shown text;");
    given("0002_more/revert.sql", "ALTER TABLE \"Odd name\" DROP COLUMN shown; DROP TABLE medals;");
    given("0002_more/migration.yaml", "backfill:\n  - {table: public.players, key: id, set: "
                                      "\"name = 'x'\", where: \"name IS NULL\"}\n");
    load();
    assert_ok(schema_ensure(engine.session, &failure));
    assert_ok(expand("0001_players"));
    assert_ok(marks_read(engine.session, engine.session, &marks, &failure));
    assert_ok(touched_tables(engine.session, &(struct touched_by){engine.set, marks, 1},
                             engine.session, &tables, &failure));
    ck_assert_str_eq(tables[0], "public.\"Odd name\"");
    ck_assert_str_eq(tables[1], "public.players");
    ck_assert_ptr_null(tables[2]);
    assert_ok(touched_tables(engine.session, &(struct touched_by){engine.set, marks, 0},
                             engine.session, &tables, &failure));
    ck_assert_ptr_null(tables[0]);
}
END_TEST

static void add_making(TCase *tcase)
{
    tcase_add_test(tcase, a_backup_says_of_what_it_is_and_as_of_when);
    tcase_add_loop_test(tcase, a_verified_one_was_restored_elsewhere_and_is_equal, 0, 2);
    tcase_add_test(tcase, a_difference_is_told_object_by_object);
    tcase_add_loop_test(
        tcase, a_byte_of_any_file_that_was_altered_is_found_before_anything_is_touched, 0, 6);
    tcase_add_test(tcase, a_schema_that_changes_meanwhile_makes_no_backup);
    tcase_add_test(tcase, rows_that_are_written_meanwhile_are_in_the_next_one);
    tcase_add_test(tcase, a_cancelled_one_is_none_and_the_next_one_removes_what_it_left);
    tcase_add_test(tcase, only_one_at_a_time_is_made_in_a_folder);
    tcase_add_test(tcase, the_oldest_go_when_more_are_there_than_are_to_be_kept);
    tcase_add_test(tcase, tables_that_a_plan_would_touch_are_those_that_are_there_and_not_done_yet);
    tcase_add_test(tcase, a_backup_of_tables_has_them_alone);
    tcase_add_test(tcase, programs_of_another_version_are_refused_before_anything);
    tcase_add_test(tcase, a_table_that_is_not_there_is_named);
}

static void add_restoring(TCase *tcase)
{
    tcase_add_test(tcase, a_restored_database_is_as_it_was_and_what_was_there_is_kept);
    tcase_add_test(tcase, its_owner_can_restore_a_database_of_any_name);
    tcase_add_test(tcase, whoever_keeps_coming_in_does_not_hold_the_change_of_names_up);
    tcase_add_test(tcase, a_database_that_is_another_or_not_empty_is_refused_unless_told_so);
    tcase_add_test(tcase, what_cannot_be_restored_leaves_everything_as_it_was);
    tcase_add_test(tcase, what_is_restored_otherwise_than_it_was_does_not_take_the_place);
    tcase_add_test(tcase, what_a_killed_restore_left_is_dropped_and_nothing_else);
    tcase_add_test(tcase, killed_anywhere_it_leaves_a_whole_database_and_the_next_one_succeeds);
    tcase_add_test(tcase, a_standby_takes_no_restore_but_can_be_backed_up);
    tcase_add_test(tcase, what_was_written_since_is_counted);
}

SUITE("backup",
      {.name = "making",
       .add = add_making,
       .set_up = set_up,
       .tear_down = tear_down,
       .set_up_once = engine_start,
       .tear_down_once = engine_stop},
      {.name = "restoring",
       .add = add_restoring,
       .set_up = set_up,
       .tear_down = tear_down,
       .set_up_once = engine_start,
       .tear_down_once = engine_stop})
