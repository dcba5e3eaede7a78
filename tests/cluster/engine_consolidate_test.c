/* Backfills that take their values from other tables. */
#include "common/base/text.h"
#include "support/engine.h"

#include <sys/wait.h>

/* 1000 players of two columns each in a table of accounts that has an id of its own; account 7 has
 * no player, and player 1001 no account. */
static void given_accounts(const char *rest)
{
    static char yaml[800];

    (void)text_format(yaml, sizeof(yaml),
                      "backfill:\n  - {table: public.players, key: id, set: \"mail = a.mail, "
                      "points = players.points + a.points\", from: public.accounts AS a,"
                      " where: \"players.mail IS NULL\"%s}\n",
                      rest);
    given("0001_players/expand.sql",
          "CREATE TABLE players (id bigint PRIMARY KEY, points int NOT NULL);"
          "CREATE TABLE accounts (id bigint PRIMARY KEY, player bigint, mail text, points int);");
    given("0001_players/revert.sql", "DROP TABLE accounts; DROP TABLE players;");
    given("0002_mail/expand.sql", "ALTER TABLE players ADD COLUMN mail text;");
    given("0002_mail/revert.sql", "ALTER TABLE players DROP COLUMN mail;");
    given("0002_mail/migration.yaml", yaml);
    load();
    assert_ok(expand("0001_players"));
    sql("INSERT INTO players SELECT i, 1 FROM generate_series(1, 1001) i;"
        "INSERT INTO accounts SELECT 5000 - i, i, 'm' || i, i FROM generate_series(1, 1000) i;"
        "INSERT INTO accounts VALUES (7, NULL, 'nobody', 0)");
    assert_ok(expand("0002_mail"));
}

static void assert_all_have_theirs(void)
{
    ck_assert_uint_eq(ask("SELECT count(*) FROM players WHERE mail = 'm' || id"
                          " AND points = 1 + id AND id BETWEEN 1 AND 1000"),
                      1000);
    ck_assert(is_true("SELECT mail IS NULL AND points = 1 FROM players WHERE id = 1001"));
}

START_TEST(values_come_from_the_row_that_goes_with_it_and_rows_without_one_stay)
{
    given_accounts(", join: \"a.player = players.id\"");
    assert_ok(backfill("0002_mail"));
    assert_all_have_theirs();
    ck_assert_uint_eq(ask("SELECT done FROM hakem.backfill WHERE total = 1000"), 1000);
    ck_assert(is_expanded("0002_mail"));
}
END_TEST

START_TEST(killed_it_adds_nothing_twice)
{
    given_accounts(", join: \"a.player = players.id\", batch: 20");
    for (int kills = 1; kills <= 3; kills++) {
        pid_t child = apply_in_child("0002_mail", MIGRATION_BACKFILL);
        char query[120];

        (void)text_format(query, sizeof(query),
                          "SELECT coalesce((SELECT done > %d FROM hakem.backfill), false)",
                          kills * 200);
        wait_for(query);
        kill_child(child);
    }
    assert_ok(backfill("0002_mail"));
    assert_all_have_theirs();
}
END_TEST

START_TEST(rows_with_several_partners_are_counted_and_refused_before_it_begins)
{
    given_accounts(", join: \"a.player = players.id\"");
    sql("INSERT INTO accounts VALUES (1, 3, 'other', 9), (2, 3, 'third', 9), (3, 4, 'x', 9)");
    assert_fails(ERROR_REFUSED, backfill("0002_mail"));
    assert_says("2 rows have several partners in public.accounts AS a");
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.backfill"), 0);
    ck_assert_uint_eq(ask("SELECT count(*) FROM players WHERE mail IS NOT NULL"), 0);
}
END_TEST

START_TEST(a_row_that_is_written_behind_the_cursor_gets_its_value_too)
{
    pid_t child;

    given_accounts(", join: \"a.player = players.id\", batch: 20, trigger: true");
    child = apply_in_child("0002_mail", MIGRATION_BACKFILL);
    wait_for("SELECT coalesce((SELECT done > 200 FROM hakem.backfill), false)");
    kill_child(child);
    sql("INSERT INTO accounts VALUES (8, 0, 'm0', 0); INSERT INTO players VALUES (0, 1)");
    ck_assert(is_true("SELECT mail = 'm0' FROM players WHERE id = 0"));
    assert_ok(backfill("0002_mail"));
    assert_all_have_theirs();
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, values_come_from_the_row_that_goes_with_it_and_rows_without_one_stay);
    tcase_add_test(tcase, killed_it_adds_nothing_twice);
    tcase_add_test(tcase, rows_with_several_partners_are_counted_and_refused_before_it_begins);
    tcase_add_test(tcase, a_row_that_is_written_behind_the_cursor_gets_its_value_too);
}

ENGINE_SUITE("engine: values of other tables", add_all)
