/* SPDX-License-Identifier: BSD-3-Clause
 *
 * yamlvalue.c - a value of a YAML tree as a msgpack value.
 */
#include "yamlvalue.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../common/scan.h"
#include "sentence.h"

#define CORE "tag:yaml.org,2002:"

/* ---- the core schema ------------------------------------------------------------------------------------------- */

static bool is_one_of (const emp_yaml_node_t *node, const char *const *words)
{
    for (; *words; words++)
        if (node->size == strlen (*words) && memcmp (node->text, *words, node->size) == 0)
            return true;
    return false;
}

static bool is_null (const emp_yaml_node_t *node)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL", NULL};
    return is_one_of (node, words);
}

static bool is_bool (const emp_yaml_node_t *node, bool *ret_value)
{
    static const char *const yes[] = {"true", "True", "TRUE", NULL};
    static const char *const no[] = {"false", "False", "FALSE", NULL};
    *ret_value = is_one_of (node, yes);
    return *ret_value || is_one_of (node, no);
}

static int digit (char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

typedef struct {
    bool negative, overflow;
    uint64_t magnitude;
} integer_t;

static bool is_integer (const emp_yaml_node_t *node, integer_t *ret_value)
{
    const char *at = node->text, *end = node->text + node->size;
    integer_t value = {.negative = *at == '-'};
    unsigned base = 10;
    if (*at == '-' || *at == '+')
        at++;
    else if (node->size > 2 && *at == '0' && (at[1] == 'x' || at[1] == 'o')) {
        base = at[1] == 'x' ? 16 : 8;
        at += 2;
    }
    const char *start = at;
    for (; at < end; at++) {
        if (*at == '_' && at > start && at[-1] != '_' && at + 1 < end)
            continue;
        int d = digit (*at);
        if ((unsigned) d >= base)
            return false;
        if (__builtin_mul_overflow (value.magnitude, base, &value.magnitude) ||
            __builtin_add_overflow (value.magnitude, (unsigned) d, &value.magnitude))
            value.overflow = true;
    }
    if (at == start)
        return false;
    if (value.negative && value.magnitude > (uint64_t) INT64_MAX + 1)
        value.overflow = true;
    *ret_value = value;
    return true;
}

static const char *skip_digits (const char *at)
{
    while (isdigit ((unsigned char) *at))
        at++;
    return at;
}

/* The text has a NUL behind it, so looking one byte ahead is safe. */
static bool is_decimal (const char *at, const char *end)
{
    at += *at == '-' || *at == '+';
    const char *whole = at;
    at = skip_digits (at);
    size_t digits = (size_t) (at - whole);
    if (*at == '.') {
        const char *fraction = ++at;
        at = skip_digits (at);
        digits += (size_t) (at - fraction);
    }
    if (digits == 0)
        return false;
    if (*at == 'e' || *at == 'E') {
        at++;
        at += *at == '-' || *at == '+';
        const char *exponent = at;
        at = skip_digits (at);
        if (at == exponent)
            return false;
    }
    return at == end;
}

/* A point is a point, whatever the program's locale. */
static double decimal (const char *text)
{
    locale_t c = newlocale (LC_ALL_MASK, "C", (locale_t) 0);
    double value = strtod_l (text, NULL, c);
    freelocale (c);
    return value;
}

static bool is_float (const emp_yaml_node_t *node, double *ret_value)
{
    static const char *const inf[] = {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", NULL};
    static const char *const minus_inf[] = {"-.inf", "-.Inf", "-.INF", NULL};
    static const char *const nan[] = {".nan", ".NaN", ".NAN", NULL};
    if (is_one_of (node, inf))
        *ret_value = (double) INFINITY;
    else if (is_one_of (node, minus_inf))
        *ret_value = -(double) INFINITY;
    else if (is_one_of (node, nan))
        *ret_value = (double) NAN;
    else if (is_decimal (node->text, node->text + node->size))
        *ret_value = decimal (node->text);
    else
        return false;
    return true;
}

/* ---- scalars --------------------------------------------------------------------------------------------------- */

static msgpack_object text_of (const emp_yaml_node_t *node)
{
    return (msgpack_object){.type = MSGPACK_OBJECT_STR, .via.str = {(uint32_t) node->size, node->text}};
}

static msgpack_object integer_of (const integer_t *value)
{
    if (!value->negative || value->magnitude == 0)
        return (msgpack_object){.type = MSGPACK_OBJECT_POSITIVE_INTEGER, .via.u64 = value->magnitude};
    return (msgpack_object){.type = MSGPACK_OBJECT_NEGATIVE_INTEGER, .via.i64 = (int64_t) (0 - value->magnitude)};
}

static msgpack_object float_of (double value)
{
    return (msgpack_object){.type = MSGPACK_OBJECT_FLOAT64, .via.f64 = value};
}

/* What a scalar without a tag is. EMP_TOOBIG: an integer that does not fit 64 bits. */
static emp_status_t by_schema (const emp_yaml_node_t *node, msgpack_object *ret_value)
{
    integer_t integer;
    double real;
    bool boolean;
    if (!node->plain)
        *ret_value = text_of (node);
    else if (is_null (node))
        *ret_value = (msgpack_object){.type = MSGPACK_OBJECT_NIL};
    else if (is_bool (node, &boolean))
        *ret_value = (msgpack_object){.type = MSGPACK_OBJECT_BOOLEAN, .via.boolean = boolean};
    else if (is_integer (node, &integer)) {
        if (integer.overflow)
            return EMP_TOOBIG;
        *ret_value = integer_of (&integer);
    } else if (is_float (node, &real))
        *ret_value = float_of (real);
    else
        *ret_value = text_of (node);
    return EMP_OK;
}

/* What a scalar is by its tag. EMP_UNKNOWN: not one of ours; EMP_INVALID: the text does not fit it. */
static emp_status_t by_tag (const emp_yaml_node_t *node, msgpack_object *ret_value)
{
    integer_t integer;
    double real;
    bool boolean;
    const char *tag = node->tag;
    if (strcmp (tag, "!") == 0 || strcmp (tag, CORE "str") == 0)
        *ret_value = text_of (node);
    else if (strcmp (tag, CORE "binary") == 0)
        *ret_value = (msgpack_object){.type = MSGPACK_OBJECT_BIN, .via.bin = {(uint32_t) node->size, node->text}};
    else if (strcmp (tag, CORE "null") == 0 && is_null (node))
        *ret_value = (msgpack_object){.type = MSGPACK_OBJECT_NIL};
    else if (strcmp (tag, CORE "bool") == 0 && is_bool (node, &boolean))
        *ret_value = (msgpack_object){.type = MSGPACK_OBJECT_BOOLEAN, .via.boolean = boolean};
    else if (strcmp (tag, CORE "int") == 0 && is_integer (node, &integer)) {
        if (integer.overflow)
            return EMP_TOOBIG;
        *ret_value = integer_of (&integer);
    } else if (strcmp (tag, CORE "float") == 0 && is_float (node, &real))
        *ret_value = float_of (real);
    else
        return strncmp (tag, CORE, strlen (CORE)) == 0 ? EMP_INVALID : EMP_UNKNOWN;
    return EMP_OK;
}

static void report_tag (const emp_yaml_node_t *node, const char *what, emp_diag_t *diag)
{
    char piece[EMP_SENTENCE_MAX];
    if (strcmp (node->tag, "!file") == 0 || strcmp (node->tag, "!lines") == 0) {
        emp_diag_error (diag, node->offset, "%s: found %s, expected it of a whole attribute of the toolbox only", what,
                        node->tag);
        return;
    }
    emp_sentence_text (node->tag, strlen (node->tag), piece);
    emp_diag_error (diag, node->offset,
                    "%s: found the tag %s, expected a value that fits it, or !!str, !!int, !!float, !!bool, !!null, "
                    "!!binary, !!seq, !!map",
                    what, piece);
}

bool emp_yaml_scalar (const emp_yaml_node_t *node, const char *what, emp_diag_t *diag, msgpack_object *ret_value)
{
    char piece[EMP_SENTENCE_MAX];
    if (node->kind != EMP_YAML_SCALAR) {
        emp_yaml_found (node, piece);
        emp_diag_error (diag, node->offset, "%s: found %s, expected a single value", what, piece);
        return false;
    }
    emp_status_t status = node->tag ? by_tag (node, ret_value) : by_schema (node, ret_value);
    if (status == EMP_TOOBIG) {
        emp_sentence_text (node->text, node->size, piece);
        emp_diag_error (diag, node->offset,
                        "%s: found %s, expected an integer of at most 64 bits (or quotes around a text)", what, piece);
    } else if (status)
        report_tag (node, what, diag);
    return !status;
}

void emp_yaml_found (const emp_yaml_node_t *node, char *ret_piece)
{
    msgpack_object value;
    if (node->kind == EMP_YAML_LIST)
        snprintf (ret_piece, EMP_SENTENCE_MAX, "a list");
    else if (node->kind == EMP_YAML_MAP)
        snprintf (ret_piece, EMP_SENTENCE_MAX, "a map");
    else if (node->kind == EMP_YAML_SCALAR && !node->tag && !by_schema (node, &value))
        emp_sentence_value (&value, ret_piece);
    else
        emp_sentence_text (node->text ? node->text : "", node->size, ret_piece);
}

/* ---- packing --------------------------------------------------------------------------------------------------- */

typedef struct {
    emp_yaml_t *tree;
    const char *what;
    emp_diag_t *diag;
    emp_buf_t *out;
    msgpack_packer pk;
} pack_t;

static int base64_digit (char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr (digits, c) : NULL;
    return at ? (int) (at - digits) : -1;
}

/* Decodes into `bytes`, which has room for 3 bytes of every 4. White space may stand anywhere. */
static bool decode_base64 (const char *text, size_t size, uint8_t *bytes, size_t *ret_size)
{
    uint32_t group = 0;
    size_t made = 0, digits = 0, padding = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] && strchr (" \t\r\n", text[i]))
            continue;
        int d = base64_digit (text[i]);
        if (text[i] == '=' && digits % 4 >= 2)
            d = 0, padding++;
        else if (d < 0 || padding > 0)
            return false;
        group = group << 6 | (uint32_t) d;
        if (++digits % 4 == 0)
            for (int shift = 16; shift >= 0; shift -= 8)
                bytes[made++] = (uint8_t) (group >> shift);
    }
    if (digits % 4 != 0 || padding > 2)
        return false;
    *ret_size = made - padding;
    return true;
}

