/* rehearsal.h: what a rehearsal on a shadow measured: a row for each relation that a statement
 * locked, and one for each phase as a whole.
 */
#ifndef PROTO_REHEARSAL_H
#define PROTO_REHEARSAL_H

#include "proto/words.h"

#define REHEARSAL_ROWS_MAX      512 /* what does not fit is counted */
#define REHEARSAL_RELATION_SIZE 130 /* two names and a dot between them */
#define REHEARSAL_TEXT_SIZE     256

struct rehearsed {
    char revision[NAME_SIZE]; /* "": of all of them */
    enum rehearsed_phase phase;
    uint64_t statement; /* in its file, from 1; 0: the phase as a whole */
    uint64_t duration_us;
    enum lock_mode lock;                    /* the strongest on the relation */
    char relation[REHEARSAL_RELATION_SIZE]; /* "": it locked none */
    bool is_new;                            /* the statement made the relation */
    bool is_rewritten;
    uint64_t bytes_before, bytes_after; /* with its indexes and long values */
    uint64_t rows;                      /* of a backfill */
    enum verdict verdict;               /* of a phase as a whole */
    char text[REHEARSAL_TEXT_SIZE];
};

extern const struct record rehearsed_record;

#endif
