/* request.h: what operators may wish, as a table: the verbs that change something.  What only looks
 * is answered by the server from the state.
 */
#ifndef COORDINATOR_CORE_REQUEST_H
#define COORDINATOR_CORE_REQUEST_H

#include "coordinator/core/run.h"

struct wish {
    const char *operator_name;
    uint64_t id;
    const struct request *request;
};

struct request_row {
    const char *verb;
    void (*fulfil)(struct run *run, const struct wish *wish);
    const char *doc;
};

const struct request_row *request_rows(size_t *ret_count);

/* request_node.c: NULL, or why the node cannot be let in as the request says. */
const char *request_node_fault(const struct control *control, const struct request *request);

/* Always leads to exactly one reply. */
void request_fulfil(struct run *run, const struct wish *wish);

#endif
