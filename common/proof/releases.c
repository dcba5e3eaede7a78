#include "common/proof/releases.h"

#include "common/base/memory.h"

static bool tolerates(const struct releases_state *state, const struct migration_release *release,
                      size_t revision)
{
    for (size_t i = 0; i < release->tolerate_count; i++)
        if (release->tolerates[i] == revision)
            return true;
    return revision == release->needs ||
           migration_is_ancestor(state->set, revision, release->needs);
}

bool releases_fits(const struct releases_state *state, const struct migration_release *release)
{
    if (!state->is_expanded[release->needs])
        return false;
    for (size_t i = 0; i < state->set->revision_count; i++)
        if (state->is_contracted[i] && !tolerates(state, release, i))
            return false;
    return true;
}

/* Prepared, its names and types are looked up; without parameters it can be run, too. */
static enum error_code try_query(struct session *session, const char *text, const char *where,
                                 struct error *err)
{
    char *prepare = memory_format(NULL, "PREPARE hakem_query AS %s", text);
    struct sql_call call = {.text = prepare, .where = where};
    bool has_parameters = false;
    enum error_code code = session_query(session, call, NULL, err);

    talloc_free(prepare);
    if (code != ERROR_OK)
        return code;
    if (session_ask_bool(session,
                         SQL("SELECT pg_catalog.cardinality(parameter_types) > 0"
                             " FROM pg_catalog.pg_prepared_statements WHERE name = 'hakem_query'"),
                         &has_parameters, err) != ERROR_OK)
        return err->code;
    call.text = "EXECUTE hakem_query";
    if (!has_parameters && session_query(session, call, NULL, err) != ERROR_OK)
        return err->code;
    return session_run(session, "DEALLOCATE hakem_query", err);
}

static enum error_code try_all(struct session *session, const struct migration_release *release,
                               struct error *err)
{
    for (size_t i = 0; i < release->queries->count; i++) {
        const struct split_statement *statement = &release->queries->statements[i];
        char *where = memory_format(NULL, "%s:%zu", release->queries->path, statement->line);
        enum error_code code = session_run(session, "BEGIN", err);

        if (code == ERROR_OK)
            code = try_query(session, statement->text, where, err);
        talloc_free(where);
        if (code != ERROR_OK || session_run(session, "ROLLBACK", err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

static enum error_code check_one(const struct session_options *options,
                                 const struct migration_release *release, struct error *err)
{
    struct session *session = NULL;

    if (session_open(NULL, options, &session, err) != ERROR_OK)
        return err->code;
    err->code = ERROR_OK;
    (void)try_all(session, release, err);
    session_close(session);
    if (err->code == ERROR_OK || err->code == ERROR_CANCELLED || err->code == ERROR_CONNECTION)
        return err->code;
    return error_set(err, ERROR_INCOMPATIBLE,
                     "release %s is said to run on this schema, and cannot: %.800s", release->name,
                     err->detail);
}

enum error_code releases_check(const struct session_options *options,
                               const struct releases_state *state, size_t *ret_count,
                               struct error *err)
{
    size_t count = 0;

    for (size_t i = 0; i < state->set->release_count; i++) {
        const struct migration_release *release = &state->set->releases[i];

        if (release->queries == NULL || !releases_fits(state, release))
            continue;
        if (check_one(options, release, err) != ERROR_OK)
            return err->code;
        count++;
    }
    *ret_count = count;
    return ERROR_OK;
}
