#include "proto/plan.h"

static const char *const stages[] = {
#define STAGE_TEXT(upper, text) [STAGE_##upper] = (text),
    STAGES(STAGE_TEXT)};
const struct field_names stage_names = {"stage", stages, STAGE_COUNT};

static const struct field option_fields[] = {
    NUMBERS_FIELD(rollout_options, waves, wave_count, PLAN_WAVES_MAX,
                  "cumulative wave sizes: a count of nodes, or 65536 + percent"),
    NUMBERS_FIELD(rollout_options, shares, share_count, PLAN_SHARES_MAX,
                  "blue-green: permille of the traffic that the other colour gets, before all"),
    NUMBER_FIELD(rollout_options, max_unavailable, "game nodes of a shard not ready at once"),
    NUMBER_FIELD(rollout_options, min_ready, "game nodes of a shard that stay ready"),
    NUMBER_FIELD(rollout_options, soak_ms, "how long an admitted wave is watched"),
    NUMBER_FIELD(rollout_options, steady_ms, "how long a gate must hold"),
    NUMBER_FIELD(rollout_options, gate_ms, "how long a gate may take beyond that"),
    NUMBER_FIELD(rollout_options, drain_ms, "how long sessions may take to end"),
    NUMBER_FIELD(rollout_options, drain_max_ms, "how much longer, where they are waited for"),
    NUMBER_FIELD(rollout_options, replay_ms, "how long a replica may take to replay"),
    NUMBER_FIELD(rollout_options, retries, "attempts beyond the first"),
    NUMBER_FIELD(rollout_options, failures_max, "failing samples in a row that a gate forgives"),
    NUMBER_FIELD(rollout_options, hold_ms, "holding ends by itself after this; 0: by complete"),
    NUMBER_FIELD(rollout_options, budget_ms, "maintenance: back before this is used up; 0: none"),
    NUMBER_FIELD(rollout_options, max_pause_ms,
                 "database-blue-green: how long pools may hold queries back"),
    NUMBER_FIELD(rollout_options, latency_max_percent,
                 "of the latency before, that a soak lets pass; 0: not compared"),
    NUMBER_FIELD(rollout_options, errors_max_permille,
                 "failing requests more than before that a soak lets pass"),
    BOOL_FIELD(rollout_options, must_compare, "too little to compare is inconclusive"),
    BOOL_FIELD(rollout_options, is_exact, "0 means 0, not the default"),
    BOOL_FIELD(rollout_options, hold, "pause before the first contract"),
    BOOL_FIELD(rollout_options, accept_data_loss, "revert even what players would lose"),
    BOOL_FIELD(rollout_options, shadow, "rehearsed on a shadow before anything else"),
    TEXT_FIELD(rollout_options, no_rehearsal, "why production goes without a rehearsal"),
    BOOL_FIELD(rollout_options, backup, "every database that is changed is backed up first"),
    TEXT_FIELD(rollout_options, no_backup, "why production goes without a backup"),
    TEXT_FIELD(rollout_options, override_window, "why it goes forward outside its window"),
    ENUM_FIELD(rollout_options, on_failure, failure_policy_names, "when a step or gate fails"),
    ENUM_FIELD(rollout_options, on_lost, lost_policy_names, "when a game node is lost in a step"),
    ENUM_FIELD(rollout_options, on_inconclusive, inconclusive_policy_names,
               "when a gate's deadline passes without enough evidence"),
    ENUM_FIELD(rollout_options, on_drain_late, drain_policy_names,
               "when sessions have not ended by the drain's deadline, going forward"),
    TEXT_FIELD(rollout_options, canary, "node or shard that goes first"),
    LIST_FIELD(rollout_options, except, except_count, name_item_record, REPORT_SERVERS_MAX,
               "game nodes left out"),
};
const struct record rollout_options_record =
    RECORD(rollout_options, option_fields, "how a rollout is to go");

static const struct field plan_revision_fields[] = {
    TEXT_FIELD(plan_revision, name, "the revision"),
    BOOL_FIELD(plan_revision, has_backfill, "rows are filled after expand"),
    BOOL_FIELD(plan_revision, has_verify, "there is a verify.sql"),
    BOOL_FIELD(plan_revision, has_contract, "there is a contract.sql"),
    BOOL_FIELD(plan_revision, has_contract_verify, "there is a verify.contract.sql"),
    BOOL_FIELD(plan_revision, irreversible, "it cannot be reverted"),
};
static const struct record plan_revision_record =
    RECORD(plan_revision, plan_revision_fields, "a revision that the plan moves");

static const struct field plan_game_fields[] = {
    TEXT_FIELD(plan_game, node, "the game node"),
    TEXT_FIELD(plan_game, release, "that it ran"),
};
static const struct record plan_game_record =
    RECORD(plan_game, plan_game_fields, "a game node as it was before");

