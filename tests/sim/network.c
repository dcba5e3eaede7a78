/* network.c: packets between the coordinator and its agents: lost, repeated, late, out of order. */
#include "common/base/memory.h"
#include "tests/sim/world.h"

#define LATE_MS 4000

static void post_bytes(struct sim *sim, int from, int to, const struct text *bytes)
{
    int copies = sim_chance(sim, 3) ? 2 : 1;

    if (from >= 0 && sim->nodes[from].is_cut)
        return;
    for (; copies > 0 && sim->packet_count < SIM_PACKETS_MAX; copies--) {
        struct sim_packet packet = {.from = from, .to = to, .size = bytes->size};

        if (sim_chance(sim, 4))
            continue; /* lost */
        packet.due_ms =
            sim->now_ms + 1 + sim_below(sim, sim_chance(sim, sim->fate.late) ? LATE_MS : 40);
        packet.bytes = memory_copy(sim, bytes->data, bytes->size);
        sim->packets[sim->packet_count++] = packet;
    }
}

void network_post(struct sim *sim, int from, int to, enum message_type type, uint64_t term,
                  const void *body)
{
    struct text *bytes = text_new(sim, MESSAGE_BYTES_MAX);

    message_encode(type, from < 0 ? 0 : sim->now_ms, term, body, bytes);
    post_bytes(sim, from, to, bytes);
    talloc_free(bytes);
}

static void hand_to_agent(struct sim *sim, int to, const struct message *message)
{
    struct session_event event = {
        .type = SESSION_MESSAGE, .at_ms = sim->now_ms, .message = message};

    if (!sim->nodes[to].is_alive || sim->nodes[to].is_stopped)
        return;
    if (message->type == MESSAGE_ORDER)
        watch_order(sim, &((const struct order *)message->body)->id, message->term);
    pooler_hear(sim, to, message);
    post_event(sim, to, &event);
}

static void deliver(struct sim *sim, const struct sim_packet *packet)
{
    void *memory = memory_zeroed(sim, 1, 1, "delivery");
    struct message message;
    struct error err;
    enum role role = packet->from < 0 ? ROLE_COORDINATOR : ROLE_AGENT;

    if (message_decode(packet->bytes, packet->size, role, memory, &message, &err) != ERROR_OK)
        sim_break(sim, err.detail);
    else if (packet->to < 0)
        office_hear(sim, packet->from, &message);
    else
        hand_to_agent(sim, packet->to, &message);
    talloc_free(memory);
}

void network_deliver(struct sim *sim)
{
    for (size_t i = 0; i < sim->packet_count;) {
        struct sim_packet packet = sim->packets[i];

        if (packet.due_ms > sim->now_ms) {
            i++;
            continue;
        }
        sim->packets[i] = sim->packets[--sim->packet_count];
        deliver(sim, &packet);
        talloc_free(packet.bytes);
    }
}
