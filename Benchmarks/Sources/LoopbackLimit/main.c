// The loopback limit: a server that does nothing but move bytes in the pattern of lm:// or of RESP.
//
// GETs are answered from, and PUTs received into, a ring of as many touched buffers as the benchmark has
// values: the memory traffic that a store of so many values cannot avoid, where one buffer would stay in
// the cache. Nothing is looked up, kept or checked, headers and payloads go out in one gathering call, one
// thread serves one connection: as fast as plain blocking send and recv get. What a server reaches of this
// figure is its efficiency; the rest is what its bookkeeping costs.
//
// Usage: LoopbackLimit PORT [VALUE_BYTE_COUNT [BUFFER_COUNT]]; port 0 takes a free one.
// Prints the port, then serves until it is killed. A connection's first byte tells its protocol.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "limit.h"

enum { BUFFER_COUNT_MAX = 4096 };

size_t value_byte_count = 4u << 20;
struct ring ring;

static void *serve(void *argument) {
    int descriptor = (int)(intptr_t)argument;
    char first_byte;
    disable_delay(descriptor);
    if (recv(descriptor, &first_byte, 1, MSG_PEEK) == 1) {
        if (first_byte == '*') {
            serve_resp(descriptor);
        } else {
            while (serve_lm(descriptor) == 0) {
            }
        }
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
    unsigned buffer_count = 64;
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
    ring = make_ring(buffer_count, value_byte_count);
    prepare_resp();
    int listener = listen_on((uint16_t)strtoul(arguments[1], NULL, 10));
    for (;;) {
        int descriptor = accept(listener, NULL, NULL);
        if (descriptor < 0) {
            continue;
        }
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)descriptor) != 0) {
            close(descriptor);
            continue;
        }
        pthread_detach(thread);
    }
}