static const struct field shard_fields[] = {
    TEXT_FIELD(plan_shard, name, "the shard"),
    TEXT_FIELD(plan_shard, primary, "its primary when planned"),
    TEXT_FIELD(plan_shard, system_id, "of its databases"),
    NUMBER_FIELD(plan_shard, timeline, "when planned"),
    TEXT_FIELD(plan_shard, fingerprint, "of the primary's catalog when planned"),
    TEXT_FIELD(plan_shard, release, "that most of its game nodes ran"),
    LIST_FIELD(plan_shard, expanded, expanded_count, name_item_record, REPORT_REVISIONS_MAX,
               "E when planned"),
    LIST_FIELD(plan_shard, contracted, contracted_count, name_item_record, REPORT_REVISIONS_MAX,
               "C when planned"),
    LIST_FIELD(plan_shard, games, game_count, plan_game_record, PLAN_GAMES_MAX,
               "what each of its game nodes ran"),
    TEXT_FIELD(plan_shard, live, "the colour that got all traffic, if it has colours"),
    TEXT_FIELD(plan_shard, colour, "the one that is to get it, if the plan switches"),
    TEXT_FIELD(plan_shard, side_before, "the colour of the databases that its pools point at"),
    TEXT_FIELD(plan_shard, side, "the one that they are to point at, if the plan switches"),
    TEXT_FIELD(plan_shard, twin, "that one's primary when planned"),
    TEXT_FIELD(plan_shard, twin_system_id, "of that one's databases"),
    NUMBER_FIELD(plan_shard, twin_timeline, "of that one, when planned"),
};
static const struct record plan_shard_record =
    RECORD(plan_shard, shard_fields, "a shard as it was before");

static const struct field step_fields[] = {
    NUMBER_FIELD(plan_step, id, "from 1"),
    ENUM_FIELD(plan_step, stage, stage_names, "row of the strategy's table"),
    ENUM_FIELD(plan_step, task, task_names, "what is ordered; none: a gate"),
    ENUM_FIELD(plan_step, undo, task_names, "what takes it back"),
    ENUM_FIELD(plan_step, gate, gate_names, "what is waited for, going forward"),
    ENUM_FIELD(plan_step, undo_gate, gate_names, "what is waited for, going back"),
    BOOL_FIELD(plan_step, undo_only, "nothing to do going forward"),
    TEXT_FIELD(plan_step, shard, "where it belongs"),
    TEXT_FIELD(plan_step, node, "who does it"),
    TEXT_FIELD(plan_step, target, "the game node that an edge's or a session task is about"),
    TEXT_FIELD(plan_step, revision, "of a database task"),
    TEXT_FIELD(plan_step, release, "that the game node is to run"),
    TEXT_FIELD(plan_step, release_before, "that it goes back to"),
    TEXT_FIELD(plan_step, colour, "that is to have traffic"),
    TEXT_FIELD(plan_step, colour_before, "that all of it goes back to"),
    NUMBER_FIELD(plan_step, share_permille, "how much of it; 0: all"),
    TEXT_FIELD(plan_step, side, "databases: the colour of those meant, where there are two"),
    BOOL_FIELD(plan_step, is_closed, "compare: writes are closed meanwhile"),
    BOOL_FIELD(plan_step, of_contract, "verify what contract left"),
    NUMBER_FIELD(plan_step, wave, "of game nodes, from 1"),
    NUMBER_FIELD(plan_step, deadline_ms, "after which it is unknown, or inconclusive"),
    NUMBER_FIELD(plan_step, steady_ms, "how long a gate must hold"),
    NUMBERS_FIELD(plan_step, needs, need_count, PLAN_NEEDS_MAX, "steps that come before it"),
};
const struct record plan_step_record = RECORD(plan_step, step_fields, "a step of a plan");

static const struct field plan_fields[] = {
    NUMBER_FIELD(plan, rollout, "its number"),
    ENUM_FIELD(plan, strategy, strategy_names, "the table it was compiled from"),
    NUMBER_FIELD(plan, inverse_of, "the rollout it takes back"),
    TEXT_FIELD(plan, revision, "where the databases go"),
    TEXT_FIELD(plan, release, "where the game servers go"),
    TEXT_FIELD(plan, bundle, "digest of the migration files"),
    TEXT_FIELD(plan, digest, "of the plan"),
    TEXT_FIELD(plan, created_by, "operator"),
    TEXT_FIELD(plan, contracts_for, "the release that contracts are chosen for"),
    NUMBER_FIELD(plan, rehearsed_by, "the rollout that rehearsed the same before; 0: none"),
    RECORD_FIELD(plan, options, rollout_options_record, "how it is to go"),
    LIST_FIELD(plan, revisions, revision_count, plan_revision_record, PLAN_REVISIONS_MAX,
               "in topological order"),
    LIST_FIELD(plan, shards, shard_count, plan_shard_record, PLAN_SHARDS_MAX, "as they were"),
    LIST_FIELD(plan, steps, step_count, plan_step_record, PLAN_STEPS_MAX, "in order"),
};
const struct record plan_record = RECORD(plan, plan_fields, "a rollout compiled");

