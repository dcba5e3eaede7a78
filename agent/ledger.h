/* ledger.h: an agent's memory on disk: the term it obeys and every order it was given. */
#ifndef AGENT_LEDGER_H
#define AGENT_LEDGER_H

#include "agent/core/session.h"

struct ledger;

/* Makes the file if there is none. ERROR_REFUSED: another agent has it. */
enum error_code ledger_open(const char *path, struct ledger **ret, struct error *err);
void ledger_close(struct ledger *ledger); /* NULL is fine */

/* Fills a new session: identity, journal, term, entries. */
enum error_code ledger_load(struct ledger *ledger, struct agent_session *session,
                            struct error *err);

/* The SAVE effects among these, in one synced transaction. After an error the agent must stop. */
enum error_code ledger_save(struct ledger *ledger, const struct agent_session *session,
                            const struct session_effects *effects, struct error *err);

/* Obeys another journal from now on: the session's and the disk's orders of the one before are
 * forgotten. */
enum error_code ledger_adopt(struct ledger *ledger, struct agent_session *session,
                             const char *journal, struct error *err);

#endif
