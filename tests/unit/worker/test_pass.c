/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker/pass.h"

static int ends[2];

static void make_pair (void)
{
    cr_assert_eq (socketpair (AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
}

TestSuite (pass, .timeout = 10, .init = make_pair);

/* The lowest descriptor that is free: what was given away by mistake shows in it. */
static int lowest (void)
{
    int fd = dup (0);
    close (fd);
    return fd;
}

Test (pass, bytes_and_files_come_as_they_were_sent)
{
    int pipes[2], files[2];
    char bytes[6], text[4] = "";
    cr_assert_eq (pipe (pipes), 0);
    cr_assert (emp_pass_send (ends[0], "order", 6, pipes, 2));
    cr_assert (emp_pass_receive (ends[1], bytes, 6, files, 2));
    cr_assert_str_eq (bytes, "order");
    cr_assert_eq (write (files[1], "out", 4), 4, "the second is the end that is written to");
    cr_assert_eq (read (pipes[0], text, 4), 4);
    cr_assert_str_eq (text, "out");
    cr_assert (fcntl (files[0], F_GETFD) & FD_CLOEXEC);
}

Test (pass, a_message_needs_no_files)
{
    int number = 0;
    cr_assert (emp_pass_send (ends[0], &(int){42}, sizeof number, NULL, 0));
    cr_assert (emp_pass_receive (ends[1], &number, sizeof number, NULL, 0));
    cr_assert_eq (number, 42);
}

Test (pass, files_that_were_not_expected_are_closed)
{
    char byte;
    int files[2] = {-7, -7}, before = lowest ();
    cr_assert (emp_pass_send (ends[0], "x", 1, (int[]){0, 1}, 2));
    cr_assert_not (emp_pass_receive (ends[1], &byte, 1, files, 1));
    cr_assert (emp_pass_send (ends[0], "x", 1, (int[]){0, 1}, 2));
    cr_assert_not (emp_pass_receive (ends[1], &byte, 1, NULL, 0));
    cr_assert (emp_pass_send (ends[0], "x", 1, (int[]){0}, 1));
    cr_assert_not (emp_pass_receive (ends[1], &byte, 1, files, 2), "one is missing");
    cr_assert_eq (lowest (), before);
    cr_assert_eq (files[0], -7);
}

Test (pass, a_message_of_another_size_is_none)
{
    char bytes[4];
    int file, before = lowest ();
    cr_assert (emp_pass_send (ends[0], "longer", 6, (int[]){0}, 1));
    cr_assert_not (emp_pass_receive (ends[1], bytes, 4, &file, 1));
    cr_assert (emp_pass_send (ends[0], "x", 1, (int[]){0}, 1));
    cr_assert_not (emp_pass_receive (ends[1], bytes, 4, &file, 1));
    cr_assert_eq (lowest (), before);
}

Test (pass, nobody_at_the_other_end_is_an_error_and_no_signal)
{
    char byte;
    close (ends[0]);
    cr_assert_not (emp_pass_receive (ends[1], &byte, 1, NULL, 0));
    cr_assert_not (emp_pass_send (ends[1], "x", 1, NULL, 0));
    cr_assert_eq (errno, EPIPE);
}
