/* SPDX-License-Identifier: BSD-3-Clause
 *
 * serve.c - HTTP for the page. See serve.h.
 *
 * A page that has been told everything is suspended: libmicrohttpd forgets it until there is news.
 */
#include "serve.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "../request.h"
#include "../viewer.h"
#include "page.h"

#define BLOCK 16384 /* bytes that are asked of a page's stream at a time */
#define NONCE "@NONCE@"

typedef struct page {
    emp_serve_t *serve;
    struct MHD_Connection *connection;
    emp_viewer_t *viewer;
    emp_buf_t event; /* the one under way */
    size_t sent;     /* bytes of it */
    bool waits, beat;
    LIST_ENTRY (page) all;
} page_t;

struct emp_serve {
    emp_host_t *host;
    struct MHD_Daemon *daemon;
    struct MHD_Response *page, *empty;
    LIST_HEAD (page_list, page) pages;
    bool ending;
    char token[EMP_REQUEST_TOKEN_SIZE + 1];
    char url[80];
};

/* ---- the stream of a page ------------------------------------------------------------------------------------------ */

/* The next piece for the connection; called by libmicrohttpd when it has room for one. */
static ssize_t read_events (void *arg, uint64_t at, char *bytes, size_t max)
{
    (void) at;
    page_t *page = arg;
    emp_host_t *host = page->serve->host;
    if (page->sent == page->event.size) {
        emp_buf_clear (&page->event);
        page->sent = 0;
        bool more = emp_viewer_next (page->viewer, host->catalogue, &host->runs, &page->event);
        if (!more && page->beat)
            emp_buf_append (&page->event, ":\n\n", 3); /* a comment */
        else if (!more && page->serve->ending)
            return MHD_CONTENT_READER_END_OF_STREAM;
        page->beat = false;
        if (page->event.broken != EMP_OK)
            return MHD_CONTENT_READER_END_WITH_ERROR;
        if (page->event.size == 0) {
            page->waits = true;
            MHD_suspend_connection (page->connection);
            return 0;
        }
    }
    size_t size = page->event.size - page->sent < max ? page->event.size - page->sent : max;
    memcpy (bytes, page->event.data + page->sent, size);
    page->sent += size;
    return (ssize_t) size;
}

static void end_events (void *arg)
{
    page_t *page = arg;
    LIST_REMOVE (page, all);
    emp_viewer_destroy (&page->viewer);
    emp_buf_release (&page->event);
    free (page);
}

