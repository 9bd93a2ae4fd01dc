/* SPDX-License-Identifier: BSD-3-Clause
 *
 * catalogue.c - the examples that are there. See catalogue.h.
 */
#include "catalogue.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/name.h"
#include "title.h"

#define JOB_SUFFIX ".yaml"
#define MAIN_STEM "job"

static bool is_name (const char *text, size_t size)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    return size && *text != '.' && strspn (text, letters) >= size;
}

static int is_folder_name (const struct dirent *entry)
{
    return is_name (entry->d_name, strlen (entry->d_name));
}

/* Bytes of the stem of a job file's name, 0 when it is none. */
static size_t stem_of (const char *name)
{
    size_t size = strlen (name), suffix = strlen (JOB_SUFFIX);
    return size > suffix && strcmp (name + size - suffix, JOB_SUFFIX) == 0 && is_name (name, size) ? size - suffix : 0;
}

static int is_job_name (const struct dirent *entry)
{
    return entry->d_type != DT_DIR && stem_of (entry->d_name) > 0;
}

/* The title of a file, "" when it cannot be read. */
static void read_title (const char *path, void (*title_of) (const char *, size_t, char *), char *ret_title)
{
    *ret_title = 0;
    FILE *file = fopen (path, "re");
    if (!file)
        return;
    char *text = malloc (EMP_CATALOGUE_READ_MAX);
    if (text)
        title_of (text, fread (text, 1, EMP_CATALOGUE_READ_MAX, file), ret_title);
    free (text);
    fclose (file);
}

static char *title_of (const char *root, const emp_example_t *example)
{
    char title[EMP_TITLE_MAX + 1] = "", *page;
    bool is_main = example->name[example->folder] == 0;
    if (asprintf (&page, "%s/%.*s/README.md", root, (int) example->folder, example->name) < 0)
        return NULL;
    if (!is_main)
        read_title (example->job, emp_title_of_job, title);
    if (!*title)
        read_title (page, emp_title_of_page, title);
    if (!*title)
        read_title (example->job, emp_title_of_job, title);
    free (page);
    return strdup (title);
}

/* One job file of a folder that has `jobs` of them. False: out of memory. */
static bool add (emp_catalogue_t *self, const char *root, const char *folder, const char *file, int jobs)
{
    emp_example_t *example = &self->at[self->count];
    int stem = (int) stem_of (file);
    snprintf (example->stem, sizeof example->stem, "%.*s", stem, file);
    bool is_main = jobs == 1 || strcmp (example->stem, MAIN_STEM) == 0;
    int size = is_main ? snprintf (example->name, sizeof example->name, "%s", folder)
                       : snprintf (example->name, sizeof example->name, "%s/%s", folder, example->stem);
    if (size >= (int) sizeof example->name)
        return true; /* nobody could type it */
    example->folder = strlen (folder);
    if (asprintf (&example->job, "%s/%s/%s", root, folder, file) < 0) {
        example->job = NULL;
        return false;
    }
    example->title = title_of (root, example);
    self->count++;
    return example->title != NULL;
}

static bool add_folder (emp_catalogue_t *self, const char *root, const char *folder)
{
    char *path;
    if (asprintf (&path, "%s/%s", root, folder) < 0)
        return false;
    struct dirent **files = NULL;
    int count = scandir (path, &files, is_job_name, alphasort);
    bool good = true;
    for (int i = 0; i < count; i++) {
        if (good && self->count < EMP_CATALOGUE_MAX)
            good = add (self, root, folder, files[i]->d_name, count);
        free (files[i]);
    }
    free (files);
    free (path);
    return good;
}

static int compare (const void *left, const void *right)
{
    const emp_example_t *a = left, *b = right;
    return strcmp (a->name, b->name);
}

emp_status_t emp_catalogue_read (emp_catalogue_t *ret_self, const char *root)
{
    emp_catalogue_t self = {.at = calloc (EMP_CATALOGUE_MAX, sizeof *self.at)};
    if (!self.at)
        return EMP_NOMEM;
    struct dirent **folders = NULL;
    int count = scandir (root, &folders, is_folder_name, alphasort), why = errno;
    bool good = true;
    for (int i = 0; i < count; i++) {
        good = good && add_folder (&self, root, folders[i]->d_name);
        free (folders[i]);
    }
    free (folders);
    if (count < 0 || !good) {
        emp_catalogue_release (&self);
        errno = why;
        return count < 0 ? EMP_SYSTEM : EMP_NOMEM;
    }
    qsort (self.at, self.count, sizeof *self.at, compare);
    *ret_self = self;
    return EMP_OK;
}

void emp_catalogue_release (emp_catalogue_t *self)
{
    for (size_t i = 0; i < self->count; i++) {
        free (self->at[i].job);
        free (self->at[i].title);
    }
    free (self->at);
    *self = (emp_catalogue_t){0};
}

const emp_example_t *emp_catalogue_find (const emp_catalogue_t *self, const char *name)
{
    for (size_t i = 0; i < self->count; i++) {
        const emp_example_t *example = &self->at[i];
        if (strcmp (example->name, name) == 0)
            return example;
        if (strncmp (example->name, name, example->folder) == 0 && name[example->folder] == '/' &&
            strcmp (example->stem, name + example->folder + 1) == 0)
            return example;
    }
    return NULL;
}

const char *emp_catalogue_nearest (const emp_catalogue_t *self, const char *word)
{
    const char *names[EMP_CATALOGUE_MAX + 1] = {0};
    for (size_t i = 0; i < self->count; i++)
        names[i] = self->at[i].name;
    return emp_name_nearest (word, names);
}
