/* What the test programs share: checks that say where they failed, and values in memory. */
#ifndef REPRISE_TEST_CHECK_H
#define REPRISE_TEST_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reprise.h"

#define CHECK(condition)                                                                                   \
    do {                                                                                                   \
        if (!(condition)) {                                                                                \
            fprintf(stderr, "%s:%d: %s: last error: %s\n", __FILE__, __LINE__, #condition,                 \
                    reprise_last_error());                                                                 \
            exit(1);                                                                                       \
        }                                                                                                  \
    } while (0)

#define CHECK_STATUS(expected, call)                                                                       \
    do {                                                                                                   \
        reprise_status check_status_ = (call);                                                             \
        if (check_status_ != (expected)) {                                                                 \
            fprintf(stderr, "%s:%d: %s is %d (%s), not %d: last error: %s\n", __FILE__, __LINE__, #call,   \
                    (int)check_status_, reprise_status_text(check_status_), (int)(expected),               \
                    reprise_last_error());                                                                 \
            exit(1);                                                                                       \
        }                                                                                                  \
    } while (0)

static inline reprise_bytes bytes_of(const char *text) {
    reprise_bytes bytes = {text, strlen(text)};
    return bytes;
}

static inline reprise_value value_of(const reprise_piece *piece) {
    reprise_value value = {piece, 1};
    return value;
}

/* A client of the node at the path, or an embedded one for the word "embedded". */
static inline reprise_client *client_of(const char *path) {
    reprise_client *client = NULL;
    if (strcmp(path, "embedded") == 0) {
        reprise_embedded_options options = {.struct_size = sizeof(options), .memory_bytes = 64u << 20};
        CHECK_STATUS(REPRISE_OK, reprise_open(&options, &client));
    } else {
        reprise_options options = {.struct_size = sizeof(options), .socket_path = path};
        CHECK_STATUS(REPRISE_OK, reprise_connect(&options, &client));
    }
    CHECK(client != NULL);
    return client;
}

static inline void set_one(reprise_client *client, const char *key, const void *data, size_t length) {
    reprise_bytes name = bytes_of(key);
    reprise_piece piece = {(void *)data, length};
    reprise_value value = value_of(&piece);
    int64_t result = 1;
    CHECK_STATUS(REPRISE_OK, reprise_set(client, &name, &value, 1, &result));
    CHECK(result == 0);
}

static inline int64_t get_one(reprise_client *client, const char *key, void *data, size_t length) {
    reprise_bytes name = bytes_of(key);
    reprise_piece piece = {data, length};
    reprise_value value = value_of(&piece);
    int64_t result = 1;
    CHECK_STATUS(REPRISE_OK, reprise_get(client, &name, &value, 1, &result));
    return result;
}

#endif
