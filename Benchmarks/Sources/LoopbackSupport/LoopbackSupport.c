#include "LoopbackSupport.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define KEY_MODEL "neuralmagic-ent/Meta-Llama-3.1-405B-Instruct-quantized.w8a8-128k-evals"
#define KEY_TAIL "@bfloat16"

enum { KEY_NUMBER_DIGITS = 4, PAGE_BYTE_COUNT = 4096, HUGE_PAGE_BYTE_COUNT = 2 << 20 };

// Where in its page a value begins. The kernel copies what is sent with `rep movsb`, which on Zen 3 and 4 is
// up to eight times slower if the target lies 1 to 31 bytes further into its page than the source does
// (sourceware.org bug 30994). That is where RESP's head of ten bytes would push a value from a page's start.
enum { PAGE_OFFSET = 1024 };

_Static_assert(sizeof KEY_MODEL "@8@0@0123456789abcdef" KEY_TAIL == KEY_BYTE_COUNT + 1, "one length");

void fail(const char *what) {
    perror(what);
    exit(1);
}

/// `byte_count` up to the next multiple of `unit`, a power of two.
static size_t round_up(size_t byte_count, size_t unit) { return (byte_count + unit - 1) & ~(unit - 1); }

char *touched_buffer(size_t byte_count) {
    // The kernel aligns a mapping for huge pages only if its length is a multiple of theirs.
    size_t mapped = round_up(byte_count, HUGE_PAGE_BYTE_COUNT);
    char *buffer = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buffer == MAP_FAILED) {
        fail("mmap");
    }
    madvise(buffer, mapped, MADV_HUGEPAGE);
    memset(buffer, 0x5a, byte_count);
    return buffer;
}

struct ring make_ring(unsigned count, size_t value_byte_count) {
    size_t stride = round_up(PAGE_OFFSET + value_byte_count + 2, PAGE_BYTE_COUNT);
    struct ring ring = {touched_buffer(count * stride), stride, count};
    for (unsigned index = 0; index < count; index++) {
        memcpy(ring_value(&ring, index) + value_byte_count, "\r\n", 2);
    }
    return ring;
}

char *ring_value(const struct ring *ring, unsigned index) {
    return ring->base + index % ring->count * ring->stride + PAGE_OFFSET;
}

ssize_t receive_some(int descriptor, char *buffer, size_t byte_count) {
    ssize_t count;
    do {
        count = recv(descriptor, buffer, byte_count, 0);
    } while (count < 0 && errno == EINTR);
    return count;
}

int receive_all(int descriptor, char *buffer, size_t byte_count) {
    size_t received = 0;
    while (received < byte_count) {
        ssize_t count = receive_some(descriptor, buffer + received, byte_count - received);
        if (count <= 0) {
            return -1;
        }
        received += (size_t)count;
    }
    return 0;
}

int send_all(int descriptor, const char *head, size_t head_bytes, const char *body, size_t body_bytes) {
    struct iovec parts[2] = {{(char *)head, head_bytes}, {(char *)body, body_bytes}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = body_bytes > 0 ? 2 : 1};
    while (message.msg_iovlen > 0) {
        ssize_t count = sendmsg(descriptor, &message, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return -1;
        }
        size_t sent = (size_t)count;
        while (message.msg_iovlen > 0 && sent >= message.msg_iov[0].iov_len) {
            sent -= message.msg_iov[0].iov_len;
            message.msg_iov++;
            message.msg_iovlen--;
        }
        if (message.msg_iovlen > 0) {
            message.msg_iov[0].iov_base = (char *)message.msg_iov[0].iov_base + sent;
            message.msg_iov[0].iov_len -= sent;
        }
    }
    return 0;
}

void disable_delay(int descriptor) {
    int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void make_key(unsigned number, char key[KEY_BYTE_COUNT + 1]) {
    // The finisher of SplitMix64 spreads the upper digits as those of a real hash are.
    uint64_t hash = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
    hash = ((hash ^ (hash >> 31)) & ~(uint64_t)(KEY_NUMBER_END - 1)) | number;
    snprintf(key, KEY_BYTE_COUNT + 1, KEY_MODEL "@8@0@%016llx" KEY_TAIL, (unsigned long long)hash);
}

unsigned number_of_key(const char *key) {
    const char *digits = key + KEY_BYTE_COUNT - (sizeof KEY_TAIL - 1) - KEY_NUMBER_DIGITS;
    char text[KEY_NUMBER_DIGITS + 1] = {0};
    memcpy(text, digits, KEY_NUMBER_DIGITS);
    char *end;
    unsigned long number = strtoul(text, &end, 16);
    return end == text + KEY_NUMBER_DIGITS ? (unsigned)number : KEY_NUMBER_END;
}
