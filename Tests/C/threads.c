/* Threads share one client, and every value is whole. Usage: threads SOCKET|embedded */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>

#include "check.h"

enum { THREADS = 8, ROUNDS = 150, KEYS = 5, LENGTH = 200000 };
static reprise_client *client;

/* A value says in each of its bytes which key and round it is of: bytes of two are seen. */
static void *worker(void *argument) {
    unsigned seed = (unsigned)(size_t)argument * 2654435761u + 1;
    unsigned char *memory = malloc(LENGTH);
    for (int round = 0; round < ROUNDS; round++) {
        seed = seed * 1664525u + 1013904223u;
        unsigned key_number = (seed >> 16) % KEYS, action = (seed >> 24) % 4;
        char name[32];
        snprintf(name, sizeof name, "threads/%u", key_number);
        reprise_bytes key = bytes_of(name);
        int64_t result;
        if (action == 0) {
            memset(memory, (int)(seed >> 8) & 255, LENGTH);
            memory[0] = (unsigned char)key_number;
            set_one(client, name, memory, LENGTH);
        } else if (action == 1) {
            result = get_one(client, name, memory, LENGTH);
            if (result == REPRISE_MISSING) continue;
            CHECK(result == LENGTH && memory[0] == key_number);
            CHECK(memcmp(memory + 1, memory + 2, LENGTH - 2) == 0);
        } else if (action == 2) {
            reprise_view view;
            CHECK_STATUS(REPRISE_OK, reprise_acquire(client, &key, 1, &view, &result));
            if (result == REPRISE_MISSING) continue;
            CHECK(result == LENGTH);
            const unsigned char *data = view.data;
            CHECK(data[0] == key_number && memcmp(data + 1, data + 2, LENGTH - 2) == 0);
            CHECK_STATUS(REPRISE_OK, reprise_release(client, &view.lease, 1));
        } else if (round % 10 == 0) {
            CHECK_STATUS(REPRISE_OK, reprise_delete(client, &key, 1, &result));
        }
    }
    free(memory);
    return NULL;
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    client = client_of(argv[1]);
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, worker, (void *)i) == 0);
    for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    reprise_statistics statistics = {.struct_size = sizeof statistics};
    CHECK_STATUS(REPRISE_OK, reprise_get_statistics(client, &statistics));
    CHECK(statistics.leases == 0 && statistics.bytes_stored > 0 && statistics.bytes_loaded > 0);
    reprise_close(client);
    puts("threads: ok");
    return 0;
}
