/* repeatable_proof.c: the way back of repeatables, tried before they are applied in a rollout, in a
 * transaction that is rolled back: it has to lead to the schema that was there.
 */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/fingerprint.h"
#include "common/migration/segment.h"
#include "embedded_hakem_migration.h"

#include <assert.h>
#include <string.h>

#define ADD_DROPS                                                                                  \
    "SELECT pg_catalog.length(pg_catalog.set_config('hakem.drops',"                                \
    " pg_catalog.current_setting('hakem.made') || E'\\n'"                                          \
    " || coalesce(pg_catalog.current_setting('hakem.drops', true), ''), true))"
#define RUN_DROPS "DO $$BEGIN EXECUTE pg_catalog.current_setting('hakem.drops'); END$$"
#define ACL       " acl="

struct proof {
    struct migrator *m;
    const struct repeatable_change *changes;
    size_t count;
    const struct split **before; /* per change; NULL: it was not there, or nobody knows */
};

/* ---- is it what it was? ---- */

struct span {
    const char *at;
    size_t size;
};

/* The definition without its grants, which are its end. */
static struct span bare(const struct fingerprint_object *object, const char **ret_grants)
{
    const char *found = NULL;

    for (const char *at = object->definition; (at = strstr(at, ACL)) != NULL; at++)
        found = at;
    *ret_grants = found != NULL ? found + strlen(ACL) : "";
    return (struct span){object->definition, found != NULL ? (size_t)(found - object->definition)
                                                           : strlen(object->definition)};
}

/* "anna=rw/owner": the letters of one in the other, of the same people. */
static bool has_rights(const char *item, size_t size, const char *grants)
{
    const char *equals = memchr(item, '=', size);
    const char *slash = memchr(item, '/', size);
    size_t who = equals != NULL ? (size_t)(equals - item) + 1 : size;

    for (const char *at = grants; *at != '\0'; at += strcspn(at, ",") + (strchr(at, ',') != NULL)) {
        size_t length = strcspn(at, ",");
        bool has = strncmp(at, item, who) == 0;

        for (const char *right = item + who; has && right < slash; right++)
            has = memchr(at + who, *right, length - who) != NULL;
        if (has)
            return true;
    }
    return false;
}

/* What a new one grants stays. */
static bool has_all_rights(const char *before, const char *after)
{
    for (const char *at = before; *at != '\0'; at += strcspn(at, ",") + (strchr(at, ',') != NULL))
        if (!has_rights(at, strcspn(at, ","), after))
            return false;
    return true;
}

static bool is_as_before(const struct fingerprint_object *before,
                         const struct fingerprint_object *after)
{
    const char *grants_before, *grants_after;
    struct span one = bare(before, &grants_before);
    struct span other = bare(after, &grants_after);

    return one.size == other.size && memcmp(one.at, other.at, one.size) == 0 &&
           has_all_rights(grants_before, grants_after);
}

static int compare_names(const struct fingerprint_object *a, const struct fingerprint_object *b)
{
    int order = strcmp(a->kind, b->kind);

    return order != 0 ? order : strcmp(a->name, b->name);
}

static enum error_code fail_other(const struct fingerprint_object *object, const char *how,
                                  struct error *err)
{
    return error_set(err, ERROR_IRREVERSIBLE,
                     "new repeatables would have no way back (make it a revision): with what they "
                     "were before the %s %.200s would be %s",
                     object->kind, object->name, how);
}

static enum error_code compare(const struct fingerprint_objects *before,
                               const struct fingerprint_objects *after, struct error *err)
{
    size_t b = 0, a = 0;

    while (b < before->count || a < after->count) {
        int order = b == before->count  ? 1
                    : a == after->count ? -1
                                        : compare_names(&before->items[b], &after->items[a]);

        if (order < 0)
            return fail_other(&before->items[b], "gone", err);
        if (order > 0)
            return fail_other(&after->items[a], "left", err);
        if (!is_as_before(&before->items[b++], &after->items[a++]))
            return fail_other(&before->items[b - 1], "another", err);
    }
    return ERROR_OK;
}

