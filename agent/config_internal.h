/* config_internal.h: what the files of the agent's configuration share. */
#ifndef AGENT_CONFIG_INTERNAL_H
#define AGENT_CONFIG_INTERNAL_H

#include "agent/config.h"
#include "common/config/yaml.h"

#include <stddef.h>

#define AT(type, member) .offset = offsetof(struct type, member)
#define LIST(type, member, count)                                                                  \
    .offset = offsetof(struct type, member), .count_offset = offsetof(struct type, count)

/* NULL, or what is wrong with the value. */
const char *config_path_fault(const char *value);

/* True: key is wrong (its entry, from 1; 0: as a whole), for that reason. */
bool config_fault_at(struct yaml_fault *ret, const char *key, size_t entry, const char *sentence);

/* Into a struct edge_config. */
extern const struct yaml_table config_edge_table;

/* Into a struct twin_config. */
extern const struct yaml_table config_twin_table;
/* Of a struct database_config: do its twins go together? */
bool config_is_faulty_database(const void *filled, struct yaml_fault *ret);

#endif
