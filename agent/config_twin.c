/* config_twin.c: the databases on the other side of a blue-green pair, in an agent's configuration
 * file. */
#include "agent/config_internal.h"

#include <string.h>

static const char *conninfo_fault(const char *value)
{
    return value[0] != '\0' ? NULL : "no conninfo, such as \"host=db-2 dbname=game user=hakem\"";
}

static const struct yaml_key twin_rows[] = {
    {.key = "node",
     .kind = YAML_KIND_NAME,
     AT(twin_config, node),
     .is_required = true,
     .doc = "the database node on the other side"},
    {.key = "url",
     .kind = YAML_KIND_TEXT,
     AT(twin_config, url),
     .value_fault = conninfo_fault,
     .is_required = true,
     .doc = "how this node's server and its agent reach that database, as a superuser"},
};
const struct yaml_table config_twin_table = YAML_TABLE(struct twin_config, twin_rows);

bool config_is_faulty_database(const void *filled, struct yaml_fault *ret)
{
    const struct database_config *database = filled;

    if (database->twin_count > 0 && database->admin_url == NULL)
        return config_fault_at(ret, "twins", 0,
                               "without admin_url no subscription can be made: PostgreSQL 15 "
                               "wants a superuser for that");
    for (size_t i = 0; i < database->twin_count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(database->twins[i].node, database->twins[j].node) == 0)
                return config_fault_at(ret, "twins", i + 1, "a second twin of that name");
    return false;
}
