#include "common/wire/key.h"

#include "common/base/text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#define KEY_FILE_MAX 256

#define TRIES_MAX 64

/* A public key is an argument of commands, where one in 85 would look like a flag. */
void key_generate(struct key_pair *ret)
{
    int rc = 0;

    for (int try = 0; try == 0 || (try < TRIES_MAX && ret->public_key[0] == '-'); try++)
        rc |= zmq_curve_keypair(ret->public_key, ret->secret_key);
    assert(rc == 0); /* fails only in a libzmq without CURVE, which the build refuses */
    (void)rc;
}

bool key_is_valid(const char *key)
{
    uint8_t bytes[32];

    return strlen(key) == KEY_TEXT_SIZE - 1 && zmq_z85_decode(bytes, key) != NULL;
}

const char *key_fault(const char *key)
{
    return key_is_valid(key) ? NULL : "not 40 characters of Z85: see `hakem key show`";
}

enum error_code key_write(const char *path, const struct key_pair *pair, struct error *err)
{
    char text[KEY_FILE_MAX];
    size_t size;
    bool written;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return error_set(err, ERROR_SYSTEM, "cannot make the key file %s: %s", path,
                         strerror(errno));
    (void)text_format(text, sizeof(text), "public %s\nsecret %s\n", pair->public_key,
                      pair->secret_key);
    size = strlen(text);
    written = write(fd, text, size) == (ssize_t)size && fsync(fd) == 0;
    written = close(fd) == 0 && written;
    sodium_memzero(text, sizeof(text));
    if (!written) {
        (void)unlink(path);
        return error_set(err, ERROR_SYSTEM, "cannot write the key file %s: %s", path,
                         strerror(errno));
    }
    return ERROR_OK;
}

static enum error_code read_private(const char *path, char *ret, size_t size, struct error *err)
{
    struct stat info;
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (fd < 0)
        return error_set(err, ERROR_CONFIG, "cannot read the key file %s: %s", path,
                         strerror(errno));
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || (info.st_mode & 077) != 0 ||
        (info.st_uid != geteuid() && geteuid() != 0)) {
        (void)close(fd);
        return error_set(err, ERROR_CONFIG,
                         "the key file %s must be a regular file of its user with mode 0600", path);
    }
    got = read(fd, ret, size - 1);
    (void)close(fd);
    if (got < 0)
        return error_set(err, ERROR_CONFIG, "cannot read the key file %s: %s", path,
                         strerror(errno));
    ret[got] = '\0';
    return ERROR_OK;
}

static bool take_line(const char *text, const char *label, char *ret)
{
    const char *line = strstr(text, label);

    if (line == NULL || (line != text && line[-1] != '\n'))
        return false;
    line += strlen(label);
    if (strcspn(line, "\n") != KEY_TEXT_SIZE - 1)
        return false;
    memcpy(ret, line, KEY_TEXT_SIZE - 1);
    ret[KEY_TEXT_SIZE - 1] = '\0';
    return key_is_valid(ret);
}

enum error_code key_read(const char *path, struct key_pair *ret, struct error *err)
{
    char text[KEY_FILE_MAX];
    char derived[KEY_TEXT_SIZE];
    struct key_pair pair;
    bool is_good;

    if (read_private(path, text, sizeof(text), err) != ERROR_OK)
        return err->code;
    is_good = take_line(text, "public ", pair.public_key) &&
              take_line(text, "secret ", pair.secret_key) &&
              zmq_curve_public(derived, pair.secret_key) == 0 &&
              strcmp(derived, pair.public_key) == 0;
    sodium_memzero(text, sizeof(text));
    if (!is_good)
        return error_set(err, ERROR_CONFIG,
                         "the key file %s is not `public KEY` and `secret KEY` of one pair: make a "
                         "new one with `hakem key new`",
                         path);
    *ret = pair;
    sodium_memzero(&pair, sizeof(pair));
    return ERROR_OK;
}
