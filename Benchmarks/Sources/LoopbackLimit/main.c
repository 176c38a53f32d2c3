// The loopback limit: a server that does nothing but move bytes in the lm:// pattern (0.5.6 headers).
//
// GETs are answered from, and PUTs received into, a ring of as many touched buffers as the benchmark has
// values: the memory traffic that a store of so many values cannot avoid, where one buffer would stay in
// the cache. Nothing is looked up, kept or checked, headers and payloads go out in one gathering call, one
// thread serves one connection: as fast as plain blocking send and recv get. What a server reaches of this
// figure is its efficiency; the rest is what its bookkeeping costs.
//
// Usage: LoopbackLimit PORT [VALUE_BYTE_COUNT [BUFFER_COUNT]]; port 0 takes a free one.
// Prints the port, then serves until it is killed.

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { COMMAND_PUT = 1, COMMAND_GET = 2, COMMAND_EXIST = 3, COMMAND_HEALTH = 5 };
enum { REQUEST_BYTE_COUNT = 186, REPLY_BYTE_COUNT = 36, BUFFER_COUNT_MAX = 4096 };

static size_t value_byte_count = 4u << 20;
static char *buffers[BUFFER_COUNT_MAX];
static unsigned buffer_count = 64;
static atomic_uint next_buffer_index;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

/// Maps `byte_count` bytes, asks for huge pages, and touches every page.
static char *touched_buffer(size_t byte_count) {
    char *buffer = mmap(NULL, byte_count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buffer == MAP_FAILED) {
        fail("mmap");
    }
    madvise(buffer, byte_count, MADV_HUGEPAGE);
    memset(buffer, 0x5a, byte_count);
    return buffer;
}

static char *next_buffer(void) { return buffers[atomic_fetch_add(&next_buffer_index, 1) % buffer_count]; }

/// Receives exactly `byte_count` bytes. Returns 0, or -1 at the end of the stream or an error.
static int receive_all(int descriptor, char *buffer, size_t byte_count) {
    size_t received = 0;
    while (received < byte_count) {
        ssize_t count = recv(descriptor, buffer + received, byte_count - received, 0);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return -1;
        }
        received += (size_t)count;
    }
    return 0;
}

/// Sends `head` and then `body`, gathered. Returns 0 or -1.
static int send_all(int descriptor, char *head, size_t head_bytes, char *body, size_t body_bytes) {
    struct iovec parts[2] = {{head, head_bytes}, {body, body_bytes}};
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

/// Answers one request. Returns 0, or -1 when the connection is over.
static int serve_one(int descriptor) {
    char request[REQUEST_BYTE_COUNT];
    if (receive_all(descriptor, request, sizeof request) != 0) {
        return -1;
    }
    int32_t command, length;
    memcpy(&command, request, 4);
    memcpy(&length, request + 4, 4);
    // code, length, format KV_2LTD, dtype, shape [1, 1, 1, length], location
    int32_t reply[9] = {200, 0, 1, 2, 0, 0, 0, 0, 0};
    switch (command) {
    case COMMAND_PUT:
        if (length < 0 || (size_t)length > value_byte_count) {
            return -1;
        }
        return receive_all(descriptor, next_buffer(), (size_t)length);
    case COMMAND_GET:
        reply[1] = (int32_t)value_byte_count;
        reply[3] = 6;
        reply[4] = reply[5] = reply[6] = 1;
        reply[7] = (int32_t)value_byte_count;
        return send_all(descriptor, (char *)reply, REPLY_BYTE_COUNT, next_buffer(), value_byte_count);
    case COMMAND_EXIST:
    case COMMAND_HEALTH:
        return send_all(descriptor, (char *)reply, REPLY_BYTE_COUNT, NULL, 0);
    default:
        return -1;
    }
}

static void *serve(void *argument) {
    int descriptor = (int)(intptr_t)argument;
    while (serve_one(descriptor) == 0) {
    }
    close(descriptor);
    return NULL;
}

static int listen_on(uint16_t port) {
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t address_byte_count = sizeof address;
    if (listener < 0) {
        fail("socket");
    }
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 128) != 0) {
        fail("bind");
    }
    if (getsockname(listener, (struct sockaddr *)&address, &address_byte_count) != 0) {
        fail("getsockname");
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

int main(int argument_count, char **arguments) {
    if (argument_count < 2) {
        fprintf(stderr, "usage: LoopbackLimit PORT [VALUE_BYTE_COUNT [BUFFER_COUNT]]\n");
        return 2;
    }
    if (argument_count > 2) {
        value_byte_count = strtoull(arguments[2], NULL, 10);
    }
    if (argument_count > 3) {
        buffer_count = (unsigned)strtoul(arguments[3], NULL, 10);
    }
    if (buffer_count < 1 || buffer_count > BUFFER_COUNT_MAX) {
        fprintf(stderr, "LoopbackLimit: 1 to %d buffers\n", BUFFER_COUNT_MAX);
        return 2;
    }
    for (unsigned index = 0; index < buffer_count; index++) {
        buffers[index] = touched_buffer(value_byte_count);
    }
    int listener = listen_on((uint16_t)strtoul(arguments[1], NULL, 10));
    for (;;) {
        int descriptor = accept(listener, NULL, NULL);
        if (descriptor < 0) {
            continue;
        }
        int on = 1;
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)descriptor) != 0) {
            close(descriptor);
            continue;
        }
        pthread_detach(thread);
    }
}
