/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The real program, eisenmp-worker, against a door that this test holds open: it answers HELLO, gives a job and one
 * lane, and writes down what it is told.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/control.h"
#include "common/net/socket.h"
#include "common/wire.h"

#define RUN 0x1234abcdu
#define HEARD_MAX 300

static char folder[64], endpoint[80];
static char lane_endpoint[80], intake_endpoint[80];
static zsock_t *door, *lane, *intake;
static emp_control_t *heard[HEARD_MAX];
static unsigned heard_count;
static const char *functions[4]; /* the job: functions of slot_ways.so, the first first */
static const char *module_path;
static double ticket_timeout; /* of the job; 0: none */
static pid_t worker;
static int output = -1;
static char text[65536];
static size_t text_size;

static void open_door (void)
{
    strcpy (folder, "/tmp/emp-unit-XXXXXX");
    cr_assert_not_null (mkdtemp (folder));
    snprintf (endpoint, sizeof endpoint, "ipc://%s/door", folder);
    snprintf (lane_endpoint, sizeof lane_endpoint, "ipc://%s/lane", folder);
    snprintf (intake_endpoint, sizeof intake_endpoint, "ipc://%s/intake", folder);
    door = emp_socket_new (ZMQ_ROUTER, EMP_CONTROL_MAX);
    lane = emp_socket_new (ZMQ_PUSH, EMP_CONTROL_MAX);
    intake = emp_socket_new (ZMQ_PULL, EMP_CONTROL_MAX);
    cr_assert_eq (emp_socket_bind (door, endpoint, NULL), EMP_OK);
    cr_assert_eq (emp_socket_bind (lane, lane_endpoint, NULL), EMP_OK);
    cr_assert_eq (emp_socket_bind (intake, intake_endpoint, NULL), EMP_OK);
    prctl (PR_SET_CHILD_SUBREAPER, 1); /* whom the program leaves behind comes to us, and is found */
}

/* What was left behind dies, and fails the test. */
static void close_door (void)
{
    if (worker > 0)
        kill (worker, SIGKILL);
    zsock_destroy (&door);
    zsock_destroy (&lane);
    zsock_destroy (&intake);
    unlink (endpoint + strlen ("ipc://"));
    unlink (lane_endpoint + strlen ("ipc://"));
    unlink (intake_endpoint + strlen ("ipc://"));
    rmdir (folder);
}

TestSuite (supervisor, .timeout = 100, .init = open_door, .fini = close_door);

static const char *start_method = "spawn";

