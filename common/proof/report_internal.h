/* report_internal.h: one writer a format, in the files that share the table of them. */
#ifndef COMMON_PROOF_REPORT_INTERNAL_H
#define COMMON_PROOF_REPORT_INTERNAL_H

#include "common/proof/report.h"

void report_write_text(const struct report_source *source, struct text *out);
void report_write_json(const struct report_source *source, struct text *out);
void report_write_junit(const struct report_source *source, struct text *out);
void report_write_html(const struct report_source *source, struct text *out);

#endif
