/* SPDX-License-Identifier: BSD-3-Clause
 *
 * replay.c - a fuzzer without libFuzzer: reads the inputs of folders and files again, each once.
 *
 *     replay/wire corpus/wire           every file in it, and in its folders
 *     replay/wire --seeds corpus/wire   writes the seeds that the fuzzer makes itself
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>

#include "fuzz.h"

static const char *folder;
static unsigned long count;

static void write_seed (const char *name, const void *data, size_t size)
{
    char path[4096];
    snprintf (path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen (path, "we");
    FUZZ_MUST (file && fwrite (data, 1, size, file) == size);
    FUZZ_MUST (fclose (file) == 0);
}

/* Each input has memory of its own, exactly as large: a read behind its end is seen. */
static int read_one (const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
    (void) ftw;
    if (kind != FTW_F)
        return 0;
    size_t size = (size_t) stat->st_size;
    uint8_t *data = malloc (size ? size : 1);
    int fd = open (path, O_RDONLY | O_CLOEXEC);
    FUZZ_MUST (data && fd >= 0 && read (fd, data, size) == (ssize_t) size);
    close (fd);
    fprintf (stderr, "%s\n", path); /* the last line names what failed */
    LLVMFuzzerTestOneInput (data, size);
    free (data);
    count++;
    return 0;
}

int main (int argc, char **argv)
{
    if (argc == 3 && strcmp (argv[1], "--seeds") == 0) {
        folder = argv[2];
        if (fuzz_seeds)
            fuzz_seeds (write_seed);
        return 0;
    }
    for (int i = 1; i < argc; i++)
        if (nftw (argv[i], read_one, 16, FTW_PHYS) != 0) {
            fprintf (stderr, "replay: %s: %s\n", argv[i], strerror (errno));
            return 1;
        }
    printf ("%lu inputs\n", count);
    return count ? 0 : 1;
}
