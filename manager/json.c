/* SPDX-License-Identifier: BSD-3-Clause
 *
 * json.c - a msgpack value as JSON. See json.h.
 */
#include "json.h"

#include <math.h>
#include <string.h>

#include "../common/utf8.h"
#include "../common/value.h"

static void put (emp_buf_t *out, const char *text)
{
    emp_buf_append (out, text, strlen (text));
}

static void put_uint (emp_buf_t *out, uint64_t number)
{
    char text[20];
    size_t at = sizeof text;
    do
        text[--at] = (char) ('0' + number % 10);
    while (number /= 10);
    emp_buf_append (out, text + at, sizeof text - at);
}

static void put_int (emp_buf_t *out, int64_t number)
{
    if (number < 0)
        put (out, "-");
    put_uint (out, number < 0 ? 0 - (uint64_t) number : (uint64_t) number);
}

/* ---- bytes ------------------------------------------------------------------------------------------------------------- */

static void put_base64 (emp_buf_t *out, const char *data, size_t size)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *at = (const uint8_t *) data;
    put (out, "\"");
    for (; size > 0; at += 3, size -= size < 3 ? size : 3) {
        uint32_t bits = (uint32_t) at[0] << 16 | (size > 1 ? (uint32_t) at[1] << 8 : 0) | (size > 2 ? at[2] : 0u);
        char four[] = {letters[bits >> 18], letters[bits >> 12 & 63], size > 1 ? letters[bits >> 6 & 63] : '=',
                       size > 2 ? letters[bits & 63] : '='};
        emp_buf_append (out, four, sizeof four);
    }
    put (out, "\"");
}

static void put_marked (emp_buf_t *out, const char *mark, const char *data, size_t size)
{
    put (out, "{\"$");
    put (out, mark);
    put (out, "\":");
    put_base64 (out, data, size);
    put (out, "}");
}

bool emp_json_is_text (const char *text, size_t size)
{
    const uint8_t *at = (const uint8_t *) text;
    for (const uint8_t *end = size > 0 ? at + size : at; at < end;) {
        uint32_t code = 0;
        size_t step = emp_utf8_step (at, end, &code);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

static bool is_plain (char byte)
{
    return (uint8_t) byte >= 0x20 && byte != '"' && byte != '\\';
}

static void put_escaped (emp_buf_t *out, char byte)
{
    static const char special[] = "\"\\\n\r\t";
    static const char escape[] = "\"\\nrt";
    const char *found = byte ? strchr (special, byte) : NULL;
    char text[8] = {'\\', found ? escape[found - special] : 'u'};
    if (!found)
        snprintf (text, sizeof text, "\\u%04x", (unsigned) byte);
    put (out, text);
}

void emp_json_text (emp_buf_t *out, const char *text, size_t size)
{
    if (!emp_json_is_text (text, size)) {
        put_marked (out, "str", text, size);
        return;
    }
    put (out, "\"");
    for (size_t at = 0; at < size;) {
        size_t plain = 0;
        while (at + plain < size && is_plain (text[at + plain]))
            plain++;
        emp_buf_append (out, text + at, plain);
        at += plain;
        if (at < size)
            put_escaped (out, text[at++]);
    }
    put (out, "\"");
}

/* ---- values ------------------------------------------------------------------------------------------------------------ */

static void put_double (emp_buf_t *out, double number)
{
    char text[EMP_VALUE_DOUBLE_MAX];
    size_t size = emp_value_double (number, text);
    if (!isfinite (number))
        put (out, "{\"$double\":\"");
    emp_buf_append (out, text, size);
    if (!isfinite (number))
        put (out, "\"}");
}

static void put_list (emp_buf_t *out, const msgpack_object_array *list)
{
    put (out, "[");
    for (uint32_t i = 0; i < list->size; i++) {
        if (i > 0)
            put (out, ",");
        emp_json_value (out, &list->ptr[i]);
    }
    put (out, "]");
}

static bool is_object (const msgpack_object_map *map)
{
    for (uint32_t i = 0; i < map->size; i++) {
        const msgpack_object *key = &map->ptr[i].key;
        if (key->type != MSGPACK_OBJECT_STR || (key->via.str.size > 0 && key->via.str.ptr[0] == '$') ||
            !emp_json_is_text (key->via.str.ptr, key->via.str.size))
            return false;
    }
    return true;
}

static void put_map (emp_buf_t *out, const msgpack_object_map *map)
{
    bool object = is_object (map);
    put (out, object ? "{" : "{\"$map\":[");
    for (uint32_t i = 0; i < map->size; i++) {
        if (i > 0)
            put (out, ",");
        if (!object)
            put (out, "[");
        emp_json_value (out, &map->ptr[i].key);
        put (out, object ? ":" : ",");
        emp_json_value (out, &map->ptr[i].val);
        if (!object)
            put (out, "]");
    }
    put (out, object ? "}" : "]}");
}

static void put_ext (emp_buf_t *out, const msgpack_object_ext *ext)
{
    put (out, "{\"$ext\":[");
    put_int (out, ext->type);
    put (out, ",");
    put_base64 (out, ext->ptr, ext->size);
    put (out, "]}");
}

void emp_json_value (emp_buf_t *out, const msgpack_object *value)
{
    switch (value->type) {
    case MSGPACK_OBJECT_NIL: put (out, "null"); break;
    case MSGPACK_OBJECT_BOOLEAN: put (out, value->via.boolean ? "true" : "false"); break;
    case MSGPACK_OBJECT_POSITIVE_INTEGER: put_uint (out, value->via.u64); break;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER: put_int (out, value->via.i64); break;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64: put_double (out, value->via.f64); break;
    case MSGPACK_OBJECT_STR: emp_json_text (out, value->via.str.ptr, value->via.str.size); break;
    case MSGPACK_OBJECT_ARRAY: put_list (out, &value->via.array); break;
    case MSGPACK_OBJECT_MAP: put_map (out, &value->via.map); break;
    case MSGPACK_OBJECT_BIN: put_marked (out, "bin", value->via.bin.ptr, value->via.bin.size); break;
    case MSGPACK_OBJECT_EXT: put_ext (out, &value->via.ext); break;
    }
}
