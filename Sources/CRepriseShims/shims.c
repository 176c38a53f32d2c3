#define _GNU_SOURCE
#include "CRepriseShims.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

int reprise_memfd_create_sealed(const char *name, uint64_t byte_count) {
    int descriptor = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (descriptor < 0) return -errno;
    if (fchmod(descriptor, 0600) != 0 || ftruncate(descriptor, (off_t)byte_count) != 0 ||
        fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        int error = errno;
        close(descriptor);
        return -error;
    }
    return descriptor;
}

static int advise(void *address, size_t byte_count, int advice) {
    return madvise(address, byte_count, advice) == 0 ? 0 : -errno;
}

int reprise_advise_huge_pages(void *address, size_t byte_count) {
    return advise(address, byte_count, MADV_HUGEPAGE);
}

int reprise_collapse_huge_page(void *address, size_t byte_count) {
    return advise(address, byte_count, MADV_COLLAPSE);
}

int reprise_populate_write(void *address, size_t byte_count) {
    return advise(address, byte_count, MADV_POPULATE_WRITE);
}

void reprise_set_thread_name(const char *name) { pthread_setname_np(pthread_self(), name); }

int reprise_accept(int listener) {
    int descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return descriptor >= 0 ? descriptor : -errno;
}

int reprise_eventfd(void) {
    int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return descriptor >= 0 ? descriptor : -errno;
}

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

int reprise_peer_process(int socket, uint32_t *user, int *process_descriptor) {
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return -errno;
    *user = peer.uid;
    *process_descriptor = -1;
    int descriptor = -1;
    length = sizeof descriptor;
    // Linux 6.5; before it the number is opened, which a new process can have only if the peer has ended.
    if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &descriptor, &length) != 0)
        descriptor = (int)syscall(SYS_pidfd_open, peer.pid, 0);
    if (descriptor >= 0) {
        fcntl(descriptor, F_SETFD, FD_CLOEXEC);
        *process_descriptor = descriptor;
    }
    return 0;
}

int64_t reprise_send_descriptor(int socket, const void *bytes, size_t byte_count, int descriptor) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    memset(&control, 0, sizeof control);
    struct iovec vector = {.iov_base = (void *)bytes, .iov_len = byte_count};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    ssize_t sent;
    do sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent >= 0 ? sent : -errno;
}

int reprise_reopen_for_reading(int descriptor) {
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    int reopened = open(path, O_RDONLY | O_CLOEXEC);
    return reopened >= 0 ? reopened : -errno;
}

int reprise_o_direct(void) { return O_DIRECT; }

int reprise_write_back(int descriptor, int64_t offset, int64_t byte_count) {
    unsigned flags = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    return sync_file_range(descriptor, offset, byte_count, flags) == 0 ? 0 : -errno;
}

int reprise_allocate(int descriptor, int64_t offset, int64_t byte_count) {
    return fallocate(descriptor, 0, offset, byte_count) == 0 ? 0 : -errno;
}
