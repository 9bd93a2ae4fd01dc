/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cmd_keys.c - `eisenmp keys …`: the CURVE keys of this host (../common/keyring.h). What a script wants is on stdout, all else on stderr.
 */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../common/keyring.h"
#include "../common/name.h"
#include "commands.h"

typedef struct {
    const char *takes; /* the argument that it takes; NULL: none */
    const char *word;
    bool force;
    emp_allowed_key_t wish; /* name and role, when they are given */
} options_t;

/* The ring is not as it should be, or could not be read or written. */
static int refuse (emp_status_t status, const char *why)
{
    fprintf (stderr, "eisenmp: %s\n", why);
    return status == EMP_SYSTEM || status == EMP_NOMEM ? 1 : 2;
}

/* ---- what it can do ---------------------------------------------------------------------------------------------------- */

static int make (const char *directory, const options_t *options)
{
    char why[EMP_KEYRING_WHY_MAX];
    emp_keypair_t pair;
    emp_status_t status = emp_keyring_new (directory, options->force, &pair, why);
    if (status != EMP_OK)
        return refuse (status, why);
    printf ("%s\n", pair.public_key);
    fprintf (stderr, "eisenmp: %s/self.key: made; to let it in, where the broker runs: eisenmp keys allow '%s'\n",
             directory, pair.public_key);
    explicit_bzero (&pair, sizeof pair);
    return 0;
}

static int show (const char *directory, const options_t *options)
{
    (void) options;
    char why[EMP_KEYRING_WHY_MAX];
    emp_keypair_t pair;
    emp_status_t status = emp_keyring_load (directory, &pair, why);
    if (status != EMP_OK)
        return refuse (status, why);
    printf ("%s\n", pair.public_key);
    explicit_bzero (&pair, sizeof pair);
    return 0;
}

static int allow (const char *directory, const options_t *options)
{
    static const char *const changes[] = {[EMP_KEY_ADDED] = "is allowed now",
                                          [EMP_KEY_UPDATED] = "is changed",
                                          [EMP_KEY_UNCHANGED] = "was allowed already"};
    char why[EMP_KEYRING_WHY_MAX];
    emp_allowed_key_t wish = options->wish, key;
    emp_key_change_t change;
    emp_status_t status = emp_key_check (options->word, why);
    if (status != EMP_OK)
        return refuse (status, why);
    strcpy (wish.public_key, options->word);
    wish.since = (int64_t) time (NULL);
    status = emp_keyring_allow (directory, &wish, &key, &change, why);
    if (status != EMP_OK)
        return refuse (status, why);
    fprintf (stderr, "eisenmp: %s (%s) %s\n", key.name, emp_key_role_text (key.role), changes[change]);
    return 0;
}

static int disallow (const char *directory, const options_t *options)
{
    char why[EMP_KEYRING_WHY_MAX];
    emp_allowed_key_t key;
    emp_status_t status = emp_keyring_revoke (directory, options->word, &key, why);
    if (status != EMP_OK)
        return refuse (status, why);
    if (*key.public_key)
        fprintf (stderr, "eisenmp: %s (%s) is no longer allowed: %s\n", key.name, emp_key_role_text (key.role),
                 key.public_key);
    else
        fprintf (stderr, "eisenmp: %s.key is removed, it was no key\n", key.name);
    return 0;
}

/* Characters, as a terminal counts them: near enough for a column. */
static size_t width_of (const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += (*text & 0xc0) != 0x80;
    return width;
}

static void print_list (const emp_allowed_t *list, bool columns)
{
    const emp_allowed_key_t *key;
    size_t width = sizeof "NAME" - 1;
    for (size_t i = 0; (key = emp_allowed_at (list, i)); i++)
        width = width_of (key->name) > width ? width_of (key->name) : width;
    if (columns && emp_allowed_count (list))
        printf ("NAME%*s  ROLE     %-*s  SINCE\n", (int) (width - (sizeof "NAME" - 1)), "", EMP_KEY_SIZE, "KEY");
    for (size_t i = 0; (key = emp_allowed_at (list, i)); i++) {
        char since[EMP_SINCE_MAX];
        emp_key_since (key->since, since);
        if (columns)
            printf ("%s%*s  %-7s  %s  %s\n", key->name, (int) (width - width_of (key->name)), "",
                    emp_key_role_text (key->role), key->public_key, since);
        else
            printf ("%s\t%s\t%s\t%s\n", key->name, emp_key_role_text (key->role), key->public_key, since);
    }
}

static int list (const char *directory, const options_t *options)
{
    (void) options;
    char why[EMP_KEYRING_WHY_MAX];
    const char *problem;
    emp_allowed_t *keys;
    emp_status_t status = emp_allowed_new (directory, &keys, why);
    if (status != EMP_OK)
        return refuse (status, why);
    print_list (keys, isatty (STDOUT_FILENO));
    size_t problems = emp_allowed_problems (keys);
    for (size_t i = 0; (problem = emp_allowed_problem_at (keys, i)); i++)
        fprintf (stderr, "eisenmp: %s/%s\n", directory, problem);
    if (problems > EMP_ALLOWED_PROBLEMS)
        fprintf (stderr, "eisenmp: %s/allowed: %zu more files that are no keys\n", directory,
                 problems - EMP_ALLOWED_PROBLEMS);
    emp_allowed_destroy (&keys);
    return problems ? 2 : 0;
}

/* ---- words ------------------------------------------------------------------------------------------------------------- */

enum { OPTION_FORCE = 256, OPTION_NAME, OPTION_ROLE };

