#include "agent/task/preflight.h"

#include "agent/programs.h"
#include "common/backup/backup.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "embedded_hakem_agent_shell.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* As text, for they are parameters of queries. */
#define TRANSACTION_FAILS_S "300" /* longer than all tries for a lock together */
#define TRANSACTION_WARNS_S "30"
#define PREPARED_S          "30" /* a coordinator of two-phase commits is done by then */
#define WAITING_S           "10"
#define LAG_BYTES_MAX       "67108864"
#define LAG_S_MAX           "30"
#define DISK_FREE_MIN       (256ULL << 20) /* sixteen segments of WAL */

const char *const preflight_verdicts[PREFLIGHT_VERDICT_COUNT] = {
    [PREFLIGHT_FAILS] = "fails", [PREFLIGHT_WARNS] = "warns"};

/* From and to, as server_version_num has them. */
static const struct {
    uint64_t from, to;
    const char *fault;
} versions[] = {
    {0, 119999, "it is older than 12"},
    {140000, 140003, "before 14.4, an index that is built concurrently may be corrupt"},
};

const char *preflight_version_fault(uint64_t version_num)
{
    for (size_t i = 0; i < ARRAY_LEN(versions); i++)
        if (version_num >= versions[i].from && version_num <= versions[i].to)
            return versions[i].fault;
    return NULL;
}

bool preflight_disk_is_short(uint64_t free_bytes)
{
    return free_bytes < DISK_FREE_MIN;
}

static enum error_code look_at_version(const struct preflight_subject *subject, const void *parent,
                                       char **ret, struct error *err)
{
    uint64_t number = 0;

    if (session_ask_number(subject->session,
                           SQL("SELECT current_setting('server_version_num')::bigint"), &number,
                           err) == ERROR_OK &&
        preflight_version_fault(number) != NULL)
        *ret = memory_format(parent, "%llu.%llu: %s", (unsigned long long)number / 10000,
                             (unsigned long long)number % 10000, preflight_version_fault(number));
    return err->code;
}

static enum error_code look_at_part(const struct preflight_subject *subject, const void *parent,
                                    char **ret, struct error *err)
{
    bool is_replica = false;

    if (session_ask_bool(subject->session, SQL("SELECT pg_is_in_recovery()"), &is_replica, err) ==
            ERROR_OK &&
        subject->expected != PART_NOT_KNOWN && is_replica != (subject->expected == PART_REPLICA))
        *ret = memory_format(parent, "%s, and the coordinator takes it for %s",
                             is_replica ? "it is in recovery" : "it is not in recovery",
                             is_replica ? "its shard's primary" : "a replica");
    return err->code;
}

static enum error_code look_at_disk(const struct preflight_subject *subject, const void *parent,
                                    char **ret, struct error *err)
{
    const char *folder = subject->config->database.data;
    struct statvfs info;
    uint64_t free_bytes;

    (void)err;
    if (statvfs(folder, &info) != 0) {
        *ret = memory_format(parent, "%s: %s", folder, strerror(errno));
        return ERROR_OK;
    }
    free_bytes = (uint64_t)info.f_bavail * info.f_frsize;
    if (preflight_disk_is_short(free_bytes))
        *ret = memory_format(parent, "%s has %llu MiB left, and %llu is the least", folder,
                             (unsigned long long)(free_bytes >> 20), DISK_FREE_MIN >> 20);
    return ERROR_OK;
}

/* pg_dump is there, and the folder can be written to: said before everybody has been told. */
static enum error_code look_at_backups(const struct preflight_subject *subject, const void *parent,
                                       char **ret, struct error *err)
{
    static const char *const names[] = {"pg_dump", "pg_restore", NULL};
    const struct database_config *config = &subject->config->database;
    uint64_t version = (uint64_t)PQserverVersion(session_connection(subject->session)) / 10000;
    const char *folder;
    struct error why = {.code = ERROR_OK};

    (void)err;
    if (config->backups == NULL)
        return ERROR_OK;
    if (programs_find(subject->config, version, names, parent, &folder, &why) != ERROR_OK ||
        backup_check_program(folder, names[0], version, &why) != ERROR_OK ||
        backup_check_program(folder, names[1], version, &why) != ERROR_OK ||
        file_make_folder(config->backups, 0700, &why) != ERROR_OK)
        *ret = memory_text(parent, why.detail);
    else if (access(config->backups, W_OK) != 0)
        *ret = memory_format(parent, "%s: %s", config->backups, strerror(errno));
    return ERROR_OK;
}

