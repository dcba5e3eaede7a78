/* console.h: a conversation with the admin console of one PgBouncer, in simple queries: the console
 * knows no other.  Every answer has a deadline, and every wait asks whether it is still wanted.
 */
#ifndef AGENT_TRAFFIC_CONSOLE_H
#define AGENT_TRAFFIC_CONSOLE_H

#include "common/base/error.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONSOLE_CONNECT_MS 2000
#define CONSOLE_ANSWER_MS  2000

struct console;

/* A talloc child of parent; freeing it hangs up. ERROR_EDGE says which console, and never shows a
 * password. */
enum error_code console_open(const void *parent, const char *conninfo, struct console **ret,
                             struct error *err);

/* HOST:PORT, or the folder of its socket. */
const char *console_name(const struct console *console);

/* One command, answered within CONSOLE_ANSWER_MS. *ret may be NULL; else PQclear() it. */
enum error_code console_ask(struct console *console, const char *command, PGresult **ret,
                            struct error *err);

/* One that may take long: sent, and looked at again and again. */
enum error_code console_send(struct console *console, const char *command, struct error *err);
/* ERROR_OK: it is done, if *ret_is_done; else not yet. */
enum error_code console_look(struct console *console, bool *ret_is_done, struct error *err);

/* Of a result, by the column's name: versions of PgBouncer have more columns or fewer. "" if there
 * is no such column. */
const char *console_text(const PGresult *result, int row, const char *column);
uint64_t console_number(const PGresult *result, int row, const char *column);

#endif
