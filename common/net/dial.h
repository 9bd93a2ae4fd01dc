/* SPDX-License-Identifier: BSD-3-Clause
 *
 * dial.h - what this host needs to dial a broker: over tcp its own pair of keys (keyring.h) and the broker's public key.
 *
 * The broker's is an argument of the supervisor and goes to its slots by their environment, as "insecure" does.
 */
#ifndef EMP_DIAL_H
#define EMP_DIAL_H

#include "../keyring.h"
#include "socket.h"

#define EMP_BROKER_KEY "EISENMP_BROKER_KEY" /* in the environment; "none": without keys */

/* `text` is a key, or @ and the path of a file with one. EMP_INVALID and a sentence, or it is in the environment. */
emp_status_t emp_dial_set (const char *text, bool insecure, char ret_why[EMP_KEYRING_WHY_MAX]);
/* For emp_session_config_t; the caller wipes it. Of another endpoint than tcp:// there are no keys. EMP_INVALID: the environment says
 * neither the broker's key nor that there is none; and what emp_keyring_load says. */
emp_status_t emp_dial_keys (const char *endpoint, emp_curve_t *ret_curve, char ret_why[EMP_KEYRING_WHY_MAX]);

#endif
