/* SPDX-License-Identifier: BSD-3-Clause
 *
 * arena.h - one large value, kept once a host in memory that many processes read and none can write.
 *
 * An arena is a sealed memfd with a value in it that is unpacked already: msgpack_objects whose pointers hold at one
 * address, high up where the usual layouts have nothing. Its maker says where it is (emp_arena_place_t, a few numbers), any
 * process of the same user on the same host opens it by /proc/PID/fd/FD and maps it read-only at that address. So a reader
 * pays for no copy and no unpacking. It has no name in any file system: the kernel frees it with the last process that has
 * it, however that one ends. The maker must live for as long as others are to open it.
 *
 * When a reader has something else at that address, it maps the arena elsewhere and moves the pointers: then its objects
 * (24 bytes each) are its own, the bytes of texts still shared.
 *
 * Bounds: EMP_ARENA_BYTES_MAX and the memory of the host; a text or a binary is below 4 GiB, a list or map has fewer than
 * 2^32 values, as msgpack has it.
 * An arena is never changed after birth, so any thread may read it.
 */
#ifndef EMP_ARENA_H
#define EMP_ARENA_H

#include "eisenmp.h"

#define EMP_ARENA_BYTES_MAX (UINT64_C (64) << 30)
#define EMP_ARENA_ERROR_MAX 512  /* bytes of an error's sentence, its NUL included */
#define EMP_ARENA_PLACE_BYTES 48 /* of a packed place at the most */

typedef struct emp_arena emp_arena_t;

/* Where an arena is. The stamp is random and stands in the arena too, so a number of a process or of a file that means
 * something else by now is not mistaken for it. */
typedef struct {
    uint32_t pid, fd;
    uint64_t address, size, stamp;
} emp_arena_place_t;

/* ---- making; on failure a sentence is in ret_error (EMP_ARENA_ERROR_MAX bytes) ---------------------------------------- */

/* Of exactly one packed value: emp_scan_one said EMP_OK, and that it is `size` bytes long. EMP_TOOBIG, EMP_SYSTEM. */
emp_status_t emp_arena_new (const void *packed, size_t size, emp_arena_t **ret_self, char *ret_error);
/* A text (MSGPACK_OBJECT_STR) or binary (MSGPACK_OBJECT_BIN) of these bytes. */
emp_status_t emp_arena_new_bytes (msgpack_object_type type, const void *data, size_t size, emp_arena_t **ret_self,
                                  char *ret_error);
/* A binary of all the bytes of a regular file. EMP_INVALID: no such file, not a regular one, not readable. */
emp_status_t emp_arena_new_file (const char *path, emp_arena_t **ret_self, char *ret_error);
/* A list of its lines, each a text without its \n; a \r stays; a last line without \n counts. */
emp_status_t emp_arena_new_lines (const char *path, emp_arena_t **ret_self, char *ret_error);
/* Writes the bytes of an arena, all of the place's size, into a file of that size which is empty. On failure the sentence. */
typedef emp_status_t emp_arena_fill_fn (void *arg, int fd, char *ret_error);
/* The same bytes as an arena that was made on another host, where `there` described it, for processes of this one, by which it
 * can be opened and is not mapped here: there is no root. EMP_INVALID: `there` cannot be one, or what was filled in is not
 * that arena; EMP_TOOBIG, EMP_SYSTEM; what `fill` says. */
emp_status_t emp_arena_new_copy (const emp_arena_place_t *there, emp_arena_fill_fn *fill, void *arg,
                                 emp_arena_t **ret_self, char *ret_error);
/* Unmaps it and closes what holds it. Takes NULL calmly. */
void emp_arena_destroy (emp_arena_t **self);

/* ---- sharing ---------------------------------------------------------------------------------------------------------- */

/* Only of an arena that this process has made, and only true in this process's life. */
void emp_arena_describe (const emp_arena_t *self, emp_arena_place_t *ret_place);
/* A place as a msgpack list, as PROTOCOL.md has it. */
void emp_arena_place_pack (const emp_arena_place_t *place, msgpack_packer *out);
/* False: it is no such list. */
bool emp_arena_place_read (const msgpack_object *object, emp_arena_place_t *ret_place);
/* Maps another's arena. EMP_SYSTEM: it cannot be opened or mapped; EMP_STALE: something else is there now; EMP_INVALID:
 * it was made by another version. */
emp_status_t emp_arena_open (const emp_arena_place_t *place, emp_arena_t **ret_self, char *ret_error);

/* ---- reading ---------------------------------------------------------------------------------------------------------- */

/* The value; not of a copy. It and all that it points to live as long as the arena; a NUL stands behind each text and binary. */
const msgpack_object *emp_arena_root (const emp_arena_t *self);
/* It is not where its maker wanted it, and has objects of its own. */
bool emp_arena_is_moved (const emp_arena_t *self);

#endif
