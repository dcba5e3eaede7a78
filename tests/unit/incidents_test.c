/* Who does not get in is logged once a minute, whoever and however many they are. */
#include "coordinator/server/incidents.h"
#include "support/suite.h"

#include <string.h>

static struct incidents incidents;
static struct telling telling;

static void set_up(void)
{
    memset(&incidents, 0, sizeof(incidents));
    memset(&telling, 0, sizeof(telling));
}

static bool is_told(enum incident incident, const char *who, uint64_t now_ms)
{
    return incidents_note(&incidents, SIDE_AGENTS, incident, who, now_ms, &telling);
}

START_TEST(every_incident_has_a_name_an_event_and_a_sentence)
{
    for (int i = INCIDENT_NONE + 1; i < INCIDENT_COUNT; i++) {
        const struct incident_row *row = incident_row((enum incident)i);

        ck_assert(row->name != NULL && row->event != NULL && row->who != NULL);
        ck_assert_uint_gt(strlen(row->detail), 20);
        ck_assert(row->level == LOG_INFO || row->level == LOG_WARNING);
        for (int j = INCIDENT_NONE; j < i; j++)
            ck_assert_str_ne(row->name, incident_row((enum incident)j)->name);
    }
    for (int i = 0; i < SIDE_COUNT; i++)
        ck_assert_ptr_nonnull(door_side_name((enum door_side)i));
}
END_TEST

START_TEST(who_knocks_again_and_again_is_told_once_a_minute_and_counted)
{
    ck_assert(is_told(INCIDENT_FOREIGN_KEY, "10.0.0.1", 70000));
    ck_assert_str_eq(telling.who, "10.0.0.1");
    ck_assert_uint_eq(telling.times, 1);
    ck_assert(!is_told(INCIDENT_FOREIGN_KEY, "10.0.0.1", 70001));
    ck_assert(is_told(INCIDENT_FOREIGN_KEY, "10.0.0.1", 70000 + REFUSALS_REPEAT_MS));
    ck_assert_uint_eq(telling.times, 2);
}
END_TEST

START_TEST(another_address_reason_or_port_is_told_at_once)
{
    ck_assert(is_told(INCIDENT_FOREIGN_KEY, "10.0.0.1", 70000));
    ck_assert(is_told(INCIDENT_FOREIGN_KEY, "10.0.0.2", 70000));
    ck_assert(is_told(INCIDENT_NO_CURVE, "10.0.0.1", 70000));
    ck_assert(
        incidents_note(&incidents, SIDE_OPERATORS, INCIDENT_NO_CURVE, "10.0.0.1", 70000, &telling));
    ck_assert_int_eq(telling.side, SIDE_OPERATORS);
}
END_TEST

START_TEST(of_a_thousand_addresses_a_few_are_told_and_the_rest_is_a_number)
{
    char who[NAME_SIZE];
    unsigned told = 0;

    for (unsigned i = 0; i < 1000; i++) {
        (void)text_format(who, sizeof(who), "10.0.%u.%u", i / 256, i % 256);
        told += is_told(INCIDENT_UNHEARD, who, 70000 + i);
    }
    ck_assert_uint_eq(told, INCIDENTS_LINES_MAX);
    ck_assert(is_told(INCIDENT_UNHEARD, "10.1.0.1", 71000 + REFUSALS_REPEAT_MS));
    ck_assert_uint_eq(telling.others, 1000 - INCIDENTS_LINES_MAX);
    ck_assert(is_told(INCIDENT_UNHEARD, "10.1.0.2", 71000 + REFUSALS_REPEAT_MS));
    ck_assert_uint_eq(telling.others, 0);
}
END_TEST

START_TEST(one_whose_address_is_not_known_waits_for_a_try_that_shows_it)
{
    ck_assert(!is_told(INCIDENT_FOREIGN_KEY, "", 70000));
    ck_assert(!incidents_next_nameless(&incidents, 70000 + INCIDENTS_NAMELESS_MS - 1, &telling));
    ck_assert(is_told(INCIDENT_FOREIGN_KEY, "10.0.0.1", 71500));
    ck_assert(!incidents_next_nameless(&incidents, 70000 + INCIDENTS_NAMELESS_MS, &telling));
}
END_TEST

START_TEST(one_whose_address_never_shows_is_told_all_the_same)
{
    ck_assert(!is_told(INCIDENT_FOREIGN_KEY, "", 70000));
    ck_assert(!is_told(INCIDENT_FOREIGN_KEY, "", 71000));
    ck_assert(incidents_next_nameless(&incidents, 70000 + INCIDENTS_NAMELESS_MS, &telling));
    ck_assert_str_eq(telling.who, "?");
    ck_assert_int_eq(telling.incident, INCIDENT_FOREIGN_KEY);
    ck_assert_uint_eq(telling.times, 2);
    ck_assert(!incidents_next_nameless(&incidents, 90000, &telling));
}
END_TEST

START_TEST(one_without_an_address_is_not_told_beside_one_that_was_told_for_the_same)
{
    ck_assert(is_told(INCIDENT_FOREIGN_KEY, "10.0.0.1", 70000));
    ck_assert(!is_told(INCIDENT_FOREIGN_KEY, "", 71000));
    ck_assert(!incidents_next_nameless(&incidents, 71000 + INCIDENTS_NAMELESS_MS, &telling));
    ck_assert(!is_told(INCIDENT_NO_CURVE, "", 71000));
    ck_assert(incidents_next_nameless(&incidents, 71000 + INCIDENTS_NAMELESS_MS, &telling));
    ck_assert_int_eq(telling.incident, INCIDENT_NO_CURVE);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, every_incident_has_a_name_an_event_and_a_sentence);
    tcase_add_test(tcase, who_knocks_again_and_again_is_told_once_a_minute_and_counted);
    tcase_add_test(tcase, another_address_reason_or_port_is_told_at_once);
    tcase_add_test(tcase, of_a_thousand_addresses_a_few_are_told_and_the_rest_is_a_number);
    tcase_add_test(tcase, one_whose_address_is_not_known_waits_for_a_try_that_shows_it);
    tcase_add_test(tcase, one_whose_address_never_shows_is_told_all_the_same);
    tcase_add_test(tcase, one_without_an_address_is_not_told_beside_one_that_was_told_for_the_same);
}

SUITE("incidents", {.add = add_all, .set_up = set_up})
