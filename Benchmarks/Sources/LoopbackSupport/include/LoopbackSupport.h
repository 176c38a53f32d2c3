// What the C programs of this package share: buffers, whole reads and writes, and the keys they agree on.

#ifndef LOOPBACK_SUPPORT_H
#define LOOPBACK_SUPPORT_H

#include <stddef.h>
#include <sys/types.h>

/// Prints `what` and the current error, and ends the process with status 1.
_Noreturn void fail(const char *what);

/// Maps `byte_count` bytes, asks for huge pages, and touches every page.
char *touched_buffer(size_t byte_count);

/// Touched room for `count` values, one behind another in one mapping as in an arena, a CR LF behind each.
struct ring {
    char *base;
    size_t stride;
    unsigned count;
};

struct ring make_ring(unsigned count, size_t value_byte_count);

/// The room of value `index`, counted around the ring.
char *ring_value(const struct ring *ring, unsigned index);

/// Receives once, again if a signal interrupts. Returns what recv returns.
ssize_t receive_some(int descriptor, char *buffer, size_t byte_count);

/// Receives exactly `byte_count` bytes. Returns 0, or -1 at the end of the stream or an error.
int receive_all(int descriptor, char *buffer, size_t byte_count);

/// Sends `head` and then `body`, gathered. Returns 0 or -1.
int send_all(int descriptor, const char *head, size_t head_bytes, const char *body, size_t body_bytes);

/// Sends each small message at once.
void disable_delay(int descriptor);

// A key as LMCache writes it: model, world size, worker, chunk hash, element type. All have one length, and
// the last four digits of the hash are the key's number, so that the limit finds a value without an index.

enum { KEY_BYTE_COUNT = 100, KEY_NUMBER_END = 65536 };

/// Writes the key of `number`, less than `KEY_NUMBER_END`, and a NUL.
void make_key(unsigned number, char key[KEY_BYTE_COUNT + 1]);

/// The number in a key that `make_key` made, or `KEY_NUMBER_END` if it is no such key.
unsigned number_of_key(const char *key);

#endif
