/* error.h: one error, filled in where it happened, reported once at the top.
 *
 * The place that knows fills a struct error with a sentence that an operator can act on: what,
 * where, what to do.  Only main() and the loops print it.
 */
#ifndef COMMON_BASE_ERROR_H
#define COMMON_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

/* exit: the CLI's exit status.  retry: the same thing may succeed later, without a change.
 *
 *        name          exit retry   meaning                                                    */
#define ERROR_CODES(X)                                                                             \
    X(OK, 0, false, "success")                                                                     \
    X(USAGE, 2, false, "the command line is wrong")                                                \
    X(CONFIG, 2, false, "a configuration file is wrong")                                           \
    X(INVALID, 2, false, "the input is not valid")                                                 \
    X(NOT_FOUND, 2, false, "no such thing")                                                        \
    X(REFUSED, 5, false, "not possible in the present state")                                      \
    X(AUTHORITY, 5, false, "this key may not do that")                                             \
    X(INCOMPATIBLE, 5, false, "a node would stand on a schema it cannot use")                      \
    X(CHANGED, 5, false, "what was approved or applied has changed since")                         \
    X(UNREACHABLE, 6, true, "nobody answered")                                                     \
    X(PROTOCOL, 1, false, "a peer said something malformed")                                       \
    X(MEMORY, 1, true, "out of memory")                                                            \
    X(SYSTEM, 1, true, "the operating system refused")                                             \
    X(STORAGE, 1, false, "the journal could not be read or written")                               \
    X(CORRUPT, 1, false, "stored data breaks an invariant")                                        \
    X(LIMIT, 5, false, "a limit of this program is reached")                                       \
    X(SQL, 1, false, "the database refused a statement")                                           \
    X(CONNECTION, 1, true, "the connection to the database was lost or not had")                   \
    X(LOCK, 1, true, "a lock was not to be had in time")                                           \
    X(CONFLICT, 1, true, "the database cancelled the statement for another's sake")                \
    X(SUPERSEDED, 1, true, "a newer coordinator term has taken over")                              \
    X(CANCELLED, 1, false, "cancelled on request")                                                 \
    X(TIMEOUT, 1, false, "not finished in the time allowed")                                       \
    X(INTERRUPTED, 1, true, "the process that did it died")                                        \
    X(VERIFY, 1, false, "a validation said no")                                                    \
    X(WOULD_LOSE_DATA, 5, false, "a revert would destroy what was written")                        \
    X(IRREVERSIBLE, 5, false, "there is no way back from here")                                    \
    X(HOOK, 1, true, "a hook failed")                                                              \
    X(EDGE, 1, true, "a load balancer refused or did not answer")                                  \
    X(ROLLED_BACK, 3, false, "the rollout was rolled back")                                        \
    X(STUCK, 4, false, "a person is needed")                                                       \
    X(FAILED, 1, false, "it failed")

enum error_code {
#define X(name, exit, retry, text) ERROR_##name,
    ERROR_CODES(X)
#undef X
        ERROR_CODE_COUNT
};

#define ERROR_DETAIL_MAX 1024

struct error {
    enum error_code code;
    char detail[ERROR_DETAIL_MAX];
};

const char *error_code_name(enum error_code code); /* "LOCK" */
const char *error_code_text(enum error_code code);
int error_code_exit_status(enum error_code code);
bool error_code_is_retryable(enum error_code code);

/* False, with *ret untouched, for a name that no row has. */
bool error_code_from_name(const char *name, enum error_code *ret);

/* Fills err (cut at ERROR_DETAIL_MAX) and returns code, so that a failing function ends in one
 * line: return error_set(...).  Its arguments may point into err->detail. */
enum error_code error_set(struct error *err, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4), cold, nonnull(1, 3)));

#endif
