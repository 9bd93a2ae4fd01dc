/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The course of a run whose words do not get through at once; what it says in the end.
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

static const char *unanswered (const emp_summary_t *sum, bool deserted)
{
    static char text[EMP_COURSE_TEXT_MAX];
    emp_course_unanswered (sum, deserted, text);
    return text;
}

Test (course, that_no_worker_is_left_is_the_cause_only_of_what_has_not_ended)
{
    const emp_summary_t dead = {.tickets = 4, .dead = 4}, partly = {.tickets = 4, .partly = 4},
                        missing = {.tickets = 4, .dead = 1, .missing = 2, .partly = 1};
    cr_assert_str_eq (unanswered (&dead, true), "4 of 4 tickets were not answered");
    cr_assert_str_eq (unanswered (&partly, true), "4 of 4 tickets were answered only in part");
    cr_assert_str_eq (unanswered (&missing, true),
                      "no worker process is left: 3 of 4 tickets were not answered, 1 only in part");
    cr_assert_str_eq (unanswered (&missing, false), "3 of 4 tickets were not answered, 1 only in part");
}
