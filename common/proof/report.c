#include "common/proof/report_internal.h"

#include "common/base/file.h"
#include "common/base/memory.h"

#include <string.h>

static const struct {
    const char *name, *ending;
    void (*write)(const struct report_source *source, struct text *out);
} formats[REPORT_FORMAT_COUNT] = {
    [REPORT_TEXT] = {"text", ".txt", report_write_text},
    [REPORT_JSON] = {"json", ".json", report_write_json},
    [REPORT_JUNIT] = {"junit", ".xml", report_write_junit},
    [REPORT_HTML] = {"html", ".html", report_write_html},
};

const char *report_format_name(enum report_format format)
{
    return formats[format].name;
}

bool report_format_from_name(const char *name, enum report_format *ret)
{
    for (int i = 0; i < REPORT_FORMAT_COUNT; i++) {
        if (strcmp(formats[i].name, name) == 0) {
            *ret = (enum report_format)i;
            return true;
        }
    }
    return false;
}

bool report_format_of_file(const char *path, enum report_format *ret)
{
    for (int i = 0; i < REPORT_FORMAT_COUNT; i++) {
        if (text_ends_with(path, formats[i].ending)) {
            *ret = (enum report_format)i;
            return true;
        }
    }
    return false;
}

void report_write(const struct report_source *source, enum report_format format, struct text *out)
{
    formats[format].write(source, out);
}

enum error_code report_save(const struct report_source *source, enum report_format format,
                            const char *path, struct error *err)
{
    struct text *out = text_new(NULL, REPORT_BYTES_MAX);
    enum error_code code;

    report_write(source, format, out);
    if (out->is_cut)
        code = error_set(err, ERROR_LIMIT, "the report would be larger than %d bytes",
                         REPORT_BYTES_MAX);
    else
        code = file_write_atomically(path, out->data, out->size, 0644, err);
    talloc_free(out);
    return code;
}
