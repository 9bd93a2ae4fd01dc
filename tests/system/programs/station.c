/* SPDX-License-Identifier: BSD-3-Clause
 *
 * station.c - an HTTP/1.0 server of streams for example_radio.sh. Prints the port that the kernel chose; ends with its parent.
 *
 *   /jazz      "jazz 0", "jazz 1", ... without an end, a line each, some hundred kilobytes a second
 *   /short/N   the same, N lines
 *   /silent    a header, and no byte behind it
 *   all else   404
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LINES_A_TIME 100
#define PACE_NS 5000000


static void say (int connection, const char *text)
{
    size_t size = strlen (text);
    if (send (connection, text, size, MSG_NOSIGNAL) != (ssize_t) size)
        shutdown (connection, SHUT_RDWR); /* the listener has gone */
}

/* Lines until the listener goes. */
static void stream (int connection, const char *name, unsigned long lines)
{
    const struct timespec pace = {.tv_nsec = PACE_NS};
    char block[LINES_A_TIME * 64];
    for (unsigned long line = 0; line < lines;) {
        size_t size = 0;
        for (int i = 0; i < LINES_A_TIME && line < lines; i++)
            size += (size_t) snprintf (block + size, sizeof block - size, "%.32s %lu\n", name, line++);
        for (size_t sent = 0; sent < size;) {
            ssize_t some = send (connection, block + sent, size - sent, MSG_NOSIGNAL);
            if (some <= 0)
                return;
            sent += (size_t) some;
        }
        nanosleep (&pace, NULL); /* the pace of the stream */
    }
}

static void *serve (void *arg)
{
    int connection = (int) (long) arg;
    char request[4096], path[64] = "";
    size_t size = 0;
    while (size + 1 < sizeof request) { /* to the empty line behind the header */
        ssize_t some = recv (connection, request + size, sizeof request - size - 1, 0);
        if (some <= 0)
            break;
        size += (size_t) some;
        request[size] = '\0';
        if (strstr (request, "\r\n\r\n"))
            break;
    }
    if (size == 0 || sscanf (request, "GET /%63[a-z0-9/] ", path) != 1 || !strcmp (path, "missing"))
        say (connection, "HTTP/1.0 404 Not Found\r\n\r\n");
    else {
        say (connection, "HTTP/1.0 200 OK\r\nContent-Type: audio/mpeg\r\n\r\n");
        if (!strcmp (path, "silent"))
            recv (connection, request, 1, 0); /* until the listener goes */
        else if (!strncmp (path, "short/", 6))
            stream (connection, "short", strtoul (path + 6, NULL, 10));
        else
            stream (connection, path, (unsigned long) -1);
    }
    close (connection);
    return NULL;
}

int main (void)
{
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl (INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind (listener, (struct sockaddr *) &address, length) || listen (listener, 16) ||
        getsockname (listener, (struct sockaddr *) &address, &length)) {
        perror ("station");
        return 1;
    }
    printf ("%d\n", ntohs (address.sin_port));
    fflush (stdout);
    for (int connection; (connection = accept (listener, NULL, NULL)) >= 0;) {
        pthread_t thread;
        if (pthread_create (&thread, NULL, serve, (void *) (long) connection))
            close (connection);
        else
            pthread_detach (thread);
    }
    return 1;
}
