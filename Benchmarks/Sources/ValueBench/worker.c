#include "worker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

// A value bears its key's number here and there and at its end: a check of every byte would measure memory.
enum { STAMP_INTERVAL = 512 << 10, RECEIVE_HEADROOM = 4096, TIMEOUT_SECONDS = 30 };

static uint64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/// Ends the process: the server said what it should not have, of which `reply` is the beginning. What else is
/// there already is shown too: often only a few bytes were asked for.
_Noreturn static void surprise(const struct worker *worker, const char *expected, const char *reply,
                               size_t count) {
    char more[TEXT_BYTE_COUNT_MAX];
    ssize_t more_count = recv(worker->descriptor, more, sizeof more, MSG_DONTWAIT);
    int shown = count > TEXT_BYTE_COUNT_MAX ? TEXT_BYTE_COUNT_MAX : (int)count;
    fprintf(stderr, "ValueBench: %s:%u: expected %s, received: %.*s%.*s\n", worker->plan->host,
            worker->plan->port, expected, shown, reply, more_count > 0 ? (int)more_count : 0, more);
    exit(1);
}

/// Receives once, or ends the process.
static size_t receive(const struct worker *worker, char *buffer, size_t byte_count) {
    ssize_t count = receive_some(worker->descriptor, buffer, byte_count);
    if (count < 0) {
        fail(errno == EAGAIN ? "ValueBench: no reply in time" : "ValueBench: recv");
    }
    if (count == 0) {
        fprintf(stderr, "ValueBench: %s:%u closed the connection\n", worker->plan->host, worker->plan->port);
        exit(1);
    }
    return (size_t)count;
}

static void send_command(const struct worker *worker, const char *head, size_t head_bytes, const char *body,
                         size_t body_bytes) {
    if (send_all(worker->descriptor, head, head_bytes, body, body_bytes) != 0) {
        fail("ValueBench: send");
    }
}

/// Receives a short reply that must be `expected`.
static void expect(const struct worker *worker, const char *expected) {
    char reply[TEXT_BYTE_COUNT_MAX];
    size_t byte_count = strlen(expected), received = 0;
    while (received < byte_count) {
        received += receive(worker, reply + received, byte_count - received);
        if (memcmp(reply, expected, received) != 0) {
            surprise(worker, "the reply that all is well", reply, received);
        }
    }
}

static void stamp(char *value, size_t byte_count, unsigned number) {
    for (size_t offset = 0; offset + sizeof number <= byte_count; offset += STAMP_INTERVAL) {
        memcpy(value + offset, &number, sizeof number);
    }
    if (byte_count >= sizeof number) {
        memcpy(value + byte_count - sizeof number, &number, sizeof number);
    }
}

static int has_stamp(const char *value, size_t byte_count, unsigned number) {
    for (size_t offset = 0; offset + sizeof number <= byte_count; offset += STAMP_INTERVAL) {
        if (memcmp(value + offset, &number, sizeof number) != 0) {
            return 0;
        }
    }
    return byte_count < sizeof number
           || memcmp(value + byte_count - sizeof number, &number, sizeof number) == 0;
}

struct ring stamped_values(const struct plan *plan) {
    struct ring values = make_ring(plan->key_count, plan->value_byte_count);
    for (unsigned number = 0; number < plan->key_count; number++) {
        stamp(ring_value(&values, number), plan->value_byte_count, number);
    }
    return values;
}

static const char *command(const struct worker *worker, unsigned key_index) {
    return worker->commands + key_index * worker->command_byte_count;
}

static void put(struct worker *worker, unsigned key_index, size_t count) {
    (void)count;
    const char *value = ring_value(worker->values, worker->first_number + key_index);
    // A CR LF lies behind each value of a ring.
    send_command(worker, command(worker, key_index), worker->command_byte_count, value,
                 worker->plan->value_byte_count + 2);
    expect(worker, worker->plan->dialect->stored);
}

/// Receives the reply to a get into `reply`. Returns whether there was a value; a surprise ends the process.
static int receive_value(const struct worker *worker, const struct text *head, char *reply) {
    const struct dialect *dialect = worker->plan->dialect;
    size_t tail_bytes = strlen(dialect->value_tail), miss_bytes = strlen(dialect->not_found);
    size_t tail_start = head->byte_count + worker->plan->value_byte_count;
    size_t received = 0;
    int is_head_seen = 0;
    while (received < tail_start + tail_bytes) {
        received += receive(worker, reply + received, tail_start + tail_bytes - received);
        if (is_head_seen) {
            continue;
        }
        size_t head_bytes = received < head->byte_count ? received : head->byte_count;
        if (memcmp(reply, head->bytes, head_bytes) == 0) {
            is_head_seen = received >= head->byte_count;
        } else if (received == miss_bytes && memcmp(reply, dialect->not_found, miss_bytes) == 0) {
            return 0;
        } else if (received >= miss_bytes || memcmp(reply, dialect->not_found, received) != 0) {
            surprise(worker, "a value of the size stored", reply, received);
        }
    }
    if (memcmp(reply + tail_start, dialect->value_tail, tail_bytes) != 0) {
        surprise(worker, "the end of a value", reply + tail_start, tail_bytes);
    }
    return 1;
}

