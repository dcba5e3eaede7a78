/* database.h: what verbs share that work on a folder of migrations and one database. */
#ifndef COORDINATOR_CLI_DATABASE_H
#define COORDINATOR_CLI_DATABASE_H

#include "common/migration/load.h"
#include "common/migration/marks.h"
#include "common/postgres/session.h"
#include "coordinator/cli/cli.h"

#define MIGRATIONS_FOLDER_DEFAULT "migrations"

#define DATABASE_FLAG                                                                              \
    {                                                                                              \
        .name = "--database", .value = "URL", .environment = "DATABASE_URL", .doc = "the database" \
    }
#define LAYOUT_FLAG                                                                                \
    {                                                                                              \
        .name = "--layout", .value = "NAME",                                                       \
        .doc = "whose the folder is, if it looks like two: native, goose, flyway and so on"        \
    }
#define MIGRATIONS_FLAG                                                                            \
    {.name = "--migrations",                                                                       \
     .value = "FOLDER",                                                                            \
     .environment = "HAKEM_MIGRATIONS",                                                            \
     .doc = "default: ./" MIGRATIONS_FOLDER_DEFAULT},                                              \
        LAYOUT_FLAG

const char *database_migrations_folder(const struct cli *cli);
/* The folder's revisions, whatever its layout. */
enum error_code database_load(const struct cli *cli, const void *parent, struct migration_set **ret,
                              struct error *err);
enum error_code database_options(const struct cli *cli, struct session_options *ret,
                                 struct error *err);

/* A database, its marks, and the set that it is compared with; all children of one context. */
struct database {
    void *context;
    struct session_options options;
    struct session *session;
    struct migration_set *set;
    struct marks *marks;
};

/* Cancels what runs at SIGINT and SIGTERM. */
enum error_code database_open(const struct cli *cli, struct database *ret, struct error *err);
enum error_code database_read_marks(struct database *db, struct error *err);
void database_close(struct database *db);

/* Whoever types: for the log. */
const char *database_operator(void);

#endif
