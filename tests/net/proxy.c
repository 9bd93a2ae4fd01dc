/* SPDX-License-Identifier: BSD-3-Clause
 *
 * proxy.c - a TCP proxy that is far away, slow or broken, as a test says. One thread. Prints its port, then one line for each
 * command that it reads from stdin, when the command has its effect; ends when stdin does, or its parent.
 */
#include "address.h"
#include "link.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LINKS_MAX 1024

static const char usage[] =
    "usage: proxy --listen ADDRESS --to ADDRESS [...]\n"
    "  --delay MS           each way; bytes are late, and as many a second as without\n"
    "  --rate BYTES         a second, each way, all connections together\n"
    "  --stall EVERY,FOR    ms: forwards for EVERY, then nothing for FOR, and so on\n"
    "  --reset MS           RST of each connection so long after it was made\n"
    "  --reset-bytes BYTES  the same after so many bytes, of both ways\n"
    "  --connections N      at once, 64; more of them wait\n"
    "  --buffer BYTES       under way in one direction of one connection, 4194304; then the sender is not read\n"
    "commands: cut [up|down], mend [up|down], reset, delay MS, rate BYTES (0: any), stats, quit\n"
    "  up is from client to target. A cut holds all that comes, an end and a reset too, until it is mended.\n";

typedef struct {
    cable_t cable;
    bool cut[2]; /* by command */
    uint64_t stall_every, stall_for, began;
    struct addrinfo target;
    struct sockaddr_storage target_address;
    size_t links_max, buffer;
    int listener;
    char line[128]; /* of a command, as far as it has come */
    size_t line_size;
    link_t links[LINKS_MAX];
} proxy_t;

static uint64_t clock_us (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

/* ---- commands ---------------------------------------------------------------------------------------------------- */

static size_t count (const proxy_t *self, size_t *ret_held)
{
    size_t open = 0;
    *ret_held = 0;
    for (size_t i = 0; i < self->links_max; i++)
        if (self->links[i].fds[0] >= 0) {
            open++;
            *ret_held += self->links[i].flows[UP].held + self->links[i].flows[DOWN].held;
        }
    return open;
}

static bool number (const char *text, uint64_t most, uint64_t *ret_number)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull (text, &end, 10);
    bool good = text[0] >= '0' && text[0] <= '9' && !*end && !errno && value <= most;
    if (good)
        *ret_number = value;
    return good;
}

static bool set_cut (proxy_t *self, const char *way, bool cut)
{
    bool up = !*way || strcmp (way, "up") == 0, down = !*way || strcmp (way, "down") == 0;
    if (up)
        self->cut[UP] = cut;
    if (down)
        self->cut[DOWN] = cut;
    return up || down;
}

/* False: it is none. */
static bool obey (proxy_t *self, const char *verb, const char *argument)
{
    uint64_t value;
    if (strcmp (verb, "cut") == 0 || strcmp (verb, "mend") == 0)
        return set_cut (self, argument, verb[0] == 'c');
    if (strcmp (verb, "delay") == 0 && number (argument, 3600000, &value)) {
        self->cable.delay = value * 1000; /* what is under way already comes when it was to come */
        return true;
    }
    if (strcmp (verb, "rate") == 0)
        return number (argument, UINT32_MAX, &self->cable.rate);
    if (*argument)
        return false;
    if (strcmp (verb, "reset") == 0)
        for (size_t i = 0; i < self->links_max; i++)
            if (self->links[i].fds[0] >= 0)
                link_reset (&self->links[i], &self->cable);
    if (strcmp (verb, "quit") == 0)
        exit (0);
    return strcmp (verb, "reset") == 0 || strcmp (verb, "stats") == 0;
}

static void command (proxy_t *self, char *line)
{
    char *argument = strchr (line, ' ');
    if (argument)
        *argument++ = 0;
    if (!obey (self, line, argument ? argument : ""))
        printf ("no command: '%s%s%s'\n", line, argument ? " " : "", argument ? argument : "");
    else if (strcmp (line, "stats") == 0) {
        size_t held, open = count (self, &held);
        printf ("stats open %zu held %zu up %llu down %llu ends %llu resets %llu\n", open, held,
                (unsigned long long) self->cable.moved[UP], (unsigned long long) self->cable.moved[DOWN],
                (unsigned long long) self->cable.ends, (unsigned long long) self->cable.resets);
    } else
        printf ("ok %s%s%s\n", line, argument ? " " : "", argument ? argument : "");
    fflush (stdout);
}

