/* Reads back every acknowledged write: its receipt, and the fields that it left. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "tests/hokm/players_run.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define READERS     32
#define TRIES_MAX   5
#define WAIT_MAX_MS 200

/* One thing to read back: a receipt, or the last value of a field with those that may be there. */
struct check {
    const struct player_log_write *first; /* in order; the first one is the last acknowledged */
    size_t count;
    bool is_field;
    int tries;
};

enum outcome { OUTCOME_FOUND, OUTCOME_LOST, OUTCOME_UNREPORTED, OUTCOME_COUNT };

struct verifying {
    struct client *client;
    struct check *checks;
    size_t check_count, next;
    size_t reading[READERS]; /* which check the slot reads */
    uint64_t outcomes[OUTCOME_COUNT];
};

/* A new player's write is the first value of the name. */
static const char *field_of(const struct player_log_write *write)
{
    static const char *const fields[][2] = {{"player", "name"},
                                            {"name", "name"},
                                            {"bio", "bio"},
                                            {"rating", "rating"},
                                            {"motto", "motto"}};

    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (strcmp(fields[i][0], write->kind) == 0)
            return fields[i][1];
    return "";
}

static bool is_same_field(const struct player_log_write *a, const struct player_log_write *b)
{
    return a->subject == b->subject && strcmp(field_of(a), field_of(b)) == 0;
}

static int by_field(const void *a, const void *b)
{
    const struct player_log_write *x = a, *y = b;
    int fields = strcmp(field_of(x), field_of(y));

    if (fields != 0)
        return fields;
    if (x->subject != y->subject)
        return x->subject < y->subject ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

/* From the last acknowledged write of the group on: what follows was never answered. */
static void add_field(struct verifying *v, const struct player_log_write *group, size_t count)
{
    size_t last = count;

    for (size_t i = 0; i < count; i++)
        if (group[i].is_acknowledged)
            last = i;
    if (last < count && field_of(group)[0] != '\0')
        v->checks[v->check_count++] =
            (struct check){.first = group + last, .count = count - last, .is_field = true};
}

static void make_checks(struct verifying *v, struct player_log_write *writes, size_t count)
{
    size_t begin = 0;

    v->checks = memory_array(v->client, struct check, 2 * count + 1);
    qsort(writes, count, sizeof(writes[0]), by_field);
    for (size_t i = 0; i < count; i++) {
        if (writes[i].is_acknowledged)
            v->checks[v->check_count++] = (struct check){.first = &writes[i], .count = 1};
        if (i + 1 == count || !is_same_field(&writes[i], &writes[i + 1])) {
            add_field(v, &writes[begin], i + 1 - begin);
            begin = i + 1;
        }
    }
}

static enum outcome judge_receipt(const struct check *check, json_t *answer)
{
    const char *kind = NULL, *value = NULL;
    json_int_t subject = 0;

    if (json_unpack(answer, "{s:{s:s,s:I,s:s}}", "receipt", "kind", &kind, "subject", &subject,
                    "value", &value) != 0)
        return OUTCOME_LOST;
    return strcmp(kind, check->first->kind) == 0 && subject == check->first->subject &&
                   strcmp(value, check->first->value) == 0
               ? OUTCOME_FOUND
               : OUTCOME_LOST;
}

static enum outcome judge_field(const struct check *check, json_t *answer)
{
    const json_t *member = json_object_get(answer, field_of(check->first));
    char value[WORLD_VALUE_MAX];

    if (member == NULL)
        return json_object_get(answer, "player") != NULL ? OUTCOME_UNREPORTED : OUTCOME_LOST;
    if (json_is_integer(member))
        (void)text_format(value, sizeof(value), "%" JSON_INTEGER_FORMAT,
                          json_integer_value(member));
    else
        (void)text_copy(value, sizeof(value),
                        json_is_string(member) ? json_string_value(member) : "");
    for (size_t i = 0; i < check->count; i++)
        if (strcmp(check->first[i].value, value) == 0)
            return OUTCOME_FOUND;
    return OUTCOME_LOST;
}

static void start(struct verifying *v, size_t slot)
{
    const struct check *check = &v->checks[v->reading[slot]];
    struct call call = {.method = "GET"};

    if (check->is_field)
        (void)text_format(call.path, sizeof(call.path), "/player/%" PRId64, check->first->subject);
    else
        (void)text_format(call.path, sizeof(call.path), "/receipt/%s", check->first->id);
    client_start(v->client, slot, &call);
}

static void start_next(struct verifying *v, size_t slot)
{
    if (v->next == v->check_count)
        return;
    v->reading[slot] = v->next++;
    start(v, slot);
}

static void report(const struct check *check, const char *answer)
{
    (void)fprintf(stderr, "lost %s id=%s kind=%s subject=%" PRId64 " value=%s answer=%.200s\n",
                  check->is_field ? "field" : "receipt", check->first->id, check->first->kind,
                  check->first->subject, check->first->value, answer);
}

/* What can't be read at all, after some tries, is lost. */
static void on_answer(void *context, size_t slot, long status, const char *text)
{
    struct verifying *v = context;
    struct check *check = &v->checks[v->reading[slot]];
    enum outcome outcome = OUTCOME_LOST;
    json_t *answer;

    if (status != 200 && status != 404 && ++check->tries < TRIES_MAX) {
        start(v, slot);
        return;
    }
    answer = json_loads(text, 0, NULL);
    if (status == 200)
        outcome = check->is_field ? judge_field(check, answer) : judge_receipt(check, answer);
    if (outcome == OUTCOME_LOST)
        report(check, text);
    json_decref(answer);
    v->outcomes[outcome]++;
    start_next(v, slot);
}

enum error_code players_verify(const struct players_options *options,
                               const struct player_log_contents *log, uint64_t *ret_lost,
                               uint64_t *ret_unreported, struct error *err)
{
    struct verifying v = {.client = client_new(NULL, options->target, READERS)};
    struct player_log_write *sorted =
        memory_array(v.client, struct player_log_write, log->write_count + 1);
    bool is_whole;

    if (log->write_count > 0)
        memcpy(sorted, log->writes, log->write_count * sizeof(sorted[0]));
    make_checks(&v, sorted, log->write_count);
    for (size_t slot = 0; slot < READERS; slot++)
        start_next(&v, slot);
    while (client_in_flight(v.client) > 0)
        client_wait(v.client, WAIT_MAX_MS, on_answer, &v);
    is_whole =
        v.outcomes[OUTCOME_FOUND] + v.outcomes[OUTCOME_LOST] + v.outcomes[OUTCOME_UNREPORTED] ==
        v.check_count;
    client_free(v.client);
    if (!is_whole)
        return error_set(err, ERROR_FAILED, "not every write was read back");
    *ret_lost = v.outcomes[OUTCOME_LOST];
    *ret_unreported = v.outcomes[OUTCOME_UNREPORTED];
    return ERROR_OK;
}
