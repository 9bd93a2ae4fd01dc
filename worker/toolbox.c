/* SPDX-License-Identifier: BSD-3-Clause
 *
 * toolbox.c - see toolbox.h.
 */
#include "toolbox.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    char *name;
    void *pointer;
} field_t;

typedef struct {
    emp_port_t *_Atomic queue; /* NULL until asked for, then for ever the same */
} place_t;

struct emp_toolbox {
    emp_client_t client;
    const emp_job_t *job;
    unsigned start_sequence_num;
    const char *directory;
    int pid;
    char name[EMP_LABEL_MAX + 1];
    _Atomic bool leaving;
    place_t *queues;      /* as in the job */
    size_t *by_name;      /* their indices in order of name */
    pthread_mutex_t lock; /* of new queues, of all below, and of the session's end */
    char **texts;         /* of attributes, with a NUL behind; NULL until asked for */
    field_t *fields;
    size_t fields_count;
    void *multi_tool;
};

/* ---- life -------------------------------------------------------------------------------------------------------- */

static int compare_names (const void *a, const void *b, void *arg)
{
    const emp_job_t *job = arg;
    return strcmp (job->queues[*(const size_t *) a], job->queues[*(const size_t *) b]);
}

static bool make_tables (emp_toolbox_t *self)
{
    size_t count = self->job->queues_count;
    self->queues = calloc (count + 1, sizeof *self->queues);
    self->by_name = calloc (count + 1, sizeof *self->by_name);
    self->texts = calloc ((size_t) self->job->kwargs.size + 1, sizeof (char *));
    self->fields = calloc (EMP_FIELDS_MAX, sizeof *self->fields);
    if (!self->queues || !self->by_name || !self->texts || !self->fields)
        return false;
    for (size_t i = 0; i < count; i++)
        self->by_name[i] = i;
    emp_job_t *job = (emp_job_t *) (uintptr_t) self->job; /* qsort_r's argument is not const */
    qsort_r (self->by_name, count, sizeof *self->by_name, compare_names, job);
    return true;
}

emp_toolbox_t *emp_toolbox_new (const emp_toolbox_config_t *config)
{
    emp_toolbox_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    snprintf (self->name, sizeof self->name, "%s", config->name);
    emp_client_init (&self->client, config->calls, config->session, config->page, self->name);
    pthread_mutex_init (&self->lock, NULL);
    self->job = config->job;
    self->start_sequence_num = config->start_sequence_num;
    self->directory = config->directory;
    self->pid = (int) getpid ();
    if (!make_tables (self))
        emp_toolbox_destroy (&self);
    return self;
}

void emp_toolbox_leave (emp_toolbox_t *self)
{
    pthread_mutex_lock (&self->lock);
    atomic_store (&self->leaving, true);
    if (self->client.session && !atomic_load (&self->client.closing))
        emp_session_leave (self->client.session);
    pthread_mutex_unlock (&self->lock);
}

void emp_toolbox_close (emp_toolbox_t *self)
{
    emp_toolbox_leave (self); /* wakes the gets that wait, so that no queue's lock is held for long */
    pthread_mutex_lock (&self->lock);
    atomic_store (&self->client.closing, true);
    if (self->client.session)
        emp_session_stop_feeds (self->client.session); /* puts that wait, too */
    pthread_mutex_unlock (&self->lock);
    for (size_t i = 0; i < self->job->queues_count; i++) {
        emp_port_t *queue = atomic_load (&self->queues[i].queue);
        if (queue)
            emp_port_close (queue);
    }
    if (self->client.session)
        emp_session_close (self->client.session); /* questions that wait, too */
    emp_client_wait (&self->client);
}

void emp_toolbox_destroy (emp_toolbox_t **self_p)
{
    emp_toolbox_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    for (size_t i = 0; self->queues && i < self->job->queues_count; i++) {
        emp_port_t *queue = atomic_load (&self->queues[i].queue);
        emp_port_destroy (&queue);
    }
    for (uint32_t i = 0; self->texts && i < self->job->kwargs.size; i++)
        if (!emp_job_is_shared (self->job, i))
            free (self->texts[i]);
    for (size_t i = 0; i < self->fields_count; i++)
        free (self->fields[i].name);
    free (self->queues);
    free (self->by_name);
    free (self->texts);
    free (self->fields);
    pthread_mutex_destroy (&self->lock);
    emp_client_release (&self->client);
    free (self);
}

bool emp_toolbox_is_leaving (const emp_toolbox_t *self)
{
    return atomic_load (&self->leaving);
}

