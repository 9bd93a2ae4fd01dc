/* SPDX-License-Identifier: BSD-3-Clause
 *
 * watchdog.c - a worker's mate: tells now and then which threads its process has.
 *
 * All modules of a list but the first are called once, in the order last to first, and must return at once. So this one
 * starts a thread, which prints the process's name, its id and the names of its threads every `sleep_time` seconds.
 *
 *     cc -shared -fPIC -O2 -o watchdog.so watchdog.c $(pkg-config --cflags eisenmp) -lpthread
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pthread_setname_np */
#endif
#include <eisenmp.h>

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#define NAME_MAX_OF_THREAD 15 /* the kernel keeps no more bytes of a thread's name */
#define TEXT_ROOM 4096
#define SLEEP_TIME_DEFAULT 20.0
#define SLEEP_TIME_LEAST 0.01
#define SLEEP_TIME_MOST 1e8

/* The name of one thread of this process; false when it is gone by now. */
static bool read_name (const char *thread_id, char *ret_name)
{
    char path[300];
    snprintf (path, sizeof path, "/proc/self/task/%s/comm", thread_id);
    FILE *file = fopen (path, "r");
    if (!file)
        return false;
    bool found = fgets (ret_name, NAME_MAX_OF_THREAD + 2, file) != NULL;
    fclose (file);
    if (found)
        ret_name[strcspn (ret_name, "\n")] = '\0';
    return found;
}

/* "eisenmp-worker, Watchdog_4711"; what finds no room is left out. Returns the number of threads. */
static unsigned list_threads (char *ret_text)
{
    size_t size = 0;
    unsigned count = 0;
    ret_text[0] = '\0';
    DIR *tasks = opendir ("/proc/self/task");
    if (!tasks)
        return 0;
    for (struct dirent *task; (task = readdir (tasks));) {
        char name[NAME_MAX_OF_THREAD + 2];
        if (task->d_name[0] == '.' || !read_name (task->d_name, name))
            continue;
        if (size + strlen (name) + 3 < TEXT_ROOM)
            size += (size_t) snprintf (ret_text + size, TEXT_ROOM - size, "%s%s", count ? ", " : "", name);
        count++;
    }
    closedir (tasks);
    return count;
}

static void sleep_for (double seconds)
{
    struct timespec time = {.tv_sec = (time_t) seconds};
    time.tv_nsec = (long) ((seconds - (double) time.tv_sec) * 1e9);
    while (nanosleep (&time, &time) && errno == EINTR)
        ;
}

/* Ends with the process. */
static void *show_threads (void *arg)
{
    emp_toolbox_t *toolbox = arg;
    char name[32];
    snprintf (name, sizeof name, "Watchdog_%d", emp_toolbox_worker_pid (toolbox));
    name[NAME_MAX_OF_THREAD] = '\0';
    pthread_setname_np (pthread_self (), name);
    double seconds = emp_toolbox_double (toolbox, "sleep_time", SLEEP_TIME_DEFAULT);
    if (!(seconds >= SLEEP_TIME_LEAST && seconds <= SLEEP_TIME_MOST))
        seconds = SLEEP_TIME_DEFAULT;
    for (;;) {
        char names[TEXT_ROOM];
        unsigned count = list_threads (names);
        emp_toolbox_print (toolbox, "%s, pid %d, %u threads: %s\n", emp_toolbox_worker_name (toolbox),
                           emp_toolbox_worker_pid (toolbox), count, names);
        sleep_for (seconds);
    }
    return NULL;
}

bool mp_start_show_threads (emp_toolbox_t *toolbox)
{
    pthread_t thread;
    if (pthread_create (&thread, NULL, show_threads, toolbox))
        return false;
    pthread_detach (thread);
    return true;
}
