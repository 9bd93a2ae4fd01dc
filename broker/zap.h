/* SPDX-License-Identifier: BSD-3-Clause
 *
 * zap.h - who may come in: libzmq asks for each connection to a CURVE server (ZeroMQ RFC 27, ZAP), and without an answerer lets in
 * every key.
 *
 * libzmq has one place to ask in a process, so there is one thread for all brokers of it, which begins with the first gate and ends
 * with the last. czmq's zauth would do, but knows one list for a process and says nothing of whom it turned away.
 */
#ifndef EMP_ZAP_H
#define EMP_ZAP_H

#include "broker.h"

#define EMP_ZAP_DOMAIN_MAX 32

typedef struct emp_zap emp_zap_t;

void emp_zap_domain (uint64_t run, char ret_domain[EMP_ZAP_DOMAIN_MAX]);
/* From now on connections of that domain are asked about: gate->allows as any role. The config is borrowed. NULL with errno. */
emp_zap_t *emp_zap_register (const char *domain, const emp_gate_config_t *gate);
void emp_zap_unregister (emp_zap_t **self);

#endif
