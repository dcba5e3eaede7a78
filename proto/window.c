#include "proto/window.h"

static const struct field window_fields[] = {
    NUMBER_FIELD(window, days, "bits, from Monday on"),
    NUMBER_FIELD(window, from_ms, "of the day, UTC"),
    NUMBER_FIELD(window, to_ms, "of the day, or of the next"),
};
static const struct record window_record =
    RECORD(window, window_fields, "when rollouts may go forward");

static const struct field freeze_fields[] = {
    NUMBER_FIELD(freeze, from_ms, "since 1970"),
    NUMBER_FIELD(freeze, to_ms, "the first moment after it"),
    TEXT_FIELD(freeze, why, "in the operators' words"),
};
static const struct record freeze_record =
    RECORD(freeze, freeze_fields, "when they may not, whatever the windows say");

static const struct field windows_fields[] = {
    LIST_FIELD(windows, windows, window_count, window_record, WINDOWS_MAX,
               "none: always, but for the freezes"),
    LIST_FIELD(windows, freezes, freeze_count, freeze_record, FREEZES_MAX, "when nothing may"),
};
const struct record windows_record =
    RECORD(windows, windows_fields, "when rollouts may go forward");
