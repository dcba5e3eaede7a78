/* report_escape.h: text within XML and HTML: shown, never obeyed.  Pure. */
#ifndef COMMON_PROOF_REPORT_ESCAPE_H
#define COMMON_PROOF_REPORT_ESCAPE_H

#include "common/base/text.h"

/* Also within an attribute's double quotes.  What XML has no place for (control characters, bytes
 * that are not UTF-8) becomes a '?'. */
void report_escape(struct text *out, const char *text);

#endif
