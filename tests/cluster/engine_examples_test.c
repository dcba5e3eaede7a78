/* The data migrations of Hokm's own history: each there, back and there again, with every row of
 * every table compared.
 */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/load_internal.h"
#include "common/migration/steer.h"
#include "common/migration/verify.h"
#include "support/engine.h"

#include <stdlib.h>
#include <string.h>

#define VERIFY_MS 10000

/* Of every table of the game, in an order of its own. */
#define ALL_ROWS                                                                                   \
    "SELECT ('x' || substr(md5(string_agg(t::text || query_to_xml(format('SELECT md5(string_agg("  \
    "r::text, '','' ORDER BY r::text COLLATE \"C\")) FROM %s AS r', t), false, false, '')::text,"  \
    " ',' ORDER BY t::text COLLATE \"C\")), 1, 15))::bit(60)::bigint"                              \
    " FROM (SELECT oid::regclass AS t FROM pg_class WHERE relkind = 'r'"                           \
    " AND relnamespace = 'public'::regnamespace) AS tables"

static struct migration_command commands[] = {{.name = "slug"}};

static const char *root(void)
{
    const char *path = getenv("HAKEM_ROOT");

    ck_assert_ptr_nonnull(path);
    return path;
}

static void add_folder(const char *folder)
{
    struct migration_file *files = NULL;
    size_t count = 0;

    assert_ok(files_read_folder(engine.session,
                                memory_format(engine.session, "%s/%s", root(), folder), &files,
                                &count, &failure));
    ck_assert_uint_le(engine.file_count + count, ENGINE_FILES_MAX);
    memcpy(engine.files + engine.file_count, files, count * sizeof(files[0]));
    engine.file_count += count;
}

/* 40 players, 30 rooms of which 20 are over, the older half years ago; 5 nobody ever entered. */
static const char rows[] =
    "INSERT INTO players (name, bio, motto) SELECT 'Player ' || i || '!', 'since ' || i,"
    " CASE i % 3 WHEN 0 THEN 'motto ' || i END FROM generate_series(1, 40) i;"
    "INSERT INTO rooms (phase, created_at) SELECT CASE WHEN i <= 20 THEN 'playing' ELSE 'seating'"
    " END, CASE i % 2 WHEN 0 THEN timestamptz '2024-05-01' ELSE now() END"
    " FROM generate_series(1, 30) i;"
    "INSERT INTO seats SELECT r, s, (r % 8) * 4 + s + 1 FROM generate_series(1, 25) r,"
    " generate_series(0, 3) s;"
    "INSERT INTO plays SELECT r, t, s, s, (r % 8) * 4 + s + 1, 'AS', CASE r % 2 WHEN 0 THEN"
    " timestamptz '2024-05-01' ELSE now() END FROM generate_series(1, 20) r,"
    " generate_series(1, 13) t, generate_series(0, 3) s;"
    "UPDATE rooms SET phase = 'finished', winner = id % 2, tricks_team0 = 8, tricks_team1 = 5,"
    " finished_at = now() WHERE id <= 20";

static void go(const char *revision)
{
    size_t index = 0;

    ck_assert(migration_find(engine.set, revision, &index));
    assert_ok(expand(revision));
    assert_ok(backfill(revision));
    assert_ok(verify_run(&(struct session_options){.url = engine.url},
                         &engine.set->revisions[index], MIGRATION_SCRIPT_VERIFY, VERIFY_MS,
                         &failure));
    ck_assert(is_expanded(revision));
}

static bool is_lossy(const struct migration_revision *revision)
{
    return revision->backfill_count > 0 && revision->backfills[0].is_lossy;
}

static const char *const kinds[] = {"fill", "json", "archive", "delete", "de-duplicate", "command"};
static bool is_shown[ARRAY_LEN(kinds)];

/* What `hakem backfill show` has to say of it: rows that were done, and how. */
static void note_shown(const struct migration_revision *revision)
{
    struct steer_state *states = NULL;
    size_t count = 0;

    assert_ok(steer_show(engine.session, engine.session, &states, &count, &failure));
    for (size_t i = 0; i < count; i++)
        for (size_t kind = 0; kind < ARRAY_LEN(kinds); kind++)
            is_shown[kind] |= strcmp(states[i].revision, revision->name) == 0 &&
                              strcmp(states[i].what, kinds[kind]) == 0 && states[i].done > 0;
}

/* What is lossy comes back as far as it said: its schema does. */
static void there_and_back(const struct migration_revision *revision)
{
    char before[HASH_HEX_SIZE], after[HASH_HEX_SIZE];
    uint64_t hash = ask(ALL_ROWS);
    uint64_t changed;

    fingerprint(before);
    go(revision->name);
    note_shown(revision);
    changed = ask(ALL_ROWS);
    ck_assert_msg(changed != hash, "%s changes nothing", revision->name);
    assert_ok(revert(revision->name));
    ck_assert_msg(!engine.result.is_kept, "%s: %s", revision->name, engine.result.kept_reason);
    fingerprint(after);
    ck_assert_msg(strcmp(before, after) == 0, "%s leaves another schema", revision->name);
    ck_assert_msg(is_lossy(revision) || ask(ALL_ROWS) == hash, "%s leaves other rows",
                  revision->name);
    go(revision->name);
    ck_assert_msg(ask(ALL_ROWS) == changed, "%s is not the same again", revision->name);
}

/* One after the other: what a lossy one leaves behind is in no other's way. */
static void all_back(size_t first, size_t end, const char *before)
{
    char after[HASH_HEX_SIZE];

    for (size_t i = end; i-- > first;) {
        const char *name = engine.set->revisions[i].name;

        assert_ok(revert(name));
        ck_assert_msg(!engine.result.is_kept, "%s: %s", name, engine.result.kept_reason);
    }
    fingerprint(after);
    ck_assert_str_eq(before, after);
    ck_assert_uint_eq(ask("SELECT count(*) FROM plays"), 1040);
}

START_TEST(every_example_goes_there_and_back_and_there_again)
{
    char before[HASH_HEX_SIZE];
    size_t first = 0, end = 0;

    add_folder("migrations");
    load();
    commands[0].path = memory_format(engine.session, "%s/deploy/commands/slug", root());
    engine.with.commands = commands;
    engine.with.command_count = ARRAY_LEN(commands);
    ck_assert(migration_find(engine.set, "0008_player_profile", &first));
    ck_assert(migration_find(engine.set, "0016_player_tag", &end));
    for (size_t i = 0; i < first; i++)
        assert_ok(expand(engine.set->revisions[i].name));
    sql(rows);
    for (size_t i = 0; i < first; i++)
        go(engine.set->revisions[i].name);
    fingerprint(before);
    for (size_t i = first; i < end; i++)
        there_and_back(&engine.set->revisions[i]);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        ck_assert_msg(is_shown[i], "nothing was done of the kind %s", kinds[i]);
    ck_assert_uint_eq(ask("SELECT count(*) FROM plays_before_2025"), 520);
    ck_assert(is_true("SELECT slug = 'player-7-' FROM players WHERE id = 7"));
    all_back(first, end, before);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, every_example_goes_there_and_back_and_there_again);
}

ENGINE_SUITE("engine: examples", add_all)
