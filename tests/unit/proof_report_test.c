/* Reports: every format tells the same, and what stands in a database stays text. */
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/proof/plot.h"
#include "common/proof/report.h"
#include "common/proof/report_escape.h"
#include "support/scratch.h"

#define NASTY "</pre><script>alert(\"1\")</script>&'"
#define TAME  "&lt;/pre&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;"

/* Two revisions tested, the second one failed; the third is not tested. */
static struct migration_revision history[3];
static struct proof_revision revisions[3];
static struct proof_report report;
static struct workload_figures load;

static const struct fingerprint_object object = {"column", NASTY, "text"};
static const struct difference_entry entry = {'+', &object};
static const struct difference difference = {.count = 1, .entries = &entry};

static void set_up(void)
{
    static const char *const names[] = {"0001_first", "0002_second", "0003_third"};

    scratch_set_up();
    load = (struct workload_figures){
        .before = {.count = 3, .p99_ms = 2}, .during = {.count = 4, .p99_ms = 8}, .waits = 5};
    for (size_t i = 0; i < ARRAY_LEN(revisions); i++) {
        history[i] = (struct migration_revision){.name = names[i], .description = NASTY};
        revisions[i] =
            (struct proof_revision){.revision = &history[i], .is_tested = i < 2, .scant = ""};
        for (size_t c = 0; c < PROOF_CHECK_COUNT; c++)
            revisions[i].results[c].sentence = "";
    }
    revisions[0].results[PROOF_UP].outcome = PROOF_PASSED;
    revisions[0].results[PROOF_REVERT] =
        (struct proof_result){.outcome = PROOF_SKIPPED, .sentence = "it is marked as irreversible"};
    revisions[0].phase_us[PROOF_PHASE_EXPAND] = 1500;
    revisions[0].load = &load;
    revisions[1].results[PROOF_UP].outcome = PROOF_PASSED;
    revisions[1].results[PROOF_REVERT] = (struct proof_result){.outcome = PROOF_FAILED,
                                                               .sentence = "not as before",
                                                               .difference = &difference,
                                                               .took_us = 2500000};
    report = (struct proof_report){.count = ARRAY_LEN(revisions),
                                   .revisions = revisions,
                                   .failed = &revisions[1],
                                   .failed_check = PROOF_REVERT};
}

static const char *write_as(enum report_format format, const struct scale *scale)
{
    const struct report_source source = {.report = &report, .scale = scale};
    struct text *out = text_new(scratch.memory, REPORT_BYTES_MAX);

    report_write(&source, format, out);
    return out->data;
}

static bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    for (; (text = strstr(text, part)) != NULL; text++)
        count++;
    return count;
}

/* ---- escaping ---- */

/* Loop test: a text, and how it stands in XML and HTML. */
static const struct {
    const char *text, *escaped;
} texts[] = {
    {"", ""},
    {"plain", "plain"},
    {NASTY, TAME},
    {"a\nb\tc", "a&#10;b&#9;c"},
    {"\x1b[31m\x01\x7f", "?[31m??"},
    {"caf\xc3\xa9", "caf\xc3\xa9"},
    {"bad \xff end", "bad ? end"},
    {"\xef\xbf\xbe|\xef\xbf\xbf|\xef\xbf\xbd", "?|?|\xef\xbf\xbd"},
};

START_TEST(text_is_shown_and_never_obeyed)
{
    struct text *out = text_new(scratch.memory, 1000);

    report_escape(out, texts[_i].text);
    ck_assert_str_eq(out->data, texts[_i].escaped);
}
END_TEST

/* ---- tables ---- */

START_TEST(every_check_has_a_name_of_its_own_and_says_what_it_shows)
{
    ck_assert_str_ne(proof_check_name((enum proof_check)_i), "");
    ck_assert_str_ne(proof_check_doc((enum proof_check)_i), "");
    for (int i = 0; i < _i; i++)
        ck_assert_str_ne(proof_check_name((enum proof_check)i),
                         proof_check_name((enum proof_check)_i));
}
END_TEST

