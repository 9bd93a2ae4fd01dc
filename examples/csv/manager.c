/* SPDX-License-Identifier: BSD-3-Clause
 *
 * manager.c - what job.yaml says, as a program, with a generator of its own instead of the built-in CSV source.
 *
 *     cc -o example-csv manager.c $(pkg-config --cflags --libs eisenmp)
 *     example-csv [FILE [COLUMN [ROWS_MAX]]]           revised.csv value 50000
 *
 * Exits 0: every ticket was answered; 1: some were not, the report names them; 2: something is wrong with what was asked.
 */
#include <eisenmp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM "example-csv"

/* ---- the generator ----------------------------------------------------------------------------------------- */

/* A plain CSV file, cells without quotes. The generator's thread is the only one that reads it while the run goes on. */
typedef struct {
    const char *path;
    FILE *file;
    size_t column; /* from 0 */
    char *line;
    size_t room;
} table_t;

/* The n-th cell of a line, or NULL. The line is cut to pieces. */
static char *cell_of (char *line, size_t n)
{
    char *rest = line, *cell;
    while ((cell = strsep (&rest, ",\r\n")))
        if (n-- == 0)
            return cell;
    return NULL;
}

/* Opens a file and finds the column that its first line calls so. */
static bool open_table (table_t *self, const char *path, const char *column)
{
    self->path = path;
    self->file = fopen (path, "r");
    if (!self->file) {
        fprintf (stderr, PROGRAM ": %s: %s\n", path, strerror (errno));
        return false;
    }
    if (getline (&self->line, &self->room, self->file) < 0) {
        fprintf (stderr, PROGRAM ": %s: found no line, expected the names of the columns\n", path);
        return false;
    }
    char *rest = self->line, *name;
    for (self->column = 0; (name = strsep (&rest, ",\r\n")); self->column++)
        if (!strcmp (name, column))
            return true;
    fprintf (stderr, PROGRAM ": %s: has no column %s\n", path, column);
    return false;
}

static void close_table (table_t *self)
{
    if (self->file)
        fclose (self->file);
    free (self->line);
}

/* Packs the next row: one cell, a text. */
static bool next_cell (emp_generator_t *generator, msgpack_packer *row)
{
    table_t *table = emp_generator_arg (generator);
    if (getline (&table->line, &table->room, table->file) < 0) {
        if (ferror (table->file))
            emp_generator_fail (generator, "%s: %s", table->path, strerror (errno));
        return false;
    }
    const char *cell = cell_of (table->line, table->column);
    if (!cell) {
        emp_generator_fail (generator, "%s: row %llu has no column %zu", table->path,
                            (unsigned long long) emp_generator_index (generator) + 1, table->column + 1);
        return false;
    }
    msgpack_pack_str_with_body (row, cell, strlen (cell));
    return true;
}

/* ---- the run ----------------------------------------------------------------------------------------------- */

static bool configure (emp_t *emp, const char *path, int64_t rows_max)
{
    char label[300];
    const char *name = strrchr (path, '/');
    snprintf (label, sizeof label, "%.200s, Average calculation", name ? name + 1 : path);
    int wrong = 0;
    wrong |= emp_config_set_string (emp, "RESULT_LABEL", label);
    wrong |= emp_config_set_int (emp, "PROCS_MAX", 5);
    wrong |= emp_config_set_int (emp, "ROWS_MAX", rows_max);
    wrong |= emp_config_set_bool (emp, "RESULTS_STORE", true);
    wrong |= emp_config_set_bool (emp, "RESULTS_PRINT", true);
    wrong |= emp_config_set_bool (emp, "RESULTS_DICT_PRINT", true);
    wrong |= emp_config_set_int (emp, "sleep_time", 45); /* no key of eisenmp: the watchdog reads it */
    wrong |= emp_config_add_module (emp, "csv.so", "worker_entrance");
    wrong |= emp_config_add_module (emp, "watchdog.so", "mp_start_show_threads");
    return !wrong;
}

/* Starts everything, waits for the end, prints the report. */
static int run (emp_t *emp, table_t *table, int64_t rows_max)
{
    if (!configure (emp, table->path, rows_max) || emp_start (emp) ||
        emp_run_q_feeder (emp, next_cell, table, emp_queue (emp, EMP_DEFAULT_QUEUE), NULL)) {
        fprintf (stderr, PROGRAM ": %s\n", emp_error (emp));
        return 2;
    }
    emp_status_t status = emp_wait (emp);
    emp_report (emp, stdout);
    if (status)
        fprintf (stderr, PROGRAM ": %s\n", emp_error (emp));
    return status == EMP_OK ? 0 : status == EMP_INVALID ? 2 : 1; /* invalid: the workers could not start */
}

int main (int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "revised.csv";
    const char *column = argc > 2 ? argv[2] : "value";
    char *end = "";
    long rows_max = argc > 3 ? strtol (argv[3], &end, 10) : 50000;
    if (argc > 4 || *end || path[0] == '-') {
        fprintf (stderr, "usage: " PROGRAM " [FILE [COLUMN [ROWS_MAX]]]\n");
        return 2;
    }
    table_t table = {.path = path};
    emp_t *emp = emp_new ();
    int code = 2;
    if (!emp)
        fprintf (stderr, PROGRAM ": out of memory\n");
    else if (open_table (&table, path, column))
        code = run (emp, &table, rows_max);
    emp_destroy (&emp); /* ends the generator's thread; only then may its table go */
    close_table (&table);
    return code;
}
