#include "tests/hokm/game.h"

#include "common/base/text.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static const char *const phase_names[] = {
    [GAME_SEATING] = "seating",
    [GAME_CALLING] = "calling",
    [GAME_PLAYING] = "playing",
    [GAME_FINISHED] = "finished",
};

const char *game_phase_name(enum game_phase phase)
{
    assert(phase < GAME_PHASE_COUNT);
    return phase_names[phase];
}

bool game_phase_from_name(const char *name, enum game_phase *ret)
{
    for (size_t i = 0; i < GAME_PHASE_COUNT; i++) {
        if (strcmp(phase_names[i], name) == 0) {
            *ret = (enum game_phase)i;
            return true;
        }
    }
    return false;
}

int game_seat_of(const struct game *game, int64_t player)
{
    for (int i = 0; i < game->seat_count; i++)
        if (game->seats[i].player == player)
            return i;
    return -1;
}

static void begin_calling(struct game *game)
{
    char hands[CARD_SEATS][CARD_HAND_SIZE];

    card_deal(hands);
    for (size_t i = 0; i < CARD_SEATS; i++)
        memcpy(game->seats[i].hand, hands[i], CARD_HAND_SIZE);
    game->hakem = (int)randombytes_uniform(CARD_SEATS);
    game->turn = game->hakem;
    game->phase = GAME_CALLING;
}

const char *game_join(struct game *game, int64_t player)
{
    if (game->phase != GAME_SEATING)
        return "the room is full";
    if (game_seat_of(game, player) >= 0)
        return "this player sits here already";
    assert(game->seat_count < CARD_SEATS);
    game->seats[game->seat_count++] = (struct game_seat){.player = player};
    if (game->seat_count == CARD_SEATS)
        begin_calling(game);
    return NULL;
}

const char *game_call(struct game *game, int64_t player, const char *suit)
{
    if (game->phase != GAME_CALLING)
        return "trump is not being called";
    if (game_seat_of(game, player) != game->hakem)
        return "only the hakem calls trump";
    if (strlen(suit) != 1 || !card_is_suit(suit[0]))
        return "no such suit: S, H, D or C";
    game->trump = suit[0];
    game->phase = GAME_PLAYING;
    return NULL;
}

bool game_card_follows(const struct game *game, const char *hand, const char *card)
{
    char led;

    if (game->table_count == 0)
        return true;
    led = card_suit(game->table[0]);
    return card_suit(card) == led || !card_hand_has_suit(hand, led);
}

static bool beats(const struct game *game, const char *card, const char *best)
{
    if (card_suit(card) == card_suit(best))
        return card_rank(card) > card_rank(best);
    return card_suit(card) == game->trump;
}

int game_leader(const struct game *game)
{
    int best = 0;

    assert(game->table_count == CARD_SEATS);
    for (int i = 1; i < CARD_SEATS; i++)
        if (beats(game, game->table[i], game->table[best]))
            best = i;
    return game->table_seat[best];
}

static void finish_trick(struct game *game)
{
    int leader = game_leader(game);

    game->tricks[leader % 2]++;
    game->turn = leader;
    game->trick++;
    if (game->trick == GAME_TRICKS)
        game->phase = GAME_FINISHED;
}

const char *game_play(struct game *game, int64_t player, const char *card)
{
    int seat = game_seat_of(game, player);
    char *hand;

    if (game->phase != GAME_PLAYING)
        return "no trick is being played";
    if (seat < 0 || seat != game->turn)
        return "it is another seat's turn";
    hand = game->seats[seat].hand;
    if (!card_is_valid(card) || card_find(hand, card) == NULL)
        return "the card is not in this hand";
    if (!game_card_follows(game, hand, card))
        return "follow suit";

    card_remove(hand, card);
    (void)text_copy(game->table[game->table_count], CARD_SIZE + 1, card);
    game->table_seat[game->table_count++] = seat;
    game->turn = (seat + 1) % CARD_SEATS;
    if (game->table_count == CARD_SEATS)
        finish_trick(game);
    return NULL;
}

int game_winner(const struct game *game)
{
    assert(game->phase == GAME_FINISHED);
    return game->tricks[0] > game->tricks[1] ? 0 : 1;
}
