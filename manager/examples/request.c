/* SPDX-License-Identifier: BSD-3-Clause
 *
 * request.c - what a request asks for. See request.h.
 */
#include "request.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* "localhost" or "127.0.0.1", with or without a port. Any port: a tunnel may lead here from another one. */
static bool is_own_host (const char *host)
{
    static const char *const own[] = {"localhost", "127.0.0.1"};
    for (size_t i = 0; host && i < 2; i++) {
        size_t size = strlen (own[i]);
        if (strncasecmp (host, own[i], size) != 0)
            continue;
        const char *rest = host + size;
        if (!*rest || (*rest == ':' && rest[1] && strspn (rest + 1, "0123456789") == strlen (rest + 1)))
            return true;
    }
    return false;
}

/* Takes as long for any text of the token's length, so nobody finds it digit by digit. */
static bool is_token (const char *text, const char *token)
{
    unsigned differs = 0;
    if (strlen (text) < EMP_REQUEST_TOKEN_SIZE)
        return false;
    for (size_t i = 0; i < EMP_REQUEST_TOKEN_SIZE; i++)
        differs |= (unsigned) (text[i] ^ token[i]);
    return differs == 0;
}

emp_request_t emp_request_of (const char *method, const char *url, const char *host, const char *token,
                              const char **ret_name)
{
    static const struct {
        const char *method, *path;
        bool has_name;
        emp_request_t request;
    } places[] = {{"GET", "/", false, EMP_REQUEST_PAGE},
                  {"GET", "/events", false, EMP_REQUEST_EVENTS},
                  {"POST", "/start/", true, EMP_REQUEST_START},
                  {"POST", "/stop/", true, EMP_REQUEST_STOP}};
    assert (strlen (token) == EMP_REQUEST_TOKEN_SIZE);
    if (!is_own_host (host) || *url != '/' || !is_token (url + 1, token))
        return EMP_REQUEST_REFUSED;
    const char *path = url + 1 + EMP_REQUEST_TOKEN_SIZE;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        size_t size = strlen (places[i].path);
        if (places[i].has_name ? strncmp (path, places[i].path, size) != 0 : strcmp (path, places[i].path) != 0)
            continue;
        if (strcmp (method, places[i].method) != 0)
            return EMP_REQUEST_METHOD;
        if (places[i].has_name)
            *ret_name = path + size;
        return places[i].request;
    }
    return EMP_REQUEST_UNKNOWN;
}
