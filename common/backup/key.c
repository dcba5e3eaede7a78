#include "common/backup/key.h"

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX      128
#define HEX_SIZE      (2 * crypto_kdf_KEYBYTES + 1)
#define CONTEXT       "hakembkp" /* crypto_kdf_CONTEXTBYTES */
#define STREAM_SUBKEY 1
#define SEAL_SUBKEY   2

enum error_code backup_key_make(const char *path, struct error *err)
{
    uint8_t key[crypto_kdf_KEYBYTES];
    char text[HEX_SIZE + 1];

    if (sodium_init() < 0)
        return error_set(err, ERROR_SYSTEM, "libsodium finds no source of randomness");
    if (file_exists(path))
        return error_set(err, ERROR_REFUSED,
                         "%s is there already: backups made with it need it; choose another name",
                         path);
    crypto_kdf_keygen(key);
    text_to_hex(text, key, sizeof(key));
    text[HEX_SIZE - 1] = '\n';
    err->code = file_write_atomically(path, text, HEX_SIZE, 0600, err);
    sodium_memzero(key, sizeof(key));
    sodium_memzero(text, sizeof(text));
    return err->code;
}

static void derive(const uint8_t *key, struct backup_key *ret)
{
    (void)crypto_kdf_derive_from_key(ret->stream, sizeof(ret->stream), STREAM_SUBKEY, CONTEXT, key);
    (void)crypto_kdf_derive_from_key(ret->seal, sizeof(ret->seal), SEAL_SUBKEY, CONTEXT, key);
}

static enum error_code check_mode(const char *path, struct error *err)
{
    struct stat info;

    if (stat(path, &info) == 0 && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return error_set(err, ERROR_CONFIG,
                         "the key of the backups, %s, can be read by others: chmod 600 it", path);
    return ERROR_OK;
}

enum error_code backup_key_read(const char *path, struct backup_key *ret, struct error *err)
{
    uint8_t key[crypto_kdf_KEYBYTES];
    char *text = NULL;
    size_t size = 0;
    bool is_key;

    if (check_mode(path, err) != ERROR_OK ||
        file_read(NULL, path, FILE_MAX, &text, &size, err) != ERROR_OK)
        return error_set(err, ERROR_CONFIG, "%s", err->detail);
    while (size > 0 && text[size - 1] == '\n')
        text[--size] = '\0';
    is_key = text_from_hex(text, key, sizeof(key));
    sodium_memzero(text, size);
    talloc_free(text);
    if (!is_key)
        return error_set(err, ERROR_CONFIG,
                         "%s is no key of backups: 64 hexadecimal digits, made by `hakem key "
                         "backup FILE`",
                         path);
    derive(key, ret);
    sodium_memzero(key, sizeof(key));
    return ERROR_OK;
}
