/* SPDX-License-Identifier: BSD-3-Clause
 *
 * effects.c - the list of effects that a caller owns and a step appends to.
 *
 * A step makes room for all that it can possibly emit before it changes anything; so it either fails with nothing
 * changed or cannot fail any more.
 */
#include <assert.h>
#include <stdlib.h>

#include "state.h"

void emp_effects_clear (emp_effects_t *self)
{
    self->count = 0;
}

void emp_effects_release (emp_effects_t *self)
{
    free (self->list);
    *self = (emp_effects_t){0};
}

emp_status_t core_effects_reserve (emp_effects_t *self, size_t count)
{
    size_t needed = self->count + count;
    if (needed <= self->room)
        return EMP_OK;
    size_t room = self->room * 2 > needed ? self->room * 2 : needed;
    emp_effect_t *list = core_realloc (self->list, room * sizeof *list);
    if (!list)
        return EMP_NOMEM;
    self->list = list;
    self->room = room;
    return EMP_OK;
}

emp_effect_t *core_effects_add (emp_effects_t *self, emp_effect_kind_t kind)
{
    assert (self->count < self->room);
    emp_effect_t *effect = &self->list[self->count++];
    *effect = (emp_effect_t){.kind = kind};
    return effect;
}
