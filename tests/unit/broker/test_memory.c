/* SPDX-License-Identifier: BSD-3-Clause
 *
 * EMP_NOMEM: nothing was changed. Each allocation of each step fails once; then the step is as if nothing had been.
 */
#include "scene.h"

#include "broker/core/pool.h"

TestSuite (memory, .timeout = 20);

static unsigned until_failure; /* allocations that succeed; 0: the next fails, and all after it */

static void *scarce (void *memory, size_t size)
{
    if (until_failure == 0)
        return NULL;
    until_failure--;
    return realloc (memory, size);
}

Test (memory, a_core_is_born_whole_or_not_at_all)
{
    emp_core_config_t config = scene_config ();
    core_realloc = scarce;
    unsigned allocations = 0;
    emp_core_t *core = NULL;
    while (!core) {
        until_failure = allocations++;
        core = emp_core_new (&config);
    }
    cr_assert_gt (allocations, 1);
    emp_core_destroy (&core);
    cr_assert_null (core);
    emp_core_destroy (&core);
}

/* Fails as often as it can be made to; then it is done. Returns how often it failed. */
static unsigned step_with_failures (emp_core_t *core, const emp_event_t *event, emp_usec_t now, emp_effects_t *fx)
{
    unsigned failures = 0;
    emp_core_stats_t before, after;
    emp_core_stats (core, &before);
    for (;;) {
        emp_effects_release (fx); /* so that it needs memory for every effect */
        until_failure = failures;
        core_realloc = scarce;
        emp_status_t status = emp_core_step (core, event, now, fx);
        core_realloc = realloc;
        const char *broken = emp_core_check (core);
        cr_assert (broken == NULL, "%s", broken);
        if (status != EMP_NOMEM)
            return failures;
        failures++;
        emp_core_stats (core, &after);
        cr_assert_arr_eq (&before, &after, sizeof before);
        cr_assert_eq (fx->count, 0, "an effect of what has not happened");
        cr_assert_lt (failures, 20u);
    }
}

Test (memory, a_step_that_has_none_changes_nothing)
{
    static const emp_part_t parts[200];
    emp_core_config_t config = scene_config ();
    emp_core_t *core = emp_core_new (&config);
    emp_effects_t fx = {0};
    uint32_t lane = 0, feed = 0;
    unsigned failures[EMP_EV_DRAIN + 1] = {0};
    uint64_t credit = 0, number = 0;
    emp_event_t events[] = {
        {.kind = EMP_EV_HELLO, .session = 1, .role = EMP_ROLE_MANAGER, .name = "m", .quiet = true},
        {.kind = EMP_EV_HELLO, .session = 2, .role = EMP_ROLE_WORKER, .name = "w"},
        {.kind = EMP_EV_DECLARE, .name = "q", .maxsize = 1000},
        {.kind = EMP_EV_OPEN_SINK, .session = 1},
        {.kind = EMP_EV_OPEN_FEED, .session = 1, .name = "q"},
        {.kind = EMP_EV_OPEN_LANE, .session = 2, .name = "q", .window = 100},
        {.kind = EMP_EV_LANE_READY},
        {.kind = EMP_EV_PUT, .session = 1, .count = 16, .parts = parts},
        {.kind = EMP_EV_PUT, .session = 1, .count = 200, .parts = parts},
        {.kind = EMP_EV_PUT, .session = 1, .count = 200, .parts = parts},
        {.kind = EMP_EV_DONE, .session = 2, .size = 5},
        {.kind = EMP_EV_CREDIT, .session = 2, .window = 150},
        {.kind = EMP_EV_WANT, .session = 1},
        {.kind = EMP_EV_ACK, .serial = 1},
        {.kind = EMP_EV_STOP, .name = ""},
        {.kind = EMP_EV_ALIVE, .session = 2},
        {.kind = EMP_EV_LOST, .session = 2, .how = EMP_HOW_EXIT},
        {.kind = EMP_EV_TICK},
        {.kind = EMP_EV_DRAIN},
        {.kind = EMP_EV_BYE, .session = 1},
    };
    emp_core_stats_t stats;
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        emp_event_t *event = &events[i];
        event->lane = lane;
        event->feed = feed;
        if (event->kind == EMP_EV_PUT)
            event->number = number;
        else if (event->kind == EMP_EV_DONE) {
            event->ticket = UINT64_C (1) << 32; /* the first of all: slot 0 */
            event->attempt = 1;
        }
        failures[event->kind] += step_with_failures (core, event, 10 * i, &fx);
        number += event->kind == EMP_EV_PUT ? event->count : 0;
        for (size_t f = 0; f < fx.count; f++) {
            lane = fx.list[f].kind == EMP_FX_LANE ? fx.list[f].lane : lane;
            feed = fx.list[f].kind == EMP_FX_FEED ? fx.list[f].feed : feed;
            credit = fx.list[f].kind == EMP_FX_PUT_CREDIT ? fx.list[f].credit : credit;
        }
    }
    emp_core_stats (core, &stats);
    cr_assert_eq (stats.put, 416);
    cr_assert_eq (stats.answered, 1);
    cr_assert_geq (credit, 416);
    for (size_t kind = 0; kind <= EMP_EV_DRAIN; kind++)
        cr_assert_gt (failures[kind], 0u, "event %zu was never short of memory", kind);
    cr_assert_gt (failures[EMP_EV_PUT], 3u);
    emp_effects_release (&fx);
    emp_core_destroy (&core);
}