static bool pack_binary (pack_t *self, const emp_yaml_node_t *node)
{
    size_t size;
    uint8_t *bytes = malloc (node->size / 4 * 3 + 3);
    bool good = bytes && decode_base64 (node->text, node->size, bytes, &size);
    if (good) {
        msgpack_pack_bin (&self->pk, size);
        msgpack_pack_bin_body (&self->pk, bytes, size);
    } else
        emp_diag_error (self->diag, node->offset, "%s: found a !!binary that is not base64, expected base64",
                        self->what);
    free (bytes);
    return good;
}

static bool pack_scalar (pack_t *self, const emp_yaml_node_t *node)
{
    msgpack_object value;
    if (!emp_yaml_scalar (node, self->what, self->diag, &value))
        return false;
    if (value.type == MSGPACK_OBJECT_BIN)
        return pack_binary (self, node);
    msgpack_pack_object (&self->pk, value);
    return true;
}

static bool pack_value (pack_t *self, const emp_yaml_node_t *node, unsigned depth);

static bool pack_elements (pack_t *self, const emp_yaml_node_t *node, unsigned depth)
{
    size_t count = 0;
    for (const emp_yaml_node_t *value = node->first; value; value = value->next)
        count++;
    if (node->kind == EMP_YAML_MAP)
        msgpack_pack_map (&self->pk, count);
    else
        msgpack_pack_array (&self->pk, count);
    for (const emp_yaml_node_t *value = node->first; value; value = value->next)
        if ((value->key && !pack_scalar (self, value->key)) || !pack_value (self, value, depth + 1))
            return false;
    return true;
}

