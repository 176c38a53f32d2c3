/* In a forked child a parent's client fails cleanly, and the parent's goes on. Usage: forks
   SOCKET|embedded */
#define _DEFAULT_SOURCE
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { LENGTH = 100000, ROUNDS = 50 };
static char stored[LENGTH], loaded[LENGTH];

static void in_child(reprise_client *client, const char *path, int makes_its_own) {
    reprise_bytes key = bytes_of("forks/1");
    reprise_piece piece = {loaded, LENGTH};
    reprise_value value = value_of(&piece);
    reprise_view view;
    reprise_completion completion;
    reprise_statistics statistics = {.struct_size = sizeof statistics};
    int64_t result;
    size_t prefix;
    uint64_t id = 1;
    CHECK_STATUS(REPRISE_ERROR_FORKED, reprise_set(client, &key, &value, 1, &result));
    CHECK_STATUS(REPRISE_ERROR_FORKED, reprise_get(client, &key, &value, 1, &result));
    CHECK_STATUS(REPRISE_ERROR_FORKED, reprise_exists(client, &key, 1, &result));
    CHECK_STATUS(REPRISE_ERROR_FORKED, reprise_delete(client, &key, 1, &result));
    CHECK_STATUS(REPRISE_ERROR_FORKED, reprise_lookup(client, &key, 1, &prefix, NULL));
    CHECK_STATUS(REPRISE_ERROR_FORKED, reprise_forget_lookup(client, 1));
    CHECK_STATUS(REPRISE_ERROR_FORKED, reprise_acquire(client, &key, 1, &view, &result));
    CHECK_STATUS(REPRISE_ERROR_FORKED, reprise_release(client, &id, 1));
    CHECK_STATUS(REPRISE_ERROR_FORKED, reprise_submit(client, 2, &key, &value, 1, &result, &id));
    CHECK_STATUS(REPRISE_ERROR_FORKED, reprise_event_fd(client));
    CHECK(reprise_drain(client, &completion, 1) == REPRISE_ERROR_FORKED);
    CHECK_STATUS(REPRISE_ERROR_FORKED, reprise_get_statistics(client, &statistics));
    CHECK(strstr(reprise_last_error(), "fork") != NULL);
    reprise_close(client);
    CHECK_STATUS(REPRISE_ERROR_CLOSED, reprise_exists(client, &key, 1, &result));
    if (!makes_its_own) return;
    reprise_client *own = client_of(path);
    set_one(own, "forks/child", stored, LENGTH);
    CHECK(get_one(own, "forks/child", loaded, LENGTH) == LENGTH && memcmp(stored, loaded, LENGTH) == 0);
    reprise_close(own);
}

static volatile int is_over;

/* Keeps the library busy, so that forks meet every state of it. */
static void *worker(void *argument) {
    reprise_client *client = argument;
    static char memory[LENGTH];
    while (!is_over) CHECK(get_one(client, "forks/1", memory, LENGTH) == LENGTH);
    return NULL;
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    for (size_t i = 0; i < LENGTH; i++) stored[i] = (char)(i * 13 + i / 256);
    reprise_client *client = client_of(argv[1]);
    set_one(client, "forks/1", stored, LENGTH);
    reprise_bytes key = bytes_of("forks/1");
    reprise_view view;
    int64_t result;
    CHECK_STATUS(REPRISE_OK, reprise_acquire(client, &key, 1, &view, &result));

    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, worker, client) == 0);
    for (int round = 0; round < ROUNDS; round++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            alarm(20);
            in_child(client, argv[1], round % 10 == 9);
            _exit(0);
        }
        int status;
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        /* Children give no lease of the parent's back. */
        CHECK(memcmp(view.data, stored, LENGTH) == 0);
        CHECK(get_one(client, "forks/1", loaded, LENGTH) == LENGTH);
    }
    is_over = 1;
    pthread_join(thread, NULL);
    CHECK_STATUS(REPRISE_OK, reprise_release(client, &view.lease, 1));
    reprise_close(client);
    puts("forks: ok");
    return 0;
}
