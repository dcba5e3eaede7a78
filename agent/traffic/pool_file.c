#include "agent/traffic/pool_file.h"

#include <string.h>

#define BLANKS       " \t\r"
#define PORT_DEFAULT 5432
#define KEY_BYTES    64
#define VALUE_BYTES  512
#define PORT_MAX     65535

/* A part of the file's text. */
struct span {
    const char *at;
    size_t size;
};

static void skip_blanks(struct span *rest)
{
    while (rest->size > 0 && strchr(BLANKS, *rest->at) != NULL) {
        rest->at++;
        rest->size--;
    }
}

static bool skip_letter(struct span *rest, char letter)
{
    if (rest->size == 0 || *rest->at != letter)
        return false;
    rest->at++;
    rest->size--;
    return true;
}

static bool is_letter_of_name(char letter)
{
    return letter != '\0' && letter != '=' && letter != '"' && strchr(BLANKS, letter) == NULL;
}

/* A key, or a pool's name, which may be quoted. */
static bool read_name(struct span *rest, char ret[static KEY_BYTES])
{
    bool is_quoted = skip_letter(rest, '"');
    size_t size = 0;

    while (size < rest->size &&
           (is_quoted ? rest->at[size] != '"' : is_letter_of_name(rest->at[size])))
        size++;
    if (size == 0 || size >= KEY_BYTES)
        return false;
    memcpy(ret, rest->at, size);
    ret[size] = '\0';
    rest->at += size;
    rest->size -= size;
    return !is_quoted || skip_letter(rest, '"');
}

/* Plain up to a blank, or 'quoted', with '' for a quote. */
static bool read_value(struct span *rest, char ret[static VALUE_BYTES])
{
    bool is_quoted = skip_letter(rest, '\'');
    size_t size = 0;

    while (rest->size > 0 && (is_quoted || strchr(BLANKS, *rest->at) == NULL)) {
        bool is_quote = *rest->at == '\'';

        if (is_quoted && is_quote && (rest->size < 2 || rest->at[1] != '\'')) {
            ret[size] = '\0';
            return skip_letter(rest, '\'');
        }
        if (is_quoted && is_quote)
            (void)skip_letter(rest, '\'');
        if (size + 1 == VALUE_BYTES)
            return false;
        ret[size++] = *rest->at;
        (void)skip_letter(rest, *rest->at);
    }
    ret[size] = '\0';
    return !is_quoted;
}

/* The next key = value; false at the end, or with *ret_is_broken. */
static bool read_pair(struct span *rest, char key[static KEY_BYTES], char value[static VALUE_BYTES],
                      bool *ret_is_broken)
{
    skip_blanks(rest);
    *ret_is_broken = false;
    if (rest->size == 0)
        return false;
    if (read_name(rest, key)) {
        skip_blanks(rest);
        if (skip_letter(rest, '=')) {
            skip_blanks(rest);
            if (read_value(rest, value))
                return true;
        }
    }
    *ret_is_broken = true;
    return false;
}

/* ---- the pool's line ---- */

static bool take_line(struct span *rest, struct span *ret)
{
    const char *end;

    if (rest->size == 0)
        return false;
    end = memchr(rest->at, '\n', rest->size);
    ret->at = rest->at;
    ret->size = end == NULL ? rest->size : (size_t)(end - rest->at);
    rest->at += ret->size + (end != NULL);
    rest->size -= ret->size + (end != NULL);
    return true;
}

/* Leaves what stands behind its "=". */
static bool is_line_of(struct span *line, const char *pool)
{
    char name[KEY_BYTES];

    skip_blanks(line);
    if (line->size == 0 || strchr(";#[%", *line->at) != NULL || !read_name(line, name))
        return false;
    skip_blanks(line);
    return strcmp(name, pool) == 0 && skip_letter(line, '=');
}

/* In the [databases] part, and only once. */
static enum error_code find_line(const char *text, const char *path, const char *pool,
                                 struct span *ret_pairs, struct error *err)
{
    struct span rest = {text, strlen(text)};
    struct span line;
    bool is_databases = true; /* an included file may begin in the middle of that part */
    bool is_found = false;

