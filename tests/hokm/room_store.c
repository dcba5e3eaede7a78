#include "tests/hokm/room_store.h"

#include "common/base/text.h"

#include <stdlib.h>

static int number_at(const PGresult *result, int row, int column)
{
    return (int)strtol(PQgetvalue(result, row, column), NULL, 10);
}

static enum error_code read_state(const PGresult *result, struct game *game, struct error *err)
{
    if (PQntuples(result) == 0)
        return error_set(err, ERROR_NOT_FOUND, "no such room");
    if (!game_phase_from_name(PQgetvalue(result, 0, 0), &game->phase))
        return error_set(err, ERROR_CORRUPT, "no such phase: %s", PQgetvalue(result, 0, 0));
    game->hakem = number_at(result, 0, 1);
    game->trump = PQgetvalue(result, 0, 2)[0];
    game->trick = number_at(result, 0, 3);
    game->turn = number_at(result, 0, 4);
    game->tricks[0] = number_at(result, 0, 5);
    game->tricks[1] = number_at(result, 0, 6);
    return ERROR_OK;
}

static enum error_code read_seats(const PGresult *result, struct game *game, struct error *err)
{
    for (int i = 0; i < PQntuples(result) && i < CARD_SEATS; i++) {
        struct game_seat *seat = &game->seats[game->seat_count++];

        seat->player = strtoll(PQgetvalue(result, i, 0), NULL, 10);
        if (!text_copy(seat->hand, sizeof(seat->hand), PQgetvalue(result, i, 1)))
            return error_set(err, ERROR_CORRUPT, "a hand of more than 13 cards");
    }
    return ERROR_OK;
}

static enum error_code read_table(const PGresult *result, struct game *game, struct error *err)
{
    for (int i = 0; i < PQntuples(result) && i < CARD_SEATS; i++) {
        game->table_seat[i] = number_at(result, i, 0);
        if (!text_copy(game->table[i], sizeof(game->table[i]), PQgetvalue(result, i, 1)))
            return error_set(err, ERROR_CORRUPT, "no such card");
        game->table_count++;
    }
    return ERROR_OK;
}

enum error_code room_load(const struct request *request, PGconn *connection, bool lock,
                          struct game *ret, struct error *err)
{
    struct game game = {.room = request->subject};
    struct {
        enum query query;
        enum error_code (*read)(const PGresult *result, struct game *game, struct error *err);
    } parts[] = {{lock ? QUERY_ROOM_LOCK : QUERY_ROOM_GET, read_state},
                 {QUERY_SEATS_GET, read_seats},
                 {QUERY_TABLE_GET, read_table}};
    char room[DATABASE_NUMBER_SIZE], trick[DATABASE_NUMBER_SIZE];

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        const char *parameters[] = {database_number(game.room, room),
                                    database_number(game.trick, trick)};
        PGresult *result = NULL;
        enum error_code code =
            request_query(request, connection, parts[i].query, parameters, &result, err);

        if (code == ERROR_OK)
            code = parts[i].read(result, &game, err);
        PQclear(result);
        if (code != ERROR_OK)
            return code;
    }
    *ret = game;
    return ERROR_OK;
}

static enum error_code write_row(const struct request *request, PGconn *connection,
                                 enum query query, const char *const *parameters, struct error *err)
{
    PGresult *result = NULL;
    enum error_code code = request_query(request, connection, query, parameters, &result, err);

    PQclear(result);
    return code;
}

enum error_code room_store_state(const struct request *request, PGconn *connection,
                                 const struct game *game, struct error *err)
{
    char room[DATABASE_NUMBER_SIZE], hakem[DATABASE_NUMBER_SIZE], trick[DATABASE_NUMBER_SIZE];
    char turn[DATABASE_NUMBER_SIZE], tricks[2][DATABASE_NUMBER_SIZE];
    const char trump[] = {game->trump, '\0'};
    const char *parameters[] = {
        database_number(game->room, room),           game_phase_name(game->phase),
        database_number(game->hakem, hakem),         game->trump == '\0' ? NULL : trump,
        database_number(game->trick, trick),         database_number(game->turn, turn),
        database_number(game->tricks[0], tricks[0]), database_number(game->tricks[1], tricks[1])};

    return write_row(request, connection, QUERY_ROOM_SET, parameters, err);
}

enum error_code room_store_seat(const struct request *request, PGconn *connection,
                                const struct game *game, int seat, struct error *err)
{
    char room[DATABASE_NUMBER_SIZE], number[DATABASE_NUMBER_SIZE], player[DATABASE_NUMBER_SIZE];
    const char *parameters[] = {database_number(game->room, room), database_number(seat, number),
                                database_number(game->seats[seat].player, player)};

    return write_row(request, connection, QUERY_SEAT_ADD, parameters, err);
}

enum error_code room_store_hand(const struct request *request, PGconn *connection,
                                const struct game *game, int seat, struct error *err)
{
    char room[DATABASE_NUMBER_SIZE], number[DATABASE_NUMBER_SIZE];
    const char *parameters[] = {database_number(game->room, room), database_number(seat, number),
                                game->seats[seat].hand};

    return write_row(request, connection, QUERY_SEAT_SET, parameters, err);
}

enum error_code room_store_play(const struct request *request, PGconn *connection,
                                const struct game *game, int trick, struct error *err)
{
    int position = game->table_count - 1;
    int seat = game->table_seat[position];
    char room[DATABASE_NUMBER_SIZE], trick_text[DATABASE_NUMBER_SIZE];
    char seat_text[DATABASE_NUMBER_SIZE], position_text[DATABASE_NUMBER_SIZE];
    char player[DATABASE_NUMBER_SIZE];
    const char *parameters[] = {database_number(game->room, room),
                                database_number(trick, trick_text),
                                database_number(seat, seat_text),
                                database_number(position, position_text),
                                database_number(game->seats[seat].player, player),
                                game->table[position]};

    return write_row(request, connection, QUERY_PLAY_ADD, parameters, err);
}

enum error_code room_store_result(const struct request *request, PGconn *connection,
                                  const struct game *game, struct error *err)
{
    char room[DATABASE_NUMBER_SIZE], winner[DATABASE_NUMBER_SIZE], tricks[2][DATABASE_NUMBER_SIZE];
    const char *parameters[] = {
        database_number(game->room, room), database_number(game_winner(game), winner),
        database_number(game->tricks[0], tricks[0]), database_number(game->tricks[1], tricks[1])};

    return write_row(request, connection, QUERY_RESULT_SET, parameters, err);
}
