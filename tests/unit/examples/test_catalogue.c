/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_catalogue.c - which examples are there, and what they are called (E8).
 */
#include "../manager/scratch.h"
#include "manager/examples/catalogue.h"

TestSuite (catalogue, .timeout = 10);

static emp_catalogue_t catalogue;

static void folder (const char *name)
{
    cr_assert_eq (mkdir (scratch_path (name), 0700), 0);
}

static void make (void)
{
    scratch_make ();
    folder ("prime");
    scratch_text ("prime/README.md", "# prime\n\nOf the page.\n");
    scratch_text ("prime/job.yaml", "# Of the job.\n");
    folder ("csv");
    scratch_text ("csv/README.md", "# csv\n\nOf the page.\n");
    scratch_text ("csv/job.yaml", "");
    scratch_text ("csv/seattle.yaml", "# Of Seattle.\n");
    folder ("only");
    scratch_text ("only/anything.yaml", "# Of the job.\n");
    folder ("two");
    scratch_text ("two/b.yaml", "");
    scratch_text ("two/a.yaml", "");
    folder ("none");
    scratch_text ("none/README.md", "no job");
    folder ("none/deeper.yaml");
    folder (".hidden");
    scratch_text (".hidden/job.yaml", "");
    folder ("with space");
    scratch_text ("with space/job.yaml", "");
    scratch_text ("file.yaml", "");
    cr_assert_eq (emp_catalogue_read (&catalogue, scratch_dir), EMP_OK);
}

static void drop (void)
{
    emp_catalogue_release (&catalogue);
    scratch_remove ();
}

Test (catalogue, has_every_job_file_by_name, .init = make, .fini = drop)
{
    static const char *const names[] = {"csv", "csv/seattle", "only", "prime", "two/a", "two/b"};
    cr_assert_eq (catalogue.count, 6);
    for (size_t i = 0; i < 6; i++)
        cr_assert_str_eq (catalogue.at[i].name, names[i]);
}

Test (catalogue, the_main_job_has_the_page_s_title_others_their_own, .init = make, .fini = drop)
{
    cr_assert_str_eq (emp_catalogue_find (&catalogue, "prime")->title, "Of the page.");
    cr_assert_str_eq (emp_catalogue_find (&catalogue, "csv/seattle")->title, "Of Seattle.");
    cr_assert_str_eq (emp_catalogue_find (&catalogue, "only")->title, "Of the job.");
    cr_assert_str_eq (emp_catalogue_find (&catalogue, "two/a")->title, "");
}

Test (catalogue, finds_by_name_and_by_folder_and_stem, .init = make, .fini = drop)
{
    const emp_example_t *csv = emp_catalogue_find (&catalogue, "csv");
    cr_assert_str_eq (csv->job + strlen (scratch_dir), "/csv/job.yaml");
    cr_assert_eq (emp_catalogue_find (&catalogue, "csv/job"), csv);
    cr_assert_str_eq (emp_catalogue_find (&catalogue, "only/anything")->name, "only");
    static const char *const unknown[] = {"",    "cs",   "csvx", "csv/",   "csv/seattl",
                                          "two", "none", "job",  "../csv", "prime/"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        cr_assert_null (emp_catalogue_find (&catalogue, unknown[i]), "%s", unknown[i]);
    cr_assert_str_eq (emp_catalogue_nearest (&catalogue, "prmie"), "prime");
    cr_assert_null (emp_catalogue_nearest (&catalogue, "something else"));
}

Test (catalogue, a_folder_that_is_not_there_is_an_error, .init = scratch_make, .fini = scratch_remove)
{
    cr_assert_eq (emp_catalogue_read (&catalogue, scratch_path ("nowhere")), EMP_SYSTEM);
    cr_assert_eq (emp_catalogue_read (&catalogue, scratch_dir), EMP_OK);
    cr_assert_eq (catalogue.count, 0);
    emp_catalogue_release (&catalogue);
}
