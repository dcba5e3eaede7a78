#include "tests/hokm/world.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "tests/hokm/game.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <string.h>

#define PROGRESS_PER_PHASE 1000

/* One table of four, as far as its players have been told. */
struct table {
    struct game game; /* hands are in the players */
    int progress;     /* never goes back: answers may overtake each other */
};

struct player {
    int64_t rows[WORLD_ROWS]; /* rows[0]: its own, 0 until it is there */
    size_t row_count;
    struct table *table; /* NULL: no four to play with */
    int64_t seated_in;   /* room */
    int64_t hand_of;     /* the room whose whole hand is known */
    char hand[CARD_HAND_SIZE];
    bool must_look; /* something unexpected: ask for the room first */
    bool is_unanswered;
    struct action action;
};

struct world {
    size_t player_count;
    struct player *players;
    struct table *tables;
    uint64_t written;
    uint32_t run; /* makes values of different runs differ */
};

struct world *world_new(const void *parent, size_t players, int64_t first_row, int64_t last_row)
{
    struct world *world = memory_new(parent, struct world);
    size_t shared = players * (WORLD_ROWS - 1);
    int64_t rows = last_row - first_row + 1;

    world->player_count = players;
    world->players = memory_array(world, struct player, players);
    world->tables = memory_array(world, struct table, players / CARD_SEATS + 1);
    world->run = randombytes_random();
    for (size_t i = 0; i < players; i++) {
        struct player *player = &world->players[i];

        player->row_count = 1;
        if (i < players / CARD_SEATS * CARD_SEATS)
            player->table = &world->tables[i / CARD_SEATS];
        for (size_t k = 0; first_row > 0 && rows >= (int64_t)shared && k < WORLD_ROWS - 1; k++)
            player->rows[player->row_count++] =
                first_row + rows / (int64_t)shared * (int64_t)(i * (WORLD_ROWS - 1) + k);
    }
    return world;
}

/* ---- what to do ---- */

static void make_id(char ret[static WORLD_ID_SIZE])
{
    uint8_t bytes[16];
    char hex[33];

    randombytes_buf(bytes, sizeof(bytes));
    text_to_hex(hex, bytes, sizeof(bytes));
    (void)text_format(ret, WORLD_ID_SIZE, "%.8s-%.4s-4%.3s-8%.3s-%.12s", hex, hex + 8, hex + 13,
                      hex + 17, hex + 20);
}

static void begin_read(struct player *player, const char *kind, const char *folder, int64_t number)
{
    struct action *action = &player->action;

    *action = (struct action){.kind = kind, .subject = number, .call.method = "GET"};
    (void)text_format(action->call.path, CLIENT_PATH_MAX, "/%s/%" PRId64, folder, number);
}

static struct action *begin_write(struct player *player, const char *kind, int64_t subject,
                                  const char *value)
{
    struct action *action = &player->action;

    *action =
        (struct action){.kind = kind, .is_write = true, .subject = subject, .call.method = "POST"};
    make_id(action->id);
    (void)text_copy(action->value, sizeof(action->value), value);
    player->is_unanswered = true;
    return action;
}

static void create_row(struct world *world, struct player *player)
{
    char name[WORLD_VALUE_MAX];
    struct action *action;

    (void)text_format(name, sizeof(name), "new-%08" PRIx32 "-%" PRIu64, world->run,
                      ++world->written);
    action = begin_write(player, "player", 0, name);
    (void)text_copy(action->call.path, CLIENT_PATH_MAX, "/players");
    (void)text_format(action->call.body, CLIENT_BODY_MAX, "{\"id\":\"%s\",\"name\":\"%s\"}",
                      action->id, name);
}

/* verb: "", or what stands behind the room; key: "suit", "card", or NULL. */
static void room_write(struct player *player, const char *kind, const char *key, const char *value)
{
    int64_t room = player->table->game.room;
    struct action *action = begin_write(player, kind, room, value);

    if (room == 0)
        (void)text_copy(action->call.path, CLIENT_PATH_MAX, "/rooms");
    else
        (void)text_format(action->call.path, CLIENT_PATH_MAX, "/room/%" PRId64 "/%s", room, kind);
    (void)text_format(action->call.body, CLIENT_BODY_MAX, "{\"id\":\"%s\",\"player\":%" PRId64,
                      action->id, player->rows[0]);
    (void)text_format(action->call.body + strlen(action->call.body),
                      CLIENT_BODY_MAX - strlen(action->call.body),
                      key != NULL ? ",\"%s\":\"%s\"}" : "}", key, value);
}

