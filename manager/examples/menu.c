/* SPDX-License-Identifier: BSD-3-Clause
 *
 * menu.c - the examples in the terminal. See menu.h.
 */
#include "menu.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../common/how.h"
#include "title.h"

#define COLUMNS 80 /* of a terminal that does not tell */
#define COLUMNS_LEAST 40

void emp_menu_list (const emp_catalogue_t *catalogue, FILE *out)
{
    for (size_t i = 0; i < catalogue->count; i++)
        fprintf (out, "%s\t%s\n", catalogue->at[i].name, catalogue->at[i].job);
}

int emp_menu_unknown (const emp_catalogue_t *catalogue, const char *name)
{
    const char *nearest = emp_catalogue_nearest (catalogue, name);
    fprintf (stderr, "eisenmp examples: unknown example \"%s\"", name);
    if (nearest)
        fprintf (stderr, ", did you mean \"%s\"?", nearest);
    fprintf (stderr, "\n");
    for (size_t i = 0; i < catalogue->count; i++) {
        const emp_example_t *one = &catalogue->at[i];
        if (strlen (name) == one->folder && strncmp (one->name, name, one->folder) == 0)
            fprintf (stderr, "  there is %s\n", one->name); /* the folder has several, none of them its main one */
    }
    return 2;
}

/* ---- the list ----------------------------------------------------------------------------------------------------- */

static size_t columns (void)
{
    struct winsize size;
    if (ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return COLUMNS;
    return size.ws_col < COLUMNS_LEAST ? COLUMNS_LEAST : size.ws_col;
}

static void print_choices (const emp_catalogue_t *catalogue)
{
    size_t width = columns (), longest = 0;
    for (size_t i = 0; i < catalogue->count; i++)
        if (strlen (catalogue->at[i].name) > longest)
            longest = strlen (catalogue->at[i].name);
    size_t left = longest + 8; /* two spaces, three digits, two spaces, …, one column that stays free */
    printf ("\n");
    for (size_t i = 0; i < catalogue->count; i++) {
        const emp_example_t *one = &catalogue->at[i];
        size_t size = emp_title_sentence (one->title);
        size_t shown = left < width ? emp_title_cut (one->title, size, width - left) : 0;
        printf ("%3zu  %-*s  %.*s\n", i + 1, (int) longest, one->name, (int) shown, one->title);
    }
    printf ("\nNumber to run, q to quit: ");
    fflush (stdout);
}

/* ---- one run ------------------------------------------------------------------------------------------------------ */

/* The run has the terminal's Ctrl-C for itself; it starts with the signals as they were. */
static int spawn_and_wait (const char *program, char *const *argv, int *ret_status)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, interrupt, quit;
    sigset_t both;
    posix_spawnattr_t attributes;
    pid_t pid;
    sigemptyset (&both);
    sigaddset (&both, SIGINT);
    sigaddset (&both, SIGQUIT);
    int error = posix_spawnattr_init (&attributes);
    if (error)
        return error;
    posix_spawnattr_setsigdefault (&attributes, &both);
    posix_spawnattr_setflags (&attributes, POSIX_SPAWN_SETSIGDEF);
    sigaction (SIGINT, &ignore, &interrupt);
    sigaction (SIGQUIT, &ignore, &quit);
    error = posix_spawn (&pid, program, NULL, &attributes, argv, environ);
    while (!error && waitpid (pid, ret_status, 0) < 0)
        if (errno != EINTR)
            error = errno;
    sigaction (SIGINT, &interrupt, NULL);
    sigaction (SIGQUIT, &quit, NULL);
    posix_spawnattr_destroy (&attributes);
    return error;
}

static void run (const emp_example_t *example, const char *program)
{
    char first[] = "eisenmp", second[] = "run", how[EMP_HOW_TEXT_MAX + 1];
    char *argv[] = {first, second, example->job, NULL};
    int status = 0, error = spawn_and_wait (program, argv, &status);
    if (error) {
        printf ("%s: %s\n", program, strerror (error));
        return;
    }
    bool killed = WIFSIGNALED (status);
    emp_how_text (killed ? EMP_HOW_SIGNAL : EMP_HOW_EXIT,
                  (uint32_t) (killed ? WTERMSIG (status) : WEXITSTATUS (status)), how);
    printf ("\n%s %s\n", example->name, how);
}

/* ---- the choice --------------------------------------------------------------------------------------------------- */

static const emp_example_t *chosen (const emp_catalogue_t *catalogue, const char *word)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul (word, &end, 10);
    if (*word >= '0' && *word <= '9' && !*end && !errno)
        return number >= 1 && number <= catalogue->count ? &catalogue->at[number - 1] : NULL;
    return emp_catalogue_find (catalogue, word);
}

int emp_menu_run (const emp_catalogue_t *catalogue, const char *program)
{
    char *line = NULL;
    size_t room = 0;
    for (;;) {
        print_choices (catalogue);
        if (getline (&line, &room, stdin) < 0) {
            printf ("\n");
            break;
        }
        char *rest = NULL, *word = strtok_r (line, " \t\r\n", &rest);
        if (!word)
            continue;
        if (strcmp (word, "q") == 0 || strcmp (word, "quit") == 0)
            break;
        const emp_example_t *example = chosen (catalogue, word);
        if (example)
            run (example, program);
        else
            printf ("There is no \"%s\"; a number from 1 to %zu, a name, or q is expected.\n", word, catalogue->count);
    }
    free (line);
    return 0;
}
