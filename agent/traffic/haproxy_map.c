/* haproxy_map.c: all traffic goes where one entry of a map says: `use_backend
 * %[str(KEY),map(FILE)]`. One command changes it for every request from then on; flipping servers
 * instead loses some.  Where two more entries say who is next and how much of the traffic it gets
 * already, that, too, is one command, exact whatever the number of servers: their weights would be
 * changed one by one.  The process has the map in memory, a reload reads the file: both are
 * written, and both are read.
 */
#include "agent/traffic/haproxy.h"

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <string.h>

#define MAP_BYTES_MAX (1 << 20)

/* What the map says, in its own words. */
struct map_sight {
    char live[NAME_SIZE];
    char next[NAME_SIZE], share[NAME_SIZE]; /* "": it has no such entry */
};

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

/* False: it does not even say who is live. */
static bool read_map(const struct edge_config *config, const char *text, bool has_address,
                     struct map_sight *ret)
{
    *ret = (struct map_sight){.live = ""};
    (void)haproxy_parse_map(text, config->map_next_key, has_address, ret->next);
    (void)haproxy_parse_map(text, config->map_share_key, has_address, ret->share);
    return haproxy_parse_map(text, config->map_key, has_address, ret->live);
}

static bool can_split(const struct map_sight *sight)
{
    return sight->next[0] != '\0' && sight->share[0] != '\0';
}

static enum error_code read_memory(const struct edge_config *config, struct map_sight *ret,
                                   struct error *err)
{
    char *command = memory_format(NULL, "show map %s", config->map);
    struct text *answer = NULL;

    if (haproxy_ask(config, command, command, &answer, err) == ERROR_OK && answer != NULL &&
        !read_map(config, answer->data, true, ret))
        error_set(err, ERROR_EDGE,
                  "HAProxy's map %s has no entry \"%s\": name it in a use_backend rule, with that "
                  "entry in the file, and reload",
                  config->map, config->map_key);
    talloc_free(command);
    return err->code;
}

static bool file_says(const struct edge_config *config, const struct map_sight *wanted)
{
    void *scratch = memory_zeroed(NULL, 1, 1, "haproxy");
    struct map_sight sight;
    char *bytes = NULL;
    size_t size = 0;
    struct error ignored;
    bool is_same =
        file_read(scratch, config->map, MAP_BYTES_MAX, &bytes, &size, &ignored) == ERROR_OK &&
        read_map(config, bytes, false, &sight) && strcmp(sight.live, wanted->live) == 0 &&
        strcmp(sight.next, wanted->next) == 0 && strcmp(sight.share, wanted->share) == 0;

    talloc_free(scratch);
    return is_same;
}

static enum error_code name_colour(const struct edge_config *config, const char *backend,
                                   char ret[static NAME_SIZE], struct error *err)
{
    const char *colour = colour_of(config, backend);

    if (colour == NULL)
        return error_set(err, ERROR_EDGE,
                         "HAProxy's map %s sends traffic to backend %s, which is no colour's",
                         config->map, backend);
    (void)text_copy(ret, NAME_SIZE, colour);
    return ERROR_OK;
}

enum error_code haproxy_live(const struct edge_config *config, struct report *ret,
                             struct error *err)
{
    struct map_sight sight = {.live = ""};

    err->code = ERROR_OK;
    if (read_memory(config, &sight, err) != ERROR_OK ||
        name_colour(config, sight.live, ret->live, err) != ERROR_OK)
        return err->code;
    ret->live_is_kept = file_says(config, &sight);
    ret->can_split = can_split(&sight);
    if (!ret->can_split)
        return ERROR_OK;
    if (!text_to_number(sight.share, SHARE_ALL_PERMILLE, &ret->share_permille))
        return error_set(err, ERROR_EDGE,
                         "HAProxy's map %s has %s \"%s\", which is not a number of permille",
                         config->map, config->map_share_key, sight.share);
    return name_colour(config, sight.next, ret->next, err);
}

static bool is_own_key(const struct edge_config *config, const char *line)
{
    const char *const keys[] = {config->map_key, config->map_next_key, config->map_share_key};
    size_t length = strcspn(line, " \t\r");

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (length == strlen(keys[i]) && strncmp(line, keys[i], length) == 0)
            return true;
    return false;
}

/* Lines of other keys, and comments, stay as they are. */
static void append_others(const struct edge_config *config, struct text *out, char *bytes)
{
    char *rest = NULL;

    for (char *line = strtok_r(bytes, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest))
        if (!is_own_key(config, line))
            text_append_format(out, "%s\n", line);
}

enum error_code haproxy_keep_map(const struct edge_config *config, struct error *err)
{
    void *scratch = memory_zeroed(NULL, 1, 1, "haproxy");
    struct text *out = text_new(scratch, MAP_BYTES_MAX);
    struct map_sight sight = {.live = ""};
    char *bytes = NULL;
    size_t size = 0;

    err->code = ERROR_OK;
    if (read_memory(config, &sight, err) == ERROR_OK && !file_says(config, &sight) &&
        file_read(scratch, config->map, MAP_BYTES_MAX / 2, &bytes, &size, err) == ERROR_OK) {
        append_others(config, out, bytes);
        text_append_format(out, "%s %s\n", config->map_key, sight.live);
        if (can_split(&sight))
            text_append_format(out, "%s %s\n%s %s\n", config->map_next_key, sight.next,
                               config->map_share_key, sight.share);
        (void)file_write_atomically(config->map, out->data, out->size, 0644, err);
    }
    talloc_free(scratch);
    return err->code;
}

static enum error_code set_entry(const struct edge_config *config, const char *key,
                                 const char *value, struct error *err)
{
    char *command = memory_format(NULL, "set map %s %s %s", config->map, key, value);

    (void)haproxy_command(config, command, err);
    talloc_free(command);
    return err->code;
}

/* Whoever is next gets nothing while it is being changed. */
static enum error_code give_share(const struct edge_config *config, const struct map_sight *now,
                                  const char *backend, uint64_t share_permille, struct error *err)
{
    char share[NAME_SIZE];

    (void)text_format(share, sizeof(share), "%llu", (unsigned long long)share_permille);
    if (strcmp(now->next, backend) != 0 &&
        (set_entry(config, config->map_share_key, "0", err) != ERROR_OK ||
         set_entry(config, config->map_next_key, backend, err) != ERROR_OK))
        return err->code;
    return set_entry(config, config->map_share_key, share, err);
}

/* Live first: what had a share of the traffic then has all of it, and not for a moment none. */
enum error_code haproxy_point(const struct edge_config *config, const char *colour,
                              uint64_t share_permille, struct error *err)
{
    const char *backend = backend_of(config, colour);
    struct map_sight now = {.live = ""};

    err->code = ERROR_OK;
    if (backend == NULL)
        return error_set(err, ERROR_NOT_FOUND, "the edge has no colour called \"%s\"", colour);
    if (read_memory(config, &now, err) != ERROR_OK)
        return err->code;
    if (share_permille != 0)
        return give_share(config, &now, backend, share_permille, err);
    if (set_entry(config, config->map_key, backend, err) != ERROR_OK || !can_split(&now))
        return err->code;
    return set_entry(config, config->map_share_key, "0", err);
}
