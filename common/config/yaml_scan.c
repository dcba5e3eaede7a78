/* yaml_scan.c: a look at the events before anything is built: limits, anchors, one document. */
#include "common/config/yaml_internal.h"

#include <string.h>

enum error_code yaml_fail_syntax(const char *file, const yaml_parser_t *parser, struct error *err)
{
    struct yaml_place place = {.file = file, .line = parser->problem_mark.line + 1};

    if (parser->error == YAML_READER_ERROR)
        return error_set(err, ERROR_CONFIG, "%s: not UTF-8 text: %s at byte %zu", file,
                         parser->problem, parser->problem_offset);
    return yaml_fail(&place, err, "not YAML: %s",
                     parser->problem != NULL ? parser->problem : "it cannot be parsed");
}

struct scan {
    const char *file;
    size_t nodes;
    size_t depth;
    size_t documents;
};

static const int depth_of_event[] = {
    [YAML_SEQUENCE_START_EVENT] = 1,
    [YAML_SEQUENCE_END_EVENT] = -1,
    [YAML_MAPPING_START_EVENT] = 1,
    [YAML_MAPPING_END_EVENT] = -1,
};

static bool has_anchor(const yaml_event_t *event)
{
    return event->type == YAML_ALIAS_EVENT ||
           (event->type == YAML_SCALAR_EVENT && event->data.scalar.anchor != NULL) ||
           (event->type == YAML_SEQUENCE_START_EVENT &&
            event->data.sequence_start.anchor != NULL) ||
           (event->type == YAML_MAPPING_START_EVENT && event->data.mapping_start.anchor != NULL);
}

static enum error_code scan_event(struct scan *scan, const yaml_event_t *event, struct error *err)
{
    struct yaml_place place = {.file = scan->file, .line = event->start_mark.line + 1};

    if ((size_t)event->type < ARRAY_LEN(depth_of_event))
        scan->depth = (size_t)((long)scan->depth + depth_of_event[event->type]);
    scan->nodes++;
    scan->documents += event->type == YAML_DOCUMENT_START_EVENT;
    if (has_anchor(event))
        return yaml_fail(&place, err, "anchors and aliases are not read here");
    if (scan->depth > YAML_DEPTH_MAX)
        return yaml_fail(&place, err, "nested deeper than %d", YAML_DEPTH_MAX);
    if (scan->nodes > YAML_NODES_MAX)
        return yaml_fail(&place, err, "more than %d values", YAML_NODES_MAX);
    if (scan->documents > 1)
        return yaml_fail(&place, err, "a second document begins here; one is read");
    return ERROR_OK;
}

static enum error_code scan_events(yaml_parser_t *parser, struct scan *scan, struct error *err)
{
    bool more = true;

    while (more) {
        yaml_event_t event;
        enum error_code code;

        if (!yaml_parser_parse(parser, &event))
            return yaml_fail_syntax(scan->file, parser, err);
        more = event.type != YAML_STREAM_END_EVENT;
        code = scan_event(scan, &event, err);
        yaml_event_delete(&event);
        if (code != ERROR_OK)
            return code;
    }
    if (scan->documents == 0)
        return error_set(err, ERROR_CONFIG, "%s: the file is empty", scan->file);
    return ERROR_OK;
}

enum error_code yaml_start_parser(yaml_parser_t *parser, const struct yaml_text *text,
                                  struct error *err)
{
    if (!yaml_parser_initialize(parser))
        return error_set(err, ERROR_MEMORY, "no memory to read %s", text->name);
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(parser, (const unsigned char *)text->bytes, text->size);
    return ERROR_OK;
}

enum error_code yaml_check_limits(const struct yaml_text *text, struct error *err)
{
    struct scan scan = {.file = text->name};
    yaml_parser_t parser;
    enum error_code code;

    if (text->size > YAML_BYTES_MAX)
        return error_set(err, ERROR_CONFIG, "%s: %zu bytes; at most %d are read", text->name,
                         text->size, YAML_BYTES_MAX);
    if (memchr(text->bytes, 0, text->size) != NULL)
        return error_set(err, ERROR_CONFIG, "%s: not text: it has a zero byte", text->name);
    if (yaml_start_parser(&parser, text, err) != ERROR_OK)
        return err->code;
    code = scan_events(&parser, &scan, err);
    yaml_parser_delete(&parser);
    return code;
}