static bool pack_value (pack_t *self, const emp_yaml_node_t *given, unsigned depth)
{
    const emp_yaml_node_t *node = emp_yaml_resolve (self->tree, given);
    if (!node) {
        emp_diag_error (self->diag, given->offset,
                        "%s: found aliases that are followed more than %d times, expected fewer", self->what,
                        EMP_YAML_ALIASES_MAX);
        return false;
    }
    if (self->out->broken) {
        emp_diag_error (self->diag, node->offset, "%s: found more than %zu bytes, expected fewer", self->what,
                        self->out->max);
        return false;
    }
    if (node->kind == EMP_YAML_SCALAR)
        return pack_scalar (self, node);
    if (depth >= EMP_ATTRIBUTE_DEPTH_MAX) { /* the job of the workers nests it deeper */
        emp_diag_error (self->diag, node->offset, "%s: found a value nested deeper than %d levels, expected fewer",
                        self->what, EMP_ATTRIBUTE_DEPTH_MAX);
        return false;
    }
    if (node->tag && strcmp (node->tag, node->kind == EMP_YAML_MAP ? CORE "map" : CORE "seq") != 0) {
        report_tag (node, self->what, self->diag);
        return false;
    }
    return pack_elements (self, node, depth);
}

bool emp_yaml_pack (emp_yaml_t *tree, const emp_yaml_node_t *node, const char *what, emp_diag_t *diag, emp_buf_t *out)
{
    pack_t self = {.tree = tree, .what = what, .diag = diag, .out = out};
    msgpack_packer_init (&self.pk, out, emp_buf_write);
    if (!pack_value (&self, node, 0))
        return false;
    if (out->broken)
        emp_diag_error (diag, node->offset, "%s: found more than %zu bytes, expected fewer", what, out->max);
    return !out->broken;
}
