/* report.h: a proof for people and for programs: text, JSON, JUnit's XML, one HTML page.
 */
#ifndef COMMON_PROOF_REPORT_H
#define COMMON_PROOF_REPORT_H

#include "common/proof/scale.h"

#include <jansson.h>

#define REPORT_BYTES_MAX (1 << 26)

/* What became of one revision: a line, and what there is to say of it, indented below. */
void report_say_revision(const struct proof_revision *revision, struct text *out);

/* An array of all revisions, by whatever was asked of them. */
json_t *report_describe(const struct proof_report *report);

/* Of each revision and phase: rows, milliseconds and growth, by step. */
json_t *report_describe_scale(const struct scale *scale);

/* "0007_rating fails its test: revert: ..."; "" if none failed.  A talloc child of parent. */
char *report_verdict(const struct proof_report *report, const void *parent);

#endif
