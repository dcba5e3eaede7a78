/* core.h: the coordinator's core with a small cluster around it (fuzz/cast.h), for suites: time
 * goes by in beats, everybody who is not silent reports, and orders are answered when the test says
 * so.
 */
#ifndef TESTS_SUPPORT_CORE_H
#define TESTS_SUPPORT_CORE_H

#include "coordinator/core/state.h"
#include "fuzz/cast.h"
#include "support/suite.h"

/* Of the cast. */
enum { DB1, DB2, G1, G2, G3, EDGE1, EDGE2, POOL1 };

extern struct core {
    void *memory;
    struct control *control;
    struct decisions *decisions;
    struct cast cast;
    uint64_t now_ms;
    enum error_code code; /* of the last reply */
    char reply[SENTENCE_SIZE];
    size_t rings; /* so far */
    char ring[SENTENCE_SIZE];
    struct watch word; /* the last one to heard_by */
    char heard_by[NAME_SIZE];
    char games[SENTENCE_SIZE]; /* whom the last preflight of an edge asked about, as "g1 g2 " */
} core;

/* The fixture: everybody is enrolled, adopted and has reported. */
void core_set_up(void);
void core_tear_down(void);

/* ---- what happens ---- */

void say(size_t node, enum message_type type, void *body);
/* Of somebody beside the cast. */
void say_as(const char *node, enum message_type type, void *body);
void report_as(const char *node, struct report *report);
/* The migrations folder was read. */
void read_catalog(const struct catalog *catalog);
/* Nobody contracts anything; is_longer: as cast_fill_catalog() has it. */
void read_catalog_without_contracts(bool is_longer);
void settle(void);
/* Everybody but the silent ones reports; or one of them. */
void beat(void);
void beats(int count);
void report_one(size_t node);
/* The coordinator was away for so long: a new process takes up its journal. */
void restart_after(uint64_t ms);
void end_order(size_t at, enum outcome how, bool is_retryable);
void end_all_orders(void);
/* Everything that is ordered succeeds, until an order of that task waits, or a long time is over.
 */
bool go_on_until(enum task task);

/* ---- what operators want ---- */

void wish(const char *verb, struct request request);
/* With nothing but its verb. */
void say_verb(const char *verb);
/* To the release "new", with short gates. */
struct request to_new(void);
void plan(struct request request);
/* It is refused with that code, in a sentence that has that part. */
void assert_no_plan(struct request request, enum error_code code, const char *part);
/* Planned and started. */
void start(struct request request);
/* db1 is blue, and the pool points at it; db2 is green, a database of its own. */
void have_twins(void);

/* ---- what is seen ---- */

/* The open rollout's first step of that stage (and of that target, unless it is NULL). */
const struct step *step_of(enum stage of, const char *target);

/* Whether `later` of the open rollout waits for `earlier`, directly or not. */
bool waits_for(const struct step *later, const struct step *earlier);

#endif
