/* What is said: msgpack and JSON of records, their limits, and facts as the journal keeps them. */
#include "common/base/memory.h"
#include "proto/copy.h"
#include "proto/fact.h"
#include "proto/json.h"
#include "proto/pack.h"
#include "proto/scan.h"
#include "support/suite.h"

#include <string.h>

static void *memory;
static struct error err;

static void set_up(void)
{
    memory = talloc_new(NULL);
    err.code = ERROR_OK;
    err.detail[0] = '\0';
}

static void tear_down(void)
{
    talloc_free(memory);
}

static struct text *packed(const struct record *record, const void *body)
{
    struct text *ret = text_new(memory, SIZE_MAX);

    pack_record(record, body, ret);
    return ret;
}

static const struct record *record_of(enum message_type type)
{
    return message_row(type)->record;
}

static enum error_code unpacked(const struct record *record, const void *bytes, size_t size)
{
    void *body = memory_zeroed(memory, 1, record->size, "body");

    return unpack_record(record, bytes, size, body, body, &err);
}

#define UNPACK(type, literal) unpacked(record_of(type), literal, sizeof(literal) - 1)

/* ---- limits ---- */

START_TEST(a_value_of_another_kind_is_refused_by_name)
{
    ck_assert_int_eq(UNPACK(MESSAGE_BEAT, "\x81\xa5is_up\x01"), ERROR_PROTOCOL);
    ck_assert_str_eq(err.detail, "beat.is_up is not true or false");
    ck_assert_int_eq(UNPACK(MESSAGE_PROGRESS, "\x81\xa4"
                                              "done\xff"),
                     ERROR_PROTOCOL);
    ck_assert_int_eq(UNPACK(MESSAGE_PROGRESS, "\x81\xa4text\xc0"), ERROR_PROTOCOL);
    ck_assert_int_eq(UNPACK(MESSAGE_OUTCOME, "\x81\xa7outcome\xa5never"), ERROR_PROTOCOL);
    ck_assert_int_eq(UNPACK(MESSAGE_ADOPT, "\x81\xa4open\x80"), ERROR_PROTOCOL);
    ck_assert_int_eq(UNPACK(MESSAGE_CHUNK, "\x81\xa5"
                                           "bytes\xa1x"),
                     ERROR_PROTOCOL);
    ck_assert_int_eq(UNPACK(MESSAGE_BEAT, "\x91\xc3"), ERROR_PROTOCOL);
    ck_assert_int_eq(UNPACK(MESSAGE_BEAT, "\x81\xa5is_up\xc3"), ERROR_OK);
}
END_TEST

START_TEST(a_key_that_nobody_knows_is_passed_over)
{
    ck_assert_int_eq(UNPACK(MESSAGE_BEAT, "\x82\xa5later\x93\x01\x02\x03\xa5is_up\xc3"), ERROR_OK);
}
END_TEST

START_TEST(a_key_that_stands_twice_is_refused)
{
    ck_assert_int_eq(UNPACK(MESSAGE_BEAT, "\x82\xa5is_up\xc3\xa5is_up\xc2"), ERROR_PROTOCOL);
}
END_TEST

START_TEST(a_text_that_does_not_fit_is_refused_and_one_that_just_fits_is_not)
{
    struct progress progress = {.done = 1};
    struct text *bytes;

    memset(progress.text, 'x', sizeof(progress.text) - 1);
    bytes = packed(record_of(MESSAGE_PROGRESS), &progress);
    ck_assert_int_eq(unpacked(record_of(MESSAGE_PROGRESS), bytes->data, bytes->size), ERROR_OK);
    /* str8 of 127 bytes: one more is 128, and one more byte. */
    for (size_t i = 0; i + 1 < bytes->size; i++)
        if ((uint8_t)bytes->data[i] == 0xd9 && bytes->data[i + 1] == 127) {
            bytes->data[i + 1] = (char)128;
            text_append(bytes, "x");
            break;
        }
    ck_assert_int_eq(unpacked(record_of(MESSAGE_PROGRESS), bytes->data, bytes->size),
                     ERROR_PROTOCOL);
    ck_assert_str_eq(err.detail, "progress.text is too long");
}
END_TEST

