/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tools.h - the objects of mp_tools_q (B9): each is sent once to every worker, whenever that joins, and is read in place.
 *
 * A manager's put makes an arena of each row and tells its place (TOOL); the broker keeps the places and tells them to
 * whoever joins. A worker's get gives it the next object that this process has not got, as the one row of a chunk; the
 * arena stays mapped for the life of the process, so what a module keeps of it stays good.
 * Bounds: EMP_TOOLS_MAX objects a run, of an arena's size each.
 */
#ifndef EMP_TOOLS_H
#define EMP_TOOLS_H

#include "port.h"

#define EMP_TOOLS_QUEUE "mp_tools_q"

/* What a worker's mp_tools_q can do. */
emp_status_t emp_tools_get (emp_queue_t *base, uint64_t until, emp_chunk_t **ret_chunk);
emp_status_t emp_tools_count (emp_queue_t *base, uint64_t *ret_waiting, uint64_t *ret_maxsize);
/* Unmaps what the port has got. */
void emp_tools_release (emp_port_t *port);

#endif
