/* The hakem command as people get it wrong: every verb of the table, one sentence, no coordinator
 * and no database. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "coordinator/cli/cli.h"
#include "support/scratch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORDS_MAX    64
#define OUTPUT_MAX   65536
#define TOO_LONG     (CLI_WORD_MAX + 1)
#define SENTENCE_MAX 1100

static char said[OUTPUT_MAX];     /* standard output */
static char sentence[OUTPUT_MAX]; /* standard error */
static char *argv[WORDS_MAX + 1];
static int argc;

static void set_up(void)
{
    scratch_set_up();
    for (const char *const *name =
             (const char *const[]){"HAKEM_CONFIG", "HAKEM_COORDINATOR", "DATABASE_URL",
                                   "TEST_DATABASE_URL", "HAKEM_MIGRATIONS", NULL};
         *name != NULL; name++)
        ck_assert_int_eq(unsetenv(*name), 0);
    argv[0] = memory_text(scratch.memory, "hakem");
    argc = 1;
}

static void add_word(const char *word)
{
    ck_assert_int_lt(argc, WORDS_MAX);
    argv[argc++] = memory_text(scratch.memory, word);
    argv[argc] = NULL;
}

static void add_words(const char *line)
{
    char *rest = NULL;

    for (char *word = strtok_r(memory_text(scratch.memory, line), " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest))
        add_word(word);
}

static int turn_to_file(int fd, const char *name)
{
    int kept = dup(fd);
    int file = open(scratch_path(name), O_RDWR | O_CREAT | O_TRUNC, 0600);

    ck_assert_int_ge(kept, 0);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(dup2(file, fd), fd);
    (void)close(file);
    return kept;
}

static void turn_back(int fd, int kept, char ret[static OUTPUT_MAX])
{
    ssize_t size = pread(fd, ret, OUTPUT_MAX - 1, 0);

    ck_assert_int_ge(size, 0);
    ret[size] = '\0';
    ck_assert_int_eq(dup2(kept, fd), fd);
    (void)close(kept);
}

/* Runs the words that were added; the exit status. */
static int hakem(void)
{
    int out, err, status;

    (void)fflush(stdout);
    out = turn_to_file(STDOUT_FILENO, "out");
    err = turn_to_file(STDERR_FILENO, "err");
    status = cli_main(argc, argv);
    (void)fflush(stdout);
    turn_back(STDOUT_FILENO, out, said);
    turn_back(STDERR_FILENO, err, sentence);
    return status;
}

/* One line that begins with the program's name, without anything that a terminal would obey. */
static void assert_one_sentence(void)
{
    size_t size = strlen(sentence);

    ck_assert_msg(strncmp(sentence, "hakem: ", 7) == 0, "\"%s\"", sentence);
    ck_assert_uint_gt(size, 8);
    ck_assert_uint_lt(size, SENTENCE_MAX);
    ck_assert_ptr_eq(strchr(sentence, '\n'), sentence + size - 1);
    ck_assert(text_is_utf8(sentence, size));
    for (size_t i = 0; i < size - 1; i++)
        ck_assert_msg((unsigned char)sentence[i] >= ' ', "byte %u", (unsigned char)sentence[i]);
    ck_assert_str_eq(said, "");
}

static void assert_sentence_has(const char *part)
{
    ck_assert_msg(strstr(sentence, part) != NULL, "\"%s\" is not in: %s", part, sentence);
}

static void assert_refused(const char *part)
{
    ck_assert_int_eq(hakem(), 2);
    assert_one_sentence();
    assert_sentence_has(part);
}

/* The same words with --json: one object with the error in it, and nothing else. */
static void assert_refused_in_json(void)
{
    json_error_t where;
    json_t *answer;
    const char *code = NULL, *detail = NULL;

    add_word("--json");
    ck_assert_int_eq(hakem(), 2);
    ck_assert_str_eq(sentence, "");
    answer = json_loads(said, 0, &where);
    ck_assert_msg(answer != NULL, "%s: %s", where.text, said);
    ck_assert_int_eq(
        json_unpack(answer, "{s:{s:s, s:s}}", "error", "code", &code, "detail", &detail), 0);
    ck_assert_str_eq(code, "USAGE");
    ck_assert_str_ne(detail, "");
    json_decref(answer);
}

/* ---- every verb ---- */

static const struct cli_verb *call(int at)
{
    const struct cli_verb *verb = &cli_verbs[at];

    add_word(verb->noun);
    if (verb->verb != NULL)
        add_word(verb->verb);
    return verb;
}

static void add_arguments(size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        add_word(word);
}

START_TEST(a_flag_that_there_is_not_points_to_the_help)
{
    const struct cli_verb *verb = call(_i);

    add_arguments(verb->argument_min, "1");
    add_word("--no-such-flag");
    assert_refused("there is no flag --no-such-flag here; see --help");
    assert_refused_in_json();
}
END_TEST

START_TEST(too_few_or_too_many_arguments_are_answered_with_the_usage)
{
    const struct cli_verb *verb = call(_i);
    char *usage = memory_format(scratch.memory, "usage: hakem %s%s%s %s", verb->noun,
                                verb->verb != NULL ? " " : "", verb->verb != NULL ? verb->verb : "",
                                verb->usage);
    int words = argc;

    if (verb->argument_min > 0)
        assert_refused(usage);
    add_arguments(verb->argument_max + 1, "1");
    assert_refused(usage);
    assert_refused_in_json();
    argc = words;
}
END_TEST

/* "STEP" must be given, "[REVISION]" may be, "[REVISION...]" more than once. */
START_TEST(the_usage_has_as_many_words_as_the_verb_takes_arguments)
{
    const struct cli_verb *verb = &cli_verbs[_i];
    size_t all = 0, needed = 0, more = 0;
    char *rest = NULL;

    for (char *word = strtok_r(memory_text(scratch.memory, verb->usage), " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        all++;
        needed += word[0] != '[';
        more += strstr(word, "...") != NULL;
    }
    ck_assert(more == 0 ? all == verb->argument_max : all < verb->argument_max);
    ck_assert_uint_eq(needed, verb->argument_min);
}
END_TEST

START_TEST(a_flag_without_its_value_names_what_it_wants)
{
    const struct cli_flag *flags = cli_verbs[_i].flags;

    for (size_t i = 0; flags != NULL && flags[i].name != NULL; i++) {
        argc = 1;
        add_arguments(call(_i)->argument_min, "1");
        if (flags[i].value == NULL)
            add_word(memory_format(scratch.memory, "%s=x", flags[i].name));
        else
            add_word(flags[i].name);
        assert_refused(flags[i].name);
    }
}
END_TEST

static char *long_word(void)
{
    char *word = memory_array(scratch.memory, char, TOO_LONG + 1);

    memset(word, 'a', TOO_LONG);
    return word;
}

START_TEST(an_absurdly_long_word_is_counted_not_repeated)
{
    const struct cli_verb *verb = call(_i);
    int words = argc;

    add_arguments(verb->argument_min, "1");
    add_word(memory_format(scratch.memory, "--%s", long_word()));
    assert_refused("is longer than 4096 bytes");
    argc = words;
    add_word(long_word());
    assert_refused("is longer than 4096 bytes");
    assert_refused_in_json();
}
END_TEST

START_TEST(a_word_that_is_not_utf8_is_pointed_at)
{
    const struct cli_verb *verb = call(_i);
    int words = argc;

    add_arguments(verb->argument_min, "1");
    add_word("--caf\xe9");
    assert_refused(
        memory_format(scratch.memory, "word %d of the command is not UTF-8: \"--caf?\"", argc - 1));
    argc = words;
    add_word("\xff\x1b[31m");
    assert_refused("is not UTF-8: \"??[31m\"");
    assert_refused_in_json();
}
END_TEST

START_TEST(every_verb_has_help_that_names_its_flags)
{
    const struct cli_flag *flags = call(_i)->flags;

    add_word("--help");
    ck_assert_int_eq(hakem(), 0);
    ck_assert_str_eq(sentence, "");
    ck_assert_ptr_nonnull(strstr(said, cli_verbs[_i].doc));
    for (size_t i = 0; flags != NULL && flags[i].name != NULL; i++)
        ck_assert_msg(strstr(said, flags[i].name) != NULL, "%s", flags[i].name);
}
END_TEST

/* ---- what cannot be meant ---- */

/* Loop test: a command, its exit status, and what it says. */
static const struct {
    const char *line;
    int status;
    const char *says;
} mistakes[] = {
    {"nothing", 2, "there is no command \"nothing\"; see hakem help"},
    {"help nothing", 2, "there is no command \"nothing\"; see hakem help"},
    {"nothing --help", 2, "there is no command \"nothing\"; see hakem help"},
    {"--yes", 2, "there is no command \"--yes\"; see hakem help"},
    {"rollout", 2, "rollout has no such verb; see hakem help rollout"},
    {"rollout begin", 2, "rollout has no such verb; see hakem help rollout"},
    /* migration, history */
    {"migration new ../x", 2, "a revision's name is letters"},
    {"migration list --migrations /nowhere", 2, "/nowhere"},
    {"migration show x --migrations /nowhere", 2, "/nowhere"},
    {"migration up", 2, "give --database URL, or set DATABASE_URL"},
    {"migration up --command slug", 2, "--command slug: give NAME=PATH"},
    {"migration up --command a=/b,c=d", 2, "--command c=d: give NAME=PATH, the path from the root"},
    {"migration down", 2, "give --database URL, or set DATABASE_URL"},
    {"migration status", 2, "give --database URL, or set DATABASE_URL"},
    {"migration verify", 2, "give --database URL, or set DATABASE_URL"},
    {"migration test --migrations /nowhere", 2, "/nowhere"},
    {"migration test --rows many --migrations /nowhere", 2, "--rows: \"many\" is not a number"},
    {"migration test --max-p99-ratio 2x --migrations /nowhere", 2, "--max-p99-ratio: \"2x\""},
    {"migration test --load-clients 0 --migrations /nowhere", 2, "--load-clients: from 1 to"},
    {"migration test --scale 1 --migrations /nowhere", 2, "so many times the rows of --rows N"},
    {"migration test --rows 9 --scale 2,1", 2, "--scale: \"2,1\" is no list such as 1,10,100"},
    {"migration test --rows 90000000 --scale 9", 2, "--scale: 100000000 rows a table at most"},
    {"migration test --report r.pdf", 2, "--report: r.pdf ends in none of .txt, .json, .xml"},
    {"migration test --report r --format pdf", 2, "--format: \"pdf\" is none of text, json"},
    {"migration test --format html", 2, "--format is the format of --report FILE"},
    {"migration test --load /nowhere --migrations /nowhere", 2, "--load: there is no file"},
    {"history", 2, "give --database URL, or set DATABASE_URL"},
    {"history --limit many", 2, "--limit: \"many\" is not a number"},
    {"history --rollout many", 2, "--rollout: \"many\" is not a number"},
    {"history 0001_x --rollout 1", 2, "not both"},
    /* rollout */
    {"rollout plan", 2, "say where to go: --to REVISION, --release R, or both"},
    {"rollout start --yes", 2, "say where to go: --to REVISION, --release R, or both"},
    {"rollout start --release 1 --soak soon", 2, "--soak: \"soon\" is not a duration"},
    {"rollout start --release 1 --retries -1", 2, "--retries: \"-1\" is not a number"},
    {"rollout start --release 1 --max-unavailable 0", 2, "nothing could ever move"},
    {"rollout start --release 1 --strategy hope", 2,
     "--strategy is rolling, blue-green, database-blue-green, maintenance or shadow, not \"hope\""},
    {"rollout plan --release 1 --environment home", 2, "is development, staging or production"},
    {"rollout plan --release 1 --shadow --no-rehearsal why", 2, "exclude each other"},
    {"rollout start --release 1 --on-lost cry", 2, "--on-lost does not take \"cry\""},
    {"rollout start --release 1", 2, "--config FILE or HAKEM_CONFIG"},
    {"rollout list", 2, "--config FILE or HAKEM_CONFIG"},
    {"rollout list --config /nowhere/c.yaml", 2, "/nowhere/c.yaml"},
    {"rollout show last", 2, "\"last\" is not a rollout's number"},
    {"rollout watch -1", 2, "\"-1\" is not a rollout's number"},
    {"rollout retry first", 2, "\"first\" is not a step's number"},
    {"rollout skip 1.5", 2, "\"1.5\" is not a step's number"},
    {"rollout abandon", 5, "nobody is there to ask; --yes says yes"},
    {"rollout pause --yes --yes", 2, "--config FILE or HAKEM_CONFIG"},
    {"rollout pause --reason a --reason b", 2, "--reason is given twice"},
    {"rollback last", 2, "\"last\" is not a rollout's number"},
    {"rollback --wave 0%", 2, "--wave takes counts and percentages"},
    /* node, cluster, key */
    {"node accept KEY", 2, "--kind is database, game or edge"},
    {"node accept KEY --kind tower", 2, "--kind is database, game or edge"},
    {"node accept KEY --kind none", 2, "--kind is database, game or edge"},
    {"cluster status", 2, "--config FILE or HAKEM_CONFIG"},
    {"key show /nowhere/key", 2, "/nowhere/key"},
    {"key new /nowhere/key", 1, "/nowhere/key"},
};

START_TEST(a_mistake_is_one_sentence_and_its_exit_status)
{
    add_words(mistakes[_i].line);
    ck_assert_int_eq(hakem(), mistakes[_i].status);
    assert_one_sentence();
    assert_sentence_has(mistakes[_i].says);
}
END_TEST

START_TEST(names_and_reasons_that_no_message_could_carry_are_refused)
{
    char *name = memory_array(scratch.memory, char, 1100);

    memset(name, 'a', 64);
    add_words("node show");
    add_word(name);
    assert_refused("the name of a node is too long");
    argc = 1;
    add_words("rollout plan --to");
    add_word(name);
    assert_refused("is too long");
    argc = 1;
    add_words("node accept --kind game --name");
    add_word(name);
    add_word("KEY");
    assert_refused("--name: too long");
    argc = 1;
    add_words("node accept --kind game");
    add_word(name);
    assert_refused("a public key has 40 characters");
    argc = 1;
    memset(name, 'a', 1024);
    add_words("rollout pause --reason");
    add_word(name);
    assert_refused("--reason: at most 1023 bytes");
}
END_TEST

START_TEST(a_mistake_in_the_operator_s_configuration_has_its_line)
{
    const char *path = write_file("o.yaml", "coordinator: tcp://h:70000\n");

    add_words("node list --config");
    add_word(path);
    assert_refused("o.yaml:1: coordinator_key: is required");
    (void)write_file("o.yaml", "coordinator_key: short\nkey_file: /k\ncoordinator: tcp://h:1\n");
    assert_refused("o.yaml:1: coordinator_key: \"short\" is not 40 characters");
    (void)write_file("o.yaml", "coordinator_key: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
                               "key_file: /nowhere/k\ncoordinator: tcp://h:70000\n");
    assert_refused("o.yaml:3: coordinator: \"tcp://h:70000\" is not tcp://HOST:PORT");
    (void)write_file("o.yaml", "coordinator_key: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
                               "key_file: /nowhere/k\ncoordinator: tcp://h:7000\n");
    assert_refused("/nowhere/k");
}
END_TEST

START_TEST(a_key_pair_is_made_once_and_shown_the_same)
{
    char first[OUTPUT_MAX];

    add_words("key new");
    add_word(scratch_path("key"));
    ck_assert_int_eq(hakem(), 0);
    ck_assert_uint_eq(strlen(said), 41);
    (void)text_copy(first, sizeof(first), said);
    ck_assert_int_ne(hakem(), 0);
    assert_one_sentence();
    argc = 1;
    add_words("key show");
    add_word(scratch_path("key"));
    ck_assert_int_eq(hakem(), 0);
    ck_assert_str_eq(said, first);
}
END_TEST

START_TEST(what_is_said_is_shown_and_never_obeyed)
{
    const struct cli cli = {.is_json = false};
    int out;

    (void)fflush(stdout);
    out = turn_to_file(STDOUT_FILENO, "out");
    cli_say(&cli, "%s\n\tand a \xe2\x9c\x94",
            "red \x1b[31m, a \xc2\x9b"
            "31m, \x07\r and \xff");
    turn_back(STDOUT_FILENO, out, said);
    ck_assert_str_eq(said, "red ?[31m, a ??31m, ?  and ?\n\tand a \xe2\x9c\x94\n");
}
END_TEST

/* ---- lint ---- */

static void write_revision(const char *expand)
{
    ck_assert_int_eq(mkdir(scratch_path("m"), 0700), 0);
    ck_assert_int_eq(mkdir(scratch_path("m/0001_a"), 0700), 0);
    ck_assert_int_eq(mkdir(scratch_path("m/0002_b"), 0700), 0);
    (void)write_file("m/0001_a/expand.sql", "CREATE TABLE t (id int);");
    (void)write_file("m/0001_a/revert.sql", "DROP TABLE t;");
    (void)write_file("m/0002_b/expand.sql", expand);
    (void)write_file("m/0002_b/revert.sql", "SELECT 1;");
    add_words("migration lint --migrations");
    add_word(scratch_path("m"));
}

START_TEST(an_error_of_lint_exits_with_5_and_is_shown_with_its_place)
{
    write_revision("SELECT 1;\nTRUNCATE t;");
    ck_assert_int_eq(hakem(), 5);
    ck_assert_ptr_nonnull(strstr(said, "m/0002_b/expand.sql:2: error truncate: "));
    assert_sentence_has("1 error: write");
    add_words("--format github 0002_b");
    ck_assert_int_eq(hakem(), 5);
    ck_assert_ptr_nonnull(strstr(said, ",line=2,title=truncate::"));
    argc -= 3;
    add_word("0001_a"); /* another revision */
    ck_assert_int_eq(hakem(), 0);
    argc -= 1;
    add_words("--from 0001_a --json");
    ck_assert_int_eq(hakem(), 5);
    ck_assert_ptr_nonnull(strstr(said, "\"rule\": \"truncate\""));
}
END_TEST

START_TEST(what_is_allowed_with_a_reason_lets_lint_pass)
{
    write_revision("-- hakem:allow truncate it is a cache\nTRUNCATE t;");
    ck_assert_int_eq(hakem(), 0);
    ck_assert_ptr_nonnull(strstr(said, "0 findings"));
    add_words("--format xml");
    assert_refused("is none of text, json, sarif, github");
    argc -= 2;
    add_words("--from 0009_z");
    assert_refused("there is no revision 0009_z");
}
END_TEST

static int count_verbs(void)
{
    int count = 0;

    while (cli_verbs[count].noun != NULL)
        count++;
    return count;
}

static void add_all(TCase *tcase)
{
    int verbs = count_verbs();

    tcase_add_loop_test(tcase, a_flag_that_there_is_not_points_to_the_help, 0, verbs);
    tcase_add_loop_test(tcase, too_few_or_too_many_arguments_are_answered_with_the_usage, 0, verbs);
    tcase_add_loop_test(tcase, the_usage_has_as_many_words_as_the_verb_takes_arguments, 0, verbs);
    tcase_add_loop_test(tcase, a_flag_without_its_value_names_what_it_wants, 0, verbs);
    tcase_add_loop_test(tcase, an_absurdly_long_word_is_counted_not_repeated, 0, verbs);
    tcase_add_loop_test(tcase, a_word_that_is_not_utf8_is_pointed_at, 0, verbs);
    tcase_add_loop_test(tcase, every_verb_has_help_that_names_its_flags, 0, verbs);
    tcase_add_loop_test(tcase, a_mistake_is_one_sentence_and_its_exit_status, 0,
                        (int)ARRAY_LEN(mistakes));
    tcase_add_test(tcase, names_and_reasons_that_no_message_could_carry_are_refused);
    tcase_add_test(tcase, a_mistake_in_the_operator_s_configuration_has_its_line);
    tcase_add_test(tcase, a_key_pair_is_made_once_and_shown_the_same);
    tcase_add_test(tcase, an_error_of_lint_exits_with_5_and_is_shown_with_its_place);
    tcase_add_test(tcase, what_is_allowed_with_a_reason_lets_lint_pass);
    tcase_add_test(tcase, what_is_said_is_shown_and_never_obeyed);
}

SUITE("cli", {.add = add_all, .set_up = set_up, .tear_down = scratch_tear_down})
