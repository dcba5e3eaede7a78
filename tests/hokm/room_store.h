/* room_store.h: a room's whole state, from and to the database, inside the caller's transaction. */
#ifndef TESTS_HOKM_ROOM_STORE_H
#define TESTS_HOKM_ROOM_STORE_H

#include "tests/hokm/game.h"
#include "tests/hokm/request.h"

/* lock: the room's row is held until the transaction ends.  ERROR_NOT_FOUND without such a room. */
enum error_code room_load(const struct request *request, PGconn *connection, bool lock,
                          struct game *ret, struct error *err);

/* Each writes what its rule changed. */
enum error_code room_store_state(const struct request *request, PGconn *connection,
                                 const struct game *game, struct error *err);
enum error_code room_store_seat(const struct request *request, PGconn *connection,
                                const struct game *game, int seat, struct error *err);
enum error_code room_store_hand(const struct request *request, PGconn *connection,
                                const struct game *game, int seat, struct error *err);
enum error_code room_store_play(const struct request *request, PGconn *connection,
                                const struct game *game, int trick, struct error *err);
enum error_code room_store_result(const struct request *request, PGconn *connection,
                                  const struct game *game, struct error *err);

#endif
