/* SPDX-License-Identifier: BSD-3-Clause
 *
 * servers.c - a worker module: an HTTP server for each port that it is fed. One result a ticket: the server's URL.
 *
 * The same module may stand in worker_modules several times, for several servers in one process. All but the first start
 * one server and return at once. The first starts what else its queue has, usually one, and then stays for ever.
 *
 * A port's ticket is answered when its server listens, so nobody is fed that port again when the process dies. So a
 * process notes its ports in the run's folder, and one that is started anew begins with those of its predecessor.
 *
 *     cc -shared -fPIC -O2 -o servers.so servers.c $(pkg-config --cflags eisenmp) -lmicrohttpd
 */
#include <arpa/inet.h>
#include <eisenmp.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SERVERS_MAX 256 /* in one process */
#define BACKLOG 64      /* connections that wait to be accepted */
#define PAGE_ROOM 1024
#define LOOK_NS 5000000 /* between two looks at how many ports wait */

/* A process has the colour of its START_SEQUENCE_NUM, and reads that colour's queue if the run has it. */
typedef struct {
    const char *name, *queue, *shade;
} colour_t;

static const colour_t colours[] = {
    {"blue", "blue_q_3", "#9ec5fe"}, {"red", "red_q_3", "#f1aeb5"}, {"yellow", "yellow_q_3", "#ffe69c"}};

#define COLOURS (sizeof colours / sizeof *colours)

/* Who serves which port: what a successor must know. */
typedef struct {
    uint64_t ticket;
    unsigned port;
} note_t;

/* What the modules of a process share. They are all called by one thread. */
typedef struct {
    emp_toolbox_t *toolbox;
    const colour_t *colour;
    emp_queue_t *queue;
    const char *bind; /* the address to listen on */
    char path[300];   /* of the notes; empty: there are none */
    note_t notes[SERVERS_MAX];
    unsigned noted, started; /* notes, and how many of them have been looked at */
} group_t;

/* ---- one server -------------------------------------------------------------------------------------------------- */

static enum MHD_Result answer (void *page, struct MHD_Connection *connection, const char *url, const char *method,
                               const char *version, const char *body, size_t *body_size, void **state)
{
    (void) url, (void) version, (void) body, (void) body_size, (void) state;
    if (!strcmp (method, MHD_HTTP_METHOD_GET) || !strcmp (method, MHD_HTTP_METHOD_HEAD))
        return MHD_queue_response (connection, MHD_HTTP_OK, page);
    struct MHD_Response *nothing = MHD_create_response_from_buffer (0, NULL, MHD_RESPMEM_PERSISTENT);
    if (!nothing)
        return MHD_NO;
    MHD_add_response_header (nothing, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result queued = MHD_queue_response (connection, MHD_HTTP_METHOD_NOT_ALLOWED, nothing);
    MHD_destroy_response (nothing);
    return queued;
}

static struct MHD_Response *make_page (const group_t *self, unsigned number, unsigned port)
{
    char text[PAGE_ROOM];
    const char *colour = self->colour->name, *name = emp_toolbox_worker_name (self->toolbox);
    int pid = emp_toolbox_worker_pid (self->toolbox);
    int size = snprintf (text, sizeof text,
                         "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                         "<title>%s server %u</title></head>\n"
                         "<body style=\"background: %s\">\n<h1>%s server %u</h1>\n<p>%s, pid %d, port %u</p>\n"
                         "</body></html>\n",
                         colour, number, self->colour->shade, colour, number, name, pid, port);
    struct MHD_Response *page = MHD_create_response_from_buffer ((size_t) size, text, MHD_RESPMEM_MUST_COPY);
    if (page)
        MHD_add_response_header (page, MHD_HTTP_HEADER_CONTENT_TYPE, "text/html; charset=utf-8");
    return page;
}

/* A socket that listens, or -1 with errno. *port is 0, any that is free, or the one that is wanted; then the one it has. */
static int listen_on (const char *address, unsigned *port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons ((uint16_t) *port)};
    socklen_t size = sizeof name;
    int yes = 1;
    inet_pton (AF_INET, address, &name.sin_addr); /* was tried before */
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) || bind (fd, (struct sockaddr *) &name, size) ||
        listen (fd, BACKLOG) || getsockname (fd, (struct sockaddr *) &name, &size)) {
        int why = errno;
        close (fd);
        errno = why;
        return -1;
    }
    *port = ntohs (name.sin_port);
    return fd;
}

/* Starts a server, which has a thread of its own and ends with the process. False with errno. */
static bool start_server (const group_t *self, unsigned number, unsigned *port)
{
    int fd = listen_on (self->bind, port);
    if (fd < 0)
        return false;
    struct MHD_Response *page = make_page (self, number, *port);
    struct MHD_Daemon *daemon = page ? MHD_start_daemon (MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL,
                                                         answer, page, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_END)
                                     : NULL;
    if (daemon)
        return true;
    if (page)
        MHD_destroy_response (page);
    close (fd);
    errno = ENOMEM;
    return false;
}

/* ---- notes ------------------------------------------------------------------------------------------------------- */

static void read_notes (group_t *self)
{
    const char *folder = emp_toolbox_run_folder (self->toolbox);
    if (!folder)
        return;
    snprintf (self->path, sizeof self->path, "%s/servers-%u", folder, emp_toolbox_start_sequence_num (self->toolbox));
    FILE *file = fopen (self->path, "r");
    if (!file)
        return; /* the first process of that number */
    unsigned long long ticket;
    unsigned port;
    while (self->noted < SERVERS_MAX && fscanf (file, "%llu %u\n", &ticket, &port) == 2)
        self->notes[self->noted++] = (note_t){ticket, port};
    fclose (file);
}

