/* The coordinator's configuration: each mistake is one sentence with file, line and key. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/layout/layout.h"
#include "coordinator/server/config.h"
#include "support/scratch.h"

#define KEY_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define KEY_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define WHOLE                                                                                      \
    "agents: tcp://127.0.0.1:7001\noperators: tcp://127.0.0.1:7002\nkey_file: /k\n"                \
    "journal: /j\nmigrations: /m\n"

static struct server_config config;

static enum error_code read_text(const char *text)
{
    return server_config_read(scratch.memory, write_file("c.yaml", text), &config, &failure);
}

START_TEST(what_is_written_arrives_and_the_rest_has_its_default)
{
    assert_ok(read_text(WHOLE));
    ck_assert_str_eq(config.agents, "tcp://127.0.0.1:7001");
    ck_assert_str_eq(config.operators, "tcp://127.0.0.1:7002");
    ck_assert_str_eq(config.key_file, "/k");
    ck_assert_str_eq(config.journal, "/j");
    ck_assert_str_eq(config.migrations, "/m");
    ck_assert_str_eq(config.log_level, "info");
    ck_assert_uint_eq(config.operator_count, 0);
    assert_ok(read_text(WHOLE "log_level: debug\noperator_keys:\n  - {name: anna, key: " KEY_A "}\n"
                              "  - {name: ben, key: " KEY_B "}\n"));
    ck_assert_str_eq(config.log_level, "debug");
    ck_assert_uint_eq(config.operator_count, 2);
    ck_assert_str_eq(config.operator_keys[1].name, "ben");
    ck_assert_str_eq(config.operator_keys[1].key, KEY_B);
}
END_TEST

/* 2026-12-20 and 2027-01-02 are days 20807 and 20820 since 1970. */
START_TEST(windows_and_freezes_arrive_as_the_core_takes_them)
{
    assert_ok(read_text(WHOLE "windows:\n  - {days: [mon, sun], from: \"02:00\", to: \"05:30\"}\n"
                              "  - {from: \"22:00\", to: \"24:00\"}\n"
                              "freezes:\n  - {from: 2026-12-20T00:00Z, to: 2027-01-02T12:00Z, "
                              "why: holidays}\n"));
    ck_assert_uint_eq(config.windows.window_count, 2);
    ck_assert_uint_eq(config.windows.windows[0].days, 1 | 64);
    ck_assert_uint_eq(config.windows.windows[0].from_ms, 7200000);
    ck_assert_uint_eq(config.windows.windows[0].to_ms, 19800000);
    ck_assert_uint_eq(config.windows.windows[1].days, WINDOW_ALL_DAYS);
    ck_assert_uint_eq(config.windows.windows[1].to_ms, WINDOW_DAY_MS);
    ck_assert_uint_eq(config.windows.freeze_count, 1);
    ck_assert_uint_eq(config.windows.freezes[0].from_ms, UINT64_C(20807) * WINDOW_DAY_MS);
    ck_assert_uint_eq(config.windows.freezes[0].to_ms,
                      UINT64_C(20820) * WINDOW_DAY_MS + WINDOW_DAY_MS / 2);
    ck_assert_str_eq(config.windows.freezes[0].why, "holidays");
    assert_ok(read_text(WHOLE));
    ck_assert_uint_eq(config.windows.window_count + config.windows.freeze_count, 0);
}
END_TEST