/* A test, once for each START_METHOD (B5). */
#define EACH_METHOD(name)                                                                                              \
    static void name (void);                                                                                           \
    Test (supervisor, name##__spawn)                                                                                   \
    {                                                                                                                  \
        name ();                                                                                                       \
    }                                                                                                                  \
    Test (supervisor, name##__fork)                                                                                    \
    {                                                                                                                  \
        start_method = "fork";                                                                                         \
        name ();                                                                                                       \
    }                                                                                                                  \
    Test (supervisor, name##__forkserver)                                                                              \
    {                                                                                                                  \
        start_method = "forkserver";                                                                                   \
        name ();                                                                                                       \
    }                                                                                                                  \
    static void name (void)

/* ---- the program ------------------------------------------------------------------------------------------------- */

/* For a process between the test and the program, which that one is told to depend on. */
static bool under_manager;

static void start (char *const options[])
{
    const char *bin = getenv ("EMP_BIN");
    static char program[4096];
    char *argv[32] = {program};
    int ends[2], argc = 1;
    cr_assert_not_null (bin, "EMP_BIN is not set: run by ctest");
    snprintf (program, sizeof program, "%s/eisenmp-worker", bin);
    for (int i = 0; options[i]; i++)
        argv[argc++] = options[i];
    cr_assert_eq (pipe (ends), 0);
    worker = fork ();
    if (worker == 0) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        if (under_manager && fork () != 0)
            for (;;)
                pause ();
        static char manager[16];
        snprintf (manager, sizeof manager, "%d", (int) getppid ());
        if (under_manager) {
            argv[argc++] = "--child-of";
            argv[argc++] = manager;
        }
        dup2 (ends[1], 1);
        dup2 (ends[1], 2);
        close (ends[0]);
        close (ends[1]);
        execv (program, argv);
        _exit (127);
    }
    close (ends[1]);
    output = ends[0];
    fcntl (output, F_SETFL, O_NONBLOCK);
}

static void start_slots (char *procs, char *grace)
{
    start ((char *[]){"--connect", endpoint, "--procs", procs, "--grace", grace, NULL});
}

static void read_output (void)
{
    ssize_t rc;
    while ((rc = read (output, text + text_size, sizeof text - 1 - text_size)) > 0)
        text_size += (size_t) rc;
    text[text_size] = 0;
}

/* ---- the door ---------------------------------------------------------------------------------------------------- */

static void pack_text (msgpack_packer *packer, const char *what)
{
    msgpack_pack_str_with_body (packer, what, strlen (what));
}

static void pack_job (emp_buf_t *job)
{
    static char path[4096];
    msgpack_packer packer;
    uint32_t count = 0;
    snprintf (path, sizeof path, "%s/slot_ways.so", getenv ("EMP_TEST_MODULES"));
    while (functions[count])
        count++;
    msgpack_packer_init (&packer, job, emp_buf_write);
    msgpack_pack_map (&packer, 3);
    pack_text (&packer, "kwargs");
    msgpack_pack_map (&packer, 2);
    pack_text (&packer, "START_METHOD");
    pack_text (&packer, start_method);
    pack_text (&packer, "TICKET_TIMEOUT");
    msgpack_pack_double (&packer, ticket_timeout);
    pack_text (&packer, "modules");
    msgpack_pack_array (&packer, count);
    for (uint32_t i = 0; i < count; i++) {
        msgpack_pack_array (&packer, 2);
        pack_text (&packer, module_path ? module_path : path);
        pack_text (&packer, functions[i]);
    }
    pack_text (&packer, "queues");
    msgpack_pack_array (&packer, 3);
    pack_text (&packer, "mp_input_q");
    pack_text (&packer, "mp_info_q");
    pack_text (&packer, "mp_tools_q");
}

static void answer (zframe_t *whom, emp_control_t *message)
{
    emp_buf_t frame;
    emp_buf_init (&frame, EMP_CONTROL_MAX);
    message->run = RUN;
    cr_assert_eq (emp_control_encode (message, &frame), EMP_OK);
    zframe_send (&whom, door, ZFRAME_MORE + ZFRAME_REUSE);
    zmq_send (zsock_resolve (door), frame.data, frame.size, 0);
    emp_buf_release (&frame);
}

static zframe_t *supervisor; /* its address */
static zframe_t *slot;       /* that of the slot which said HELLO last */
static unsigned beats;       /* of the supervisor */

static void answer_lane (zframe_t *whom)
{
    emp_control_t message = {.kind = EMP_MSG_LANE, .name = "mp_input_q", .id = 7};
    memcpy (message.endpoint, lane_endpoint, sizeof lane_endpoint);
    memcpy (message.intake, intake_endpoint, sizeof intake_endpoint);
    answer (whom, &message);
}

/* One chunk of no rows, or the end. */
static void send_lane (emp_wire_kind_t kind, uint64_t ticket)
{
    static emp_wire_t wire;
    emp_buf_t header;
    wire = (emp_wire_t){.kind = kind,
                        .run = RUN,
                        .lane = 7,
                        .label = "mp_input_q (default)",
                        .count = 1,
                        .parts = {{.ticket = ticket, .number = 3, .attempt = 1, .length = 1}}};
    emp_buf_init (&header, EMP_WIRE_HEADER_MAX);
    cr_assert_eq (emp_wire_encode (&wire, &header), EMP_OK);
    zmq_send (zsock_resolve (lane), header.data, header.size, ZMQ_SNDMORE);
    zmq_send (zsock_resolve (lane), "\x90", kind == EMP_WIRE_CHUNKS, 0);
    emp_buf_release (&header);
}

static void take (zframe_t *whom, const emp_control_t *message)
{
    if (message->kind == EMP_MSG_BEAT || message->kind == EMP_MSG_PRINT) {
        answer (whom, &(emp_control_t){.kind = EMP_MSG_BEAT});
        beats += supervisor && zframe_eq (whom, supervisor);
        return;
    }
    if (message->kind == EMP_MSG_INFO)
        return;
    cr_assert_lt (heard_count, HEARD_MAX);
    heard[heard_count] = malloc (sizeof *message);
    *heard[heard_count++] = *message;
    if (message->kind == EMP_MSG_OPEN_LANE)
        answer_lane (whom);
    if (message->kind != EMP_MSG_HELLO)
        return;
    if (message->role == EMP_ROLE_SUPERVISOR)
        supervisor = zframe_dup (whom);
    else {
        zframe_destroy (&slot);
        slot = zframe_dup (whom);
    }
    emp_buf_t job;
    emp_buf_init (&job, 100000);
    pack_job (&job);
    answer (whom, &(emp_control_t){
                      .kind = EMP_MSG_WELCOME, .window = 200, .size = 20000, .blob = job.data, .blob_size = job.size});
    emp_buf_release (&job);
}

/* Serves the door for one message, or until the program has written something, or for a moment. False: for a moment. */
static bool serve (void)
{
    zmq_pollitem_t items[] = {{.socket = zsock_resolve (door), .events = ZMQ_POLLIN},
                              {.fd = output, .events = ZMQ_POLLIN}};
    while (zmq_poll (items, output < 0 ? 1 : 2, 50) < 0)
        cr_assert_eq (errno, EINTR);
    if (output >= 0)
        read_output ();
    if (!(items[0].revents & ZMQ_POLLIN))
        return items[1].revents & ZMQ_POLLIN;
    zframe_t *whom = zframe_recv (door), *frame = zframe_recv (door);
    emp_control_t message;
    cr_assert_eq (emp_control_decode (zframe_data (frame), zframe_size (frame), &message), EMP_OK);
    take (whom, &message);
    zframe_destroy (&whom);
    zframe_destroy (&frame);
    return true;
}

static unsigned count (emp_kind_t kind)
{
    unsigned n = 0;
    for (unsigned i = 0; i < heard_count; i++)
        n += heard[i]->kind == kind;
    return n;
}

static const emp_control_t *nth (emp_kind_t kind, unsigned n)
{
    for (unsigned i = 0; i < heard_count; i++)
        if (heard[i]->kind == kind && n-- == 0)
            return heard[i];
    cr_assert_fail ("not said");
    return NULL;
}

static void await (emp_kind_t kind, unsigned n)
{
    while (count (kind) < n)
        serve ();
}

static unsigned lines_with (const char *what)
{
    unsigned n = 0;
    for (const char *at = text; (at = strstr (at, what)); at++)
        n++;
    return n;
}

static void await_text (const char *what, unsigned times)
{
    while (lines_with (what) < times)
        serve ();
}

/* Serves until the program has ended; says how. Nobody of its family may be left. */
static int await_exit (void)
{
    int status;
    while (waitpid (worker, &status, WNOHANG) == 0)
        serve ();
    worker = 0;
    read_output ();
    close (output);
    output = -1;
    while (serve ())
        ; /* what still lies at the door */
    cr_assert_eq (waitpid (-1, NULL, WNOHANG), -1, "somebody was left behind");
    return WIFEXITED (status) ? WEXITSTATUS (status) : 1000 + WTERMSIG (status);
}

/* ---- usage ------------------------------------------------------------------------------------------------------- */

static void expect_usage_error (char *const options[], const char *what)
{
    start (options);
    cr_assert_eq (await_exit (), 2);
    cr_assert (strstr (text, what), "\"%s\" in: %s", what, text);
    text_size = 0;
}

Test (supervisor, bad_usage_is_exit_2_and_says_what)
{
    expect_usage_error ((char *[]){NULL}, "--connect URL is missing");
    expect_usage_error ((char *[]){"--connect", "", NULL}, "an endpoint has 1 to 255 bytes");
    expect_usage_error ((char *[]){"--connect", "x", "--procs", "0", NULL}, "\"0\" is no number from 1 to 4096");
    expect_usage_error ((char *[]){"--connect", "x", "--procs", "4097", NULL}, "\"4097\"");
    expect_usage_error ((char *[]){"--connect", "x", "--procs", "four", NULL}, "\"four\"");
    expect_usage_error ((char *[]){"--connect", "x", "--procs", "-1", NULL}, "\"-1\"");
    expect_usage_error ((char *[]){"--connect", "x", "--procs", "3x", NULL}, "\"3x\"");
    expect_usage_error ((char *[]){"--connect", "x", "--run", "xyz", NULL}, "hexadecimal");
    expect_usage_error ((char *[]){"--connect", "x", "--run", "12345678901234567", NULL}, "hexadecimal");
    expect_usage_error ((char *[]){"--connect", "x", "--grace", "nan", NULL}, "number of seconds");
    expect_usage_error ((char *[]){"--connect", "x", "--grace", "-1", NULL}, "number of seconds");
    expect_usage_error ((char *[]){"--connect", "x", "more", NULL}, "\"more\"");
    expect_usage_error ((char *[]){"--nonsense", NULL}, "unrecognized option");
    expect_usage_error ((char *[]){"--connect", "x", "--slot", "0", NULL}, "for the supervisor alone");
}

Test (supervisor, an_endpoint_that_is_none_is_exit_2)
{
    start ((char *[]){"--connect", "nonsense", NULL});
    cr_assert_eq (await_exit (), 2);
    cr_assert (strstr (text, "eisenmp: cannot connect to nonsense: Invalid argument"), "%s", text);
}

/* ---- good order -------------------------------------------------------------------------------------------------- */

EACH_METHOD (slots_that_are_done_end_all_with_0)
{
    functions[0] = "done_at_once";
    start_slots ("3", "5");
    cr_assert_eq (await_exit (), 0);
    cr_assert_eq (count (EMP_MSG_HELLO), 4);
    cr_assert_eq (count (EMP_MSG_BYE), 4);
    cr_assert_eq (count (EMP_MSG_LOST), 0);
    cr_assert_str_eq (nth (EMP_MSG_HELLO, 0)->name, "supervisor");
    cr_assert_eq (nth (EMP_MSG_HELLO, 0)->role, EMP_ROLE_SUPERVISOR);
    for (unsigned i = 1; i <= 3; i++) {
        const emp_control_t *hello = nth (EMP_MSG_HELLO, i);
        cr_assert_eq (hello->role, EMP_ROLE_WORKER);
        cr_assert_eq (hello->parent, nth (EMP_MSG_HELLO, 0)->session);
        cr_assert_eq (hello->run, RUN);
    }
    cr_assert_eq (lines_with ("has number"), 3, "%s", text);
    cr_assert (strstr (text, "Process-1 has number 0\n") && strstr (text, "Process-3 has number 2\n"), "%s", text);
}

EACH_METHOD (B22_mates_are_called_last_in_first_out_and_once)
{
    functions[0] = "says_the_order";
    functions[1] = "mate_one";
    functions[2] = "mate_two";
    start_slots ("1", "5");
    cr_assert_eq (await_exit (), 0);
    cr_assert_str_eq (text, "mates: two one \n");
}

EACH_METHOD (B24_the_same_module_several_times_is_called_as_often)
{
    functions[0] = "says_the_order";
    functions[1] = "mate_one";
    functions[2] = "mate_one";
    start_slots ("1", "5");
    cr_assert_eq (await_exit (), 0);
    cr_assert_str_eq (text, "mates: one one \n");
}

EACH_METHOD (threads_of_mates_that_run_on_do_not_hold_up_the_end)
{
    functions[0] = "done_at_once";
    functions[1] = "has_a_thread";
    start_slots ("2", "5");
    cr_assert_eq (await_exit (), 0);
    cr_assert_eq (count (EMP_MSG_LOST), 0);
}

EACH_METHOD (threads_that_ask_at_queues_in_the_moment_of_the_end_do_it_no_harm)
{
    functions[0] = "done_at_once";
    functions[1] = "has_threads_that_ask";
    start_slots ("8", "5");
    cr_assert_eq (await_exit (), 0);
    cr_assert_eq (count (EMP_MSG_LOST), 0);
    cr_assert_eq (count (EMP_MSG_BYE), 9);
}

EACH_METHOD (SIGTERM_lets_slots_leave)
{
    functions[0] = "ticks";
    start_slots ("2", "50");
    await (EMP_MSG_HELLO, 3);
    kill (worker, SIGTERM);
    cr_assert_eq (await_exit (), 0);
    cr_assert_eq (count (EMP_MSG_LOST), 0);
    cr_assert_eq (count (EMP_MSG_BYE), 3);
}

EACH_METHOD (SIGTERM_wakes_a_slot_that_waits_for_a_chunk)
{
    functions[0] = "waits_for_chunks";
    start_slots ("1", "50");
    await (EMP_MSG_OPEN_LANE, 1);
    for (int i = 0; i < 5; i++)
        serve ();
    kill (worker, SIGTERM);
    cr_assert_eq (await_exit (), 0);
    cr_assert_eq (count (EMP_MSG_LOST), 0);
}

EACH_METHOD (B20_a_queue_that_stops_ends_the_slot)
{
    functions[0] = "waits_for_chunks";
    start_slots ("1", "50");
    await (EMP_MSG_OPEN_LANE, 1);
    send_lane (EMP_WIRE_CHUNKS, 77);
    send_lane (EMP_WIRE_STOPPED, 0);
    cr_assert_eq (await_exit (), 0);
    cr_assert_eq (count (EMP_MSG_LOST), 0);
    zmsg_t *done = zmsg_recv (intake);
    cr_assert_not_null (done);
    zmsg_destroy (&done);
}

EACH_METHOD (a_module_that_does_not_see_the_end_is_stopped)
{
    functions[0] = "never_has_enough";
    start_slots ("1", "50");
    await (EMP_MSG_OPEN_LANE, 1);
    send_lane (EMP_WIRE_STOPPED, 0);
    cr_assert_eq (await_exit (), 0);
    cr_assert_eq (lines_with ("1000 times in a row"), 1, "%s", text);
}

/* ---- deaths ------------------------------------------------------------------------------------------------------ */

EACH_METHOD (a_death_is_reported_with_its_signal_and_last_words)
{
    functions[0] = "dies_of_a_signal";
    start_slots ("1", "5");
    cr_assert_eq (await_exit (), 1);
    cr_assert_eq (count (EMP_MSG_LOST), 5);
    for (unsigned i = 0; i < 5; i++) {
        const emp_control_t *lost = nth (EMP_MSG_LOST, i), *hello = nth (EMP_MSG_HELLO, i + 1);
        cr_assert_eq (lost->session, hello->session, "each life has a session of its own");
        cr_assert_eq (lost->pid, hello->pid);
        cr_assert_str_eq (lost->name, "Process-1");
        cr_assert_eq (lost->how, EMP_HOW_SIGNAL);
        cr_assert_eq (lost->code, SIGUSR1);
        cr_assert_eq (lost->window, EMP_TICKET_NONE);
        cr_assert_eq (strncmp (lost->text, "line 3 of Process-1\nline 4 of", 29), 0, "the last ten: %s", lost->text);
        cr_assert (strstr (lost->text, "line 12 of Process-1\n"));
    }
    cr_assert_neq (nth (EMP_MSG_HELLO, 1)->session, nth (EMP_MSG_HELLO, 2)->session);
    cr_assert (strstr (text, "died 5 times in a row without a chunk"), "%s", text);
    cr_assert_eq (lines_with ("line 1 of Process-1\n"), 5, "all that it wrote is shown");
}

EACH_METHOD (a_death_blames_the_ticket_in_hand)
{
    functions[0] = "dies_of_a_chunk";
    start_slots ("1", "50");
    await (EMP_MSG_OPEN_LANE, 1);
    send_lane (EMP_WIRE_CHUNKS, 77);
    await (EMP_MSG_LOST, 1);      /* it comes another way than what the next life says */
    await (EMP_MSG_OPEN_LANE, 2); /* it was started again */
    cr_assert_eq (count (EMP_MSG_LOST), 1);
    cr_assert_eq (nth (EMP_MSG_LOST, 0)->window, 77);
    send_lane (EMP_WIRE_STOPPED, 0);
    cr_assert_eq (await_exit (), 0);
}

EACH_METHOD (a_module_that_exits_with_0_has_died)
{
    functions[0] = "exits_with_0";
    start_slots ("1", "5");
    cr_assert_eq (await_exit (), 1);
    cr_assert_eq (count (EMP_MSG_LOST), 5);
    cr_assert_eq (nth (EMP_MSG_LOST, 0)->how, EMP_HOW_EXIT);
    cr_assert_eq (nth (EMP_MSG_LOST, 0)->code, 0);
    cr_assert_str_eq (nth (EMP_MSG_LOST, 0)->text, "not flushed by the module\n");
}

EACH_METHOD (a_module_that_exits_with_2_is_not_one_that_cannot_be_loaded)
{
    functions[0] = "exits_with_2";
    start_slots ("1", "5");
    cr_assert_eq (await_exit (), 1);
    cr_assert_eq (count (EMP_MSG_LOST), 5);
}

EACH_METHOD (a_slot_that_was_killed_is_started_again_under_its_name)
{
    functions[0] = "ticks";
    start_slots ("2", "5");
    await (EMP_MSG_HELLO, 3);
    char path[64], name[20] = "";
    snprintf (path, sizeof path, "/proc/%u/comm", nth (EMP_MSG_HELLO, 1)->pid);
    FILE *file = fopen (path, "r");
    cr_assert_eq (fscanf (file, "%19s", name), 1);
    fclose (file);
    cr_assert_str_eq (name, nth (EMP_MSG_HELLO, 1)->name, "the process shows its name");
    kill ((pid_t) nth (EMP_MSG_HELLO, 1)->pid, SIGKILL);
    await (EMP_MSG_LOST, 1);
    await (EMP_MSG_HELLO, 4);
    cr_assert_str_eq (nth (EMP_MSG_LOST, 0)->name, nth (EMP_MSG_HELLO, 1)->name);
    cr_assert_str_eq (nth (EMP_MSG_HELLO, 3)->name, nth (EMP_MSG_HELLO, 1)->name);
    kill (worker, SIGTERM);
    cr_assert_eq (await_exit (), 0);
}

EACH_METHOD (a_job_that_cannot_be_loaded_ends_all_with_2_and_one_message)
{
    functions[0] = "nobody_wrote_this";
    start_slots ("16", "5"); /* many, so that several have said it before they are killed */
    cr_assert_eq (await_exit (), 2);
    cr_assert_eq (lines_with ("has no function \"nobody_wrote_this\""), 1, "%s", text);
    cr_assert_eq (lines_with ("\n"), 1, "%s", text);
    cr_assert_eq (count (EMP_MSG_LOST), 0);
}

EACH_METHOD (a_module_that_is_not_there_ends_all_with_2_and_one_message)
{
    functions[0] = "worker_entrance";
    module_path = "/nowhere/module.so";
    start_slots ("4", "5");
    cr_assert_eq (await_exit (), 2);
    cr_assert_str_eq (text,
                      "eisenmp: worker module /nowhere/module.so cannot be loaded: cannot open shared object file: "
                      "No such file or directory\n");
}

/* ---- start methods ----------------------------------------------------------------------------------------------- */

static bool forks (void)
{
    return strcmp (start_method, "spawn") != 0;
}

/* The process with that name (NULL: any) among the children of the program; 0: none. */
static pid_t child_named (const char *wanted, unsigned *ret_count)
{
    char path[64], name[20];
    pid_t found = 0;
    *ret_count = 0;
    snprintf (path, sizeof path, "/proc/%d/task/%d/children", (int) worker, (int) worker);
    FILE *list = fopen (path, "r");
    for (int pid; list && fscanf (list, "%d", &pid) == 1;) {
        snprintf (path, sizeof path, "/proc/%d/comm", pid);
        FILE *file = fopen (path, "r");
        if (file && fscanf (file, "%19s", name) == 1 && (!wanted || strcmp (name, wanted) == 0)) {
            found = pid;
            ++*ret_count;
        }
        if (file)
            fclose (file);
    }
    if (list)
        fclose (list);
    return found;
}

static pid_t the_template (void)
{
    unsigned found;
    return child_named ("emp-template", &found);
}

static pid_t await_template (pid_t other_than)
{
    pid_t pid;
    while ((pid = the_template ()) == 0 || pid == other_than)
        serve ();
    return pid;
}

static void kill_slot (unsigned hello)
{
    unsigned lost = count (EMP_MSG_LOST);
    kill ((pid_t) nth (EMP_MSG_HELLO, hello)->pid, SIGKILL);
    await (EMP_MSG_LOST, lost + 1);
}

static void use_constructor (const char *what)
{
    static char path[4096];
    snprintf (path, sizeof path, "%s/constructor.so", getenv ("EMP_TEST_MODULES"));
    module_path = path;
    functions[0] = "ready";
    if (what)
        setenv ("EMP_TEST_CONSTRUCTOR", what, 1);
}

EACH_METHOD (B5_modules_are_loaded_in_each_slot_or_before_it)
{
    char line[100];
    use_constructor ("writes");
    start_slots ("3", "5");
    cr_assert_eq (await_exit (), 0);
    snprintf (line, sizeof line, " was loaded %s it, START_METHOD %s\n", forks () ? "before" : "in", start_method);
    cr_assert_eq (lines_with (line), 3, "%s", text);
    cr_assert_eq (lines_with ("constructed"), forks () ? 1 : 3, "%s", text);
    cr_assert_eq (count (EMP_MSG_LOST), 0);
}

EACH_METHOD (a_module_that_dies_when_it_is_loaded_is_a_death_of_the_slot)
{
    use_constructor ("dies");
    start_slots ("1", "5");
    cr_assert_eq (await_exit (), 1);
    cr_assert_eq (count (EMP_MSG_LOST), 5, "%u: %s", count (EMP_MSG_LOST), text);
    cr_assert_eq (nth (EMP_MSG_LOST, 0)->code, SIGUSR1);
    cr_assert_eq (lines_with ("eisenmp: Process-1 died 5 times in a row without a chunk"), 1, "%s", text);
    cr_assert_eq (lines_with ("eisenmp: the template process has died 3 times (killed by signal 10 (User defined "
                              "signal 1)): worker processes are spawned\n"),
                  forks (), "%s", text);
}

EACH_METHOD (a_module_that_exits_with_0_when_it_is_loaded_is_a_death_of_the_slot)
{
    use_constructor ("exits with 0");
    start_slots ("1", "5");
    cr_assert_eq (await_exit (), 1);
    cr_assert_eq (count (EMP_MSG_LOST), 5);
    cr_assert_eq (nth (EMP_MSG_LOST, 0)->how, EMP_HOW_EXIT);
}

EACH_METHOD (a_module_that_exits_with_2_when_it_is_loaded_cannot_be_loaded)
{
    use_constructor ("exits with 2");
    start_slots ("2", "5");
    cr_assert_eq (await_exit (), 2);
    cr_assert_eq (count (EMP_MSG_LOST), 0);
    cr_assert_str_eq (text, "");
}

EACH_METHOD (a_module_that_never_ends_loading_can_be_stopped)
{
    use_constructor ("never returns");
    start_slots ("2", "1000");
    /* What is written before a slot has joined is held back. */
    while (forks () ? the_template () == 0 : count (EMP_MSG_HELLO) < 3)
        serve ();
    kill (worker, SIGQUIT);
    cr_assert_eq (await_exit (), 1);
}

EACH_METHOD (a_module_that_starts_a_thread_when_it_is_loaded_is_not_forked)
{
    use_constructor ("starts a thread");
    start_slots ("2", "5");
    cr_assert_eq (await_exit (), 0);
    cr_assert_eq (lines_with ("was loaded in it"), 2, "%s", text);
    cr_assert_eq (lines_with ("eisenmp: a worker module starts a thread when it is loaded: worker processes are "
                              "spawned\n"),
                  forks (), "%s", text);
}

/* The slots go on, and who dies later comes from another template. */
static void kill_the_template (void)
{
    functions[0] = "ticks";
    start_slots ("2", "50");
    await (EMP_MSG_HELLO, 3);
    pid_t template = await_template (0);
    kill (template, SIGKILL);
    pid_t next = await_template (template);
    cr_assert_eq (count (EMP_MSG_LOST), 0, "the slots go on");
    kill_slot (1);
    await (EMP_MSG_HELLO, 4);
    cr_assert_eq (the_template (), next);
    cr_assert_str_eq (nth (EMP_MSG_HELLO, 3)->name, nth (EMP_MSG_HELLO, 1)->name);
    kill (worker, SIGTERM);
    cr_assert_eq (await_exit (), 0);
    cr_assert_eq (count (EMP_MSG_LOST), 1);
    cr_assert_eq (lines_with ("\n"), 1, "nothing is said of the template: %s", text);
}

Test (supervisor, a_template_that_is_killed_is_replaced_and_slots_go_on__fork)
{
    start_method = "fork";
    kill_the_template ();
}

Test (supervisor, a_template_that_is_killed_is_replaced_and_slots_go_on__forkserver)
{
    start_method = "forkserver";
    kill_the_template ();
}

Test (supervisor, three_templates_that_die_for_nothing_are_enough)
{
    start_method = "forkserver";
    functions[0] = "ticks";
    start_slots ("1", "50");
    await (EMP_MSG_HELLO, 2);
    for (pid_t template = 0, i = 0; i < 3; i++) {
        template = await_template (template);
        kill (template, SIGKILL);
    }
    await_text (
        "eisenmp: the template process has died 3 times (killed by signal 9 (Killed)): worker processes are spawned\n",
        1);
    cr_assert_eq (the_template (), 0);
    kill_slot (1);
    await (EMP_MSG_HELLO, 3);
    kill (worker, SIGTERM);
    cr_assert_eq (await_exit (), 0);
}

Test (supervisor, a_slot_whose_template_died_before_it_could_say_so_is_nobody)
{
    unsigned children;
    start_method = "forkserver";
    use_constructor ("dies after a fork");
    functions[0] = "stays";
    start_slots ("1", "50");
    await_text ("eisenmp: the template process has died 3 times (killed by signal 9 (Killed))", 1);
    await (EMP_MSG_HELLO, 2);
    for (children = 0; children != 1; child_named (NULL, &children))
        serve (); /* they end by themselves */
    kill (worker, SIGTERM);
    cr_assert_eq (await_exit (), 0);
    cr_assert_eq (count (EMP_MSG_HELLO), 2, "of the supervisor and of the slot that was spawned");
    cr_assert_eq (count (EMP_MSG_LOST), 0);
}

Test (supervisor, a_template_that_does_not_answer_is_replaced)
{
    start_method = "fork";
    functions[0] = "ticks";
    start_slots ("1", "50");
    await (EMP_MSG_HELLO, 2);
    pid_t template = await_template (0);
    kill (template, SIGSTOP);
    kill_slot (1);
    await (EMP_MSG_HELLO, 3);
    cr_assert_neq (await_template (0), template);
    kill (worker, SIGTERM);
    cr_assert_eq (await_exit (), 0);
    cr_assert_eq (count (EMP_MSG_LOST), 1);
}

/* ---- nobody reads ------------------------------------------------------------------------------------------------ */

Test (supervisor, a_stderr_that_nobody_reads_holds_up_no_loss_and_no_replacement)
{
    functions[0] = "talks_and_dies";
    start_slots ("1", "50");
    int unread = output;
    output = -1;
    await (EMP_MSG_LOST, 2);
    await (EMP_MSG_HELLO, 4); /* the supervisor's and three slots' */
    output = unread;
    fcntl (output, F_SETFL, O_NONBLOCK);
    kill (worker, SIGKILL);
    waitpid (worker, NULL, 0);
    worker = 0;
    while (waitpid (-1, NULL, 0) > 0)
        ;
}

/* ---- the system refuses ------------------------------------------------------------------------------------------ */

/* No file more than those that are open. */
static struct rlimit take_files_away (void)
{
    struct rlimit before, none = {.rlim_cur = 8}; /* poll (2) takes no more entries than that */
    cr_assert_eq (prlimit (worker, RLIMIT_NOFILE, NULL, &before), 0);
    none.rlim_max = before.rlim_max;
    cr_assert_eq (prlimit (worker, RLIMIT_NOFILE, &none, NULL), 0);
    return before;
}

Test (supervisor, a_slot_that_cannot_be_started_for_a_moment_is_started_later)
{
    functions[0] = "ticks";
    start_slots ("1", "50");
    await (EMP_MSG_HELLO, 2);
    struct rlimit before = take_files_away ();
    kill_slot (1);
    await_text ("eisenmp: cannot start Process-1: Too many open files\n", 1);
    cr_assert_eq (prlimit (worker, RLIMIT_NOFILE, &before, NULL), 0);
    await (EMP_MSG_HELLO, 3);
    kill (worker, SIGTERM);
    cr_assert_eq (await_exit (), 0);
}

Test (supervisor, a_slot_that_cannot_be_started_again_and_again_is_given_up)
{
    functions[0] = "ticks";
    start_slots ("1", "50");
    await (EMP_MSG_HELLO, 2);
    take_files_away ();
    kill_slot (1);
    cr_assert_eq (await_exit (), 1);
    cr_assert_eq (lines_with ("eisenmp: cannot start Process-1: Too many open files\n"), 4, "in: %s", text);
    cr_assert_eq (lines_with ("eisenmp: Process-1 died 5 times in a row"), 1, "in: %s", text);
}

Test (supervisor, who_is_told_to_leave_starts_no_slot_later)
{
    functions[0] = "ticks";
    start_slots ("1", "50");
    await (EMP_MSG_HELLO, 2);
    take_files_away ();
    kill_slot (1);
    await_text ("eisenmp: cannot start Process-1: Too many open files\n", 1);
    kill (worker, SIGTERM);
    cr_assert_eq (await_exit (), 0);
    cr_assert_eq (count (EMP_MSG_HELLO), 2);
}

/* ---- ends by force ----------------------------------------------------------------------------------------------- */

EACH_METHOD (a_slot_that_does_not_leave_is_killed_after_the_grace)
{
    functions[0] = "never_returns";
    start_slots ("1", "0.2");
    await_text ("running\n", 1);
    kill (worker, SIGINT);
    cr_assert_eq (await_exit (), 1);
    cr_assert_eq (count (EMP_MSG_LOST), 1);
    cr_assert_eq (nth (EMP_MSG_LOST, 0)->code, SIGKILL);
    cr_assert (strstr (text, "not every worker process has left within 0.2 s"), "%s", text);
}

EACH_METHOD (a_second_SIGINT_kills)
{
    functions[0] = "never_returns";
    start_slots ("2", "1000");
    await_text ("running\n", 2);
    kill (worker, SIGINT);
    kill (worker, SIGTERM); /* two of one kind could become one */
    cr_assert_eq (await_exit (), 1);
    cr_assert_eq (count (EMP_MSG_LOST), 2, "what they held is others' at once");
    cr_assert_eq (nth (EMP_MSG_LOST, 0)->code, SIGKILL);
    cr_assert_str_eq (text, "running\nrunning\n", "nothing is said that the person knows");
}

EACH_METHOD (SIGQUIT_kills_at_once)
{
    functions[0] = "never_returns";
    start_slots ("2", "1000");
    await_text ("running\n", 2);
    kill (worker, SIGQUIT);
    cr_assert_eq (await_exit (), 1);
    cr_assert_eq (count (EMP_MSG_BYE), 1);
}

EACH_METHOD (KILL_of_the_broker_kills_at_once)
{
    functions[0] = "never_returns";
    start_slots ("2", "1000");
    await_text ("running\n", 2);
    answer (supervisor, &(emp_control_t){.kind = EMP_MSG_KILL});
    cr_assert_eq (await_exit (), 1);
}

EACH_METHOD (after_DRAIN_of_the_broker_nobody_is_started_again)
{
    functions[0] = "ticks";
    start_slots ("1", "1000");
    await (EMP_MSG_HELLO, 2);
    answer (supervisor, &(emp_control_t){.kind = EMP_MSG_DRAIN});
    for (unsigned now = beats; beats < now + 2;) /* it reads before it beats */
        serve ();
    kill ((pid_t) nth (EMP_MSG_HELLO, 1)->pid, SIGKILL);
    cr_assert_eq (await_exit (), 1);
    cr_assert_eq (count (EMP_MSG_HELLO), 2);
    cr_assert_eq (count (EMP_MSG_LOST), 1);
}

/* ---- time limits ------------------------------------------------------------------------------------------------- */

/* More often than a slot may die without a chunk, or of one. */
EACH_METHOD (a_chunk_that_takes_too_long_ends_its_slot_and_no_slot_for_ever)
{
    ticket_timeout = 0.05;
    functions[0] = "wedges_at_a_chunk";
    start_slots ("1", "50");
    for (unsigned i = 1; i <= 7; i++) {
        await (EMP_MSG_OPEN_LANE, i);
        send_lane (EMP_WIRE_CHUNKS, 70 + i);
        await (EMP_MSG_LOST, i);
        const emp_control_t *lost = nth (EMP_MSG_LOST, i - 1);
        cr_assert_eq (lost->how, EMP_HOW_TIMEOUT);
        cr_assert_eq (lost->code, SIGKILL);
        cr_assert_eq (lost->window, 70 + i);
        cr_assert_gt (lost->size, 100 * 1024, "the peak of its memory");
    }
    await (EMP_MSG_OPEN_LANE, 8);
    send_lane (EMP_WIRE_STOPPED, 0);
    cr_assert_eq (await_exit (), 0);
    cr_assert_eq (count (EMP_MSG_LOST), 7);
    cr_assert_eq (lines_with ("killed: had its ticket for longer than TICKET_TIMEOUT, peak memory "), 7, "%s", text);
}

EACH_METHOD (who_has_no_chunk_in_hand_has_all_time)
{
    ticket_timeout = 0.02;
    functions[0] = "never_returns";
    start_slots ("1", "1000");
    await_text ("running\n", 1);
    for (unsigned now = beats; beats < now + 2;) /* 20 times as long */
        serve ();
    cr_assert_eq (count (EMP_MSG_LOST), 0);
    kill (worker, SIGQUIT);
    cr_assert_eq (await_exit (), 1);
    cr_assert_eq (nth (EMP_MSG_LOST, 0)->how, EMP_HOW_SIGNAL);
}

EACH_METHOD (a_signal_of_somebody_else_is_no_time_limit)
{
    ticket_timeout = 1000;
    functions[0] = "holds_its_chunk";
    start_slots ("1", "50");
    await (EMP_MSG_OPEN_LANE, 1);
    send_lane (EMP_WIRE_CHUNKS, 77);
    await_text ("has it\n", 1);
    kill_slot (1);
    cr_assert_eq (nth (EMP_MSG_LOST, 0)->how, EMP_HOW_SIGNAL);
    cr_assert_eq (nth (EMP_MSG_LOST, 0)->window, 77);
    kill (worker, SIGQUIT);
    cr_assert_eq (await_exit (), 1);
}

/* ---- frozen slots ------------------------------------------------------------------------------------------------ */

static void start_with_fenced_grace (char *grace)
{
    start ((char *[]){"--connect", endpoint, "--procs", "1", "--grace", "1000", "--fenced-grace", grace, NULL});
}

static pid_t freeze_the_slot (void)
{
    pid_t pid = (pid_t) nth (EMP_MSG_HELLO, 1)->pid;
    kill (pid, SIGSTOP);
    answer (supervisor, &(emp_control_t){.kind = EMP_MSG_GONE, .session = nth (EMP_MSG_HELLO, 1)->session});
    return pid;
}

EACH_METHOD (who_was_given_up_and_does_not_wake_up_is_killed_and_started_again)
{
    functions[0] = "never_returns";
    start_with_fenced_grace ("0.1");
    await_text ("running\n", 1);
    freeze_the_slot ();
    await (EMP_MSG_LOST, 1);
    await (EMP_MSG_HELLO, 3);
    cr_assert_eq (nth (EMP_MSG_LOST, 0)->session, nth (EMP_MSG_HELLO, 1)->session);
    cr_assert_str_eq (nth (EMP_MSG_HELLO, 2)->name, "Process-1");
    await_text ("is silent, and was given up\n", 1);
    kill (worker, SIGQUIT);
    cr_assert_eq (await_exit (), 1);
}

EACH_METHOD (who_was_given_up_and_wakes_up_sends_its_late_result_leaves_and_is_started_again)
{
    functions[0] = "holds_its_chunk";
    start_with_fenced_grace ("1000");
    await (EMP_MSG_OPEN_LANE, 1);
    send_lane (EMP_WIRE_CHUNKS, 77);
    await_text ("has it\n", 1);
    pid_t pid = freeze_the_slot ();
    answer (slot, &(emp_control_t){.kind = EMP_MSG_REFUSED, .status = EMP_STALE, .text = "this session was given up"});
    kill (pid, SIGCONT);
    await_text ("was given up, and leaves\n", 1);
    cr_assert_eq (count (EMP_MSG_LOST), 0, "it is at a chunk, and finishes that");
    kill (pid, SIGUSR2);
    await (EMP_MSG_LOST, 1);
    cr_assert_eq (nth (EMP_MSG_LOST, 0)->how, EMP_HOW_EXIT);
    zmsg_t *done = zmsg_recv (intake);
    cr_assert_not_null (done);
    zmsg_destroy (&done);
    await (EMP_MSG_OPEN_LANE, 2);
    send_lane (EMP_WIRE_STOPPED, 0);
    cr_assert_eq (await_exit (), 0);
}

EACH_METHOD (when_the_run_drains_who_was_given_up_is_killed_at_once_and_is_not_missed)
{
    functions[0] = "never_returns";
    start_with_fenced_grace ("1000");
    await_text ("running\n", 1);
    freeze_the_slot ();
    answer (supervisor, &(emp_control_t){.kind = EMP_MSG_DRAIN});
    cr_assert_eq (await_exit (), 0);
    cr_assert_eq (count (EMP_MSG_HELLO), 2);
    cr_assert_eq (count (EMP_MSG_LOST), 1);
}

EACH_METHOD (SIGTERM_does_not_wait_for_who_was_given_up)
{
    functions[0] = "never_returns";
    start_with_fenced_grace ("1000");
    await_text ("running\n", 1);
    freeze_the_slot ();
    await_text ("is silent, and was given up\n", 1);
    kill (worker, SIGTERM);
    cr_assert_eq (await_exit (), 0);
}

EACH_METHOD (that_a_session_of_another_life_was_given_up_means_nothing)
{
    functions[0] = "ticks";
    start_with_fenced_grace ("0.01");
    await (EMP_MSG_HELLO, 2);
    kill_slot (1);
    await (EMP_MSG_HELLO, 3);
    answer (supervisor, &(emp_control_t){.kind = EMP_MSG_GONE, .session = nth (EMP_MSG_HELLO, 1)->session});
    for (unsigned now = beats; beats < now + 2;)
        serve ();
    kill (worker, SIGTERM);
    cr_assert_eq (await_exit (), 0);
    cr_assert_eq (count (EMP_MSG_HELLO), 3);
}

/* All is answered, and this one is still at what another has answered first. */
EACH_METHOD (KILL_of_the_last_slot_is_a_good_end_without_words)
{
    functions[0] = "wedges_at_a_chunk";
    start_slots ("1", "1000");
    await (EMP_MSG_OPEN_LANE, 1);
    send_lane (EMP_WIRE_CHUNKS, 77);
    for (unsigned now = beats; beats < now + 1;)
        serve ();
    answer (supervisor, &(emp_control_t){.kind = EMP_MSG_KILL, .session = nth (EMP_MSG_HELLO, 1)->session});
    cr_assert_eq (await_exit (), 0);
    cr_assert_eq (count (EMP_MSG_LOST), 1, "what it held is told all the same");
    cr_assert_str_eq (text, "");
}

EACH_METHOD (daemons_of_a_module_end_with_their_slot)
{
    functions[0] = "leaves_a_daemon";
    start_slots ("1", "1000");
    await_text ("daemon ", 1);
    pid_t daemon = (pid_t) atoi (strstr (text, "daemon ") + 7);
    cr_assert_eq (kill (daemon, 0), 0);
    kill (worker, SIGQUIT);
    cr_assert_eq (await_exit (), 1);
    cr_assert_eq (kill (daemon, 0), -1);
}

EACH_METHOD (daemons_of_a_slot_that_died_are_gone_before_it_is_started_again)
{
    functions[0] = "leaves_a_daemon";
    start_slots ("1", "1000");
    await_text ("daemon ", 1);
    pid_t daemon = (pid_t) atoi (strstr (text, "daemon ") + 7);
    kill ((pid_t) nth (EMP_MSG_HELLO, 1)->pid, SIGKILL);
    await (EMP_MSG_HELLO, 3);
    cr_assert_eq (kill (daemon, 0), -1);
    await_text ("daemon ", 2);
    kill (worker, SIGQUIT);
    cr_assert_eq (await_exit (), 1);
}

EACH_METHOD (slots_die_with_a_supervisor_that_is_killed)
{
    functions[0] = "never_returns";
    start_slots ("1", "1000");
    await_text ("running\n", 1);
    kill (worker, SIGKILL);
    int status;
    cr_assert_eq (waitpid (worker, &status, 0), worker);
    worker = 0;
    bool found = false;
    for (pid_t pid; (pid = waitpid (-1, &status, 0)) > 0;) /* a template may also see its socket end, and exit */
        found = found || (pid == (pid_t) nth (EMP_MSG_HELLO, 1)->pid && WIFSIGNALED (status));
    cr_assert (found, "it came to us, and was killed");
}

EACH_METHOD (the_death_of_its_manager_kills_all_and_its_folder_is_removed)
{
    char other[] = "/tmp/emp-unit-XXXXXX";
    cr_assert_not_null (mkdtemp (other));
    functions[0] = "never_returns";
    under_manager = true;
    start ((char *[]){"--connect", endpoint, "--procs", "2", "--grace", "1000", "--directory", other, NULL});
    await_text ("running\n", 2);
    kill (worker, SIGKILL); /* this is the manager */
    cr_assert_eq (waitpid (worker, NULL, 0), worker);
    worker = (pid_t) nth (EMP_MSG_HELLO, 0)->pid;
    cr_assert_eq (await_exit (), 1);
    cr_assert_eq (access (other, F_OK), -1);
    cr_assert_str_eq (text, "running\nrunning\n");
}

EACH_METHOD (that_a_manager_started_leaves_words_on_deaths_to_it)
{
    functions[0] = "exits_with_0";
    under_manager = true;
    start ((char *[]){"--connect", endpoint, "--procs", "1", NULL});
    await (EMP_MSG_LOST, 5);
    await_text ("died 5 times", 1);
    cr_assert_eq (lines_with ("exited with 0"), 0, "%s", text);
}

Test (supervisor, an_orphan_starts_nothing_and_removes_the_folder_of_its_manager)
{
    char other[] = "/tmp/emp-unit-XXXXXX";
    cr_assert_not_null (mkdtemp (other));
    start ((char *[]){"--connect", endpoint, "--procs", "2", "--child-of", "1", "--directory", other, NULL});
    cr_assert_eq (await_exit (), 1);
    cr_assert_eq (count (EMP_MSG_HELLO), 0);
    cr_assert_eq (access (other, F_OK), -1, "%s", text);
}
