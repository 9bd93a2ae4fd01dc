/* SPDX-License-Identifier: BSD-3-Clause
 *
 * title.h - what an example says of itself, in one line: words with one space between, UTF-8, no control characters.
 * Pure.
 */
#ifndef EMP_TITLE_H
#define EMP_TITLE_H

#include <stddef.h>

#define EMP_TITLE_MAX 511 /* bytes; a longer one is cut behind a word */

/* The first paragraph of a README that is text: no heading, list, table or listing; "" when there is none. */
void emp_title_of_page (const char *text, size_t size, char ret_title[EMP_TITLE_MAX + 1]);
/* The comment that a job file begins with, without the lines of a licence; "" when there is none. */
void emp_title_of_job (const char *text, size_t size, char ret_title[EMP_TITLE_MAX + 1]);
/* Bytes of the first sentence: with its '.', '?' or '!', without its ':'; all of it when there is no such. */
size_t emp_title_sentence (const char *title);
/* Bytes of at most `columns` characters from the begin. */
size_t emp_title_cut (const char *title, size_t size, size_t columns);

#endif
