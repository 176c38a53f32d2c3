/*
 * What a message of the local protocol costs beside a bare round trip on a Unix socket: the same bytes, sent
 * to a process that does nothing but receive them and send as many as the node answers.
 *
 * Usage: latency SOCKET ROUNDS. Every round takes the samples of all subjects in turn. Prints one JSON object
 * with the median, in microseconds, of each subject in each round.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "reprise.h"

enum { SAMPLES = 1000, LOOKUP_SAMPLES = 200, KEYS = 512, KEY_BYTES = 60, VALUE_BYTES = 65536 };
/* An acquire of one key: header, length, key. Its answer: header and one lease. */
enum { REQUEST_BYTES = 32 + 2 + KEY_BYTES, ANSWER_BYTES = 32 + 56 };

static double microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

static void check(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "latency: %s: %s\n", what, reprise_last_error());
    exit(1);
}

static void transfer(int descriptor, char *bytes, size_t count, int is_send) {
    for (size_t done = 0; done < count;) {
        ssize_t moved = is_send ? send(descriptor, bytes + done, count - done, MSG_NOSIGNAL)
                                : recv(descriptor, bytes + done, count - done, 0);
        if (moved == 0) exit(0);
        if (moved < 0 && errno != EINTR) exit(1);
        if (moved > 0) done += (size_t)moved;
    }
}

/* Starts the process that answers; returns this end of its socket. */
static int start_echo(pid_t *child) {
    int ends[2];
    check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
    *child = fork();
    if (*child == 0) {
        char bytes[REQUEST_BYTES + ANSWER_BYTES] = {0};
        close(ends[0]);
        for (;;) {
            transfer(ends[1], bytes, REQUEST_BYTES, 0);
            transfer(ends[1], bytes, ANSWER_BYTES, 1);
        }
    }
    close(ends[1]);
    return ends[0];
}

static int compare(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *samples, size_t count) {
    qsort(samples, count, sizeof *samples, compare);
    return samples[count / 2];
}

static double bare(int echo) {
    static double samples[SAMPLES];
    char bytes[REQUEST_BYTES + ANSWER_BYTES] = {0};
    for (int index = 0; index < SAMPLES; index++) {
        double start = microseconds();
        transfer(echo, bytes, REQUEST_BYTES, 1);
        transfer(echo, bytes, ANSWER_BYTES, 0);
        samples[index] = microseconds() - start;
    }
    return median(samples, SAMPLES);
}

static double acquire_and_release(reprise_client *client, const reprise_bytes *keys) {
    static double samples[SAMPLES];
    for (int index = 0; index < SAMPLES; index++) {
        reprise_view view;
        int64_t result;
        double start = microseconds();
        reprise_status status = reprise_acquire(client, &keys[index % KEYS], 1, &view, &result);
        check(status == REPRISE_OK && result == VALUE_BYTES, "acquire");
        check(reprise_release(client, &view.lease, 1) == REPRISE_OK, "release");
        samples[index] = microseconds() - start;
    }
    return median(samples, SAMPLES);
}

static double lookup(reprise_client *client, const reprise_bytes *keys) {
    static double samples[LOOKUP_SAMPLES];
    for (int index = 0; index < LOOKUP_SAMPLES; index++) {
        size_t prefix;
        double start = microseconds();
        check(reprise_lookup(client, keys, KEYS, &prefix, NULL) == REPRISE_OK, "lookup");
        samples[index] = microseconds() - start;
        check(prefix == KEYS, "the prefix is shorter than what was stored");
    }
    return median(samples, LOOKUP_SAMPLES);
}

static void store(reprise_client *client, reprise_bytes *keys) {
    static char text[KEYS][KEY_BYTES + 1], bytes[VALUE_BYTES];
    for (int index = 0; index < KEYS; index++) {
        snprintf(text[index], sizeof text[index], "latency-%0*d", KEY_BYTES - 8, index);
        keys[index] = (reprise_bytes){text[index], KEY_BYTES};
        reprise_piece piece = {bytes, VALUE_BYTES};
        reprise_value value = {&piece, 1};
        int64_t result;
        check(reprise_set(client, &keys[index], &value, 1, &result) == REPRISE_OK && result == 0, "set");
    }
}

static void print(const char *name, const double *medians, int rounds, const char *end) {
    printf("\"%s\": [", name);
    for (int index = 0; index < rounds; index++) printf("%s%.2f", index ? ", " : "", medians[index]);
    printf("]%s", end);
}

int main(int count, char **arguments) {
    int rounds = count == 3 ? atoi(arguments[2]) : 0;
    if (rounds < 1 || rounds > 1000) {
        fprintf(stderr, "usage: latency SOCKET ROUNDS\n");
        return 64;
    }
    pid_t child;
    int echo = start_echo(&child);
    reprise_options options = {.struct_size = sizeof options, .socket_path = arguments[1]};
    reprise_client *client;
    check(reprise_connect(&options, &client) == REPRISE_OK, "connect");
    static reprise_bytes keys[KEYS];
    store(client, keys);
    static double echoes[1000], leases[1000], lookups[1000];
    for (int round = 0; round < rounds; round++) {
        echoes[round] = bare(echo);
        leases[round] = acquire_and_release(client, keys);
        lookups[round] = lookup(client, keys);
    }
    printf("{");
    print("bare_us", echoes, rounds, ", ");
    print("acquire_release_us", leases, rounds, ", ");
    print("lookup_512_us", lookups, rounds, "}\n");
    reprise_close(client);
    close(echo);
    waitpid(child, NULL, 0);
    return 0;
}
