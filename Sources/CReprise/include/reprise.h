/*
 * Reprise for C: the key/value cache of a node on this host, at the speed of memory.
 *
 * A client is connected to a node's Unix socket, or holds a node of its own (embedded). Values are copied
 * once, between the caller's memory and the node's, by the calling thread or by the client's copy threads; or
 * they are read where they lie, under a lease.
 *
 * Every function may be called from any thread, and checks its arguments: a wrong call returns a status and
 * changes nothing. In a forked child every call on a client of the parent returns REPRISE_ERROR_FORKED; only
 * reprise_close, which then frees what is the child's, does something. The library changes no signal's
 * disposition, and its threads block all signals.
 */
#ifndef REPRISE_H
#define REPRISE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this interface. A library serves callers of its own major version and a minor one up to its
   own. */
#define REPRISE_ABI_MAJOR 1
#define REPRISE_ABI_MINOR 0

/* What became of a call, or of one key of a batch. */
typedef int32_t reprise_status;

enum {
    REPRISE_OK = 0,
    /* The key is not stored. Not an error. */
    REPRISE_MISSING = -1,
    /* An argument is wrong; nothing was done. */
    REPRISE_ERROR_INVALID_ARGUMENT = -2,
    /* No connection to the node: it is away, or restarting; the client goes on trying to reach it. */
    REPRISE_ERROR_NOT_CONNECTED = -3,
    /* The node did not answer in time. */
    REPRISE_ERROR_TIMEOUT = -4,
    /* The client belongs to the process that this one was forked from. */
    REPRISE_ERROR_FORKED = -5,
    /* The client is closed or closing. */
    REPRISE_ERROR_CLOSED = -6,
    /* The node refuses this client, or speaks another version of the protocol. */
    REPRISE_ERROR_REFUSED = -7,
    /* The value has another length than the caller's memory. */
    REPRISE_ERROR_LENGTH = -8,
    /* There is no room for the value in the node, or a limit of this client is reached. */
    REPRISE_ERROR_NO_ROOM = -9,
    /* The lease is not, or no longer, the client's. */
    REPRISE_ERROR_LEASE = -10,
    /* The system has refused something: memory, threads, descriptors. */
    REPRISE_ERROR_SYSTEM = -11,
    /* The node has answered what it must not. */
    REPRISE_ERROR_PROTOCOL = -12
};

/* The most keys of one batch. */
#define REPRISE_BATCH_KEYS_MAX 4096
/* The most bytes of a key; at least one. */
#define REPRISE_KEY_BYTES_MAX 4096
/* The most pieces that the values of one batch lie in. */
#define REPRISE_BATCH_PIECES_MAX 1048576
/* The most batches submitted and not drained, of one client. */
#define REPRISE_SUBMITTED_BATCHES_MAX 4096
/* The most threads that a client copies with. */
#define REPRISE_COPY_THREADS_MAX 64

/* A client. */
typedef struct reprise_client reprise_client;

/* Bytes that are only read: a key. */
typedef struct reprise_bytes {
    const void *data;
    size_t length;
} reprise_bytes;

/* A piece of a value in the caller's memory: read by set, written by get. */
typedef struct reprise_piece {
    void *data;
    size_t length;
} reprise_piece;

/* A value in the caller's memory, which may lie in several pieces, in order. */
typedef struct reprise_value {
    const reprise_piece *pieces;
    size_t piece_count;
} reprise_value;

/* How to make a client. Zero means the default, where a default is named. */
typedef struct reprise_options {
    /* sizeof(reprise_options), so that later versions can add fields. */
    size_t struct_size;
    /* The node's Unix socket; NULL: the environment's REPRISE_SOCKET, or /run/reprise/reprise.sock. */
    const char *socket_path;
    /* Clients with the same session (16 bytes that are not all zero, chosen at random, of one user) may
       redeem each other's lookups; NULL: a session of its own. */
    const uint8_t *session;
    /* Threads that carry out submitted batches: 2 by default. */
    uint32_t copy_threads;
    /* How long a call waits for the node: 10,000 by default. */
    uint32_t timeout_ms;
    /* How long the first connection may take: 5,000 by default. */
    uint32_t connect_timeout_ms;
    /* Whether to succeed though the node cannot be reached yet: the client goes on trying. */
    uint32_t connect_later;
} reprise_options;