uint32_t emp_toolbox_refusals (const emp_toolbox_t *self)
{
    return emp_client_refusals (&self->client);
}

bool emp_toolbox_is_broken (const emp_toolbox_t *self)
{
    return atomic_load (&self->client.broken);
}

/* ---- queues ------------------------------------------------------------------------------------------------------ */

static emp_port_t *make_queue (emp_toolbox_t *self, size_t i)
{
    pthread_mutex_lock (&self->lock);
    emp_port_t *queue = atomic_load (&self->queues[i].queue);
    if (!queue) {
        queue = emp_port_new (&self->client, self->job->queues[i]);
        if (!queue) { /* a module is told that there is no such queue by NULL, and would be told a lie */
            fprintf (stderr, "eisenmp: %s: out of memory\n", self->name);
            _exit (1);
        }
        atomic_store (&self->queues[i].queue, queue);
    }
    pthread_mutex_unlock (&self->lock);
    return queue;
}

emp_queue_t *emp_toolbox_queue_at (emp_toolbox_t *toolbox, size_t i)
{
    if (i >= toolbox->job->queues_count)
        return NULL;
    emp_port_t *queue = atomic_load (&toolbox->queues[i].queue);
    if (!queue)
        queue = make_queue (toolbox, i);
    return queue ? &queue->base : NULL;
}