static enum MHD_Result send_events (emp_serve_t *self, struct MHD_Connection *connection)
{
    page_t *page = calloc (1, sizeof *page);
    if (!page)
        return MHD_NO;
    *page = (page_t){.serve = self, .connection = connection, .viewer = emp_viewer_new (self->host->runs.count)};
    emp_buf_init (&page->event, EMP_VIEWER_EVENT_MAX);
    LIST_INSERT_HEAD (&self->pages, page, all);
    struct MHD_Response *response = NULL;
    if (page->viewer)
        response = MHD_create_response_from_callback (MHD_SIZE_UNKNOWN, BLOCK, read_events, page, end_events);
    if (!response) {
        end_events (page);
        return MHD_NO;
    }
    MHD_add_response_header (response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/event-stream");
    MHD_add_response_header (response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    enum MHD_Result result = MHD_queue_response (connection, MHD_HTTP_OK, response);
    MHD_destroy_response (response);
    return result;
}

/* ---- answers ------------------------------------------------------------------------------------------------------- */

static enum MHD_Result send_text (struct MHD_Connection *connection, unsigned code, const char *text)
{
    char line[160];
    int size = snprintf (line, sizeof line, "%s\n", text);
    struct MHD_Response *response = MHD_create_response_from_buffer ((size_t) size, line, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    MHD_add_response_header (response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; charset=utf-8");
    enum MHD_Result result = MHD_queue_response (connection, code, response);
    MHD_destroy_response (response);
    return result;
}

static enum MHD_Result start_or_stop (emp_serve_t *self, struct MHD_Connection *connection, bool start,
                                      const char *name)
{
    const emp_catalogue_t *catalogue = self->host->catalogue;
    const emp_example_t *example = emp_catalogue_find (catalogue, name);
    if (!example)
        return send_text (connection, MHD_HTTP_NOT_FOUND, "there is no such example");
    size_t which = (size_t) (example - catalogue->at);
    switch ((unsigned) (start ? emp_host_start (self->host, which) : emp_host_stop (self->host, which))) {
    case EMP_OK: return MHD_queue_response (connection, MHD_HTTP_NO_CONTENT, self->empty);
    case EMP_EXISTS: return send_text (connection, MHD_HTTP_CONFLICT, "it runs already");
    case EMP_STATE:
        return start ? send_text (connection, MHD_HTTP_SERVICE_UNAVAILABLE, "the server is about to end")
                     : send_text (connection, MHD_HTTP_CONFLICT, "it does not run");
    case EMP_FULL: return send_text (connection, MHD_HTTP_SERVICE_UNAVAILABLE, "too many run already");
    default: return send_text (connection, MHD_HTTP_INTERNAL_SERVER_ERROR, strerror (errno));
    }
}

static enum MHD_Result answer (void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                               const char *version, const char *upload, size_t *upload_size, void **state)
{
    (void) version, (void) upload;
    emp_serve_t *self = arg;
    const char *host = MHD_lookup_connection_value (connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST), *name = NULL;
    emp_request_t request = emp_request_of (method, url, host, self->token, &name);
    bool head = !*state;
    *state = self;
    /* Who has no token is answered by the head alone, and its body is never waited for; of others whatever body comes is
     * read and thrown away before the answer. */
    if (request != EMP_REQUEST_REFUSED && (head || *upload_size)) {
        *upload_size = 0;
        return MHD_YES;
    }
    switch (request) {
    case EMP_REQUEST_PAGE: return MHD_queue_response (connection, MHD_HTTP_OK, self->page);
    case EMP_REQUEST_EVENTS: return send_events (self, connection);
    case EMP_REQUEST_START:
    case EMP_REQUEST_STOP: return start_or_stop (self, connection, request == EMP_REQUEST_START, name);
    case EMP_REQUEST_REFUSED:
        return send_text (connection, MHD_HTTP_FORBIDDEN,
                          "refused: open the address that eisenmp examples --web printed");
    case EMP_REQUEST_UNKNOWN: return send_text (connection, MHD_HTTP_NOT_FOUND, "there is nothing here");
    case EMP_REQUEST_METHOD: return send_text (connection, MHD_HTTP_METHOD_NOT_ALLOWED, "not by this method");
    }
    return MHD_NO;
}

/* ---- birth and death ------------------------------------------------------------------------------------------------ */

static bool random_text (char *ret_text, size_t digits)
{
    uint8_t bytes[EMP_REQUEST_TOKEN_SIZE / 2];
    if (getrandom (bytes, sizeof bytes, 0) != (ssize_t) sizeof bytes)
        return false;
    for (size_t i = 0; i < digits / 2; i++)
        snprintf (ret_text + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

/* The page, whose style and script are let in by a number that nobody else knows: text that an example writes, should it
 * ever get into the page as markup, is no script. */
static struct MHD_Response *make_page (void)
{
    char nonce[EMP_REQUEST_TOKEN_SIZE + 1], policy[256];
    emp_buf_t text;
    emp_buf_init (&text, emp_page_size + 4096);
    if (!random_text (nonce, EMP_REQUEST_TOKEN_SIZE))
        return NULL;
    const char *at = (const char *) emp_page, *end = at + emp_page_size;
    for (const char *mark; (mark = memmem (at, (size_t) (end - at), NONCE, strlen (NONCE)));
         at = mark + strlen (NONCE)) {
        emp_buf_append (&text, at, (size_t) (mark - at));
        emp_buf_append (&text, nonce, EMP_REQUEST_TOKEN_SIZE);
    }
    emp_buf_append (&text, at, (size_t) (end - at));
    bool whole = text.broken == EMP_OK;
    size_t size;
    char *bytes = emp_buf_take (&text, &size);
    struct MHD_Response *page = whole ? MHD_create_response_from_buffer (size, bytes, MHD_RESPMEM_MUST_FREE) : NULL;
    if (!page) {
        free (bytes);
        return NULL;
    }
    snprintf (policy, sizeof policy,
              "default-src 'none'; connect-src 'self'; img-src data:; style-src 'nonce-%s'; script-src 'nonce-%s'; "
              "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
              nonce, nonce);
    MHD_add_response_header (page, MHD_HTTP_HEADER_CONTENT_TYPE, "text/html; charset=utf-8");
    MHD_add_response_header (page, "Content-Security-Policy", policy);
    MHD_add_response_header (page, "Referrer-Policy", "no-referrer"); /* the address is the key */
    MHD_add_response_header (page, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header (page, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    return page;
}

emp_serve_t *emp_serve_new (emp_host_t *host, uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons (port), .sin_addr = {htonl (INADDR_LOOPBACK)}};
    emp_serve_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->host = host;
    LIST_INIT (&self->pages);
    self->page = make_page ();
    self->empty = MHD_create_response_from_buffer (0, NULL, MHD_RESPMEM_PERSISTENT);
    errno = 0;
    if (self->page && self->empty && random_text (self->token, EMP_REQUEST_TOKEN_SIZE))
        self->daemon = MHD_start_daemon (MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, port, NULL, NULL, answer, self,
                                         MHD_OPTION_SOCK_ADDR, (struct sockaddr *) &address,
                                         MHD_OPTION_CONNECTION_LIMIT, (unsigned) EMP_SERVE_CONNECTIONS_MAX,
                                         MHD_OPTION_CONNECTION_TIMEOUT, (unsigned) EMP_SERVE_SILENCE_S, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        self->daemon ? MHD_get_daemon_info (self->daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (!info) {
        int why = errno ? errno : ENOMEM;
        emp_serve_destroy (&self);
        errno = why;
        return NULL;
    }
    snprintf (self->url, sizeof self->url, "http://127.0.0.1:%u/%s/", (unsigned) info->port, self->token);
    return self;
}

void emp_serve_destroy (emp_serve_t **self_p)
{
    emp_serve_t *self = *self_p;
    if (!self)
        return;
    emp_serve_end (self); /* none may be suspended any more */
    if (self->daemon)
        MHD_stop_daemon (self->daemon);
    assert (LIST_EMPTY (&self->pages));
    if (self->page)
        MHD_destroy_response (self->page);
    if (self->empty)
        MHD_destroy_response (self->empty);
    free (self);
    *self_p = NULL;
}

/* ---- the loop's words ----------------------------------------------------------------------------------------------- */

const char *emp_serve_url (const emp_serve_t *self)
{
    return self->url;
}

int emp_serve_polled (const emp_serve_t *self)
{
    return MHD_get_daemon_info (self->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

int emp_serve_timeout (emp_serve_t *self)
{
    unsigned MHD_LONG_LONG wanted;
    return MHD_get_timeout (self->daemon, &wanted) == MHD_YES && wanted < EMP_SERVE_BEAT_MS ? (int) wanted
                                                                                            : EMP_SERVE_BEAT_MS;
}

static void wake (emp_serve_t *self, bool beat)
{
    page_t *page;
    LIST_FOREACH (page, &self->pages, all)
    if (page->waits) {
        page->waits = false;
        page->beat = beat;
        MHD_resume_connection (page->connection);
    }
}

void emp_serve_turn (emp_serve_t *self, bool news)
{
    if (news)
        wake (self, true);
    MHD_run (self->daemon);
}

void emp_serve_end (emp_serve_t *self)
{
    self->ending = true;
    wake (self, false);
}

size_t emp_serve_viewers (const emp_serve_t *self)
{
    size_t count = 0;
    const page_t *page;
    LIST_FOREACH (page, &self->pages, all)
    count++;
    return count;
}
