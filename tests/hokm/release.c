#include "tests/hokm/release.h"

#include "common/base/text.h"
#include "embedded_hokm_server.h"

#include <assert.h>
#include <string.h>

static const struct query_traits traits[] = {
    [QUERY_PLAYER_GET] = {.name = "player_get", .parameters = 1, .is_read = true},
    [QUERY_PLAYER_ADD] = {.name = "player_add", .parameters = 1},
    [QUERY_PLAYER_PLAYS] = {.name = "player_plays", .parameters = 1, .is_read = true},
    [QUERY_SET_NAME] = {.name = "set_name", .parameters = 2},
    [QUERY_SET_BIO] = {.name = "set_bio", .parameters = 2},
    [QUERY_SET_RATING] = {.name = "set_rating", .parameters = 2},
    [QUERY_SET_MOTTO] = {.name = "set_motto", .parameters = 2},
    [QUERY_ROOM_ADD] = {.name = "room_add", .parameters = 0},
    [QUERY_ROOM_GET] = {.name = "room_get", .parameters = 1, .is_read = true},
    [QUERY_ROOM_LOCK] = {.name = "room_lock", .parameters = 1},
    [QUERY_ROOM_SET] = {.name = "room_set", .parameters = 8},
    [QUERY_SEATS_GET] = {.name = "seats_get", .parameters = 1, .is_read = true},
    [QUERY_SEAT_ADD] = {.name = "seat_add", .parameters = 3},
    [QUERY_SEAT_SET] = {.name = "seat_set", .parameters = 3},
    [QUERY_TABLE_GET] = {.name = "table_get", .parameters = 2, .is_read = true},
    [QUERY_PLAY_ADD] = {.name = "play_add", .parameters = 6},
    [QUERY_RESULT_GET] = {.name = "result_get", .parameters = 1, .is_read = true},
    [QUERY_RESULT_SET] = {.name = "result_set", .parameters = 4},
    [QUERY_RECEIPT_GET] = {.name = "receipt_get",
                           .parameters = 1,
                           .is_read = true,
                           .sample = "00000000-0000-0000-0000-000000000000"},
    [QUERY_RECEIPT_ADD] = {.name = "receipt_add", .parameters = 4},
    [QUERY_INDEX_VALID] = {.name = "index_valid",
                           .parameters = 0,
                           .is_read = true,
                           .must_find_row = true},
};

/* Row N - 1: what the code learnt with revision N.  The last row at or below a release's own that
 * has a text is the one it uses. */
static const char *const learnt[][QUERY_COUNT] = {
    {
        [QUERY_PLAYER_GET] = embedded_player_get_0001,
        [QUERY_PLAYER_ADD] = "INSERT INTO public.players (name) VALUES ($1) RETURNING id",
        [QUERY_SET_NAME] = "UPDATE public.players SET name = $2 WHERE id = $1 RETURNING id",
        [QUERY_SET_BIO] = "UPDATE public.players SET bio = $2 WHERE id = $1 RETURNING id",
        [QUERY_ROOM_ADD] = "INSERT INTO public.rooms (phase) VALUES ('seating') RETURNING id",
        [QUERY_ROOM_GET] = embedded_room_get,
        [QUERY_ROOM_LOCK] = embedded_room_lock,
        [QUERY_ROOM_SET] = embedded_room_set,
        [QUERY_SEATS_GET] = embedded_seats_get,
        [QUERY_SEAT_ADD] = embedded_seat_add,
        [QUERY_SEAT_SET] = "UPDATE public.seats SET hand = $3 WHERE room_id = $1 AND seat = $2",
        [QUERY_TABLE_GET] = embedded_table_get,
        [QUERY_PLAY_ADD] = embedded_play_add,
        [QUERY_RESULT_GET] = "SELECT winner FROM public.rooms WHERE id = $1",
        [QUERY_RESULT_SET] = embedded_result_set_0001,
        [QUERY_RECEIPT_GET] = "SELECT kind, subject, value FROM public.receipts WHERE id = $1",
        [QUERY_RECEIPT_ADD] = embedded_receipt_add,
    },
    {
        [QUERY_PLAYER_GET] = embedded_player_get_0002,
        [QUERY_SET_RATING] = embedded_set_rating_0002,
    },
    {
        [QUERY_RESULT_GET] = "SELECT winner FROM public.room_results WHERE room_id = $1",
        [QUERY_RESULT_SET] = embedded_result_set_0003,
    },
    {
        [QUERY_PLAYER_PLAYS] = embedded_player_plays_0004,
        [QUERY_INDEX_VALID] = embedded_index_valid_0004,
    },
    {
        [QUERY_PLAYER_GET] = embedded_player_get_0005,
        [QUERY_PLAYER_ADD] = "INSERT INTO public.players (display_name) VALUES ($1) RETURNING id",
        [QUERY_SET_NAME] = "UPDATE public.players SET display_name = $2 WHERE id = $1 RETURNING id",
    },
    {
        [QUERY_PLAYER_GET] = embedded_player_get_0006,
        [QUERY_PLAYER_ADD] = embedded_player_add_0006,
        [QUERY_SET_RATING] = embedded_set_rating_0006,
    },
    {
        [QUERY_PLAYER_GET] = embedded_player_get_0007,
        [QUERY_SET_MOTTO] = "UPDATE public.players SET motto = $2 WHERE id = $1 RETURNING id",
    },
};

static const struct release releases[] = {
    {.name = "0.1", .revision = 1, .health_fails_after_ms = RELEASE_HEALTH_LASTS},
    {.name = "0.2", .revision = 2, .health_fails_after_ms = RELEASE_HEALTH_LASTS},
    {.name = "0.3", .revision = 3, .health_fails_after_ms = RELEASE_HEALTH_LASTS},
    {.name = "1.0", .revision = 4, .health_fails_after_ms = RELEASE_HEALTH_LASTS},
    {.name = "1.1", .revision = 5, .health_fails_after_ms = RELEASE_HEALTH_LASTS},
    {.name = "1.2", .revision = 6, .health_fails_after_ms = RELEASE_HEALTH_LASTS},
    {.name = "1.2-sick", .revision = 6, .health_fails_after_ms = 6000},
    {.name = "1.2-dead", .revision = 6, .health_fails_after_ms = 0},
    {.name = "1.2-slow",
     .revision = 6,
     .health_fails_after_ms = RELEASE_HEALTH_LASTS,
     .slower_ms = 60},
    {.name = "1.3", .revision = 7, .health_fails_after_ms = RELEASE_HEALTH_LASTS},
    /* It knows no more than 1.3, and stands where the history ends. */
    {.name = "1.4", .revision = 7, .health_fails_after_ms = RELEASE_HEALTH_LASTS},
};

const struct query_traits *query_traits(enum query query)
{
    assert(query < QUERY_COUNT);
    return &traits[query];
}

const struct release *release_at(size_t index)
{
    return index < ARRAY_LEN(releases) ? &releases[index] : NULL;
}

const struct release *release_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(releases); i++)
        if (strcmp(releases[i].name, name) == 0)
            return &releases[i];
    return NULL;
}

const char *release_query(const struct release *release, enum query query)
{
    assert(query < QUERY_COUNT);
    assert(release->revision > 0 && release->revision <= ARRAY_LEN(learnt));
    for (unsigned row = release->revision; row > 0; row--)
        if (learnt[row - 1][query] != NULL)
            return learnt[row - 1][query];
    return NULL;
}
