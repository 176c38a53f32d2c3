// ValueBench: stores, fetches and asks for large values over RESP2 or memcached's text protocol.
//
// One blocking socket and one thread for each connection, every command written down before the clock
// starts, values sent from a ring of as many touched buffers as there are keys: the same few instructions
// around send and recv for every server, so that what differs is the servers. No key is shared by two
// connections. Any reply that is not the expected one, byte for byte, ends the program with status 1;
// misses and values without their key's stamp are counted.
//
// Usage: ValueBench --port PORT --op put|get|exists|exists-pipelined [options]; prints one JSON object.

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "worker.h"

enum { CONNECTION_COUNT_MAX = 256, DEPTH_MAX = 1024 };
enum { VALUE_BYTE_COUNT_MAX = 1 << 30, OPERATION_COUNT_MAX = 1 << 30 };

static const char *const operation_names[] = {"put", "get", "exists", "exists-pipelined"};

static const char usage[] =
    "usage: ValueBench --port PORT --op put|get|exists|exists-pipelined\n"
    "    [--protocol redis|memcached] [--host 127.0.0.1] [--connections 1] [--operations 512]\n"
    "    [--value-size 4194304] [--keys 64] [--depth 32] [--password TEXT]\n"
    "get and exists ask for what put stored with the same --keys, --connections and --value-size.\n";

_Noreturn static void fail_usage(const char *problem, const char *text) {
    fprintf(stderr, "ValueBench: %s%s\n%s", problem, text, usage);
    exit(2);
}

static unsigned long number(const char *text, unsigned long end) {
    char *rest;
    errno = 0;
    unsigned long number = strtoul(text, &rest, 10);
    if (errno != 0 || *rest != '\0' || *text < '0' || *text > '9' || number < 1 || number > end) {
        fail_usage("not a number in range: ", text);
    }
    return number;
}

static enum operation operation_named(const char *name) {
    for (unsigned index = 0; index < sizeof operation_names / sizeof *operation_names; index++) {
        if (strcmp(operation_names[index], name) == 0) {
            return (enum operation)index;
        }
    }
    fail_usage("no such operation: ", name);
}

static void take_option(struct plan *plan, int option, const char *text) {
    switch (option) {
    case 'P':
        plan->dialect = dialect_named(text);
        if (plan->dialect == NULL) {
            fail_usage("no such protocol: ", text);
        }
        break;
    case 'h':
        plan->host = text;
        break;
    case 'p':
        plan->port = (uint16_t)number(text, UINT16_MAX);
        break;
    case 'c':
        plan->connection_count = (unsigned)number(text, CONNECTION_COUNT_MAX);
        break;
    case 'n':
        plan->operation_count = number(text, OPERATION_COUNT_MAX);
        break;
    case 's':
        plan->value_byte_count = number(text, VALUE_BYTE_COUNT_MAX);
        break;
    case 'k':
        plan->key_count = (unsigned)number(text, KEY_NUMBER_END);
        break;
    case 'd':
        plan->depth = (unsigned)number(text, DEPTH_MAX);
        break;
    case 'a':
        plan->password = text;
        break;
    default:
        fail_usage("no such option", "");
    }
}

static struct plan read_plan(int argument_count, char **arguments) {
    static const struct option options[] = {
        {"protocol", required_argument, NULL, 'P'}, {"host", required_argument, NULL, 'h'},
        {"port", required_argument, NULL, 'p'},     {"connections", required_argument, NULL, 'c'},
        {"keys", required_argument, NULL, 'k'},     {"operations", required_argument, NULL, 'n'},
        {"op", required_argument, NULL, 'o'},       {"value-size", required_argument, NULL, 's'},
        {"depth", required_argument, NULL, 'd'},    {"password", required_argument, NULL, 'a'},
        {NULL, 0, NULL, 0},
    };
    struct plan plan = {.dialect = dialect_named("redis"), .host = "127.0.0.1", .connection_count = 1,
                        .operation_count = 512, .value_byte_count = 4 << 20, .key_count = 64, .depth = 32};
    int has_operation = 0;
    for (int option; (option = getopt_long(argument_count, arguments, "", options, NULL)) != -1;) {
        if (option == 'o') {
            plan.operation = operation_named(optarg);
            has_operation = 1;
        } else {
            take_option(&plan, option, optarg);
        }
    }
    if (optind != argument_count || plan.port == 0 || !has_operation) {
        fail_usage("--port and --op are needed, and nothing but options", "");
    }
    if (plan.key_count < plan.connection_count || plan.operation_count < plan.connection_count) {
        fail_usage("each connection needs a key and an operation", "");
    }
    if (plan.password != NULL && strcmp(plan.dialect->name, "redis") != 0) {
        fail_usage("--password is for --protocol redis", "");
    }
    return plan;
}

