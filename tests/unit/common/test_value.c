/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <string.h>

#include "bytes.h"
#include "common/value.h"

TestSuite (value, .timeout = 60);

typedef void (printer_t) (FILE *out, const msgpack_object *value);

/* What a printer prints of packed bytes; the caller frees. */
static char *printed (printer_t *print, const void *data, size_t size)
{
    msgpack_unpacked result;
    msgpack_unpacked_init (&result);
    size_t offset = 0;
    if (msgpack_unpack_next (&result, data, size, &offset) != MSGPACK_UNPACK_SUCCESS || offset != size)
        cr_assert_fail ("a slip of the test's writer");
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream (&text, &length);
    print (out, &result.data);
    fclose (out);
    msgpack_unpacked_destroy (&result);
    return text;
}

static void expect (printer_t *print, const char *hex, const char *expected)
{
    bytes_t bytes = bytes_of (hex);
    char *text = printed (print, bytes.data, bytes.size);
    cr_assert_str_eq (text, expected, "%s: %s, expected %s", hex, text, expected);
    free (text);
    bytes_free (&bytes);
}

static void expect_double (double value, const char *expected)
{
    msgpack_object object = {.type = MSGPACK_OBJECT_FLOAT64, .via.f64 = value};
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream (&text, &length);
    emp_value_repr (out, &object);
    fclose (out);
    cr_assert_str_eq (text, expected, "%a: %s, expected %s", value, text, expected);
    free (text);
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

Test (value, is_written_as_python_writes_it)
{
    const struct {
        const char *hex, *text;
    } cases[] = {
        {"c0", "None"},
        {"c2", "False"},
        {"c3", "True"},
        {"00", "0"},
        {"cf ff ff ff ff ff ff ff ff", "18446744073709551615"},
        {"fd", "-3"},
        {"d3 80 00 00 00 00 00 00 00", "-9223372036854775808"},
        {"cb 3f b9 99 99 99 99 99 9a", "0.1"},
        {"ca 3f 00 00 00", "0.5"},
        {"ca 3d cc cc cd", "0.10000000149011612"}, /* 0.1 of 32 bits, as a double */
        {"a0", "''"},
        {"a3 61 62 63", "'abc'"},
        {"c4 00", "b''"},
        {"c4 03 61 00 ff", "b'a\\x00\\xff'"},
        {"90", "[]"},
        {"92 01 02", "[1, 2]"},
        {"80", "{}"},
        {"82 a1 61 01 02 91 c0", "{'a': 1, 2: [None]}"},
        {"93 90 91 90 81 80 80", "[[], [[]], {{}: {}}]"},
        {"d4 05 61", "ExtType(5, b'a')"},
        {"c7 00 ff", "ExtType(-1, b'')"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect (emp_value_repr, cases[i].hex, cases[i].text);
}

Test (value, texts_escape_what_would_not_print)
{
    const struct {
        const char *hex, *text;
    } cases[] = {
        {"a1 27", "'\\''"},
        {"a1 22", "'\"'"},
        {"a1 5c", "'\\\\'"},
        {"a3 0a 0d 09", "'\\n\\r\\t'"},
        {"a4 00 1b 1f 7f", "'\\x00\\x1b\\x1f\\x7f'"},
        {"a2 c3 a4", "'ä'"},
        {"a3 e2 82 ac", "'€'"},
        {"a4 f0 9f 94 a5", "'🔥'"},
        {"a2 c2 9b", "'\\x9b'"}, /* a control character of two bytes */
        {"a2 c2 a0", "'\xc2\xa0'"},
        /* not UTF-8: byte by byte */
        {"a1 ff", "'\\xff'"},
        {"a2 c3 28", "'\\xc3('"},
        {"a2 61 c3", "'a\\xc3'"},
        {"a2 c0 af", "'\\xc0\\xaf'"},
        {"a3 e0 80 af", "'\\xe0\\x80\\xaf'"},
        {"a3 ed a0 80", "'\\xed\\xa0\\x80'"},
        {"a4 f4 90 80 80", "'\\xf4\\x90\\x80\\x80'"},
        {"a3 e2 82 61", "'\\xe2\\x82a'"},
        {"a4 e2 e2 82 ac", "'\\xe2€'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect (emp_value_repr, cases[i].hex, cases[i].text);
}

Test (value, binaries_escape_all_that_is_not_ascii)
{
    expect (emp_value_repr, "c4 08 27 22 5c 0a 0d 09 20 7e", "b'\\'\"\\\\\\n\\r\\t ~'");
    expect (emp_value_repr, "c4 04 7f 80 c3 a4", "b'\\x7f\\x80\\xc3\\xa4'");
}

Test (value, str_leaves_a_text_at_the_top_as_it_is)
{
    expect (emp_value_str, "a4 27 0a 5c 61", "'\n\\a");
    expect (emp_value_str, "a0", "");
    expect (emp_value_str, "91 a1 61", "['a']");
    expect (emp_value_str, "c4 01 61", "b'a'");
    expect (emp_value_str, "cb 3f b9 99 99 99 99 99 9a", "0.1");
    expect (emp_value_str, "c0", "None");
}

Test (value, a_text_alone_has_quotes)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream (&text, &length);
    emp_value_repr_text (out, "it's\0", 5);
    emp_value_repr_text (out, NULL, 0);
    fclose (out);
    cr_assert_str_eq (text, "'it\\'s\\x00'''");
    free (text);
}

/* ---- doubles ----------------------------------------------------------------------------------------------------- */

Test (value, a_double_is_the_shortest_text_that_reads_back)
{
    const struct {
        double value;
        const char *text;
    } cases[] = {
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1.0, "1.0"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {2.0 / 3, "0.6666666666666666"},
        {100.0, "100.0"},
        {123456789.125, "123456789.125"},
        {0.0001, "0.0001"},
        {0.00012345, "0.00012345"},
        {0.00001, "1e-05"},
        {1.5e-7, "1.5e-07"},
        {1e15, "1000000000000000.0"},
        {9999999999999998.0, "9999999999999998.0"},
        {1e16, "1e+16"},
        {1.2345678901234568e17, "1.2345678901234568e+17"},
        {1e22, "1e+22"},
        {1e23, "1e+23"},
        {1e100, "1e+100"},
        {-2.5e-300, "-2.5e-300"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {DBL_MIN, "2.2250738585072014e-308"},
        {5e-324, "5e-324"}, /* of the smallest ones a single digit tells which it is */
        {1.5e-323, "1.5e-323"},
        {2.225073858507201e-308, "2.225073858507201e-308"},
        {9007199254740993.0, "9007199254740992.0"},
        {5e-5, "5e-05"},
        {6.02214076e23, "6.02214076e+23"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_double (cases[i].value, cases[i].text);
}

Test (value, what_is_no_number_has_a_word)
{
    expect_double (INFINITY, "inf");
    expect_double (-INFINITY, "-inf");
    expect_double (NAN, "nan");
    expect_double (-NAN, "nan");
}

Test (value, random_doubles_read_back_the_same)
{
    uint64_t state = 7;
    for (int i = 0; i < 20000; i++) {
        uint64_t bits =
            (uint64_t) bytes_random (&state) << 33 ^ (uint64_t) bytes_random (&state) << 11 ^ bytes_random (&state);
        double value;
        memcpy (&value, &bits, sizeof value);
        if (!isfinite (value))
            continue;
        uint8_t packed[9] = {0xcb};
        for (int k = 0; k < 8; k++)
            packed[1 + k] = (uint8_t) (bits >> (56 - 8 * k));
        char *text = printed (emp_value_repr, packed, sizeof packed);
        if (strtod (text, NULL) != value || !strpbrk (text, ".e"))
            cr_assert_fail ("%a is written %s", value, text);
        free (text);
    }
}

Test (value, the_locales_decimal_comma_does_not_show)
{
    const char *locales[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE", "es_ES.UTF-8", "ps_AF.UTF-8"};
    for (size_t i = 0; i < sizeof locales / sizeof *locales; i++)
        if (setlocale (LC_ALL, locales[i])) {
            cr_assert_str_neq (localeconv ()->decimal_point, ".");
            expect_double (0.1 + 0.2, "0.30000000000000004");
            expect_double (-1.5, "-1.5");
            expect_double (1.5e300, "1.5e+300");
            return;
        }
    cr_skip_test ("no locale with a decimal comma is installed");
}
