/* The live view: a fixed rollout on terminals of several sizes and kinds. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "coordinator/cli/screen.h"
#include "coordinator/cli/words.h"
#include "support/suite.h"

#include <stdlib.h>

#define ROWS_MAX 256
#define LINE_MAX 1024

/* Three shards' worth of what the wire may hold: sentences that are too long, in wide characters,
 * with controls in them (JSON's escapes arrive as the bytes themselves). */
static const char view[] =
    "{\"rollout\": 12, \"state\": \"advancing\", \"revision\": \"0005_display_name\","
    " \"release\": \"1.1\", \"elapsed_ms\": 61500, \"why\": \"waits for step 4, release of game-2:"
    " \\u001b]0;owned\\u0007 its hook is still at work and says much more than fits\","
    " \"nodes\": ["
    "  {\"name\": \"db-1\", \"kind\": \"database\", \"link\": \"online\", \"shard\": \"main\","
    "   \"quarantine\": \"none\", \"role\": \"primary\", \"schema\": \"0005_display_name\","
    "   \"fingerprint\": \"0123456789abcdef\", \"lag_bytes\": 0},"
    "  {\"name\": \"game-1\", \"kind\": \"game\", \"link\": \"online\", \"shard\": \"main\","
    "   \"quarantine\": \"none\", \"release\": \"1.1\", \"traffic\": \"ready\", \"ready\": true},"
    "  {\"name\": \"game-2\", \"kind\": \"game\", \"link\": \"silent\", \"shard\": \"main\","
    "   \"quarantine\": \"health\", \"quarantine_why\": "
    "\"\\u4e16\\u754c\\u4e16\\u754c\\u4e16\\u754c"
    "\\u4e16\\u754c\\u4e16\\u754c\\u4e16\\u754c\\u4e16\\u754c\\u4e16\\u754c\\u4e16\\u754c\\u4e16\\u"
    "754c"
    "\\u4e16\\u754c\\u4e16\\u754c\\u4e16\\u754c\\u4e16\\u754c\\u4e16\\u754c\\u4e16\\u754c\\u4e16\\u"
    "754c\","
    "   \"release\": \"1.0\", \"traffic\": \"maintenance\", \"fault\": \"line\\nbreak\\u009b31m\"},"
    "  {\"name\": \"edge-1\", \"kind\": \"edge\", \"link\": \"online\", \"shard\": \"\","
    "   \"quarantine\": \"none\", \"servers\": ["
    "     {\"node\": \"game-1\", \"state\": \"ready\", \"sessions\": 7},"
    "     {\"node\": \"game-2\", \"state\": \"maintenance\", \"sessions\": 0}]}],"
    " \"steps\": [%s]}";

static struct terminal terminal;
static struct text *out;
static char rows[ROWS_MAX][LINE_MAX]; /* what is left of the picture without its commands */
static size_t row_count;

/* 40 steps: those before the 15th are done, that one runs, the rest waits. */
static json_t *make_view(void)
{
    struct text *steps = text_new(NULL, 65536);
    json_error_t err;
    json_t *show;
    char *whole;

    for (unsigned i = 1; i <= 40; i++)
        text_append_format(steps,
                           "%s{\"id\": %u, \"stage\": \"release\", \"target\": \"game-%u\","
                           " \"node\": \"game-%u\", \"release\": \"1.1\", \"state\": \"%s\","
                           " \"direction\": \"do\", \"undo\": \"release\", \"why\": \"step %u\"}",
                           i > 1 ? ", " : "", i, i, i,
                           i < 15    ? "succeeded"
                           : i == 15 ? "running"
                                     : "pending",
                           i);
    whole = memory_format(steps, view, steps->data);
    show = json_loads(whole, 0, &err);
    ck_assert_msg(show != NULL, "%s", err.text);
    talloc_free(steps);
    return show;
}

/* Bytes of the command that begins there; 0: none that the picture is made of. */
static size_t command_at(const char *bytes)
{
    static const char *const commands[] = {"\x1b[H", "\x1b[2K", "\x1b[J", GREEN, RED,
                                           YELLOW,   DIM,       BOLD,     PLAIN};

    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (text_starts_with(bytes, commands[i]))
            return strlen(commands[i]);
    return 0;
}

