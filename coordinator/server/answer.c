/* answer.c: operators' requests that change nothing: looked up in the state, after it is durable.
 */
#include "common/base/memory.h"
#include "coordinator/server/server_internal.h"
#include "coordinator/server/view.h"
#include "proto/json.h"

#include <stdlib.h>
#include <string.h>

#define HISTORY_FACTS_MAX 2000
#define HISTORY_BYTES_MAX (DOCUMENT_BYTES_MAX - 1024) /* less what stands around the facts */

struct look {
    struct server *server;
    const struct wish_slot *wish;
    const struct request *request;
};

void answer_send(struct server *server, const struct wish_slot *wish, enum error_code code,
                 const char *text, uint64_t rollout, const char *document)
{
    struct text *bytes = text_new(NULL, MESSAGE_BYTES_MAX);
    struct reply reply = {.rollout = rollout, .document = document};

    (void)text_copy(reply.code, sizeof(reply.code), error_code_name(code));
    (void)text_copy(reply.detail, sizeof(reply.detail), text);
    message_encode(MESSAGE_REPLY, wish->id, control_term(server->control), &reply, bytes);
    (void)port_answer(server->operators, &wish->from, bytes->data, bytes->size);
    talloc_free(bytes);
}

static void send_document(const struct look *look, json_t *document)
{
    char *bytes = json_dumps(document, JSON_COMPACT);

    json_decref(document);
    if (bytes == NULL || strlen(bytes) > DOCUMENT_BYTES_MAX)
        answer_send(look->server, look->wish, ERROR_LIMIT, "the answer would be too large", 0,
                    NULL);
    else
        answer_send(look->server, look->wish, ERROR_OK, "", 0, bytes);
    free(bytes);
}

static void refuse(const struct look *look, enum error_code code, const char *text)
{
    answer_send(look->server, look->wish, code, text, 0, NULL);
}

static void look_status(const struct look *look)
{
    send_document(look, view_status(look->server->control));
}

static void look_nodes(const struct look *look)
{
    send_document(look, view_nodes(look->server->control));
}

static void look_node(const struct look *look)
{
    const struct node *node = control_node(look->server->control, look->request->node);

    if (node == NULL)
        refuse(look, ERROR_NOT_FOUND, "no node has that name: see `hakem node list`");
    else
        send_document(look, view_node(look->server->control, node));
}

static void look_pending(const struct look *look)
{
    send_document(look, view_pending(look->server->keeper));
}

static void look_rollouts(const struct look *look)
{
    send_document(look, view_rollouts(look->server->control));
}

static json_t *longest_rows(const json_t *show, json_t **ret_rehearsal)
{
    json_t *longest = NULL;
    json_t *item;
    size_t i;

    json_array_foreach(json_object_get(show, "rehearsals"), i, item)
    {
        json_t *rows = json_object_get(item, "rows");

        if (json_array_size(rows) <= json_array_size(longest))
            continue;
        longest = rows;
        *ret_rehearsal = item;
    }
    return longest;
}

/* A rehearsal for each of many shards: the last rows of the longest go until the rest fits. */
static void fit_rehearsals(json_t *show)
{
    json_t *rehearsal = NULL;
    json_t *rows = longest_rows(show, &rehearsal);

    while (rows != NULL && json_dumpb(show, NULL, 0, JSON_COMPACT) > DOCUMENT_BYTES_MAX) {
        json_int_t left_out = json_integer_value(json_object_get(rehearsal, "left_out"));
        size_t kept = json_array_size(rows) / 2;

        left_out += (json_int_t)(json_array_size(rows) - kept);
        while (json_array_size(rows) > kept)
            (void)json_array_remove(rows, json_array_size(rows) - 1);
        (void)json_object_set_new(rehearsal, "left_out", json_integer(left_out));
        rows = longest_rows(show, &rehearsal);
    }
}

static void send_show(const struct look *look, json_t *show)
{
    fit_rehearsals(show);
    send_document(look, show);
}

static enum error_code add_rehearsal(void *context, const struct fact *fact, struct error *err)
{
    (void)err;
    if (fact->type == FACT_REHEARSED)
        view_add_rehearsal(context, fact->body);
    return ERROR_OK;
}

