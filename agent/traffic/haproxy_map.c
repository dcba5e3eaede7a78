/* haproxy_map.c: all traffic goes where one entry of a map says: `use_backend
 * %[str(KEY),map(FILE)]`. One command changes it for every request from then on; flipping servers
 * instead loses some.  The process has the map in memory, a reload reads the file: both are
 * written, and both are read.
 */
#include "agent/traffic/haproxy.h"

#include "common/base/file.h"
#include "common/base/memory.h"

#include <string.h>

#define MAP_BYTES_MAX (1 << 20)

/* The value of a line `[ADDRESS] KEY VALUE`; the file has no addresses.  False: another line. */
static bool read_line(char *line, const char *key, bool has_address, char ret[static NAME_SIZE])
{
    char *rest = NULL;
    const char *word = strtok_r(line, " \t\r", &rest);

    if (word != NULL && has_address)
        word = strtok_r(NULL, " \t\r", &rest);
    if (word == NULL || strcmp(word, key) != 0)
        return false;
    word = strtok_r(NULL, " \t\r", &rest);
    return word != NULL && text_copy(ret, NAME_SIZE, word);
}

bool haproxy_parse_map(const char *text, const char *key, bool has_address,
                       char ret[static NAME_SIZE])
{
    char *copy = memory_text(NULL, text);
    char *rest = NULL;
    bool is_found = false;

    for (char *line = strtok_r(copy, "\n", &rest); line != NULL && !is_found;
         line = strtok_r(NULL, "\n", &rest))
        is_found = line[0] != '#' && read_line(line, key, has_address, ret);
    talloc_free(copy);
    return is_found;
}

static const char *colour_of(const struct edge_config *config, const char *backend)
{
    for (size_t i = 0; i < config->colour_count; i++)
        if (strcmp(config->colours[i].backend, backend) == 0)
            return config->colours[i].name;
    return NULL;
}

static const char *backend_of(const struct edge_config *config, const char *colour)
{
    for (size_t i = 0; i < config->colour_count; i++)
        if (strcmp(config->colours[i].name, colour) == 0)
            return config->colours[i].backend;
    return NULL;
}

static enum error_code read_memory(const struct edge_config *config, char ret[static NAME_SIZE],
                                   struct error *err)
{
    char *command = memory_format(NULL, "show map %s", config->map);
    struct text *answer = NULL;

    if (haproxy_ask(config, command, command, &answer, err) == ERROR_OK && answer != NULL &&
        !haproxy_parse_map(answer->data, config->map_key, true, ret))
        error_set(err, ERROR_EDGE,
                  "HAProxy's map %s has no entry \"%s\": name it in a use_backend rule, with that "
                  "entry in the file, and reload",
                  config->map, config->map_key);
    talloc_free(command);
    return err->code;
}

static bool file_says(const struct edge_config *config, const char *backend)
{
    void *scratch = memory_zeroed(NULL, 1, 1, "haproxy");
    char value[NAME_SIZE] = "";
    char *bytes = NULL;
    size_t size = 0;
    struct error ignored;
    bool is_same =
        file_read(scratch, config->map, MAP_BYTES_MAX, &bytes, &size, &ignored) == ERROR_OK &&
        haproxy_parse_map(bytes, config->map_key, false, value) && strcmp(value, backend) == 0;

    talloc_free(scratch);
    return is_same;
}

enum error_code haproxy_live(const struct edge_config *config, char ret[static NAME_SIZE],
                             bool *ret_is_kept, struct error *err)
{
    char backend[NAME_SIZE] = "";
    const char *colour;

    err->code = ERROR_OK;
    if (read_memory(config, backend, err) != ERROR_OK)
        return err->code;
    colour = colour_of(config, backend);
    if (colour == NULL)
        return error_set(err, ERROR_EDGE,
                         "HAProxy's map %s sends traffic to backend %s, which is no colour's",
                         config->map, backend);
    (void)text_copy(ret, NAME_SIZE, colour);
    *ret_is_kept = file_says(config, backend);
    return ERROR_OK;
}

/* Lines of other keys, and comments, stay as they are. */
static void append_others(struct text *out, char *bytes, const char *key)
{
    char *rest = NULL;

    for (char *line = strtok_r(bytes, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        size_t length = strcspn(line, " \t\r");

        if (length != strlen(key) || strncmp(line, key, length) != 0)
            text_append_format(out, "%s\n", line);
    }
}

enum error_code haproxy_keep_map(const struct edge_config *config, struct error *err)
{
    void *scratch = memory_zeroed(NULL, 1, 1, "haproxy");
    struct text *out = text_new(scratch, MAP_BYTES_MAX);
    char backend[NAME_SIZE] = "";
    char *bytes = NULL;
    size_t size = 0;

    err->code = ERROR_OK;
    if (read_memory(config, backend, err) == ERROR_OK && !file_says(config, backend) &&
        file_read(scratch, config->map, MAP_BYTES_MAX / 2, &bytes, &size, err) == ERROR_OK) {
        append_others(out, bytes, config->map_key);
        text_append_format(out, "%s %s\n", config->map_key, backend);
        (void)file_write_atomically(config->map, out->data, out->size, 0644, err);
    }
    talloc_free(scratch);
    return err->code;
}

enum error_code haproxy_point(const struct edge_config *config, const char *colour,
                              struct error *err)
{
    const char *backend = backend_of(config, colour);
    char *command;

    if (backend == NULL)
        return error_set(err, ERROR_NOT_FOUND, "the edge has no colour called \"%s\"", colour);
    command = memory_format(NULL, "set map %s %s %s", config->map, config->map_key, backend);
    err->code = ERROR_OK;
    (void)haproxy_command(config, command, err);
    talloc_free(command);
    return err->code;
}
