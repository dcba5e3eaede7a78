#include "common/migration/inspect.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "embedded_hakem_migration.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define INSPECT_POLL_MS   50
#define INSPECT_CANCEL_MS 500 /* a cancel's time to work before the backend is terminated */

const char *inspect_answer_name(enum inspect_answer answer)
{
    static const char *const names[INSPECT_ANSWER_COUNT] = {
        [INSPECT_DID_NOT] = "did_not", [INSPECT_PARTLY] = "partly", [INSPECT_DID] = "did"};

    return names[answer];
}

enum error_code inspect_phase(struct session *session, const struct inspect_question *question,
                              enum inspect_answer *ret, struct error *err)
{
    char generation[24], step[24];
    bool is_current = question->generation == INSPECT_GENERATION_CURRENT;
    uint64_t answer;
    bool exists;

    if (session_ask_bool(session, SQL("SELECT pg_catalog.to_regclass('hakem.mark') IS NOT NULL"),
                         &exists, err) != ERROR_OK)
        return err->code;
    if (!exists) {
        *ret = INSPECT_DID_NOT;
        return ERROR_OK;
    }
    (void)text_format(generation, sizeof(generation), "%" PRIu64, question->generation);
    (void)text_format(step, sizeof(step), "%" PRIu64, question->step);
    if (session_ask_number(session,
                           SQL_WITH(embedded_inspect_phase, question->revision,
                                    migration_phase_name(question->phase),
                                    is_current ? NULL : generation, question->rollout, step),
                           &answer, err) != ERROR_OK)
        return err->code;
    assert(answer < INSPECT_ANSWER_COUNT);
    *ret = (enum inspect_answer)answer;
    return ERROR_OK;
}

void inspect_application_name(const char *rollout, uint64_t step, uint64_t attempt,
                              char ret[static INSPECT_APPLICATION_SIZE])
{
    char numbers[64], hex[HASH_HEX_SIZE];
    struct hash hash;

    (void)text_format(numbers, sizeof(numbers), "%" PRIu64 "/%" PRIu64, step, attempt);
    hash_begin(&hash);
    hash_add(&hash, rollout, strlen(rollout));
    hash_add(&hash, numbers, strlen(numbers));
    hash_end_hex(&hash, hex);
    (void)text_format(ret, INSPECT_APPLICATION_SIZE, "hakem:%.12s", hex);
}

static const char cancel_sql[] =
    "SELECT pid, pg_catalog.pg_cancel_backend(pid) FROM pg_catalog.pg_stat_activity"
    " WHERE application_name = $1 AND pid <> pg_catalog.pg_backend_pid()";
static const char terminate_sql[] =
    "SELECT pid, pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity"
    " WHERE application_name = $1 AND pid <> pg_catalog.pg_backend_pid()";

enum error_code inspect_end_backends(struct session *session, const char *application_name,
                                     uint64_t timeout_ms, size_t *ret_ended, struct error *err)
{
    uint64_t started = clock_monotonic_ms();
    size_t most = 0;
    size_t round = 0;

    for (;; round++) {
        uint64_t waited = clock_monotonic_ms() - started;
        const char *sql = waited < INSPECT_CANCEL_MS && round == 0 ? cancel_sql : terminate_sql;
        struct rows *rows;
        size_t count;
        char pid[24] = "";

        if (session_query(session, SQL_WITH(sql, application_name), &rows, err) != ERROR_OK)
            return err->code;
        count = rows_count(rows);
        if (count > 0)
            (void)text_copy(pid, sizeof(pid), rows_text(rows, 0, 0));
        rows_free(rows);
        most = count > most ? count : most;
        if (count == 0)
            break;
        if (waited >= timeout_ms)
            return error_set(err, ERROR_TIMEOUT, "the backend %s of %s does not end", pid,
                             application_name);
        clock_sleep_ms(INSPECT_POLL_MS);
    }
    if (ret_ended != NULL)
        *ret_ended = most;
    return ERROR_OK;
}
