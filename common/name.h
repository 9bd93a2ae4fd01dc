/* SPDX-License-Identifier: BSD-3-Clause
 *
 * name.h - names of queues, headers and tickets, as the original writes them. Pure.
 */
#ifndef EMP_NAME_H
#define EMP_NAME_H

#include "eisenmp.h"

#define EMP_LABEL_MAX (EMP_NAME_MAX + 16) /* bytes of a label: a name and " (default)" */
#define EMP_HEADER_MAX (EMP_LABEL_MAX + 32)
#define EMP_TICKET_PREFIX "_TID_"
#define EMP_OUTPUT_HEADER "RESULT_HEADER;"
#define EMP_STOP_MSG "STOP"
#define EMP_PERF_HEADER_ETA "PERF_HEADER_ETA;"

/* The default queues in the order of the queue list (B9): mp_input_q, mp_output_q, mp_info_q, mp_tools_q, mp_print_q,
 * mp_process_q; NULL behind the last. */
const char *emp_name_default_at (size_t i);
bool emp_name_is_default (const char *name);
/* EMP_OK when `name` is 1 to EMP_NAME_MAX printable UTF-8 bytes with no ';', no control byte, and no '|' (a full name
 * may hold one '|'; see emp_name_join). EMP_TOOBIG when it is longer, else EMP_INVALID, also for NULL. */
emp_status_t emp_name_check (const char *name);
/* "category|name" into `ret_full` of EMP_NAME_MAX + 1 bytes; EMP_INVALID or EMP_TOOBIG. */
emp_status_t emp_name_join (const char *category, const char *name, char *ret_full);
/* The label of a full name: "mp_input_q (default)", "blue_q_7". `ret_label` has EMP_LABEL_MAX + 1 bytes. */
void emp_name_label (const char *full, char *ret_label);
/* "<label>;_TID_<n>;" into `ret_header` of EMP_HEADER_MAX + 1 bytes. */
void emp_name_header (const char *label, uint64_t ticket, char *ret_header);
/* The entry of `known` (NULL terminated) nearest to `word` for a "did you mean"; NULL when none is near: more than
 * max (2, a third of its length) edits away. Case counts as no edit. */
const char *emp_name_nearest (const char *word, const char *const *known);

#endif