static void take_byte(char byte, size_t *length)
{
    if (byte == '\n') {
        ck_assert_uint_lt(++row_count, ROWS_MAX);
        *length = 0;
        return;
    }
    ck_assert_uint_ge((unsigned char)byte, ' ');
    ck_assert_uint_ne((unsigned char)byte, 0x7f);
    ck_assert_uint_lt(*length, LINE_MAX - 1);
    rows[row_count][(*length)++] = byte;
}

/* The rows as they stand, each command taken for what it is: any other control fails the test. */
static void take_rows(const char *bytes)
{
    size_t length = 0;

    row_count = 0;
    memset(rows, 0, sizeof(rows));
    while (*bytes != '\0') {
        size_t command = command_at(bytes);

        if (command == 0)
            take_byte(*bytes, &length);
        bytes += command > 0 ? command : 1;
    }
    ck_assert_uint_eq(length, 0);
}

static void render(int rows_there, int columns)
{
    json_t *show = make_view();

    terminal.rows = rows_there;
    terminal.columns = columns;
    talloc_free(out);
    out = text_new(NULL, WORDS_BYTES_MAX);
    screen_render(show, &terminal, out);
    json_decref(show);
    take_rows(out->data);
}

static void set_up(void)
{
    terminal = (struct terminal){.has_colour = true, .is_utf8 = true};
}

static void tear_down(void)
{
    talloc_free(out);
    out = NULL;
}

/* Counted anew, not by what the picture is cut with: the only wide characters in it are three
 * bytes from U+4E16 on. */
static int columns_of(const char *row)
{
    int columns = 0;

    for (const unsigned char *p = (const unsigned char *)row; *p != '\0'; p++)
        if ((*p & 0xc0) != 0x80)
            columns += *p >= 0xe4 ? 2 : 1;
    return columns;
}

static bool is_shown(const char *part)
{
    for (size_t i = 0; i < row_count; i++)
        if (strstr(rows[i], part) != NULL)
            return true;
    return false;
}

static const struct {
    int rows, columns;
} sizes[] = {{5, 20},  {24, 80}, {60, 200}, {1, 1},   {2, 2},
             {3, 500}, {100, 3}, {24, 110}, {24, 111}};

START_TEST(no_row_is_wider_and_no_picture_higher_than_the_terminal)
{
    render(sizes[_i].rows, sizes[_i].columns);
    /* The cursor stands on the row below the last one, and must not push the first one out. */
    ck_assert_int_le((int)row_count, sizes[_i].rows - 1);
    for (size_t i = 0; i < row_count; i++)
        ck_assert_msg(columns_of(rows[i]) <= sizes[_i].columns - 1, "row %zu has %d columns: %s", i,
                      columns_of(rows[i]), rows[i]);
}
END_TEST

START_TEST(a_small_terminal_has_the_head_and_the_reason)
{
    render(5, 20);
    ck_assert_uint_eq(row_count, 4);
    ck_assert_str_eq(rows[0], "rollout 12  advanci");
    ck_assert_str_eq(rows[1], "waits for step 4, r");
}
END_TEST

START_TEST(what_fits_on_the_usual_terminal_is_what_is_under_way)
{
    render(24, 80);
    ck_assert_uint_eq(row_count, 23);
    ck_assert_str_eq(rows[3], "main");
    ck_assert(text_starts_with(rows[4], "├─ db-1     database  online"));
    ck_assert(text_starts_with(rows[6], "└─ game-2   game      silent"));
    ck_assert_str_eq(rows[7], "every shard");
    ck_assert(text_starts_with(rows[8], "└─ edge-1"));
    ck_assert(is_shown("▶  15 release      game-15  1.1 running"));
    ck_assert(is_shown("✔  14 release      game-14"));
    ck_assert(is_shown("·  16 release      game-16"));
    ck_assert(!is_shown("game-1  1.1 succeeded"));
}
END_TEST

START_TEST(a_large_terminal_has_everything)
{
    render(60, 200);
    for (unsigned i = 1; i <= 40; i++) {
        char step[32];

        (void)text_format(step, sizeof(step), "%3u release      game-%u ", i, i);
        ck_assert_msg(is_shown(step), "%s", step);
    }
    ck_assert(is_shown("14 of 40 steps"));
    ck_assert(is_shown("61.5s") || is_shown("1min 1s"));
    ck_assert(is_shown("game-1:ready/7 game-2:maintenance/0"));
}
END_TEST

