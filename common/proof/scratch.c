#include "common/proof/scratch.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/postgres/session.h"
#include "common/proof/scratch_server.h"

#include <sodium.h>

#define NAME_SIZE        48
#define TIDY_MS          60000
#define APPLICATION_NAME "hakem:scratch"

struct scratch {
    struct scratch_server server; /* of our own; zeroed: another's */
    char *server_url;             /* whence databases are made and dropped */
    char name[NAME_SIZE];         /* of the database; "": none */
    char *url;                    /* of it */
};

static enum error_code run_at_server(const struct scratch *scratch, const char *sql,
                                     bool ignores_signals, struct error *err)
{
    const struct session_options options = {.url = scratch->server_url,
                                            .application_name = APPLICATION_NAME,
                                            .statement_timeout_ms = TIDY_MS,
                                            .ignores_signals = ignores_signals};
    struct session *session = NULL;
    enum error_code code;

    if (session_open(NULL, &options, &session, err) != ERROR_OK)
        return err->code;
    code = session_run(session, sql, err);
    session_close(session);
    return code;
}

/* Whoever is still connected goes with it. */
static enum error_code drop(struct scratch *scratch, struct error *err)
{
    char sql[NAME_SIZE + 64];
    struct error why;

    if (scratch->name[0] == '\0')
        return ERROR_OK;
    (void)text_format(sql, sizeof(sql), "DROP DATABASE IF EXISTS %s WITH (FORCE)", scratch->name);
    if (run_at_server(scratch, sql, true, &why) != ERROR_OK)
        return error_set(err, why.code, "the scratch database %s is left, drop it by hand: %.800s",
                         scratch->name, why.detail);
    scratch->name[0] = '\0';
    return ERROR_OK;
}

/* Of template0: what somebody put into template1 is nothing that a history made. */
static enum error_code make(struct scratch *scratch, struct error *err)
{
    char sql[NAME_SIZE + 64];
    struct error why = {.code = ERROR_OK};

    (void)text_format(scratch->name, sizeof(scratch->name), SCRATCH_PREFIX "%08x%08x",
                      randombytes_random(), randombytes_random());
    talloc_free(scratch->url);
    scratch->url = NULL;
    if (session_url_of_database(scratch, scratch->server_url, scratch->name, &scratch->url, err) !=
        ERROR_OK)
        return err->code;
    (void)text_format(sql, sizeof(sql), "CREATE DATABASE %s TEMPLATE template0", scratch->name);
    if (run_at_server(scratch, sql, false, &why) == ERROR_CANCELLED)
        return error_set(err, ERROR_CANCELLED, "cancelled while a scratch database was made");
    if (why.code != ERROR_OK)
        return error_set(
            err, why.code,
            "no scratch database can be made on that server, for which a role needs CREATEDB: "
            "%.800s",
            why.detail);
    return ERROR_OK;
}

static enum error_code have_server(struct scratch *scratch, const struct scratch_options *options,
                                   struct error *err)
{
    if (options->url != NULL) {
        scratch->server_url = memory_text(scratch, options->url);
        return ERROR_OK;
    }
    if (scratch_server_start(scratch, options->programs, &scratch->server, err) != ERROR_OK)
        return err->code;
    scratch->server_url = scratch_server_url(&scratch->server, scratch);
    return ERROR_OK;
}

enum error_code scratch_open(const void *parent, const struct scratch_options *options,
                             struct scratch **ret, struct error *err)
{
    struct scratch *scratch = memory_new(parent, struct scratch);
    struct error ignored;

    scratch->server.process.channel = -1;
    if (have_server(scratch, options, err) != ERROR_OK || make(scratch, err) != ERROR_OK) {
        (void)scratch_close(scratch, &ignored);
        return err->code;
    }
    *ret = scratch;
    return ERROR_OK;
}

const char *scratch_url(const struct scratch *scratch)
{
    return scratch->url;
}

const char *scratch_programs(const struct scratch *scratch)
{
    return scratch->server.programs;
}

enum error_code scratch_renew(struct scratch *scratch, struct error *err)
{
    if (drop(scratch, err) != ERROR_OK)
        return err->code;
    return make(scratch, err);
}

enum error_code scratch_close(struct scratch *scratch, struct error *err)
{
    enum error_code code;

    if (scratch == NULL)
        return ERROR_OK;
    if (scratch->server.folder[0] != '\0')
        code = scratch_server_stop(&scratch->server, err);
    else
        code = drop(scratch, err);
    talloc_free(scratch);
    return code;
}
