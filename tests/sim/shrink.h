/* SPDX-License-Identifier: BSD-3-Clause
 *
 * shrink.h - a schedule that fails, made smaller while it still fails.
 */
#ifndef SIM_SHRINK_H
#define SIM_SHRINK_H

#include "plan.h"

/* NULL: the schedule is fine; else what is broken. */
typedef const char *(*verdict_t) (const plan_t *plan);

/* Takes away faults, tickets, rows, workers and whatever else it can. Returns how many schedules it tried. */
unsigned shrink (plan_t *plan, verdict_t verdict);

#endif
