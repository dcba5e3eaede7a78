/* YAML into structs: what is read, and what each kind of mistake says. */
#include "common/base/memory.h"
#include "common/config/yaml.h"
#include "support/suite.h"

#include <string.h>

struct inner {
    const char *name;
    uint64_t size;
};

struct outer {
    const char *title;
    uint64_t count;
    uint64_t wait_ms;
    bool is_on;
    const char **words;
    size_t word_count;
    struct inner one;
    struct inner *many;
    size_t many_count;
};

static const struct yaml_key inner_keys[] = {
    {.key = "name",
     .kind = YAML_KIND_NAME,
     .offset = offsetof(struct inner, name),
     .is_required = true},
    {.key = "size",
     .kind = YAML_KIND_NUMBER,
     .offset = offsetof(struct inner, size),
     .min = 1,
     .max = 9},
};
static const struct yaml_table inner_table = YAML_TABLE(struct inner, inner_keys);
static const struct yaml_key outer_keys[] = {
    {.key = "title",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct outer, title),
     .max = 10,
     .is_required = true},
    {.key = "count",
     .kind = YAML_KIND_NUMBER,
     .offset = offsetof(struct outer, count),
     .otherwise = "7"},
    {.key = "wait",
     .kind = YAML_KIND_DURATION,
     .offset = offsetof(struct outer, wait_ms),
     .otherwise = "5s"},
    {.key = "on", .kind = YAML_KIND_BOOL, .offset = offsetof(struct outer, is_on)},
    {.key = "words",
     .kind = YAML_KIND_TEXTS,
     .offset = offsetof(struct outer, words),
     .count_offset = offsetof(struct outer, word_count),
     .max = 3},
    {.key = "one",
     .kind = YAML_KIND_STRUCT,
     .offset = offsetof(struct outer, one),
     .nested = &inner_table},
    {.key = "many",
     .kind = YAML_KIND_STRUCTS,
     .offset = offsetof(struct outer, many),
     .count_offset = offsetof(struct outer, many_count),
     .nested = &inner_table},
};
static const struct yaml_table outer_table = YAML_TABLE(struct outer, outer_keys);

static struct error err;
static void *context;

static enum error_code read_sized(const char *bytes, size_t size, struct outer *ret)
{
    const struct yaml_text text = {.name = "f.yaml", .bytes = bytes, .size = size};

    return yaml_read(context, &text, &outer_table, ret, &err);
}

static enum error_code read(const char *bytes, struct outer *ret)
{
    return read_sized(bytes, strlen(bytes), ret);
}

START_TEST(every_kind_of_value_arrives)
{
    struct outer o = {.title = NULL};

    ck_assert_msg(read("title: a\ncount: 3\nwait: 250ms\non: true\nwords: [x, \"y z\"]\n"
                       "one: {name: n, size: 2}\nmany:\n  - name: a\n  - {name: b, size: 9}\n",
                       &o) == ERROR_OK,
                  "%s", err.detail);
    ck_assert_str_eq(o.title, "a");
    ck_assert(o.count == 3 && o.wait_ms == 250 && o.is_on && o.word_count == 2);
    ck_assert_str_eq(o.words[1], "y z");
    ck_assert(strcmp(o.one.name, "n") == 0 && o.one.size == 2);
    ck_assert(o.many_count == 2 && o.many[0].size == 0 && o.many[1].size == 9);
}
END_TEST

START_TEST(what_is_absent_has_its_default)
{
    struct outer o = {.title = NULL};

    ck_assert_int_eq(read("title: a\n", &o), ERROR_OK);
    ck_assert(o.count == 7 && o.wait_ms == 5000 && !o.is_on && o.words == NULL);
    ck_assert_int_eq(read("title: a\nwords: []\n", &o), ERROR_OK);
    ck_assert(o.words != NULL && o.word_count == 0);
}
END_TEST

