#define _GNU_SOURCE /* realpath */
#include "agent/shadow/shadow.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX           "hakem-shadow-"
#define MARKER           "marker"
#define MARKER_BYTES_MAX 8192
#define URL_BYTES_MAX    8192
#define SOCKET_PATH_MAX  90 /* of sockaddr_un's 108 bytes, less the socket's own name */
#define LOCK_POLL_MS     50

static const char *const states[] = {[SHADOW_NONE] = "none",
                                     [SHADOW_CLONING] = "cloning",
                                     [SHADOW_READY] = "ready",
                                     [SHADOW_USED] = "used"};
const struct field_names shadow_state_names = {"shadow_state", states, SHADOW_STATE_COUNT};

/* ---- names ---- */

bool shadow_real_path(const char *path, char ret[static FILE_PATH_MAX])
{
    char *real = realpath(path, NULL);
    bool fits = real != NULL && text_copy(ret, FILE_PATH_MAX, real);

    free(real); /* realpath's own */
    return fits;
}

static enum error_code real_scratch(const struct agent_config *config, char *ret, struct error *err)
{
    const char *scratch = config->database.scratch;

    if (scratch == NULL)
        return error_set(err, ERROR_CONFIG,
                         "database.scratch is not set in %s: a shadow needs a folder on a disk of "
                         "its own",
                         config->path);
    if (file_make_folder(scratch, 0700, err) != ERROR_OK)
        return err->code;
    if (!shadow_real_path(scratch, ret) || access(ret, W_OK | X_OK) != 0)
        return error_set(err, ERROR_CONFIG, "database.scratch %s cannot be used: %s", scratch,
                         strerror(errno));
    return ERROR_OK;
}

static bool name_paths(struct shadow *shadow, const char *scratch)
{
    return text_format(shadow->name, sizeof(shadow->name), PREFIX "%llu",
                       (unsigned long long)shadow->rollout) &&
           text_format(shadow->folder, FILE_PATH_MAX, "%s/%s", scratch, shadow->name) &&
           text_format(shadow->data, FILE_PATH_MAX, "%s/data", shadow->folder) &&
           text_format(shadow->socket, FILE_PATH_MAX, "%s/run", shadow->folder) &&
           text_format(shadow->log, FILE_PATH_MAX, "%s/log", shadow->folder) &&
           text_format(shadow->marker, FILE_PATH_MAX, "%s/" MARKER, shadow->folder) &&
           strlen(shadow->socket) <= SOCKET_PATH_MAX;
}

/* ---- the marker ---- */

static bool take_line(struct shadow *shadow, const char *key, const char *value)
{
    const struct {
        const char *key;
        char *text;
        size_t size;
    } texts[] = {
        {"owner", shadow->owner, sizeof(shadow->owner)},
        {"database", shadow->database, sizeof(shadow->database)},
        {"role", shadow->role, sizeof(shadow->role)},
        {"system_id", shadow->system_id, sizeof(shadow->system_id)},
    };
    unsigned state = SHADOW_NONE;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (strcmp(texts[i].key, key) == 0)
            return text_copy(texts[i].text, texts[i].size, value);
    if (strcmp(key, "timeline") == 0)
        return text_to_number(value, FIELD_NUMBER_MAX, &shadow->timeline);
    if (strcmp(key, "state") != 0)
        return true; /* of a later version */
    if (!field_value_of(&shadow_state_names, value, strlen(value), &state))
        return false;
    shadow->state = (enum shadow_state)state;
    return true;
}

