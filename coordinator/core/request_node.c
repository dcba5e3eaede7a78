/* request_node.c: what stands in the way of letting a node in as an operator says. */
#include "coordinator/core/request.h"

#include <string.h>

/* Its sessions are ended, and it is kept out, by that role: nobody else may depend on it. */
static bool role_is_anothers(const struct control *control, const struct request *request)
{
    for (size_t i = 0; i < control->node_count && request->db_role[0] != '\0'; i++) {
        const struct fact_node *other = &control->nodes[i]->identity;

        if (strcmp(other->db_role, request->db_role) == 0 &&
            strcmp(other->shard, request->shard) == 0 && strcmp(other->name, request->node) != 0)
            return true;
    }
    return false;
}

/* A plan speaks of the node as it was. */
static bool changes_what_is_rolled(const struct control *control, const struct request *request)
{
    const struct node *node = control_node(control, request->node);

    return node != NULL && control->open != NULL &&
           (node->identity.kind != request->kind ||
            node->identity.is_pooler != request->is_pooler ||
            strcmp(node->identity.shard, request->shard) != 0 ||
            strcmp(node->identity.colour, request->colour) != 0);
}

const char *request_node_fault(const struct control *control, const struct request *request)
{
    for (size_t i = 0; i < control->node_count; i++)
        if (strcmp(control->nodes[i]->identity.key, request->key) == 0 &&
            strcmp(control->nodes[i]->identity.name, request->node) != 0)
            return "that key belongs to another node already";
    if (control_node(control, request->node) == NULL && control->node_count >= FLEET_NODES_MAX)
        return "the cluster has as many nodes as this program can look after";
    if (!text_is_name(request->node, NAME_MAX_LENGTH))
        return "a node's name has letters, digits, '_', '-' and '.' only";
    if (request->kind == KIND_NONE)
        return "say what it is: --kind database, game or edge";
    if (request->kind == KIND_EDGE && request->shard[0] != '\0' &&
        !text_is_name(request->shard, NAME_MAX_LENGTH))
        return "a shard's name has letters, digits, '_', '-' and '.' only";
    if (request->is_pooler && (request->kind != KIND_EDGE || request->shard[0] == '\0'))
        return "a pooler is an edge of the shard whose database it leads to: --kind edge --shard "
               "NAME --pooler";
    if (request->kind != KIND_EDGE && !text_is_name(request->shard, NAME_MAX_LENGTH))
        return "a database or a game node belongs to a shard: --shard NAME";
    if (strlen(request->key) != KEY_TEXT_SIZE - 1)
        return "a public key has 40 characters: see `hakem node pending`";
    if (request->db_role[0] != '\0' && request->kind != KIND_GAME)
        return "--db-role is a game node's own: databases and edges have none";
    if (request->colour[0] != '\0' && request->kind == KIND_EDGE)
        return "--colour is a game node's or a database's own: an edge has its colours in its "
               "agent's configuration";
    if (request->colour[0] != '\0' && !text_is_name(request->colour, NAME_MAX_LENGTH))
        return "a colour's name has letters, digits, '_', '-' and '.' only";
    if (changes_what_is_rolled(control, request))
        return "a rollout is open: a node's kind, shard and colour can be changed when it is "
               "closed";
    if (role_is_anothers(control, request))
        return "another game node of the shard has that --db-role: give each a role of its own";
    return NULL;
}
