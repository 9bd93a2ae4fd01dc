/* SPDX-License-Identifier: BSD-3-Clause
 *
 * maker.h - a process of its own that has made an arena and lives until the test lets it go, since a reader in the maker's
 * own process finds the address taken, by the maker.
 */
#ifndef EMP_TEST_MAKER_H
#define EMP_TEST_MAKER_H

#include <criterion/criterion.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/arena.h"

typedef struct {
    pid_t pid;
    emp_arena_place_t place;
} maker_t;

static inline maker_t maker_start (const void *packed, size_t size)
{
    maker_t self = {0};
    int ends[2];
    cr_assert_eq (pipe (ends), 0);
    self.pid = fork ();
    if (self.pid == 0) {
        char why[EMP_ARENA_ERROR_MAX];
        emp_arena_t *arena;
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        if (emp_arena_new (packed, size, &arena, why))
            _exit (1);
        emp_arena_describe (arena, &self.place);
        if (write (ends[1], &self.place, sizeof self.place) != (ssize_t) sizeof self.place)
            _exit (1);
        for (;;)
            pause ();
    }
    cr_assert_eq (read (ends[0], &self.place, sizeof self.place), (ssize_t) sizeof self.place);
    close (ends[0]);
    close (ends[1]);
    return self;
}

static inline void maker_end (maker_t *self)
{
    kill (self->pid, SIGKILL);
    waitpid (self->pid, NULL, 0);
}

#endif
