#include "coordinator/server/config_window.h"

#include "common/base/memory.h"

#include <string.h>

#define DAY_MINUTES   1440
#define MINUTE_MS     60000u
#define MOMENT_FORMAT "dddd-dd-ddTdd:ddZ"
#define YEAR_FIRST    1970
#define YEAR_LAST     9999

static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static size_t day_number(const char *name)
{
    size_t day = 0;

    while (day < ARRAY_LEN(days) && strcmp(days[day], name) != 0)
        day++;
    return day;
}

static const char *day_fault(const char *value)
{
    return day_number(value) < ARRAY_LEN(days) ? NULL : "not mon, tue, wed, thu, fri, sat or sun";
}

/* A d of the format is a digit, anything else itself. */
static bool has_format(const char *value, const char *format)
{
    if (strlen(value) != strlen(format))
        return false;
    for (size_t i = 0; format[i] != '\0'; i++)
        if (format[i] == 'd' ? value[i] < '0' || value[i] > '9' : value[i] != format[i])
            return false;
    return true;
}

/* The digits are there: has_format(). */
static unsigned number_at(const char *value, size_t at, size_t digits)
{
    unsigned number = 0;

    for (size_t i = at; i < at + digits; i++)
        number = number * 10 + (unsigned)(value[i] - '0');
    return number;
}

static unsigned minutes_at(const char *value, size_t at)
{
    return number_at(value, at, 2) * 60 + number_at(value, at + 3, 2);
}

static const char *clock_fault(const char *value)
{
    return has_format(value, "dd:dd") && number_at(value, 3, 2) < 60 &&
                   minutes_at(value, 0) <= DAY_MINUTES
               ? NULL
               : "not a time of the day in UTC, such as \"02:00\" (quoted)";
}

static unsigned month_days(unsigned year, unsigned month)
{
    static const unsigned lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return lengths[month - 1] + (month == 2 && is_leap);
}

static const char *moment_fault(const char *value)
{
    unsigned year, month, day;

    if (!has_format(value, MOMENT_FORMAT))
        return "not a moment in UTC, such as 2026-12-20T00:00Z";
    year = number_at(value, 0, 4);
    month = number_at(value, 5, 2);
    day = number_at(value, 8, 2);
    if (year < YEAR_FIRST || month < 1 || month > 12 || day < 1 || day > month_days(year, month) ||
        number_at(value, 14, 2) >= 60 || minutes_at(value, 11) >= DAY_MINUTES)
        return "not a moment that there is";
    return NULL;
}

static uint64_t moment_ms(const char *value)
{
    unsigned year = number_at(value, 0, 4);
    unsigned month = number_at(value, 5, 2);
    uint64_t day = number_at(value, 8, 2) - 1u;

    for (unsigned y = YEAR_FIRST; y < year && y < YEAR_LAST; y++)
        day += 337u + month_days(y, 2); /* all months but February have 337 days */
    for (unsigned m = 1; m < month; m++)
        day += month_days(year, m);
    return day * WINDOW_DAY_MS + (uint64_t)minutes_at(value, 11) * MINUTE_MS;
}

static const struct yaml_key window_rows[] = {
    {.key = "days",
     .kind = YAML_KIND_NAMES,
     .offset = offsetof(struct window_config, days),
     .count_offset = offsetof(struct window_config, day_count),
     .value_fault = day_fault,
     .min = 1,
     .max = ARRAY_LEN(days),
     .doc = "on which it begins, mon to sun; none: every day"},
    {.key = "from",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct window_config, from),
     .value_fault = clock_fault,
     .is_required = true,
     .doc = "HH:MM, UTC"},
    {.key = "to",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct window_config, to),
     .value_fault = clock_fault,
     .is_required = true,
     .doc = "HH:MM, UTC; of the next day, if that is not later than from"},
};
const struct yaml_table config_window_table = YAML_TABLE(struct window_config, window_rows);

static const struct yaml_key freeze_rows[] = {
    {.key = "from",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct freeze_config, from),
     .value_fault = moment_fault,
     .is_required = true,
     .doc = "YYYY-MM-DDTHH:MMZ"},
    {.key = "to",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct freeze_config, to),
     .value_fault = moment_fault,
     .is_required = true,
     .doc = "YYYY-MM-DDTHH:MMZ, the first moment after it"},
    {.key = "why",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct freeze_config, why),
     .is_required = true,
     .min = 1,
     .max = WINDOW_WHY_SIZE - 1,
     .doc = "what whoever is refused is told"},
};

static bool is_faulty_freeze(const void *filled, struct yaml_fault *ret)
{
    const struct freeze_config *freeze = filled;

    if (moment_ms(freeze->from) < moment_ms(freeze->to))
        return false;
    ret->key = "to";
    (void)text_format(ret->sentence, sizeof(ret->sentence), "%.32s is not later than from, %.32s",
                      freeze->to, freeze->from);
    return true;
}
const struct yaml_table config_freeze_table =
    YAML_CHECKED_TABLE(struct freeze_config, freeze_rows, is_faulty_freeze);

static struct window window_of(const struct window_config *config)
{
    struct window window = {.days = config->day_count == 0 ? WINDOW_ALL_DAYS : 0,
                            .from_ms = (uint64_t)minutes_at(config->from, 0) * MINUTE_MS,
                            .to_ms = (uint64_t)minutes_at(config->to, 0) * MINUTE_MS};

    for (size_t i = 0; i < config->day_count; i++)
        window.days |= UINT64_C(1) << day_number(config->days[i]);
    return window;
}

struct windows config_windows(const struct window_config *windows, size_t window_count,
                              const struct freeze_config *freezes, size_t freeze_count,
                              const void *parent)
{
    struct windows ret = {.window_count = window_count, .freeze_count = freeze_count};

    ret.windows = memory_array(parent, struct window, window_count + 1);
    ret.freezes = memory_array(parent, struct freeze, freeze_count + 1);
    for (size_t i = 0; i < window_count; i++)
        ret.windows[i] = window_of(&windows[i]);
    for (size_t i = 0; i < freeze_count; i++) {
        ret.freezes[i].from_ms = moment_ms(freezes[i].from);
        ret.freezes[i].to_ms = moment_ms(freezes[i].to);
        (void)text_copy(ret.freezes[i].why, WINDOW_WHY_SIZE, freezes[i].why);
    }
    return ret;
}