static const struct {
    const char *bytes, *says;
} mistakes[] = {
    {"", "f.yaml: the file is empty"},
    {"# only this\n", "f.yaml: the file is empty"},
    {"---\n", "f.yaml: the file is empty"},
    {"count: 1\n", "f.yaml:1: title: is required"},
    {"title: a\ncolour: red\n", "f.yaml:2: colour: unknown key; known here: title, count"},
    {"title: a\ncount: 1\ncount: 2\n", "f.yaml:3: count: given twice"},
    {"title: a\ncount: many\n", "f.yaml:2: count: \"many\" is not a number"},
    {"title: a\ncount: -1\n", "f.yaml:2: count: \"-1\" is not a number"},
    {"title: a\ncount: \"1\"\n", "f.yaml:2: count: must be a number"},
    {"title: a\non: yes\n", "f.yaml:2: on: \"yes\" is neither true nor false"},
    {"title: a\nwait: soon\n", "f.yaml:2: wait: \"soon\" is not a duration"},
    {"title: [a]\n", "f.yaml:1: title: must be a text"},
    {"title:\n", "f.yaml:1: title: has no value"},
    {"title: a much too long one\n", "f.yaml:1: title: must have 0 to 10 bytes"},
    {"title: a\nwords: x\n", "f.yaml:2: words: must be a list"},
    {"title: a\nwords: [a, b, c, d]\n", "f.yaml:2: words: must have 0 to 3 entries, not 4"},
    {"title: a\none: {name: ../x}\n", "f.yaml:2: name: \"../x\" is not a name"},
    {"title: a\none:\n  size: 2\n", "f.yaml:3: name: is required"},
    {"title: a\nmany:\n  - name: a\n    size: 10\n", "f.yaml:4: size: must be between 1 and 9"},
    {"title: a\nmany: [x]\n", "f.yaml:2: keys with values are expected"},
    {"- a\n", "f.yaml:1: keys with values are expected"},
    {"title: a\n  count: 1\n", "f.yaml:2: not YAML"},
    {"title: &x a\n", "f.yaml:1: anchors"},
    {"title: a\n---\ntitle: b\n", "f.yaml:2: a second document"},
    {"title: [[[[[[[[[[[[[[a]]]]]]]]]]]]]]\n", "f.yaml:1: nested deeper"},
    {"title: \xff\n", "f.yaml: not UTF-8"},
};

START_TEST(a_mistake_is_one_sentence_with_file_line_and_key)
{
    struct outer o = {.count = 99};

    ck_assert_int_eq(read(mistakes[_i].bytes, &o), ERROR_CONFIG);
    ck_assert_msg(strncmp(err.detail, mistakes[_i].says, strlen(mistakes[_i].says)) == 0, "%s",
                  err.detail);
    ck_assert_uint_eq(o.count, 99);
}
END_TEST

START_TEST(zero_bytes_and_floods_are_refused)
{
    struct outer o;
    char *flood = memory_array(context, char, YAML_BYTES_MAX + 2);

    ck_assert_int_eq(read_sized("title: a\0b", 10, &o), ERROR_CONFIG);
    memset(flood, ' ', YAML_BYTES_MAX + 1);
    ck_assert_int_eq(read_sized(flood, YAML_BYTES_MAX + 1, &o), ERROR_CONFIG);
    memset(flood, '-', 60000);
    for (size_t i = 0; i < 60000; i += 2)
        flood[i] = ',';
    flood[0] = '[';
    ck_assert_int_eq(read_sized(flood, 60000, &o), ERROR_CONFIG);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_named)
{
    struct outer o;

    ck_assert_int_eq(yaml_read_file(context, "/nowhere/f.yaml", &outer_table, &o, &err),
                     ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.detail, "/nowhere/f.yaml"));
}
END_TEST

START_TEST(every_kind_has_a_name)
{
    for (int i = 0; i < YAML_KIND_COUNT; i++)
        ck_assert_ptr_nonnull(yaml_kind_name((enum yaml_kind)i));
}
END_TEST

static void set_up(void)
{
    context = talloc_new(NULL);
}

static void tear_down(void)
{
    talloc_free(context);
}

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, every_kind_of_value_arrives);
    tcase_add_test(tcase, what_is_absent_has_its_default);
    tcase_add_loop_test(tcase, a_mistake_is_one_sentence_with_file_line_and_key, 0,
                        (int)ARRAY_LEN(mistakes));
    tcase_add_test(tcase, zero_bytes_and_floods_are_refused);
    tcase_add_test(tcase, a_file_that_cannot_be_read_is_named);
    tcase_add_test(tcase, every_kind_has_a_name);
}

SUITE("config", {.name = "yaml", .add = add_all, .set_up = set_up, .tear_down = tear_down})
