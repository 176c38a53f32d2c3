/* Values go in and come out, in every way that there is. Usage: values SOCKET|embedded */
#define _POSIX_C_SOURCE 200809L
#include <poll.h>

#include "check.h"

enum { COUNT = 40, LENGTH = 300001 };

static unsigned char stored[COUNT][LENGTH], loaded[COUNT][LENGTH];
static char names[COUNT][32];
static reprise_bytes keys[COUNT];
static reprise_piece pieces[COUNT][3];
static reprise_value values[COUNT], places[COUNT];
static reprise_piece place_pieces[COUNT][2];
static int64_t results[COUNT];

static void prepare(void) {
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < LENGTH; j++) stored[i][j] = (unsigned char)(i * 31 + j * 7 + j / 251);
        snprintf(names[i], sizeof names[i], "values/%zu", i);
        keys[i] = bytes_of(names[i]);
        reprise_piece parts[3] = {{stored[i], 1}, {stored[i] + 1, 0}, {stored[i] + 1, LENGTH - 1}};
        memcpy(pieces[i], parts, sizeof parts);
        values[i] = (reprise_value){pieces[i], 3};
        place_pieces[i][0] = (reprise_piece){loaded[i], LENGTH / 2};
        place_pieces[i][1] = (reprise_piece){loaded[i] + LENGTH / 2, LENGTH - LENGTH / 2};
        places[i] = (reprise_value){place_pieces[i], 2};
    }
}

static void check_loaded(void) {
    for (size_t i = 0; i < COUNT; i++) {
        CHECK(results[i] == LENGTH);
        CHECK(memcmp(stored[i], loaded[i], LENGTH) == 0);
    }
    memset(loaded, 0, sizeof loaded);
}

static void batches(reprise_client *client) {
    CHECK_STATUS(REPRISE_OK, reprise_exists(client, keys, COUNT, results));
    for (size_t i = 0; i < COUNT; i++) CHECK(results[i] == 0);
    CHECK_STATUS(REPRISE_OK, reprise_set(client, keys, values, COUNT, results));
    for (size_t i = 0; i < COUNT; i++) CHECK(results[i] == 0);
    CHECK_STATUS(REPRISE_OK, reprise_get(client, keys, places, COUNT, results));
    check_loaded();
    CHECK_STATUS(REPRISE_OK, reprise_exists(client, keys, COUNT, results));
    for (size_t i = 0; i < COUNT; i++) CHECK(results[i] == 1);

    set_one(client, names[3], stored[4], 17);
    CHECK(get_one(client, names[3], loaded[0], 17) == 17 && memcmp(loaded[0], stored[4], 17) == 0);
    CHECK(get_one(client, names[3], loaded[0], 18) == REPRISE_ERROR_LENGTH);
    CHECK(get_one(client, "values/none", loaded[0], 18) == REPRISE_MISSING);
    set_one(client, names[3], stored[3], LENGTH);
}

static void lookups(reprise_client *client) {
    size_t prefix = 99;
    uint64_t lookup = 0;
    CHECK_STATUS(REPRISE_OK, reprise_lookup(client, keys, COUNT, &prefix, NULL));
    CHECK(prefix == COUNT);
    CHECK_STATUS(REPRISE_OK, reprise_delete(client, &keys[7], 1, results));
    CHECK(results[0] == 1);
    CHECK_STATUS(REPRISE_OK, reprise_delete(client, &keys[7], 1, results));
    CHECK(results[0] == 0);
    CHECK_STATUS(REPRISE_OK, reprise_lookup(client, keys, COUNT, &prefix, &lookup));
    CHECK(prefix == 7 && lookup != 0);
    CHECK_STATUS(REPRISE_OK, reprise_set(client, &keys[7], &values[7], 1, results));
    CHECK_STATUS(REPRISE_OK, reprise_get_lookup(client, lookup, keys, places, COUNT, results));
    check_loaded();
    /* Redeemed, or never given: what is stored is found all the same. */
    CHECK_STATUS(REPRISE_OK, reprise_get_lookup(client, lookup, keys, places, COUNT, results));
    check_loaded();
    CHECK_STATUS(REPRISE_OK, reprise_get_lookup(client, 123456789, keys, places, COUNT, results));
    check_loaded();
    CHECK_STATUS(REPRISE_OK, reprise_forget_lookup(client, lookup));
    CHECK_STATUS(REPRISE_OK, reprise_lookup(client, keys, COUNT, &prefix, &lookup));
    CHECK_STATUS(REPRISE_OK, reprise_forget_lookup(client, lookup));
    reprise_bytes none = bytes_of("values/none");
    CHECK_STATUS(REPRISE_OK, reprise_lookup(client, &none, 1, &prefix, &lookup));
    CHECK(prefix == 0 && lookup == 0);
}

