/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "worker/loader.h"

TestSuite (loader, .timeout = 60);

static char path[4096], error[EMP_LOADER_ERROR_MAX + 1];

static const char *module (const char *name)
{
    const char *folder = getenv ("EMP_TEST_MODULES");
    cr_assert_not_null (folder, "EMP_TEST_MODULES is not set: run by ctest");
    snprintf (path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void expect_error (const char *file, const char *ref, const char *text)
{
    emp_worker_fn *function = NULL;
    error[0] = 0;
    cr_assert_eq (emp_loader_open (file, ref, &function, error), EMP_INVALID);
    cr_assert_null (function);
    cr_assert (strstr (error, file), "names the file: %s", error);
    cr_assert (strstr (error, text), "\"%s\" in: %s", text, error);
    cr_assert_eq (strstr (strstr (error, file) + 1, file), NULL, "the file once: %s", error);
}

Test (loader, B21_a_function_of_a_module_is_found_and_can_be_called)
{
    emp_worker_fn *function = NULL;
    cr_assert_eq (emp_loader_open (module ("loader_good.so"), "count_me", &function, error), EMP_OK, "%s", error);
    fixture_t fixture;
    fixture_start (&fixture);
    cr_assert (function (fixture.toolbox));
    cr_assert (function (fixture.toolbox));
    cr_assert (!function (fixture.toolbox));
    fixture_end (&fixture);
}

Test (loader, B24_the_same_module_may_be_loaded_several_times)
{
    emp_worker_fn *first = NULL, *second = NULL;
    cr_assert_eq (emp_loader_open (module ("loader_good.so"), "count_me", &first, error), EMP_OK);
    cr_assert_eq (emp_loader_open (module ("loader_good.so"), "count_me", &second, error), EMP_OK);
    cr_assert (first == second);
}

Test (loader, a_file_that_is_not_there_is_named)
{
    expect_error (module ("nowhere.so"), "worker_entrance", "No such file");
}

Test (loader, a_text_file_is_no_module)
{
    char text[] = "/tmp/emp-unit-XXXXXX";
    int fd = mkstemp (text);
    for (int i = 0; i < 100; i++)
        cr_assert_eq (write (fd, "no shared object, however long it is\n", 37), 37);
    close (fd);
    expect_error (text, "worker_entrance", "invalid ELF header");
    unlink (text);
}

Test (loader, an_empty_file_is_no_module)
{
    char empty[] = "/tmp/emp-unit-XXXXXX";
    close (mkstemp (empty));
    expect_error (empty, "worker_entrance", "file too short");
    unlink (empty);
}

Test (loader, a_folder_is_no_module)
{
    expect_error ("/tmp", "worker_entrance", "directory");
}

Test (loader, a_symbol_that_nobody_has_is_named)
{
    expect_error (module ("loader_unresolved.so"), "worker_entrance", "nobody_has_this_function");
}

Test (loader, a_function_that_is_not_there_is_named)
{
    expect_error (module ("loader_good.so"), "worker_entrence", "no function \"worker_entrence\"");
    expect_error (module ("loader_good.so"), "stay_hidden", "no function \"stay_hidden\"");
}

Test (loader, a_function_of_a_library_that_the_module_needs_is_not_taken_for_its_own)
{
    expect_error (module ("loader_good.so"), "printf", "no function \"printf\"");
}

Test (loader, data_is_no_function)
{
    expect_error (module ("loader_good.so"), "some_data", "no function \"some_data\"");
}
