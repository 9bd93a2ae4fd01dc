/* SPDX-License-Identifier: BSD-3-Clause
 *
 * viewer.h - what one page has been told of the examples and their runs, and what it is told next: Server-Sent Events.
 *
 *   event: list    data: [{"name":"prime","title":"…","job":"/…/job.yaml"},…]                     first, once
 *   event: run     data: {"run":0,"number":1,"state":"running","asked":0,"how":""}
 *   event: output  data: {"run":0,"stream":1,"base64":"…"}                                        1: stdout, 2: stderr
 *   event: lost    data: {"run":0,"bytes":4096}                                                   the oldest, before this
 *
 * "run" counts the list from 0. A run's output comes between its first "run" of a number and the one that says "over";
 * bytes are as they came, so a character may be in two pieces. Runs take turns. Pure. Not thread safe.
 */
#ifndef EMP_VIEWER_H
#define EMP_VIEWER_H

#include "../../common/buf.h"
#include "catalogue.h"
#include "runs.h"

#define EMP_VIEWER_EVENT_MAX (4u << 20) /* bytes of one event; the list is the largest */

typedef struct emp_viewer emp_viewer_t;

/* NULL: out of memory. Borrows nothing. */
emp_viewer_t *emp_viewer_new (size_t runs);
void emp_viewer_destroy (emp_viewer_t **self_p);
/* Appends the next event; false when there is nothing new. `runs` are those of the catalogue's examples, in its order. */
bool emp_viewer_next (emp_viewer_t *self, const emp_catalogue_t *catalogue, const emp_runs_t *runs, emp_buf_t *out);

#endif
