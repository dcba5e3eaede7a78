#include "tests/hokm/card.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static const char ranks[] = "23456789TJQKA";
static const char suits[] = "SHDC";

bool card_is_suit(char letter)
{
    return letter != '\0' && strchr(suits, letter) != NULL;
}

bool card_is_valid(const char *card)
{
    return strlen(card) == CARD_SIZE && strchr(ranks, card[0]) != NULL && card_is_suit(card[1]);
}

char card_suit(const char *card)
{
    return card[1];
}

int card_rank(const char *card)
{
    const char *rank = strchr(ranks, card[0]);

    assert(rank != NULL);
    return (int)(rank - ranks);
}

const char *card_find(const char *hand, const char *card)
{
    for (const char *at = hand; *at != '\0'; at += CARD_SIZE)
        if (memcmp(at, card, CARD_SIZE) == 0)
            return at;
    return NULL;
}

bool card_hand_has_suit(const char *hand, char suit)
{
    for (const char *at = hand; *at != '\0'; at += CARD_SIZE)
        if (at[1] == suit)
            return true;
    return false;
}

void card_remove(char *hand, const char *card)
{
    const char *found = card_find(hand, card);
    size_t at;

    assert(found != NULL);
    at = (size_t)(found - hand);
    memmove(hand + at, hand + at + CARD_SIZE, strlen(hand + at + CARD_SIZE) + 1);
}

void card_deal(char ret[static CARD_SEATS][CARD_HAND_SIZE])
{
    unsigned deck[CARD_DECK] = {0};

    for (unsigned i = 0; i < CARD_DECK; i++) {
        unsigned other = randombytes_uniform(i + 1);

        deck[i] = deck[other];
        deck[other] = i;
    }
    for (size_t i = 0; i < CARD_DECK; i++) {
        char *hand = ret[i % CARD_SEATS] + i / CARD_SEATS * CARD_SIZE;

        hand[0] = ranks[deck[i] % CARD_HAND_MAX];
        hand[1] = suits[deck[i] / CARD_HAND_MAX];
        hand[CARD_SIZE] = '\0';
    }
}
