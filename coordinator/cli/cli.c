#include "coordinator/cli/cli.h"

#include "common/base/text.h"
#include "coordinator/cli/terminal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define FLAG_SHOWN_MAX 200

/* ---- flags ---- */

static bool find_flag(const struct cli *cli, const char *name, size_t length, size_t *ret)
{
    const struct cli_flag *flags = cli->verb->flags;

    for (size_t i = 0; flags != NULL && flags[i].name != NULL; i++) {
        assert(i < CLI_FLAGS_MAX);
        if (strlen(flags[i].name) == length && memcmp(flags[i].name, name, length) == 0) {
            *ret = i;
            return true;
        }
    }
    return false;
}

const char *cli_flag(const struct cli *cli, const char *name)
{
    const char *variable, *value;
    bool is_known;
    size_t i = 0;

    is_known = find_flag(cli, name, strlen(name), &i);
    assert(is_known);
    (void)is_known;
    if (cli->values[i] != NULL)
        return cli->values[i];
    variable = cli->verb->flags[i].environment;
    value = variable != NULL ? getenv(variable) : NULL;
    return value != NULL && value[0] != '\0' ? value : NULL;
}

bool cli_is_set(const struct cli *cli, const char *name)
{
    return cli_flag(cli, name) != NULL;
}

enum error_code cli_flag_number(const struct cli *cli, const char *name, uint64_t *ret,
                                struct error *err)
{
    const char *value = cli_flag(cli, name);

    if (value != NULL && !text_to_number(value, INT64_MAX, ret))
        return error_set(err, ERROR_USAGE, "%s: \"%s\" is not a number", name, value);
    return ERROR_OK;
}

enum error_code cli_flag_duration(const struct cli *cli, const char *name, uint64_t *ret_ms,
                                  struct error *err)
{
    const char *value = cli_flag(cli, name);

    if (value != NULL && !text_to_duration(value, ret_ms))
        return error_set(err, ERROR_USAGE, "%s: \"%s\" is not a duration such as 500ms, 30s or 5m",
                         name, value);
    return ERROR_OK;
}

const char *cli_argument(const struct cli *cli, size_t i)
{
    return i < cli->argument_count ? cli->arguments[i] : NULL;
}

/* ---- help ---- */

static void print_verb(const struct cli_verb *verb)
{
    char call[160];

    assert(verb != NULL);
    (void)text_format(call, sizeof(call), "hakem %s%s%s %s", verb->noun,
                      verb->verb != NULL ? " " : "", verb->verb != NULL ? verb->verb : "",
                      verb->usage);
    (void)printf("  %-44s %s\n", call, verb->doc);
}

static void print_flags(const struct cli_verb *verb)
{
    for (const struct cli_flag *flag = verb->flags; flag != NULL && flag->name != NULL; flag++) {
        char call[80];

        (void)text_format(call, sizeof(call), "%s%s%s", flag->name, flag->value != NULL ? " " : "",
                          flag->value != NULL ? flag->value : "");
        (void)printf("      %-28s %s%s%s%s\n", call, flag->doc,
                     flag->environment != NULL ? " [" : "",
                     flag->environment != NULL ? flag->environment : "",
                     flag->environment != NULL ? "]" : "");
    }
}

static bool is_of_noun(const struct cli_verb *verb, const char *noun)
{
    return noun == NULL || strcmp(verb->noun, noun) == 0;
}

static bool noun_is_known(const char *noun)
{
    for (const struct cli_verb *verb = cli_verbs; verb->noun != NULL; verb++)
        if (strcmp(verb->noun, noun) == 0)
            return true;
    return false;
}

static void print_help(const char *noun)
{
    (void)printf(
        "usage: hakem NOUN VERB [ARGUMENTS] [FLAGS]; every verb takes --json and --help\n");
    for (const struct cli_verb *verb = cli_verbs; verb->noun != NULL; verb++) {
        if (!is_of_noun(verb, noun))
            continue;
        print_verb(verb);
        if (noun != NULL)
            print_flags(verb);
    }
}

static void print_verb_help(const struct cli_verb *verb)
{
    print_verb(verb);
    print_flags(verb);
    (void)printf("      %-28s %s\n      %-28s %s\n", "--json", "one JSON object instead of text",
                 "--yes", "ask nothing");
}

/* ---- the command line ---- */

static enum error_code find_verb(int argc, char *argv[], const struct cli_verb **ret, int *ret_used,
                                 struct error *err)
{
    for (const struct cli_verb *verb = cli_verbs; verb->noun != NULL; verb++) {
        if (strcmp(verb->noun, argv[1]) != 0)
            continue;
        if (verb->verb == NULL || (argc > 2 && strcmp(verb->verb, argv[2]) == 0)) {
            *ret = verb;
            *ret_used = verb->verb == NULL ? 2 : 3;
            return ERROR_OK;
        }
    }
    if (!noun_is_known(argv[1]))
        return error_set(err, ERROR_USAGE, "there is no command \"%.200s\"; see hakem help",
                         argv[1]);
    return error_set(err, ERROR_USAGE, "%s has no such verb; see hakem help %s", argv[1], argv[1]);
}

static bool take_common(struct cli *cli, const char *word)
{
    if (strcmp(word, "--json") == 0)
        cli->is_json = true;
    else if (strcmp(word, "--yes") == 0)
        cli->is_yes = true;
    else
        return false;
    return true;
}