emp_queue_t *emp_toolbox_queue (emp_toolbox_t *toolbox, const char *name)
{
    size_t low = 0, high = toolbox->job->queues_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp (name, toolbox->job->queues[toolbox->by_name[middle]]);
        if (order == 0)
            return emp_toolbox_queue_at (toolbox, toolbox->by_name[middle]);
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

emp_queue_t *emp_toolbox_category_queue (emp_toolbox_t *toolbox, const char *category, const char *name)
{
    char full[EMP_NAME_MAX + 1];
    return emp_name_join (category, name, full) == EMP_OK ? emp_toolbox_queue (toolbox, full) : NULL;
}

/* ---- attributes -------------------------------------------------------------------------------------------------- */

const msgpack_object *emp_toolbox_get (emp_toolbox_t *toolbox, const char *key)
{
    uint32_t i = emp_job_find (toolbox->job, key);
    return i < toolbox->job->kwargs.size ? &toolbox->job->kwargs.ptr[i].val : NULL;
}

int64_t emp_toolbox_int (emp_toolbox_t *toolbox, const char *key, int64_t otherwise)
{
    const msgpack_object *value = emp_toolbox_get (toolbox, key);
    if (value && value->type == MSGPACK_OBJECT_POSITIVE_INTEGER && value->via.u64 <= INT64_MAX)
        return (int64_t) value->via.u64;
    return value && value->type == MSGPACK_OBJECT_NEGATIVE_INTEGER ? value->via.i64 : otherwise;
}

double emp_toolbox_double (emp_toolbox_t *toolbox, const char *key, double otherwise)
{
    const msgpack_object *value = emp_toolbox_get (toolbox, key);
    if (!value)
        return otherwise;
    if (value->type == MSGPACK_OBJECT_FLOAT32 || value->type == MSGPACK_OBJECT_FLOAT64)
        return value->via.f64;
    if (value->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
        return (double) value->via.u64;
    return value->type == MSGPACK_OBJECT_NEGATIVE_INTEGER ? (double) value->via.i64 : otherwise;
}

bool emp_toolbox_bool (emp_toolbox_t *toolbox, const char *key, bool otherwise)
{
    const msgpack_object *value = emp_toolbox_get (toolbox, key);
    return value && value->type == MSGPACK_OBJECT_BOOLEAN ? value->via.boolean : otherwise;
}

/* A text with a NUL behind it, the arena's own or a copy; NULL: it has one within, and C would see the half of it. */
static char *text_of (const emp_job_t *job, uint32_t i)
{
    msgpack_object_str str = job->kwargs.ptr[i].val.via.str;
    if (str.size && memchr (str.ptr, 0, str.size))
        return NULL;
    return emp_job_is_shared (job, i) ? (char *) (uintptr_t) str.ptr : strndup (str.ptr, str.size);
}

const char *emp_toolbox_string (emp_toolbox_t *toolbox, const char *key, const char *otherwise)
{
    uint32_t i = emp_job_find (toolbox->job, key);
    if (i == toolbox->job->kwargs.size || toolbox->job->kwargs.ptr[i].val.type != MSGPACK_OBJECT_STR)
        return otherwise;
    pthread_mutex_lock (&toolbox->lock);
    char *text = toolbox->texts[i];
    if (!text)
        toolbox->texts[i] = text = text_of (toolbox->job, i);
    pthread_mutex_unlock (&toolbox->lock);
    return text ? text : otherwise;
}

/* ---- fields under the original's names --------------------------------------------------------------------------- */

unsigned emp_toolbox_start_sequence_num (const emp_toolbox_t *toolbox)
{
    return toolbox->start_sequence_num;
}

unsigned emp_toolbox_worker_id (const emp_toolbox_t *toolbox)
{
    return toolbox->start_sequence_num + 1;
}

int emp_toolbox_worker_pid (const emp_toolbox_t *toolbox)
{
    return toolbox->pid;
}

const char *emp_toolbox_worker_name (const emp_toolbox_t *toolbox)
{
    return toolbox->name;
}

const char *emp_toolbox_run_folder (const emp_toolbox_t *toolbox)
{
    return toolbox->directory;
}

emp_chunk_t *emp_toolbox_next_list (emp_toolbox_t *toolbox)
{
    return emp_client_last_chunk (&toolbox->client);
}

const char *emp_toolbox_input_header (emp_toolbox_t *toolbox)
{
    return emp_client_last_header (&toolbox->client);
}

const char *emp_toolbox_output_header (const emp_toolbox_t *toolbox)
{
    (void) toolbox;
    return EMP_OUTPUT_HEADER;
}

const char *emp_toolbox_stop_msg (const emp_toolbox_t *toolbox)
{
    (void) toolbox;
    return EMP_STOP_MSG;
}

const char *emp_toolbox_perf_header_eta (const emp_toolbox_t *toolbox)
{
    (void) toolbox;
    return EMP_PERF_HEADER_ETA;
}

uint64_t emp_toolbox_perf_current_eta (const emp_toolbox_t *toolbox)
{
    return atomic_load (&toolbox->client.rows_done);
}

/* ---- fields of the module's own ---------------------------------------------------------------------------------- */

/* The lock is not part of what a const toolbox promises not to change. */
static pthread_mutex_t *lock_of (const emp_toolbox_t *self)
{
    return &((emp_toolbox_t *) (uintptr_t) self)->lock;
}

void *emp_toolbox_multi_tool (const emp_toolbox_t *toolbox)
{
    pthread_mutex_lock (lock_of (toolbox));
    void *pointer = toolbox->multi_tool;
    pthread_mutex_unlock (lock_of (toolbox));
    return pointer;
}

void emp_toolbox_set_multi_tool (emp_toolbox_t *toolbox, void *pointer)
{
    pthread_mutex_lock (&toolbox->lock);
    toolbox->multi_tool = pointer;
    pthread_mutex_unlock (&toolbox->lock);
}

/* The field of that name, or NULL; the lock is held. */
static field_t *find_field (const emp_toolbox_t *self, const char *name)
{
    for (size_t i = 0; i < self->fields_count; i++)
        if (strcmp (self->fields[i].name, name) == 0)
            return &self->fields[i];
    return NULL;
}

void *emp_toolbox_field (const emp_toolbox_t *toolbox, const char *name)
{
    pthread_mutex_lock (lock_of (toolbox));
    const field_t *field = find_field (toolbox, name);
    void *pointer = field ? field->pointer : NULL;
    pthread_mutex_unlock (lock_of (toolbox));
    return pointer;
}

static emp_status_t add_field (emp_toolbox_t *self, const char *name, void *pointer)
{
    if (self->fields_count == EMP_FIELDS_MAX)
        return EMP_FULL;
    char *copy = strdup (name);
    if (!copy)
        return EMP_NOMEM;
    self->fields[self->fields_count++] = (field_t){.name = copy, .pointer = pointer};
    return EMP_OK;
}

emp_status_t emp_toolbox_set_field (emp_toolbox_t *toolbox, const char *name, void *pointer)
{
    emp_status_t status = EMP_OK;
    pthread_mutex_lock (&toolbox->lock);
    field_t *field = find_field (toolbox, name);
    if (field)
        field->pointer = pointer;
    else
        status = add_field (toolbox, name, pointer);
    pthread_mutex_unlock (&toolbox->lock);
    return status;
}

/* ---- the screen -------------------------------------------------------------------------------------------------- */

void emp_toolbox_print (emp_toolbox_t *toolbox, const char *format, ...)
{
    char *text;
    va_list args;
    va_start (args, format);
    int needed = vasprintf (&text, format, args);
    va_end (args);
    if (needed < 0)
        return;
    pthread_mutex_lock (&toolbox->lock);
    emp_client_print (&toolbox->client, text, (size_t) needed);
    pthread_mutex_unlock (&toolbox->lock);
    free (text);
}
