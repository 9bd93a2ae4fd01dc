/* SPDX-License-Identifier: BSD-3-Clause
 *
 * consumer.c - see consumer.h.
 */
#include "consumer.h"

#include <assert.h>

#define WORK_AHEAD_US 12000u

/* ---- chunks that others have now ---------------------------------------------------------------------------------- */

void emp_revokes_add (emp_revokes_t *self, uint64_t ticket, uint32_t attempt)
{
    emp_revoked_t *entry = &self->list[self->next++ % EMP_CONSUMER_REVOKED_MAX];
    self->count += entry->ticket == 0;
    *entry = (emp_revoked_t){.ticket = ticket, .attempt = attempt};
}

bool emp_revokes_take (emp_revokes_t *self, uint64_t ticket, uint32_t attempt)
{
    uint32_t used = self->next < EMP_CONSUMER_REVOKED_MAX ? self->next : EMP_CONSUMER_REVOKED_MAX;
    for (uint32_t i = 0; i < used && self->count; i++) {
        emp_revoked_t *entry = &self->list[i];
        if (entry->ticket != ticket || entry->attempt != attempt)
            continue;
        entry->ticket = 0; /* no ticket has that handle */
        self->count--;
        return true;
    }
    return false;
}

/* ---- credit -------------------------------------------------------------------------------------------------------- */

static uint64_t window_for (uint64_t chunk_us)
{
    uint64_t ahead = 1 + WORK_AHEAD_US / (chunk_us ? chunk_us : 1);
    return ahead < EMP_CONSUMER_WINDOW_MAX ? ahead : EMP_CONSUMER_WINDOW_MAX;
}

static void measure (emp_consumer_t *self, uint64_t busy_us)
{
    self->average_us = self->measured ? (self->average_us * 3 + busy_us) / 4 : busy_us;
    self->measured = true;
}

bool emp_consumer_worked (emp_consumer_t *self, uint64_t busy_us)
{
    measure (self, busy_us);
    uint64_t wanted = window_for (self->average_us);
    self->window = wanted > self->window ? self->window + 1 : wanted;
    return self->average_us <= EMP_CONSUMER_KEEP_BACK_US && busy_us <= EMP_CONSUMER_KEEP_BACK_US;
}

/* ---- chunks -------------------------------------------------------------------------------------------------------- */

void emp_consumer_init (emp_consumer_t *self, uint32_t lane)
{
    *self = (emp_consumer_t){.lane = lane, .window = 1};
}

emp_consumer_next_t emp_consumer_next (const emp_consumer_t *self, bool leaves)
{
    if (leaves)
        return EMP_CONSUMER_LEAVES;
    if (self->count)
        return EMP_CONSUMER_PART;
    return self->stopped ? EMP_CONSUMER_STOPPED : EMP_CONSUMER_READS;
}

emp_status_t emp_consumer_hear (emp_consumer_t *self, emp_wire_kind_t kind, uint32_t lane, uint32_t count)
{
    assert (self->count == 0);
    if (lane != self->lane)
        return EMP_STALE;
    if (kind == EMP_WIRE_STOPPED) {
        self->stopped = true;
        return EMP_STOPPED;
    }
    if (kind != EMP_WIRE_CHUNKS || count == 0)
        return EMP_MALFORMED;
    self->count = count;
    self->part = 0;
    self->offset = 0;
    return EMP_OK;
}

bool emp_consumer_pass (emp_consumer_t *self, uint32_t length)
{
    assert (self->part < self->count);
    self->offset += length;
    if (++self->part < self->count)
        return false;
    self->count = 0;
    return true;
}
