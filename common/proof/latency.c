#include "common/proof/latency.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST  1024
#define WORD_SIZE   32
#define US_PER_S    UINT64_C(1000000)
#define US_PER_MS   1000.0
#define EPOCH_S_MAX (UINT64_MAX / US_PER_S / 2)

static void keep(struct latency_window *window, uint64_t took_us)
{
    if (window->kept == LATENCY_SAMPLES_MAX)
        return;
    if (window->kept == window->room) {
        size_t room = window->room == 0 ? ROOM_FIRST : window->room * 2;

        window->samples_us = memory_grow(window->parent, window->samples_us, window->room, room);
        window->room = room;
    }
    window->samples_us[window->kept++] = took_us < UINT32_MAX ? (uint32_t)took_us : UINT32_MAX;
}

/* The next of a line's words; false: there is none that fits. */
static bool take_word(const char **at, char ret[static WORD_SIZE])
{
    size_t length;

    *at += strspn(*at, " ");
    length = strcspn(*at, " \n");
    if (length == 0 || length >= WORD_SIZE)
        return false;
    memcpy(ret, *at, length);
    ret[length] = '\0';
    *at += length;
    return true;
}

bool latency_take(struct latency_window *window, const char *line)
{
    enum { CLIENT, TRANSACTION, TIME, SCRIPT, EPOCH_S, EPOCH_US, FIELDS };
    char words[FIELDS][WORD_SIZE];
    uint64_t took_us = 0, ended_s = 0, ended_us = 0;
    bool is_failed;

    for (size_t i = 0; i < FIELDS; i++)
        if (!take_word(&line, words[i]))
            return false;
    if (!text_to_number(words[EPOCH_S], EPOCH_S_MAX, &ended_s) ||
        !text_to_number(words[EPOCH_US], US_PER_S, &ended_us))
        return false;
    is_failed = !text_to_number(words[TIME], UINT64_MAX, &took_us);
    ended_us += ended_s * US_PER_S;
    if (ended_us < window->from_us || ended_us >= window->until_us)
        return true;
    if (is_failed)
        window->failed++;
    else
        keep(window, took_us);
    return true;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* By nearest rank. */
static double percentile_ms(const struct latency_window *window, size_t percent)
{
    size_t rank = (window->kept * percent + 99) / 100;

    return window->samples_us[rank == 0 ? 0 : rank - 1] / US_PER_MS;
}

struct latency latency_of(struct latency_window *window)
{
    struct latency latency = {.count = window->kept, .failed = window->failed};
    double sum_us = 0;

    if (window->kept == 0)
        return latency;
    qsort(window->samples_us, window->kept, sizeof(window->samples_us[0]), by_value);
    for (size_t i = 0; i < window->kept; i++)
        sum_us += window->samples_us[i];
    latency.mean_ms = sum_us / (double)window->kept / US_PER_MS;
    latency.p95_ms = percentile_ms(window, 95);
    latency.p99_ms = percentile_ms(window, 99);
    latency.max_ms = percentile_ms(window, 100);
    return latency;
}