/* poll has said that there is something. False at its end. */
static bool read_commands (proxy_t *self)
{
    char data[128];
    ssize_t size = read (STDIN_FILENO, data, sizeof data);
    for (ssize_t i = 0; i < size; i++)
        if (data[i] == '\n') {
            self->line[self->line_size] = 0;
            self->line_size = 0;
            command (self, self->line);
        } else if (self->line_size < sizeof self->line - 1)
            self->line[self->line_size++] = data[i];
    return size > 0;
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

static link_t *free_link (proxy_t *self)
{
    for (size_t i = 0; i < self->links_max; i++)
        if (self->links[i].fds[0] < 0)
            return &self->links[i];
    return NULL;
}

static void take_clients (proxy_t *self, uint64_t now)
{
    for (link_t *link; (link = free_link (self));) {
        int client = accept4 (self->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (client < 0 || !link_open (link, client, &self->target, self->buffer, now))
            return;
    }
}

/* Commands and stalls both cut; the next change of a stall is due then. */
static void see_stall (proxy_t *self, uint64_t now, uint64_t *ret_due)
{
    bool stalled = false;
    if (self->stall_for > 0) {
        uint64_t whole = self->stall_every + self->stall_for, at = (now - self->began) % whole;
        stalled = at >= self->stall_every;
        *ret_due = now - at + (stalled ? whole : self->stall_every);
    }
    for (int way = UP; way <= DOWN; way++)
        self->cable.cut[way] = self->cut[way] || stalled;
}

/* One turn; each begins with another connection, so that the rate is shared. */
static bool turn (proxy_t *self, size_t first)
{
    static struct pollfd fds[2 + 2 * LINKS_MAX];
    uint64_t now = clock_us (), due = UINT64_MAX;
    see_stall (self, now, &due);
    cable_fill (&self->cable, now);
    bool takes = free_link (self) && !self->cut[UP] && !self->cut[DOWN];
    fds[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = takes ? self->listener : -1, .events = POLLIN};
    for (size_t i = 0; i < self->links_max; i++) {
        struct pollfd *pair = &fds[2 + 2 * i];
        pair[0].fd = pair[1].fd = -1;
        if (self->links[i].fds[0] >= 0)
            link_await (&self->links[i], &self->cable, now, pair, &due);
    }
    uint64_t wait = due > now ? due - now : 0;
    struct timespec limit = {.tv_sec = (time_t) (wait / 1000000), .tv_nsec = (long) (wait % 1000000) * 1000};
    if (ppoll (fds, 2 + 2 * self->links_max, due == UINT64_MAX ? NULL : &limit, NULL) < 0)
        return errno == EINTR;
    now = clock_us ();
    see_stall (self, now, &due);
    cable_fill (&self->cable, now);
    for (size_t i = 0; i < self->links_max; i++) {
        size_t k = (first + i) % self->links_max;
        if (self->links[k].fds[0] >= 0 && !link_turn (&self->links[k], &self->cable, &fds[2 + 2 * k], now))
            return false;
    }
    if (fds[1].fd >= 0 && fds[1].revents)
        take_clients (self, now);
    return !fds[0].revents || read_commands (self);
}

/* ---- the start --------------------------------------------------------------------------------------------------- */

static _Noreturn void bad_usage (void)
{
    fputs (usage, stderr);
    exit (2);
}

static void set_stall (proxy_t *self, char *text)
{
    char *comma = strchr (text, ',');
    if (!comma)
        bad_usage ();
    *comma = 0;
    self->stall_every = address_number ("--stall EVERY", text, 1, 3600000) * 1000;
    self->stall_for = address_number ("--stall FOR", comma + 1, 1, 3600000) * 1000;
}

static void set_target (proxy_t *self, const char *text)
{
    self->target = *address_of (text);
    memcpy (&self->target_address, self->target.ai_addr, self->target.ai_addrlen);
    self->target.ai_addr = (struct sockaddr *) &self->target_address;
}

/* Returns where it shall listen. */
static const char *see_options (proxy_t *self, int argc, char **argv)
{
    static const struct option options[] = {
        {"listen", 1, NULL, 'l'}, {"to", 1, NULL, 't'},    {"delay", 1, NULL, 'd'},       {"rate", 1, NULL, 'r'},
        {"stall", 1, NULL, 's'},  {"reset", 1, NULL, 'x'}, {"reset-bytes", 1, NULL, 'b'}, {"connections", 1, NULL, 'n'},
        {"buffer", 1, NULL, 'm'}, {NULL, 0, NULL, 0}};
    const char *listen_at = NULL;
    for (int option; (option = getopt_long (argc, argv, "", options, NULL)) != -1;)
        switch (option) {
        case 'l': listen_at = optarg; break;
        case 't': set_target (self, optarg); break;
        case 'd': self->cable.delay = address_number ("--delay", optarg, 0, 3600000) * 1000; break;
        case 'r': self->cable.rate = address_number ("--rate", optarg, 1, UINT32_MAX); break;
        case 's': set_stall (self, optarg); break;
        case 'x': self->cable.life = address_number ("--reset", optarg, 1, 3600000) * 1000; break;
        case 'b': self->cable.bytes = address_number ("--reset-bytes", optarg, 1, UINT32_MAX); break;
        case 'n': self->links_max = address_number ("--connections", optarg, 1, LINKS_MAX); break;
        case 'm': self->buffer = address_number ("--buffer", optarg, 4096, 1 << 30); break;
        default: bad_usage ();
        }
    if (!listen_at || !self->target.ai_addr || optind < argc)
        bad_usage ();
    return listen_at;
}

int main (int argc, char **argv)
{
    static proxy_t self = {.links_max = 64, .buffer = 4 << 20};
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    unsigned port;
    self.listener = address_listen (see_options (&self, argc, argv), &port);
    for (size_t i = 0; i < LINKS_MAX; i++)
        self.links[i] = LINK_NONE;
    printf ("%u\n", port);
    fflush (stdout);
    self.began = self.cable.filled = clock_us ();
    for (size_t first = 0; turn (&self, first); first++)
        ;
    for (size_t i = 0; i < LINKS_MAX; i++)
        if (self.links[i].fds[0] >= 0)
            link_reset (&self.links[i], &self.cable);
    return 0;
}
