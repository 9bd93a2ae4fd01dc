/* SPDX-License-Identifier: BSD-3-Clause
 *
 * radio.c - a worker module that records a stream to a file while it takes commands by a queue of its own.
 *
 *     cc -shared -fPIC -O2 -o radio.so radio.c $(pkg-config --cflags eisenmp) $(pkg-config --cflags --libs libcurl) -lpthread
 *
 * The queue of process n is com_in_n (n is START_SEQUENCE_NUM). Each row is a command, a text:
 *
 *     create NAME URL   the station from now on        listen   record it, by a thread; to `folder`/NAME
 *     status            how many bytes so far          stop     end the recording
 *     wait SECONDS      for the end of the recording, so long at the most
 *     quit              stop, if there is anything to stop
 *
 * What happens is reported, a line each: on com_out, which all processes share, or on the screen where there is no such queue.
 * The answers to a ticket's commands are its results too.
 */
#include <curl/curl.h>
#include <eisenmp.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STATION_MAX 64
#define COMMAND_ROOM 2048
#define REPORT_ROOM 4096
#define PATH_ROOM 1024
#define FILES_MAX 9999 /* recordings of one name */
#define POLL_MS 60000  /* curl has its own timeouts; who wants us to stop wakes us */
#define CONNECT_S 10L  /* a station that does not answer for so long cannot be reached */
#define SILENCE_S 60L  /* a stream without a byte for so long is broken */
#define WAIT_MOST 86400.0

typedef struct {
    emp_toolbox_t *toolbox;
    unsigned number;
    atomic_bool late;                                 /* no command will come any more, so com_out may have stopped */
    char station[STATION_MAX + 1], url[COMMAND_ROOM]; /* "": none was created */
    /* The recording. What has no lock is written before the thread starts or after it was joined. */
    bool listening; /* there is a thread, to be joined */
    pthread_t thread;
    CURLM *multi;
    CURL *easy;
    atomic_bool stop;
    _Atomic uint64_t bytes;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool over; /* under the lock: the stream came to its end, or failed */
    /* The thread's own. */
    int file; /* -1 until the first byte comes */
    char path[PATH_ROOM];
    char trouble[PATH_ROOM + 128], trouble_of_curl[CURL_ERROR_SIZE]; /* curl would write over ours */
} recorder_t;

/* ---- reports ------------------------------------------------------------------------------------------------- */

static emp_status_t put_text (emp_queue_t *queue, const char *text)
{
    msgpack_sbuffer rows;
    msgpack_packer pk;
    msgpack_sbuffer_init (&rows);
    msgpack_packer_init (&pk, &rows, msgpack_sbuffer_write);
    msgpack_pack_str_with_body (&pk, text, strlen (text));
    emp_status_t status = emp_queue_put (queue, rows.data, rows.size);
    msgpack_sbuffer_destroy (&rows);
    return status;
}

/* One line, "<n> <what happened>". Any thread. With a chunk it is a result, too. */
static void report (const recorder_t *self, emp_chunk_t *chunk, const char *format, ...) EMP_PRINTF (3, 4);
static void report (const recorder_t *self, emp_chunk_t *chunk, const char *format, ...)
{
    char line[REPORT_ROOM];
    int size = snprintf (line, sizeof line, "%u ", self->number);
    va_list args;
    va_start (args, format);
    vsnprintf (line + size, sizeof line - (size_t) size, format, args);
    va_end (args);
    emp_queue_t *queue = emp_toolbox_queue (self->toolbox, "com_out");
    if (!queue || atomic_load (&self->late) || put_text (queue, line) != EMP_OK)
        emp_toolbox_print (self->toolbox, "%s\n", line);
    if (chunk)
        msgpack_pack_str_with_body (emp_chunk_result (chunk), line, strlen (line));
}

/* "<n> stopped jazz 4711 bytes recordings/jazz"; there is no file when there was no byte. */
static void report_end (const recorder_t *self, emp_chunk_t *chunk, const char *how)
{
    report (self, chunk, "%s %s %llu bytes%s%s", how, self->station, (unsigned long long) self->bytes,
            self->path[0] ? " " : "", self->path);
}

/* ---- the recording's thread ---------------------------------------------------------------------------------- */

