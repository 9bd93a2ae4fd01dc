/* SPDX-License-Identifier: BSD-3-Clause
 *
 * spool.c - the spool of a pipe: any bytes; and what honest runs have read, spoilt and cut between one run and the next. What is read
 * back is how the input began, or the file is refused.
 */
#include "manager/spool.h"

#include <fcntl.h>

#include "fuzz.h"

#define RUN 7
#define INPUT_MAX 256

static void hush (void *arg, const char *sentence)
{
    (void) arg, (void) sentence;
}

static emp_spool_t *open_it (void)
{
    char journal[4096], why[EMP_JOURNAL_WHY_MAX] = "";
    snprintf (journal, sizeof journal, "%s/s", fuzz_folder ());
    const emp_spool_config_t config = {.journal = journal, .run = RUN, .resume = true, .say = hush};
    emp_spool_t *spool = NULL;
    emp_status_t status = emp_spool_open (&config, &spool, why);
    FUZZ_MUST ((status == EMP_OK) == (spool != NULL) && (spool || *why));
    return spool;
}

static void any_bytes (const uint8_t *data, size_t size)
{
    uint8_t piece[64];
    fuzz_write ("s.spool-0", data, size);
    emp_spool_t *spool = open_it ();
    if (!spool)
        return;
    size_t got = 1;
    while (got && emp_spool_read (spool, piece, sizeof piece, &got) == EMP_OK)
        ;
    emp_spool_take (spool, data, size, &got);
    emp_spool_end (spool);
    emp_spool_destroy (&spool);
}

/* One run: reads what there is, then takes of the input so much more. False: the input must be given again. */
static bool run (const uint8_t *input, size_t size, size_t more, bool sound, size_t *have)
{
    uint8_t piece[16];
    emp_spool_t *spool = open_it ();
    FUZZ_MUST (spool || !sound);
    if (!spool)
        return false;
    size_t known = 0, got = 1, fresh;
    while (got) {
        FUZZ_MUST (emp_spool_read (spool, piece, sizeof piece, &got) == EMP_OK);
        FUZZ_MUST (known + got <= *have && memcmp (piece, input + known, got) == 0);
        known += got;
    }
    FUZZ_MUST (!sound || known == *have);
    FUZZ_MUST (!emp_spool_is_complete (spool) || known == size);
    more = known + more < size ? known + more : size;
    if (!emp_spool_is_complete (spool)) {
        for (size_t at = 0; at < more; at += got) { /* the pipe gives it from the front, in pieces of its own */
            got = more - at < 11 ? more - at : 11;
            FUZZ_MUST (emp_spool_take (spool, input + at, got, &fresh) == EMP_OK);
            FUZZ_MUST (fresh == (at >= known ? got : at + got > known ? at + got - known : 0));
        }
        FUZZ_MUST (emp_spool_differs (spool) == (more > known ? more : known));
        if (more == size)
            FUZZ_MUST (emp_spool_end (spool) == EMP_OK);
        *have = more > known ? more : known;
    } else
        *have = known;
    emp_spool_destroy (&spool);
    return true;
}

static void honest_runs (fuzz_input_t *bytes)
{
    uint8_t input[INPUT_MAX];
    size_t size = fuzz_byte (bytes), have = 0;
    for (size_t i = 0; i < size; i++)
        input[i] = (uint8_t) (i * 37);
    const char *path = fuzz_write ("s.spool-0", "", 0);
    bool sound = true;
    while (fuzz_left (bytes) && run (input, size, fuzz_byte (bytes), sound, &have)) {
        size_t file_size;
        uint8_t *data = fuzz_read (path, &file_size);
        uint8_t how = fuzz_byte (bytes), by = how & 1 ? fuzz_byte (bytes) : 0;
        data[fuzz_number (bytes, how & 1 ? 2 : 0) % file_size] ^= by;
        size_t cut = how & 2 ? fuzz_number (bytes, 2) % (file_size + 1) : file_size;
        sound = by == 0 && cut == file_size;
        fuzz_write ("s.spool-0", data, cut);
        free (data);
        if (cut == 0)
            break; /* as if there had never been one */
    }
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    fuzz_input_t input = {data, data + size};
    if (fuzz_byte (&input) & 1)
        honest_runs (&input);
    else
        any_bytes (input.at, fuzz_left (&input));
    return 0;
}

void fuzz_seeds (fuzz_seed_fn *write)
{
    static const uint8_t honest[] = {1, 200, 30, 0, 40, 2, 0, 150, 50, 1, 9, 1, 20, 10, 0, 255};
    static const uint8_t whole[] = {1, 20, 255, 0, 255, 0, 5, 2, 0, 90, 255};
    write ("honest", honest, sizeof honest);
    write ("whole", whole, sizeof whole);
}
