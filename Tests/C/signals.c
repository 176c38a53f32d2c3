/* The library leaves signals alone, and signals leave its calls alone. Usage: signals SOCKET|embedded */
#define _DEFAULT_SOURCE
#include <dirent.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

enum { LENGTH = 4 << 20, SIGNALS = 65 };
static char stored[LENGTH], loaded[LENGTH];
static struct sigaction before[SIGNALS], after[SIGNALS];
static volatile sig_atomic_t count;

static void handler(int number) {
    (void)number;
    count = count + 1;
}

static void dispositions(struct sigaction *actions) {
    memset(actions, 0, SIGNALS * sizeof *actions);
    for (int number = 1; number < SIGNALS; number++) sigaction(number, NULL, &actions[number]);
}

/* Every thread of the library blocks all signals that can be blocked: 32 and 33 are the C library's. */
static void check_threads(void) {
    DIR *tasks = opendir("/proc/self/task");
    int threads = 0;
    for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
        char path[300], line[200];
        if (entry->d_name[0] == '.' || atoi(entry->d_name) == getpid()) continue;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
        FILE *status = fopen(path, "r");
        if (status == NULL) continue;
        while (fgets(line, sizeof line, status) != NULL) {
            unsigned long long mask;
            if (sscanf(line, "SigBlk: %llx", &mask) != 1) continue;
            unsigned long long needed = ~((1ull << (SIGKILL - 1)) | (1ull << (SIGSTOP - 1)) | (3ull << 31));
            CHECK((mask & needed) == needed);
            threads++;
        }
        fclose(status);
    }
    closedir(tasks);
    CHECK(threads >= 2);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    sigset_t mask_before, mask_after;
    struct sigaction action = {.sa_handler = handler};
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    dispositions(before);
    CHECK(sigprocmask(SIG_SETMASK, NULL, &mask_before) == 0);

    for (size_t i = 0; i < LENGTH; i++) stored[i] = (char)(i * 11 + i / 4096);
    reprise_client *client = client_of(argv[1]);
    check_threads();
    struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
    for (time_t end = time(NULL) + 2; time(NULL) < end;) {
        set_one(client, "signals/1", stored, LENGTH);
        CHECK(get_one(client, "signals/1", loaded, LENGTH) == LENGTH);
        CHECK(memcmp(stored, loaded, LENGTH) == 0);
    }
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
    CHECK(count > 100);
    reprise_close(client);

    dispositions(after);
    CHECK(sigprocmask(SIG_SETMASK, NULL, &mask_after) == 0);
    for (int number = 1; number < SIGNALS; number++) {
        CHECK(before[number].sa_handler == after[number].sa_handler);
        CHECK(before[number].sa_flags == after[number].sa_flags);
        CHECK(sigismember(&mask_before, number) == sigismember(&mask_after, number));
    }
    puts("signals: ok");
    return 0;
}