static const struct {
    const char *text, *says;
} mistakes[] = {
    {"", "c.yaml: the file is empty"},
    {"agents: tcp://h:1\noperators: tcp://h:2\nkey_file: /k\njournal: /j\n",
     "c.yaml:1: migrations: is required"},
    {"operators: tcp://h:2\nkey_file: /k\njournal: /j\nmigrations: /m\n",
     "c.yaml:1: agents: is required"},
    {WHOLE "journals: /j\n", "c.yaml:6: journals: unknown key"},
    {WHOLE "journal: /other\n", "c.yaml:6: journal: given twice"},
    {"agents: [a]\noperators: b\nkey_file: /k\njournal: /j\nmigrations: /m\n",
     "c.yaml:1: agents: must be a text"},
    {WHOLE "operator_keys: anna\n", "c.yaml:6: operator_keys: must be a list"},
    {WHOLE "operator_keys:\n  - name: anna\n", "c.yaml:7: key: is required"},
    {WHOLE "operator_keys:\n  - {name: ../anna, key: k}\n", "c.yaml:7: name: \"../anna\" is not"},
    {WHOLE "operator_keys:\n  - {name: anna, key: " KEY_A ", role: all}\n",
     "c.yaml:7: role: unknown key"},
    {WHOLE "operator_keys:\n  - {name: anna, key: short}\n",
     "c.yaml:7: key: \"short\" is not 40 characters"},
    {WHOLE "operator_keys:\n  - {name: anna, key: " KEY_A "}\n  - {name: ben, key: " KEY_A "}\n",
     "c.yaml:8: operator_keys: anna and ben have the same key"},
    {WHOLE "environment: moon\n", "c.yaml:6: environment: \"moon\" is not development"},
    {WHOLE "layout: rails\n", "c.yaml:6: layout: \"rails\" is not native, golang-migrate"},
    {WHOLE "log_level: loud\n", "c.yaml:6: log_level: \"loud\" is not debug"},
    {WHOLE "operator_keys: []\n", "c.yaml:6: operator_keys: must have 1 to 256 entries, not 0"},
    {"key_file: /k\njournal: /j\nmigrations: /m\noperators: tcp://h:2\nagents: tcp://h:65536\n",
     "c.yaml:5: agents: \"tcp://h:65536\" is not tcp://HOST:PORT with a port from 0"},
    {"key_file: /k\njournal: /j\nmigrations: /m\nagents: tcp://h:1\noperators: h:2\n",
     "c.yaml:5: operators: \"h:2\" is not tcp://HOST:PORT"},
    {WHOLE "windows: []\n", "c.yaml:6: windows: must have 1 to 64 entries, not 0"},
    {WHOLE "windows:\n  - {days: [monday], from: \"02:00\", to: \"05:00\"}\n",
     "c.yaml:7: days: \"monday\" is not mon, tue"},
    {WHOLE "windows:\n  - {from: \"2:00\", to: \"05:00\"}\n",
     "c.yaml:7: from: \"2:00\" is not a time of the day in UTC"},
    {WHOLE "windows:\n  - {from: \"02:00\", to: \"24:01\"}\n", "c.yaml:7: to: \"24:01\" is not"},
    {WHOLE "windows:\n  - from: \"02:00\"\n", "c.yaml:7: to: is required"},
    {WHOLE "freezes:\n  - {from: 2026-12-20, to: 2027-01-02T00:00Z, why: x}\n",
     "c.yaml:7: from: \"2026-12-20\" is not a moment in UTC"},
    {WHOLE "freezes:\n  - {from: 2026-02-29T00:00Z, to: 2027-01-02T00:00Z, why: x}\n",
     "c.yaml:7: from: \"2026-02-29T00:00Z\" is not a moment that there is"},
    {WHOLE "freezes:\n  - {from: 2027-01-02T00:00Z, to: 2026-12-20T00:00Z, why: x}\n",
     "c.yaml:7: to: 2026-12-20T00:00Z is not later than from"},
    {WHOLE "freezes:\n  - {from: 2026-12-20T00:00Z, to: 2027-01-02T00:00Z}\n",
     "c.yaml:7: why: is required"},
    {"agents: a\n\tjournal: b\n", "c.yaml:2: not YAML"},
};

START_TEST(a_mistake_is_one_sentence_with_file_line_and_key_and_changes_nothing)
{
    config = (struct server_config){.journal = "as before"};
    assert_fails(ERROR_CONFIG, read_text(mistakes[_i].text));
    assert_says(mistakes[_i].says);
    ck_assert_ptr_null(strchr(failure.detail, '\n'));
    ck_assert_str_eq(config.journal, "as before");
}
END_TEST

START_TEST(every_layout_can_be_said_and_is_named_where_another_is)
{
    const char *name;

    assert_ok(read_text(WHOLE "layout: " LAYOUT_NATIVE "\n"));
    for (size_t i = 0; (name = layout_name(i)) != NULL; i++) {
        assert_ok(read_text(memory_format(scratch.memory, WHOLE "layout: %s\n", name)));
        ck_assert_str_eq(config.layout, name);
        assert_fails(ERROR_CONFIG, read_text(WHOLE "layout: rails\n"));
        assert_says(name);
    }
}
END_TEST

START_TEST(a_file_that_is_not_there_is_named)
{
    const char *path = scratch_path("nothing.yaml");

    assert_fails(ERROR_CONFIG, server_config_read(scratch.memory, path, &config, &failure));
    assert_says(path);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, windows_and_freezes_arrive_as_the_core_takes_them);
    tcase_add_test(tcase, every_layout_can_be_said_and_is_named_where_another_is);
    tcase_add_test(tcase, what_is_written_arrives_and_the_rest_has_its_default);
    tcase_add_loop_test(tcase, a_mistake_is_one_sentence_with_file_line_and_key_and_changes_nothing,
                        0, (int)ARRAY_LEN(mistakes));
    tcase_add_test(tcase, a_file_that_is_not_there_is_named);
}

SUITE("server config", {.add = add_all, .set_up = scratch_set_up, .tear_down = scratch_tear_down})
