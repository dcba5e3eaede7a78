/* journal.h: the coordinator's memory: facts, appended in synced transactions, hash-chained. */
#ifndef COORDINATOR_JOURNAL_JOURNAL_H
#define COORDINATOR_JOURNAL_JOURNAL_H

#include "common/base/error.h"
#include "proto/fact.h"

#define JOURNAL_BUNDLE_MAX (64 << 20)

struct journal;

/* Makes the file if there is none. ERROR_REFUSED: another process has it; ERROR_STORAGE and
 * ERROR_CORRUPT say what is wrong with it. */
enum error_code journal_open(const char *path, struct journal **ret, struct error *err);
void journal_close(struct journal *journal); /* NULL is fine */

/* 32 hexadecimal digits, made with the file. */
const char *journal_identity(const struct journal *journal);

/* Time of the last fact, 0 if there is none. */
uint64_t journal_last_at_ms(const struct journal *journal);

/* One synced transaction; facts that are not durable are left out. After an error the caller must
 * stop: what is on disk is not known. Read the journal first. */
enum error_code journal_append(struct journal *journal, const struct fact *facts, size_t count,
                               struct error *err);

/* Facts in order, each a talloc child of parent. rollout 0: what a start needs: the cluster's facts
 * and the open rollout's. Otherwise: that rollout's. Stops at the first error that visit returns.
 * The chain is checked over everything, whatever is visited. */
typedef enum error_code journal_visit(void *context, const struct fact *fact, struct error *err);
enum error_code journal_read(struct journal *journal, uint64_t rollout, journal_visit *visit,
                             void *context, struct error *err);

/* The same without checking the chain, and at any time: what happened in a rollout, or (0) to the
 * cluster. */
enum error_code journal_look(struct journal *journal, uint64_t rollout, journal_visit *visit,
                             void *context, struct error *err);

/* A plan's migration files, by their digest. Keeps what is there already. */
enum error_code journal_put_bundle(struct journal *journal, const char *digest, const void *bytes,
                                   size_t size, struct error *err);
/* ERROR_NOT_FOUND if it has no such bundle. *ret is a talloc child of parent. */
enum error_code journal_get_bundle(struct journal *journal, const char *digest, const void *parent,
                                   uint8_t **ret, size_t *ret_size, struct error *err);

#endif
