/* SPDX-License-Identifier: BSD-3-Clause
 *
 * limit.c - what the machine can do: the same codec over a batched AF_UNIX stream, no broker, no tracking, nothing that
 * survives the loss of anybody.
 *
 * The client is one thread; it writes up to 64 KiB of tickets at once, and reads whatever has come. A large row is not
 * copied into its ticket but written from where it lies. A worker answers all that lay in one read with one write.
 * Frames are a length of 4 bytes and the codec's bytes.
 */
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define BATCH 65536
#define READ_SIZE (256 * 1024)
#define BORROW_MIN 4096

/* ---- frames over a stream ---------------------------------------------------------------------------------------- */

typedef struct {
    bench_buf_t buf;
    size_t at; /* bytes before are done with */
} stream_t;

/* Leaves room for the length; the frame's bytes are appended; frame_end writes the length. */
static size_t frame_begin (bench_buf_t *out)
{
    bench_buf_write (out, "\0\0\0\0", 4);
    return out->size;
}

static void frame_end (bench_buf_t *out, size_t begin, size_t borrowed)
{
    uint32_t size = (uint32_t) (out->size - begin + borrowed);
    memcpy (out->data + begin - 4, &size, 4);
}

/* The next whole frame, or NULL. */
static const char *frame_next (stream_t *self, uint32_t *ret_size)
{
    size_t left = self->buf.size - self->at;
    uint32_t size;
    if (left < 4)
        return NULL;
    memcpy (&size, self->buf.data + self->at, 4);
    if (left < 4 + (size_t) size)
        return NULL;
    const char *frame = self->buf.data + self->at + 4;
    self->at += 4 + (size_t) size;
    *ret_size = size;
    return frame;
}

/* Reads what is there behind what is left; 0 at the end. A frame that is known to be large gets its room at once. */
static ssize_t stream_read (stream_t *self, int fd)
{
    uint32_t size = 0;
    size_t left = self->buf.size - self->at;
    if (left && self->at)
        memmove (self->buf.data, self->buf.data + self->at, left);
    self->buf.size = left;
    self->at = 0;
    if (left >= 4)
        memcpy (&size, self->buf.data, 4);
    bench_buf_reserve (&self->buf, READ_SIZE > size ? READ_SIZE : size);
    ssize_t got = read (fd, self->buf.data + self->buf.size, self->buf.room - self->buf.size);
    if (got > 0)
        self->buf.size += (size_t) got;
    return got;
}

/* ---- worker ------------------------------------------------------------------------------------------------------ */

static void write_all (int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t put = write (fd, data, size);
        if (put < 0)
            _exit (0); /* the client is gone */
        data += put;
        size -= (size_t) put;
    }
}

static _Noreturn void worker (bench_work_t work, int fd)
{
    stream_t in = {0};
    bench_buf_t out = {0};
    msgpack_zone zone;
    msgpack_zone_init (&zone, MSGPACK_ZONE_CHUNK_SIZE);
    uint32_t size;

    write_all (fd, "!", 1); /* ready */
    while (stream_read (&in, fd) > 0) {
        out.size = 0;
        for (const char *frame; (frame = frame_next (&in, &size));) {
            size_t begin = frame_begin (&out);
            bench_answer (work, frame, size, &zone, &out);
            frame_end (&out, begin, 0);
        }
        write_all (fd, out.data, out.size);
    }
    _exit (0);
}

/* ---- client ------------------------------------------------------------------------------------------------------ */

typedef struct {
    int fd;
    uint32_t outstanding;
    stream_t in, out;
    struct iovec tail; /* borrowed bytes behind those of `out` */
} peer_t;

static void peer_start (peer_t *self, bench_work_t work)
{
    int ends[2];
    char ready;
    if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        bench_die ("socketpair");
    if (bench_fork () == 0) {
        close (ends[0]);
        worker (work, ends[1]);
    }
    close (ends[1]);
    *self = (peer_t){.fd = ends[0]};
    if (read (self->fd, &ready, 1) != 1)
        bench_die ("worker");
}

/* A msgpack_packer_write; what is large is the end of its ticket. */
static int peer_write (void *arg, const char *data, size_t size)
{
    peer_t *self = arg;
    if (size < BORROW_MIN)
        return bench_buf_write (&self->out.buf, data, size);
    self->tail = (struct iovec){.iov_base = (void *) (uintptr_t) data, .iov_len = size};
    return 0;
}

static void peer_pack (peer_t *self, const bench_args_t *args, uint64_t ticket)
{
    msgpack_packer pk;
    size_t begin = frame_begin (&self->out.buf);
    msgpack_packer_init (&pk, self, peer_write);
    bench_pack_ticket (args, ticket, &pk);
    frame_end (&self->out.buf, begin, self->tail.iov_len);
    self->outstanding++;
}

