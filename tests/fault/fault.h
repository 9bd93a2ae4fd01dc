/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fault.h - what the driver (main.c) and the preloaded library share: a file that both map. The library counts in it
 * how often each place of the program calls what can fail, and fails one of those calls.
 */
#ifndef FAULT_H
#define FAULT_H

#include <stdatomic.h>
#include <stdint.h>

#define FAULT_FILE "EMP_FAULT_FILE" /* environment: path of the file */
#define FAULT_SITES_MAX 2048u

typedef enum {
    FAULT_MEMORY,
    FAULT_WRITE,
    FAULT_SYNC,
    FAULT_SEND,
    FAULT_THREAD,
    FAULT_FILES,
    FAULT_CLASSES
} fault_class_t;
typedef enum { FAULT_MANAGER, FAULT_SUPERVISOR, FAULT_SLOT, FAULT_ROLES } fault_role_t;

typedef struct {
    _Atomic uint64_t key; /* place + 1: the address in the program's file to which the call returns; 0: free */
    _Atomic uint32_t calls;
    _Atomic uint32_t fault_class;
} fault_site_t;

typedef struct {
    uint32_t role;           /* whose calls */
    uint32_t onward;         /* the n-th call and all after it, of that place */
    uint32_t partly;         /* a write writes a half of it instead of failing */
    int32_t error;           /* errno */
    uint64_t place;          /* whose call fails; 0: none */
    uint32_t nth;            /* from 1 */
    _Atomic uint32_t failed; /* so many calls have */
    fault_site_t sites[FAULT_SITES_MAX];
} fault_page_t;

#endif
