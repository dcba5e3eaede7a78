/* An agent's configuration: each mistake, also one of meaning, is one sentence with file, line and
 * key. */
#include "agent/config.h"
#include "common/base/text.h"
#include "support/scratch.h"

#define KEY "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define COMMON                                                                                     \
    "coordinator: tcp://127.0.0.1:7001\ncoordinator_key: " KEY "\nkey_file: /k\nstate: /s\n"
#define DATABASE COMMON "kind: database\ndatabase: {url: \"host=/h\"}\n"
#define GAME     COMMON "kind: game\ngame: {release_url: \"http://h/r\", release_hook: /h}\n"
#define EDGE     COMMON "kind: edge\n"

static struct agent_config config;

static enum error_code read_text(const char *text)
{
    return agent_config_read(scratch.memory, write_file("a.yaml", text), &config, &failure);
}

START_TEST(what_is_written_arrives_and_the_rest_has_its_default)
{
    assert_ok(read_text(GAME "log_level: debug\nprobes:\n"
                             "  - {name: a, kind: http, target: \"http://h/\", expect: 204}\n"
                             "  - {name: b, kind: tcp, target: \"[::1]:80\", timeout: 3s}\n"
                             "  - {name: c, kind: exec, target: /bin/true}\n"));
    ck_assert_int_eq(config.kind, KIND_GAME);
    ck_assert_str_eq(config.path, scratch_path("a.yaml"));
    ck_assert_str_eq(config.coordinator, "tcp://127.0.0.1:7001");
    ck_assert_str_eq(config.log_level, "debug");
    ck_assert_str_eq(config.game.release_url, "http://h/r");
    ck_assert_str_eq(config.game.data, "/");
    ck_assert_uint_eq(config.probe_count, 3);
    ck_assert_uint_eq(config.probes[0].expect, 204);
    ck_assert_uint_eq(config.probes[0].timeout_ms, 1000);
    ck_assert_uint_eq(config.probes[1].timeout_ms, 3000);
    assert_ok(read_text(DATABASE "probes:\n  - {name: a, kind: sql, target: SELECT true}\n"));
    ck_assert_int_eq(config.kind, KIND_DATABASE);
    ck_assert_str_eq(config.log_level, "info");
    ck_assert_ptr_null(config.database.scratch);
    ck_assert_uint_eq(config.database.workload_timeout_ms, 300000);
    ck_assert_uint_eq(config.database.twin_count, 0);
    assert_ok(read_text(COMMON "kind: database\ndatabase:\n  url: u\n  role: owner\n  commands:\n"
                               "    - {name: slug, path: /etc/hakem/commands/slug}\n"));
    ck_assert_str_eq(config.database.role, "owner");
    ck_assert_uint_eq(config.database.command_count, 1);
    ck_assert_str_eq(config.database.commands[0].path, "/etc/hakem/commands/slug");
    assert_ok(read_text(COMMON "kind: database\ndatabase:\n  url: u\n  admin_url: a\n  twins:\n"
                               "    - {node: db-2, url: \"host=h password='x y'\"}\n"));
    ck_assert_str_eq(config.database.admin_url, "a");
    ck_assert_uint_eq(config.database.twin_count, 1);
    ck_assert_str_eq(config.database.twins[0].node, "db-2");
    ck_assert_str_eq(config.database.twins[0].url, "host=h password='x y'");
    assert_ok(read_text(EDGE "edge: {driver: haproxy, socket: /s, backend: b}\n"));
    ck_assert_int_eq(config.kind, KIND_EDGE);
    assert_ok(read_text(EDGE "edge: {driver: exec, hook: /h}\n"));
}
END_TEST

