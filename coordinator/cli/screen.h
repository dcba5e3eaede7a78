/* screen.h: a rollout as people see it: a picture for a terminal, lines for a pipe. */
#ifndef COORDINATOR_CLI_SCREEN_H
#define COORDINATOR_CLI_SCREEN_H

#include "coordinator/cli/cli.h"
#include "coordinator/cli/terminal.h"

/* The whole picture, once: state, nodes, steps. */
void screen_print(const struct cli *cli, const json_t *show);

/* Redraws in place, fitted to the terminal. */
void screen_draw(const json_t *show);
/* What that writes; for its test. */
void screen_render(const json_t *show, const struct terminal *terminal, struct text *out);

/* Prints only what has changed since `before` (NULL: nothing was known). */
void screen_print_changes(const struct cli *cli, const json_t *before, const json_t *show);

/* The plan as something to read. */
void screen_print_plan(const struct cli *cli, const json_t *show);

/* One line a node. */
void screen_print_nodes(const struct cli *cli, const json_t *nodes);

/* ---- screen_rehearsal.c ---- */

/* What the rollout's rehearsals measured; nothing if it had none. */
void screen_print_rehearsals(const struct cli *cli, const json_t *show);
/* Whether, and where, a plan is rehearsed. */
void screen_print_plan_rehearsal(const struct cli *cli, const json_t *show);

#endif
