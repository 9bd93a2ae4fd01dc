/* SPDX-License-Identifier: BSD-3-Clause
 *
 * manager.c - what job.yaml says, as a program: four queues by category, four feeders at once.
 *
 *     cc -o example-double manager.c $(pkg-config --cflags --libs eisenmp)
 *     example-double [PRODUCTION_TIME]                 seconds that the worker takes for a chunk, 0
 *
 * Exits 0: every ticket was answered; 1: some were not, the report names them; 2: something is wrong with what was asked.
 */
#include <eisenmp.h>
#include <stdlib.h>

#define PROGRAM "example-double"
#define QUEUES 4
#define PRODUCTION_TIME_MOST 3600.0

static const emp_queue_spec_t specs[QUEUES] = {
    {"batch_1", "audio_lg", 5}, {"batch_1", "video_in", 1}, {"batch_7", "audio_lg", 3}, {"batch_7", "video_in", 1}};

/* ---- the generators, one a queue --------------------------------------------------------------------------- */

typedef struct {
    bool video;
    uint64_t count;
} track_t;

/* Of unequal length; so are the queues. */
static track_t tracks[QUEUES] = {{false, 20}, {true, 31}, {false, 17}, {true, 8}};

/* Audio: 1, 2, 3, ... Video: "scene 1", "scene 2", ... */
static bool next_row (emp_generator_t *generator, msgpack_packer *row)
{
    const track_t *track = emp_generator_arg (generator);
    uint64_t index = emp_generator_index (generator);
    if (index == track->count)
        return false;
    if (!track->video) {
        msgpack_pack_uint64 (row, index + 1);
        return true;
    }
    char text[32];
    int size = snprintf (text, sizeof text, "scene %llu", (unsigned long long) index + 1);
    msgpack_pack_str_with_body (row, text, (size_t) size);
    return true;
}

/* ---- the run ----------------------------------------------------------------------------------------------- */

static bool configure (emp_t *emp, double production_time)
{
    int wrong = 0;
    wrong |= emp_config_set_string (emp, "RESULT_LABEL", "fake production of audio and video for WHO studios");
    wrong |= emp_config_set_int (emp, "NUM_PROCS", 2); /* each batch on one CPU core */
    wrong |= emp_config_set_int (emp, "NUM_ROWS", 3);
    wrong |= emp_config_set_bool (emp, "RESULTS_STORE", true);
    wrong |= emp_config_set_bool (emp, "RESULTS_PRINT", true);
    wrong |= emp_config_set_bool (emp, "RESULTS_DICT_PRINT", true);
    wrong |= emp_config_set_int (emp, "sleep_time", 20); /* no keys of eisenmp: the modules read them */
    wrong |= emp_config_set_double (emp, "production_time", production_time);
    wrong |= emp_config_add_module (emp, "double.so", "worker_entrance");
    wrong |= emp_config_add_module (emp, "watchdog.so", "mp_start_show_threads");
    return !wrong && !emp_queues_create (emp, specs, QUEUES);
}

static bool feed (emp_t *emp)
{
    for (size_t i = 0; i < QUEUES; i++) {
        emp_queue_t *queue = emp_category_queue (emp, specs[i].category, specs[i].name);
        if (emp_run_q_feeder (emp, next_row, &tracks[i], queue, NULL))
            return false;
    }
    return true;
}

/* Starts everything, waits for the end, prints the report. */
static int run (emp_t *emp, double production_time)
{
    if (!configure (emp, production_time) || emp_start (emp) || !feed (emp)) {
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
    char *end = "";
    double production_time = argc > 1 ? strtod (argv[1], &end) : 0.0;
    if (argc > 2 || *end || (argc > 1 && end == argv[1]) ||
        !(production_time >= 0.0 && production_time <= PRODUCTION_TIME_MOST)) {
        fprintf (stderr, "usage: " PROGRAM " [PRODUCTION_TIME]\n");
        return 2;
    }
    emp_t *emp = emp_new ();
    if (!emp) {
        fprintf (stderr, PROGRAM ": out of memory\n");
        return 2;
    }
    int code = run (emp, production_time);
    emp_destroy (&emp);
    return code;
}