static int compare(const void *left, const void *right) {
    uint64_t one = *(const uint64_t *)left, other = *(const uint64_t *)right;
    return (one > other) - (one < other);
}

/// Microseconds that `percent` of the sorted latencies do not exceed.
static double percentile(const uint64_t *sorted, size_t count, unsigned percent) {
    size_t rank = (count * percent + 99) / 100;
    return (double)sorted[rank > 0 ? rank - 1 : 0] / 1e3;
}

static double processor_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
           + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/// What all workers did, with their latencies in order.
static struct worker merge(const struct plan *plan, const struct worker *workers) {
    struct worker total = {.start_nanoseconds = UINT64_MAX};
    total.latencies = calloc(plan->operation_count, sizeof *total.latencies);
    if (total.latencies == NULL) {
        fail("ValueBench: calloc");
    }
    for (unsigned index = 0; index < plan->connection_count; index++) {
        const struct worker *worker = &workers[index];
        memcpy(total.latencies + total.latency_count, worker->latencies,
               worker->latency_count * sizeof *worker->latencies);
        total.latency_count += worker->latency_count;
        total.miss_count += worker->miss_count;
        total.wrong_count += worker->wrong_count;
        if (worker->start_nanoseconds < total.start_nanoseconds) {
            total.start_nanoseconds = worker->start_nanoseconds;
        }
        if (worker->end_nanoseconds > total.end_nanoseconds) {
            total.end_nanoseconds = worker->end_nanoseconds;
        }
    }
    qsort(total.latencies, total.latency_count, sizeof *total.latencies, compare);
    return total;
}

static void report(const struct plan *plan, const struct worker *total, double processor) {
    double seconds = (double)(total->end_nanoseconds - total->start_nanoseconds) / 1e9;
    int moves_values = plan->operation == OPERATION_PUT || plan->operation == OPERATION_GET;
    size_t value_count = moves_values ? plan->operation_count - total->miss_count : 0;
    printf("{\"protocol\": \"%s\", \"operation\": \"%s\", \"connections\": %u, \"operations\": %zu, ",
           plan->dialect->name, operation_names[plan->operation], plan->connection_count,
           plan->operation_count);
    printf("\"seconds\": %.6f, \"operations_per_second\": %.1f, \"bytes_per_second\": %.0f, ", seconds,
           (double)plan->operation_count / seconds,
           (double)value_count * (double)plan->value_byte_count / seconds);
    // Of a pipeline, the latency is that of a whole batch.
    printf("\"latency_us\": {\"p50\": %.2f, \"p90\": %.2f, \"p99\": %.2f}, ",
           percentile(total->latencies, total->latency_count, 50),
           percentile(total->latencies, total->latency_count, 90),
           percentile(total->latencies, total->latency_count, 99));
    printf("\"misses\": %zu, \"wrong\": %zu, \"client_processor_seconds\": %.3f}\n", total->miss_count,
           total->wrong_count, processor);
}

int main(int argument_count, char **arguments) {
    static struct worker workers[CONNECTION_COUNT_MAX];
    struct plan plan = read_plan(argument_count, arguments);
    struct ring values = {0};
    pthread_barrier_t barrier;
    if (plan.operation == OPERATION_PUT) {
        values = stamped_values(&plan);
    }
    pthread_barrier_init(&barrier, NULL, plan.connection_count);
    for (unsigned index = 0; index < plan.connection_count; index++) {
        workers[index].barrier = &barrier;
        prepare_worker(&workers[index], &plan, index, &values);
    }
    double processor = processor_seconds();
    for (unsigned index = 0; index < plan.connection_count; index++) {
        errno = pthread_create(&workers[index].thread, NULL, run_worker, &workers[index]);
        if (errno != 0) {
            fail("ValueBench: pthread_create");
        }
    }
    for (unsigned index = 0; index < plan.connection_count; index++) {
        pthread_join(workers[index].thread, NULL);
    }
    processor = processor_seconds() - processor;
    struct worker total = merge(&plan, workers);
    report(&plan, &total, processor);
    return 0;
}
