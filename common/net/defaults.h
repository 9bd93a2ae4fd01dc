/* SPDX-License-Identifier: BSD-3-Clause
 *
 * defaults.h - the default queues that have a job of their own (B9): what a put or a get on them does.
 *
 *   mp_output_q   rows become results of the chunk that the thread got last
 *   mp_print_q    texts for the manager's screen
 *   mp_info_q     rows done, for the progress
 *   mp_process_q  processes that shall end; a manager's alone
 *   mp_tools_q    objects that every worker gets once (tools.h); a manager's put
 * All but the last hold nothing, so a get on them says EMP_STOPPED and their count is 0. mp_input_q is a queue like all others.
 */
#ifndef EMP_DEFAULTS_H
#define EMP_DEFAULTS_H

#include "port.h"

extern const emp_queue_calls_t emp_port_calls; /* of any other queue */
const emp_queue_calls_t *emp_port_calls_of (const char *name);

#endif
