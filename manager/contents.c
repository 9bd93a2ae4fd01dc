/* SPDX-License-Identifier: BSD-3-Clause
 *
 * contents.c - see contents.h.
 */
#include "contents.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/arena.h"
#include "../common/thread.h"
#include "attributes.h"
#include "sentence.h"

#define FILES                                                                                                          \
    (EMP_CONTENTS_MAX + EMP_ATTRIBUTES_ARENAS_MAX + 64) /* open ones, those of the arenas themselves included */

typedef struct {
    char hash[EMP_CONTENT_TEXT_MAX];
    char name[EMP_SENTENCE_MAX]; /* in quotes */
    int fd;
    uint64_t size;
    struct timespec changed; /* the file's mtime when it was hashed */
} content_t;

struct emp_contents {
    pthread_mutex_t lock;
    content_t *all;
    size_t count;
};

emp_contents_t *emp_contents_new (void)
{
    emp_contents_t *self = calloc (1, sizeof *self);
    if (self)
        pthread_mutex_init (&self->lock, NULL);
    return self;
}

void emp_contents_destroy (emp_contents_t **self_p)
{
    emp_contents_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    for (size_t i = 0; i < self->count; i++)
        close (self->all[i].fd);
    free (self->all);
    pthread_mutex_destroy (&self->lock);
    free (self);
}

static content_t *find (emp_contents_t *self, const char *hash)
{
    for (size_t i = 0; i < self->count; i++)
        if (strcmp (self->all[i].hash, hash) == 0)
            return &self->all[i];
    return NULL;
}

static bool is_as_it_was (const content_t *content)
{
    struct stat now;
    return fstat (content->fd, &now) == 0 && (uint64_t) now.st_size == content->size &&
           now.st_mtim.tv_sec == content->changed.tv_sec && now.st_mtim.tv_nsec == content->changed.tv_nsec;
}

/* ---- offering ---------------------------------------------------------------------------------------------------- */

/* The open file is the entry's from now on. Offered before, it takes the place of that one, which may have been touched. */
static emp_status_t keep (emp_contents_t *self, const content_t *content, char *why)
{
    content_t *old = find (self, content->hash);
    if (old) {
        close (old->fd);
        *old = *content;
        return EMP_OK;
    }
    if (self->count == EMP_CONTENTS_MAX)
        return emp_content_fail (EMP_FULL, why, "%s: found more than %d modules and large attributes to offer to hosts",
                                 content->name, EMP_CONTENTS_MAX);
    content_t *all = realloc (self->all, (self->count + 1) * sizeof *all);
    if (!all)
        return emp_content_fail (EMP_NOMEM, why, "%s", emp_status_text (EMP_NOMEM));
    self->all = all;
    all[self->count++] = *content;
    return EMP_OK;
}

/* Its time of change is taken before it is read and compared after that, so what is offered is what was hashed. */
static emp_status_t hash_it (content_t *content, char *why)
{
    struct stat stat;
    if (fstat (content->fd, &stat) != 0 || !S_ISREG (stat.st_mode))
        return emp_content_fail (EMP_INVALID, why, "%s: found no regular file, expected one", content->name);
    content->changed = stat.st_mtim;
    emp_status_t status = emp_content_of_file (content->fd, content->hash, &content->size);
    if (status == EMP_TOOBIG)
        return emp_content_fail (status, why, "%s: found more than %llu bytes", content->name,
                                 (unsigned long long) EMP_CONTENT_BYTES_MAX);
    if (status)
        return emp_content_fail (status, why, "%s: cannot be read: %s", content->name,
                                 status == EMP_SYSTEM ? strerror (errno) : emp_status_text (status));
    if (!is_as_it_was (content))
        return emp_content_fail (EMP_STALE, why, "%s: found a file that changes, expected one that stays as it is",
                                 content->name);
    return EMP_OK;
}

/* Takes the open file, whatever comes of it. */
static emp_status_t add (emp_contents_t *self, content_t *content, char *why)
{
    emp_status_t status = hash_it (content, why);
    if (!status) {
        pthread_mutex_lock (&self->lock);
        status = keep (self, content, why);
        pthread_mutex_unlock (&self->lock);
    }
    if (status)
        close (content->fd);
    return status;
}

emp_status_t emp_contents_add_file (emp_contents_t *self, const char *path, char ret_hash[EMP_CONTENT_TEXT_MAX],
                                    uint64_t *ret_size, char *ret_why)
{
    content_t content;
    emp_sentence_path (path, content.name);
    emp_thread_files (FILES);
    content.fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (content.fd < 0)
        return emp_content_fail (EMP_INVALID, ret_why, "%s: found %s, expected a file that can be read", content.name,
                                 errno == ENOENT ? "no such file" : strerror (errno));
    emp_status_t status = add (self, &content, ret_why);
    if (status)
        return status;
    memcpy (ret_hash, content.hash, sizeof content.hash);
    *ret_size = content.size;
    return EMP_OK;
}

