/* SPDX-License-Identifier: BSD-3-Clause
 *
 * serve.h - HTTP for the page, by libmicrohttpd, in the caller's thread and loop: nothing here waits.
 */
#ifndef EMP_SERVE_H
#define EMP_SERVE_H

#include "host.h"

#define EMP_SERVE_CONNECTIONS_MAX 32
#define EMP_SERVE_SILENCE_S 30  /* of a connection that is in the middle of something: then it is closed */
#define EMP_SERVE_BEAT_MS 10000 /* how often an idle page is written to, so that one that is gone is seen */

typedef struct emp_serve emp_serve_t;

/* Listens on 127.0.0.1, port 0: any. Borrows the host. NULL with errno. */
emp_serve_t *emp_serve_new (emp_host_t *host, uint16_t port);
void emp_serve_destroy (emp_serve_t **self_p);
/* "http://127.0.0.1:PORT/TOKEN/". Borrowed. */
const char *emp_serve_url (const emp_serve_t *self);
/* Readable when emp_serve_turn has something to do. */
int emp_serve_polled (const emp_serve_t *self);
/* Until when it wants to be called at the latest, in ms from now; at most EMP_SERVE_BEAT_MS. */
int emp_serve_timeout (emp_serve_t *self);
/* Answers what was asked. news: the host's runs changed, or it is time for a beat, so pages that wait go on. */
void emp_serve_turn (emp_serve_t *self, bool news);
/* Pages that have been told everything get the end of their stream from now on. */
void emp_serve_end (emp_serve_t *self);
/* Pages that are being told. */
size_t emp_serve_viewers (const emp_serve_t *self);

#endif
