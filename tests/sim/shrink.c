/* SPDX-License-Identifier: BSD-3-Clause
 *
 * shrink.c - see shrink.h. Tries one smaller plan after the other, keeps each that fails too, in any way, and begins again until
 * none is left that does (delta debugging: A. Zeller, 1999; by single faults, of which there are a dozen at the most).
 */
#include "shrink.h"

/* Makes the plan smaller in the i-th way. False: there is no such way. */
static bool cut_fault (plan_t *plan, unsigned i)
{
    if (i >= plan->faults)
        return false;
    plan->faults--;
    for (; i < plan->faults; i++)
        plan->fault[i] = plan->fault[i + 1];
    return true;
}

static bool cut_poison (plan_t *plan, unsigned i)
{
    if (i >= plan->poisons)
        return false;
    plan->poison[i] = plan->poison[--plan->poisons];
    return true;
}

static bool cut_feed (plan_t *plan, unsigned i)
{
    if (plan->feeds <= 1 || i >= 1)
        return false;
    plan->feeds--;
    for (unsigned p = 0; p < plan->poisons;)
        if (plan->poison[p].feed >= plan->feeds)
            cut_poison (plan, p);
        else
            p++;
    return true;
}

static bool cut_slot (plan_t *plan, unsigned i)
{
    if (plan->slots <= 2 || i >= 1)
        return false;
    plan->slots--;
    for (unsigned f = 0; f < plan->faults; f++)
        plan->fault[f].who %= plan->slots;
    return true;
}

static uint32_t less (uint32_t value, bool half)
{
    return half ? value / 2 : value - 1;
}

static void keep_poison_inside (plan_t *plan)
{
    for (unsigned p = 0; p < plan->poisons; p++) {
        poison_t *poison = &plan->poison[p];
        poison->number %= plan->feed[poison->feed].tickets;
        poison->row %= plan->feed[poison->feed].rows;
    }
}

static bool cut_tickets (plan_t *plan, unsigned i)
{
    uint32_t feed = i / 2;
    if (feed >= plan->feeds)
        return false;
    uint32_t fewer = less (plan->feed[feed].tickets, i % 2 == 0);
    plan->feed[feed].tickets = fewer ? fewer : 1;
    keep_poison_inside (plan);
    return true;
}

static bool cut_rows (plan_t *plan, unsigned i)
{
    uint32_t feed = i / 2;
    if (feed >= plan->feeds)
        return false;
    uint32_t fewer = less (plan->feed[feed].rows, i % 2 == 0);
    plan->feed[feed].rows = fewer ? fewer : 1;
    keep_poison_inside (plan);
    return true;
}

static bool simplify (plan_t *plan, unsigned i)
{
    switch (i) {
    case 0: plan->puts = 0; break;
    case 1: plan->puts = plan->puts ? 1 : 0; break;
    case 2: plan->impatient = false; break;
    case 3: plan->stop_early = false; break;
    case 4:
        plan->blind = false;
        plan->deaf = false;
        break;
    case 5: plan->config.speculate = false; break;
    case 6: plan->config.halve = false; break;
    case 7: plan->config.backlog_max = 1000; break;
    case 8: plan->config.backlog_bytes_max = 1 << 20; break;
    case 9: plan->config.window_max = 64; break;
    case 10: plan->bytes_max = 0; break;
    case 11: plan->maxsize[0] = plan->maxsize[1] = 100; break;
    case 12: plan->ticket_timeout = 0; break;
    case 13: plan->lag = 0; break;
    case 14:
        for (unsigned s = 0; s < plan->slots; s++)
            plan->joins[s] = 0;
        break;
    case 15:
        for (unsigned s = 0; s < plan->slots; s++)
            plan->row_us[s] = plan->row_us[0];
        break;
    case 16:
        for (unsigned f = 0; f < plan->feeds; f++)
            plan->feed[f].skips = 0;
        break;
    default: return false;
    }
    for (unsigned f = 0; f < plan->feeds && !plan->puts; f++)
        plan->feed[f].queue = 0;
    return true;
}

static bool same (const plan_t *a, const plan_t *b)
{
    const char *left = (const char *) a, *right = (const char *) b;
    for (size_t i = 0; i < sizeof *a; i++)
        if (left[i] != right[i])
            return false;
    return true;
}

unsigned shrink (plan_t *plan, verdict_t verdict)
{
    static bool (*const ways[]) (plan_t * plan, unsigned i) = {cut_fault,   cut_poison, cut_feed, cut_slot,
                                                               cut_tickets, cut_rows,   simplify};
    unsigned tried = 0;
    for (bool smaller = true; smaller;) {
        smaller = false;
        for (size_t way = 0; way < sizeof ways / sizeof *ways; way++)
            for (unsigned i = 0;; i++) {
                plan_t less_of_it = *plan;
                if (!ways[way](&less_of_it, i))
                    break;
                if (same (&less_of_it, plan))
                    continue;
                tried++;
                if (!verdict (&less_of_it))
                    continue;
                *plan = less_of_it;
                smaller = true;
                i--; /* the next one stands where this one stood */
            }
    }
    return tried;
}
