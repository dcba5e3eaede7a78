/* Rooms: load under the row lock, apply one rule, store. */
#include "common/base/text.h"
#include "tests/hokm/room_store.h"

#include <stdlib.h>
#include <string.h>

/* What player may see: his own hand; before the call the hakem sees five cards, the others none. */
static void add_hand(json_t *view, const struct game *game, int64_t player)
{
    int seat = game_seat_of(game, player);
    size_t size;

    if (seat < 0)
        return;
    size = strlen(game->seats[seat].hand);
    if (game->phase == GAME_CALLING)
        size = seat == game->hakem ? (size_t)GAME_FIRST_HAND * CARD_SIZE : 0;
    (void)json_object_set_new(view, "hand", json_stringn(game->seats[seat].hand, size));
    (void)json_object_set_new(view, "seat", json_integer(seat));
}

static json_t *view_of(const struct game *game, int64_t player)
{
    const char trump[] = {game->trump, '\0'};
    json_t *seats = json_array();
    json_t *table = json_array();
    json_t *view;

    for (int i = 0; i < game->seat_count; i++)
        (void)json_array_append_new(seats, json_integer(game->seats[i].player));
    for (int i = 0; game->table_count < CARD_SEATS && i < game->table_count; i++)
        (void)json_array_append_new(table, json_string(game->table[i]));
    view = json_pack("{s:I,s:s,s:i,s:s,s:i,s:i,s:[i,i],s:o,s:o}", "room", (json_int_t)game->room,
                     "phase", game_phase_name(game->phase), "hakem", game->hakem, "trump", trump,
                     "trick", game->trick, "turn", game->turn, "tricks", game->tricks[0],
                     game->tricks[1], "seats", seats, "table", table);
    add_hand(view, game, player);
    return view;
}

static enum error_code add_winner(const struct request *request, PGconn *connection, json_t *view,
                                  struct error *err)
{
    char room[DATABASE_NUMBER_SIZE];
    const char *parameters[] = {database_number(request->subject, room)};
    PGresult *result = NULL;
    enum error_code code =
        request_query(request, connection, QUERY_RESULT_GET, parameters, &result, err);

    if (code == ERROR_OK && PQntuples(result) > 0)
        (void)json_object_set_new(view, "winner",
                                  json_integer(strtoll(PQgetvalue(result, 0, 0), NULL, 10)));
    PQclear(result);
    return code;
}

enum error_code room_get(const struct request *request, PGconn *connection, json_t **ret,
                         struct error *err)
{
    struct game game;
    json_t *view;
    enum error_code code = room_load(request, connection, false, &game, err);

    if (code != ERROR_OK)
        return code;
    view = view_of(&game, request->viewer);
    if (game.phase == GAME_FINISHED)
        code = add_winner(request, connection, view, err);
    if (code != ERROR_OK) {
        json_decref(view);
        return code;
    }
    *ret = view;
    return ERROR_OK;
}

/* The end of every write to a room: its receipt, and the room as the player sees it now. */
static enum error_code finish(const struct game *game, int64_t player, const char *kind,
                              const char *value, struct receipt *receipt, json_t **ret)
{
    receipt->kind = kind;
    receipt->subject = game->room;
    (void)text_copy(receipt->value, sizeof(receipt->value), value);
    *ret = json_pack("{s:o}", "room", view_of(game, player));
    return ERROR_OK;
}

enum error_code room_open(const struct request *request, PGconn *connection,
                          struct receipt *receipt, json_t **ret, struct error *err)
{
    struct game game = {.phase = GAME_SEATING};
    char text[DATABASE_NUMBER_SIZE];
    PGresult *result = NULL;
    int64_t player = 0;
    enum error_code code = request_number(request, "player", &player, err);

