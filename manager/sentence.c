/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sentence.c - pieces that error sentences are made of.
 */
#include "sentence.h"

#include <inttypes.h>
#include <string.h>

#include "../common/name.h"
#include "../common/utf8.h"
#include "../common/value.h"

#define CUT 50 /* bytes of a text that are shown; a control character may take four for one */
#define PATH_SHOWN 200

void emp_sentence_text (const void *text, size_t size, char *ret_piece)
{
    const uint8_t *start = text;
    size_t shown = 0;
    while (shown < size && shown < CUT) {
        uint32_t code;
        size_t step = emp_utf8_step (start + shown, start + size, &code);
        shown += step > 0 ? step : 1;
    }
    /* Longer than any text of CUT bytes and their escapes, so fmemopen cannot run out of room. */
    char piece[EMP_SENTENCE_MAX - 8] = "";
    FILE *out = fmemopen (piece, sizeof piece, "w");
    if (out) {
        emp_value_repr_text (out, (const char *) text, shown);
        fclose (out);
    }
    snprintf (ret_piece, EMP_SENTENCE_MAX, "%s%s", piece, shown < size ? "…" : "");
}

void emp_sentence_path (const char *path, char *ret_piece)
{
    const uint8_t *at = (const uint8_t *) path, *end = at + strlen (path);
    bool cut = end - at > PATH_SHOWN;
    size_t size = (size_t) snprintf (ret_piece, EMP_SENTENCE_MAX, cut ? "'…" : "'");
    at = cut ? end - PATH_SHOWN : at;
    while (cut && (*at & 0xc0) == 0x80)
        at++; /* the rest of a character */
    while (at < end) {
        uint32_t code = 0;
        size_t step = emp_utf8_step (at, end, &code);
        if (step == 0 || emp_utf8_is_control (code))
            ret_piece[size++] = '?';
        else
            memcpy (ret_piece + size, at, step), size += step;
        at += step > 0 ? step : 1;
    }
    strcpy (ret_piece + size, "'");
}

static void name_double (const msgpack_object *value, char *ret_piece)
{
    char piece[64] = "";
    FILE *out = fmemopen (piece, sizeof piece, "w");
    if (out) {
        emp_value_repr (out, value);
        fclose (out);
    }
    snprintf (ret_piece, EMP_SENTENCE_MAX, "%s", piece);
}

void emp_sentence_value (const msgpack_object *value, char *ret_piece)
{
    char text[EMP_SENTENCE_MAX];
    switch (value->type) {
    case MSGPACK_OBJECT_NIL: snprintf (ret_piece, EMP_SENTENCE_MAX, "null"); break;
    case MSGPACK_OBJECT_BOOLEAN:
        snprintf (ret_piece, EMP_SENTENCE_MAX, "%s", value->via.boolean ? "true" : "false");
        break;
    case MSGPACK_OBJECT_POSITIVE_INTEGER: snprintf (ret_piece, EMP_SENTENCE_MAX, "%" PRIu64, value->via.u64); break;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER: snprintf (ret_piece, EMP_SENTENCE_MAX, "%" PRId64, value->via.i64); break;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64: name_double (value, ret_piece); break;
    case MSGPACK_OBJECT_STR:
        emp_sentence_text (value->via.str.ptr, value->via.str.size, text);
        snprintf (ret_piece, EMP_SENTENCE_MAX, "the text %.*s", EMP_SENTENCE_MAX - 16, text);
        break;
    case MSGPACK_OBJECT_ARRAY:
        snprintf (ret_piece, EMP_SENTENCE_MAX, "a list of %" PRIu32, value->via.array.size);
        break;
    case MSGPACK_OBJECT_MAP: snprintf (ret_piece, EMP_SENTENCE_MAX, "a map of %" PRIu32, value->via.map.size); break;
    case MSGPACK_OBJECT_BIN:
        snprintf (ret_piece, EMP_SENTENCE_MAX, "a binary of %" PRIu32 " bytes", value->via.bin.size);
        break;
    case MSGPACK_OBJECT_EXT: snprintf (ret_piece, EMP_SENTENCE_MAX, "an extension value"); break;
    }
}

void emp_sentence_nearest (const char *word, const char *const *known, char *ret_piece)
{
    const char *nearest = emp_name_nearest (word, known);
    *ret_piece = '\0';
    if (!nearest)
        return;
    char text[EMP_SENTENCE_MAX];
    emp_sentence_text (nearest, strlen (nearest), text);
    snprintf (ret_piece, EMP_SENTENCE_MAX, ", did you mean %.*s?", EMP_SENTENCE_MAX - 20, text);
}
