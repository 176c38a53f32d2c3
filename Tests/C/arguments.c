/* A wrong call returns a status and changes nothing. Usage: arguments SOCKET|embedded */
#include "check.h"

static reprise_client *client;
static char memory[8];
static reprise_piece piece = {memory, sizeof memory};
static reprise_value value;
static reprise_bytes key;
static int64_t result = 77;

#define WRONG(call)                                           \
    do {                                                      \
        CHECK_STATUS(REPRISE_ERROR_INVALID_ARGUMENT, (call)); \
        CHECK(strlen(reprise_last_error()) > 0);              \
        CHECK(result == 77);                                  \
    } while (0)

static void batch_arguments(void) {
    reprise_bytes wrong_keys[] = {{NULL, 3}, {"k", 0}, {"k", REPRISE_KEY_BYTES_MAX + 1}, {"k", SIZE_MAX}};
    for (size_t i = 0; i < sizeof wrong_keys / sizeof *wrong_keys; i++) {
        WRONG(reprise_set(client, &wrong_keys[i], &value, 1, &result));
        WRONG(reprise_get(client, &wrong_keys[i], &value, 1, &result));
        WRONG(reprise_exists(client, &wrong_keys[i], 1, &result));
        WRONG(reprise_delete(client, &wrong_keys[i], 1, &result));
    }
    size_t wrong_counts[] = {0, REPRISE_BATCH_KEYS_MAX + 1, SIZE_MAX, SIZE_MAX / 2};
    for (size_t i = 0; i < sizeof wrong_counts / sizeof *wrong_counts; i++) {
        size_t count = wrong_counts[i], prefix;
        reprise_view view;
        uint64_t id;
        WRONG(reprise_set(client, &key, &value, count, &result));
        WRONG(reprise_get(client, &key, &value, count, &result));
        WRONG(reprise_get_lookup(client, 1, &key, &value, count, &result));
        WRONG(reprise_exists(client, &key, count, &result));
        WRONG(reprise_delete(client, &key, count, &result));
        WRONG(reprise_lookup(client, &key, count, &prefix, NULL));
        WRONG(reprise_acquire(client, &key, count, &view, &result));
        WRONG(reprise_submit(client, REPRISE_OPERATION_EXISTS, &key, NULL, count, &result, &id));
    }
    WRONG(reprise_set(client, NULL, &value, 1, &result));
    WRONG(reprise_set(client, &key, NULL, 1, &result));
    WRONG(reprise_set(client, &key, &value, 1, NULL));
    WRONG(reprise_get(client, NULL, &value, 1, &result));
    WRONG(reprise_get(client, &key, NULL, 1, &result));
    WRONG(reprise_get(client, &key, &value, 1, NULL));
    WRONG(reprise_exists(client, NULL, 1, &result));
    WRONG(reprise_exists(client, &key, 1, NULL));
    WRONG(reprise_delete(client, NULL, 1, &result));
    WRONG(reprise_lookup(client, &key, 1, NULL, NULL));
    WRONG(reprise_acquire(client, &key, 1, NULL, &result));
    reprise_bytes twice[2] = {key, key};
    reprise_value values[2] = {value, value};
    int64_t results[2] = {77, 77};
    WRONG(reprise_set(client, twice, values, 2, results));
    CHECK(results[0] == 77 && results[1] == 77);
}

static void value_arguments(void) {
    reprise_piece null = {NULL, 4}, empty = {memory, 0};
    reprise_piece huge[2] = {{memory, SIZE_MAX / 2}, {memory, SIZE_MAX / 2}};
    reprise_value wrong[] = {{NULL, 1}, {&piece, 0}, {&null, 1}, {&empty, 1}, {huge, 2},
                             {&piece, SIZE_MAX}, {&piece, REPRISE_BATCH_PIECES_MAX + 1}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uint64_t id;
        WRONG(reprise_set(client, &key, &wrong[i], 1, &result));
        WRONG(reprise_get(client, &key, &wrong[i], 1, &result));
        WRONG(reprise_submit(client, REPRISE_OPERATION_SET, &key, &wrong[i], 1, &result, &id));
    }
    reprise_piece vast = {memory, (size_t)1 << 62};
    reprise_value vast_value = value_of(&vast);
    CHECK_STATUS(REPRISE_OK, reprise_set(client, &key, &vast_value, 1, &result));
    CHECK(result == REPRISE_ERROR_NO_ROOM);
    result = 77;
}

static void other_arguments(void) {
    uint64_t id = 5, lease = 0;
    reprise_completion completion;
    WRONG(reprise_submit(client, 0, &key, &value, 1, &result, &id));
    WRONG(reprise_submit(client, 6, &key, &value, 1, &result, &id));
    WRONG(reprise_submit(client, -1, &key, &value, 1, &result, &id));
    WRONG(reprise_submit(client, REPRISE_OPERATION_EXISTS, &key, &value, 1, &result, &id));
    WRONG(reprise_submit(client, REPRISE_OPERATION_SET, &key, NULL, 1, &result, &id));
    WRONG(reprise_submit(client, REPRISE_OPERATION_SET, &key, &value, 1, NULL, &id));
    WRONG(reprise_submit(client, REPRISE_OPERATION_SET, &key, &value, 1, &result, NULL));
    CHECK(id == 5);
    WRONG((reprise_status)reprise_drain(client, NULL, 1));
    WRONG((reprise_status)reprise_drain(client, &completion, 0));
    WRONG(reprise_release(client, NULL, 1));
    WRONG(reprise_release(client, &lease, 0));
    WRONG(reprise_release(client, &lease, SIZE_MAX));
    CHECK_STATUS(REPRISE_ERROR_LEASE, reprise_release(client, &lease, 1));
    WRONG(reprise_get_statistics(client, NULL));
    reprise_statistics statistics = {.struct_size = sizeof statistics + 1};
    WRONG(reprise_get_statistics(client, &statistics));
    statistics.struct_size = 0;
    WRONG(reprise_get_statistics(client, &statistics));
    CHECK_STATUS(REPRISE_OK, reprise_forget_lookup(client, 0));
    CHECK_STATUS(REPRISE_OK, reprise_forget_lookup(client, UINT64_MAX));
    CHECK(reprise_completion_error(client, 4711, NULL, 0) == 0);
}