static const struct field catalog_revision_fields[] = {
    TEXT_FIELD(catalog_revision, name, "the folder's name"),
    TEXT_FIELD(catalog_revision, checksum, "over its files"),
    TEXT_FIELD(catalog_revision, meaning, "over what counts in them"),
    LIST_FIELD(catalog_revision, parents, parent_count, name_item_record, CATALOG_PARENTS_MAX,
               "revisions it requires"),
    LIST_FIELD(catalog_revision, contracted, contracted_count, name_item_record,
               CATALOG_PARENTS_MAX, "revisions whose contract its expand builds on"),
    BOOL_FIELD(catalog_revision, has_backfill, "rows are filled after expand"),
    BOOL_FIELD(catalog_revision, has_verify, "there is a verify.sql"),
    BOOL_FIELD(catalog_revision, has_contract, "there is a contract.sql"),
    BOOL_FIELD(catalog_revision, has_contract_verify, "there is a verify.contract.sql"),
    BOOL_FIELD(catalog_revision, irreversible, "it cannot be reverted"),
    TEXT_FIELD(catalog_revision, breaks, "what of it breaks the release before, and the way out"),
};
static const struct record catalog_revision_record =
    RECORD(catalog_revision, catalog_revision_fields, "a revision");

static const struct field catalog_release_fields[] = {
    TEXT_FIELD(catalog_release, name, "of the game server"),
    TEXT_FIELD(catalog_release, needs, "the revision it was built against"),
    LIST_FIELD(catalog_release, tolerates, tolerate_count, name_item_record, CATALOG_REVISIONS_MAX,
               "contracted revisions it can live with"),
};
static const struct record catalog_release_record =
    RECORD(catalog_release, catalog_release_fields, "a release");

static const struct field catalog_fields[] = {
    TEXT_FIELD(catalog, bundle, "digest of the migration files"),
    LIST_FIELD(catalog, revisions, revision_count, catalog_revision_record, CATALOG_REVISIONS_MAX,
               "in topological order"),
    LIST_FIELD(catalog, releases, release_count, catalog_release_record, CATALOG_RELEASES_MAX,
               "of releases.yaml"),
};
const struct record catalog_record = RECORD(catalog, catalog_fields, "revisions and releases");

static const struct field kept_revision_fields[] = {
    TEXT_FIELD(kept_revision, shard, "where"),
    TEXT_FIELD(kept_revision, revision, "what stays expanded"),
    TEXT_FIELD(kept_revision, why, "what stood in the way of its revert"),
};
static const struct record kept_revision_record =
    RECORD(kept_revision, kept_revision_fields, "a revision that a rollback kept");

static const struct field summary_fields[] = {
    NUMBER_FIELD(summary, rollout, "its number"),
    ENUM_FIELD(summary, strategy, strategy_names, "how it went"),
    ENUM_FIELD(summary, state, rollout_state_names, "how it ended"),
    NUMBER_FIELD(summary, inverse_of, "the rollout it took back"),
    TEXT_FIELD(summary, revision, "where the databases were to go"),
    TEXT_FIELD(summary, release, "where the game servers were to go"),
    TEXT_FIELD(summary, created_by, "operator"),
    TEXT_FIELD(summary, bundle, "digest of the migration files"),
    BOOL_FIELD(summary, is_rehearsed, "on a shadow, to its end"),
    BOOL_FIELD(summary, is_backed_up, "every database that it changed, before that"),
    TEXT_FIELD(summary, contracts_for, "the release that contracts were chosen for"),
    NUMBER_FIELD(summary, planned_at_ms, "when"),
    NUMBER_FIELD(summary, closed_at_ms, "when"),
    NUMBER_FIELD(summary, pause_ms, "how long pools held players back in a switch of databases"),
    BOOL_FIELD(summary, has_contracted, "a contract was ordered: no way back"),
    RECORD_FIELD(summary, options, rollout_options_record, "how it was to go"),
    LIST_FIELD(summary, revisions, revision_count, plan_revision_record, PLAN_REVISIONS_MAX,
               "that it moved"),
    LIST_FIELD(summary, shards, shard_count, plan_shard_record, PLAN_SHARDS_MAX, "as before it"),
    LIST_FIELD(summary, kept, kept_count, kept_revision_record, PLAN_STEPS_MAX,
               "left expanded by the rollback"),
    TEXT_FIELD(summary, why, "the last word"),
};
const struct record summary_record = RECORD(summary, summary_fields, "a closed rollout");
