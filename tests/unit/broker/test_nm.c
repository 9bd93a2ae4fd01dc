/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The core decides and does not talk: nm -u on its archive names nothing but itself, common, and libc's memory and text
 * functions. So a socket, a clock, the environment, a stream or a thread cannot creep in unseen.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite (nm, .timeout = 60);

static const char *const functions[] = {
    "malloc",  "calloc",  "realloc", "free",          "aligned_alloc",    "memcpy",
    "memset",  "memmove", "memcmp",  "memchr",        "strlen",           "strcmp",
    "strncmp", "strcpy",  "strchr",  "__assert_fail", "__stack_chk_fail", "_GLOBAL_OFFSET_TABLE_"};
/* The core's own, common's; the rest is what sanitizers and coverage put in. */
static const char *const prefixes[] = {"core_",        "emp_",    "__asan_",  "__ubsan_", "__tsan_",
                                       "__sanitizer_", "__gcov_", "__sancov", "__mem"};

static bool is_pure (const char *symbol)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strcmp (symbol, functions[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (strncmp (symbol, prefixes[i], strlen (prefixes[i])) == 0)
            return true;
    return false;
}

/* "pure", "not there", "no symbols", "nm failed" or the first symbol that does not belong there. */
static const char *verdict_on (const char *path)
{
    static char verdict[600];
    char command[700], line[512];
    if (access (path, R_OK) != 0)
        return "not there";
    snprintf (command, sizeof command, "nm -u '%s' 2>&1", path);
    FILE *pipe = popen (command, "r");
    cr_assert_not_null (pipe);
    size_t symbols = 0;
    snprintf (verdict, sizeof verdict, "pure");
    while (fgets (line, sizeof line, pipe)) {
        char kind, symbol[512];
        if (sscanf (line, " %c %511[^@ \n]", &kind, symbol) != 2 || (kind != 'U' && kind != 'w') || line[0] != ' ')
            continue;
        symbols++;
        if (!is_pure (symbol) && strcmp (verdict, "pure") == 0)
            snprintf (verdict, sizeof verdict, "%s", symbol);
    }
    if (pclose (pipe) != 0)
        return "nm failed";
    return symbols ? verdict : "no symbols";
}

static const char *archive (void)
{
    const char *path = getenv ("EMP_CORE_ARCHIVE");
#ifdef EMP_CORE_ARCHIVE
    if (!path)
        path = EMP_CORE_ARCHIVE;
#endif
    cr_assert_not_null (path, "EMP_CORE_ARCHIVE says where the core's archive is");
    return path;
}

Test (nm, the_core_uses_memory_text_and_common_and_nothing_else)
{
    cr_assert_str_eq (verdict_on (archive ()), "pure");
}

Test (nm, the_archive_is_the_cores)
{
    char command[700], line[512];
    snprintf (command, sizeof command, "nm --defined-only '%s'", archive ());
    FILE *pipe = popen (command, "r");
    cr_assert_not_null (pipe);
    int found = 0;
    while (fgets (line, sizeof line, pipe))
        found += strstr (line, " T emp_core_step\n") || strstr (line, " T emp_core_check\n");
    cr_assert_eq (pclose (pipe), 0);
    cr_assert_eq (found, 2);
}

Test (nm, an_archive_that_is_missing_or_empty_is_not_pure)
{
    char path[] = "/tmp/emp-nm-XXXXXX", command[200];
    int file = mkstemp (path);
    cr_assert_geq (file, 0);
    close (file);
    cr_assert_str_neq (verdict_on (path), "pure"); /* no archive at all */
    unlink (path);
    cr_assert_str_eq (verdict_on (path), "not there");
    snprintf (command, sizeof command, "ar rc '%s'", path);
    cr_assert_eq (system (command), 0);
    cr_assert_str_eq (verdict_on (path), "no symbols");
    unlink (path);
}

Test (nm, what_prints_is_not_pure)
{
    cr_assert_str_neq (verdict_on ("/proc/self/exe"), "pure");
}

Test (nm, sockets_clocks_streams_and_the_environment_are_not_pure)
{
    static const char *const symbols[] = {
        "zmq_send",       "zsock_new",    "zmsg_send", "clock_gettime", "time",     "gettimeofday", "socket", "send",
        "recv",           "poll",         "getenv",    "printf",        "snprintf", "fopen",        "fputs",  "stderr",
        "pthread_create", "__printf_chk", "rand",      "exit",          "read",     "write"};
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++)
        cr_assert_not (is_pure (symbols[i]), "%s", symbols[i]);
}