static void look_at_room(struct player *player)
{
    char *path = player->action.call.path;
    size_t length;

    begin_read(player, "get_room", "room", player->table->game.room);
    length = strlen(path);
    (void)text_format(path + length, CLIENT_PATH_MAX - length, "?player=%" PRId64, player->rows[0]);
    player->must_look = false;
}

static void play_a_card(struct player *player)
{
    const struct game *game = &player->table->game;
    char card[CARD_SIZE + 1] = "";

    /* A hand that is not known, or that another answer has emptied meanwhile, is looked at anew. */
    if (player->hand_of != game->room || player->hand[0] == '\0') {
        look_at_room(player);
        return;
    }
    for (const char *at = player->hand; *at != '\0'; at += CARD_SIZE) {
        memcpy(card, at, CARD_SIZE);
        if (game_card_follows(game, player->hand, card))
            break;
    }
    room_write(player, "play", "card", card);
}

static bool all_have_rows(const struct world *world, const struct player *player)
{
    size_t first = (size_t)(player - world->players) / CARD_SEATS * CARD_SEATS;

    for (size_t i = first; i < first + CARD_SEATS; i++)
        if (world->players[i].rows[0] == 0)
            return false;
    return true;
}

/* False if the game wants nothing of this player now. */
static bool play_on(struct world *world, struct player *player)
{
    static const char suits[CARD_SEATS][2] = {"S", "H", "D", "C"};
    const struct game *game = &player->table->game;
    bool is_first = (size_t)(player - world->players) % CARD_SEATS == 0;
    char own[WORLD_VALUE_MAX];
    int seat;

    (void)text_format(own, sizeof(own), "%" PRId64, player->rows[0]);
    if (game->room == 0) {
        if (is_first && all_have_rows(world, player))
            room_write(player, "open", NULL, own);
        return player->is_unanswered;
    }
    seat = game_seat_of(game, player->rows[0]);
    if (player->must_look)
        look_at_room(player);
    else if (game->phase == GAME_SEATING && player->seated_in != game->room)
        room_write(player, "join", NULL, own);
    else if (game->phase == GAME_CALLING && seat == game->hakem)
        room_write(player, "trump", "suit", suits[randombytes_uniform(CARD_SEATS)]);
    else if (game->phase == GAME_PLAYING && seat == game->turn)
        play_a_card(player);
    else
        return false;
    return true;
}

/* The newest release's field is tried by all: an older one refuses it by its rules. */
static void write_field(struct world *world, struct player *player, int64_t row)
{
    static const char *const fields[] = {"name",   "bio",  "rating", "name",   "bio",
                                         "rating", "name", "bio",    "rating", "motto"};
    const char *field = fields[randombytes_uniform(ARRAY_LEN(fields))];
    char value[WORLD_VALUE_MAX];
    struct action *action;

    world->written++;
    if (strcmp(field, "rating") == 0)
        (void)text_format(value, sizeof(value), "%" PRIu64, 1000 + world->written % 900000);
    else
        (void)text_format(value, sizeof(value), "%s-%08" PRIx32 "-%" PRIu64, field, world->run,
                          world->written);
    action = begin_write(player, field, row, value);
    action->call.method = "PUT";
    (void)text_format(action->call.path, CLIENT_PATH_MAX, "/player/%" PRId64, row);
    (void)text_format(action->call.body, CLIENT_BODY_MAX,
                      "{\"id\":\"%s\",\"field\":\"%s\",\"value\":\"%s\"}", action->id, field,
                      value);
}

const struct action *world_next(struct world *world, size_t index)
{
    struct player *player = &world->players[index];
    uint32_t choice = randombytes_uniform(10);
    int64_t row = player->rows[randombytes_uniform((uint32_t)player->row_count)];

    assert(index < world->player_count);
    if (player->is_unanswered)
        return &player->action;
    if (player->rows[0] == 0)
        create_row(world, player);
    else if (player->table != NULL && play_on(world, player))
        return &player->action;
    else if (choice < 5)
        write_field(world, player, row);
    else if (choice < 9 || player->table == NULL || player->table->game.room == 0)
        begin_read(player, "get_player", "player", row);
    else
        look_at_room(player);
    return &player->action;
}

