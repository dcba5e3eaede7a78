/* swap.h: internal: the database that is made aside, and how it takes the other one's place. */
#ifndef COMMON_BACKUP_SWAP_H
#define COMMON_BACKUP_SWAP_H

#include "common/backup/backup.h"

#define SWAP_ASIDE_SUFFIX "_hakem_restore"
#define SWAP_KEPT_SUFFIX  "_before_restore_"
#define SWAP_WAIT_MS      60000 /* for whoever is connected to end */
#define SWAP_NAME_SIZE    64    /* of a database */

struct swap {
    struct session *target;      /* open to the database that is to be replaced */
    struct session *maintenance; /* open to another one of the server */
    char name[SWAP_NAME_SIZE];
    char aside[SWAP_NAME_SIZE];
    char kept[SWAP_NAME_SIZE]; /* what the old one is called then */
    char *aside_url, *maintenance_url;
    char *make_sql;
    char *comment_sql; /* until then its comment says that it is ours */
    char system_id[32];
    bool is_empty;
    uint64_t away_ms; /* how long the name led nowhere */
};

/* Looks at the database. A talloc child of parent; freeing it closes its sessions and leaves the
 * database that is aside. */
enum error_code swap_open(const void *parent, const struct session_options *database,
                          struct swap **ret, struct error *err);

/* Makes the one aside, empty; what an earlier run left there is dropped. */
enum error_code swap_make_aside(struct swap *swap, struct error *err);
/* Gives it the settings and grants of the other. */
enum error_code swap_dress(struct swap *swap, struct error *err);
/* Both get their new names, and the new one its comment, in one transaction, and whoever was
 * connected is sent away. The old one is dropped if it was empty; swap->kept is "" then. */
enum error_code swap_places(struct swap *swap, struct error *err);
/* After a failure. */
enum error_code swap_drop_aside(struct swap *swap, struct error *err);

#endif
