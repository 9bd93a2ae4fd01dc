/* SPDX-License-Identifier: BSD-3-Clause
 *
 * zap.c - see zap.h.
 */
#include "zap.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../common/net/socket.h"
#include "../common/thread.h"

#define SAYS_A_MINUTE 60 /* lines about those who were turned away; the others are counted */
#define MINUTE_US 60000000u

struct emp_zap {
    emp_zap_t *next;
    char domain[EMP_ZAP_DOMAIN_MAX];
    const emp_gate_config_t *gate;
    uint64_t minute; /* since when `said` counts */
    unsigned said, unsaid;
};

/* All of the process. */
static struct {
    pthread_mutex_t users; /* one begins or ends at a time */
    pthread_mutex_t lock;  /* of the list; held while one is asked */
    emp_zap_t *list;
    pthread_t thread;
    zsock_t *rep;
    int bell;
} all = {.users = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER, .bell = -1};

void emp_zap_domain (uint64_t run, char ret_domain[EMP_ZAP_DOMAIN_MAX])
{
    snprintf (ret_domain, EMP_ZAP_DOMAIN_MAX, "eisenmp-%016llx", (unsigned long long) run);
}

/* ---- a question --------------------------------------------------------------------------------------------------------- */

static void say_refused (emp_zap_t *self, const char *address, const char *key)
{
    char sentence[256];
    uint64_t now = emp_now ();
    if (now - self->minute > MINUTE_US) {
        self->minute = now;
        self->said = 0;
    }
    if (!self->gate->say || ++self->said > SAYS_A_MINUTE) {
        self->unsaid++;
        return;
    }
    snprintf (sentence, sizeof sentence, "%.64s is not let in: its key %s is not allowed (eisenmp keys allow '%s')",
              address, key, key);
    self->gate->say (self->gate->arg, sentence);
}

static bool is_allowed (const char *domain, const char *address, const char *key)
{
    bool allowed = false;
    pthread_mutex_lock (&all.lock);
    for (emp_zap_t *self = all.list; self; self = self->next) {
        if (strcmp (self->domain, domain) != 0)
            continue;
        const emp_gate_config_t *gate = self->gate;
        for (emp_role_t role = EMP_ROLE_MANAGER; role <= EMP_ROLE_WORKER && !allowed; role++)
            allowed = gate->allows (gate->arg, key, role);
        if (!allowed)
            say_refused (self, address, key);
    }
    pthread_mutex_unlock (&all.lock);
    return allowed;
}

/* version, request id, domain, address, identity, mechanism, credentials */
enum { VERSION, REQUEST, DOMAIN, ADDRESS, IDENTITY, MECHANISM, CREDENTIALS, FRAMES };

static bool judge (char *const *texts, zframe_t *credentials, char *ret_key)
{
    ret_key[0] = 0;
    if (strcmp (texts[VERSION], "1.0") != 0 || strcmp (texts[MECHANISM], "CURVE") != 0 ||
        zframe_size (credentials) != 32 || !zmq_z85_encode (ret_key, zframe_data (credentials), 32))
        return false;
    return is_allowed (texts[DOMAIN], texts[ADDRESS], ret_key);
}

static void answer_one (zmsg_t *question)
{
    char *texts[CREDENTIALS] = {0};
    char key[EMP_KEY_SIZE + 1] = "";
    bool whole = zmsg_size (question) == FRAMES;
    for (size_t i = 0; whole && i < CREDENTIALS; i++)
        whole = (texts[i] = zmsg_popstr (question)) != NULL;
    if (whole) {
        zframe_t *credentials = zmsg_first (question);
        bool allowed = judge (texts, credentials, key);
        zmsg_t *answer = zmsg_new ();
        zmsg_addstr (answer, "1.0");
        zmsg_addstr (answer, texts[REQUEST]);
        zmsg_addstr (answer, allowed ? "200" : "400");
        zmsg_addstr (answer, allowed ? "OK" : "this key is not allowed");
        zmsg_addstr (answer, allowed ? key : "");
        zmsg_addmem (answer, "", 0);
        zmsg_send (&answer, all.rep);
    }
    for (size_t i = 0; i < CREDENTIALS; i++)
        zstr_free (&texts[i]);
}

/* ---- the thread ------------------------------------------------------------------------------------------------------------ */

static void *zap_thread (void *arg)
{
    (void) arg;
    struct pollfd items[] = {{.fd = emp_socket_fd (all.rep), .events = POLLIN}, {.fd = all.bell, .events = POLLIN}};
    zsock_set_rcvtimeo (all.rep, 0);
    while (!items[1].revents) {
        for (zmsg_t *question; (question = zmsg_recv (all.rep)); zmsg_destroy (&question))
            answer_one (question);
        if (poll (items, 2, -1) == -1 && errno != EINTR)
            break;
    }
    return NULL;
}

static bool begin (void)
{
    all.bell = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    all.rep = emp_socket_new (ZMQ_REP, 65536);
    if (all.bell >= 0 && all.rep && emp_socket_bind (all.rep, "inproc://zeromq.zap.01", NULL) == EMP_OK &&
        emp_thread_start (&all.thread, "emp-zap", zap_thread, NULL))
        return true;
    int saved = errno;
    zsock_destroy (&all.rep);
    if (all.bell >= 0)
        close (all.bell);
    all.bell = -1;
    errno = saved;
    return false;
}

static void end (void)
{
    uint64_t one = 1;
    (void) !write (all.bell, &one, sizeof one);
    pthread_join (all.thread, NULL);
    zsock_destroy (&all.rep);
    close (all.bell);
    all.bell = -1;
}

emp_zap_t *emp_zap_register (const char *domain, const emp_gate_config_t *gate)
{
    emp_zap_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    snprintf (self->domain, sizeof self->domain, "%s", domain);
    self->gate = gate;
    pthread_mutex_lock (&all.users);
    if (!all.rep && !begin ()) {
        free (self);
        self = NULL;
    } else {
        pthread_mutex_lock (&all.lock);
        self->next = all.list;
        all.list = self;
        pthread_mutex_unlock (&all.lock);
    }
    pthread_mutex_unlock (&all.users);
    return self;
}

void emp_zap_unregister (emp_zap_t **self_p)
{
    emp_zap_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    pthread_mutex_lock (&all.users);
    pthread_mutex_lock (&all.lock);
    for (emp_zap_t **at = &all.list; *at; at = &(*at)->next)
        if (*at == self) {
            *at = self->next;
            break;
        }
    bool last = !all.list;
    pthread_mutex_unlock (&all.lock);
    if (last)
        end ();
    pthread_mutex_unlock (&all.users);
    if (self->unsaid && self->gate->say) {
        char sentence[128];
        snprintf (sentence, sizeof sentence, "%u more connections with keys that are not allowed were not let in",
                  self->unsaid);
        self->gate->say (self->gate->arg, sentence);
    }
    free (self);
}