/* Before the ticket is answered: then it is either known here or comes again. */
static void write_note (group_t *self, uint64_t ticket, unsigned port)
{
    self->notes[self->noted++] = (note_t){ticket, port};
    FILE *file = self->path[0] ? fopen (self->path, "a") : NULL;
    if (!file)
        return;
    fprintf (file, "%llu %u\n", (unsigned long long) ticket, port);
    fclose (file);
}

/* ---- ports ------------------------------------------------------------------------------------------------------- */

/* A port is a number, or a text of digits as `lines` and `program` feed them. */
static bool read_port (const msgpack_object *row, unsigned *ret_port)
{
    uint64_t port = 0;
    if (row->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
        port = row->via.u64;
    else if (row->type != MSGPACK_OBJECT_STR || row->via.str.size == 0)
        return false;
    else
        for (uint32_t i = 0; i < row->via.str.size && port <= UINT16_MAX; i++) {
            if (row->via.str.ptr[i] < '0' || row->via.str.ptr[i] > '9')
                return false;
            port = port * 10 + (uint64_t) (row->via.str.ptr[i] - '0');
        }
    *ret_port = (unsigned) port;
    return port <= UINT16_MAX;
}

static void say_served (const group_t *self, unsigned number, unsigned port)
{
    emp_toolbox_print (self->toolbox, "%s server %u, %s, pid %d: http://%s:%u/\n", self->colour->name, number,
                       emp_toolbox_worker_name (self->toolbox), emp_toolbox_worker_pid (self->toolbox), self->bind,
                       port);
}

static void give_back (const group_t *self, emp_chunk_t *chunk, unsigned port)
{
    char url[64];
    int size = snprintf (url, sizeof url, "http://%s:%u/", self->bind, port);
    msgpack_pack_str_with_body (emp_chunk_result (chunk), url, (size_t) size);
    emp_chunk_done (&chunk);
}

/* Keeps a chunk for `patience` seconds while others wait, so that they go to processes that have none. */
static void let_others_take (const group_t *self)
{
    double left = emp_toolbox_double (self->toolbox, "patience", 0);
    for (; left > 0 && !emp_queue_empty (self->queue); left -= LOOK_NS / 1e9)
        nanosleep (&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
}

/* What is wrong with what was asked for, or NULL and a port. */
static const char *read_chunk (const group_t *self, const emp_chunk_t *chunk, unsigned *ret_port)
{
    struct in_addr address;
    if (inet_pton (AF_INET, self->bind, &address) != 1)
        return "the attribute bind is no IPv4 address";
    if (emp_chunk_rows (chunk) != 1)
        return "found several rows in a chunk, expected one port (ROWS_MAX: 1)";
    if (!read_port (emp_chunk_row (chunk, 0), ret_port))
        return "found a row that is no port, expected a number from 0 to 65535";
    return self->noted == SERVERS_MAX ? "this process has all the servers that it can have" : NULL;
}

/* A server for one chunk; true when there is one more. */
static bool serve_chunk (group_t *self, emp_chunk_t *chunk)
{
    uint64_t ticket = emp_chunk_ticket (chunk);
    for (unsigned i = 0; i < self->noted; i++)
        if (self->notes[i].ticket == ticket) { /* our predecessor died before it could answer */
            give_back (self, chunk, self->notes[i].port);
            return false;
        }
    unsigned number = self->noted + 1, wanted = 0, port;
    const char *wrong = read_chunk (self, chunk, &wanted);
    port = wanted;
    if (wrong) {
        emp_chunk_fail (&chunk, "%s", wrong);
        return false;
    }
    if (!start_server (self, number, &port)) {
        emp_chunk_fail (&chunk, "%s:%u: %s", self->bind, wanted, strerror (errno));
        return false;
    }
    write_note (self, ticket, port);
    self->started++;
    say_served (self, number, port);
    let_others_take (self);
    give_back (self, chunk, port);
    return true;
}

/* Starts the next server, of a noted port or else of one that is fed; false when there is none any more. */
static bool serve_next (group_t *self)
{
    while (self->started < self->noted) {
        unsigned number = ++self->started, port = self->notes[number - 1].port;
        if (start_server (self, number, &port)) {
            say_served (self, number, port);
            return true;
        }
        emp_toolbox_print (self->toolbox, "%s:%u does not come back: %s\n", self->bind, port, strerror (errno));
    }
    for (emp_chunk_t *chunk; (chunk = emp_queue_get (self->queue));)
        if (serve_chunk (self, chunk))
            return true;
    return false;
}

/* ---- what worker_modules names ----------------------------------------------------------------------------------- */

static group_t *group_of (emp_toolbox_t *toolbox)
{
    group_t *self = emp_toolbox_multi_tool (toolbox);
    if (self)
        return self;
    self = calloc (1, sizeof *self);
    if (!self)
        exit (1);
    self->toolbox = toolbox;
    self->colour = &colours[emp_toolbox_start_sequence_num (toolbox) % COLOURS];
    self->queue = emp_toolbox_queue (toolbox, self->colour->queue);
    if (!self->queue)
        self->queue = emp_toolbox_queue (toolbox, EMP_DEFAULT_QUEUE);
    self->bind = emp_toolbox_string (toolbox, "bind", "127.0.0.1");
    read_notes (self);
    emp_toolbox_set_multi_tool (toolbox, self);
    return self;
}

/* All modules of the list but the first. */
bool start_one (emp_toolbox_t *toolbox)
{
    return serve_next (group_of (toolbox));
}

/* The first one. A module that goes on without its queue empties it first: it would be handed chunks all the same. */
bool start_and_stay (emp_toolbox_t *toolbox)
{
    while (serve_next (group_of (toolbox)))
        ;
    for (;;)
        pause ();
}
