/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_request.c - who may ask for what (E8).
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "manager/examples/request.h"

TestSuite (request, .timeout = 10);

#define TOKEN "0123456789abcdef0123456789abcdef"
#define HOST "127.0.0.1:8080"

static emp_request_t ask (const char *method, const char *url, const char *host)
{
    const char *name = NULL;
    return emp_request_of (method, url, host, TOKEN, &name);
}

Test (request, every_place_has_its_method)
{
    cr_assert_eq (ask ("GET", "/" TOKEN "/", HOST), EMP_REQUEST_PAGE);
    cr_assert_eq (ask ("GET", "/" TOKEN "/events", HOST), EMP_REQUEST_EVENTS);
    cr_assert_eq (ask ("POST", "/" TOKEN "/start/x", HOST), EMP_REQUEST_START);
    cr_assert_eq (ask ("POST", "/" TOKEN "/stop/x", HOST), EMP_REQUEST_STOP);
    cr_assert_eq (ask ("POST", "/" TOKEN "/", HOST), EMP_REQUEST_METHOD);
    cr_assert_eq (ask ("GET", "/" TOKEN "/start/x", HOST), EMP_REQUEST_METHOD);
    cr_assert_eq (ask ("GET", "/" TOKEN, HOST), EMP_REQUEST_UNKNOWN);
    cr_assert_eq (ask ("GET", "/" TOKEN "x/", HOST), EMP_REQUEST_UNKNOWN);
    cr_assert_eq (ask ("GET", "/" TOKEN "/events/", HOST), EMP_REQUEST_UNKNOWN);
}

Test (request, the_name_is_all_that_follows)
{
    const char *name = NULL;
    cr_assert_eq (emp_request_of ("POST", "/" TOKEN "/start/csv/seattle", HOST, TOKEN, &name), EMP_REQUEST_START);
    cr_assert_str_eq (name, "csv/seattle");
    cr_assert_eq (emp_request_of ("POST", "/" TOKEN "/stop/", HOST, TOKEN, &name), EMP_REQUEST_STOP);
    cr_assert_str_eq (name, "");
}

Test (request, a_token_with_one_digit_wrong_or_missing_is_refused)
{
    char url[EMP_REQUEST_TOKEN_SIZE + 3];
    for (size_t i = 0; i < EMP_REQUEST_TOKEN_SIZE; i++) {
        strcpy (url, "/" TOKEN "/");
        url[1 + i] = 'x';
        cr_assert_eq (ask ("GET", url, HOST), EMP_REQUEST_REFUSED, "digit %zu", i);
        url[1 + i] = 0;
        cr_assert_eq (ask ("GET", url, HOST), EMP_REQUEST_REFUSED, "%zu digits", i);
    }
    cr_assert_eq (ask ("GET", "", HOST), EMP_REQUEST_REFUSED);
    cr_assert_eq (ask ("GET", TOKEN "/", HOST), EMP_REQUEST_REFUSED);
    cr_assert_eq (ask ("GET", "//" TOKEN "/", HOST), EMP_REQUEST_REFUSED);
}

Test (request, only_this_machine_s_own_names_are_hosts)
{
    static const char *const good[] = {"localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:65535"};
    static const char *const bad[] = {"",
                                      "evil.example",
                                      "localhost.evil.example",
                                      "127.0.0.1.evil.example",
                                      "localhost:",
                                      "localhost:80x",
                                      "127.0.0.10",
                                      "localhost@evil.example",
                                      ":80",
                                      "[::1]",
                                      "evil.example:127.0.0.1"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_assert_eq (ask ("GET", "/" TOKEN "/", good[i]), EMP_REQUEST_PAGE, "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_eq (ask ("GET", "/" TOKEN "/", bad[i]), EMP_REQUEST_REFUSED, "%s", bad[i]);
    cr_assert_eq (ask ("GET", "/" TOKEN "/", NULL), EMP_REQUEST_REFUSED);
}