/* What a closed rollout's rehearsals measured only the journal knows. */
static void show_closed(const struct look *look, const struct summary *summary)
{
    json_t *object = view_summary(summary);
    bool has_any = summary->options.shadow || summary->strategy == STRATEGY_SHADOW;
    struct error err;

    if (has_any && journal_look(look->server->journal, summary->rollout, add_rehearsal, object,
                                &err) != ERROR_OK) {
        json_decref(object);
        refuse(look, err.code, err.detail);
        return;
    }
    send_show(look, object);
}

/* The open rollout, else the newest one, unless one is named. */
static void look_show(const struct look *look)
{
    const struct control *control = look->server->control;
    uint64_t wanted = look->request->rollout;
    const struct summary *summary;

    if (control->open != NULL && (wanted == 0 || wanted == control->open->work.plan->rollout)) {
        send_show(look, view_open(control));
        return;
    }
    if (wanted == 0 && control->summary_count > 0)
        wanted = control->summaries[control->summary_count - 1]->rollout;
    summary = control_summary(control, wanted);
    if (summary == NULL)
        refuse(look, ERROR_NOT_FOUND,
               wanted == 0 ? "there has been no rollout" : "there is no such rollout");
    else
        show_closed(look, summary);
}

/* The newest facts, oldest first. */
struct history {
    json_t *list;
    uint64_t left_out;
};

static enum error_code add_fact(void *context, const struct fact *fact, struct error *err)
{
    struct history *history = context;
    json_t *object;

    (void)err;
    if (fact->type == FACT_PLANNED || fact->type == FACT_CATALOG)
        return ERROR_OK;
    if (json_array_size(history->list) == HISTORY_FACTS_MAX) {
        (void)json_array_remove(history->list, 0);
        history->left_out++;
    }
    object = json_from_record(fact_row(fact->type)->record, fact->body);
    (void)json_object_set_new(object, "fact", json_string(fact_row(fact->type)->name));
    (void)json_object_set_new(object, "at_ms", json_integer((json_int_t)fact->at_ms));
    (void)json_array_append_new(history->list, object);
    return ERROR_OK;
}

/* Facts differ much in length: half of the oldest go until the rest fits. */
static void fit(struct history *history)
{
    while (json_dumpb(history->list, NULL, 0, JSON_COMPACT) > HISTORY_BYTES_MAX) {
        size_t half = json_array_size(history->list) / 2 + 1;

        history->left_out += half;
        for (size_t i = 0; i < half; i++)
            (void)json_array_remove(history->list, 0);
    }
}

static bool was_planned(const struct control *control, uint64_t rollout)
{
    return rollout == 0 || control_summary(control, rollout) != NULL ||
           (control->open != NULL && control->open->work.plan->rollout == rollout);
}

static void look_history(const struct look *look)
{
    struct history history = {.list = NULL};
    json_t *object;
    struct error err;

    if (!was_planned(look->server->control, look->request->rollout)) {
        refuse(look, ERROR_NOT_FOUND, "there is no such rollout");
        return;
    }
    object = json_object();
    history.list = json_array();
    (void)json_object_set_new(object, "facts", history.list);
    if (journal_look(look->server->journal, look->request->rollout, add_fact, &history, &err) !=
        ERROR_OK) {
        json_decref(object);
        refuse(look, err.code, err.detail);
        return;
    }
    fit(&history);
    (void)json_object_set_new(object, "older_left_out", json_integer((json_int_t)history.left_out));
    send_document(look, object);
}

static const struct {
    const char *verb;
    void (*answer)(const struct look *look);
} looks[] = {
    {"status", look_status},   {"nodes", look_nodes},       {"node", look_node},
    {"pending", look_pending}, {"rollouts", look_rollouts}, {"show", look_show},
    {"history", look_history},
};

bool answer_knows(const char *verb)
{
    for (size_t i = 0; i < ARRAY_LEN(looks); i++)
        if (strcmp(looks[i].verb, verb) == 0)
            return true;
    return false;
}

void answer_look(struct server *server, const struct wish_slot *wish)
{
    struct look look = {server, wish, wish->request};

    for (size_t i = 0; i < ARRAY_LEN(looks); i++)
        if (strcmp(looks[i].verb, wish->request->verb) == 0)
            looks[i].answer(&look);
}
