#include "tests/bench/crowd_internal.h"

#include "tests/fuzz/cast.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#define REPORT_BEATS     10  /* an agent with no news */
#define GATHER_BEATS_MAX 120 /* a newcomer's first report comes after its database's */
#define BEGIN_MS         1000000
#define PATIENCE_TURNS   1000

static uint64_t cpu_now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* ---- what the core is told ---- */

static void keep_mail(struct crowd *crowd, size_t to, const struct order *order)
{
    if (crowd->mail_count == crowd->mail_capacity) {
        size_t capacity = crowd->mail_capacity * 2 + 64;

        crowd->mails = memory_grow(crowd, crowd->mails, crowd->mail_capacity, capacity);
        crowd->mail_capacity = capacity;
    }
    crowd->mails[crowd->mail_count++] = (struct mail){to, order_for_keeps(order)};
}

static void take_decisions(struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->decisions->effect_count; i++) {
        const struct effect *effect = &crowd->decisions->effects[i];

        if (effect->type == EFFECT_REPLY) {
            crowd->code = effect->code;
            (void)text_copy(crowd->sentence, sizeof(crowd->sentence), effect->text);
        }
        if (effect->type != EFFECT_SEND)
            continue;
        if (effect->message == MESSAGE_ORDER)
            keep_mail(crowd, crowd_place(crowd, effect->node), effect->body);
        if (effect->message == MESSAGE_WATCH)
            crowd->members[crowd_place(crowd, effect->node)].is_watched =
                ((const struct watch *)effect->body)->is_on;
    }
    decisions_clear(crowd->decisions);
}

static void handle(struct crowd *crowd, struct event *event)
{
    uint64_t began = cpu_now_ns();

    event->at_ms = crowd->now_ms;
    control_handle(crowd->control, event, crowd->decisions);
    crowd->cpu_ns += cpu_now_ns() - began;
    crowd->events++;
    take_decisions(crowd);
}

static void settle(struct crowd *crowd)
{
    uint64_t began = cpu_now_ns();

    control_settle(crowd->control, crowd->now_ms, crowd->decisions);
    crowd->cpu_ns += cpu_now_ns() - began;
    take_decisions(crowd);
}

static void say(struct crowd *crowd, size_t at, enum message_type type, void *body)
{
    struct message message = {.type = type, .term = crowd->control->term, .body = body};

    handle(crowd, &(struct event){
                      .type = EVENT_MESSAGE, .node = crowd->members[at].name, .message = &message});
}

/* ---- reports ---- */

static void report(struct crowd *crowd, size_t at)
{
    struct report *report = crowd_report(crowd, at, crowd);

    crowd->members[at].has_news = false;
    say(crowd, at, MESSAGE_REPORT, report);
    talloc_free(report);
}

/* The answer to a beat says whether the member is watched. */
static void speak(struct crowd *crowd, size_t at)
{
    const struct member *member = &crowd->members[at];
    struct beat beat = {.is_up = true};

    (void)text_copy(beat.ledger, IDENTITY_SIZE, member->name);
    say(crowd, at, MESSAGE_BEAT, &beat);
    if (member->is_watched || member->has_news || (crowd->beats + at) % REPORT_BEATS == 0)
        report(crowd, at);
}

/* ---- orders ---- */

static void answer(struct crowd *crowd, const struct mail *mail)
{
    struct accepted accepted = {.id = mail->order.id, .is_accepted = true};
    struct task_outcome outcome = {.id = mail->order.id, .outcome = OUTCOME_SUCCEEDED};

    say(crowd, mail->to, MESSAGE_ACCEPTED, &accepted);
    crowd_perform(crowd, mail->to, &mail->order);
    outcome.position = crowd->position;
    (void)text_copy(outcome.code, NAME_SIZE, "OK");
    say(crowd, mail->to, MESSAGE_OUTCOME, &outcome);
}

/* All that were given orders answer at once, and say what is new. */
static void answer_all(struct crowd *crowd)
{
    for (int turn = 0; crowd->mail_count > 0 && turn < PATIENCE_TURNS; turn++) {
        struct mail *mails = crowd->mails;
        size_t count = crowd->mail_count;

        crowd->mails = NULL;
        crowd->mail_count = crowd->mail_capacity = 0;
        for (size_t i = 0; i < count; i++)
            answer(crowd, &mails[i]);
        talloc_free(mails);
        for (size_t at = 0; at < crowd->member_count; at++)
            if (crowd->members[at].has_news)
                report(crowd, at);
        settle(crowd);
    }
}

