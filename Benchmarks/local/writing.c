/*
 * Which is faster to fill a node's memory with, pwrite(2) or memcpy(3) into a mapping for writing?
 *
 * Usage: writing MEBIBYTES ROUNDS [huge]. Makes a memory file as a node does, touches it, and then writes
 * values of 4 MiB in turn, in one piece each and in 64 pieces. Prints one JSON object with the GB/s of each
 * round.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define VALUE_BYTES ((size_t)4 << 20)
#define SOURCE_BYTES ((size_t)64 << 20)
#define HUGE_PAGE_BYTES ((size_t)2 << 20)
#define COLLAPSE 25

static int file;
static char *mapping, *source;
static size_t arena_bytes;

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static char *map(void) {
    char *start = mmap(NULL, arena_bytes + HUGE_PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *aligned = (char *)(((size_t)start + HUGE_PAGE_BYTES - 1) & ~(HUGE_PAGE_BYTES - 1));
    return mmap(aligned, arena_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
}

static void write_value(size_t offset, size_t pieces, int copies) {
    size_t length = VALUE_BYTES / pieces;
    for (size_t piece = 0; piece < pieces; piece++, offset += length) {
        const char *from = source + offset % SOURCE_BYTES;
        if (copies) {
            memcpy(mapping + offset, from, length);
        } else if (pwrite(file, from, length, (off_t)offset) != (ssize_t)length) {
            perror("pwrite");
            exit(1);
        }
    }
}

static double measure(size_t pieces, int copies) {
    double start = seconds();
    for (size_t offset = 0; offset + VALUE_BYTES <= arena_bytes; offset += VALUE_BYTES)
        write_value(offset, pieces, copies);
    return (double)arena_bytes / (seconds() - start) / 1e9;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: writing MEBIBYTES ROUNDS [huge]\n");
        return 2;
    }
    arena_bytes = (size_t)atol(argv[1]) << 20;
    int is_huge = argc > 3;
    file = memfd_create("writing", MFD_CLOEXEC);
    source = malloc(SOURCE_BYTES);
    if (file < 0 || source == NULL || ftruncate(file, (off_t)arena_bytes) != 0) return 1;
    memset(source, 7, SOURCE_BYTES);
    mapping = map();
    if (mapping == MAP_FAILED) return 1;
    if (is_huge) madvise(mapping, arena_bytes, MADV_HUGEPAGE);
    memset(mapping, 0, arena_bytes);
    for (size_t offset = 0; is_huge && offset < arena_bytes; offset += HUGE_PAGE_BYTES)
        madvise(mapping + offset, HUGE_PAGE_BYTES, COLLAPSE);
    const char *names[] = {"pwrite", "pwrite in 64 pieces", "mapping", "mapping in 64 pieces"};
    printf("{");
    for (int subject = 0; subject < 4; subject++) {
        printf("%s\"%s\": [", subject ? ", " : "", names[subject]);
        for (int round = 0; round < atoi(argv[2]); round++)
            printf("%s%.2f", round ? ", " : "", measure(subject % 2 ? 64 : 1, subject / 2));
        printf("]");
    }
    printf("}\n");
    return 0;
}
