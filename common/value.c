/* SPDX-License-Identifier: BSD-3-Clause
 *
 * value.c - a msgpack value as text, written as Python writes it.
 *
 * Recursion is as deep as the value: msgpack-c unpacks nothing deeper than 32, emp_scan lets nothing deeper than
 * EMP_SCAN_DEPTH_MAX through.
 */
#include "value.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

/* ---- numbers ------------------------------------------------------------------------------------------------- */

#define DIGITS_MAX 17  /* tell any two doubles apart */
#define DIGITS_SAFE 15 /* any so many survive the way into a normal double and back */

/* The fewest digits, as text with no zero behind, that read back as `value` >= 0, and the power of ten of the first.
 * snprintf and strtod agree on the locale's decimal point, and it is left out here, so no locale shows. Of all doubles
 * 46 powers of two get 17 digits where 16, not the nearest ones, would do. */
static int shortest (double value, char digits[DIGITS_MAX + 1])
{
    char text[48];
    int precision = fpclassify (value) == FP_SUBNORMAL ? 1 : DIGITS_SAFE;
    for (;; precision++) {
        snprintf (text, sizeof text, "%.*e", precision - 1, value);
        if (precision == DIGITS_MAX || strtod (text, NULL) == value)
            break;
    }
    const char *at = text;
    size_t count = 0;
    for (; *at != 'e'; at++)
        if (*at >= '0' && *at <= '9')
            digits[count++] = *at;
    while (count > 1 && digits[count - 1] == '0')
        count--;
    digits[count] = '\0';
    return (int) strtol (at + 1, NULL, 10);
}

static char *add_zeros (char *at, int count)
{
    for (; count > 0; count--)
        *at++ = '0';
    return at;
}

/* Digits with the point in its place: plain from 0.0001 up to 16 digits before the point, else with an exponent. */
static char *add_finite (char *at, const char *digits, int exponent)
{
    int count = (int) strlen (digits);
    if (exponent < -4 || exponent >= 16)
        return at + sprintf (at, "%c%s%se%c%02d", digits[0], count > 1 ? "." : "", digits + 1, exponent < 0 ? '-' : '+',
                             abs (exponent));
    if (exponent < 0)
        return stpcpy (add_zeros (stpcpy (at, "0."), -exponent - 1), digits);
    if (count <= exponent + 1)
        return stpcpy (add_zeros (stpcpy (at, digits), exponent + 1 - count), ".0");
    return at + sprintf (at, "%.*s.%s", exponent + 1, digits, digits + exponent + 1);
}

size_t emp_value_double (double value, char ret_text[EMP_VALUE_DOUBLE_MAX])
{
    char *at = ret_text;
    if (isnan (value))
        return (size_t) (stpcpy (at, "nan") - ret_text);
    if (signbit (value))
        *at++ = '-';
    if (isinf (value))
        return (size_t) (stpcpy (at, "inf") - ret_text);
    char digits[DIGITS_MAX + 1];
    int exponent = shortest (fabs (value), digits);
    return (size_t) (add_finite (at, digits, exponent) - ret_text);
}

static void put_double (FILE *out, double value)
{
    char text[EMP_VALUE_DOUBLE_MAX];
    size_t size = emp_value_double (value, text);
    fwrite (text, 1, size, out);
}

/* ---- texts and binaries ---------------------------------------------------------------------------------------- */

/* One character that needs no UTF-8: escaped, or as it is when it is printable ASCII. */
static void put_byte (FILE *out, uint8_t byte)
{
    static const char special[] = "'\\\n\r\t";
    static const char escape[] = "'\\nrt";
    const char *found = byte ? strchr (special, byte) : NULL;
    if (found)
        fprintf (out, "\\%c", escape[found - special]);
    else if (byte < 0x20 || byte >= 0x7f)
        fprintf (out, "\\x%02x", byte);
    else
        putc (byte, out);
}

static void put_binary (FILE *out, const char *data, size_t size)
{
    fputs ("b'", out);
    for (size_t i = 0; i < size; i++)
        put_byte (out, (uint8_t) data[i]);
    putc ('\'', out);
}

void emp_value_repr_text (FILE *out, const char *text, size_t size)
{
    const uint8_t *at = (const uint8_t *) text;
    const uint8_t *end = size > 0 ? at + size : at;
    putc ('\'', out);
    while (at < end) {
        uint32_t code = 0;
        size_t step = emp_utf8_step (at, end, &code);
        if (step > 1 && !emp_utf8_is_control (code))
            fwrite (at, 1, step, out);
        else if (step > 1)
            fprintf (out, "\\x%02x", (unsigned) code);
        else
            put_byte (out, *at);
        at += step > 0 ? step : 1;
    }
    putc ('\'', out);
}

/* ---- values ---------------------------------------------------------------------------------------------------- */

static void put_list (FILE *out, const msgpack_object_array *list)
{
    putc ('[', out);
    for (uint32_t i = 0; i < list->size; i++) {
        if (i > 0)
            fputs (", ", out);
        emp_value_repr (out, &list->ptr[i]);
    }
    putc (']', out);
}

static void put_map (FILE *out, const msgpack_object_map *map)
{
    putc ('{', out);
    for (uint32_t i = 0; i < map->size; i++) {
        if (i > 0)
            fputs (", ", out);
        emp_value_repr (out, &map->ptr[i].key);
        fputs (": ", out);
        emp_value_repr (out, &map->ptr[i].val);
    }
    putc ('}', out);
}

void emp_value_repr (FILE *out, const msgpack_object *value)
{
    switch (value->type) {
    case MSGPACK_OBJECT_NIL: fputs ("None", out); break;
    case MSGPACK_OBJECT_BOOLEAN: fputs (value->via.boolean ? "True" : "False", out); break;
    case MSGPACK_OBJECT_POSITIVE_INTEGER: fprintf (out, "%" PRIu64, value->via.u64); break;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER: fprintf (out, "%" PRId64, value->via.i64); break;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64: put_double (out, value->via.f64); break;
    case MSGPACK_OBJECT_STR: emp_value_repr_text (out, value->via.str.ptr, value->via.str.size); break;
    case MSGPACK_OBJECT_ARRAY: put_list (out, &value->via.array); break;
    case MSGPACK_OBJECT_MAP: put_map (out, &value->via.map); break;
    case MSGPACK_OBJECT_BIN: put_binary (out, value->via.bin.ptr, value->via.bin.size); break;
    case MSGPACK_OBJECT_EXT:
        fprintf (out, "ExtType(%d, ", value->via.ext.type);
        put_binary (out, value->via.ext.ptr, value->via.ext.size);
        putc (')', out);
        break;
    }
}

void emp_value_str (FILE *out, const msgpack_object *value)
{
    const msgpack_object_str *text = &value->via.str;
    if (value->type != MSGPACK_OBJECT_STR)
        emp_value_repr (out, value);
    else if (text->size > 0)
        fwrite (text->ptr, 1, text->size, out);
}