/* How to make an embedded node. */
typedef struct reprise_embedded_options {
    /* sizeof(reprise_embedded_options). */
    size_t struct_size;
    /* Bytes of memory for values; at least 1 MiB. */
    uint64_t memory_bytes;
    /* A directory for values that leave memory; NULL: none. */
    const char *disk_path;
    /* Bytes that the directory may take; with a disk_path. */
    uint64_t disk_bytes;
    /* Threads that carry out submitted batches: 2 by default. */
    uint32_t copy_threads;
} reprise_embedded_options;

/* Connects to a node. On success *client is to be given to reprise_close; otherwise it is NULL. Where
   nobody listens it fails at once, unless connect_later is set. */
reprise_status reprise_connect(const reprise_options *options, reprise_client **client);

/* Makes a node within this process, with the same functions and no socket. */
reprise_status reprise_open(const reprise_embedded_options *options, reprise_client **client);

/* Ends a client: waits for calls under way, fails what is submitted and not begun, gives leases back. Views
   are invalid from then on. NULL is allowed. No other call may begin once this one has. */
void reprise_close(reprise_client *client);

/* ---- Batches. `results` has `count` elements, one for each key, and is written if the call returns
   REPRISE_OK. An element is a status if negative, and otherwise what the function says. A batch that did not
   reach the node returns the status for all of it.

   Keys must not repeat within a batch of set. What a get has put into memory whose result is negative is not
   defined. A value is 1 byte or more. */

/* Stores values in place of older ones. Result: 0. */
reprise_status reprise_set(reprise_client *client, const reprise_bytes *keys, const reprise_value *values,
                           size_t count, int64_t *results);

/* Copies values into the caller's memory. Result: the value's length, which equals the memory's;
   REPRISE_MISSING; REPRISE_ERROR_LENGTH. */
reprise_status reprise_get(reprise_client *client, const reprise_bytes *keys, const reprise_value *values,
                           size_t count, int64_t *results);

/* Asks which keys are stored. Result: 1 or 0. */
reprise_status reprise_exists(reprise_client *client, const reprise_bytes *keys, size_t count,
                              int64_t *results);

/* Removes keys. Result: 1 if it was stored, or 0. */
reprise_status reprise_delete(reprise_client *client, const reprise_bytes *keys, size_t count,
                              int64_t *results);

/* The length of the longest stored prefix of the keys.
 *
 * If `lookup` is not NULL, the prefix's values are kept from eviction, and *lookup is a number by which any
 * client of the session gets them with reprise_get_lookup, or gives them up with reprise_forget_lookup; 0 if
 * nothing is stored. What is not redeemed expires after a time that the node names (30 s by default). Of a
 * longer batch the values of the first 1,024 keys are kept, and fewer if they pass the node's limits. */
reprise_status reprise_lookup(reprise_client *client, const reprise_bytes *keys, size_t count, size_t *prefix,
                              uint64_t *lookup);

/* Gives a lookup up. One that has expired, or was redeemed, is not an error. */
reprise_status reprise_forget_lookup(reprise_client *client, uint64_t lookup);

/* Gets values that a lookup has kept, as reprise_get does, and falls back to what is stored for those it has
   not. `lookup` may be 0. The lookup is redeemed whole: what it kept beyond these keys is let go. */
reprise_status reprise_get_lookup(reprise_client *client, uint64_t lookup, const reprise_bytes *keys,
                                  const reprise_value *values, size_t count, int64_t *results);

/* ---- Views: values where they lie, without a copy. */

/* A value that is read where it lies. */
typedef struct reprise_view {
    /* NULL if the key is not stored. Only to be read; valid until the lease is released. */
    const void *data;
    size_t length;
    /* To be released once; 0 if the key is not stored. */
    uint64_t lease;
    /* What the value was stored with over lm: its format, dtype and four dimensions; all 0 if over another
       way. */
    int32_t format;
    int32_t dtype;
    int32_t shape[4];
} reprise_view;

