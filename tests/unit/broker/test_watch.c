/* SPDX-License-Identifier: BSD-3-Clause
 *
 * STATUS: who may ask, what the answer says of sessions, and pages. Real sockets, one process.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "broker/broker.h"
#include "common/net/session.h"
#include "common/overview.h"

TestSuite (watch, .timeout = 60);

static char directory[64];
static emp_broker_t *broker;
static emp_session_t *manager;

static emp_status_t join (const char *endpoint, emp_role_t role, uint64_t parent, emp_session_t **session)
{
    emp_session_config_t config = {
        .endpoint = endpoint, .role = role, .parent = parent, .name = "name", .timeout_ms = 5000};
    return emp_session_new (&config, session, NULL);
}

static void build (void)
{
    strcpy (directory, "/tmp/emp-watch-XXXXXX");
    cr_assert (mkdtemp (directory) != NULL);
    char door[128];
    snprintf (door, sizeof door, "ipc://%s/door", directory);
    emp_broker_config_t config = {
        .directory = directory, .listen = door, .beat_ms = 1000, .core = emp_core_config_default};
    emp_status_t status;
    broker = emp_broker_new (&config, &status);
    cr_assert (broker != NULL);
    cr_assert_eq (join (emp_broker_inproc (broker), EMP_ROLE_MANAGER, 0, &manager), EMP_OK);
}

static void tear_down (void)
{
    emp_session_destroy (&manager);
    emp_broker_destroy (&broker);
    cr_assert_eq (rmdir (directory), 0, "the broker left something in its folder");
}

static emp_session_t *guest (emp_role_t role)
{
    emp_session_t *session;
    cr_assert_eq (join (emp_broker_endpoint (broker), role, 0, &session), EMP_OK);
    return session;
}

/* Returns how many pages it took. */
static size_t ask (emp_session_t *session, emp_overview_t *overview)
{
    static uint8_t page[EMP_OVERVIEW_MAX];
    uint64_t from = 0;
    size_t size, pages = 0;
    *overview = (emp_overview_t){0};
    do {
        cr_assert_eq (emp_session_overview (session, from, page, sizeof page, &size), EMP_OK);
        cr_assert_eq (emp_overview_add (overview, page, size, &from), EMP_OK);
        pages++;
    } while (from);
    return pages;
}

static const emp_overview_peer_t *peer_of (const emp_overview_t *overview, emp_session_t *session)
{
    for (size_t i = 0; i < overview->peers_count; i++)
        if (overview->peers[i].session == emp_session_id (session))
            return &overview->peers[i];
    return NULL;
}

Test (watch, a_watcher_and_the_manager_are_answered_and_nobody_else)
{
    build ();
    cr_assert_eq (emp_session_declare (manager, "q", 100, 0), EMP_OK);
    emp_session_t *watcher = guest (EMP_ROLE_WATCHER), *worker = guest (EMP_ROLE_WORKER);
    emp_overview_t overview;
    cr_assert_eq (ask (watcher, &overview), 1);
    cr_assert (overview.queues_count == 1 && strcmp (overview.queues[0].name, "q") == 0 &&
               overview.queues[0].maxsize == 100);
    cr_assert_eq (overview.peers_count, 3);
    const emp_overview_peer_t *peer = peer_of (&overview, worker);
    cr_assert (peer && peer->role == EMP_ROLE_WORKER && peer->pid == (uint32_t) getpid () && *peer->host &&
               strcmp (peer->name, "name") == 0 && peer->held == 0);
    cr_assert_eq (peer_of (&overview, watcher)->role, EMP_ROLE_WATCHER);
    emp_overview_release (&overview);
    ask (manager, &overview);
    emp_overview_release (&overview);

    uint8_t page[64];
    size_t size;
    emp_session_set_timeout (worker, 200);
    cr_assert_eq (emp_session_overview (worker, 0, page, sizeof page, &size), EMP_TIMEOUT);
    emp_session_destroy (&worker);
    emp_session_destroy (&watcher);
    tear_down ();
}

