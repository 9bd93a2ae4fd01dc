/* SPDX-License-Identifier: BSD-3-Clause
 *
 * runfiles.c - the files that a run writes: results, stream, journal. Opened before anything is started, so that what cannot be is
 * told before the run, and so that no two of them are one. See manager.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "manager.h"

static void stream_failed (void *arg)
{
    emp_t *self = arg;
    pthread_mutex_lock (&self->lock);
    self->unstreamed = true;
    pthread_cond_broadcast (&self->changed);
    pthread_mutex_unlock (&self->lock);
}

/* Both may be NULL. */
static bool are_one_file (const char *left, const char *right)
{
    struct stat a, b;
    return left && right && stat (left, &a) == 0 && stat (right, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/* A results file would replace it at the end. */
static bool is_of_a_feed (const emp_t *self, const char *path)
{
    for (size_t i = 0; i < self->config.feeds_count; i++)
        if (are_one_file (self->config.feeds[i].source.path, path))
            return true;
    return false;
}

/* Before anything is started: what cannot be written is known now. */
emp_status_t emp_start_output (emp_t *self)
{
    if (!self->config.results_file)
        return EMP_OK;
    if (!self->config.results_store)
        return emp_fail (self, EMP_INVALID, EMP_NOT_STORED);
    if (is_of_a_feed (self, self->config.results_file))
        return emp_fail (self, EMP_INVALID, "RESULTS_FILE: found '%s', the file of a feed, expected another",
                         self->config.results_file);
    emp_status_t status = emp_output_open (self->config.results_file, &self->output, self->output_why);
    return status == EMP_OK ? EMP_OK : emp_fail (self, status, "RESULTS_FILE: %s", self->output_why);
}

/* What the stream would overwrite, or NULL. */
static const char *stream_meets (const emp_t *self)
{
    const emp_config_t *config = &self->config;
    if (config->journal && emp_stream_is (self->stream, config->journal))
        return "JOURNAL";
    if (config->results_file && emp_stream_is (self->stream, config->results_file))
        return "RESULTS_FILE";
    for (size_t i = 0; i < config->feeds_count; i++) {
        const emp_source_spec_t *source = &config->feeds[i].source;
        if (source->path && strcmp (source->path, "-") != 0 && emp_stream_is (self->stream, source->path))
            return "a feed";
    }
    return NULL;
}

/* The same; nothing of its file is changed before all else is known to be well. */
emp_status_t emp_start_stream (emp_t *self)
{
    if (!self->config.results_stream)
        return self->config.results_order == EMP_ORDER_TICKET
                   ? emp_fail (
                         self, EMP_INVALID,
                         "RESULTS_ORDER: found \"ticket\" without a RESULTS_STREAM, expected the file that has it")
                   : EMP_OK;
    const emp_stream_config_t config = {.path = self->config.results_stream,
                                        .ordered = self->config.results_order == EMP_ORDER_TICKET,
                                        .failed = stream_failed,
                                        .arg = self};
    char why[EMP_STREAM_WHY_MAX];
    emp_stream_t *stream;
    emp_status_t status = emp_stream_open (&config, &stream, why);
    if (status != EMP_OK)
        return emp_fail (self, status, "RESULTS_STREAM: %s", why);
    pthread_mutex_lock (&self->lock); /* emp_stop may be on its way to it */
    self->stream = stream;
    pthread_mutex_unlock (&self->lock);
    const char *meets = stream_meets (self);
    return meets ? emp_fail (self, EMP_INVALID, "RESULTS_STREAM: found '%s', the file of %s, expected another",
                             self->config.results_stream, meets)
                 : EMP_OK;
}

void emp_journal_says (void *arg, const char *sentence)
{
    emp_say (arg, sentence);
}

/* Labels of a job file's feeds, as its feeders will have them. */
static emp_status_t declare_feeds (const emp_t *self, emp_journal_decl_t **ret_feeds,
                                   char (**ret_labels)[EMP_LABEL_MAX + 1])
{
    size_t count = self->config.feeds_count;
    *ret_feeds = calloc (count + 1, sizeof **ret_feeds);
    *ret_labels = calloc (count + 1, sizeof **ret_labels);
    if (!*ret_feeds || !*ret_labels)
        return EMP_NOMEM;
    for (size_t i = 0; i < count; i++) {
        const emp_feed_decl_t *feed = &self->config.feeds[i];
        emp_name_label (feed->queue, (*ret_labels)[i]);
        (*ret_feeds)[i] = (emp_journal_decl_t){.label = feed->header_msg ? feed->header_msg : (*ret_labels)[i],
                                               .queue = feed->queue,
                                               .rows_max = feed->rows_max ? feed->rows_max : self->config.rows_max};
    }
    return EMP_OK;
}

/* Before anything is started too: what cannot be gone on with is known now. */
emp_status_t emp_start_journal (emp_t *self)
{
    if (!self->config.journal)
        return self->config.resume
                   ? emp_fail (self, EMP_INVALID, "RESUME: found true without a JOURNAL, expected the file of one")
                   : EMP_OK;
    emp_journal_decl_t *feeds = NULL;
    char (*labels)[EMP_LABEL_MAX + 1] = NULL;
    char why[EMP_JOURNAL_WHY_MAX] = "out of memory";
    emp_status_t status = declare_feeds (self, &feeds, &labels);
    const emp_journal_config_t config = {.path = self->config.journal,
                                         .sync = self->config.journal_sync,
                                         .resume = self->config.resume,
                                         .rows_max = self->config.rows_max,
                                         .feeds = feeds,
                                         .feeds_count = self->config.feeds_count,
                                         .say = emp_journal_says,
                                         .arg = self};
    if (status == EMP_OK)
        status = emp_journal_open (&config, &self->journal, why);
    free (feeds);
    free (labels);
    if (status != EMP_OK)
        return emp_fail (self, status, "%s", why);
    return are_one_file (self->config.journal, self->config.results_file)
               ? emp_fail (self, EMP_INVALID, "RESULTS_FILE: found '%s', the file of JOURNAL, expected another",
                           self->config.results_file)
               : EMP_OK;
}
