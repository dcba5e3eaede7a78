#include "agent/adopt.h"

#include "common/base/log.h"
#include "common/migration/schema.h"
#include "common/postgres/session.h"
#include "common/postgres/term.h"

static enum error_code tell(struct session *session, const char *journal, struct error *err)
{
    bool is_known = false;
    bool is_standby = false;

    if (schema_exists(session, &is_known, err) != ERROR_OK ||
        session_ask_bool(session, SQL("SELECT pg_catalog.pg_is_in_recovery()"), &is_standby, err) !=
            ERROR_OK)
        return err->code;
    if (!is_known || is_standby)
        return ERROR_OK;
    if (term_adopt(session, journal, err) != ERROR_OK)
        return err->code;
    log_event(LOG_INFO, "database_adopted", LOG_TEXT("journal", journal));
    return ERROR_OK;
}

enum error_code adopt_in_database(const struct agent_config *config, const char *journal,
                                  struct error *err)
{
    struct session_options options = {.url = config->database.url,
                                      .application_name = "hakem:adopt"};
    struct session *session = NULL;
    enum error_code code;

    if (session_open(NULL, &options, &session, err) != ERROR_OK)
        return err->code;
    code = tell(session, journal, err);
    session_close(session);
    return code;
}