    while (take_line(&rest, &line)) {
        skip_blanks(&line);
        if (line.size > 0 && *line.at == '[')
            is_databases = line.size >= 11 && memcmp(line.at, "[databases]", 11) == 0;
        if (!is_databases || !is_line_of(&line, pool))
            continue;
        if (is_found)
            return error_set(err, ERROR_CONFIG, "%s: the pool %s has two lines: leave one", path,
                             pool);
        is_found = true;
        *ret_pairs = line;
    }
    return is_found ? ERROR_OK
                    : error_set(err, ERROR_CONFIG,
                                "%s: there is no line \"%s = host=... port=... dbname=...\"", path,
                                pool);
}

static enum error_code say_broken(const char *path, const char *pool, struct error *err)
{
    return error_set(err, ERROR_CONFIG, "%s: the line of the pool %s is not %s = key=value ...",
                     path, pool, pool);
}

enum error_code pool_file_read(const char *text, const char *path, const char *pool,
                               struct pool_address *ret, struct error *err)
{
    struct pool_address address = {.port = PORT_DEFAULT};
    struct span pairs = {text, 0};
    char key[KEY_BYTES], value[VALUE_BYTES];
    bool is_broken;

    if (find_line(text, path, pool, &pairs, err) != ERROR_OK)
        return err->code;
    (void)text_copy(address.database, NAME_SIZE, pool); /* PgBouncer's default */
    while (read_pair(&pairs, key, value, &is_broken)) {
        bool is_fine = true;

        if (strcmp(key, "host") == 0)
            is_fine = text_copy(address.host, sizeof(address.host), value);
        else if (strcmp(key, "port") == 0)
            is_fine = text_to_number(value, PORT_MAX, &address.port);
        else if (strcmp(key, "dbname") == 0)
            is_fine = text_copy(address.database, NAME_SIZE, value);
        if (!is_fine)
            return say_broken(path, pool, err);
    }
    if (is_broken)
        return say_broken(path, pool, err);
    *ret = address;
    return ERROR_OK;
}

/* ---- pointing it elsewhere ---- */

static void append_value(struct text *ret, const char *value)
{
    text_append(ret, "'");
    for (; *value != '\0'; value++) {
        if (*value == '\'')
            text_append(ret, "'");
        text_append_bytes(ret, value, 1);
    }
    text_append(ret, "'");
}

static bool is_address(const char *key)
{
    return strcmp(key, "host") == 0 || strcmp(key, "port") == 0 || strcmp(key, "dbname") == 0;
}

/* The address first, then what else the line had. */
static bool append_pairs(struct text *ret, struct span pairs, const struct pool_server *server)
{
    char key[KEY_BYTES], value[VALUE_BYTES];
    bool is_broken;

    text_append_format(ret, " host=%s port=%llu dbname=%s", server->host,
                       (unsigned long long)server->port, server->database);
    while (read_pair(&pairs, key, value, &is_broken)) {
        if (is_address(key))
            continue;
        text_append_format(ret, " %s=", key);
        append_value(ret, value);
    }
    return !is_broken;
}

enum error_code pool_file_point(const char *text, const char *path, const char *pool,
                                const struct pool_server *server, struct text *ret,
                                struct error *err)
{
    struct span pairs = {text, 0};

    if (find_line(text, path, pool, &pairs, err) != ERROR_OK)
        return err->code;
    text_append_bytes(ret, text, (size_t)(pairs.at - text));
    if (!append_pairs(ret, pairs, server))
        return say_broken(path, pool, err);
    text_append(ret, pairs.at + pairs.size);
    if (ret->is_cut)
        return error_set(err, ERROR_LIMIT, "%s would have more than %d bytes", path,
                         POOL_FILE_BYTES_MAX);
    return ERROR_OK;
}

bool pool_address_is(const struct pool_address *address, const struct pool_server *server)
{
    return strcmp(address->host, server->host) == 0 && address->port == server->port &&
           strcmp(address->database, server->database) == 0;
}