static void views(reprise_client *client) {
    reprise_bytes asked[3] = {keys[0], bytes_of("values/none"), keys[2]};
    reprise_view view[3];
    CHECK_STATUS(REPRISE_OK, reprise_acquire(client, asked, 3, view, results));
    CHECK(results[0] == LENGTH && results[1] == REPRISE_MISSING && results[2] == LENGTH);
    CHECK(view[0].length == LENGTH && memcmp(view[0].data, stored[0], LENGTH) == 0);
    CHECK(view[1].data == NULL && view[1].lease == 0 && view[1].length == 0);
    CHECK(view[0].format == 0 && view[0].shape[0] == 0);
    /* What is replaced and removed stays where it is until the lease is given back. */
    set_one(client, names[0], stored[5], LENGTH);
    CHECK_STATUS(REPRISE_OK, reprise_delete(client, &keys[2], 1, results));
    CHECK(memcmp(view[0].data, stored[0], LENGTH) == 0 && memcmp(view[2].data, stored[2], LENGTH) == 0);

    reprise_statistics statistics = {.struct_size = sizeof statistics};
    CHECK_STATUS(REPRISE_OK, reprise_get_statistics(client, &statistics));
    CHECK(statistics.leases == 2 && statistics.leased_bytes == 2 * LENGTH && statistics.connected == 1);
    CHECK(statistics.entries >= COUNT - 1 && statistics.used_bytes >= (COUNT - 1) * (uint64_t)LENGTH);
    CHECK(statistics.used_bytes <= statistics.capacity_bytes && statistics.bytes_loaded > 0);

    uint64_t leases[3] = {view[0].lease, 0, view[2].lease};
    CHECK_STATUS(REPRISE_ERROR_LEASE, reprise_release(client, leases, 3));
    CHECK_STATUS(REPRISE_ERROR_LEASE, reprise_release(client, leases, 1));
    CHECK_STATUS(REPRISE_OK, reprise_get_statistics(client, &statistics));
    CHECK(statistics.leases == 0 && statistics.leased_bytes == 0);
    CHECK_STATUS(REPRISE_OK, reprise_set(client, keys, values, COUNT, results));
}

static void wait_for(reprise_client *client, uint64_t id, reprise_status status) {
    struct pollfd event = {reprise_event_fd(client), POLLIN, 0};
    reprise_completion completion;
    CHECK(event.fd >= 0);
    CHECK(poll(&event, 1, 20000) == 1);
    CHECK(reprise_drain(client, &completion, 1) == 1);
    CHECK(completion.id == id && completion.status == status);
}

static void submitted(reprise_client *client) {
    uint64_t ids[COUNT], id;
    reprise_completion completions[COUNT];
    size_t ended = 0;
    struct pollfd event = {reprise_event_fd(client), POLLIN, 0};
    CHECK(poll(&event, 1, 0) == 0);
    for (size_t i = 0; i < COUNT; i++)
        CHECK_STATUS(REPRISE_OK, reprise_submit(client, REPRISE_OPERATION_GET, &keys[i], &places[i], 1,
                                                &results[i], &ids[i]));
    while (ended < COUNT) {
        CHECK(poll(&event, 1, 20000) == 1);
        int64_t count = reprise_drain(client, completions, 3);
        CHECK(count >= 0 && count <= 3);
        for (int64_t i = 0; i < count; i++) CHECK(completions[i].status == REPRISE_OK);
        ended += (size_t)count;
    }
    check_loaded();
    CHECK(reprise_drain(client, completions, 3) == 0);

    CHECK_STATUS(REPRISE_OK, reprise_submit(client, REPRISE_OPERATION_LOOKUP, keys, NULL, COUNT,
                                            results, &id));
    wait_for(client, id, REPRISE_OK);
    CHECK(results[0] == COUNT);
    CHECK_STATUS(REPRISE_OK, reprise_submit(client, REPRISE_OPERATION_DELETE, keys, NULL, COUNT,
                                            results, &id));
    wait_for(client, id, REPRISE_OK);
    CHECK(results[0] == 1 && results[COUNT - 1] == 1);
    CHECK_STATUS(REPRISE_OK, reprise_submit(client, REPRISE_OPERATION_EXISTS, keys, NULL, COUNT,
                                            results, &id));
    wait_for(client, id, REPRISE_OK);
    CHECK(results[0] == 0 && results[COUNT - 1] == 0);
    CHECK_STATUS(REPRISE_OK, reprise_submit(client, REPRISE_OPERATION_SET, keys, values, COUNT,
                                            results, &id));
    wait_for(client, id, REPRISE_OK);
    size_t prefix;
    uint64_t lookup;
    CHECK_STATUS(REPRISE_OK, reprise_lookup(client, keys, COUNT, &prefix, &lookup));
    CHECK_STATUS(REPRISE_OK,
                 reprise_submit_get_lookup(client, lookup, keys, places, COUNT, results, &id));
    wait_for(client, id, REPRISE_OK);
    check_loaded();
    CHECK(reprise_completion_error(client, id, NULL, 0) == 0);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    prepare();
    reprise_client *client = client_of(argv[1]);
    batches(client);
    lookups(client);
    views(client);
    submitted(client);
    reprise_close(client);
    puts("values: ok");
    return 0;
}
