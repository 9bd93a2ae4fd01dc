/* SPDX-License-Identifier: BSD-3-Clause
 *
 * page.h - page.html as bytes, which the build makes a C file of.
 */
#ifndef EMP_PAGE_H
#define EMP_PAGE_H

#include <stddef.h>

extern const unsigned char emp_page[];
extern const size_t emp_page_size;

#endif
