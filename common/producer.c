/* SPDX-License-Identifier: BSD-3-Clause
 *
 * producer.c - see producer.h.
 */
#include "producer.h"

bool emp_producer_asks (const emp_producer_t *self)
{
    return !self->fed_ahead && !self->wanted;
}

void emp_producer_asked (emp_producer_t *self)
{
    self->wanted = true;
}

bool emp_producer_takes_back (const emp_producer_t *self)
{
    return self->wanted && !self->unwanted;
}

void emp_producer_took_back (emp_producer_t *self)
{
    self->unwanted = true;
}

bool emp_producer_heard (const emp_producer_t *self, uint64_t credit, bool answered)
{
    return !emp_producer_is_dry (self, credit) || (self->unwanted && answered);
}

void emp_producer_settle (emp_producer_t *self, uint64_t credit, bool answered)
{
    if (emp_producer_heard (self, credit, answered))
        self->wanted = self->unwanted = false;
}

bool emp_producer_takes (uint64_t known, uint64_t credit)
{
    return credit >= known;
}

uint64_t emp_producer_put (emp_producer_t *self)
{
    return self->put++ + self->skipped;
}

emp_status_t emp_producer_skip (emp_producer_t *self)
{
    if (self->ended || !self->fed_ahead)
        return EMP_STATE;
    self->skipped++;
    return EMP_OK;
}

/* ---- parts that travel together ------------------------------------------------------------------------------------ */

bool emp_gather_is_full (uint32_t count, size_t bytes, size_t size)
{
    return count && bytes + size > EMP_WIRE_BATCH_BYTES;
}

bool emp_gather_leaves (uint32_t count, size_t bytes, uint64_t since_us, uint64_t now, bool keep)
{
    return !keep || count >= EMP_GATHER_PARTS || emp_gather_is_stale (since_us, now) || bytes >= EMP_WIRE_BATCH_BYTES;
}

bool emp_gather_is_stale (uint64_t since_us, uint64_t now)
{
    return now - since_us >= EMP_GATHER_STALE_US;
}