emp_status_t emp_contents_add_fd (emp_contents_t *self, int fd, uint64_t size, const char *name,
                                  char ret_hash[EMP_CONTENT_TEXT_MAX], char *ret_why)
{
    content_t content;
    struct stat stat;
    emp_sentence_path (name, content.name);
    if (fstat (fd, &stat) != 0 || (uint64_t) stat.st_size != size)
        return emp_content_fail (EMP_INVALID, ret_why, "%s: found another size, expected %llu bytes", content.name,
                                 (unsigned long long) size);
    emp_thread_files (FILES);
    content.fd = fcntl (fd, F_DUPFD_CLOEXEC, 0);
    if (content.fd < 0)
        return emp_content_fail (EMP_SYSTEM, ret_why, "%s: cannot be kept open: %s", content.name, strerror (errno));
    emp_status_t status = add (self, &content, ret_why);
    if (!status)
        memcpy (ret_hash, content.hash, sizeof content.hash);
    return status;
}

/* ---- serving ----------------------------------------------------------------------------------------------------- */

/* Looked at after the read: what that could have seen of a change, had changed the time before. */
static emp_status_t read_piece (const content_t *content, uint64_t offset, void *buffer, size_t size, size_t *ret_got,
                                char *why)
{
    uint64_t left = content->size - offset;
    emp_status_t status = emp_content_read (content->fd, offset, buffer, size < left ? size : (size_t) left, ret_got);
    if (status)
        return emp_content_fail (status, why, "%s: cannot be read: %s", content->name, strerror (errno));
    if (!is_as_it_was (content))
        return emp_content_fail (EMP_STALE, why,
                                 "%s: found another file than when the run began, expected that it stays as it was",
                                 content->name);
    return EMP_OK;
}

emp_status_t emp_contents_read (emp_contents_t *self, const char *hash, uint64_t offset, void *buffer, size_t size,
                                size_t *ret_got, uint64_t *ret_total, char *ret_why)
{
    emp_status_t status;
    *ret_got = 0;
    *ret_total = 0;
    pthread_mutex_lock (&self->lock);
    const content_t *content = find (self, hash);
    if (!content)
        status = emp_content_fail (EMP_UNKNOWN, ret_why, "nothing is offered that has the hash %.64s", hash);
    else if (offset > content->size)
        status = emp_content_fail (EMP_INVALID, ret_why, "%s: found the offset %llu, expected at most %llu",
                                   content->name, (unsigned long long) offset, (unsigned long long) content->size);
    else {
        *ret_total = content->size;
        status = read_piece (content, offset, buffer, size, ret_got, ret_why);
    }
    pthread_mutex_unlock (&self->lock);
    if (status)
        *ret_got = 0;
    return status;
}

/* ---- of a job ---------------------------------------------------------------------------------------------------- */

static void pack_text (msgpack_packer *pk, const char *text)
{
    msgpack_pack_str_with_body (pk, text, strlen (text));
}

static void pack_pair (msgpack_packer *pk, const char *hash, uint64_t size)
{
    msgpack_pack_array (pk, 2);
    pack_text (pk, hash);
    msgpack_pack_uint64 (pk, size);
}

static emp_status_t pack_modules (emp_contents_t *self, const emp_config_t *config, msgpack_packer *pk, char *why)
{
    pack_text (pk, "modules");
    msgpack_pack_array (pk, config->modules_count);
    for (size_t i = 0; i < config->modules_count; i++) {
        char hash[EMP_CONTENT_TEXT_MAX];
        uint64_t size = 0;
        emp_status_t status = emp_contents_add_file (self, config->modules[i].path, hash, &size, why);
        if (status)
            return status;
        pack_pair (pk, hash, size);
    }
    return EMP_OK;
}

static emp_status_t pack_arenas (emp_contents_t *self, const emp_config_t *config, msgpack_packer *pk, char *why)
{
    pack_text (pk, "arenas");
    msgpack_pack_map (pk, emp_attributes_arenas (config->attributes));
    for (size_t i = 0; i < emp_attributes_count (config->attributes); i++) {
        const void *data;
        size_t size;
        const char *name = emp_attributes_at (config->attributes, i, &data, &size);
        if (data)
            continue;
        char hash[EMP_CONTENT_TEXT_MAX];
        emp_arena_place_t place;
        emp_arena_describe (emp_attributes_arena (config->attributes, name), &place);
        emp_status_t status = emp_contents_add_fd (self, (int) place.fd, place.size, name, hash, why);
        if (status)
            return status;
        pack_text (pk, name);
        pack_pair (pk, hash, place.size);
    }
    return EMP_OK;
}

emp_status_t emp_contents_pack (emp_contents_t *self, const emp_config_t *config, emp_buf_t *out, char *ret_why)
{
    msgpack_packer pk;
    msgpack_packer_init (&pk, out, emp_buf_write);
    msgpack_pack_map (&pk, 2);
    emp_status_t status = pack_modules (self, config, &pk, ret_why);
    if (!status)
        status = pack_arenas (self, config, &pk, ret_why);
    if (!status && out->broken)
        status = emp_content_fail (out->broken, ret_why, "%s", emp_status_text (out->broken));
    return status;
}
