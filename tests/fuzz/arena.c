/* SPDX-License-Identifier: BSD-3-Clause
 *
 * arena.c - any bytes in shared memory as an arena, as they are and with a head that says what the place says: it is refused
 * with a sentence, or it is mapped and its row of objects lies within it. What a stranger's pointers point to is not looked at:
 * whoever knows the stamp is the manager.
 */
#include "common/arena_form.h"

#include <fcntl.h>

#include "common/scan.h"
#include "common/value.h"
#include "fuzz.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

static void open_it (const emp_arena_place_t *place, uint64_t objects, uint64_t count)
{
    char error[EMP_ARENA_ERROR_MAX] = "";
    emp_arena_t *arena = NULL;
    emp_status_t status = emp_arena_open (place, &arena, error);
    FUZZ_MUST ((status == EMP_OK) == (arena != NULL) && (arena || *error));
    if (!arena)
        return;
    FUZZ_MUST (count > 0 && objects <= place->size && count <= (place->size - objects) / sizeof (msgpack_object));
    volatile int type = emp_arena_root (arena)->type; /* it can be read */
    (void) type;
    emp_arena_destroy (&arena);
}

/* The value that is in the bytes, made and opened by our own. */
static void make_it (const uint8_t *data, size_t size)
{
    size_t one;
    char error[EMP_ARENA_ERROR_MAX] = "";
    emp_arena_t *arena = NULL, *reader = NULL;
    if (emp_scan_one (data, size, EMP_SCAN_OBJECTS_MAX, &one) != EMP_OK)
        return;
    FUZZ_MUST (emp_arena_new (data, one, &arena, error) == EMP_OK);
    emp_arena_place_t place;
    emp_arena_describe (arena, &place);
    FUZZ_MUST (emp_arena_open (&place, &reader, error) == EMP_OK && emp_arena_is_moved (reader));
    char *texts[2];
    size_t sizes[2];
    for (int i = 0; i < 2; i++) {
        FILE *out = open_memstream (&texts[i], &sizes[i]);
        emp_value_repr (out, emp_arena_root (i ? reader : arena));
        fclose (out);
    }
    FUZZ_MUST (sizes[0] == sizes[1] && memcmp (texts[0], texts[1], sizes[0]) == 0);
    free (texts[0]);
    free (texts[1]);
    emp_arena_destroy (&reader);
    emp_arena_destroy (&arena);
}

/* The first byte: 1 the head's form is right, 2 its stamp, 4 its address and size, 8 the file is sealed; 16 a value to make. */
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    fuzz_input_t input = {data, data + size};
    uint8_t right = fuzz_byte (&input);
    if (right & 16) {
        make_it (input.at, fuzz_left (&input));
        return 0;
    }
    emp_arena_place_t place = {
        .pid = (uint32_t) getpid (), .address = fuzz_any (&input) << 12, .stamp = fuzz_any (&input)};
    place.size = fuzz_left (&input);
    char path[64];
    uint8_t bytes[4096] = {0};
    memcpy (bytes, input.at, place.size < sizeof bytes ? place.size : sizeof bytes);
    emp_arena_head_t *head = (emp_arena_head_t *) (void *) bytes;
    head->form = right & 1 ? EMP_ARENA_FORM : head->form;
    head->object_size = right & 1 ? sizeof (msgpack_object) : head->object_size;
    head->stamp = right & 2 ? place.stamp : head->stamp;
    head->address = right & 4 ? place.address : head->address;
    head->size = right & 4 ? place.size : head->size;
    int fd = fuzz_file (bytes, place.size < sizeof bytes ? place.size : sizeof bytes, path);
    if (right & 8)
        FUZZ_MUST (fcntl (fd, F_ADD_SEALS, SEALS) == 0);
    place.fd = (uint32_t) fd;
    open_it (&place, head->objects, head->count);
    close (fd);
    return 0;
}

void fuzz_seeds (fuzz_seed_fn *write)
{
    uint8_t seed[3 + sizeof (emp_arena_head_t) + 2 * sizeof (msgpack_object)] = {15, 16, 5};
    emp_arena_head_t head = {.objects = sizeof head, .count = 2};
    memcpy (seed + 3, &head, sizeof head);
    write ("two_objects", seed, sizeof seed);
    seed[0] = 0;
    write ("nothing_right", seed, sizeof seed);
    static const char made[] = "\x10\x93\x01\xa3xyz\x81\xc3\x92\xc4\x01\x00\xc0";
    write ("made", made, sizeof made - 1);
}