static bool parse_marker(struct shadow *shadow, char *bytes)
{
    char *rest = NULL;

    for (char *line = strtok_r(bytes, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char *equals = strchr(line, '=');

        if (equals == NULL)
            return false;
        *equals = '\0';
        if (!take_line(shadow, line, equals + 1))
            return false;
    }
    return shadow->state != SHADOW_NONE && shadow->owner[0] != '\0';
}

/* Made or emptied and then died: nothing is in it but perhaps half a marker. */
static bool is_empty(const char *folder)
{
    char **names = NULL;
    size_t count = 1;
    struct error ignored;
    void *memory = memory_zeroed(NULL, 1, 1, "names");
    bool is_so = file_list(memory, folder, &names, &count, &ignored) == ERROR_OK;

    for (size_t i = 0; is_so && i < count; i++)
        is_so = text_starts_with(names[i], MARKER ".new.");
    talloc_free(memory);
    return is_so;
}

static enum error_code read_marker(const struct agent_config *config, struct shadow *shadow,
                                   struct error *err)
{
    struct stat info;
    char *bytes = NULL;
    size_t size = 0;
    bool is_sound;

    if (lstat(shadow->folder, &info) != 0)
        return errno == ENOENT ? ERROR_OK
                               : error_set(err, ERROR_SYSTEM, "cannot look at %s: %s",
                                           shadow->folder, strerror(errno));
    if (!S_ISDIR(info.st_mode) || info.st_uid != geteuid())
        return error_set(err, ERROR_REFUSED,
                         "%s is not a folder of this agent's own: it is left alone, remove it",
                         shadow->folder);
    shadow->state = SHADOW_CLONING;
    if (lstat(shadow->marker, &info) != 0 && errno == ENOENT && is_empty(shadow->folder))
        return ERROR_OK;
    if (lstat(shadow->marker, &info) != 0 || !S_ISREG(info.st_mode) ||
        file_read(NULL, shadow->marker, MARKER_BYTES_MAX, &bytes, &size, err) != ERROR_OK)
        return error_set(err, ERROR_REFUSED,
                         "%s has no marker of a shadow: it is left alone, remove it by hand",
                         shadow->folder);
    is_sound = parse_marker(shadow, bytes) && strcmp(shadow->owner, config->state) == 0;
    talloc_free(bytes);
    return is_sound ? ERROR_OK
                    : error_set(err, ERROR_REFUSED,
                                "%s is marked as another agent's (%.200s): it is left alone",
                                shadow->folder, shadow->owner);
}

enum error_code shadow_find(const struct agent_config *config, uint64_t rollout, struct shadow *ret,
                            struct error *err)
{
    struct shadow shadow = {.rollout = rollout};
    char scratch[FILE_PATH_MAX];

    err->code = ERROR_OK;
    if (real_scratch(config, scratch, err) != ERROR_OK)
        return err->code;
    if (!name_paths(&shadow, scratch))
        return error_set(err, ERROR_CONFIG,
                         "database.scratch %s is too long for a socket below it: %d bytes at most",
                         scratch, SOCKET_PATH_MAX - SHADOW_NAME_MAX);
    if (read_marker(config, &shadow, err) != ERROR_OK)
        return err->code;
    (void)text_copy(shadow.owner, sizeof(shadow.owner), config->state);
    *ret = shadow;
    return ERROR_OK;
}

enum error_code shadow_mark(struct shadow *shadow, enum shadow_state state, struct error *err)
{
    struct text *bytes = text_new(NULL, MARKER_BYTES_MAX);

    shadow->state = state;
    text_append_format(bytes, "state=%s\nowner=%s\ndatabase=%s\nrole=%s\nsystem_id=%s\n",
                       word_of(&shadow_state_names, state), shadow->owner, shadow->database,
                       shadow->role, shadow->system_id);
    text_append_format(bytes, "timeline=%llu\n", (unsigned long long)shadow->timeline);
    if (mkdir(shadow->folder, 0700) != 0 && errno != EEXIST)
        error_set(err, ERROR_SYSTEM, "cannot make the folder %s: %s", shadow->folder,
                  strerror(errno));
    else
        err->code = file_write_atomically(shadow->marker, bytes->data, bytes->size, 0600, err);
    talloc_free(bytes);
    return err->code;
}

static void append_quoted(struct text *out, const char *key, const char *value)
{
    text_append_format(out, "%s='", key);
    for (; *value != '\0'; value++)
        text_append_format(out, *value == '\'' || *value == '\\' ? "\\%c" : "%c", *value);
    text_append(out, "' ");
}

char *shadow_url(const struct shadow *shadow, const void *parent)
{
    struct text *out = text_new(NULL, URL_BYTES_MAX);
    char *url;

    append_quoted(out, "host", shadow->socket);
    append_quoted(out, "dbname", shadow->database);
    append_quoted(out, "user", shadow->role);
    text_append_format(out, "port=%d", SHADOW_PORT);
    url = memory_text(parent, out->data);
    talloc_free(out);
    return url;
}

/* ---- its end ---- */

static enum error_code remove_below(const struct shadow *shadow, const char *name,
                                    struct error *err)
{
    char path[FILE_PATH_MAX];

    if (!text_format(path, sizeof(path), "%s/%s", shadow->folder, name))
        return error_set(err, ERROR_INVALID, "the path %s/%s is too long", shadow->folder, name);
    return file_remove_tree(path, err);
}

/* The marker goes last: until then the folder is known for what it is. */
static enum error_code remove_folder(const struct shadow *shadow, struct error *err)
{
    void *memory = memory_zeroed(NULL, 1, 1, "names");
    char **names = NULL;
    size_t count = 0;

    err->code = ERROR_OK;
    (void)file_list(memory, shadow->folder, &names, &count, err);
    for (size_t i = 0; i < count && err->code == ERROR_OK; i++)
        if (strcmp(names[i], MARKER) != 0)
            (void)remove_below(shadow, names[i], err);
    if (err->code == ERROR_OK)
        (void)remove_below(shadow, MARKER, err);
    if (err->code == ERROR_OK && rmdir(shadow->folder) != 0 && errno != ENOENT)
        error_set(err, ERROR_SYSTEM, "cannot remove %s: %s", shadow->folder, strerror(errno));
    talloc_free(memory);
    return err->code;
}

enum error_code shadow_discard(const struct shadow *shadow, struct error *err)
{
    err->code = ERROR_OK;
    if (shadow->state == SHADOW_NONE)
        return ERROR_OK;
    if (shadow_server_stop(shadow, err) != ERROR_OK)
        return err->code;
    return remove_folder(shadow, err);
}

/* ---- what was left ---- */

/* "hakem-shadow-12"; anything else is nobody's. */
static bool parse_name(const char *name, uint64_t *ret)
{
    return text_starts_with(name, PREFIX) &&
           text_to_number(name + strlen(PREFIX), FIELD_NUMBER_MAX, ret) && *ret != 0;
}

/* Calls visit for each of this agent's shadows until it fails. */
static enum error_code
visit_all(const struct agent_config *config,
          enum error_code (*visit)(void *context, const struct shadow *shadow, struct error *err),
          void *context, struct error *err)
{
    void *memory = memory_zeroed(NULL, 1, 1, "names");
    char **names = NULL;
    size_t count = 0;

    err->code = ERROR_OK;
    if (config->database.scratch == NULL || !file_is_folder(config->database.scratch) ||
        file_list(memory, config->database.scratch, &names, &count, err) != ERROR_OK)
        count = 0;
    for (size_t i = 0; i < count && err->code == ERROR_OK; i++) {
        struct shadow shadow = {.rollout = 0};
        uint64_t rollout = 0;
        struct error ignored;

        if (parse_name(names[i], &rollout) &&
            shadow_find(config, rollout, &shadow, &ignored) == ERROR_OK)
            (void)visit(context, &shadow, err);
    }
    talloc_free(memory);
    return err->code;
}

static enum error_code note_oldest(void *context, const struct shadow *shadow, struct error *err)
{
    uint64_t *oldest = context;

    (void)err;
    if (*oldest == 0 || shadow->rollout < *oldest)
        *oldest = shadow->rollout;
    return ERROR_OK;
}

uint64_t shadow_oldest(const struct agent_config *config)
{
    uint64_t oldest = 0;
    struct error ignored;

    (void)visit_all(config, note_oldest, &oldest, &ignored);
    return oldest;
}

static enum error_code discard_old(void *context, const struct shadow *shadow, struct error *err)
{
    const uint64_t *rollout = context;

    return shadow->rollout <= *rollout ? shadow_discard(shadow, err) : ERROR_OK;
}

enum error_code shadow_discard_until(const struct agent_config *config, uint64_t rollout,
                                     struct error *err)
{
    return visit_all(config, discard_old, &rollout, err);
}

/* ---- one at a time ---- */

enum error_code shadow_lock(const struct agent_config *config, bool (*is_cancelled)(void *context),
                            void *context, int *ret, struct error *err)
{
    uint64_t until = clock_monotonic_ms() + SHADOW_LOCK_MS;
    char scratch[FILE_PATH_MAX];
    char path[FILE_PATH_MAX];
    int fd;

    if (real_scratch(config, scratch, err) != ERROR_OK)
        return err->code;
    if (!text_format(path, sizeof(path), "%s/." PREFIX "lock", scratch))
        return error_set(err, ERROR_CONFIG, "database.scratch %s is too long", scratch);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set(err, ERROR_SYSTEM, "cannot open %s: %s", path, strerror(errno));
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        bool is_late = clock_monotonic_ms() >= until;

        if (is_late || (is_cancelled != NULL && is_cancelled(context))) {
            (void)close(fd);
            return is_late ? error_set(err, ERROR_LOCK,
                                       "another task has worked with the shadows in %s for more "
                                       "than %d ms",
                                       scratch, SHADOW_LOCK_MS)
                           : error_set(err, ERROR_CANCELLED, "cancelled");
        }
        clock_sleep_ms(LOCK_POLL_MS);
    }
    *ret = fd;
    return ERROR_OK;
}