/* It is said while there is time to mend it: behind the contracts there may be none. */
static enum error_code look_at_restore(const struct preflight_subject *subject, const void *parent,
                                       char **ret, struct error *err)
{
    const struct database_config *config = &subject->config->database;

    if (config->backups == NULL || config->admin_url != NULL)
        return ERROR_OK;
    if (session_ask_text(subject->session, SQL(embedded_preflight_restore), parent, ret, err) ==
        ERROR_NOT_FOUND)
        err->code = ERROR_OK;
    return err->code;
}

#define EVERYWHERE   .on_primary = true, .on_replica = true
#define THE_PRIMARY  .on_primary = true
#define THE_REPLICAS .on_replica = true
#define FAILS        .verdict = PREFLIGHT_FAILS
#define WARNS        .verdict = PREFLIGHT_WARNS
/* One line of SQL: what is wrong if the condition does not hold. */
#define UNLESS(condition, found) .sql = "SELECT " found " WHERE NOT (" condition ")"

/* clang-format off */
const struct preflight_check preflight_checks[] = {
    {.name = "part", EVERYWHERE, FAILS, .look = look_at_part,
     .what = "who is primary has changed: ", .todo = "plan anew"},
    {.name = "version", EVERYWHERE, FAILS, .look = look_at_version,
     .what = "PostgreSQL ", .todo = "update the server"},
    {.name = "writable", THE_PRIMARY, FAILS,
     UNLESS("current_setting('default_transaction_read_only') = 'off'", "current_user::text"),
     .what = "transactions are read-only for ",
     .todo = "put default_transaction_read_only off for it"},
    {.name = "create", THE_PRIMARY, FAILS,
     UNLESS("has_database_privilege(current_database(), 'CREATE')", "current_user::text"),
     .what = "may not create in this database: ", .todo = "GRANT CREATE ON DATABASE to it"},
    {.name = "records", THE_PRIMARY, FAILS, .sql = embedded_preflight_records,
     .what = "may not be read and written by this role: ",
     .todo = "run the agent as the role that they belong to"},
    {.name = "signal", THE_PRIMARY, FAILS,
     UNLESS("pg_has_role('pg_signal_backend', 'USAGE')", "current_user::text"),
     .what = "may not end other roles' sessions, which the way back may need: ",
     .todo = "GRANT pg_signal_backend to it"},
    {.name = "monitor", EVERYWHERE, FAILS,
     UNLESS("pg_has_role('pg_read_all_stats', 'USAGE')", "current_user::text"),
     .what = "may not see other roles' transactions: ", .todo = "GRANT pg_monitor to it"},
    {.name = "disk", EVERYWHERE, FAILS, .look = look_at_disk,
     .what = "the disk of the data: ", .todo = "make room, or mend database.data"},
    {.name = "backups", THE_PRIMARY, FAILS, .look = look_at_backups,
     .what = "no backup could be made: ", .todo = "mend database.backups or database.programs"},
    {.name = "restore", THE_PRIMARY, WARNS, .fails_restore = true, .look = look_at_restore,
     .what = "a backup could be made, but not restored, as ",
     .todo = "give its agent database.admin_url, or the role CREATEDB and the database"},
    {.name = "prepared", THE_PRIMARY, FAILS, .sql = embedded_preflight_prepared,
     .limits = {PREPARED_S},
     .what = "prepared transactions hold their locks: ",
     .todo = "COMMIT PREPARED or ROLLBACK PREPARED"},
    {.name = "stale_transactions", THE_PRIMARY, FAILS, .sql = embedded_preflight_transactions,
     .limits = {TRANSACTION_FAILS_S},
     .what = "a lock would wait, and players behind it, for a transaction of ",
     .todo = "end it (pg_terminate_backend), or wait for it"},
    {.name = "long_transactions", EVERYWHERE, WARNS, .sql = embedded_preflight_transactions,
     .limits = {TRANSACTION_WARNS_S},
     .what = "long in a transaction: ", .todo = "locks are tried again until it ends"},
    {.name = "waiting", EVERYWHERE, WARNS, .sql = embedded_preflight_waiting,
     .limits = {WAITING_S},
     .what = "waits for a lock: ", .todo = "look at whom it waits for"},
    {.name = "indexes", THE_PRIMARY, WARNS, .sql = embedded_preflight_indexes,
     .what = "invalid indexes: ",
     .todo = "one of the plan is built anew, any other is to be dropped or reindexed"},
    {.name = "streaming", THE_REPLICAS, WARNS,
     UNLESS("EXISTS (SELECT FROM pg_catalog.pg_stat_wal_receiver)", "'no WAL receiver runs'"),
     .what = "nothing arrives from the primary: ", .todo = "it will be waited for"},
    {.name = "lag", THE_REPLICAS, WARNS, .sql = embedded_preflight_lag,
     .limits = {LAG_BYTES_MAX, LAG_S_MAX},
     .what = "replay is behind by ", .todo = "it will be waited for"},
};
/* clang-format on */
const size_t preflight_check_count = ARRAY_LEN(preflight_checks);

