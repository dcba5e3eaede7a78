/* suite.h: what every Check program needs: its main, and assertions over struct error. */
#ifndef TESTS_SUPPORT_SUITE_H
#define TESTS_SUPPORT_SUITE_H

#include "common/base/error.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* A group of tests with the fixture that they share. What is left out is not needed. */
struct suite_case {
    const char *name; /* NULL: the suite's */
    void (*add)(TCase *tcase);
    void (*set_up)(void); /* around each test, in its process */
    void (*tear_down)(void);
    void (*set_up_once)(void); /* around all of them, in the runner's process: a server */
    void (*tear_down_once)(void);
    int timeout_s; /* of one test; 0: 30 */
};

/* CK_VERBOSITY, CK_RUN_CASE and CK_FORK choose what runs and how. Returns main's result. */
int suite_main(const char *name, const struct suite_case *cases, size_t count);

#define SUITE(name, ...)                                                                           \
    int main(void)                                                                                 \
    {                                                                                              \
        static const struct suite_case suite_cases[] = {__VA_ARGS__};                              \
                                                                                                   \
        return suite_main(name, suite_cases, sizeof(suite_cases) / sizeof(suite_cases[0]));        \
    }

/* Filled by the calls under test; what the assertions below speak of. */
extern struct error failure;

#define assert_ok(call)                                                                            \
    do {                                                                                           \
        enum error_code code_ = (call);                                                            \
        ck_assert_msg(code_ == ERROR_OK, "%s: %s", error_code_name(code_), failure.detail);        \
    } while (0)
#define assert_fails(expected, call)                                                               \
    do {                                                                                           \
        enum error_code code_ = (call);                                                            \
        ck_assert_msg(code_ == (expected), "expected " #expected ", got %s: %s",                   \
                      error_code_name(code_), code_ == ERROR_OK ? "" : failure.detail);            \
    } while (0)
#define assert_says(part)                                                                          \
    ck_assert_msg(strstr(failure.detail, part) != NULL, "\"%s\" is not in: %s", part,              \
                  failure.detail)

#endif
