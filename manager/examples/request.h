/* SPDX-License-Identifier: BSD-3-Clause
 *
 * request.h - what a request over HTTP asks for, and whether it may. Pure.
 *
 *   GET  /TOKEN/              the page
 *   GET  /TOKEN/events        Server-Sent Events (viewer.h)
 *   POST /TOKEN/start/NAME    start the example
 *   POST /TOKEN/stop/NAME     ask it to stop, also more than once
 *
 * Whoever knows the token may do all of it; without it nothing is told, not even what there is. A Host that is not this
 * machine's own name for itself is refused too: a page from elsewhere whose name was made to lead here cannot talk to us.
 */
#ifndef EMP_REQUEST_H
#define EMP_REQUEST_H

#define EMP_REQUEST_TOKEN_SIZE 32 /* hexadecimal digits: 128 random bits */

typedef enum {
    EMP_REQUEST_PAGE,
    EMP_REQUEST_EVENTS,
    EMP_REQUEST_START,
    EMP_REQUEST_STOP,
    EMP_REQUEST_REFUSED, /* wrong or no token, foreign or no Host */
    EMP_REQUEST_UNKNOWN, /* no such place */
    EMP_REQUEST_METHOD   /* the place is there, not for this method */
} emp_request_t;

/* `host` may be NULL: the header is missing. *ret_name: the example's name, borrowed from `url`, for START and STOP. */
emp_request_t emp_request_of (const char *method, const char *url, const char *host, const char *token,
                              const char **ret_name);

#endif