static bool peer_is_clear (const peer_t *self)
{
    return self->out.buf.size == 0 && self->tail.iov_len == 0;
}

/* Writes what the socket takes. */
static void peer_flush (peer_t *self)
{
    bench_buf_t *out = &self->out.buf;
    if (peer_is_clear (self))
        return;
    struct iovec parts[] = {{out->data + self->out.at, out->size - self->out.at}, self->tail};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t put = sendmsg (self->fd, &message, MSG_NOSIGNAL);
    if (put < 0 && errno != EAGAIN)
        bench_die ("sendmsg");
    size_t left = put > 0 ? (size_t) put : 0;
    size_t head = left < parts[0].iov_len ? left : parts[0].iov_len;
    self->out.at += head;
    self->tail.iov_base = (char *) self->tail.iov_base + (left - head);
    self->tail.iov_len -= left - head;
    if (self->tail.iov_len == 0 && self->out.at == out->size)
        self->out.at = out->size = 0;
}

/* Packs and writes until the socket takes no more, or the peer has all that it may. Returns how many it got. */
static uint64_t peer_feed (peer_t *self, const bench_args_t *args, uint64_t next, uint64_t behind)
{
    uint64_t ticket = next;
    uint32_t share = args->window / BENCH_WORKERS;
    do {
        while (ticket < behind && self->outstanding < share && self->out.buf.size < BATCH && !self->tail.iov_len)
            peer_pack (self, args, ticket++);
        peer_flush (self);
    } while (peer_is_clear (self) && ticket < behind && self->outstanding < share);
    return ticket - next;
}

static void peer_read (peer_t *self, bench_run_t *run, msgpack_zone *zone)
{
    uint32_t size;
    ssize_t got = stream_read (&self->in, self->fd);
    if (got == 0 || (got < 0 && errno != EAGAIN))
        bench_die ("read");
    for (const char *frame; (frame = frame_next (&self->in, &size));) {
        uint64_t ticket, value;
        bench_unpack_result (frame, size, zone, &ticket, &value);
        bench_run_file (run, ticket, value);
        self->outstanding--;
    }
}

static void throughput (const bench_args_t *args, peer_t *peers, bench_run_t *run, msgpack_zone *zone)
{
    uint64_t tickets = bench_tickets (args), sent = 0;
    struct pollfd fds[BENCH_WORKERS];
    for (int i = 0; i < BENCH_WORKERS; i++)
        fcntl (peers[i].fd, F_SETFL, O_NONBLOCK);

    while (run->count < tickets) {
        for (int i = 0; i < BENCH_WORKERS; i++) {
            peer_t *peer = &peers[i];
            sent += peer_feed (peer, args, sent, tickets);
            fds[i] = (struct pollfd){.fd = peer->fd, .events = peer_is_clear (peer) ? POLLIN : POLLIN | POLLOUT};
        }
        if (poll (fds, BENCH_WORKERS, -1) < 0)
            bench_die ("poll");
        for (int i = 0; i < BENCH_WORKERS; i++)
            if (fds[i].revents & ~POLLOUT)
                peer_read (&peers[i], run, zone);
    }
}

static void latency (const bench_args_t *args, peer_t *peers, bench_run_t *run, msgpack_zone *zone)
{
    for (uint64_t ticket = 0; ticket < bench_tickets (args); ticket++) {
        peer_t *peer = &peers[ticket % BENCH_WORKERS];
        uint64_t began = bench_now ();
        peer_pack (peer, args, ticket);
        peer_flush (peer);
        while (peer->outstanding)
            peer_read (peer, run, zone);
        bench_run_sample (run, ticket, began);
    }
}

int main (int argc, char **argv)
{
    bench_args_t args;
    bench_run_t run;
    peer_t peers[BENCH_WORKERS];
    msgpack_zone zone;

    bench_args (&args, argc, argv);
    bench_run_init (&run, &args);
    msgpack_zone_init (&zone, MSGPACK_ZONE_CHUNK_SIZE);
    for (int i = 0; i < BENCH_WORKERS; i++)
        peer_start (&peers[i], args.work);

    bench_run_begin (&run);
    if (args.latency)
        latency (&args, peers, &run, &zone);
    else
        throughput (&args, peers, &run, &zone);
    bench_run_end (&run);

    for (int i = 0; i < BENCH_WORKERS; i++) {
        close (peers[i].fd);
        free (peers[i].in.buf.data);
        free (peers[i].out.buf.data);
    }
    while (wait (NULL) > 0)
        ;
    msgpack_zone_destroy (&zone);
    bench_run_report (&run);
    return 0;
}
