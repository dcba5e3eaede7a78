/* node.c: hakem node …, hakem cluster status. */
#include "common/base/text.h"
#include "coordinator/cli/connection.h"
#include "coordinator/cli/screen.h"
#include "coordinator/cli/verbs.h"

#include <stdlib.h>
#include <string.h>

const struct cli_flag connection_flags[] = {CONNECTION_FLAGS, {.name = NULL}};
const struct cli_flag node_accept_flags[] = {
    CONNECTION_FLAGS,
    {.name = "--name", .value = "NAME", .doc = "what the node is called from now on"},
    {.name = "--kind", .value = "KIND", .doc = "database, game or edge"},
    {.name = "--shard", .value = "SHARD", .doc = "where it belongs; an edge may serve all"},
    {.name = "--pooler", .doc = "an edge that is a connection pooler: it carries no players"},
    {.name = "--db-role", .value = "ROLE", .doc = "a game node's own database role"},
    {.name = "--application-name", .value = "NAME", .doc = "of a game node's database sessions"},
    {.name = "--colour",
     .value = "NAME",
     .doc = "of a game node, where one colour gets all traffic: blue, green"},
    {.name = NULL},
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "" : text;
}

enum error_code node_list(struct cli *cli, struct error *err)
{
    struct request request = {.verb = "nodes"};
    json_t *document = NULL;

    if (connection_ask_once(cli, &request, NULL, &document, err) != ERROR_OK)
        return err->code;
    screen_print_nodes(cli, json_object_get(document, "nodes"));
    cli_answer(cli, "nodes", json_incref(json_object_get(document, "nodes")));
    json_decref(document);
    return ERROR_OK;
}

static enum error_code name_node(const struct cli *cli, struct request *request, struct error *err)
{
    if (!text_copy(request->node, NAME_SIZE, cli_argument(cli, 0)))
        return error_set(err, ERROR_USAGE, "the name of a node is too long");
    return ERROR_OK;
}

enum error_code node_show(struct cli *cli, struct error *err)
{
    struct request request = {.verb = "node"};
    json_t *document = NULL;
    const char *key;
    json_t *value;

    if (name_node(cli, &request, err) != ERROR_OK ||
        connection_ask_once(cli, &request, NULL, &document, err) != ERROR_OK)
        return err->code;
    json_object_foreach(document, key, value)
    {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

        cli_say(cli, "%-20s %s", key, text);
        free(text);
    }
    cli_answer(cli, "node", document);
    return ERROR_OK;
}

enum error_code node_pending(struct cli *cli, struct error *err)
{
    struct request request = {.verb = "pending"};
    json_t *document = NULL;
    json_t *item;
    size_t i;

    if (connection_ask_once(cli, &request, NULL, &document, err) != ERROR_OK)
        return err->code;
    json_array_foreach(json_object_get(document, "pending"), i, item)
    {
        cli_say(cli, "%s from %s", text_of(item, "key"), text_of(item, "address"));
    }
    cli_answer(cli, "pending", json_incref(json_object_get(document, "pending")));
    json_decref(document);
    return ERROR_OK;
}

static enum error_code say_reply(struct cli *cli, const struct request *request, struct error *err)
{
    struct reply reply = {.rollout = 0};

    if (connection_ask_once(cli, request, &reply, NULL, err) != ERROR_OK)
        return err->code;
    cli_say(cli, "%s", reply.detail);
    cli_answer(cli, "detail", json_string(reply.detail));
    return ERROR_OK;
}

static enum error_code copy_flag(const struct cli *cli, const char *flag, char *ret, size_t size,
                                 struct error *err)
{
    const char *value = cli_flag(cli, flag);

    if (value != NULL && !text_copy(ret, size, value))
        return error_set(err, ERROR_USAGE, "%s: too long", flag);
    return ERROR_OK;
}

enum error_code node_accept(struct cli *cli, struct error *err)
{
    struct request request = {.verb = "accept"};
    const char *kind = cli_flag(cli, "--kind");
    unsigned value = KIND_NONE;

    if (kind == NULL || !field_value_of(&node_kind_names, kind, strlen(kind), &value) ||
        value == KIND_NONE)
        return error_set(err, ERROR_USAGE, "--kind is database, game or edge");
    request.kind = (enum node_kind)value;
    request.is_pooler = cli_is_set(cli, "--pooler");
    if (!text_copy(request.key, KEY_TEXT_SIZE, cli_argument(cli, 0)))
        return error_set(err, ERROR_USAGE,
                         "a public key has 40 characters: see `hakem node "
                         "pending`");
    if (copy_flag(cli, "--name", request.node, NAME_SIZE, err) != ERROR_OK ||
        copy_flag(cli, "--shard", request.shard, NAME_SIZE, err) != ERROR_OK ||
        copy_flag(cli, "--db-role", request.db_role, NAME_SIZE, err) != ERROR_OK ||
        copy_flag(cli, "--application-name", request.application, NAME_SIZE, err) != ERROR_OK ||
        copy_flag(cli, "--colour", request.colour, NAME_SIZE, err) != ERROR_OK)
        return err->code;
    return say_reply(cli, &request, err);
}

static enum error_code tell_node(struct cli *cli, const char *verb, struct error *err)
{
    struct request request = {.rollout = 0};

    (void)text_copy(request.verb, sizeof(request.verb), verb);
    if (name_node(cli, &request, err) != ERROR_OK)
        return err->code;
    return say_reply(cli, &request, err);
}

enum error_code node_remove(struct cli *cli, struct error *err)
{
    return tell_node(cli, "remove", err);
}

enum error_code node_drain(struct cli *cli, struct error *err)
{
    return tell_node(cli, "drain", err);
}

enum error_code node_admit(struct cli *cli, struct error *err)
{
    return tell_node(cli, "admit", err);
}

enum error_code cluster_status(struct cli *cli, struct error *err)
{
    struct request request = {.verb = "status"};
    json_t *document = NULL;

    if (connection_ask_once(cli, &request, NULL, &document, err) != ERROR_OK)
        return err->code;
    cli_say(cli, "journal %s term %lld: %s%s%s", text_of(document, "journal"),
            (long long)json_integer_value(json_object_get(document, "term")),
            text_of(document, "state"), text_of(document, "why")[0] != '\0' ? " – " : "",
            text_of(document, "why"));
    screen_print_nodes(cli, json_object_get(document, "nodes"));
    cli_answer(cli, "cluster", document);
    return ERROR_OK;
}
