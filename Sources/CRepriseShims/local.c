#define _GNU_SOURCE
#include "CRepriseShims.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

// Room for more descriptors than one, so that what a peer sends too many of is seen and closed.
#define DESCRIPTOR_COUNT_MAX 16

static void take_descriptors(struct msghdr *message, int *descriptor) {
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL; part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
        size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t index = 0; index < count; index++) {
            int received;
            memcpy(&received, CMSG_DATA(part) + index * sizeof(int), sizeof(int));
            if (*descriptor < 0) {
                *descriptor = received;
            } else {
                close(received);
            }
        }
    }
}

int64_t reprise_receive_with_descriptor(int socket, void *bytes, size_t byte_count, int *descriptor) {
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(DESCRIPTOR_COUNT_MAX * sizeof(int))];
    struct iovec vector = {.iov_base = bytes, .iov_len = byte_count};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    *descriptor = -1;
    ssize_t received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (received < 0) return -errno;
    take_descriptors(&message, descriptor);
    return received;
}

int reprise_populate_read(const void *address, size_t byte_count) {
    return madvise((void *)address, byte_count, MADV_POPULATE_READ) == 0 ? 0 : -errno;
}

int reprise_seals(int descriptor) {
    int seals = fcntl(descriptor, F_GET_SEALS);
    return seals >= 0 ? seals : -errno;
}

int reprise_forbids_shrinking(int seals) { return seals >= 0 && (seals & F_SEAL_SHRINK) != 0; }

static _Thread_local char thread_text[REPRISE_THREAD_TEXT_BYTES_MAX];

void reprise_set_thread_text(const char *text) { snprintf(thread_text, sizeof(thread_text), "%s", text); }

const char *reprise_thread_text(void) { return thread_text; }
