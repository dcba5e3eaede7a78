/* game.h: the rules of Hokm on one room's state.  No I/O: the store loads a room under its row
 * lock, a rule changes it or says why not, the store writes it back.
 *
 * Four seats, opposite ones are a team.  The hakem sees the first five cards and calls trump, leads
 * the first trick; who holds a card of the led suit must follow; thirteen tricks, then the result.
 */
#ifndef TESTS_HOKM_GAME_H
#define TESTS_HOKM_GAME_H

#include "tests/hokm/card.h"

#include <stdint.h>

#define GAME_TRICKS     13
#define GAME_FIRST_HAND 5 /* cards that the hakem sees before calling */

enum game_phase { GAME_SEATING, GAME_CALLING, GAME_PLAYING, GAME_FINISHED, GAME_PHASE_COUNT };

struct game_seat {
    int64_t player; /* 0: free */
    char hand[CARD_HAND_SIZE];
};

struct game {
    int64_t room;
    enum game_phase phase;
    int hakem;  /* seat */
    char trump; /* suit; 0 before the call */
    int trick;  /* tricks completed */
    int turn;   /* the seat that acts next */
    int tricks[2];
    int seat_count;
    struct game_seat seats[CARD_SEATS];
    int table_count;                       /* cards of the trick on the table */
    char table[CARD_SEATS][CARD_SIZE + 1]; /* in the order played */
    int table_seat[CARD_SEATS];
};

const char *game_phase_name(enum game_phase phase);
bool game_phase_from_name(const char *name, enum game_phase *ret);

int game_seat_of(const struct game *game, int64_t player); /* -1: not at this table */

/* Each returns NULL, or the sentence that refuses, with the game untouched. */
const char *game_join(struct game *game, int64_t player);
const char *game_call(struct game *game, int64_t player, const char *suit);
const char *game_play(struct game *game, int64_t player, const char *card);

/* What a play did, as far as the store must know it. */
int game_leader(const struct game *game); /* the seat that won the full table */
int game_winner(const struct game *game); /* the team with more tricks */

/* True if the seat may put that card now, as far as suits go. */
bool game_card_follows(const struct game *game, const char *hand, const char *card);

#endif