static enum error_code ask(const struct preflight_check *check, struct session *session,
                           const char *const *limits, const void *parent, char **ret,
                           struct error *err)
{
    struct sql_call call = {.text = check->sql, .params = limits};

    while (call.param_count < PREFLIGHT_LIMITS_MAX && limits[call.param_count] != NULL)
        call.param_count++;
    if (session_ask_text(session, call, parent, ret, err) == ERROR_NOT_FOUND)
        err->code = ERROR_OK; /* no row, or NULL */
    return err->code;
}

enum error_code preflight_look(const struct preflight_check *check,
                               const struct preflight_subject *subject, const char *const *limits,
                               const void *parent, char **ret, struct error *err)
{
    char *found = NULL;

    err->code = ERROR_OK;
    if (check->look != NULL)
        (void)check->look(subject, parent, &found, err);
    else
        (void)ask(check, subject->session, limits != NULL ? limits : check->limits, parent, &found,
                  err);
    if (err->code == ERROR_OK)
        *ret = found;
    return err->code;
}

static enum preflight_verdict verdict_of(const struct preflight_check *check,
                                         const struct preflight_subject *subject)
{
    return check->fails_restore && subject->is_restored ? PREFLIGHT_FAILS : check->verdict;
}

static void add_sentence(struct text *text, const struct preflight_check *check, const char *found)
{
    text_append_format(text, "%s%s%s; %s", text->size > 0 ? ". " : "", check->what, found,
                       check->todo);
}

/* Not looked at is not well; but a lost connection is no fault of the database's. */
static void take_failure(struct text *fails, const struct preflight_check *check, struct error *err)
{
    if (error_code_is_retryable(err->code) || err->code == ERROR_CANCELLED)
        return;
    text_append_format(fails, "%scould not look at \"%s\": %s", fails->size > 0 ? ". " : "",
                       check->name, err->detail);
    err->code = ERROR_OK;
}

enum error_code preflight_database(const struct preflight_subject *subject, char *ret, size_t size,
                                   struct error *err)
{
    struct text *said[PREFLIGHT_VERDICT_COUNT];
    bool is_replica = false;
    void *memory = memory_zeroed(NULL, 1, 1, "preflight");

    for (size_t i = 0; i < PREFLIGHT_VERDICT_COUNT; i++)
        said[i] = text_new(memory, SENTENCE_SIZE - 1);
    err->code = ERROR_OK;
    (void)session_ask_bool(subject->session, SQL("SELECT pg_is_in_recovery()"), &is_replica, err);
    for (size_t i = 0; i < preflight_check_count && err->code == ERROR_OK; i++) {
        const struct preflight_check *check = &preflight_checks[i];
        char *found = NULL;

        if (!(is_replica ? check->on_replica : check->on_primary))
            continue;
        if (preflight_look(check, subject, NULL, memory, &found, err) != ERROR_OK)
            take_failure(said[PREFLIGHT_FAILS], check, err);
        else if (found != NULL)
            add_sentence(said[verdict_of(check, subject)], check, found);
    }
    if (err->code == ERROR_OK && said[PREFLIGHT_FAILS]->size > 0)
        error_set(err, ERROR_REFUSED, "%s", said[PREFLIGHT_FAILS]->data);
    if (err->code == ERROR_OK)
        (void)text_copy(ret, size, said[PREFLIGHT_WARNS]->data);
    talloc_free(memory);
    return err->code;
}
