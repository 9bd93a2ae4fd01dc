/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "broker/core/pool.h"

TestSuite (pool, .timeout = 20);

typedef struct {
    core_slot_t slot;
    uint64_t value;
} record_t;

static record_t *take (core_pool_t *pool)
{
    cr_assert_eq (core_pool_reserve (pool, 1), EMP_OK);
    return core_pool_take (pool);
}

static uint64_t handle_of (const core_pool_t *pool, const record_t *record)
{
    return core_pool_handle (pool, &record->slot);
}

Test (pool, a_record_is_found_by_its_handle_and_was_zeroed)
{
    core_pool_t pool;
    core_pool_init (&pool, sizeof (record_t), 32, 10);
    record_t *record = take (&pool);
    cr_assert_eq (record->value, 0);
    cr_assert_eq (core_pool_find (&pool, handle_of (&pool, record)), record);
    record->value = 7;
    core_pool_give (&pool, record);
    for (int i = 0; i < 300; i++) { /* until its slot comes again */
        record = take (&pool);
        cr_assert_eq (record->value, 0);
        record->value = 7;
        core_pool_give (&pool, record);
    }
    core_pool_release (&pool);
}

Test (pool, a_handle_is_never_zero)
{
    core_pool_t pool;
    core_pool_init (&pool, sizeof (record_t), 16, 1);
    cr_assert_null (core_pool_find (&pool, 0));
    for (int i = 0; i < 70000; i++) {
        record_t *record = take (&pool);
        cr_assert_neq (handle_of (&pool, record), 0);
        cr_assert_null (core_pool_find (&pool, 0));
        core_pool_give (&pool, record);
    }
    core_pool_release (&pool);
}

Test (pool, a_record_given_back_is_not_found_any_more)
{
    core_pool_t pool;
    core_pool_init (&pool, sizeof (record_t), 32, 1000);
    record_t *record = take (&pool);
    uint64_t handle = handle_of (&pool, record);
    core_pool_give (&pool, record);
    cr_assert_null (core_pool_find (&pool, handle));
    for (int i = 0; i < 1000; i++) { /* nor when its slot is used again */
        take (&pool);
        cr_assert_null (core_pool_find (&pool, handle));
    }
    core_pool_release (&pool);
}

Test (pool, a_guessed_handle_finds_nothing)
{
    core_pool_t pool;
    core_pool_init (&pool, sizeof (record_t), 32, 10);
    record_t *record = take (&pool);
    core_pool_give (&pool, record);
    for (uint64_t generation = 0; generation < 5; generation++)
        for (uint64_t slot = 0; slot < 300; slot++)
            cr_assert_null (core_pool_find (&pool, generation << 32 | slot));
    cr_assert_null (core_pool_find (&pool, UINT64_MAX));
    core_pool_release (&pool);
}

Test (pool, an_id_of_16_bits_comes_again_after_32768_uses_of_its_slot_and_not_before)
{
    core_pool_t pool;
    core_pool_init (&pool, sizeof (record_t), 16, 256);
    record_t *first = NULL;
    for (int i = 0; i < 256; i++) {
        record_t *record = take (&pool);
        first = first ? first : record;
    }
    uint64_t handle = handle_of (&pool, first);
    int uses = 0;
    do {
        core_pool_give (&pool, first); /* the only free slot, so it is used again at once */
        cr_assert_eq (take (&pool), first);
        uses++;
    } while (handle_of (&pool, first) != handle);
    cr_assert_eq (uses, 32768);
    core_pool_release (&pool);
}

Test (pool, free_slots_are_used_in_the_order_in_which_they_came_back)
{
    core_pool_t pool;
    core_pool_init (&pool, sizeof (record_t), 32, 256);
    record_t *records[256];
    for (int i = 0; i < 256; i++)
        records[i] = take (&pool);
    static const int order[] = {200, 3, 77, 4, 255};
    for (int i = 0; i < 5; i++)
        core_pool_give (&pool, records[order[i]]);
    for (int i = 0; i < 5; i++)
        cr_assert_eq (take (&pool), records[order[i]]);
    core_pool_release (&pool);
}

Test (pool, a_free_slot_rests_while_there_are_some_that_were_never_used)
{
    core_pool_t pool;
    core_pool_init (&pool, sizeof (record_t), 32, 1000);
    record_t *first = take (&pool);
    core_pool_give (&pool, first);
    for (uint32_t i = 1; i < CORE_POOL_BLOCK; i++)
        cr_assert_neq (take (&pool), first);
    cr_assert_eq (take (&pool), first);
    core_pool_release (&pool);
}

Test (pool, records_stay_where_they_are_while_it_grows)
{
    enum { COUNT = 5000 };
    core_pool_t pool;
    core_pool_init (&pool, sizeof (record_t), 32, COUNT);
    static record_t *records[COUNT];
    for (uint64_t i = 0; i < COUNT; i++) {
        records[i] = take (&pool);
        records[i]->value = i;
    }
    for (uint64_t i = 0; i < COUNT; i++) {
        cr_assert_eq (records[i]->value, i);
        cr_assert_eq (core_pool_find (&pool, handle_of (&pool, records[i])), records[i]);
    }
    core_pool_release (&pool);
}

Test (pool, one_that_is_full_says_so)
{
    core_pool_t pool;
    core_pool_init (&pool, sizeof (record_t), 32, 2);
    record_t *one = take (&pool);
    cr_assert_eq (core_pool_reserve (&pool, 2), EMP_FULL);
    take (&pool);
    cr_assert_eq (core_pool_reserve (&pool, 1), EMP_FULL);
    core_pool_give (&pool, one);
    cr_assert_eq (core_pool_reserve (&pool, 1), EMP_OK);
    core_pool_release (&pool);
}

static void *no_memory (void *memory, size_t size)
{
    (void) memory;
    (void) size;
    return NULL;
}

Test (pool, one_without_memory_says_so_and_works_when_there_is_some)
{
    core_pool_t pool;
    core_pool_init (&pool, sizeof (record_t), 32, 1000);
    core_realloc = no_memory;
    cr_assert_eq (core_pool_reserve (&pool, 1), EMP_NOMEM);
    core_realloc = realloc;
    record_t *record = take (&pool);
    cr_assert_eq (core_pool_find (&pool, handle_of (&pool, record)), record);
    core_pool_release (&pool);
}

Test (pool, what_was_reserved_can_be_taken_without_memory)
{
    core_pool_t pool;
    core_pool_init (&pool, sizeof (record_t), 32, 1000);
    cr_assert_eq (core_pool_reserve (&pool, 700), EMP_OK);
    core_realloc = no_memory;
    for (int i = 0; i < 700; i++)
        cr_assert_not_null (core_pool_take (&pool));
    core_realloc = realloc;
    core_pool_release (&pool);
}