static const struct {
    const char *text, *says;
} mistakes[] = {
    /* of the file */
    {"", "a.yaml: the file is empty"},
    {"kind: edge\n\tstate: /s\n", "a.yaml:2: not YAML"},
    {COMMON, "a.yaml:1: kind: is required, and missing here"},
    {DATABASE "colour: red\n", "a.yaml:7: colour: unknown key; known here: coordinator,"},
    {DATABASE "state: /t\n", "a.yaml:7: state: given twice"},
    {COMMON "kind: database\ndatabase:\n  url: u\n  roles: [a]\n", "a.yaml:8: roles: unknown key"},
    {COMMON "kind: database\ndatabase:\n  url: u\n  url: v\n", "a.yaml:8: url: given twice"},
    /* of a value */
    {COMMON "kind: database\ndatabase: here\n", "a.yaml:6: keys with values are expected here"},
    {COMMON "kind: database\ndatabase:\n  url: u\n  game_roles: hokm\n",
     "a.yaml:8: game_roles: must be a list"},
    {COMMON "kind: database\ndatabase:\n  url: u\n  game_roles:\n    - a\n    - ../b\n",
     "a.yaml:10: game_roles: \"../b\" is not a name"},
    {DATABASE "probes: []\n", "a.yaml:7: probes: must have 1 to 16 entries, not 0"},
    {DATABASE "probes:\n  - {name: p, kind: tcp, target: \"h:1\", timeout: 11s}\n",
     "a.yaml:8: timeout: must be between 1ms and 10000ms"},
    {DATABASE "probes:\n  - {name: p, kind: tcp, target: \"h:1\", timeout: 0}\n",
     "a.yaml:8: timeout: must be between 1ms and 10000ms"},
    {DATABASE "probes:\n  - {name: p, kind: tcp, target: \"h:1\",\n     expect: 600}\n",
     "a.yaml:9: expect: must be between 0 and 599"},
    {DATABASE "probes:\n  - {name: p, kind: dns, target: h}\n",
     "a.yaml:8: kind: \"dns\" is not http, tcp, sql or exec"},
    {DATABASE "log_level: loud\n", "a.yaml:7: log_level: \"loud\" is not debug"},
    {COMMON "kind: tower\n", "a.yaml:5: kind: \"tower\" is not database, game or edge"},
    {COMMON "kind: none\n", "a.yaml:5: kind: \"none\" is not database, game or edge"},
    {"coordinator: tcp://h:65536\n" DATABASE, "a.yaml:2: coordinator: given twice"},
    {"coordinator_key: " KEY "\nkey_file: /k\nstate: /s\nkind: edge\ncoordinator: tcp://h:65536\n",
     "a.yaml:5: coordinator: \"tcp://h:65536\" is not tcp://HOST:PORT with a port from 1 to"},
    {"coordinator_key: " KEY "\nkey_file: /k\nstate: /s\nkind: edge\ncoordinator: tcp://h:0\n",
     "a.yaml:5: coordinator: \"tcp://h:0\" is not tcp://HOST:PORT"},
    {"coordinator_key: " KEY "\nkey_file: /k\nstate: /s\nkind: edge\ncoordinator: h:7001\n",
     "a.yaml:5: coordinator: \"h:7001\" is not tcp://HOST:PORT"},
    {"coordinator: tcp://h:1\nkey_file: /k\nstate: /s\nkind: edge\ncoordinator_key: short\n",
     "a.yaml:5: coordinator_key: \"short\" is not 40 characters of Z85: see `hakem key show`"},
    {COMMON "kind: game\ngame:\n  release_url: file:///etc/passwd\n  release_hook: /h\n",
     "a.yaml:7: release_url: \"file:///etc/passwd\" is not an http:// or https:// URL"},
    {COMMON "kind: game\ngame:\n  release_url: http://h\n  release_hook: hooks/release\n",
     "a.yaml:8: release_hook: \"hooks/release\" is not an absolute path"},
    {COMMON "kind: game\ngame:\n  release_url: http://h\n  release_hook: /h\n  drain_hook: d\n",
     "a.yaml:9: drain_hook: \"d\" is not an absolute path"},
    {COMMON "kind: game\ngame:\n  release_url: http://h\n  release_hook: /h\n"
            "  environment:\n    - A=1\n    - nothing\n",
     "a.yaml:11: environment: \"nothing\" is not NAME=VALUE"},
    {COMMON "kind: database\ndatabase:\n  url: u\n  admin_url: a\n  twins:\n"
            "    - {node: db-2}\n",
     "a.yaml:10: url: is required"},
    {COMMON "kind: database\ndatabase:\n  url: u\n  admin_url: a\n  twins:\n"
            "    - {node: ../db, url: v}\n",
     "a.yaml:10: node: \"../db\" is not a name"},
    {COMMON "kind: database\ndatabase:\n  url: u\n  admin_url: a\n  twins:\n"
            "    - {node: db-2, url: \"\"}\n",
     "a.yaml:10: url: \"\" is no conninfo"},
    /* of what goes together */
    {COMMON "kind: database\ndatabase:\n  url: u\n  twins:\n    - {node: db-2, url: v}\n",
     "a.yaml:8: twins: without admin_url no subscription can be made"},
    {COMMON "kind: database\ndatabase:\n  url: u\n  admin_url: a\n  twins:\n"
            "    - {node: db-2, url: v}\n    - {node: db-2, url: w}\n",
     "a.yaml:11: twins: a second twin of that name"},
    {COMMON "kind: database\ndatabase:\n  url: u\n  commands:\n    - {name: a, path: b}\n",
     "a.yaml:9: path: \"b\" is not an absolute path"},
    {COMMON "kind: database\ndatabase:\n  url: u\n  commands:\n    - {name: a, path: /b}\n"
            "    - {name: a, path: /c}\n",
     "a.yaml:10: commands: a second command of that name"},
    {COMMON "kind: database\n", "a.yaml:5: kind: a database node needs the part \"database\""},
    {COMMON "kind: game\n", "a.yaml:5: kind: a game node needs the part \"game\""},
    {EDGE, "a.yaml:5: kind: an edge needs the part \"edge\""},
    {EDGE "edge: {socket: /s}\n", "a.yaml:6: driver: is required"},
    {EDGE "edge:\n  driver: nginx\n",
     "a.yaml:7: driver: \"nginx\" is not haproxy, exec or pgbouncer"},
    {EDGE "edge:\n  socket: /s\n  driver: haproxy\n",
     "a.yaml:8: driver: haproxy needs socket, and either backend or colours"},
    {EDGE "edge:\n  socket: /s\n  driver: haproxy\n  backend: b\n  map: /m\n  colours:\n"
          "    - {name: blue, backend: b}\n    - {name: green, backend: g}\n",
     "a.yaml:8: driver: haproxy needs socket, and either backend or colours"},
    {EDGE "edge:\n  socket: /s\n  driver: haproxy\n  colours:\n"
          "    - {name: blue, backend: b}\n    - {name: green, backend: g}\n",
     "colours: haproxy needs a map that says which one is live"},
    {EDGE "edge:\n  socket: /s\n  driver: haproxy\n  map: /m\n  colours:\n"
          "    - {name: blue, backend: b}\n    - {name: green}\n",
     "colours: haproxy needs the backend of each colour"},
    {EDGE "edge:\n  hook: /h\n  driver: exec\n  colours:\n"
          "    - {name: blue}\n    - {name: blue}\n",
     "colours: a second colour of that name"},
    {EDGE "edge:\n  hook: /h\n  driver: exec\n  colours:\n    - {name: blue}\n",
     "colours: must have 2 to 8 entries, not 1"},
    {EDGE "edge:\n  socket: /s\n  driver: exec\n", "a.yaml:8: driver: exec needs a hook"},
    {DATABASE "probes:\n  - {name: p, kind: tcp, target: \"h:1\"}\n"
              "  - {name: q, kind: tcp, target: \"h:1\"}\n  - name: p\n    kind: tcp\n"
              "    target: \"h:1\"\n",
     "a.yaml:10: probes: a second probe is called p"},
    {COMMON "kind: database\ndatabase:\n  url: u\n  scratch: \"/a b\"\n",
     "a.yaml:8: scratch: \"/a b\" is not made of letters"},
    {COMMON "kind: database\ndatabase:\n  url: u\n  programs: bin\n",
     "a.yaml:8: programs: \"bin\" is not an absolute path"},
    {GAME "probes:\n  - {name: p, kind: sql, target: SELECT true}\n",
     "a.yaml:8: probes: a probe of kind sql asks the node's own database"},
    {DATABASE "probes:\n  - name: p\n    kind: http\n    target: h/health\n",
     "a.yaml:10: target: \"h/health\" is not an http:// or https:// URL"},
    {DATABASE "probes:\n  - name: p\n    kind: tcp\n    target: h:99999\n",
     "a.yaml:10: target: \"h:99999\" is not HOST:PORT with a port from 1 to 65535"},
    {DATABASE "probes:\n  - name: p\n    kind: exec\n    target: probe.sh\n",
     "a.yaml:10: target: \"probe.sh\" is not an absolute path"},
    {DATABASE "probes:\n  - name: p\n    kind: sql\n    target: \"\"\n",
     "a.yaml:10: target: \"\" is no query"},
};

START_TEST(a_mistake_is_one_sentence_with_file_line_and_key_and_changes_nothing)
{
    config = (struct agent_config){.state = "as before"};
    assert_fails(ERROR_CONFIG, read_text(mistakes[_i].text));
    assert_says(mistakes[_i].says);
    ck_assert_ptr_null(strchr(failure.detail, '\n'));
    ck_assert_str_eq(config.state, "as before");
}
END_TEST

START_TEST(a_file_that_is_not_there_is_named)
{
    const char *path = scratch_path("nothing.yaml");

    assert_fails(ERROR_CONFIG, agent_config_read(scratch.memory, path, &config, &failure));
    assert_says(path);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, what_is_written_arrives_and_the_rest_has_its_default);
    tcase_add_loop_test(tcase, a_mistake_is_one_sentence_with_file_line_and_key_and_changes_nothing,
                        0, (int)ARRAY_LEN(mistakes));
    tcase_add_test(tcase, a_file_that_is_not_there_is_named);
}

SUITE("agent config", {.add = add_all, .set_up = scratch_set_up, .tear_down = scratch_tear_down})
