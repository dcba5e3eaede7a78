/* bundle.h: migration files that orders name by digest, fetched piece by piece and kept on disk. */
#ifndef AGENT_BUNDLE_H
#define AGENT_BUNDLE_H

#include "agent/config.h"
#include "proto/message.h"

#define BUNDLES_KEPT_MAX 16
#define BUNDLE_FETCH_MS  30000
#define BUNDLE_ASK_MS    2000

/* One fetch at a time: an agent works on one rollout. */
struct bundle_fetch {
    char digest[DIGEST_SIZE]; /* "": none under way */
    uint8_t *bytes;
    size_t size, total;
    uint64_t began_ms;
    uint64_t asked_ms;
};

bool bundle_is_there(const struct agent_config *config, const char *digest);
void bundle_begin(struct bundle_fetch *fetch, const char *digest, uint64_t now_ms);

/* True if something is to be asked for now; *ret says what. */
bool bundle_wants(struct bundle_fetch *fetch, uint64_t now_ms, struct fetch *ret);

/* Takes a piece. Once all are there, checks the digest and writes the file: *ret_done is then true.
 */
enum error_code bundle_take(struct bundle_fetch *fetch, const struct agent_config *config,
                            const struct chunk *chunk, bool *ret_done, struct error *err);

void bundle_end(struct bundle_fetch *fetch);

#endif
