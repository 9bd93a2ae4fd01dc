/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A queue's end that several threads share; its lane is the test's.
 */
#include <criterion/criterion.h>
#include <unistd.h>

#include "common/net/port.h"

TestSuite (port, .timeout = 20);

/* ---- a lane that has one chunk, then nothing for a while, then as many as are asked for --------------------------- */

static _Atomic unsigned given;
static _Atomic bool flows;

static emp_status_t open_lane (emp_session_t *session, const char *queue, uint32_t window, emp_lane_t **ret_lane)
{
    (void) session, (void) queue, (void) window;
    *ret_lane = (emp_lane_t *) &given;
    return EMP_OK;
}

static emp_status_t next (emp_lane_t *lane, uint64_t until, emp_lane_chunk_t *ret_chunk)
{
    (void) lane;
    while (given > 0 && !flows) {
        if (emp_now () >= until)
            return EMP_TIMEOUT;
        usleep (1000);
    }
    *ret_chunk = (emp_lane_chunk_t){
        .ticket = ++given, .attempt = 1, .rows = 1, .count = 1, .label = "q", .data = "\x91\x07", .size = 2};
    return EMP_OK;
}

static void release (void *frame)
{
    (void) frame;
}

static emp_status_t done (emp_lane_t *lane, const emp_lane_end_t *end, emp_buf_t *result)
{
    (void) lane, (void) end;
    emp_buf_clear (result);
    return EMP_OK;
}

static void close_lane (emp_lane_t **lane)
{
    *lane = NULL;
}

static const emp_lane_calls_t calls = {open_lane, next, release, done, close_lane};

/* ---- threads ----------------------------------------------------------------------------------------------------- */

static emp_port_t *port;

static void *gets_for_100_ms (void *arg)
{
    emp_chunk_t *chunk;
    emp_status_t *status = arg;
    *status = emp_queue_get_wait (&port->base, 100, &chunk);
    return NULL;
}

static void *gets (void *arg)
{
    (void) arg;
    emp_chunk_t *chunk = emp_queue_get (&port->base);
    emp_chunk_done (&chunk);
    return NULL;
}

Test (port, a_turn_that_brings_its_thread_no_chunk_is_passed_on)
{
    emp_client_t client;
    emp_client_init (&client, &calls, NULL, NULL, "test");
    port = emp_port_new (&client, "q");
    emp_chunk_t *chunk = emp_queue_get (&port->base);
    pthread_t hasty, patient;
    emp_status_t status = EMP_OK;
    cr_assert_eq (pthread_create (&hasty, NULL, gets_for_100_ms, &status), 0);
    usleep (20000);
    cr_assert_eq (pthread_create (&patient, NULL, gets, NULL), 0);
    usleep (20000);
    emp_chunk_done (&chunk); /* wakes the one that has waited longer */
    pthread_join (hasty, NULL);
    cr_assert_eq (status, EMP_TIMEOUT);
    flows = true;
    pthread_join (patient, NULL);
    emp_port_destroy (&port);
    emp_client_release (&client);
}

Test (port, a_get_of_a_tool_that_will_not_come_is_a_refusal_like_any_other)
{
    emp_client_t client;
    emp_client_init (&client, &calls, NULL, NULL, "test");
    port = emp_port_new (&client, "mp_tools_q");
    for (uint32_t i = 1; i <= 3; i++) {
        cr_assert_null (emp_queue_get (&port->base));
        cr_assert_eq (emp_client_refusals (&client), i);
    }
    cr_assert (!client.broken, "it has stopped, as queues do");
    emp_port_destroy (&port);
    emp_client_release (&client);
}

static void *ends (void *arg)
{
    emp_chunk_t *chunk = arg;
    emp_chunk_done (&chunk);
    return NULL;
}

Test (port, a_chunk_that_another_thread_has_ended_takes_no_more_results)
{
    emp_client_t client;
    emp_client_init (&client, &calls, NULL, NULL, "test");
    port = emp_port_new (&client, "q");
    emp_port_t *output = emp_port_new (&client, "mp_output_q");
    emp_chunk_t *chunk = emp_queue_get (&port->base);
    cr_assert_eq (emp_queue_put (&output->base, "\x07", 1), EMP_OK);
    pthread_t thread;
    cr_assert_eq (pthread_create (&thread, NULL, ends, chunk), 0);
    pthread_join (thread, NULL);
    cr_assert_eq (emp_queue_put (&output->base, "\x07", 1), EMP_STATE);
    emp_port_destroy (&output);
    emp_port_destroy (&port);
    emp_client_release (&client);
}
