/* The rules of Hokm. */
#include "support/suite.h"
#include "tests/hokm/game.h"

#include <string.h>

static const char *first_legal(const struct game *game)
{
    static char card[CARD_SIZE + 1];
    const char *hand = game->seats[game->turn].hand;

    for (; *hand != '\0'; hand += CARD_SIZE) {
        memcpy(card, hand, CARD_SIZE);
        if (game_card_follows(game, game->seats[game->turn].hand, card))
            return card;
    }
    return "";
}

static struct game seated(void)
{
    struct game game = {.room = 1};

    for (int64_t player = 11; player <= 14; player++)
        ck_assert_ptr_null(game_join(&game, player));
    return game;
}

/* Seat 0 leads; every hand is given. */
static struct game playing(char trump, const char *const hands[CARD_SEATS])
{
    struct game game = seated();

    game.hakem = game.turn = 0;
    game.trump = trump;
    game.phase = GAME_PLAYING;
    for (size_t i = 0; i < CARD_SEATS; i++)
        memcpy(game.seats[i].hand, hands[i], strlen(hands[i]) + 1);
    return game;
}

START_TEST(the_fourth_player_starts_the_call_and_all_52_cards_are_dealt)
{
    struct game game = seated();
    size_t cards = 0;

    ck_assert_int_eq(game.phase, GAME_CALLING);
    ck_assert_str_eq(game_join(&game, 15), "the room is full");
    for (const char *suit = "SHDC"; *suit != '\0'; suit++) {
        for (const char *rank = "23456789TJQKA"; *rank != '\0'; rank++) {
            const char card[] = {*rank, *suit, '\0'};

            for (size_t i = 0; i < CARD_SEATS; i++)
                cards += card_find(game.seats[i].hand, card) != NULL;
        }
    }
    ck_assert_uint_eq(cards, CARD_DECK);
}
END_TEST

START_TEST(only_the_hakem_calls_trump_and_only_a_suit)
{
    struct game game = seated();
    int64_t hakem = game.seats[game.hakem].player;
    int64_t other = game.seats[(game.hakem + 1) % CARD_SEATS].player;

    ck_assert_str_eq(game_call(&game, other, "S"), "only the hakem calls trump");
    ck_assert_ptr_nonnull(game_call(&game, hakem, "X"));
    ck_assert_ptr_nonnull(game_call(&game, hakem, ""));
    ck_assert_ptr_null(game_call(&game, hakem, "S"));
    ck_assert_ptr_nonnull(game_call(&game, hakem, "H"));
}
END_TEST

START_TEST(who_holds_the_led_suit_must_follow_it)
{
    struct game game = playing('C', (const char *const[]){"2S3H", "4S5H", "6D7D", "8S9S"});

    ck_assert_ptr_null(game_play(&game, 11, "2S"));
    ck_assert_str_eq(game_play(&game, 13, "6D"), "it is another seat's turn");
    ck_assert_str_eq(game_play(&game, 12, "AS"), "the card is not in this hand");
    ck_assert_str_eq(game_play(&game, 12, "5H"), "follow suit");
    ck_assert_ptr_null(game_play(&game, 12, "4S"));
    ck_assert_ptr_null(game_play(&game, 13, "6D")); /* holds no spade */
}
END_TEST

START_TEST(the_highest_trump_wins_the_trick_else_the_highest_of_the_led_suit)
{
    struct game game = playing('C', (const char *const[]){"2S3H", "AS5H", "2C7D", "3C9D"});

    ck_assert_ptr_null(game_play(&game, 11, "2S"));
    ck_assert_ptr_null(game_play(&game, 12, "AS"));
    ck_assert_ptr_null(game_play(&game, 13, "2C"));
    ck_assert_ptr_null(game_play(&game, 14, "3C"));
    ck_assert_int_eq(game.turn, 3);
    ck_assert_int_eq(game.tricks[1], 1);

    game.table_count = 0;
    ck_assert_ptr_null(game_play(&game, 14, "9D"));
    ck_assert_ptr_null(game_play(&game, 11, "3H"));
    ck_assert_ptr_null(game_play(&game, 12, "5H"));
    ck_assert_ptr_null(game_play(&game, 13, "7D"));
    ck_assert_int_eq(game.turn, 3);
}
END_TEST

START_TEST(thirteen_tricks_end_the_game_with_a_winner)
{
    struct game game = seated();

    ck_assert_ptr_null(game_call(&game, game.seats[game.hakem].player, "H"));
    for (int i = 0; i < CARD_DECK; i++) {
        if (game.table_count == CARD_SEATS)
            game.table_count = 0;
        ck_assert_int_eq(game.phase, GAME_PLAYING);
        ck_assert_ptr_null(game_play(&game, game.seats[game.turn].player, first_legal(&game)));
    }
    ck_assert_int_eq(game.phase, GAME_FINISHED);
    ck_assert_int_eq(game.tricks[0] + game.tricks[1], GAME_TRICKS);
    ck_assert_int_gt(game.tricks[game_winner(&game)], GAME_TRICKS / 2);
}
END_TEST

START_TEST(every_phase_has_a_name_that_leads_back_to_it)
{
    enum game_phase phase = GAME_PHASE_COUNT;

    ck_assert(game_phase_from_name(game_phase_name((enum game_phase)_i), &phase));
    ck_assert_int_eq(phase, _i);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, the_fourth_player_starts_the_call_and_all_52_cards_are_dealt);
    tcase_add_test(tcase, only_the_hakem_calls_trump_and_only_a_suit);
    tcase_add_test(tcase, who_holds_the_led_suit_must_follow_it);
    tcase_add_test(tcase, the_highest_trump_wins_the_trick_else_the_highest_of_the_led_suit);
    tcase_add_test(tcase, thirteen_tricks_end_the_game_with_a_winner);
    tcase_add_loop_test(tcase, every_phase_has_a_name_that_leads_back_to_it, 0, GAME_PHASE_COUNT);
}

SUITE("hokm_game", {.name = "rules", .add = add_all})
