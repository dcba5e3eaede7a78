/* engine.h: the migration engine on a temporary server, for suites: each test has a database of its
 * own and a history that it writes file by file.
 */
#ifndef TESTS_SUPPORT_ENGINE_H
#define TESTS_SUPPORT_ENGINE_H

#include "common/base/hash.h"
#include "common/migration/phase.h"
#include "support/postgres.h"
#include "support/suite.h"

#include <sys/types.h>

#define ENGINE_FILES_MAX 200

extern struct engine {
    struct postgres server; /* of the whole suite */
    char url[POSTGRES_URL_SIZE];
    struct session *session;
    struct migration_file files[ENGINE_FILES_MAX];
    size_t file_count;
    struct migration_set *set;
    struct migration_run with;      /* what the next phase runs with */
    struct migration_result result; /* of the last phase */
} engine;

/* The fixtures. */
void engine_start(void);
void engine_stop(void);
void engine_set_up(void);
void engine_tear_down(void);

/* A suite that needs no more than these. */
#define ENGINE_SUITE(name, adds)                                                                   \
    SUITE(name, {.add = (adds),                                                                    \
                 .set_up = engine_set_up,                                                          \
                 .tear_down = engine_tear_down,                                                    \
                 .set_up_once = engine_start,                                                      \
                 .tear_down_once = engine_stop,                                                    \
                 .timeout_s = 60})

struct session *open_session(const char *application_name);

/* ---- a history ---- */

/* A file of it; the text must outlive the test. */
void given(const char *path, const char *text);
/* 0001_players: a table. */
void given_players(void);
/* And 0002_rating: a column, an index, a check, with all that a revision can have; loaded. */
void given_rating(void);
/* And 0002_index: a column and a concurrent index of that kind ("", "UNIQUE"); loaded, the table
 * expanded and two rows in it. */
void given_index(const char *kind);
void load(void);

/* ---- doing ---- */

enum error_code apply_in(struct session *in, const char *revision, enum migration_phase phase);
enum error_code expand(const char *revision);
enum error_code backfill(const char *revision);
enum error_code contract(const char *revision);
enum error_code revert(const char *revision);
void sql(const char *text);

/* A process that applies a phase, to be killed from outside; and that kill. */
pid_t apply_in_child(const char *revision, enum migration_phase phase);
void kill_child(pid_t pid);
/* A process that applies a phase, and kills itself when it has said so many times how far it is:
 * behind each of its batches. False: it came to its end before. */
bool dies_behind(const char *revision, enum migration_phase phase, size_t batches);

/* ---- looking ---- */

uint64_t ask(const char *number_query);
bool is_true(const char *boolean_query);
/* Until it comes true; fails the test after 20 s. */
void wait_for(const char *boolean_query);
void fingerprint(char ret[static HASH_HEX_SIZE]);
bool is_expanded(const char *revision);
bool is_contracted(const char *revision);
uint64_t generation_of(const char *revision);

#endif
