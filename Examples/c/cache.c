/*
 * Stores the keys and values of a prompt's chunks in a node, looks up how much of another prompt is there,
 * and loads that much: once into memory of its own, and once where it lies, without a copy.
 *
 *   scripts/library
 *   cc -I.build/library/include Examples/c/cache.c -L.build/library -lreprise \
 *       -Wl,-rpath,$PWD/.build/library -o cache
 *   ./cache /run/reprise/reprise.sock        with `reprise serve --unix /run/reprise/reprise.sock`
 *   ./cache                                  with a node of its own, in the same process
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reprise.h>

/* A prompt of four chunks, and what a model would have computed for each: here two layers of 64 KiB. */
enum { CHUNKS = 4, LAYERS = 2, LAYER_BYTES = 64 << 10, CHUNK_BYTES = LAYERS * LAYER_BYTES };

/* Ends the program with what went wrong and what to do about it. */
static void need(reprise_status status, const char *what) {
    if (status == REPRISE_OK) return;
    fprintf(stderr, "%s: %s: %s\n", what, reprise_status_text(status), reprise_last_error());
    exit(1);
}

static reprise_client *make_client(const char *path) {
    reprise_client *client;
    if (path != NULL) {
        reprise_options options = {.struct_size = sizeof options, .socket_path = path};
        need(reprise_connect(&options, &client), "connecting");
    } else {
        reprise_embedded_options options = {.struct_size = sizeof options, .memory_bytes = 64 << 20};
        need(reprise_open(&options, &client), "making a node");
    }
    return client;
}

int main(int argc, char **argv) {
    reprise_client *client = make_client(argc > 1 ? argv[1] : NULL);

    /* A value may lie in several pieces: here one for each layer, as an engine keeps them. */
    static unsigned char layers[LAYERS][CHUNKS][LAYER_BYTES];
    for (int layer = 0; layer < LAYERS; layer++)
        for (int chunk = 0; chunk < CHUNKS; chunk++)
            memset(layers[layer][chunk], 16 * layer + chunk + 1, LAYER_BYTES);
    const char *names[CHUNKS + 1] = {"prompt/0", "prompt/1", "prompt/2", "prompt/3", "prompt/never-computed"};
    reprise_bytes keys[CHUNKS + 1];
    for (int chunk = 0; chunk <= CHUNKS; chunk++)
        keys[chunk] = (reprise_bytes){names[chunk], strlen(names[chunk])};
    reprise_piece pieces[CHUNKS][LAYERS];
    reprise_value values[CHUNKS];
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
        for (int layer = 0; layer < LAYERS; layer++)
            pieces[chunk][layer] = (reprise_piece){layers[layer][chunk], LAYER_BYTES};
        values[chunk] = (reprise_value){pieces[chunk], LAYERS};
    }

    /* Store. Every key has a result of its own. */
    int64_t results[CHUNKS + 1];
    need(reprise_set(client, keys, values, CHUNKS, results), "storing");
    for (int chunk = 0; chunk < CHUNKS; chunk++)
        if (results[chunk] < 0)
            printf("%s is not stored: %s\n", names[chunk],
                   reprise_status_text((reprise_status)results[chunk]));

    /* Look up, and keep what is found from eviction until it is loaded. */
    size_t prefix;
    uint64_t lookup;
    need(reprise_lookup(client, keys, CHUNKS + 1, &prefix, &lookup), "looking up");
    printf("%zu of %d chunks are stored\n", prefix, CHUNKS + 1);

    /* Load into the same memory, which is cleared first. */
    memset(layers, 0, sizeof layers);
    if (prefix > 0) {
        need(reprise_get_lookup(client, lookup, keys, values, prefix, results), "loading");
        for (size_t chunk = 0; chunk < prefix; chunk++)
            printf("%s: %lld bytes, layer 1 begins with %d\n", names[chunk], (long long)results[chunk],
                   layers[1][chunk][0]);
    }

    /* Look at a value where it lies: no copy, and nobody can change or reuse the bytes before the release. */
    reprise_view view;
    need(reprise_acquire(client, &keys[1], 1, &view, results), "acquiring");
    if (results[0] == CHUNK_BYTES) {
        const unsigned char *bytes = view.data;
        printf("%s lies in %zu bytes, the last of which is %d\n", names[1], view.length,
               bytes[view.length - 1]);
        need(reprise_release(client, &view.lease, 1), "releasing");
    }
    reprise_close(client);
    return 0;
}
