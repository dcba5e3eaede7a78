#include "tests/hokm/client.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#define URL_SIZE 512

struct slot {
    CURL *easy;
    size_t size;
    char answer[CLIENT_ANSWER_MAX];
    char reason[CURL_ERROR_SIZE];
    char body[CLIENT_BODY_MAX];
};

struct client {
    const char *target;
    CURLM *multi;
    struct curl_slist *headers;
    struct slot *slots;
    size_t slot_count;
    size_t in_flight;
};

/* An answer longer than the buffer breaks the request off. */
static size_t on_bytes(char *bytes, size_t one, size_t size, void *context)
{
    struct slot *slot = context;

    (void)one;
    if (size >= CLIENT_ANSWER_MAX - slot->size)
        return 0;
    memcpy(slot->answer + slot->size, bytes, size);
    slot->size += size;
    slot->answer[slot->size] = '\0';
    return size;
}

struct client *client_new(const void *parent, const char *target, size_t slots)
{
    struct client *client = memory_new(parent, struct client);

    assert(slots > 0 && slots <= CLIENT_SLOTS_MAX);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
    client->target = memory_text(client, target);
    client->multi = curl_multi_init();
    client->headers = curl_slist_append(NULL, "Content-Type: application/json");
    client->slots = memory_array(client, struct slot, slots);
    client->slot_count = slots;
    if (client->multi == NULL || client->headers == NULL)
        abort();
    (void)curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)slots);
    for (size_t i = 0; i < slots; i++) {
        client->slots[i].easy = curl_easy_init();
        if (client->slots[i].easy == NULL)
            abort();
    }
    return client;
}

void client_free(struct client *client)
{
    if (client == NULL)
        return;
    for (size_t i = 0; i < client->slot_count; i++) {
        (void)curl_multi_remove_handle(client->multi, client->slots[i].easy);
        curl_easy_cleanup(client->slots[i].easy);
    }
    (void)curl_multi_cleanup(client->multi);
    curl_slist_free_all(client->headers);
    talloc_free(client);
    curl_global_cleanup();
}

void client_start(struct client *client, size_t slot, const struct call *call)
{
    struct slot *to = &client->slots[slot];
    char url[URL_SIZE];

    assert(slot < client->slot_count);
    to->size = 0;
    to->answer[0] = to->reason[0] = '\0';
    (void)text_copy(to->body, sizeof(to->body), call->body);
    (void)text_format(url, sizeof(url), "http://%s%s", client->target, call->path);
    curl_easy_reset(to->easy); /* keeps the connection */
    (void)curl_easy_setopt(to->easy, CURLOPT_URL, url);
    (void)curl_easy_setopt(to->easy, CURLOPT_CUSTOMREQUEST, call->method);
    (void)curl_easy_setopt(to->easy, CURLOPT_HTTPHEADER, client->headers);
    (void)curl_easy_setopt(to->easy, CURLOPT_WRITEFUNCTION, on_bytes);
    (void)curl_easy_setopt(to->easy, CURLOPT_WRITEDATA, to);
    (void)curl_easy_setopt(to->easy, CURLOPT_PRIVATE, to);
    (void)curl_easy_setopt(to->easy, CURLOPT_ERRORBUFFER, to->reason);
    (void)curl_easy_setopt(to->easy, CURLOPT_TIMEOUT_MS, (long)CLIENT_PATIENCE_MS);
    (void)curl_easy_setopt(to->easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(to->easy, CURLOPT_PROXY, "");
    if (to->body[0] != '\0')
        (void)curl_easy_setopt(to->easy, CURLOPT_POSTFIELDS, to->body);
    if (curl_multi_add_handle(client->multi, to->easy) != CURLM_OK)
        abort();
    client->in_flight++;
}

static void finish(struct client *client, const CURLMsg *message, client_done done, void *context)
{
    CURL *easy = message->easy_handle;
    CURLcode code = message->data.result;
    struct slot *slot = NULL;
    long status = 0;

    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &slot);
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_multi_remove_handle(client->multi, easy);
    client->in_flight--;
    if (code != CURLE_OK) {
        status = 0;
        (void)text_copy(slot->answer, sizeof(slot->answer),
                        slot->reason[0] != '\0' ? slot->reason : curl_easy_strerror(code));
    }
    done(context, (size_t)(slot - client->slots), status, slot->answer);
}

void client_wait(struct client *client, uint64_t timeout_ms, client_done done, void *context)
{
    const CURLMsg *message;
    int running, left;

    (void)curl_multi_perform(client->multi, &running);
    if (timeout_ms > 0)
        (void)curl_multi_poll(client->multi, NULL, 0, (int)timeout_ms, NULL);
    (void)curl_multi_perform(client->multi, &running);
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL)
        if (message->msg == CURLMSG_DONE)
            finish(client, message, done, context);
}

size_t client_in_flight(const struct client *client)
{
    return client->in_flight;
}
