// One connection of the benchmark, with the keys that only it uses, and what it measured.

#ifndef WORKER_H
#define WORKER_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "LoopbackSupport.h"
#include "dialect.h"

enum operation { OPERATION_PUT, OPERATION_GET, OPERATION_EXISTS, OPERATION_EXISTS_PIPELINED };

/// What all workers do.
struct plan {
    const struct dialect *dialect;
    const char *host;
    const char *password;
    uint16_t port;
    enum operation operation;
    unsigned connection_count;
    unsigned key_count;
    unsigned depth;
    size_t operation_count;
    size_t value_byte_count;
};

struct worker {
    const struct plan *plan;
    pthread_barrier_t *barrier;
    pthread_t thread;
    int descriptor;

    unsigned first_number;     // of its keys, which are consecutive
    unsigned key_count;
    size_t operation_count;
    size_t batch_size;         // operations that go out in one send
    char *commands;            // one behind another, `depth` more than keys: a batch may wrap around
    size_t command_byte_count;
    const struct ring *values; // what puts send, stamped
    char *received;            // a reply; its value begins at a page's start
    struct text *reply_heads;  // of a get, for each key

    uint64_t *latencies;       // nanoseconds, one for each batch
    size_t latency_count;
    uint64_t start_nanoseconds;
    uint64_t end_nanoseconds;
    size_t miss_count;
    size_t wrong_count;
};

/// The ring that puts send from, with the stamp of each key's number in its value.
struct ring stamped_values(const struct plan *plan);

/// Connects worker `index` and prepares everything that it will send and compare with.
void prepare_worker(struct worker *worker, const struct plan *plan, unsigned index,
                    const struct ring *values);

/// Waits at the barrier and then does the worker's operations; a `pthread_create` start routine.
void *run_worker(void *argument);

#endif
