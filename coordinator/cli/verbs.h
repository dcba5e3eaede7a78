/* verbs.h: the verbs' functions and flags, by noun; the table itself is in verbs.c. */
#ifndef COORDINATOR_CLI_VERBS_H
#define COORDINATOR_CLI_VERBS_H

#include "coordinator/cli/cli.h"

/* migration*.c: on a folder, and on a database alone */
extern const struct cli_flag migration_folder_flags[];
extern const struct cli_flag migration_status_flags[];
extern const struct cli_flag migration_accept_flags[];
#define LINT_REVISIONS_MAX 32
extern const struct cli_flag migration_lint_flags[];
extern const struct cli_flag migration_plan_flags[];
extern const struct cli_flag migration_trace_flags[];
extern const struct cli_flag migration_up_flags[];
extern const struct cli_flag migration_down_flags[];
extern const struct cli_flag migration_baseline_flags[];
extern const struct cli_flag migration_import_flags[];
extern const struct cli_flag migration_rebless_flags[];
extern const struct cli_flag migration_test_flags[];
enum error_code migration_new(struct cli *cli, struct error *err);
enum error_code migration_merge(struct cli *cli, struct error *err);
enum error_code migration_list(struct cli *cli, struct error *err);
enum error_code migration_show(struct cli *cli, struct error *err);
enum error_code migration_lint(struct cli *cli, struct error *err);
enum error_code migration_plan(struct cli *cli, struct error *err);
enum error_code migration_trace(struct cli *cli, struct error *err);
enum error_code migration_status(struct cli *cli, struct error *err);
enum error_code migration_accept(struct cli *cli, struct error *err);
enum error_code migration_up(struct cli *cli, struct error *err);
enum error_code migration_down(struct cli *cli, struct error *err);
enum error_code migration_verify(struct cli *cli, struct error *err);
enum error_code migration_baseline(struct cli *cli, struct error *err);
enum error_code migration_import(struct cli *cli, struct error *err);
enum error_code migration_rebless(struct cli *cli, struct error *err);
enum error_code migration_test(struct cli *cli, struct error *err);

/* backfill.c: on a database alone */
extern const struct cli_flag backfill_flags[];
extern const struct cli_flag backfill_throttle_flags[];
extern const struct cli_flag backfill_set_flags[];
enum error_code backfill_show(struct cli *cli, struct error *err);
enum error_code backfill_throttle(struct cli *cli, struct error *err);
enum error_code backfill_resume(struct cli *cli, struct error *err);
enum error_code backfill_set(struct cli *cli, struct error *err);

/* backup.c: on a database alone */
extern const struct cli_flag backup_create_flags[];
extern const struct cli_flag backup_list_flags[];
extern const struct cli_flag backup_verify_flags[];
extern const struct cli_flag backup_restore_flags[];
enum error_code backup_verb_create(struct cli *cli, struct error *err);
enum error_code backup_verb_list(struct cli *cli, struct error *err);
enum error_code backup_verb_verify(struct cli *cli, struct error *err);
enum error_code backup_verb_restore(struct cli *cli, struct error *err);

/* copy.c */
extern const struct cli_flag copy_out_flags[];
extern const struct cli_flag copy_in_flags[];
enum error_code copy_out_run(struct cli *cli, struct error *err);
enum error_code copy_in_run(struct cli *cli, struct error *err);

/* history.c */
extern const struct cli_flag history_flags[];
enum error_code history_show(struct cli *cli, struct error *err);
/* With --rollout. */
enum error_code history_show_rollout(struct cli *cli, struct error *err);

/* rollout.c */
extern const struct cli_flag rollout_start_flags[];
extern const struct cli_flag rollout_steer_flags[];
extern const struct cli_flag rollout_resume_flags[];
extern const struct cli_flag rollback_flags[];
enum error_code rollout_plan(struct cli *cli, struct error *err);
enum error_code rollout_start(struct cli *cli, struct error *err);
enum error_code rollout_list(struct cli *cli, struct error *err);
enum error_code rollout_show(struct cli *cli, struct error *err);
enum error_code rollout_watch(struct cli *cli, struct error *err);
enum error_code rollout_pause(struct cli *cli, struct error *err);
enum error_code rollout_resume(struct cli *cli, struct error *err);
enum error_code rollout_complete(struct cli *cli, struct error *err);
enum error_code rollout_retry(struct cli *cli, struct error *err);
enum error_code rollout_skip(struct cli *cli, struct error *err);
enum error_code rollout_abandon(struct cli *cli, struct error *err);
enum error_code rollback_run(struct cli *cli, struct error *err);

/* node.c */
extern const struct cli_flag connection_flags[];
extern const struct cli_flag node_accept_flags[];
enum error_code node_list(struct cli *cli, struct error *err);
enum error_code node_show(struct cli *cli, struct error *err);
enum error_code node_pending(struct cli *cli, struct error *err);
enum error_code node_accept(struct cli *cli, struct error *err);
enum error_code node_remove(struct cli *cli, struct error *err);
enum error_code node_drain(struct cli *cli, struct error *err);
enum error_code node_admit(struct cli *cli, struct error *err);
enum error_code cluster_status(struct cli *cli, struct error *err);

/* key.c, fsm.c */
enum error_code key_new(struct cli *cli, struct error *err);
enum error_code key_show(struct cli *cli, struct error *err);
enum error_code key_backup(struct cli *cli, struct error *err);
enum error_code fsm_print(struct cli *cli, struct error *err);
enum error_code fsm_check(struct cli *cli, struct error *err);
enum error_code fsm_mermaid(struct cli *cli, struct error *err);

#endif