START_TEST(every_phase_and_every_outcome_has_a_name)
{
    for (int i = 0; i < PROOF_PHASE_COUNT; i++)
        ck_assert_str_ne(proof_phase_name((enum proof_phase)i), "");
    for (int i = 0; i < PROOF_OUTCOME_COUNT; i++)
        ck_assert_str_ne(proof_outcome_name((enum proof_outcome)i), "");
}
END_TEST

/* ---- formats ---- */

START_TEST(a_format_is_known_by_its_name_and_by_the_file_s_ending)
{
    static const char *const paths[REPORT_FORMAT_COUNT] = {"a/b.txt", "b.json", "c.xml", "d.html"};
    enum report_format found = REPORT_TEXT;

    ck_assert(report_format_from_name(report_format_name((enum report_format)_i), &found));
    ck_assert_int_eq((int)found, _i);
    ck_assert(report_format_of_file(paths[_i], &found));
    ck_assert_int_eq((int)found, _i);
    ck_assert(!report_format_of_file("report.pdf", &found));
    ck_assert(!report_format_from_name("pdf", &found));
    ck_assert_int_eq((int)found, _i);
}
END_TEST

START_TEST(every_format_names_what_failed_and_what_differs)
{
    const char *said = write_as((enum report_format)_i, NULL);

    ck_assert(has(said, "0001_first"));
    ck_assert(has(said, "0002_second"));
    ck_assert(has(said, "not as before"));
    ck_assert(has(said, "it is marked as irreversible"));
    ck_assert(has(said, "alert("));
}
END_TEST

START_TEST(junit_counts_its_cases_and_those_behind_a_failure_are_skipped)
{
    const char *said = write_as(REPORT_JUNIT, NULL);

    ck_assert(has(said, "<testsuites name=\"hakem migration test\" tests=\"30\" failures=\"1\""
                        " errors=\"0\" skipped=\"27\" time=\"2.500000\">"));
    ck_assert_uint_eq(count_of(said, "<testcase "), ARRAY_LEN(revisions) * PROOF_CHECK_COUNT);
    ck_assert_uint_eq(count_of(said, "<skipped "), 27);
    ck_assert(has(said, "<failure message=\"not as before\">+ column " TAME " text\n</failure>"));
    ck_assert(has(said, "<skipped message=\"it is marked as irreversible\"/>"));
    ck_assert(!has(said, "<script>"));
}
END_TEST

START_TEST(junit_leaves_out_what_was_only_brought_up)
{
    revisions[0].is_tested = false;
    ck_assert(!has(write_as(REPORT_JUNIT, NULL), "0001_first"));
    ck_assert(has(write_as(REPORT_JUNIT, NULL), "0003_third"));
}
END_TEST

START_TEST(the_page_is_one_file_that_runs_nothing_and_needs_nothing)
{
    const char *said = write_as(REPORT_HTML, NULL);
    static const char *const foreign[] = {
        "<script", "http:", "https:", "src=", "href=", "url(", "@import"};

    for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
        ck_assert_msg(!has(said, foreign[i]), "%s", foreign[i]);
    ck_assert(has(said, "default-src 'none'"));
    ck_assert(has(said, TAME));
    ck_assert(has(said, "<p class=\"bad\">0002_second fails its test: revert: not as before</p>"));
    ck_assert(has(said, "<span class=\"after\">+ column"));
    ck_assert(has(said, "aria-label=\"Phases, in milliseconds\""));
    ck_assert(has(said, "aria-label=\"Latency of the load before and during, in milliseconds\""));
    ck_assert(has(said, ">1.50</text>"));
    ck_assert_uint_eq(count_of(said, "<svg "), count_of(said, "</svg>"));
}
END_TEST

