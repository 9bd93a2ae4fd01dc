/* SPDX-License-Identifier: BSD-3-Clause
 *
 * pass.c - see pass.h.
 */
#include "pass.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FILES_BYTES (EMP_PASS_FILES_MAX * sizeof (int))

/* The kernel wants its headers aligned. */
typedef union {
    struct cmsghdr align;
    char room[CMSG_SPACE (FILES_BYTES)];
} ancillary_t;

bool emp_pass_send (int socket, const void *data, size_t size, const int *files, size_t count)
{
    assert (count <= EMP_PASS_FILES_MAX);
    ancillary_t ancillary = {.room = {0}};
    struct iovec bytes = {.iov_base = (void *) (size_t) data, .iov_len = size}; /* sendmsg only reads it */
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
    if (count > 0) {
        message.msg_control = ancillary.room;
        message.msg_controllen = CMSG_SPACE (count * sizeof (int));
        struct cmsghdr *header = CMSG_FIRSTHDR (&message);
        assert (header); /* there is room for one */
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN (count * sizeof (int));
        memcpy (CMSG_DATA (header), files, count * sizeof (int));
    }
    ssize_t rc;
    do
        rc = sendmsg (socket, &message, MSG_NOSIGNAL);
    while (rc < 0 && errno == EINTR);
    return rc == (ssize_t) size;
}

/* Files that came with the message; how many. */
static size_t files_of (struct msghdr *message, int *ret_files)
{
    size_t count = 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR (message); header; header = CMSG_NXTHDR (message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        count = (header->cmsg_len - CMSG_LEN (0)) / sizeof (int); /* of one header at the most, and no more than fit */
        memcpy (ret_files, CMSG_DATA (header), count * sizeof (int));
    }
    return count;
}

bool emp_pass_receive (int socket, void *data, size_t size, int *ret_files, size_t count)
{
    assert (count <= EMP_PASS_FILES_MAX);
    ancillary_t ancillary;
    int files[EMP_PASS_FILES_MAX];
    struct iovec bytes = {.iov_base = data, .iov_len = size};
    struct msghdr message = {
        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = ancillary.room, .msg_controllen = sizeof ancillary.room};
    ssize_t rc;
    do
        rc = recvmsg (socket, &message, MSG_CMSG_CLOEXEC);
    while (rc < 0 && errno == EINTR);
    if (rc < 0)
        return false;
    size_t found = files_of (&message, files);
    if (rc == (ssize_t) size && !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) && found == count) {
        if (count > 0)
            memcpy (ret_files, files, count * sizeof (int));
        return true;
    }
    while (found > 0)
        close (files[--found]);
    return false;
}