static void get(struct worker *worker, unsigned key_index, size_t count) {
    (void)count;
    const struct text *head = &worker->reply_heads[key_index];
    send_command(worker, command(worker, key_index), worker->command_byte_count, NULL, 0);
    if (!receive_value(worker, head, worker->received + RECEIVE_HEADROOM - head->byte_count)) {
        worker->miss_count++;
        return;
    }
    unsigned number = worker->first_number + key_index;
    worker->wrong_count +=
        !has_stamp(worker->received + RECEIVE_HEADROOM, worker->plan->value_byte_count, number);
}

/// Asks for `count` keys in one send and reads as many replies.
static void exist(struct worker *worker, unsigned key_index, size_t count) {
    const struct dialect *dialect = worker->plan->dialect;
    send_command(worker, command(worker, key_index), count * worker->command_byte_count, NULL, 0);
    size_t byte_count = count * EXISTS_REPLY_BYTE_COUNT, received = 0, checked = 0;
    while (received < byte_count) {
        received += receive(worker, worker->received + received, byte_count - received);
        for (; checked + EXISTS_REPLY_BYTE_COUNT <= received; checked += EXISTS_REPLY_BYTE_COUNT) {
            const char *reply = worker->received + checked;
            if (memcmp(reply, dialect->exists, EXISTS_REPLY_BYTE_COUNT) == 0) {
                continue;
            }
            if (memcmp(reply, dialect->absent, EXISTS_REPLY_BYTE_COUNT) != 0) {
                surprise(worker, "whether a key is there", reply, received - checked);
            }
            worker->miss_count++;
        }
    }
}

void *run_worker(void *argument) {
    struct worker *worker = argument;
    static void (*const actions[])(struct worker *, unsigned, size_t) = {put, get, exist, exist};
    void (*act)(struct worker *, unsigned, size_t) = actions[worker->plan->operation];
    pthread_barrier_wait(worker->barrier);
    uint64_t before = worker->start_nanoseconds = nanoseconds();
    for (size_t done = 0; done < worker->operation_count;) {
        size_t left = worker->operation_count - done;
        size_t count = left < worker->batch_size ? left : worker->batch_size;
        act(worker, (unsigned)(done % worker->key_count), count);
        uint64_t after = nanoseconds();
        worker->latencies[worker->latency_count++] = after - before;
        before = after;
        done += count;
    }
    worker->end_nanoseconds = before;
    return NULL;
}

static int connect_to(const struct plan *plan) {
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(plan->port)};
    struct timeval timeout = {.tv_sec = TIMEOUT_SECONDS};
    if (inet_pton(AF_INET, plan->host, &address.sin_addr) != 1) {
        fprintf(stderr, "ValueBench: --host must be an IPv4 address\n");
        exit(2);
    }
    if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0) {
        fail("ValueBench: connect");
    }
    disable_delay(descriptor);
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    return descriptor;
}

static struct text command_for(const struct plan *plan, const char *key) {
    switch (plan->operation) {
    case OPERATION_PUT:
        return plan->dialect->put(key, plan->value_byte_count);
    case OPERATION_GET:
        return plan->dialect->get(key);
    default:
        return plan->dialect->exist(key);
    }
}

static void *allocate(size_t count, size_t byte_count) {
    void *memory = calloc(count, byte_count);
    if (memory == NULL) {
        fail("ValueBench: calloc");
    }
    return memory;
}

/// Writes the commands down once: while the clock runs, nothing is formatted.
static void prepare_commands(struct worker *worker) {
    char key[KEY_BYTE_COUNT + 1];
    const struct plan *plan = worker->plan;
    size_t count = worker->key_count + plan->depth;
    worker->commands = allocate(count, TEXT_BYTE_COUNT_MAX);
    worker->reply_heads = allocate(worker->key_count, sizeof *worker->reply_heads);
    for (unsigned index = 0; index < count; index++) {
        make_key(worker->first_number + index % worker->key_count, key);
        struct text text = command_for(plan, key);
        // Keys have one length, and so have commands.
        worker->command_byte_count = text.byte_count;
        memcpy(worker->commands + index * text.byte_count, text.bytes, text.byte_count);
        if (index < worker->key_count) {
            worker->reply_heads[index] = plan->dialect->get_reply(key, plan->value_byte_count);
        }
    }
}

void prepare_worker(struct worker *worker, const struct plan *plan, unsigned index,
                    const struct ring *values) {
    size_t count = plan->connection_count, amount = plan->operation_count;
    worker->plan = plan;
    worker->values = values;
    worker->first_number = (unsigned)(plan->key_count * index / count);
    worker->key_count = (unsigned)(plan->key_count * (index + 1) / count) - worker->first_number;
    worker->operation_count = amount * (index + 1) / count - amount * index / count;
    worker->batch_size = plan->operation == OPERATION_EXISTS_PIPELINED ? plan->depth : 1;
    worker->latencies = allocate(worker->operation_count / worker->batch_size + 1, sizeof *worker->latencies);
    // A value with what goes before and behind it, or the replies of a pipeline.
    size_t value_bytes = plan->operation == OPERATION_GET ? plan->value_byte_count : 0;
    worker->received = touched_buffer(RECEIVE_HEADROOM + value_bytes + TEXT_BYTE_COUNT_MAX);
    prepare_commands(worker);
    worker->descriptor = connect_to(plan);
    if (plan->password != NULL) {
        struct text auth = auth_command(plan->password);
        send_command(worker, auth.bytes, auth.byte_count, NULL, 0);
        expect(worker, "+OK\r\n");
    }
}