START_TEST(scales_are_drawn_and_told)
{
    struct scale scale = {.count = 2};
    struct proof_revision more[3];
    struct proof_report larger = report;

    memcpy(more, revisions, sizeof(more));
    larger.revisions = more;
    revisions[0].rows = 100;
    more[0].rows = 10000;
    more[0].phase_us[PROOF_PHASE_EXPAND] = 150000;
    scale.steps[0] = (struct scale_step){.factor = 1, .report = &report};
    scale.steps[1] = (struct scale_step){.factor = 100, .report = &larger};
    ck_assert(has(write_as(REPORT_HTML, &scale),
                  "aria-label=\"Milliseconds of each phase by rows in all tables\""));
    ck_assert(has(write_as(REPORT_HTML, &scale), "class=\"line stroke0\""));
    ck_assert(has(write_as(REPORT_TEXT, &scale), "ms at scale"));
    ck_assert(has(write_as(REPORT_JSON, &scale), "\"grows\": \"with the rows\""));
}
END_TEST

START_TEST(a_picture_of_nothing_is_none_and_of_zeros_has_no_width)
{
    const struct plot_line none = {.label = "none"};
    const struct plot_bar zero = {.label = "zero"};
    struct text *out = text_new(scratch.memory, 4096);

    plot_lines(out, "nothing", &none, 1);
    ck_assert_uint_eq(out->size, 0);
    plot_bars(out, "zeros", &zero, 1);
    ck_assert(has(out->data, "width=\"0.0\""));
    ck_assert(!has(out->data, "nan") && !has(out->data, "inf"));
}
END_TEST

START_TEST(one_point_and_points_of_one_height_are_drawn)
{
    const struct plot_line lines[] = {{"one", 1, {10}, {5}}, {"flat", 2, {10, 10000}, {100, 100}}};
    struct text *out = text_new(scratch.memory, 16384);

    plot_lines(out, "few", lines, ARRAY_LEN(lines));
    ck_assert(has(out->data, ">one</text>") && has(out->data, ">flat</text>"));
    ck_assert(!has(out->data, "nan") && !has(out->data, "inf"));
}
END_TEST

START_TEST(a_report_is_saved_whole_or_not_at_all)
{
    const struct report_source source = {.report = &report};
    char *bytes = NULL;
    size_t size = 0;

    assert_ok(report_save(&source, REPORT_JSON, scratch_path("r.json"), &failure));
    assert_ok(file_read(scratch.memory, scratch_path("r.json"), REPORT_BYTES_MAX, &bytes, &size,
                        &failure));
    ck_assert(has(bytes, "\"failed\": \"0002_second fails its test: revert: not as before\""));
    assert_fails(ERROR_SYSTEM,
                 report_save(&source, REPORT_JSON, scratch_path("no/r.json"), &failure));
    assert_says("no/r.json");
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_loop_test(tcase, text_is_shown_and_never_obeyed, 0, (int)ARRAY_LEN(texts));
    tcase_add_loop_test(tcase, every_check_has_a_name_of_its_own_and_says_what_it_shows, 0,
                        PROOF_CHECK_COUNT);
    tcase_add_test(tcase, every_phase_and_every_outcome_has_a_name);
    tcase_add_loop_test(tcase, a_format_is_known_by_its_name_and_by_the_file_s_ending, 0,
                        REPORT_FORMAT_COUNT);
    tcase_add_loop_test(tcase, every_format_names_what_failed_and_what_differs, 0,
                        REPORT_FORMAT_COUNT);
    tcase_add_test(tcase, junit_counts_its_cases_and_those_behind_a_failure_are_skipped);
    tcase_add_test(tcase, junit_leaves_out_what_was_only_brought_up);
    tcase_add_test(tcase, the_page_is_one_file_that_runs_nothing_and_needs_nothing);
    tcase_add_test(tcase, scales_are_drawn_and_told);
    tcase_add_test(tcase, a_picture_of_nothing_is_none_and_of_zeros_has_no_width);
    tcase_add_test(tcase, one_point_and_points_of_one_height_are_drawn);
    tcase_add_test(tcase, a_report_is_saved_whole_or_not_at_all);
}

SUITE("proof: report", {.add = add_all, .set_up = set_up, .tear_down = scratch_tear_down})
