#include "common/base/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    const char *text;
    int exit_status;
    bool retryable;
} table[] = {
#define X(name, exit, retry, text) [ERROR_##name] = {#name, text, exit, retry},
    ERROR_CODES(X)
#undef X
};

const char *error_code_name(enum error_code code)
{
    assert(code < ERROR_CODE_COUNT);
    return table[code].name;
}

const char *error_code_text(enum error_code code)
{
    assert(code < ERROR_CODE_COUNT);
    return table[code].text;
}

int error_code_exit_status(enum error_code code)
{
    assert(code < ERROR_CODE_COUNT);
    return table[code].exit_status;
}

bool error_code_is_retryable(enum error_code code)
{
    assert(code < ERROR_CODE_COUNT);
    return table[code].retryable;
}

bool error_code_from_name(const char *name, enum error_code *ret)
{
    for (size_t i = 0; i < ERROR_CODE_COUNT; i++) {
        if (strcmp(table[i].name, name) == 0) {
            *ret = (enum error_code)i;
            return true;
        }
    }
    return false;
}

enum error_code error_set(struct error *err, enum error_code code, const char *format, ...)
{
    char detail[ERROR_DETAIL_MAX];
    va_list args;

    assert(code != ERROR_OK);
    assert(code < ERROR_CODE_COUNT);

    va_start(args, format);
    (void)vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    err->code = code;
    memcpy(err->detail, detail, sizeof(detail));
    return code;
}
