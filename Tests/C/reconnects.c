/* A node goes and comes back. Usage: reconnects SOCKET; says what it waits for on standard output, and is
   told on standard input. */
#define _DEFAULT_SOURCE
#include <time.h>
#include <unistd.h>

#include "check.h"

enum { LENGTH = 1 << 20 };
static char stored[LENGTH], loaded[LENGTH];

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void say_and_wait(const char *text) {
    char line[100];
    puts(text);
    fflush(stdout);
    CHECK(fgets(line, sizeof line, stdin) != NULL);
}

static reprise_status exists(reprise_client *client) {
    reprise_bytes key = bytes_of("reconnects/1");
    int64_t result;
    return reprise_exists(client, &key, 1, &result);
}

static void is_away(reprise_client *client) {
    double start = seconds();
    reprise_status status;
    int calls = 0;
    while ((status = exists(client)) == REPRISE_OK) CHECK(seconds() - start < 5);
    while (seconds() - start < 1) {
        double before = seconds();
        CHECK_STATUS(REPRISE_ERROR_NOT_CONNECTED, exists(client));
        CHECK(seconds() - before < 0.5);
        calls++;
        usleep(1000);
    }
    CHECK(calls > 100);
    reprise_statistics statistics = {.struct_size = sizeof statistics};
    CHECK_STATUS(REPRISE_OK, reprise_get_statistics(client, &statistics));
    CHECK(statistics.connected == 0 && statistics.capacity_bytes == 0);
}

static void is_back(reprise_client *client, uint64_t reconnects) {
    double start = seconds();
    while (exists(client) != REPRISE_OK) {
        CHECK(seconds() - start < 10);
        usleep(1000);
    }
    set_one(client, "reconnects/1", stored, LENGTH);
    CHECK(get_one(client, "reconnects/1", loaded, LENGTH) == LENGTH && memcmp(stored, loaded, LENGTH) == 0);
    reprise_statistics statistics = {.struct_size = sizeof statistics};
    while (1) {
        CHECK_STATUS(REPRISE_OK, reprise_get_statistics(client, &statistics));
        if (statistics.connected == 1 && statistics.reconnects == reconnects) break;
        CHECK(seconds() - start < 10);
        usleep(1000);
    }
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    for (size_t i = 0; i < LENGTH; i++) stored[i] = (char)(i * 17 + i / 4096);
    reprise_options options = {.struct_size = sizeof options, .socket_path = argv[1], .connect_later = 1};
    reprise_client *client;
    CHECK_STATUS(REPRISE_OK, reprise_connect(&options, &client));
    is_away(client);
    say_and_wait("start");
    is_back(client, 0);

    for (uint64_t round = 1; round <= 2; round++) {
        reprise_bytes key = bytes_of("reconnects/1");
        reprise_view view;
        int64_t result;
        size_t prefix;
        uint64_t lookup;
        CHECK_STATUS(REPRISE_OK, reprise_acquire(client, &key, 1, &view, &result));
        CHECK_STATUS(REPRISE_OK, reprise_lookup(client, &key, 1, &prefix, &lookup));
        say_and_wait("kill");
        is_away(client);
        /* Views outlive the node, and are given back without it. */
        CHECK(memcmp(view.data, stored, LENGTH) == 0);
        if (round == 1) CHECK_STATUS(REPRISE_OK, reprise_release(client, &view.lease, 1));
        say_and_wait("start");
        is_back(client, round);
        reprise_piece piece = {loaded, LENGTH};
        reprise_value value = value_of(&piece);
        /* The lookup is of another life of the node: what is stored is found all the same. */
        CHECK_STATUS(REPRISE_OK, reprise_get_lookup(client, lookup, &key, &value, 1, &result));
        CHECK(result == LENGTH);
        if (round == 2) {
            CHECK(memcmp(view.data, stored, LENGTH) == 0);
            CHECK_STATUS(REPRISE_OK, reprise_release(client, &view.lease, 1));
        }
    }
    reprise_close(client);
    puts("reconnects: ok");
    return 0;
}
