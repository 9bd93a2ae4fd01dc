/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tag.h - processes are known by a variable of their environment, "NAME=value", which all that they start inherits, also
 * what goes into a session of its own and is nobody's child any more.
 *
 * A supervisor has EISENMP_SUPERVISOR=<its session> from the manager that started it, each of its slots EISENMP_SLOT=<its
 * own session>, a program that a feed reads EISENMP_FEED=<its manager's process id>. Who starts a program with an environment of its own choice is not found so.
 */
#ifndef EMP_TAG_H
#define EMP_TAG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define EMP_TAG_SLOT "EISENMP_SLOT"
#define EMP_TAG_SUPERVISOR "EISENMP_SUPERVISOR"
#define EMP_TAG_FEED "EISENMP_FEED"
#define EMP_TAG_MAX 48 /* bytes of "EISENMP_SUPERVISOR=0123456789abcdef" and its end */

void emp_tag_text (const char *name, uint64_t session, char *ret_tag);
/* Our environment with the tag in it, and none besides it of that name; the list, not its texts, is the caller's to free.
 * NULL when out of memory. */
char **emp_tag_environment (char *tag);
/* The process has the tag. Waits some milliseconds for one that is in the middle of an exec. */
bool emp_tag_is_on (pid_t pid, const char *tag);
/* Waits for the end of a process until a time of CLOCK_MONOTONIC, in microseconds. `pidfd` -1: for a millisecond. */
void emp_tag_await_end (int pidfd, uint64_t deadline);
/* Kills every process of this host that has the tag, but the caller, and what they start meanwhile, until there is none.
 * Gives up after a second. Returns how many. O(processes of the host). */
unsigned emp_tag_sweep (const char *tag);
/* The same of the programs that this manager's feeds read. */
void emp_tag_sweep_feeds (pid_t manager);

#endif