START_TEST(text_that_is_not_utf8_or_has_a_nul_is_refused)
{
    ck_assert_int_eq(UNPACK(MESSAGE_PROGRESS, "\x81\xa4text\xa1\xff"), ERROR_PROTOCOL);
    ck_assert_int_eq(UNPACK(MESSAGE_PROGRESS, "\x81\xa4text\xa1\x00"), ERROR_PROTOCOL);
    ck_assert_int_eq(UNPACK(MESSAGE_PROGRESS, "\x81\xa4text\xa2\xc3\xa9"), ERROR_OK);
}
END_TEST

static struct adopt adopt_with(size_t count)
{
    return (struct adopt){.open = memory_array(memory, struct order_ref, count),
                          .open_count = count};
}

/* The count of an array32 head, which the packer uses beyond 65535 elements only: written by hand.
 */
START_TEST(a_list_beyond_its_limit_is_refused)
{
    struct adopt adopt = adopt_with(OPEN_ORDERS_MAX);
    struct text *bytes = packed(record_of(MESSAGE_ADOPT), &adopt);
    struct text *longer = text_new(memory, SIZE_MAX);

    ck_assert_int_eq(unpacked(record_of(MESSAGE_ADOPT), bytes->data, bytes->size), ERROR_OK);
    text_append_bytes(longer, "\x81\xa4open\xdc", 7);
    text_append_bytes(longer, (uint8_t[]){(OPEN_ORDERS_MAX + 1) >> 8, (OPEN_ORDERS_MAX + 1) & 255},
                      2);
    for (int i = 0; i <= OPEN_ORDERS_MAX; i++)
        text_append_bytes(longer, "\x80", 1);
    ck_assert_int_eq(unpacked(record_of(MESSAGE_ADOPT), longer->data, longer->size),
                     ERROR_PROTOCOL);
    ck_assert_str_eq(err.detail, "adopt.open has too many elements");
}
END_TEST

/* JSON would have shown it as a negative one: found by fuzz_wire. */
START_TEST(a_number_beyond_what_json_and_sql_know_is_refused_and_never_written)
{
    struct progress progress = {.done = UINT64_MAX};
    struct progress *again = memory_new(memory, struct progress);
    struct text *bytes = packed(record_of(MESSAGE_PROGRESS), &progress);

    ck_assert_int_eq(UNPACK(MESSAGE_PROGRESS, "\x81\xa4"
                                              "done\xcf\x80\0\0\0\0\0\0\0"),
                     ERROR_PROTOCOL);
    ck_assert_int_eq(UNPACK(MESSAGE_PROGRESS, "\x81\xa4"
                                              "done\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"),
                     ERROR_OK);
    ck_assert_int_eq(
        unpack_record(record_of(MESSAGE_PROGRESS), bytes->data, bytes->size, again, again, &err),
        ERROR_OK);
    ck_assert_uint_eq(again->done, FIELD_NUMBER_MAX);
}
END_TEST

START_TEST(depth_and_the_number_of_keys_are_bounded)
{
    uint8_t bytes[512];
    size_t size = 0;

    memset(bytes, 0x91, SCAN_DEPTH_MAX);
    bytes[SCAN_DEPTH_MAX] = 0xc0;
    ck_assert_ptr_null(scan_fault(bytes, SCAN_DEPTH_MAX + 1, &scan_of_peer));
    bytes[SCAN_DEPTH_MAX] = 0x91;
    bytes[SCAN_DEPTH_MAX + 1] = 0xc0;
    ck_assert_ptr_nonnull(scan_fault(bytes, SCAN_DEPTH_MAX + 2, &scan_of_peer));

    bytes[size++] = 0xde;
    bytes[size++] = 0;
    bytes[size++] = SCAN_KEYS_MAX + 1;
    for (uint8_t i = 0; i <= SCAN_KEYS_MAX; i++) {
        bytes[size++] = 0xa1;
        bytes[size++] = (uint8_t)('0' + i);
        bytes[size++] = 0xc0;
    }
    ck_assert_str_eq(scan_fault(bytes, size, &scan_of_peer), "a map has too many keys");
    bytes[2] = SCAN_KEYS_MAX;
    ck_assert_ptr_null(scan_fault(bytes, size - 3, &scan_of_peer));
    ck_assert_str_eq(scan_fault(bytes, size, &scan_of_peer), "bytes follow its end");
}
END_TEST

/* Loop test: ext8 to ext32, fixext1 to fixext16, and the reserved byte. */
START_TEST(extension_types_are_refused)
{
    static const uint8_t heads[] = {0xc1, 0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8};
    uint8_t bytes[32] = {heads[_i]};

    ck_assert_str_eq(scan_fault(bytes, sizeof(bytes), &scan_of_peer),
                     "it has an extension type or a reserved byte");
}
END_TEST