/* ---- there and back ---- */

static void add_settings_back(struct transaction *t)
{
    transaction_add(t, "what was set", embedded_settings_back, 0, NULL);
}

static void add_forward(const struct proof *proof, struct transaction *t)
{
    transaction_add(t, "what is set", embedded_settings_keep, 0, NULL);
    for (size_t i = 0; i < proof->count; i++) {
        repeatable_add_new(proof->m, t, &proof->changes[i]);
        transaction_add(t, "what they made", ADD_DROPS, 0, NULL);
        add_settings_back(t);
    }
}

static void add_back(const struct proof *proof, struct transaction *t)
{
    surroundings_add_by(proof->m, t, surroundings_role(proof->m),
                        "dropping what repeatables have made", RUN_DROPS);
    for (size_t i = 0; i < proof->count; i++) {
        if (proof->before[i] == NULL)
            continue;
        repeatable_add_script(proof->m, t, proof->before[i]);
        add_settings_back(t);
    }
}

static enum error_code go(const struct proof *proof, struct error *err)
{
    struct transaction *t = transaction_new(proof->m->scratch);
    size_t back, failed = 0;
    enum error_code code;

    add_forward(proof, t);
    back = t->count;
    add_back(proof, t);
    code = transaction_run(proof->m, t, &failed, err);
    if (code == ERROR_SQL && failed >= back)
        code = error_set(err, ERROR_IRREVERSIBLE,
                         "new repeatables would have no way back (let them drop what they replace "
                         "first, or make it a revision): %.700s",
                         err->detail);
    talloc_free(t);
    return code;
}

static enum error_code begin(const struct proof *proof, uint64_t lock_timeout_ms, struct error *err)
{
    struct transaction *t = transaction_new(proof->m->scratch);
    enum error_code code;

    transaction_begin(proof->m, t, lock_timeout_ms);
    code = transaction_run(proof->m, t, NULL, err);
    talloc_free(t);
    return code;
}

static enum error_code try_proof(void *context, uint64_t lock_timeout_ms, struct error *err)
{
    const struct proof *proof = context;
    struct migrator *m = proof->m;
    struct fingerprint_objects *before = NULL, *after = NULL;
    struct error ignored;
    enum error_code code = begin(proof, lock_timeout_ms, err);

    if (code == ERROR_OK)
        code = fingerprint_list_within(m->session, m->scratch, &before, err);
    if (code == ERROR_OK)
        code = go(proof, err);
    if (code == ERROR_OK)
        code = fingerprint_list_within(m->session, m->scratch, &after, err);
    if (code == ERROR_OK) {
        assert(before != NULL && after != NULL);
        code = compare(before, after, err);
    }
    if (!session_is_lost(m->session) && session_is_in_transaction(m->session))
        (void)session_run(m->session, "ROLLBACK", &ignored);
    talloc_free(before);
    talloc_free(after);
    return code;
}

static enum error_code split_before(const struct proof *proof, size_t i, struct error *err)
{
    struct migrator *m = proof->m;
    const char *sql = proof->changes[i].sql_before;
    const char *path = memory_format(m->scratch, "%s as it was before",
                                     repeatable_path(m, proof->changes[i].repeatable->name));
    struct split *split = NULL;

    if (sql == NULL)
        return ERROR_OK;
    if (split_sql(m->scratch, path, sql, strlen(sql), &split, err) != ERROR_OK)
        return err->code;
    proof->before[i] = split;
    return ERROR_OK;
}

enum error_code repeatables_prove(struct migrator *m, const struct repeatable_change *changes,
                                  size_t count, struct error *err)
{
    static const struct migration_revision nobody = {.name = MIGRATION_REPEATABLES};
    struct proof proof = {.m = m, .changes = changes, .count = count};
    enum error_code code;

    proof.before = memory_array(m->scratch, const struct split *, count);
    for (size_t i = 0; i < count; i++)
        if (split_before(&proof, i, err) != ERROR_OK)
            return err->code;
    m->revision = &nobody;
    code = ladder_climb(m, try_proof, &proof, err);
    m->revision = NULL;
    return code;
}
