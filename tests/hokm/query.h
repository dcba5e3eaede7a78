/* query.h: what the game server asks its database, by name; which text stands behind a name is the
 * release's affair (release.h). */
#ifndef TESTS_HOKM_QUERY_H
#define TESTS_HOKM_QUERY_H

#include <stdbool.h>

#define QUERY_PARAMETERS_MAX 8

enum query {
    QUERY_PLAYER_GET,   /* id -> name, bio, games_played, games_won, rating, motto */
    QUERY_PLAYER_ADD,   /* name -> id */
    QUERY_PLAYER_PLAYS, /* id -> room, trick, card */
    QUERY_SET_NAME,     /* id, value -> id; so the three below */
    QUERY_SET_BIO,
    QUERY_SET_RATING,
    QUERY_SET_MOTTO,
    QUERY_ROOM_ADD, /* -> id */
    QUERY_ROOM_GET,
    QUERY_ROOM_LOCK,
    QUERY_ROOM_SET,
    QUERY_SEATS_GET, /* room -> player, hand, by seat */
    QUERY_SEAT_ADD,  /* room, seat, player */
    QUERY_SEAT_SET,  /* room, seat, hand */
    QUERY_TABLE_GET, /* room, trick -> seat, card, in the order played */
    QUERY_PLAY_ADD,
    QUERY_RESULT_GET,  /* room -> winner */
    QUERY_RESULT_SET,  /* room, winner, tricks of team 0, of team 1 */
    QUERY_RECEIPT_GET, /* id -> kind, subject, value */
    QUERY_RECEIPT_ADD,
    QUERY_INDEX_VALID, /* a row if the index is there and valid; only health asks */
    QUERY_COUNT
};

struct query_traits {
    const char *name;
    int parameters;
    bool is_read;       /* health executes it, with sample for every parameter */
    bool must_find_row; /* health: no row means unhealthy */
    const char *sample; /* NULL: "0" */
};

const struct query_traits *query_traits(enum query query);

#endif
