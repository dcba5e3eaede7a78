/* cli.h: the frame of the hakem command: one table of verbs, flags by table, text or JSON, and one
 * sentence with an exit status when something is wrong.
 *
 * A new verb is one row in verbs.c and one function, in the file of its noun.
 */
#ifndef COORDINATOR_CLI_CLI_H
#define COORDINATOR_CLI_CLI_H

#include "common/base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLI_FLAGS_MAX     40 /* of one verb, those that every verb has aside */
#define CLI_ARGUMENTS_MAX 64
#define CLI_WORD_MAX      4096 /* bytes of any word of the command */

struct cli;

struct cli_flag {
    const char *name;        /* "--database" */
    const char *value;       /* "URL"; NULL: a switch */
    const char *environment; /* the variable that stands in for it; NULL: none */
    const char *doc;
};

struct cli_verb {
    const char *noun;  /* "migration" */
    const char *verb;  /* "up"; NULL: the noun stands alone ("history") */
    const char *usage; /* arguments: "[REVISION]" */
    size_t argument_min;
    size_t argument_max;
    const struct cli_flag *flags; /* ends with a row without a name; NULL: none */
    enum error_code (*run)(struct cli *cli, struct error *err);
    const char *doc;
};

/* One call of the command. */
struct cli {
    const struct cli_verb *verb;
    const char *values[CLI_FLAGS_MAX]; /* by row of the verb's flags; "" for a switch that is set */
    const char *arguments[CLI_ARGUMENTS_MAX];
    size_t argument_count;
    bool is_json;        /* --json */
    bool is_yes;         /* --yes */
    json_t *answer;      /* an object that --json prints in the end */
    const char *program; /* argv[0] */
};

/* The table, in verbs.c: it ends with a row without a noun. */
extern const struct cli_verb cli_verbs[];

/* The whole of main(): parses, runs, prints, and gives the exit status. */
int cli_main(int argc, char *argv[]);

/* A flag's value: from the command line, else from the environment, else NULL. */
const char *cli_flag(const struct cli *cli, const char *name);
bool cli_is_set(const struct cli *cli, const char *name);
/* A number or a duration; absent: *ret stays. ERROR_USAGE names the flag. */
enum error_code cli_flag_number(const struct cli *cli, const char *name, uint64_t *ret,
                                struct error *err);
enum error_code cli_flag_duration(const struct cli *cli, const char *name, uint64_t *ret_ms,
                                  struct error *err);
/* NULL if there are fewer. */
const char *cli_argument(const struct cli *cli, size_t i);

/* A line for people; nothing with --json. */
void cli_say(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* How far it is, in a line that the next one replaces: on a terminal only. total 0: not known. */
void cli_progress(const struct cli *cli, uint64_t done, uint64_t total, const char *text);
void cli_end_progress(const struct cli *cli);

/* Into the answer; value is stolen. */
void cli_answer(const struct cli *cli, const char *key, json_t *value);

/* Asks on a terminal; --yes says yes. ERROR_REFUSED if the answer is no, or there is nobody to ask.
 */
enum error_code cli_confirm(const struct cli *cli, const char *question, struct error *err);

#endif