/* Takes leases of values. Each counts against the node's limit of leased bytes for one client. Result: the
   length, or a status, as with reprise_get. */
reprise_status reprise_acquire(reprise_client *client, const reprise_bytes *keys, size_t count,
                               reprise_view *views, int64_t *results);

/* Gives leases back; their views are invalid from then on. REPRISE_ERROR_LEASE if one of them is not held,
   and then the others are released all the same. */
reprise_status reprise_release(reprise_client *client, const uint64_t *leases, size_t count);

/* ---- Batches that the client's copy threads carry out.

   Keys are copied at once. The memory of values (not the arrays that describe it, which are copied too) and
   `results` must stay valid until the batch is drained. */

/* What a submitted batch does. */
typedef enum reprise_operation {
    REPRISE_OPERATION_SET = 1,
    REPRISE_OPERATION_GET = 2,
    REPRISE_OPERATION_EXISTS = 3,
    REPRISE_OPERATION_DELETE = 4,
    /* One result: the length of the longest stored prefix. */
    REPRISE_OPERATION_LOOKUP = 5
} reprise_operation;

/* A batch that has ended. */
typedef struct reprise_completion {
    uint64_t id;
    /* REPRISE_OK: the results are written. */
    reprise_status status;
    uint32_t reserved;
} reprise_completion;

/* Submits a batch; *id is its number from 1 on. `values` is for set and get only, otherwise NULL. Batches of
   one client may be carried out at the same time, and end in any order. */
reprise_status reprise_submit(reprise_client *client, int32_t operation, const reprise_bytes *keys,
                              const reprise_value *values, size_t count, int64_t *results, uint64_t *id);

/* As reprise_submit with REPRISE_OPERATION_GET, for values that a lookup has kept; see reprise_get_lookup. */
reprise_status reprise_submit_get_lookup(reprise_client *client, uint64_t lookup, const reprise_bytes *keys,
                                         const reprise_value *values, size_t count, int64_t *results,
                                         uint64_t *id);

/* An eventfd that is readable while ended batches wait to be drained; the client's own, not to be closed or
   read. A negative status if the client is not usable. */
int reprise_event_fd(reprise_client *client);

/* Takes ended batches out: up to `capacity`, which is 1 or more. Never waits. Returns how many, or a negative
   status. */
int64_t reprise_drain(reprise_client *client, reprise_completion *completions, size_t capacity);

/* ---- What a client knows */

/* The connected node; counters are of this client alone. */
typedef struct reprise_statistics {
    /* sizeof(reprise_statistics), set by the caller. */
    size_t struct_size;
    /* 1 while connected. */
    uint32_t connected;
    /* 1 if the node gave a descriptor that can be written: a client of the node's own user. */
    uint32_t writable;
    /* Bytes of values that the node can hold in memory, holds, and of free memory; 0 while not connected. */
    uint64_t capacity_bytes;
    uint64_t used_bytes;
    uint64_t entries;
    /* Connections made after the first. */
    uint64_t reconnects;
    /* Leases held now, and their bytes. */
    uint64_t leases;
    uint64_t leased_bytes;
    /* Bytes copied to and from the node. */
    uint64_t bytes_stored;
    uint64_t bytes_loaded;
} reprise_statistics;

/* Asks the node. */
reprise_status reprise_get_statistics(reprise_client *client, reprise_statistics *statistics);

/* The library's version, as "0.1.0"; never freed. */
const char *reprise_version(void);

/* (REPRISE_ABI_MAJOR << 16) | REPRISE_ABI_MINOR of the library. */
uint32_t reprise_abi_version(void);

/* A status in a few words; never NULL, never freed. */
const char *reprise_status_text(reprise_status status);

/* What was wrong with this thread's last call that returned a negative status, and what to do; "" before the
   first. Valid until the thread's next call. Errors of submitted batches are told by
   reprise_completion_error. */
const char *reprise_last_error(void);

/* Copies the message of a drained batch that did not succeed, NUL-terminated and cut to `capacity`; the last
   1,024 failed batches are remembered. Returns the message's length, 0 if there is none. */
size_t reprise_completion_error(reprise_client *client, uint64_t id, char *text, size_t capacity);

#ifdef __cplusplus
}
#endif

#endif