/* word is "--flag" or "--flag=VALUE"; next the word behind it, or NULL. */
static enum error_code take_flag(struct cli *cli, const char *word, const char *next,
                                 bool *ret_used_next, struct error *err)
{
    size_t length = strcspn(word, "=");
    const struct cli_flag *flag;
    size_t i;

    *ret_used_next = false;
    if (take_common(cli, word))
        return ERROR_OK;
    if (!find_flag(cli, word, length, &i))
        return error_set(err, ERROR_USAGE, "there is no flag %.*s here; see --help",
                         length < FLAG_SHOWN_MAX ? (int)length : FLAG_SHOWN_MAX, word);
    flag = &cli->verb->flags[i];
    if (cli->values[i] != NULL)
        return error_set(err, ERROR_USAGE, "%s is given twice", flag->name);
    if (flag->value == NULL && word[length] == '=')
        return error_set(err, ERROR_USAGE, "%s takes no value", flag->name);
    if (flag->value == NULL) {
        cli->values[i] = "";
        return ERROR_OK;
    }
    if (word[length] != '=' && next == NULL)
        return error_set(err, ERROR_USAGE, "%s wants a value: %s", flag->name, flag->value);
    cli->values[i] = word[length] == '=' ? word + length + 1 : next;
    *ret_used_next = word[length] != '=';
    return ERROR_OK;
}

/* Nothing that people name is longer, and what is not UTF-8 could not be answered in JSON. */
static enum error_code check_words(int argc, char *argv[], struct error *err)
{
    for (int i = 1; i < argc; i++) {
        size_t size = strlen(argv[i]);

        if (size > CLI_WORD_MAX)
            return error_set(err, ERROR_USAGE, "word %d of the command is longer than %d bytes", i,
                             CLI_WORD_MAX);
        if (!text_is_utf8(argv[i], size))
            return error_set(err, ERROR_USAGE, "word %d of the command is not UTF-8: \"%.200s\"", i,
                             argv[i]);
    }
    return ERROR_OK;
}

static enum error_code take_words(struct cli *cli, int argc, char *argv[], int from,
                                  struct error *err)
{
    bool only_arguments = false;

    for (int i = from; i < argc; i++) {
        bool used_next = false;

        if (!only_arguments && strcmp(argv[i], "--") == 0) {
            only_arguments = true;
        } else if (!only_arguments && text_starts_with(argv[i], "--")) {
            if (take_flag(cli, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &used_next, err) !=
                ERROR_OK)
                return err->code;
            i += used_next;
        } else if (cli->argument_count == CLI_ARGUMENTS_MAX) {
            return error_set(err, ERROR_USAGE, "more than %d arguments", CLI_ARGUMENTS_MAX);
        } else {
            cli->arguments[cli->argument_count++] = argv[i];
        }
    }
    if (cli->argument_count < cli->verb->argument_min ||
        cli->argument_count > cli->verb->argument_max)
        return error_set(err, ERROR_USAGE, "usage: hakem %s%s%s %s", cli->verb->noun,
                         cli->verb->verb != NULL ? " " : "",
                         cli->verb->verb != NULL ? cli->verb->verb : "", cli->verb->usage);
    return ERROR_OK;
}

/* ---- the end ---- */

static void print_error(const struct cli *cli, const struct error *err)
{
    char detail[ERROR_DETAIL_MAX];

    (void)text_copy(detail, sizeof(detail), err->detail);
    terminal_disarm(detail, "");
    if (cli->is_json)
        cli_answer(cli, "error",
                   json_pack("{s:s, s:s}", "code", error_code_name(err->code), "detail", detail));
    else
        (void)fprintf(stderr, "hakem: %s\n", detail);
}

static int finish(struct cli *cli, enum error_code code, const struct error *err)
{
    if (code != ERROR_OK)
        print_error(cli, err);
    if (cli->is_json) {
        (void)json_dumpf(cli->answer, stdout, JSON_INDENT(2));
        (void)putchar('\n');
    }
    json_decref(cli->answer);
    if (fflush(stdout) != 0 && code == ERROR_OK)
        return error_code_exit_status(ERROR_SYSTEM);
    return error_code_exit_status(code);
}

static bool has_word(int argc, char *argv[], const char *word)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], word) == 0)
            return true;
    return false;
}

static bool is_help(const char *word)
{
    return strcmp(word, "help") == 0 || strcmp(word, "--help") == 0;
}

/* True if the words ask for help, and it was given. */
static bool give_help(int argc, char *argv[])
{
    bool is_verb = is_help(argv[1]);
    const char *noun = !is_verb                                       ? argv[1]
                       : argc > 2 && !text_starts_with(argv[2], "--") ? argv[2]
                                                                      : NULL;
    const struct cli_verb *verb = NULL;
    struct error err;
    int used;

    if ((!is_verb && !has_word(argc, argv, "--help")) || (noun != NULL && !noun_is_known(noun)))
        return false;
    if (!is_verb && find_verb(argc, argv, &verb, &used, &err) == ERROR_OK && verb != NULL)
        print_verb_help(verb);
    else
        print_help(noun);
    return true;
}

static enum error_code run(struct cli *cli, int argc, char *argv[], struct error *err)
{
    int used = 1;

    if (is_help(argv[1])) { /* of what there is not */
        argc--;
        argv++;
    }
    if (check_words(argc, argv, err) != ERROR_OK ||
        find_verb(argc, argv, &cli->verb, &used, err) != ERROR_OK)
        return err->code;
    assert(cli->verb != NULL);
    if (take_words(cli, argc, argv, used, err) != ERROR_OK)
        return err->code;
    return cli->verb->run(cli, err);
}

int cli_main(int argc, char *argv[])
{
    struct cli cli = {.program = argv[0], .is_json = has_word(argc, argv, "--json")};
    struct error err = {.code = ERROR_OK};

    if (argc < 2) {
        print_help(NULL);
        return error_code_exit_status(ERROR_USAGE);
    }
    if (give_help(argc, argv))
        return EXIT_SUCCESS;
    cli.answer = json_object();
    return finish(&cli, run(&cli, argc, argv, &err), &err);
}
