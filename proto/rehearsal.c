#include "proto/rehearsal.h"

static const struct field rehearsed_fields[] = {
    TEXT_FIELD(rehearsed, revision, "the revision; empty: all of them"),
    ENUM_FIELD(rehearsed, phase, rehearsed_phase_names, "what was done with it"),
    NUMBER_FIELD(rehearsed, statement, "in its file, from 1; 0: the phase as a whole"),
    NUMBER_FIELD(rehearsed, duration_us, "how long it took"),
    ENUM_FIELD(rehearsed, lock, lock_mode_names, "the strongest on the relation"),
    TEXT_FIELD(rehearsed, relation, "that it locked; empty: none"),
    BOOL_FIELD(rehearsed, is_new, "the statement made the relation"),
    BOOL_FIELD(rehearsed, is_rewritten, "its file is another one since"),
    NUMBER_FIELD(rehearsed, bytes_before, "of the relation, with its indexes and long values"),
    NUMBER_FIELD(rehearsed, bytes_after, "likewise"),
    NUMBER_FIELD(rehearsed, rows, "that a backfill filled"),
    ENUM_FIELD(rehearsed, verdict, verdict_names, "of a phase as a whole"),
    TEXT_FIELD(rehearsed, text, "what there is to say of it"),
};
const struct record rehearsed_record =
    RECORD(rehearsed, rehearsed_fields, "what a rehearsal measured of a statement or a phase");
