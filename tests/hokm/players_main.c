/* hokm-players: virtual players with a fixed rate, or --verify: what became of their writes. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "tests/hokm/players_run.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_TEXT_SIZE 64

static int usage(void)
{
    (void)fputs(
        "usage: hokm-players --target HOST:PORT --log FILE [--players N] [--rate PER_SECOND]\n"
        "                    [--seconds S] [--rows FIRST-LAST]\n"
        "       hokm-players --verify FILE [--target HOST:PORT] [--between FROM_MS TO_MS]\n",
        stderr);
    return error_code_exit_status(ERROR_USAGE);
}

static bool parse_rows(const char *text, struct players_options *ret)
{
    char first[ROWS_TEXT_SIZE];
    const char *dash = strchr(text, '-');

    if (dash == NULL || !text_copy(first, sizeof(first), text))
        return false;
    first[dash - text] = '\0';
    return text_to_number(first, INT64_MAX, &ret->first_row) &&
           text_to_number(dash + 1, INT64_MAX, &ret->last_row) && ret->first_row > 0 &&
           ret->last_row >= ret->first_row;
}

static bool take_option(int option, int argc, char *argv[], struct players_options *ret)
{
    switch (option) {
    case 't':
        ret->target = optarg;
        return true;
    case 'l':
        ret->log = optarg;
        return true;
    case 'v':
        ret->verify = optarg;
        return true;
    case 'p':
        return text_to_number(optarg, CLIENT_SLOTS_MAX, &ret->players);
    case 'r':
        return text_to_number(optarg, PLAYERS_RATE_MAX, &ret->rate);
    case 's':
        return text_to_number(optarg, UINT32_MAX, &ret->seconds);
    case 'o':
        return parse_rows(optarg, ret);
    case 'b':
        return optind < argc && text_to_number(optarg, UINT64_MAX, &ret->from_ms) &&
               text_to_number(argv[optind++], UINT64_MAX, &ret->to_ms);
    default:
        return false;
    }
}

static bool parse_options(int argc, char *argv[], struct players_options *ret)
{
    static const struct option names[] = {{"target", required_argument, NULL, 't'},
                                          {"log", required_argument, NULL, 'l'},
                                          {"verify", required_argument, NULL, 'v'},
                                          {"players", required_argument, NULL, 'p'},
                                          {"rate", required_argument, NULL, 'r'},
                                          {"seconds", required_argument, NULL, 's'},
                                          {"rows", required_argument, NULL, 'o'},
                                          {"between", required_argument, NULL, 'b'},
                                          {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1)
        if (!take_option(option, argc, argv, ret))
            return false;
    if (optind != argc || ret->players == 0 || ret->rate == 0)
        return false;
    return ret->verify != NULL || (ret->target != NULL && ret->log != NULL);
}

/* lost: NULL if nothing was read back. */
static void print_figures(const struct player_log_figures *figures, const uint64_t *lost,
                          uint64_t unreported)
{
    (void)printf("{\"requests\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"acknowledged_writes\":%" PRIu64
                 ",\"lost_writes\":",
                 figures->requests, figures->failed, figures->acknowledged);
    if (lost != NULL)
        (void)printf("%" PRIu64, *lost);
    else
        (void)printf("null");
    (void)printf(",\"unreported\":%" PRIu64 ",\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f"
                 ",\"from_ms\":%" PRIu64 ",\"to_ms\":%" PRIu64 "}\n",
                 unreported, (double)figures->p50_us / 1000, (double)figures->p99_us / 1000,
                 (double)figures->max_us / 1000, figures->from_ms, figures->to_ms);
}

static enum error_code run(const struct players_options *options, uint64_t *lost, struct error *err)
{
    void *memory = talloc_new(NULL);
    bool reads_back = options->verify != NULL && options->target != NULL;
    struct player_log_contents contents = {.write_count = 0};
    uint64_t unreported = 0;
    enum error_code code = ERROR_OK;

    if (options->verify == NULL)
        code = players_play(options, err);
    if (code == ERROR_OK)
        code = player_log_read(memory, options->verify != NULL ? options->verify : options->log,
                               options->from_ms, options->to_ms, &contents, err);
    if (code == ERROR_OK && reads_back)
        code = players_verify(options, &contents, lost, &unreported, err);
    if (code == ERROR_OK)
        print_figures(&contents.figures, reads_back ? lost : NULL, unreported);
    talloc_free(memory);
    return code;
}

int main(int argc, char *argv[])
{
    struct players_options options = {.players = 60, .rate = 200, .to_ms = UINT64_MAX};
    struct error err = {.code = ERROR_OK};
    uint64_t lost = 0;

    if (!parse_options(argc, argv, &options))
        return usage();
    if (sodium_init() < 0)
        return EXIT_FAILURE;
    (void)signal(SIGPIPE, SIG_IGN);
    if (run(&options, &lost, &err) != ERROR_OK) {
        (void)fprintf(stderr, "hokm-players: %s\n", err.detail);
        return error_code_exit_status(err.code);
    }
    return lost == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