    if (code == ERROR_OK)
        code = request_query(request, connection, QUERY_ROOM_ADD, NULL, &result, err);
    if (code != ERROR_OK)
        return code;
    game.room = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    (void)game_join(&game, player); /* nobody else sits in a new room */
    code = room_store_seat(request, connection, &game, 0, err);
    if (code != ERROR_OK)
        return code;
    return finish(&game, player, "open", database_number(player, text), receipt, ret);
}

/* Loads the room under its lock, and the player who acts. */
static enum error_code begin(const struct request *request, PGconn *connection, struct game *game,
                             int64_t *player, struct error *err)
{
    enum error_code code = request_number(request, "player", player, err);

    return code != ERROR_OK ? code : room_load(request, connection, true, game, err);
}

static enum error_code store_deal(const struct request *request, PGconn *connection,
                                  const struct game *game, struct error *err)
{
    enum error_code code = room_store_state(request, connection, game, err);

    for (int seat = 0; seat < CARD_SEATS && code == ERROR_OK; seat++)
        code = room_store_hand(request, connection, game, seat, err);
    return code;
}

enum error_code room_join(const struct request *request, PGconn *connection,
                          struct receipt *receipt, json_t **ret, struct error *err)
{
    struct game game;
    char text[DATABASE_NUMBER_SIZE];
    int64_t player = 0;
    const char *refusal;
    enum error_code code = begin(request, connection, &game, &player, err);

    if (code != ERROR_OK)
        return code;
    refusal = game_join(&game, player);
    if (refusal != NULL)
        return error_set(err, ERROR_REFUSED, "%s", refusal);
    code = room_store_seat(request, connection, &game, game.seat_count - 1, err);
    if (code == ERROR_OK && game.phase == GAME_CALLING)
        code = store_deal(request, connection, &game, err);
    if (code != ERROR_OK)
        return code;
    return finish(&game, player, "join", database_number(player, text), receipt, ret);
}

enum error_code room_trump(const struct request *request, PGconn *connection,
                           struct receipt *receipt, json_t **ret, struct error *err)
{
    struct game game;
    int64_t player = 0;
    const char *suit = NULL;
    const char *refusal;
    enum error_code code = request_text(request, "suit", 1, &suit, err);

    if (code == ERROR_OK)
        code = begin(request, connection, &game, &player, err);
    if (code != ERROR_OK)
        return code;
    refusal = game_call(&game, player, suit);
    if (refusal != NULL)
        return error_set(err, ERROR_REFUSED, "%s", refusal);
    code = room_store_state(request, connection, &game, err);
    if (code != ERROR_OK)
        return code;
    return finish(&game, player, "trump", suit, receipt, ret);
}

static enum error_code store_play(const struct request *request, PGconn *connection,
                                  const struct game *game, int seat, int trick, struct error *err)
{
    enum error_code code = room_store_play(request, connection, game, trick, err);

    if (code == ERROR_OK)
        code = room_store_hand(request, connection, game, seat, err);
    if (code == ERROR_OK)
        code = room_store_state(request, connection, game, err);
    if (code == ERROR_OK && game->phase == GAME_FINISHED)
        code = room_store_result(request, connection, game, err);
    return code;
}

enum error_code room_play(const struct request *request, PGconn *connection,
                          struct receipt *receipt, json_t **ret, struct error *err)
{
    struct game game;
    int64_t player = 0;
    int trick;
    const char *card = NULL;
    const char *refusal;
    enum error_code code = request_text(request, "card", CARD_SIZE, &card, err);

    if (code == ERROR_OK)
        code = begin(request, connection, &game, &player, err);
    if (code != ERROR_OK)
        return code;
    trick = game.trick;
    refusal = game_play(&game, player, card);
    if (refusal != NULL)
        return error_set(err, ERROR_REFUSED, "%s", refusal);
    code = store_play(request, connection, &game, game_seat_of(&game, player), trick, err);
    if (code != ERROR_OK)
        return code;
    return finish(&game, player, "play", card, receipt, ret);
}
