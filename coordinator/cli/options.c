#include "coordinator/cli/options.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "coordinator/core/planner.h"

#include <string.h>

static enum error_code read_wave(char *word, uint32_t *ret, struct error *err)
{
    bool is_share = text_ends_with(word, "%");
    uint64_t number;

    if (is_share)
        word[strlen(word) - 1] = '\0';
    if (!text_to_number(word, is_share ? 100 : PLAN_SHARE - 1, &number) || number == 0)
        return error_set(err, ERROR_USAGE,
                         "--wave takes counts and percentages, such as 1,25%%,100%%");
    *ret = (uint32_t)number + (is_share ? PLAN_SHARE : 0);
    return ERROR_OK;
}

enum error_code options_read_waves(const char *text, const void *parent, uint32_t **ret,
                                   size_t *ret_count, struct error *err)
{
    uint32_t *waves = memory_array(parent, uint32_t, PLAN_WAVES_MAX);
    char *copy = memory_text(waves, text);
    char *rest = NULL;
    size_t count = 0;

    for (char *word = strtok_r(copy, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
        if (count == PLAN_WAVES_MAX)
            return error_set(err, ERROR_USAGE, "--wave takes at most %d waves", PLAN_WAVES_MAX);
        if (read_wave(word, &waves[count++], err) != ERROR_OK)
            return err->code;
    }
    if (count == 0)
        return error_set(err, ERROR_USAGE, "--wave takes counts and percentages");
    *ret = waves;
    *ret_count = count;
    return ERROR_OK;
}

static enum error_code read_names(const char *text, const void *parent, struct name_item **ret,
                                  size_t *ret_count, struct error *err)
{
    struct name_item *names = memory_array(parent, struct name_item, REPORT_SERVERS_MAX);
    char *copy = memory_text(names, text);
    char *rest = NULL;
    size_t count = 0;

    for (char *word = strtok_r(copy, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
        if (count == REPORT_SERVERS_MAX || !text_copy(names[count++].name, NAME_SIZE, word))
            return error_set(err, ERROR_USAGE, "--except: too many names, or too long a one");
    }
    *ret = names;
    *ret_count = count;
    return ERROR_OK;
}

static enum error_code read_choice(const struct cli *cli, const char *flag,
                                   const struct field_names *names, unsigned *ret,
                                   struct error *err)
{
    const char *value = cli_flag(cli, flag);

    if (value != NULL && !field_value_of(names, value, strlen(value), ret))
        return error_set(err, ERROR_USAGE, "%s does not take \"%s\"", flag, value);
    return ERROR_OK;
}

enum error_code options_read_strategy(const struct cli *cli, enum strategy *ret, struct error *err)
{
    static const enum strategy planned[] = {STRATEGY_ROLLING, STRATEGY_BLUE_GREEN, STRATEGY_TWIN,
                                            STRATEGY_MAINTENANCE, STRATEGY_SHADOW};
    const char *value = cli_flag(cli, "--strategy");

    for (size_t i = 0; value != NULL && i < ARRAY_LEN(planned); i++) {
        if (strcmp(value, word_of(&strategy_names, planned[i])) != 0)
            continue;
        *ret = planned[i];
        return ERROR_OK;
    }
    return value == NULL ? ERROR_OK
                         : error_set(err, ERROR_USAGE,
                                     "--strategy is rolling, blue-green, database-blue-green, "
                                     "maintenance or shadow, "
                                     "not \"%.64s\"",
                                     value);
}

static enum error_code read_choices(const struct cli *cli, struct rollout_options *ret,
                                    struct error *err)
{
    unsigned on_lost = ret->on_lost;
    unsigned on_failure = ret->on_failure;
    unsigned on_inconclusive = ret->on_inconclusive;
    unsigned on_drain_late = ret->on_drain_late;

    if (read_choice(cli, "--on-drain-late", &drain_policy_names, &on_drain_late, err) != ERROR_OK ||
        read_choice(cli, "--on-lost", &lost_policy_names, &on_lost, err) != ERROR_OK ||
        read_choice(cli, "--on-failure", &failure_policy_names, &on_failure, err) != ERROR_OK ||
        read_choice(cli, "--on-inconclusive", &inconclusive_policy_names, &on_inconclusive, err) !=
            ERROR_OK)
        return err->code;
    ret->on_lost = (enum lost_policy)on_lost;
    ret->on_failure = (enum failure_policy)on_failure;
    ret->on_inconclusive = (enum inconclusive_policy)on_inconclusive;
    ret->on_drain_late = (enum drain_policy)on_drain_late;
    return ERROR_OK;
}

/* "1.5" at scale 100 is 150; no more places than the scale has. */
static bool read_decimal(const char *text, uint64_t scale, uint64_t *ret)
{
    char digits[32];
    const char *point = strchr(text, '.');
    size_t whole = point == NULL ? strlen(text) : (size_t)(point - text);
    uint64_t number, part;

    if (whole >= sizeof(digits))
        return false;
    memcpy(digits, text, whole);
    digits[whole] = '\0';
    if (!text_to_number(digits, UINT32_MAX, &number))
        return false;
    *ret = number * scale;
    for (point = point == NULL ? "" : point + 1; *point != '\0'; point++) {
        char digit[2] = {*point, '\0'};

        scale /= 10;
        if (scale == 0 || !text_to_number(digit, 9, &part))
            return false;
        *ret += part * scale;
    }
    return true;
}

enum error_code options_read_shares(const char *text, const void *parent,
                                    struct rollout_options *ret, struct error *err)
{
    char *copy = memory_text(parent, text);
    char *rest = NULL;

    ret->shares = memory_array(parent, uint32_t, PLAN_SHARES_MAX);
    for (char *word = strtok_r(copy, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
        bool is_share = text_ends_with(word, "%");
        bool was_all =
            ret->share_count > 0 && ret->shares[ret->share_count - 1] == SHARE_ALL_PERMILLE;
        uint64_t permille;

        if (is_share)
            word[strlen(word) - 1] = '\0';
        if (!is_share || was_all || ret->share_count == PLAN_SHARES_MAX ||
            !read_decimal(word, SHARE_ALL_PERMILLE / 100, &permille) ||
            permille > SHARE_ALL_PERMILLE)
            return error_set(err, ERROR_USAGE,
                             "--share takes at most %d growing percentages, such as 1%%,10%%,50%%",
                             PLAN_SHARES_MAX);
        ret->shares[ret->share_count++] = (uint32_t)permille;
    }
    if (ret->share_count > 0 && ret->shares[ret->share_count - 1] == SHARE_ALL_PERMILLE)
        ret->share_count--;
    return ERROR_OK;
}

/* Whoever names a limit wants it kept, and no pass where nothing can be compared. */
static enum error_code read_limits(const struct cli *cli, struct rollout_options *ret,
                                   struct error *err)
{
    const char *latency = cli_flag(cli, "--latency-max");
    const char *errors = cli_flag(cli, "--errors-max");
    char digits[32] = "";

    if (latency != NULL && (!read_decimal(latency, 100, &ret->latency_max_percent) ||
                            (ret->latency_max_percent != 0 && ret->latency_max_percent < 100)))
        return error_set(err, ERROR_USAGE,
                         "--latency-max takes a factor from 1 on, such as 1.5, or 0: \"%.32s\" is "
                         "none",
                         latency);
    if (errors != NULL && text_ends_with(errors, "%") && text_copy(digits, sizeof(digits), errors))
        digits[strlen(digits) - 1] = '\0';
    if (errors != NULL &&
        (digits[0] == '\0' || !read_decimal(digits, 10, &ret->errors_max_permille) ||
         ret->errors_max_permille > 1000))
        return error_set(err, ERROR_USAGE,
                         "--errors-max takes percent, such as 1%% or 0.5%%: \"%.32s\" is none",
                         errors);
    ret->must_compare = latency != NULL && ret->latency_max_percent != 0;
    return ERROR_OK;
}

static enum error_code read_numbers(const struct cli *cli, struct rollout_options *ret,
                                    struct error *err)
{
    const struct {
        const char *flag;
        uint64_t *value;
        bool is_duration;
    } rows[] = {
        {"--max-unavailable", &ret->max_unavailable, false},
        {"--min-ready", &ret->min_ready, false},
        {"--retries", &ret->retries, false},
        {"--soak", &ret->soak_ms, true},
        {"--steady", &ret->steady_ms, true},
        {"--gate", &ret->gate_ms, true},
        {"--drain", &ret->drain_ms, true},
        {"--drain-max", &ret->drain_max_ms, true},
        {"--replay", &ret->replay_ms, true},
        {"--hold-for", &ret->hold_ms, true},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if ((rows[i].is_duration
                 ? cli_flag_duration(cli, rows[i].flag, rows[i].value, err)
                 : cli_flag_number(cli, rows[i].flag, rows[i].value, err)) != ERROR_OK)
            return err->code;
    if (ret->max_unavailable == 0 || ret->gate_ms == 0)
        return error_set(err, ERROR_USAGE, "with %s 0 nothing could ever move",
                         ret->gate_ms == 0 ? "--gate" : "--max-unavailable");
    return ERROR_OK;
}

enum error_code options_read(const struct cli *cli, const void *parent, struct rollout_options *ret,
                             struct error *err)
{
    const char *waves = cli_flag(cli, "--wave");
    const char *except = cli_flag(cli, "--except");
    const char *canary = cli_flag(cli, "--canary");

    /* From here on a 0 is one that somebody typed. */
    planner_defaults(ret);
    ret->is_exact = true;
    if (read_numbers(cli, ret, err) != ERROR_OK || read_limits(cli, ret, err) != ERROR_OK ||
        read_choices(cli, ret, err) != ERROR_OK)
        return err->code;
    if (waves != NULL &&
        options_read_waves(waves, parent, &ret->waves, &ret->wave_count, err) != ERROR_OK)
        return err->code;
    if (except != NULL &&
        read_names(except, parent, &ret->except, &ret->except_count, err) != ERROR_OK)
        return err->code;
    if (canary != NULL && !text_copy(ret->canary, sizeof(ret->canary), canary))
        return error_set(err, ERROR_USAGE, "--canary: too long a name");
    ret->hold = cli_is_set(cli, "--hold-contract") || ret->hold_ms != 0;
    ret->accept_data_loss = cli_is_set(cli, "--accept-data-loss");
    return ERROR_OK;
}
