/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tree.h - the processes of a run that this program has started: a manager, its supervisor, the supervisor's slots and
 * template.
 *
 * Nobody else's process is ever signalled: a process is opened (pidfd) first and then seen to be where it was looked
 * for, below a child of ours that we have not reaped, so its number cannot have become somebody else's.
 */
#ifndef KIT_TREE_H
#define KIT_TREE_H

#include <stdbool.h>
#include <sys/types.h>

typedef enum { TREE_MANAGER, TREE_SUPERVISOR, TREE_WORKER, TREE_TEMPLATE } tree_role_t;

/* What is orphaned below comes to this process, so that it can see to the end of all of them. Before the first start.
 * */
void tree_init (void);

/* Starts a program with stdout and stderr in files; returns its pid, ends this program when it cannot. */
pid_t tree_start (char *const argv[], const char *out, const char *err);

/* A pidfd of one process of that role of the run of a manager; of several the which-th, modulo how many there are. -1:
 * there is none. */
int tree_open (pid_t manager, tree_role_t role, unsigned which);
void tree_signal (int pidfd, int number);

/* Collects what has ended. True when `pid` was among them; then its status is in *ret_status. */
bool tree_reap (pid_t pid, int *ret_status);

/* Waits until no process of ours is there any more, `limit_ms` at the most; who is there then is killed and named on
 * stdout. Returns how many those were. */
int tree_end (unsigned limit_ms);

void tree_sleep_ms (unsigned ms);
double tree_now (void); /* seconds */

#endif
