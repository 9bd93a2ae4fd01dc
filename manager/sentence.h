/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sentence.h - pieces that error sentences are made of: what was found, and what may have been meant. Pure.
 *
 * A piece is at most EMP_SENTENCE_MAX bytes with its NUL, valid UTF-8 without control characters, so nothing that a
 * file holds can move a terminal's cursor or fill the screen.
 */
#ifndef EMP_SENTENCE_H
#define EMP_SENTENCE_H

#include "../common/eisenmp.h"

#define EMP_SENTENCE_MAX 256

/* A text in quotes, cut with "…" after about 50 bytes: 'revised.csv'. */
void emp_sentence_text (const void *text, size_t size, char *ret_piece);
/* A path in quotes; of a long one the last 200 bytes, behind "…". A control character is a '?'. */
void emp_sentence_path (const char *path, char *ret_piece);
/* A value as somebody would name it: 0, true, null, the text 'four', a list of 3, a binary of 12 bytes. */
void emp_sentence_value (const msgpack_object *value, char *ret_piece);
/* ", did you mean 'ROWS_MAX'?", or nothing when no entry of `known` (NULL terminated) is near. */
void emp_sentence_nearest (const char *word, const char *const *known, char *ret_piece);

#endif
