/* status: what of a history a database has, and what somebody changed in its schema by hand;
 * accept: that is right.
 */
#include "common/base/text.h"
#include "common/migration/drift.h"
#include "common/migration/fingerprint.h"
#include "common/postgres/term.h"
#include "coordinator/cli/database.h"
#include "coordinator/cli/migration_repeatable.h"
#include "coordinator/cli/verbs.h"

#include <string.h>

#define FINGERPRINT_LOCK_MS 1000

const struct cli_flag migration_accept_flags[] = {
    DATABASE_FLAG,
    MIGRATIONS_FLAG,
    {.name = "--reason", .value = "TEXT", .doc = "why it is right: it is kept in the log"},
    {.name = NULL}};

/* ---- status ---- */

static const char *state_of(const struct migration_revision *revision, const struct mark *mark)
{
    if (mark == NULL || mark->checksum[0] == '\0')
        return "not applied";
    if (strcmp(mark->checksum, revision->checksum) != 0)
        return strcmp(mark->meaning, revision->meaning) == 0 ? "applied, comments changed since"
                                                             : "applied, files changed since";
    if (mark->is_contracted)
        return mark->is_partial ? "contracting" : "contracted";
    if (mark->is_expanded)
        return "expanded";
    return "partly applied";
}

static void show_marks(struct cli *cli, const struct database *db)
{
    json_t *revisions = json_array();

    for (size_t i = 0; i < db->set->revision_count; i++) {
        const struct migration_revision *revision = &db->set->revisions[i];
        const struct mark *mark = marks_find(db->marks, revision->name);
        const char *state = state_of(revision, mark);

        cli_say(cli, "%-40s %s", revision->name, state);
        (void)json_array_append_new(
            revisions, json_pack("{s:s, s:s, s:b, s:b, s:I}", "name", revision->name, "state",
                                 state, "expanded", mark != NULL && mark->is_expanded, "contracted",
                                 mark != NULL && mark->is_contracted, "generation",
                                 mark != NULL ? (json_int_t)mark->generation : 0));
    }
    cli_answer(cli, "revisions", revisions);
}

static void show_drift(struct cli *cli, const struct drift *drift)
{
    json_t *objects = json_array();

    if (drift->is_open)
        cli_say(cli, "drift: not known: a run is under way here, or was interrupted; the next one, "
                     "or `hakem migration accept`, ends it");
    if (drift->count > 0)
        cli_say(cli, "drift: not as Hakem left it (`hakem migration accept --reason TEXT`, or take "
                     "it back):");
    for (size_t i = 0; i < drift->count; i++) {
        const struct drift_object *object = &drift->objects[i];

        cli_say(cli, "  %c %s %s %s", object->sign, object->kind, object->name, object->definition);
        (void)json_array_append_new(objects, json_pack("{s:s, s:s, s:s, s:s}", "only",
                                                       object->sign == '-' ? "before" : "now",
                                                       "kind", object->kind, "name", object->name,
                                                       "definition", object->definition));
    }
    cli_answer(cli, "drift", drift->is_known ? objects : json_null());
    if (!drift->is_known)
        json_decref(objects);
}

static enum error_code read_schema(struct database *db, struct drift **ret_drift,
                                   char ret[static HASH_HEX_SIZE], struct error *err)
{
    if (drift_list(db->session, db->context, ret_drift, err) != ERROR_OK)
        return err->code;
    (void)text_copy(ret, HASH_HEX_SIZE, (*ret_drift)->fingerprint);
    return ret[0] != '\0' ? ERROR_OK : fingerprint_take(db->session, FINGERPRINT_LOCK_MS, ret, err);
}

/* Somebody's lock on a table keeps it away: the rest is worth saying all the same. */
static enum error_code show_schema(struct cli *cli, struct database *db, struct error *err)
{
    char fingerprint[HASH_HEX_SIZE];
    struct drift *drift = NULL;

    if (read_schema(db, &drift, fingerprint, err) == ERROR_OK) {
        show_drift(cli, drift);
        cli_say(cli, "fingerprint %s", fingerprint);
        cli_answer(cli, "fingerprint", json_string(fingerprint));
    } else if (err->code == ERROR_LOCK) {
        cli_say(cli, "fingerprint and drift: not to be had just now: somebody holds a lock");
        cli_answer(cli, "fingerprint", json_null());
        err->code = ERROR_OK;
    }
    return err->code;
}

enum error_code migration_status(struct cli *cli, struct error *err)
{
    struct term_row term;
    struct database db;
    size_t count = 0;

    if (database_open(cli, &db, err) != ERROR_OK)
        return err->code;
    if (term_read(db.session, &term, err) == ERROR_OK) {
        show_marks(cli, &db);
        (void)migration_show_repeatables(cli, &db, false, &count, err);
        (void)show_schema(cli, &db, err);
        if (term.rollout[0] != '\0')
            cli_say(cli, "rollout %s of journal %s is open here (term %llu)", term.rollout,
                    term.journal, (unsigned long long)term.term);
        cli_answer(cli, "rollout", json_string(term.rollout));
    }
    database_close(&db);
    return err->code;
}

/* ---- accept ---- */

static enum error_code accept(struct cli *cli, struct database *db, const char *reason,
                              struct error *err)
{
    struct term_row term;
    size_t count = 0;

    if (term_read(db->session, &term, err) != ERROR_OK)
        return err->code;
    if (term.rollout[0] != '\0')
        return error_set(err, ERROR_REFUSED,
                         "the coordinator has rollout %s open on this database: accept what was "
                         "changed by hand once it is over",
                         term.rollout);
    if (drift_accept(db->session, database_operator(), reason, &count, err) != ERROR_OK)
        return err->code;
    cli_say(cli, "accepted: %zu object%s as %s now", count,
            count == 1 ? " is right" : "s are right", count == 1 ? "it is" : "they are");
    cli_answer(cli, "accepted", json_integer((json_int_t)count));
    return ERROR_OK;
}

enum error_code migration_accept(struct cli *cli, struct error *err)
{
    const char *reason = cli_flag(cli, "--reason");
    enum error_code code;
    struct database db;

    if (reason == NULL || reason[0] == '\0')
        return error_set(err, ERROR_USAGE, "why is it right? give --reason TEXT: it is kept");
    if (database_open(cli, &db, err) != ERROR_OK)
        return err->code;
    code = accept(cli, &db, reason, err);
    database_close(&db);
    return code;
}
