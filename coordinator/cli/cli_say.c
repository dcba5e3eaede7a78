/* cli_say.c: what a verb says, answers and asks. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "coordinator/cli/cli.h"
#include "coordinator/cli/terminal.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define SAID_BYTES_MAX (1 << 24)

/* What came over the wire is shown, never obeyed; a pipe gets the characters as they are. */
static void print_text(char *text)
{
    struct text *spelled = text_new(NULL, SAID_BYTES_MAX);
    struct terminal terminal = {.is_utf8 = true};

    terminal_disarm(text, "\n\t");
    if (isatty(STDOUT_FILENO) != 0)
        terminal_look(&terminal);
    terminal_spell(&terminal, text, spelled);
    (void)fwrite(spelled->data, 1, spelled->size, stdout);
    talloc_free(spelled);
}

void cli_say(const struct cli *cli, const char *format, ...)
{
    va_list args;
    char *text;
    int size;

    if (cli->is_json)
        return;
    va_start(args, format);
    size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    text = memory_array(NULL, char, size < 0 ? 1 : (size_t)size + 1);
    va_start(args, format);
    if (size > 0)
        (void)vsnprintf(text, (size_t)size + 1, format, args);
    va_end(args);
    print_text(text);
    (void)putchar('\n');
    (void)fflush(stdout);
    talloc_free(text);
}

#define CLEAR_LINE "\r\033[K"

static bool shows_progress(const struct cli *cli)
{
    return isatty(STDERR_FILENO) != 0 && !cli->is_json;
}

void cli_progress(const struct cli *cli, uint64_t done, uint64_t total, const char *text)
{
    if (!shows_progress(cli))
        return;
    if (total > 0)
        (void)fprintf(stderr, CLEAR_LINE "  %llu/%llu %.80s", (unsigned long long)done,
                      (unsigned long long)total, text);
    else
        (void)fprintf(stderr, CLEAR_LINE "  %llu %.80s", (unsigned long long)done, text);
    (void)fflush(stderr);
}

void cli_end_progress(const struct cli *cli)
{
    if (shows_progress(cli))
        (void)fprintf(stderr, CLEAR_LINE);
}

void cli_answer(const struct cli *cli, const char *key, json_t *value)
{
    (void)json_object_set_new(cli->answer, key, value);
}

enum error_code cli_confirm(const struct cli *cli, const char *question, struct error *err)
{
    char line[16] = "";

    if (cli->is_yes)
        return ERROR_OK;
    if (isatty(STDIN_FILENO) == 0)
        return error_set(err, ERROR_REFUSED, "%s: nobody is there to ask; --yes says yes",
                         question);
    (void)fprintf(stderr, "%s [y/N] ", question);
    if (fgets(line, sizeof(line), stdin) == NULL || (line[0] != 'y' && line[0] != 'Y'))
        return error_set(err, ERROR_REFUSED, "nothing was done");
    return ERROR_OK;
}
