/* screen_rehearsal.c: what a rehearsal measured, as a table: a line for each relation that a
 * statement locked, a line for each phase as a whole.
 */
#include "coordinator/cli/screen.h"

#include "common/base/memory.h"
#include "coordinator/cli/words.h"

#include <string.h>

#define KIB 1024.0

static void add_bytes(struct text *out, long long bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double amount = (double)bytes;
    size_t unit = 0;

    while (amount >= KIB && unit + 1 < ARRAY_LEN(units)) {
        amount /= KIB;
        unit++;
    }
    text_append_format(out, unit == 0 ? " %6.0f %-3s" : " %6.1f %-3s", amount, units[unit]);
}

static void add_relation(struct text *out, const json_t *row)
{
    const char *relation = words_text(row, "relation");

    if (relation[0] == '\0') {
        text_append(out, " locks nothing more");
        return;
    }
    text_append_format(out, " %-22s %-7s", words_text(row, "lock"),
                       words_flag(row, "is_rewritten") ? "rewrite"
                       : words_flag(row, "is_new")     ? "new"
                                                       : "-");
    add_bytes(out, words_number(row, "bytes_before"));
    add_bytes(out, words_number(row, "bytes_after"));
    text_append_format(out, " %s", relation);
}

static void add_phase(struct text *out, const json_t *row)
{
    const char *verdict = words_text(row, "verdict");

    if (strcmp(verdict, "none") != 0)
        text_append_format(out, " %s", verdict);
    if (words_number(row, "rows") > 0)
        text_append_format(out, ", %lld rows", words_number(row, "rows"));
    if (words_text(row, "text")[0] != '\0')
        text_append_format(out, ": %s", words_text(row, "text"));
}

void words_add_rehearsed(struct text *out, const json_t *row)
{
    bool is_of_phase =
        strcmp(words_text(row, "verdict"), "none") != 0 && words_text(row, "verdict")[0] != '\0';

    text_append_format(out, "  %-24s %-15s", words_text(row, "revision"), words_text(row, "phase"));
    if (is_of_phase || words_number(row, "statement") == 0)
        text_append(out, "    ");
    else
        text_append_format(out, "%4lld", words_number(row, "statement"));
    text_append_format(out, " %10.1f ms", (double)words_number(row, "duration_us") / 1000.0);
    if (is_of_phase)
        add_phase(out, row);
    else
        add_relation(out, row);
}

static void print_rehearsal(const struct cli *cli, const json_t *rehearsal)
{
    size_t i;
    json_t *row;

    cli_say(cli, "rehearsal on a shadow of %s, shard %s:", words_text(rehearsal, "node"),
            words_text(rehearsal, "shard"));
    cli_say(cli, "  %-24s %-15s%4s %13s %-22s %-7s %10s %10s %s", "revision", "phase", "nr", "time",
            "lock", "rewrite", "before", "after", "relation");
    json_array_foreach(json_object_get(rehearsal, "rows"), i, row)
    {
        struct text *line = text_new(NULL, WORDS_BYTES_MAX);

        words_add_rehearsed(line, row);
        cli_say(cli, "%s", line->data);
        talloc_free(line);
    }
    if (words_number(rehearsal, "left_out") > 0)
        cli_say(cli, "  and %lld rows more, which were too many",
                words_number(rehearsal, "left_out"));
}

void screen_print_rehearsals(const struct cli *cli, const json_t *show)
{
    size_t i;
    json_t *rehearsal;

    json_array_foreach(json_object_get(show, "rehearsals"), i, rehearsal)
    {
        print_rehearsal(cli, rehearsal);
    }
}

static void print_backups(const struct cli *cli, const json_t *options)
{
    if (words_flag(options, "backup"))
        cli_say(cli, "  every database that is changed is backed up first");
    else if (words_text(options, "no_backup")[0] != '\0')
        cli_say(cli, "  without a backup: %s", words_text(options, "no_backup"));
}

void screen_print_plan_rehearsal(const struct cli *cli, const json_t *show)
{
    const json_t *options = json_object_get(show, "options");

    if (strcmp(words_text(show, "strategy"), "shadow") == 0)
        cli_say(cli, "  on a shadow alone: no database, no server and no traffic is changed");
    else if (words_flag(options, "shadow"))
        cli_say(cli, "  rehearsed on a shadow first; what fails there ends it before anything");
    else if (words_number(show, "rehearsed_by") > 0)
        cli_say(cli, "  rehearsed by rollout %lld", words_number(show, "rehearsed_by"));
    else if (words_text(options, "no_rehearsal")[0] != '\0')
        cli_say(cli, "  without a rehearsal: %s", words_text(options, "no_rehearsal"));
    else if (json_array_size(json_object_get(show, "revisions")) > 0)
        cli_say(cli, "  not rehearsed (`--shadow` does it first)");
    print_backups(cli, options);
}
