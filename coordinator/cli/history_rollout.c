/* history_rollout.c: hakem history --rollout N: what the coordinator recorded of a rollout, fact by
 * fact. */
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "coordinator/cli/connection.h"
#include "coordinator/cli/verbs.h"

#include <string.h>

#define LINE_BYTES_MAX 65536

/* As in the log; what says nothing (empty, 0, false) is left out. */
static void add_value(struct text *line, const char *key, const json_t *value)
{
    const char *word = json_string_value(value);

    if (word != NULL && word[0] != '\0')
        text_append_format(line, strpbrk(word, " \"") != NULL ? " %s=\"%s\"" : " %s=%s", key, word);
    else if (json_is_integer(value) && json_integer_value(value) != 0)
        text_append_format(line, " %s=%lld", key, (long long)json_integer_value(value));
    else if (json_is_true(value))
        text_append_format(line, " %s", key);
}

static bool is_of_its_head(const char *key)
{
    return strcmp(key, "at_ms") == 0 || strcmp(key, "fact") == 0;
}

static void print_fact(const struct cli *cli, json_t *fact)
{
    struct text *line = text_new(NULL, LINE_BYTES_MAX);
    char at[CLOCK_TEXT_SIZE];
    const char *key;
    json_t *value;

    clock_to_text((uint64_t)json_integer_value(json_object_get(fact, "at_ms")), at);
    text_append_format(line, "%s %s", at, json_string_value(json_object_get(fact, "fact")));
    json_object_foreach(fact, key, value)
    {
        if (!is_of_its_head(key))
            add_value(line, key, value);
    }
    cli_say(cli, "%s", line->data);
    talloc_free(line);
}

static void print_facts(struct cli *cli, const json_t *document)
{
    json_t *facts = json_object_get(document, "facts");
    json_t *left_out = json_object_get(document, "older_left_out");
    json_t *fact;
    size_t i;

    if (json_integer_value(left_out) > 0)
        cli_say(cli, "(%lld older facts are left out)", (long long)json_integer_value(left_out));
    json_array_foreach(facts, i, fact)
    {
        print_fact(cli, fact);
    }
    cli_answer(cli, "facts", json_incref(facts));
    cli_answer(cli, "older_left_out", json_incref(left_out));
}

enum error_code history_show_rollout(struct cli *cli, struct error *err)
{
    struct request request = {.verb = "history"};
    json_t *document = NULL;

    if (cli_argument(cli, 0) != NULL)
        return error_set(err, ERROR_USAGE,
                         "give a revision (what a database recorded) or --rollout N (what the "
                         "coordinator recorded), not both");
    if (cli_flag_number(cli, "--rollout", &request.rollout, err) != ERROR_OK ||
        connection_ask_once(cli, &request, NULL, &document, err) != ERROR_OK)
        return err->code;
    print_facts(cli, document);
    json_decref(document);
    return ERROR_OK;
}
