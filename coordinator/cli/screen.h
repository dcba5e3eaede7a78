/* screen.h: a rollout as people see it: a picture for a terminal, lines for a pipe. */
#ifndef COORDINATOR_CLI_SCREEN_H
#define COORDINATOR_CLI_SCREEN_H

#include "coordinator/cli/cli.h"

/* The whole picture, once: state, nodes, steps. */
void screen_print(const struct cli *cli, const json_t *show);

/* Redraws in place, fitted to the terminal; the first call makes room. */
void screen_draw(const json_t *show);

/* Prints only what has changed since `before` (NULL: nothing was known). */
void screen_print_changes(const struct cli *cli, const json_t *before, const json_t *show);

/* The plan as something to read. */
void screen_print_plan(const struct cli *cli, const json_t *show);

/* One line a node. */
void screen_print_nodes(const struct cli *cli, const json_t *nodes);

#endif
