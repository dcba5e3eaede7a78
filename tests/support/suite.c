#include "support/suite.h"

#define TIMEOUT_S_DEFAULT 30

struct error failure;

static TCase *make_case(const char *suite, const struct suite_case *from)
{
    TCase *tcase = tcase_create(from->name != NULL ? from->name : suite);

    if (from->set_up_once != NULL)
        tcase_add_unchecked_fixture(tcase, from->set_up_once, from->tear_down_once);
    if (from->set_up != NULL)
        tcase_add_checked_fixture(tcase, from->set_up, from->tear_down);
    tcase_set_timeout(tcase, from->timeout_s != 0 ? from->timeout_s : TIMEOUT_S_DEFAULT);
    from->add(tcase);
    return tcase;
}

int suite_main(const char *name, const struct suite_case *cases, size_t count)
{
    Suite *suite = suite_create(name);
    SRunner *runner = srunner_create(suite);
    int failed;

    for (size_t i = 0; i < count; i++)
        suite_add_tcase(suite, make_case(name, &cases[i]));
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