static void making_arguments(void) {
    reprise_client *made = client;
    reprise_options options = {.struct_size = sizeof options, .socket_path = "/nowhere/at/all"};
    WRONG(reprise_connect(&options, NULL));
    WRONG(reprise_connect(NULL, &made));
    CHECK(made == NULL);
    CHECK_STATUS(REPRISE_ERROR_NOT_CONNECTED, reprise_connect(&options, &made));
    options.copy_threads = REPRISE_COPY_THREADS_MAX + 1;
    WRONG(reprise_connect(&options, &made));
    options.copy_threads = 0;
    options.socket_path = "";
    WRONG(reprise_connect(&options, &made));
    char path[6000];
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = 0;
    options.socket_path = path;
    WRONG(reprise_connect(&options, &made));
    path[200] = 0;
    WRONG(reprise_connect(&options, &made));
    uint8_t zeros[16] = {0};
    options.socket_path = "/nowhere";
    options.session = zeros;
    WRONG(reprise_connect(&options, &made));
    options.struct_size = 0;
    WRONG(reprise_connect(&options, &made));

    reprise_embedded_options embedded = {.struct_size = sizeof embedded, .memory_bytes = (1 << 20) - 1};
    WRONG(reprise_open(&embedded, &made));
    embedded.memory_bytes = UINT64_MAX;
    WRONG(reprise_open(&embedded, &made));
    embedded.memory_bytes = 1 << 20;
    embedded.disk_bytes = 1 << 20;
    WRONG(reprise_open(&embedded, &made));
    embedded.disk_path = "";
    WRONG(reprise_open(&embedded, &made));
    embedded.disk_path = "/dev/null/x";
    CHECK(reprise_open(&embedded, &made) < 0 && made == NULL);
    embedded.disk_path = "/tmp";
    embedded.disk_bytes = 0;
    WRONG(reprise_open(&embedded, &made));
    WRONG(reprise_open(NULL, &made));
    WRONG(reprise_open(&embedded, NULL));
}

static void no_clients(void) {
    /* A null, a small number, an address of something else, and one that a client once had. */
    reprise_client *others[] = {NULL, (reprise_client *)(uintptr_t)24, (reprise_client *)(void *)memory,
                                (reprise_client *)UINTPTR_MAX, (reprise_client *)((uintptr_t)0x7270 << 48),
                                (reprise_client *)(((uintptr_t)0x7270 << 48) | 0xFFFFF0)};
    size_t prefix;
    reprise_view view;
    uint64_t id;
    reprise_completion completion;
    reprise_statistics statistics = {.struct_size = sizeof statistics};
    reprise_client *open_client = client;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        client = others[i];
        WRONG(reprise_set(client, &key, &value, 1, &result));
        WRONG(reprise_get(client, &key, &value, 1, &result));
        WRONG(reprise_get_lookup(client, 1, &key, &value, 1, &result));
        WRONG(reprise_exists(client, &key, 1, &result));
        WRONG(reprise_delete(client, &key, 1, &result));
        WRONG(reprise_lookup(client, &key, 1, &prefix, &id));
        WRONG(reprise_forget_lookup(client, 1));
        WRONG(reprise_acquire(client, &key, 1, &view, &result));
        WRONG(reprise_release(client, &id, 1));
        WRONG(reprise_submit(client, 2, &key, &value, 1, &result, &id));
        WRONG(reprise_submit_get_lookup(client, 1, &key, &value, 1, &result, &id));
        WRONG(reprise_event_fd(client));
        WRONG((reprise_status)reprise_drain(client, &completion, 1));
        WRONG(reprise_get_statistics(client, &statistics));
        CHECK(reprise_completion_error(client, 1, NULL, 0) == 0);
        reprise_close(client);
    }
    client = open_client;
    reprise_close(client);
    CHECK_STATUS(REPRISE_ERROR_CLOSED, reprise_exists(client, &key, 1, &result));
    CHECK_STATUS(REPRISE_ERROR_CLOSED, reprise_event_fd(client));
    reprise_close(client);
    CHECK_STATUS(REPRISE_ERROR_CLOSED, reprise_set(client, &key, &value, 1, &result));
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    CHECK(strcmp(reprise_last_error(), "") == 0);
    CHECK(reprise_abi_version() == ((REPRISE_ABI_MAJOR << 16) | REPRISE_ABI_MINOR));
    CHECK(strlen(reprise_version()) >= 5);
    for (int status = REPRISE_ERROR_PROTOCOL - 3; status < 4; status++)
        CHECK(strlen(reprise_status_text(status)) > 0);
    value = value_of(&piece);
    key = bytes_of("key");
    client = client_of(argv[1]);
    batch_arguments();
    value_arguments();
    other_arguments();
    making_arguments();
    no_clients();
    puts("arguments: ok");
    return 0;
}
