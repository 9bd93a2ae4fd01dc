/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tools.h - the manager's mp_tools_q: objects that every worker gets once (../common/net/tools.h).
 *
 * Each object is an arena of ours, or an attribute that is one already; it lives until the manager does.
 */
#ifndef EMP_MANAGER_TOOLS_H
#define EMP_MANAGER_TOOLS_H

#include "manager.h"

/* What can be done with a manager's mp_tools_q. */
const emp_queue_calls_t *emp_tools_calls (void);
/* Tells of the attributes that the job file names under `tools`. */
emp_status_t emp_tools_start (emp_t *self);
/* No more will come. */
void emp_tools_end (emp_t *self);
void emp_tools_free (emp_t *self);

#endif
