/* SPDX-License-Identifier: BSD-3-Clause
 *
 * standing_inner.h - what the three forms of standing.h share.
 */
#ifndef EMP_STANDING_INNER_H
#define EMP_STANDING_INNER_H

#include "standing.h"

/* Figures that are made of the two overviews. */
typedef struct {
    const char *state;
    double elapsed;  /* seconds */
    double interval; /* between the overviews; 0: there is one only */
    double rate;     /* tickets a second; < 0: not known */
    double left;     /* seconds; < 0: not known */
} emp_standing_figures_t;

/* Peers of one host, or one slot: peers in an order for people. */
typedef struct {
    const char *host;
    size_t first, count; /* of `order` */
    size_t slots;
    uint64_t held, answered;
} emp_standing_host_t;

typedef struct {
    const emp_overview_peer_t **order; /* workers, host by host, by name */
    size_t order_count;
    emp_standing_host_t *hosts;
    size_t hosts_count;
    size_t watchers;
} emp_standing_hosts_t;

emp_standing_figures_t emp_standing_figures (const emp_standing_t *self);
/* Tickets of a queue that ended, a second; < 0: not known. */
double emp_standing_queue_rate (const emp_standing_t *self, const emp_overview_queue_t *queue);
/* False: out of memory. */
bool emp_standing_sort (const emp_overview_t *overview, emp_standing_hosts_t *ret_hosts);
void emp_standing_unsort (emp_standing_hosts_t *self);
/* The name of a queue by its id, "" when there is none. */
const char *emp_standing_queue (const emp_overview_t *overview, uint32_t id);
/* Appends as printf does. */
void emp_standing_say (emp_buf_t *out, const char *format, ...) EMP_PRINTF (2, 3);
/* Appends a stranger's text: control characters and what is no UTF-8 are '?'. Returns its columns. */
size_t emp_standing_text (emp_buf_t *out, const char *text);

void emp_standing_table (const emp_standing_t *self, const emp_standing_hosts_t *hosts, size_t lines, size_t columns,
                         emp_buf_t *out);
void emp_standing_lines (const emp_standing_t *self, const emp_standing_hosts_t *hosts, emp_buf_t *out);
void emp_standing_json (const emp_standing_t *self, const emp_standing_hosts_t *hosts, emp_buf_t *out);

#endif
