#ifndef C_REPRISE_SHIMS_H
#define C_REPRISE_SHIMS_H

// Linux calls and constants that Swift's Glibc overlay does not import, or imports in a form that is
// awkward to call. Each function is the thinnest wrapper that makes the call reachable.

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

/// The longest text that a thread keeps, its final zero included.
#define REPRISE_THREAD_TEXT_BYTES_MAX 512

/// Creates an anonymous file of `byte_count` bytes, mode 0600, sealed against shrinking, growing and further
/// seals. Returns its descriptor, or -errno. See memfd_create(2), fcntl(2) F_ADD_SEALS.
int reprise_memfd_create_sealed(const char *name, uint64_t byte_count);

/// madvise(2) with MADV_HUGEPAGE. Returns 0 or -errno.
int reprise_advise_huge_pages(void *address, size_t byte_count);

/// madvise(2) with MADV_COLLAPSE (Linux 6.1). Returns 0 or -errno.
int reprise_collapse_huge_page(void *address, size_t byte_count);

/// madvise(2) with MADV_POPULATE_WRITE (Linux 5.14). Returns 0 or -errno.
int reprise_populate_write(void *address, size_t byte_count);

/// Names the calling thread (15 characters at most). See pthread_setname_np(3).
void reprise_set_thread_name(const char *name);


/// Asks the processor to bring the cache line at `address` closer; never faults.
static inline void reprise_prefetch(const void *address) { __builtin_prefetch(address, 1, 3); }

/// eventfd(2), close-on-exec and non-blocking. Returns its descriptor, or -errno.
int reprise_eventfd(void);

/// accept4(2) with a non-blocking, close-on-exec socket. Returns its descriptor, or -errno.
int reprise_accept(int listener);

/// Receives bytes with recvmsg(2), and the descriptor that came beside them, close-on-exec; -1 for none.
/// Further descriptors are closed. Returns the count of bytes, 0 at the stream's end, or -errno.
int64_t reprise_receive_with_descriptor(int socket, void *bytes, size_t byte_count, int *descriptor);

/// madvise(2) with MADV_POPULATE_READ (Linux 5.14). Returns 0 or -errno.
int reprise_populate_read(const void *address, size_t byte_count);

/// The seals of a memory file, or -errno. See fcntl(2) F_GET_SEALS.
int reprise_seals(int descriptor);

/// Whether such seals forbid to shrink the file.
int reprise_forbids_shrinking(int seals);

/// Keeps a text for the calling thread, cut to REPRISE_THREAD_TEXT_BYTES_MAX.
void reprise_set_thread_text(const char *text);

/// The text that the calling thread has kept last; "" before the first.
const char *reprise_thread_text(void);

/// The user at the other end of a Unix socket, and a descriptor that is readable once its process has ended
/// (pidfd_open(2)); -1 where the kernel gives none. Returns 0 or -errno. See unix(7), SO_PEERCRED.
int reprise_peer_process(int socket, uint32_t *user, int *process_descriptor);

/// Sends bytes on a Unix socket with a descriptor beside the first of them, without waiting or a signal.
/// Returns the bytes sent, or -errno. See unix(7), SCM_RIGHTS.
int64_t reprise_send_descriptor(int socket, const void *bytes, size_t byte_count, int descriptor);

/// Opens the file behind a descriptor once more, for reading only. Returns the new descriptor, or -errno.
int reprise_reopen_for_reading(int descriptor);

/// fallocate(2) of a range. Returns 0 or -errno.
int reprise_allocate(int descriptor, int64_t offset, int64_t byte_count);

/// The flag of open(2) for transfers past the page cache.
int reprise_o_direct(void);

/// Writes dirty pages of a range to the device and waits for it, without metadata. Returns 0 or
/// -errno. See sync_file_range(2).
int reprise_write_back(int descriptor, int64_t offset, int64_t byte_count);

/// Whether the processor has an instruction for CRC32C.
int reprise_has_crc32c(void);

/// Continues a CRC32C (Castagnoli) over more bytes with the processor's instruction; start with 0. Call it
/// only where `reprise_has_crc32c` says so.
uint32_t reprise_crc32c(uint32_t checksum, const void *bytes, size_t byte_count);

#endif