START_TEST(what_is_too_large_is_refused_unread)
{
    struct scan_limits few = {.bytes = 100, .items = 3};

    ck_assert_str_eq(scan_fault("", scan_of_peer.bytes + 1, &scan_of_peer), "it is too large");
    ck_assert_ptr_null(scan_fault("\x92\x01\x02", 3, &few));
    ck_assert_str_eq(scan_fault("\x93\x01\x02\x03", 4, &few), "it has too many values");
}
END_TEST

/* ---- texts that were cut, or are in another encoding ---- */

/* A database's message in another encoding, in an outcome: the coordinator refused the message, and
 * the step stayed unknown. */
START_TEST(a_message_beyond_the_limit_is_refused_by_its_size)
{
    uint8_t *bytes = memory_array(memory, uint8_t, MESSAGE_BYTES_MAX + 1);
    struct message message;

    ck_assert_int_eq(
        message_decode(bytes, MESSAGE_BYTES_MAX + 1, ROLE_AGENT, memory, &message, &err),
        ERROR_LIMIT);
    ck_assert_ptr_nonnull(strstr(err.detail, "1048577"));
    ck_assert_int_eq(message_decode(bytes, MESSAGE_BYTES_MAX, ROLE_AGENT, memory, &message, &err),
                     ERROR_PROTOCOL);
}
END_TEST

START_TEST(a_text_in_another_encoding_is_mended_on_its_way_out)
{
    struct task_outcome outcome = {.outcome = OUTCOME_FAILED, .detail = "Rechte f\xfcr Rolle"};
    struct text *bytes = text_new(memory, MESSAGE_BYTES_MAX);
    struct message message;

    message_encode(MESSAGE_OUTCOME, 0, 0, &outcome, bytes);
    ck_assert_int_eq(message_decode(bytes->data, bytes->size, ROLE_AGENT, memory, &message, &err),
                     ERROR_OK);
    ck_assert_str_eq(((const struct task_outcome *)message.body)->detail, "Rechte f?r Rolle");
}
END_TEST

START_TEST(a_sentence_that_was_cut_in_a_character_is_mended)
{
    struct fact_quarantine fact = {.why = "ten caf\xc3"};

    record_mend(fact_row(FACT_QUARANTINE)->record, &fact);
    ck_assert_str_eq(fact.why, "ten caf?");
    (void)text_copy(fact.why, SENTENCE_SIZE, "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x82\xa1");
    record_mend(fact_row(FACT_QUARANTINE)->record, &fact);
    ck_assert_str_eq(fact.why, "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x82\xa1");
}
END_TEST

/* ---- facts ---- */

static const struct plan *plan_of(size_t steps)
{
    struct plan *plan = memory_new(memory, struct plan);

    plan->rollout = 1;
    plan->step_count = steps;
    plan->steps = memory_array(plan, struct plan_step, steps);
    for (size_t i = 0; i < steps; i++) {
        plan->steps[i].id = i + 1;
        plan->steps[i].needs = memory_array(plan, uint32_t, 1);
        plan->steps[i].need_count = i > 0;
        plan->steps[i].needs[0] = (uint32_t)i;
        (void)text_copy(plan->steps[i].target, NAME_SIZE, "a-game-server-with-a-name");
    }
    return plan;
}

/* It was written, and the coordinator never started again. */
START_TEST(the_plan_of_a_large_cluster_can_be_read_from_the_journal)
{
    struct fact fact = {.type = FACT_PLANNED,
                        .at_ms = 5,
                        .body = record_clone(&plan_record, plan_of(PLAN_STEPS_MAX), memory)};
    struct text *bytes = text_new(memory, scan_of_journal.bytes);
    struct fact again;

    fact_encode(&fact, bytes);
    ck_assert(!bytes->is_cut);
    ck_assert_uint_gt(bytes->size, scan_of_peer.bytes);
    ck_assert_int_eq(fact_decode(bytes->data, bytes->size, memory, &again, &err), ERROR_OK);
    ck_assert_uint_eq(((const struct plan *)again.body)->step_count, PLAN_STEPS_MAX);
}
END_TEST