static const struct argp_option force_options[] = {
    {"force", OPTION_FORCE, NULL, 0, "take the place of a pair that is there", 0}, {0}};
static const struct argp_option allow_options[] = {
    {"name", OPTION_NAME, "NAME", 0, "what the key is called here: without / ; | and no . at its front", 0},
    {"role", OPTION_ROLE, "ROLE", 0, "worker (the default of a new key) or manager", 0},
    {0}};

static const struct {
    const char *name;
    int (*run) (const char *directory, const options_t *options);
    const char *takes;
    const struct argp_option *options;
    const char *usage, *help, *doc;
} commands[] = {
    {"new", make, NULL, force_options, "new [--force]", "make this host's pair, print its public key",
     "Makes this host's pair of keys, and prints its public key, for where the broker runs to allow it."},
    {"show", show, NULL, NULL, "show", "print this host's public key", "Prints this host's public key."},
    {"allow", allow, "KEY", allow_options, "allow KEY [--name NAME] [--role worker|manager]", "let in who has this key",
     "Lets in who has this key. One that is allowed already gets the name and role that are given. Put it in single "
     "quotes, for the "
     "shell; one that begins with '-' (none that `eisenmp keys new` makes) goes last, behind --."},
    {"list", list, NULL, NULL, "list", "print whom the broker lets in",
     "Prints whom the broker lets in: on a terminal in columns; else a line a key: name, role, key, since, with tabs "
     "between."},
    {"revoke", disallow, "NAME|KEY", NULL, "revoke NAME|KEY", "let it in no more",
     "Takes a key, or the key of that name, out of the list; a broker that runs ends its sessions."},
};
#define COMMANDS (sizeof commands / sizeof *commands)

#define EXIT_STATUS                                                                                                    \
    "Exit status: 0 done, 1 a file could not be read or written, 2 bad usage, or a key or file that is not as it has " \
    "to be.\n"
#define PLACE                                                                                                          \
    "Keys are in $EISENMP_KEYS, else $XDG_CONFIG_HOME/eisenmp, else $HOME/.config/eisenmp: self.key, and "             \
    "allowed/NAME.key."

static void usage (FILE *out)
{
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf (out, "%s eisenmp keys %s\n", i == 0 ? "Usage:" : "   or:", commands[i].usage);
    fprintf (out, "\nCURVE keys: this host's pair, and whom its broker lets in.\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf (out, "  %-8s %s\n", commands[i].name, commands[i].help);
    fprintf (out, "\n" PLACE "\n" EXIT_STATUS);
}

static int unknown (const char *word)
{
    const char *names[COMMANDS + 1] = {0};
    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i].name;
    const char *nearest = emp_name_nearest (word, names);
    fprintf (stderr, "eisenmp: keys: unknown command \"%s\"", word);
    if (nearest)
        fprintf (stderr, ", did you mean \"%s\"?", nearest);
    fprintf (stderr, "\n");
    return 2;
}

static error_t take_option (int key, char *arg, struct argp_state *state)
{
    options_t *options = state->input;
    char why[EMP_KEYRING_WHY_MAX];
    switch (key) {
    case OPTION_FORCE: options->force = true; return 0;
    case OPTION_NAME:
        if (emp_key_check_name (arg, why) != EMP_OK)
            argp_error (state, "--name: %s", why);
        snprintf (options->wish.name, sizeof options->wish.name, "%s", arg);
        return 0;
    case OPTION_ROLE:
        options->wish.role = emp_key_role_of (arg);
        if (options->wish.role == EMP_KEY_UNSAID)
            argp_error (state, "--role: found \"%s\", expected worker or manager", arg);
        return 0;
    case ARGP_KEY_ARG:
        if (!options->takes)
            argp_error (state, "found \"%s\", expected no argument", arg);
        if (options->word)
            argp_error (state, "found \"%s\" behind \"%s\", expected one %s", arg, options->word, options->takes);
        options->word = arg;
        return 0;
    case ARGP_KEY_END:
        if (options->takes && !options->word)
            argp_error (state, "%s is needed", options->takes);
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static int run (size_t i, int argc, char **argv)
{
    char name[64], text[1024], directory[EMP_KEYRING_PATH_MAX], why[EMP_KEYRING_WHY_MAX];
    snprintf (name, sizeof name, "eisenmp keys %s", commands[i].name);
    snprintf (text, sizeof text, "%s\v" PLACE "\n" EXIT_STATUS, commands[i].doc);
    argv[0] = name;
    options_t options = {.takes = commands[i].takes};
    const struct argp argp = {commands[i].options, take_option, commands[i].takes, text, NULL, NULL, NULL};
    argp_parse (&argp, argc, argv, 0, NULL, &options);
    emp_status_t status = emp_keyring_directory (directory, why);
    return status == EMP_OK ? commands[i].run (directory, &options) : refuse (status, why);
}

int emp_cmd_keys (int argc, char **argv)
{
    if (argc < 2) {
        usage (stderr);
        fprintf (stderr, "\n(The keys of a job file: `eisenmp settings`.)\n");
        return 2;
    }
    if (strcmp (argv[1], "--help") == 0 || strcmp (argv[1], "-h") == 0 || strcmp (argv[1], "help") == 0) {
        usage (stdout);
        return 0;
    }
    if (strcmp (argv[1], "--version") == 0) {
        printf ("%s\n", argp_program_version);
        return 0;
    }
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp (argv[1], commands[i].name) == 0)
            return run (i, argc - 1, argv + 1);
    return unknown (argv[1]);
}