/* ---- what was learnt ---- */

static void copy_list(json_t *view, struct game *game)
{
    const json_t *seats = json_object_get(view, "seats");
    const json_t *table = json_object_get(view, "table");

    game->seat_count = 0;
    for (size_t i = 0; i < json_array_size(seats) && i < CARD_SEATS; i++)
        game->seats[game->seat_count++].player = json_integer_value(json_array_get(seats, i));
    game->table_count = 0;
    for (size_t i = 0; i < json_array_size(table) && i < CARD_SEATS; i++) {
        const char *card = json_string_value(json_array_get(table, i));

        if (card != NULL && card_is_valid(card))
            (void)text_copy(game->table[game->table_count++], CARD_SIZE + 1, card);
    }
}

/* The table's copy follows the newest view; the hand is this player's own business. */
static void learn_room(struct player *player, json_t *view)
{
    struct table *table = player->table;
    struct game game = {.phase = GAME_SEATING};
    const char *phase = NULL, *trump = NULL, *hand = NULL;
    json_int_t room = 0;
    int progress;

    if (json_unpack(view, "{s:I,s:s,s:s,s:i,s:i,s:i,s?s}", "room", &room, "phase", &phase, "trump",
                    &trump, "hakem", &game.hakem, "trick", &game.trick, "turn", &game.turn, "hand",
                    &hand) != 0 ||
        !game_phase_from_name(phase, &game.phase))
        return;
    if (table->game.room != 0 && room != table->game.room)
        return;
    game.room = room;
    game.trump = trump[0];
    copy_list(view, &game);
    if (game_seat_of(&game, player->rows[0]) >= 0)
        player->seated_in = room;
    if (hand != NULL && game.phase == GAME_PLAYING &&
        text_copy(player->hand, sizeof(player->hand), hand))
        player->hand_of = room;
    progress = (int)game.phase * PROGRESS_PER_PHASE + game.trick * CARD_SEATS + game.table_count;
    if (game.phase == GAME_SEATING)
        progress += game.seat_count;
    if (progress < table->progress && table->game.room != 0)
        return;
    table->game = game;
    table->progress = progress;
    if (game.phase == GAME_FINISHED)
        *table = (struct table){.progress = 0}; /* the next game, in a new room */
}

static void learn_write(struct player *player, json_t *answer)
{
    struct action *action = &player->action;
    json_t *receipt = json_object_get(answer, "receipt");
    json_t *view = json_object_get(answer, "room");
    bool is_of_room = strcmp(action->kind, "open") == 0 || strcmp(action->kind, "join") == 0 ||
                      strcmp(action->kind, "trump") == 0 || strcmp(action->kind, "play") == 0;

    if (action->subject == 0)
        action->subject = json_integer_value(json_object_get(receipt, "subject"));
    if (strcmp(action->kind, "player") == 0)
        player->rows[0] = action->subject;
    if (view != NULL && player->table != NULL)
        learn_room(player, view);
    if (is_of_room && view == NULL) { /* done before, under the same id */
        if (player->table->game.room == 0)
            player->table->game.room = action->subject;
        player->must_look = true;
    }
}

bool world_answer(struct world *world, size_t index, long status, const char *text)
{
    struct player *player = &world->players[index];
    json_t *answer;
    bool is_acknowledged = player->action.is_write && status == 200;

    if (status != 200) {
        /* Refused or wrong: over.  Anything else may have happened: the same again. */
        if (status >= 400 && status < 500)
            player->is_unanswered = false;
        player->must_look = player->table != NULL && player->table->game.room != 0;
        return false;
    }
    answer = json_loads(text, 0, NULL);
    player->is_unanswered = false;
    if (player->action.is_write)
        learn_write(player, answer);
    else if (player->table != NULL && strcmp(player->action.kind, "get_room") == 0)
        learn_room(player, answer);
    json_decref(answer);
    return is_acknowledged;
}