START_TEST(what_the_wire_says_is_shown_and_never_obeyed)
{
    render(60, 200);
    ck_assert(is_shown("?]0;owned? its hook"));
    ck_assert(is_shown("QUARANTINED (health)"));
    ck_assert(is_shown("(line break??31m)"));
}
END_TEST

START_TEST(without_colour_nothing_is_coloured)
{
    render(24, 80);
    ck_assert_ptr_nonnull(strstr(out->data, BOLD));
    ck_assert_ptr_nonnull(strstr(out->data, RED));
    terminal.has_colour = false;
    render(24, 80);
    ck_assert_ptr_null(strstr(out->data, "m"
                                         "\x1b"));
    for (const char *p = out->data; (p = strchr(p, '\x1b')) != NULL; p++)
        ck_assert_ptr_eq(strpbrk(p + 1, "HKJm"), p + 1 + strcspn(p + 1, "HKJ"));
    ck_assert(is_shown("▶  15 release"));
}
END_TEST

START_TEST(another_locale_gets_ascii)
{
    terminal.is_utf8 = false;
    render(60, 200);
    for (const char *p = out->data; *p != '\0'; p++)
        ck_assert_msg((unsigned char)*p < 0x80, "byte %u", (unsigned char)*p);
    ck_assert(is_shown(">  15 release"));
    ck_assert(is_shown("+  14 release"));
    ck_assert(is_shown(".  16 release"));
    ck_assert(is_shown("|- db-1"));
    ck_assert(is_shown("`- game-2"));
    ck_assert(is_shown("#######............."));
}
END_TEST

START_TEST(the_environment_says_which_terminal_it_is)
{
    static const struct {
        const char *locale, *no_colour;
        bool is_utf8, has_colour;
    } environments[] = {
        {"C.UTF-8", NULL, true, true},
        {"C", NULL, false, true},
        {"POSIX", "", false, true},
        {"C.UTF-8", "1", true, false},
        {"no_such_locale", "0", false, false},
        {"no_such_locale.UTF-8", NULL, true, true},
    };

    for (size_t i = 0; i < ARRAY_LEN(environments); i++) {
        ck_assert_int_eq(setenv("LC_ALL", environments[i].locale, 1), 0);
        (void)unsetenv("NO_COLOR");
        if (environments[i].no_colour != NULL)
            ck_assert_int_eq(setenv("NO_COLOR", environments[i].no_colour, 1), 0);
        terminal_look(&terminal);
        ck_assert_int_eq(terminal.is_utf8, environments[i].is_utf8);
        ck_assert_int_eq(terminal.has_colour, environments[i].has_colour);
        ck_assert_int_gt(terminal.rows, 1);
        ck_assert_int_gt(terminal.columns, 1);
    }
}
END_TEST

/* Every mark of a state, and what else our pictures are made of, has a letter of its own. */
START_TEST(every_state_s_mark_can_be_told_in_ascii)
{
    static const char *const states[] = {"pending",   "due",    "ordered", "running",   "unknown",
                                         "succeeded", "failed", "refused", "cancelled", "skipped"};
    const struct terminal ascii = {.is_utf8 = false};

    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        struct text *mark = text_new(NULL, 16);

        terminal_spell(&ascii, words_look(states[i])->mark, mark);
        ck_assert_uint_eq(mark->size, 1);
        ck_assert_msg(mark->data[0] != '?' || strcmp(states[i], "unknown") == 0, "%s", states[i]);
        talloc_free(mark);
    }
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_loop_test(tcase, no_row_is_wider_and_no_picture_higher_than_the_terminal, 0,
                        (int)ARRAY_LEN(sizes));
    tcase_add_test(tcase, a_small_terminal_has_the_head_and_the_reason);
    tcase_add_test(tcase, what_fits_on_the_usual_terminal_is_what_is_under_way);
    tcase_add_test(tcase, a_large_terminal_has_everything);
    tcase_add_test(tcase, what_the_wire_says_is_shown_and_never_obeyed);
    tcase_add_test(tcase, without_colour_nothing_is_coloured);
    tcase_add_test(tcase, another_locale_gets_ascii);
    tcase_add_test(tcase, the_environment_says_which_terminal_it_is);
    tcase_add_test(tcase, every_state_s_mark_can_be_told_in_ascii);
}

SUITE("screen", {.add = add_all, .set_up = set_up, .tear_down = tear_down})