void crowd_beat(struct crowd *crowd)
{
    crowd->now_ms += BEAT_MS;
    crowd->beats++;
    for (size_t at = 0; at < crowd->member_count; at++)
        speak(crowd, at);
    settle(crowd);
    answer_all(crowd);
}

enum error_code crowd_ask(struct crowd *crowd, const struct request *request,
                          const char **ret_sentence)
{
    handle(crowd, &(struct event){.type = EVENT_REQUEST,
                                  .operator_name = "bench",
                                  .request_id = 1,
                                  .request = request});
    settle(crowd);
    answer_all(crowd);
    *ret_sentence = crowd->sentence;
    return crowd->code;
}

/* ---- beginning ---- */

static void make_members(struct crowd *crowd, size_t games)
{
    static const char *const kinds[] = {"db", "db", "ed", "ga"};

    crowd->shard_count = (games + CROWD_SHARD_GAMES - 1) / CROWD_SHARD_GAMES;
    crowd->shards = memory_array(crowd, struct shard, crowd->shard_count);
    crowd->members =
        memory_array(crowd, struct member, games + CROWD_SHARD_OTHERS * crowd->shard_count);
    for (size_t s = 0; s < crowd->shard_count; s++) {
        struct shard *shard = &crowd->shards[s];

        (void)text_format(shard->name, NAME_SIZE, "shard-%04zu", s);
        shard->first = crowd->member_count;
        shard->games = games / crowd->shard_count + (s < games % crowd->shard_count ? 1 : 0);
        for (size_t i = 0; i < CROWD_SHARD_OTHERS + shard->games; i++) {
            struct member *member = &crowd->members[crowd->member_count];

            member->place = i < CROWD_SHARD_OTHERS ? (enum place)i : PLACE_GAME;
            member->shard = s;
            member->traffic = TRAFFIC_READY;
            (void)text_copy(member->release, NAME_SIZE, "old");
            (void)text_format(member->name, NAME_SIZE, "%s-%06zu", kinds[member->place],
                              crowd->member_count++);
        }
    }
}

static void enroll(struct crowd *crowd, size_t at)
{
    const struct member *member = &crowd->members[at];
    struct request request = {.verb = "accept", .kind = crowd_kind(member)};
    struct hello hello = {.program = "bench"};
    struct adopted adopted = {.is_refused = false};

    (void)text_copy(request.node, NAME_SIZE, member->name);
    (void)text_copy(request.shard, NAME_SIZE, crowd->shards[member->shard].name);
    (void)text_format(request.key, KEY_TEXT_SIZE, "%040zu", at);
    (void)text_copy(hello.ledger, IDENTITY_SIZE, member->name);
    (void)text_copy(adopted.ledger, IDENTITY_SIZE, member->name);
    handle(crowd, &(struct event){.type = EVENT_REQUEST,
                                  .operator_name = "bench",
                                  .request_id = 1,
                                  .request = &request});
    say(crowd, at, MESSAGE_HELLO, &hello);
    say(crowd, at, MESSAGE_ADOPTED, &adopted);
}

static bool has_gathered(const struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->control->node_count; i++)
        if (crowd->control->nodes[i]->quarantine != QUARANTINE_NONE ||
            crowd->control->nodes[i]->report == NULL)
            return false;
    return crowd->control->node_count == crowd->member_count;
}

struct crowd *crowd_new(size_t games)
{
    struct crowd *crowd = memory_new(NULL, struct crowd);
    struct catalog catalog;

    crowd->control = control_new(crowd);
    crowd->decisions = decisions_new(crowd);
    crowd->now_ms = BEGIN_MS;
    make_members(crowd, games);
    cast_fill_catalog(&catalog, crowd, false);
    handle(crowd,
           &(struct event){.type = EVENT_STARTED, .journal = "bench", .outage_from_ms = BEGIN_MS});
    handle(crowd, &(struct event){.type = EVENT_CATALOG, .catalog = &catalog});
    for (size_t at = 0; at < crowd->member_count; at++)
        enroll(crowd, at);
    for (int i = 0; i < GATHER_BEATS_MAX && !has_gathered(crowd); i++)
        crowd_beat(crowd);
    if (has_gathered(crowd))
        return crowd;
    talloc_free(crowd);
    return NULL;
}

void crowd_free(struct crowd *crowd)
{
    talloc_free(crowd);
}

const struct control *crowd_control(const struct crowd *crowd)
{
    return crowd->control;
}

uint64_t crowd_cpu_ns(const struct crowd *crowd)
{
    return crowd->cpu_ns;
}

uint64_t crowd_events(const struct crowd *crowd)
{
    return crowd->events;
}

void crowd_forget(struct crowd *crowd)
{
    crowd->cpu_ns = crowd->events = 0;
}
