/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_json.c - a msgpack value as JSON.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "manager/json.h"

TestSuite (json, .timeout = 60);

static void expect (const char *packed, size_t size, const char *expected)
{
    msgpack_unpacked unpacked;
    msgpack_unpacked_init (&unpacked);
    cr_assert_eq (msgpack_unpack_next (&unpacked, packed, size, NULL), MSGPACK_UNPACK_SUCCESS);
    emp_buf_t text;
    emp_buf_init (&text, 10000);
    emp_json_value (&text, &unpacked.data);
    emp_buf_append (&text, "", 1);
    cr_expect_str_eq ((const char *) text.data, expected);
    emp_buf_release (&text);
    msgpack_unpacked_destroy (&unpacked);
}

#define EXPECT(packed, expected) expect (packed, sizeof (packed) - 1, expected)

Test (json, values_that_json_knows_are_plain)
{
    EXPECT ("\xc0", "null");
    EXPECT ("\xc2", "false");
    EXPECT ("\xc3", "true");
    EXPECT ("\x00", "0");
    EXPECT ("\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615");
    EXPECT ("\xd3\x80\x00\x00\x00\x00\x00\x00\x00", "-9223372036854775808");
    EXPECT ("\xff", "-1");
    EXPECT ("\xcb\x40\x09\x99\x99\x99\x99\x99\x9a", "3.2");
    EXPECT ("\xcb\x44\x4b\x1a\xe4\xd6\xe2\xef\x50", "1e+21");
    EXPECT ("\xca\x3f\x00\x00\x00", "0.5");
    EXPECT ("\xa0", "\"\"");
    EXPECT ("\xa4"
            "caf\xc3",
            "{\"$str\":\"Y2Fmww==\"}");
    EXPECT ("\xa5"
            "caf\xc3\xa9",
            "\"caf\xc3\xa9\"");
    EXPECT ("\xa8\"\\\n\r\t\x01/\x00", "\"\\\"\\\\\\n\\r\\t\\u0001/\\u0000\"");
    EXPECT ("\x93\x01\x90\x92\xc0\xa1x", "[1,[],[null,\"x\"]]");
    EXPECT ("\x82\xa1k\x01\xa0\x80", "{\"k\":1,\"\":{}}");
}

Test (json, what_json_has_no_word_for_is_marked)
{
    EXPECT ("\xc4\x00", "{\"$bin\":\"\"}");
    EXPECT ("\xc4\x01\xff", "{\"$bin\":\"/w==\"}");
    EXPECT ("\xc4\x02\xff\xff", "{\"$bin\":\"//8=\"}");
    EXPECT ("\xc4\x04\x00\x10\x83\x10", "{\"$bin\":\"ABCDEA==\"}");
    EXPECT ("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", "{\"$double\":\"nan\"}");
    EXPECT ("\xcb\xff\xf0\x00\x00\x00\x00\x00\x00", "{\"$double\":\"-inf\"}");
    EXPECT ("\xd4\xfb\x07", "{\"$ext\":[-5,\"Bw==\"]}");
    EXPECT ("\x82\x05\x01\xa1k\x02", "{\"$map\":[[5,1],[\"k\",2]]}");
    EXPECT ("\x81\xa4$bin\x01", "{\"$map\":[[\"$bin\",1]]}");
    EXPECT ("\x81\xa1\xff\x01", "{\"$map\":[[{\"$str\":\"/w==\"},1]]}");
}

Test (json, a_buffer_that_is_full_is_broken)
{
    msgpack_object list[3] = {{.type = MSGPACK_OBJECT_NIL}, {.type = MSGPACK_OBJECT_NIL}, {.type = MSGPACK_OBJECT_NIL}};
    msgpack_object value = {.type = MSGPACK_OBJECT_ARRAY, .via.array = {.size = 3, .ptr = list}};
    emp_buf_t text;
    emp_buf_init (&text, 10);
    emp_json_value (&text, &value);
    cr_assert_eq (text.broken, EMP_TOOBIG);
    emp_buf_release (&text);
}