START_TEST(a_fact_that_is_no_fact_is_refused)
{
    struct fact fact;

    ck_assert_int_eq(fact_decode("\x93\xa4ring\x01\xc0", 8, memory, &fact, &err), ERROR_PROTOCOL);
    ck_assert_int_eq(fact_decode("\x93\xa4rong\x01\x80", 8, memory, &fact, &err), ERROR_CORRUPT);
    ck_assert_int_eq(fact_decode("\x92\xa4ring\x01", 7, memory, &fact, &err), ERROR_CORRUPT);
    ck_assert_int_eq(fact_decode("\x93\xa4ring\xff\x80", 8, memory, &fact, &err), ERROR_CORRUPT);
    ck_assert_int_eq(fact_decode("\x93\xa4ring\x01\x80", 8, memory, &fact, &err), ERROR_OK);
}
END_TEST

/* ---- JSON ---- */

/* Loop test over the messages: an empty body has every member, and leads back. */
START_TEST(every_message_is_the_same_after_json)
{
    const struct record *record = record_of((enum message_type)_i);
    const void *body = memory_zeroed(memory, 1, record->size, "body");
    void *again = memory_zeroed(memory, 1, record->size, "again");
    json_t *object = json_from_record(record, body);

    ck_assert_uint_eq(json_object_size(object), record->field_count);
    ck_assert_int_eq(json_to_record(record, object, again, again, &err), ERROR_OK);
    ck_assert_uint_eq(packed(record, again)->size, packed(record, body)->size);
    json_decref(object);
}
END_TEST

START_TEST(json_of_the_wrong_kind_is_refused_by_name)
{
    static const char *const texts[] = {"{\"done\":-1}", "{\"done\":\"1\"}", "{\"text\":5}",
                                        "{\"id\":[]}", "[]"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct progress progress = {.done = 0};
        json_t *object = json_loads(texts[i], 0, NULL);

        ck_assert_int_eq(
            json_to_record(record_of(MESSAGE_PROGRESS), object, memory, &progress, &err),
            ERROR_INVALID);
        json_decref(object);
    }
}
END_TEST

START_TEST(bytes_are_hexadecimal_in_json)
{
    const struct chunk chunk = {.bytes = (const uint8_t *)"\x00\xff", .byte_count = 2};
    json_t *object = json_from_record(record_of(MESSAGE_CHUNK), &chunk);
    struct chunk again = {.offset = 0};

    ck_assert_str_eq(json_string_value(json_object_get(object, "bytes")), "00ff");
    ck_assert_int_eq(json_to_record(record_of(MESSAGE_CHUNK), object, memory, &again, &err),
                     ERROR_OK);
    ck_assert_uint_eq(again.byte_count, 2);
    ck_assert_mem_eq(again.bytes, chunk.bytes, 2);
    (void)json_object_set_new(object, "bytes", json_string("00f"));
    ck_assert_int_eq(json_to_record(record_of(MESSAGE_CHUNK), object, memory, &again, &err),
                     ERROR_INVALID);
    json_decref(object);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_value_of_another_kind_is_refused_by_name);
    tcase_add_test(tcase, a_key_that_nobody_knows_is_passed_over);
    tcase_add_test(tcase, a_key_that_stands_twice_is_refused);
    tcase_add_test(tcase, a_text_that_does_not_fit_is_refused_and_one_that_just_fits_is_not);
    tcase_add_test(tcase, text_that_is_not_utf8_or_has_a_nul_is_refused);
    tcase_add_test(tcase, a_list_beyond_its_limit_is_refused);
    tcase_add_test(tcase, a_number_beyond_what_json_and_sql_know_is_refused_and_never_written);
    tcase_add_test(tcase, depth_and_the_number_of_keys_are_bounded);
    tcase_add_loop_test(tcase, extension_types_are_refused, 0, 9);
    tcase_add_test(tcase, what_is_too_large_is_refused_unread);
    tcase_add_test(tcase, a_message_beyond_the_limit_is_refused_by_its_size);
    tcase_add_test(tcase, a_text_in_another_encoding_is_mended_on_its_way_out);
    tcase_add_test(tcase, a_sentence_that_was_cut_in_a_character_is_mended);
    tcase_add_test(tcase, the_plan_of_a_large_cluster_can_be_read_from_the_journal);
    tcase_add_test(tcase, a_fact_that_is_no_fact_is_refused);
    tcase_add_loop_test(tcase, every_message_is_the_same_after_json, 0, MESSAGE_COUNT);
    tcase_add_test(tcase, json_of_the_wrong_kind_is_refused_by_name);
    tcase_add_test(tcase, bytes_are_hexadecimal_in_json);
}

SUITE("proto", {.add = add_all, .set_up = set_up, .tear_down = tear_down})