/* NAME, NAME.2, NAME.3, ...: no recording is written over, also when a worker takes the place of one that died. */
static bool open_file (recorder_t *self)
{
    const char *folder = emp_toolbox_string (self->toolbox, "folder", "recordings");
    if (mkdir (folder, 0777) && errno != EEXIST) {
        snprintf (self->trouble, sizeof self->trouble, "%.1000s: %s", folder, strerror (errno));
        return false;
    }
    for (int i = 1; self->file < 0 && i <= FILES_MAX; i++) {
        char suffix[16] = "";
        if (i > 1)
            snprintf (suffix, sizeof suffix, ".%d", i);
        int size = snprintf (self->path, sizeof self->path, "%s/%s%s", folder, self->station, suffix);
        errno = ENAMETOOLONG;
        if (size < (int) sizeof self->path)
            self->file = open (self->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (self->file < 0 && errno != EEXIST)
            break;
    }
    if (self->file < 0)
        snprintf (self->trouble, sizeof self->trouble, "%s: %s", self->path, strerror (errno));
    else
        report (self, NULL, "started %s %s", self->station, self->path);
    return self->file >= 0;
}

/* Bytes of the stream, header taken off. Less than all is an error for curl, which ends the transfer. */
static size_t take_bytes (char *data, size_t one, size_t size, void *arg)
{
    recorder_t *self = arg;
    size_t done = 0;
    (void) one; /* is 1 */
    if (self->file < 0 && !open_file (self))
        return CURL_WRITEFUNC_ERROR;
    while (done < size) {
        ssize_t written = write (self->file, data + done, size - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            snprintf (self->trouble, sizeof self->trouble, "%s: %s", self->path, strerror (errno));
            return CURL_WRITEFUNC_ERROR;
        }
        done += (size_t) written;
        atomic_fetch_add (&self->bytes, (uint64_t) written);
    }
    return size;
}

/* Until the stream ends, or we are told to stop. CURLE_OK; CURLE_ABORTED_BY_CALLBACK: told to stop; or what is wrong. */
static CURLcode transfer (recorder_t *self)
{
    int running = 1;
    while (!atomic_load (&self->stop)) {
        if (curl_multi_perform (self->multi, &running) != CURLM_OK)
            return CURLE_FAILED_INIT;
        if (!running) {
            int left;
            CURLMsg *message = curl_multi_info_read (self->multi, &left);
            return message ? message->data.result : CURLE_FAILED_INIT;
        }
        if (curl_multi_poll (self->multi, NULL, 0, POLL_MS, NULL) != CURLM_OK)
            return CURLE_FAILED_INIT;
    }
    return CURLE_ABORTED_BY_CALLBACK;
}

static const char *what_is_wrong (const recorder_t *self, CURLcode code)
{
    if (self->trouble[0])
        return self->trouble;
    return self->trouble_of_curl[0] ? self->trouble_of_curl : curl_easy_strerror (code);
}

static void *record (void *arg)
{
    recorder_t *self = arg;
    CURLcode code = transfer (self);
    if (self->file >= 0 && close (self->file) && code == CURLE_OK) {
        code = CURLE_WRITE_ERROR;
        snprintf (self->trouble, sizeof self->trouble, "%s: %s", self->path, strerror (errno));
    }
    self->file = -1;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return NULL; /* whoever stopped us tells it */
    if (code == CURLE_OK)
        report_end (self, NULL, "ended");
    else
        report (self, NULL, "failed %s %llu bytes: %s", self->station, (unsigned long long) self->bytes,
                what_is_wrong (self, code));
    pthread_mutex_lock (&self->lock);
    self->over = true;
    pthread_cond_signal (&self->ended);
    pthread_mutex_unlock (&self->lock);
    return NULL;
}

/* ---- its begin and end ---------------------------------------------------------------------------------------- */

static bool set_options (recorder_t *self)
{
    CURL *easy = self->easy;
    int wrong = 0;
    wrong |= (int) curl_easy_setopt (easy, CURLOPT_URL, self->url);
    wrong |= (int) curl_easy_setopt (easy, CURLOPT_PROTOCOLS_STR, "http,https");
    wrong |= (int) curl_easy_setopt (easy, CURLOPT_FOLLOWLOCATION, 1L);
    wrong |= (int) curl_easy_setopt (easy, CURLOPT_MAXREDIRS, 5L);
    wrong |= (int) curl_easy_setopt (easy, CURLOPT_FAILONERROR, 1L);
    wrong |= (int) curl_easy_setopt (easy, CURLOPT_NOSIGNAL, 1L);
    wrong |= (int) curl_easy_setopt (easy, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
    wrong |= (int) curl_easy_setopt (easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    wrong |= (int) curl_easy_setopt (easy, CURLOPT_LOW_SPEED_TIME, SILENCE_S);
    wrong |= (int) curl_easy_setopt (easy, CURLOPT_ERRORBUFFER, self->trouble_of_curl);
    wrong |= (int) curl_easy_setopt (easy, CURLOPT_WRITEFUNCTION, take_bytes);
    wrong |= (int) curl_easy_setopt (easy, CURLOPT_WRITEDATA, self);
    return !wrong && curl_multi_add_handle (self->multi, easy) == CURLM_OK;
}

static void clean_up (recorder_t *self)
{
    if (self->multi && self->easy)
        curl_multi_remove_handle (self->multi, self->easy);
    curl_easy_cleanup (self->easy);
    curl_multi_cleanup (self->multi);
    self->easy = NULL;
    self->multi = NULL;
}

static bool begin (recorder_t *self)
{
    self->file = -1;
    self->over = false;
    self->path[0] = self->trouble[0] = self->trouble_of_curl[0] = '\0';
    atomic_store (&self->bytes, 0);
    atomic_store (&self->stop, false);
    self->easy = curl_easy_init ();
    self->multi = curl_multi_init ();
    self->listening =
        self->easy && self->multi && set_options (self) && pthread_create (&self->thread, NULL, record, self) == 0;
    if (!self->listening)
        clean_up (self);
    return self->listening;
}

static void end (recorder_t *self)
{
    if (!self->listening)
        return;
    atomic_store (&self->stop, true);
    curl_multi_wakeup (self->multi);
    pthread_join (self->thread, NULL);
    self->listening = false;
    clean_up (self);
}

/* Recordings that came to their end by themselves are put away; what is left is one that goes on. */
static bool is_recording (recorder_t *self)
{
    pthread_mutex_lock (&self->lock);
    bool over = self->over;
    pthread_mutex_unlock (&self->lock);
    if (over)
        end (self);
    return self->listening;
}

/* ---- commands ------------------------------------------------------------------------------------------------ */

/* A station's name is that of its file: letters, digits, '-', '_' and '.', which it does not begin with. */
static bool is_name (const char *text)
{
    size_t good = strspn (text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");
    return good > 0 && good <= STATION_MAX && text[good] == '\0' && text[0] != '.';
}

static const char *do_create (recorder_t *self, emp_chunk_t *chunk, const char *name, const char *url)
{
    if (!name || !is_name (name))
        return "expected create NAME URL, the name of letters, digits, '-', '_' and '.'";
    if (!url)
        return "expected create NAME URL";
    if (is_recording (self))
        return "a recording is going on";
    snprintf (self->station, sizeof self->station, "%s", name);
    snprintf (self->url, sizeof self->url, "%s", url);
    report (self, chunk, "created %s %s", name, url);
    return NULL;
}

static const char *do_listen (recorder_t *self, emp_chunk_t *chunk, const char *more, const char *none)
{
    (void) none;
    if (more)
        return "expected nothing behind it";
    if (!self->station[0])
        return "nothing was created";
    if (is_recording (self))
        return "a recording is going on";
    if (!begin (self))
        return "the recording cannot be started";
    report (self, chunk, "listening %s", self->station);
    return NULL;
}

static const char *do_status (recorder_t *self, emp_chunk_t *chunk, const char *more, const char *none)
{
    (void) none;
    if (more)
        return "expected nothing behind it";
    if (is_recording (self))
        report (self, chunk, "status %s recording %llu bytes", self->station, (unsigned long long) self->bytes);
    else
        report (self, chunk, "status %s", self->station[0] ? self->station : "nothing");
    return NULL;
}

/* The thread is gone before it is reported, so the number of bytes is that of the file. */
static void stop_and_report (recorder_t *self, emp_chunk_t *chunk)
{
    end (self);
    if (!self->over)
        report_end (self, chunk, "stopped");
}

static const char *do_stop (recorder_t *self, emp_chunk_t *chunk, const char *more, const char *none)
{
    (void) none;
    if (more)
        return "expected nothing behind it";
    if (!is_recording (self))
        return "nothing is recorded";
    stop_and_report (self, chunk);
    return NULL;
}

static const char *do_quit (recorder_t *self, emp_chunk_t *chunk, const char *more, const char *none)
{
    (void) none;
    if (more)
        return "expected nothing behind it";
    if (is_recording (self))
        stop_and_report (self, chunk);
    report (self, chunk, "quit");
    return NULL;
}

static const char *do_wait (recorder_t *self, emp_chunk_t *chunk, const char *time, const char *more)
{
    char *rest = "";
    double seconds = time ? strtod (time, &rest) : -1.0;
    if (more || *rest || rest == time || !(seconds >= 0.0 && seconds <= WAIT_MOST))
        return "expected wait SECONDS, 0 to 86400";
    struct timespec until;
    clock_gettime (CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t) seconds;
    until.tv_nsec += (long) ((seconds - (double) (time_t) seconds) * 1e9);
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock (&self->lock);
    while (self->listening && !self->over && pthread_cond_timedwait (&self->ended, &self->lock, &until) != ETIMEDOUT)
        ;
    pthread_mutex_unlock (&self->lock);
    (void) chunk; /* no report: nothing has happened */
    return NULL;
}

/* What a command does; NULL, or why it is refused. Arguments that are not there are NULL. */
typedef const char *(command_fn) (recorder_t *self, emp_chunk_t *chunk, const char *first, const char *second);

static const struct {
    const char *name;
    command_fn *call;
} commands[] = {{"create", do_create}, {"listen", do_listen}, {"status", do_status},
                {"stop", do_stop},     {"wait", do_wait},     {"quit", do_quit}};

static void obey (recorder_t *self, emp_chunk_t *chunk, const msgpack_object *row)
{
    char text[COMMAND_ROOM];
    if (row->type != MSGPACK_OBJECT_STR || row->via.str.size >= sizeof text) {
        report (self, chunk, "refused a row: expected a text of less than %d bytes", COMMAND_ROOM);
        return;
    }
    memcpy (text, row->via.str.ptr, row->via.str.size); /* a text of msgpack has no NUL at its end */
    text[row->via.str.size] = '\0';
    char *rest, *name = strtok_r (text, " \t\r", &rest), *first = strtok_r (NULL, " \t\r", &rest),
                *second = strtok_r (NULL, " \t\r", &rest);
    if (!name)
        return; /* an empty line */
    const char *refused = "expected create, listen, status, stop, wait or quit";
    if (strtok_r (NULL, " \t\r", &rest))
        refused = "there are too many words";
    else
        for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
            if (!strcmp (name, commands[i].name))
                refused = commands[i].call (self, chunk, first, second);
    if (refused)
        report (self, chunk, "refused %s: %s", name, refused);
}

/* ---- the worker ---------------------------------------------------------------------------------------------- */

static recorder_t *new_recorder (emp_toolbox_t *toolbox)
{
    recorder_t *self = calloc (1, sizeof *self);
    if (!self || curl_global_init (CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free (self);
        return NULL;
    }
    self->toolbox = toolbox;
    self->number = emp_toolbox_start_sequence_num (toolbox);
    pthread_condattr_t attributes;
    pthread_condattr_init (&attributes);
    pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
    pthread_cond_init (&self->ended, &attributes);
    pthread_condattr_destroy (&attributes);
    pthread_mutex_init (&self->lock, NULL);
    emp_toolbox_set_multi_tool (toolbox, self);
    report (self, NULL, "ready, pid %d", emp_toolbox_worker_pid (toolbox));
    return self;
}

/* Called again and again, until it says false. The recorder stays, as MULTI_TOOL. */
bool worker_entrance (emp_toolbox_t *toolbox)
{
    recorder_t *self = emp_toolbox_multi_tool (toolbox);
    if (!self && !(self = new_recorder (toolbox))) {
        emp_toolbox_print (toolbox, "radio: out of memory\n");
        exit (1);
    }
    char name[32];
    snprintf (name, sizeof name, "com_in_%u", self->number);
    emp_queue_t *queue = emp_toolbox_queue (toolbox, name);
    emp_chunk_t *chunk = queue ? emp_queue_get (queue) : NULL;
    if (!chunk) { /* nobody can say stop any more */
        atomic_store (&self->late, true);
        if (is_recording (self))
            stop_and_report (self, NULL);
        return false;
    }
    for (size_t i = 0; i < emp_chunk_rows (chunk); i++)
        obey (self, chunk, emp_chunk_row (chunk, i));
    emp_chunk_done (&chunk);
    return true;
}