Test (watch, a_watcher_takes_no_part_and_its_end_is_no_loss)
{
    build ();
    cr_assert_eq (emp_session_declare (manager, "q", 100, 0), EMP_OK);
    emp_control_t job = {.kind = EMP_MSG_JOB, .blob = "\x80", .blob_size = 1};
    cr_assert_eq (emp_session_send (manager, &job), EMP_OK);
    emp_overview_t overview;
    ask (manager, &overview); /* behind which the job is there */
    emp_overview_release (&overview);
    emp_session_t *watcher = guest (EMP_ROLE_WATCHER), *other = guest (EMP_ROLE_WATCHER);
    size_t size;
    emp_session_job (watcher, &size);
    cr_assert_eq (size, 0, "it is told the job");
    emp_lane_t *lane;
    emp_feed_t *feed;
    emp_session_set_timeout (watcher, 100);
    cr_assert_eq (emp_lane_new (watcher, "q", 1, &lane), EMP_TIMEOUT);
    cr_assert_eq (emp_feed_new (watcher, "q", "", &feed), EMP_TIMEOUT);
    cr_assert_eq (emp_session_declare (watcher, "mine", 1, 0), EMP_TIMEOUT);
    emp_control_t drain = {.kind = EMP_MSG_DRAIN};
    cr_assert_eq (emp_session_send (watcher, &drain), EMP_OK);
    emp_session_destroy (&watcher);
    ask (other, &overview);
    while (overview.peers_count > 2) { /* until its goodbye is there, and so all that it has said */
        emp_overview_release (&overview);
        ask (other, &overview);
    }
    cr_assert_eq (emp_broker_dropped (broker), 4);
    cr_assert (overview.lost == 0 && !overview.draining && overview.queues_count == 1);
    emp_overview_release (&overview);
    emp_session_t *child;
    cr_assert_eq (join (emp_broker_endpoint (broker), EMP_ROLE_WATCHER, 7, &child), EMP_REFUSED);
    emp_session_destroy (&other);
    tear_down ();
}

Test (watch, many_queues_and_sessions_come_in_pages_each_once)
{
    enum { QUEUES = 1000, GUESTS = 40 };
    build ();
    for (unsigned i = 0; i < QUEUES; i++) {
        char name[EMP_NAME_MAX + 1];
        snprintf (name, sizeof name, "%0*u", EMP_NAME_MAX, i);
        cr_assert_eq (emp_session_declare (manager, name, i + 1, 0), EMP_OK);
    }
    emp_session_t *guests[GUESTS];
    for (unsigned i = 0; i < GUESTS; i++)
        guests[i] = guest (EMP_ROLE_WORKER);
    emp_session_t *watcher = guest (EMP_ROLE_WATCHER);
    emp_overview_t overview;
    cr_assert_geq (ask (watcher, &overview), 3);
    cr_assert_eq (overview.queues_count, QUEUES);
    for (unsigned i = 0; i < QUEUES; i++)
        cr_assert (overview.queues[i].maxsize == i + 1 && strtoul (overview.queues[i].name, NULL, 10) == i);
    cr_assert_eq (overview.peers_count, GUESTS + 2);
    for (unsigned i = 0; i < GUESTS; i++)
        cr_assert_not_null (peer_of (&overview, guests[i]));
    emp_overview_release (&overview);
    uint8_t page[64];
    size_t size;
    cr_assert_eq (emp_session_overview (watcher, 0, page, sizeof page, &size), EMP_TOOBIG);
    emp_session_set_timeout (watcher, 100);
    cr_assert_eq (emp_session_overview (watcher, UINT64_MAX, page, sizeof page, &size), EMP_TIMEOUT);
    for (unsigned i = 0; i < GUESTS; i++)
        emp_session_destroy (&guests[i]);
    emp_session_destroy (&watcher);
    tear_down ();
}

Test (watch, a_watcher_learns_that_the_run_is_over)
{
    build ();
    emp_session_t *watcher = guest (EMP_ROLE_WATCHER);
    tear_down ();
    uint8_t page[64];
    size_t size;
    cr_assert_eq (emp_session_overview (watcher, 0, page, sizeof page, &size), EMP_SYSTEM);
    cr_assert (emp_session_is_over (watcher));
    emp_session_destroy (&watcher);
}
