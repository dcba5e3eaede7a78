/* report.h: a proof for people and for programs: text, JSON, JUnit's XML, one HTML page.
 */
#ifndef COMMON_PROOF_REPORT_H
#define COMMON_PROOF_REPORT_H

#include "common/proof/scale.h"

#include <jansson.h>

#define REPORT_BYTES_MAX (1 << 26)

enum report_format { REPORT_TEXT, REPORT_JSON, REPORT_JUNIT, REPORT_HTML, REPORT_FORMAT_COUNT };

struct report_source {
    const struct proof_report *report;
    const struct scale *scale; /* NULL: nobody asked for it, or it did not get through */
};

const char *report_format_name(enum report_format format); /* "junit" */
bool report_format_from_name(const char *name, enum report_format *ret);
/* By the file's ending; false, with *ret untouched, for one that says nothing. */
bool report_format_of_file(const char *path, enum report_format *ret);

void report_write(const struct report_source *source, enum report_format format, struct text *out);
/* Replaces the file, whole or not at all. */
enum error_code report_save(const struct report_source *source, enum report_format format,
                            const char *path, struct error *err);

/* What became of one revision: a line, and what there is to say of it, indented below. */
void report_say_revision(const struct proof_revision *revision, struct text *out);

/* An array of all revisions, by whatever was asked of them. */
json_t *report_describe(const struct proof_report *report);

/* Of each revision and phase: rows, milliseconds and growth, by step. */
json_t *report_describe_scale(const struct scale *scale);

/* "0007_rating fails its test: revert: ..."; "" if none failed.  A talloc child of parent. */
char *report_verdict(const struct proof_report *report, const void *parent);

#endif
