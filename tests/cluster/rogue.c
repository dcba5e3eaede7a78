/* rogue.c: hakem-rogue ENDPOINT SERVER_KEY KEY_FILE WHAT
 *
 * Somebody with a key who does not behave: says WHAT three times, with curve and all, and stays
 * connected until its standard input ends.  Exit 1 if nobody took the connection within ten
 * seconds.
 */
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/wire/line.h"
#include "proto/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#define TIMES      3
#define CONNECT_MS 10000
#define POLL_MS    20

static void say_nonsense(struct text *ret)
{
    text_append_bytes(ret, "\x95\xc1\xc1\xc1\xc1\xc1", 6); /* 0xc1 is never used in msgpack */
}

static void say_too_much(struct text *ret)
{
    static const char zeroes[1024];

    for (size_t size = 0; size <= MESSAGE_BYTES_MAX; size += sizeof(zeroes))
        text_append_bytes(ret, zeroes, sizeof(zeroes));
}

/* More than libzmq takes on the other side. */
static void say_far_too_much(struct text *ret)
{
    for (int i = 0; i < 2; i++)
        say_too_much(ret);
}

static void say_hello(struct text *ret)
{
    struct hello hello = {.program = "rogue", .ledger = "none"};

    message_encode(MESSAGE_HELLO, 1, 0, &hello, ret);
}

/* Only an operator may wish. */
static void say_wish(struct text *ret)
{
    struct request request = {.verb = "abandon"};

    message_encode(MESSAGE_REQUEST, 1, 0, &request, ret);
}

static const struct {
    const char *what;
    void (*say)(struct text *ret);
} words[] = {
    {"malformed", say_nonsense}, {"oversize", say_too_much}, {"huge", say_far_too_much},
    {"hello", say_hello},        {"wish", say_wish},
};

static bool say(struct line *line, const char *what)
{
    struct text *bytes = text_new(NULL, 3 * (size_t)MESSAGE_BYTES_MAX);
    uint64_t until = clock_monotonic_ms() + CONNECT_MS;
    int said = 0;

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(words[i].what, what) == 0)
            words[i].say(bytes);
    while (bytes->size > 0 && said < TIMES && clock_monotonic_ms() < until)
        if (line_send(line, bytes->data, bytes->size))
            said++;
        else
            clock_sleep_ms(POLL_MS);
    talloc_free(bytes);
    return said == TIMES;
}

int main(int argc, char *argv[])
{
    void *context = zmq_ctx_new();
    struct line *line = NULL;
    struct key_pair key;
    struct error err;
    bool is_said;
    char byte;

    if (argc != 5) {
        (void)fputs("usage: hakem-rogue ENDPOINT SERVER_KEY KEY_FILE WHAT\n", stderr);
        return 2;
    }
    if (key_read(argv[3], &key, &err) != ERROR_OK ||
        line_open(context, argv[1], argv[2], &key, &line, &err) != ERROR_OK) {
        (void)fprintf(stderr, "hakem-rogue: %s\n", err.detail);
        return EXIT_FAILURE;
    }
    is_said = say(line, argv[4]);
    while (is_said && read(STDIN_FILENO, &byte, 1) > 0)
        ;
    line_close(line);
    (void)zmq_ctx_term(context);
    return is_said ? EXIT_SUCCESS : EXIT_FAILURE;
}
