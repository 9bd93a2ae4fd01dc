/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The course of a run whose words do not get through at once.
 */
#include "../common/door.h"

#include "manager/manager.h"

TestSuite (course, .timeout = 60);

static bool is_unsaid (emp_t *emp)
{
    pthread_mutex_lock (&emp->lock);
    bool unsaid = emp->unsaid;
    pthread_mutex_unlock (&emp->lock);
    return unsaid;
}

Test (course, a_stop_that_finds_no_room_is_said_later)
{
    open_door ();
    door_heard = door_stand_still;
    emp_session_t *session;
    cr_assert_eq (knock (1000, &session), EMP_OK);
    emp_t *emp = emp_new ();
    emp->session = session;
    emp->waited = true;
    door_stuff (session);
    cr_assert_eq (emp_course_begin (emp), EMP_OK);
    while (!is_unsaid (emp))
        usleep (1000);
    door_let_go ();
    do
        hear (EMP_MSG_STOP);
    while (heard.name[0]); /* of all queues */
    emp_course_end (emp);
    emp->course_runs = false;
    emp->session = NULL;
    emp_destroy (&emp);
    emp_session_destroy (&session);
    close_door ();
}
