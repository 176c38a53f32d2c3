#include "dialect.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 1, 2))) static struct text text(const char *format, ...) {
    struct text text;
    va_list arguments;
    va_start(arguments, format);
    int count = vsnprintf(text.bytes, sizeof text.bytes, format, arguments);
    va_end(arguments);
    if (count < 0 || (size_t)count >= sizeof text.bytes) {
        fprintf(stderr, "ValueBench: a command would have more than %d bytes\n", TEXT_BYTE_COUNT_MAX - 1);
        exit(1);
    }
    text.byte_count = (size_t)count;
    return text;
}

static struct text redis_put(const char *key, size_t value_byte_count) {
    return text("*3\r\n$3\r\nSET\r\n$%zu\r\n%s\r\n$%zu\r\n", strlen(key), key, value_byte_count);
}

static struct text redis_get(const char *key) {
    return text("*2\r\n$3\r\nGET\r\n$%zu\r\n%s\r\n", strlen(key), key);
}

static struct text redis_get_reply(const char *key, size_t value_byte_count) {
    (void)key;
    return text("$%zu\r\n", value_byte_count);
}

static struct text redis_exist(const char *key) {
    return text("*2\r\n$6\r\nEXISTS\r\n$%zu\r\n%s\r\n", strlen(key), key);
}

static struct text memcached_put(const char *key, size_t value_byte_count) {
    return text("set %s 0 0 %zu\r\n", key, value_byte_count);
}

static struct text memcached_get(const char *key) { return text("get %s\r\n", key); }

static struct text memcached_get_reply(const char *key, size_t value_byte_count) {
    return text("VALUE %s 0 %zu\r\n", key, value_byte_count);
}

// A meta get that asks for nothing: only whether the key is there.
static struct text memcached_exist(const char *key) { return text("mg %s\r\n", key); }

static const struct dialect dialects[] = {
    {"redis", "+OK\r\n", "\r\n", "$-1\r\n", ":1\r\n", ":0\r\n", redis_put, redis_get, redis_get_reply,
     redis_exist},
    {"memcached", "STORED\r\n", "\r\nEND\r\n", "END\r\n", "HD\r\n", "EN\r\n", memcached_put, memcached_get,
     memcached_get_reply, memcached_exist},
};

const struct dialect *dialect_named(const char *name) {
    for (size_t index = 0; index < sizeof dialects / sizeof *dialects; index++) {
        if (strcmp(dialects[index].name, name) == 0) {
            return &dialects[index];
        }
    }
    return NULL;
}

struct text auth_command(const char *password) {
    return text("*2\r\n$4\r\nAUTH\r\n$%zu\r\n%s\r\n", strlen(password), password);
}
