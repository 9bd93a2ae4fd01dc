/* SPDX-License-Identifier: BSD-3-Clause
 *
 * gate.h - where workers of other hosts come in (LISTEN): this host's own key and the keys that it allows, for the broker's gate.
 *
 * Threads: made and destroyed by one at a time; the broker's threads ask in between.
 */
#ifndef EMP_GATE_H
#define EMP_GATE_H

#include "../broker/broker.h"
#include "../common/keyring.h"

typedef struct emp_gate emp_gate_t;

/* `listen` is tcp://address:port, of which both may be "*". `insecure`: without keys, everybody is let in. `say` is called by any
 * thread. EMP_INVALID, EMP_REFUSED, EMP_NOMEM, EMP_SYSTEM; with a sentence. */
emp_status_t emp_gate_new (const char *listen, bool insecure, void (*say) (void *arg, const char *sentence), void *arg,
                           emp_gate_t **ret_self, char ret_why[EMP_KEYRING_WHY_MAX]);
void emp_gate_destroy (emp_gate_t **self);
/* For the broker; as long as it lives. */
emp_gate_config_t emp_gate_config (emp_gate_t *self);
/* "" when it is insecure. */
const char *emp_gate_public_key (const emp_gate_t *self);

/* Is it tcp://address:port? *ret_why says what was expected. */
bool emp_gate_check (const char *listen, char ret_why[EMP_KEYRING_WHY_MAX]);

#endif
