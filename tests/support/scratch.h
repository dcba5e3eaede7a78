/* scratch.h: a folder of the test's own, with a script in it, for suites. */
#ifndef TESTS_SUPPORT_SCRATCH_H
#define TESTS_SUPPORT_SCRATCH_H

#include "support/suite.h"

extern struct scratch {
    void *memory; /* ends with the test */
    char folder[64];
    char script[96]; /* path; written by write_script() */
} scratch;

/* The fixture. The folder goes with everything in it. */
void scratch_set_up(void);
void scratch_tear_down(void);

/* Path of a file in the folder; lives as long as the test. */
const char *scratch_path(const char *name);
const char *write_file(const char *name, const char *text);
void write_script(const char *lines);

#endif
