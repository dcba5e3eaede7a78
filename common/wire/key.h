/* key.h: CURVE key pairs, in files that only their owner may read. */
#ifndef COMMON_WIRE_KEY_H
#define COMMON_WIRE_KEY_H

#include "common/base/error.h"
#include "proto/words.h"

struct key_pair {
    char public_key[KEY_TEXT_SIZE]; /* Z85, as ZeroMQ takes it */
    char secret_key[KEY_TEXT_SIZE];
};

void key_generate(struct key_pair *ret);

/* The file has two lines, `public KEY` and `secret KEY`, mode 0600. Refuses to overwrite. */
enum error_code key_write(const char *path, const struct key_pair *pair, struct error *err);

/* Refuses a file that others could read or write, that is a link, or that belongs to somebody else.
 */
enum error_code key_read(const char *path, struct key_pair *ret, struct error *err);

/* A valid Z85 key of 40 characters. */
bool key_is_valid(const char *key);
/* What it is if it is none, for people; NULL: it is one. */
const char *key_fault(const char *key);

#endif
