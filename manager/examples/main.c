/* SPDX-License-Identifier: BSD-3-Clause
 *
 * main.c - eisenmp-examples: a menu of the examples. `eisenmp examples` is this program; what runs an example is `eisenmp run`.
 * The page in the browser is a program of its own, eisenmp-examples-web, since only it needs libmicrohttpd.
 */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../common/programs.h"
#include "../../common/thread.h"
#include "menu.h"

#define WEB "eisenmp-examples-web"
#define PORT_MAX 65535

EMP_API const char *argp_program_version = /* libc finds it by name */
    "eisenmp-examples " EMP_VERSION;

typedef struct {
    bool list, web;
    char *word; /* an example, or behind --web a port */
} options_t;

static const struct argp_option option_list[] = {
    {"list", 'l', NULL, 0, "names and job files, a line each", 0},
    {"web", 'w', "PORT", OPTION_ARG_OPTIONAL, "serve a page that runs them, on 127.0.0.1 only; prints its address", 0},
    {0}};

static error_t take_option (int key, char *arg, struct argp_state *state)
{
    options_t *options = state->input;
    switch (key) {
    case 'l': options->list = true; return 0;
    case 'w':
        options->web = true;
        if (!arg)
            return 0;
        /* fall through */
    case ARGP_KEY_ARG:
        if (options->word)
            argp_error (state, "one at a time; found \"%s\" behind \"%s\"", arg, options->word);
        options->word = arg;
        return 0;
    case ARGP_KEY_END: {
        char *end;
        if (options->list && (options->web || options->word))
            argp_error (state, "--list stands alone");
        if (!options->web || !options->word)
            return 0;
        unsigned long port = strtoul (options->word, &end, 10);
        if (*end || *options->word < '0' || *options->word > '9' || port > PORT_MAX)
            argp_error (state, "--web: found \"%s\", expected a port from 0 (any that is free) to %d", options->word,
                        PORT_MAX);
        return 0;
    }
    default: return ARGP_ERR_UNKNOWN;
    }
}

static int become (const char *program, char *const *argv)
{
    execv (program, argv);
    fprintf (stderr, "eisenmp examples: %s: %s\n", program, strerror (errno));
    return 2;
}

static int serve (char *folder, char *program, char *port)
{
    char path[EMP_PATH_MAX], first[] = WEB;
    if (emp_programs_find (WEB, path) != EMP_OK) {
        fprintf (stderr, "eisenmp examples: --web needs " WEB ", which is built where libmicrohttpd is; found none\n");
        return 2;
    }
    char any[] = "0", *argv[] = {first, folder, program, port ? port : any, NULL};
    return become (path, argv);
}

static int one (const emp_catalogue_t *catalogue, const char *name, const char *program)
{
    char first[] = "eisenmp", second[] = "run";
    const emp_example_t *example = emp_catalogue_find (catalogue, name);
    if (!example)
        return emp_menu_unknown (catalogue, name);
    char *argv[] = {first, second, example->job, NULL};
    return become (program, argv);
}

static int list (const emp_catalogue_t *catalogue)
{
    emp_menu_list (catalogue, stdout);
    errno = 0;
    if (fflush (stdout) == 0 && !ferror (stdout))
        return 0;
    fprintf (stderr, "eisenmp examples: standard output: %s\n", strerror (errno ? errno : EIO));
    return 1;
}

int main (int argc, char **argv)
{
    options_t options = {0};
    const struct argp argp = {option_list,
                              take_option,
                              "[EXAMPLE]\n--list\n--web [PORT]",
                              "Runs EXAMPLE, or shows a menu of all examples; lists them where there is no terminal."
                              "\vThey are looked for in $EISENMP_EXAMPLES, else in share/eisenmp/examples beside the "
                              "programs.",
                              NULL,
                              NULL,
                              NULL};
    char name[] = "eisenmp examples", folder[EMP_PATH_MAX], program[EMP_PATH_MAX];
    emp_thread_reserve_streams ();
    argp_err_exit_status = 2;
    argv[0] = name;
    argp_parse (&argp, argc, argv, 0, NULL, &options);

    emp_catalogue_t catalogue = {0};
    if (emp_programs_find ("eisenmp", program) != EMP_OK) {
        fprintf (stderr, "eisenmp examples: eisenmp is neither beside this program nor in $PATH\n");
        return 2;
    }
    if (emp_programs_examples (folder) != EMP_OK || emp_catalogue_read (&catalogue, folder) != EMP_OK) {
        fprintf (stderr, "eisenmp examples: \"%s\": %s; $EISENMP_EXAMPLES may say where they are\n", folder,
                 strerror (errno));
        return 2;
    }
    int code;
    if (options.web)
        code = serve (folder, program, options.word);
    else if (options.word)
        code = one (&catalogue, options.word, program);
    else if (options.list || !isatty (STDOUT_FILENO))
        code = list (&catalogue);
    else
        code = emp_menu_run (&catalogue, program);
    emp_catalogue_release (&catalogue);
    return code;
}
