/* card.h: the 52 cards, written as two letters ("AS", "TD"), and hands as strings of them. */
#ifndef TESTS_HOKM_CARD_H
#define TESTS_HOKM_CARD_H

#include <stdbool.h>
#include <stddef.h>

#define CARD_SIZE      2 /* letters of a card; the second is its suit */
#define CARD_DECK      52
#define CARD_HAND_MAX  13
#define CARD_HAND_SIZE (CARD_HAND_MAX * CARD_SIZE + 1) /* with the terminator */
#define CARD_SEATS     4

bool card_is_suit(char letter);
bool card_is_valid(const char *card); /* exactly one card */

char card_suit(const char *card);
int card_rank(const char *card); /* 0 for a two, 12 for an ace */

/* Where in hand the card stands, or NULL. */
const char *card_find(const char *hand, const char *card);
bool card_hand_has_suit(const char *hand, char suit);
void card_remove(char *hand, const char *card); /* it must be there */

/* A shuffled deck dealt to four hands. */
void card_deal(char ret[static CARD_SEATS][CARD_HAND_SIZE]);

#endif
