/* terminal.h: what may be shown to people: nothing that a terminal would obey, and no character
 * that it does not have.
 */
#ifndef COORDINATOR_CLI_TERMINAL_H
#define COORDINATOR_CLI_TERMINAL_H

#include "common/base/text.h"

struct terminal {
    int rows, columns;
    bool has_colour; /* NO_COLOR is not set */
    bool is_utf8;    /* the locale's characters; else ASCII */
};

/* Standard output's, with a size to fall back on. */
void terminal_look(struct terminal *ret);
/* Standard output is a terminal on which a picture can be redrawn (TERM is not "dumb"). */
bool terminal_can_redraw(void);

/* Replaces in place what is not UTF-8, and every control character but those of keep: line ends and
 * tabs by a space, others by '?'. What names and sentences from the wire hold is data. */
void terminal_disarm(char *text, const char *keep);

/* Bytes of the longest beginning of an UTF-8 text that takes at most so many columns. */
size_t terminal_fitting(const char *text, int columns);

/* Appends the text in characters that the terminal has. */
void terminal_spell(const struct terminal *terminal, const char *text, struct text *out);

#endif
