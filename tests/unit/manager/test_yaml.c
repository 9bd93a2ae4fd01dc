/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_yaml.c - YAML texts as trees and values: the core schema, tags, aliases, places of errors, bounds.
 */
#include <criterion/criterion.h>
#include <locale.h>

#include "common/scan.h"
#include "common/value.h"
#include "manager/yamlvalue.h"

/* libfyaml 0.7.12 forgets a kilobyte after some syntax errors; the leak checker is told so. */
const char *__lsan_default_suppressions (void);

const char *__lsan_default_suppressions (void)
{
    return "leak:libfyaml";
}

TestSuite (yaml, .timeout = 240);

/* The root of a text as Python writes it, or the first error. */
static const char *value_of_bytes (const char *text, size_t size)
{
    static char result[4096];
    char *messages = NULL;
    size_t messages_size = 0;
    FILE *out = open_memstream (&messages, &messages_size);
    emp_diag_t diag;
    emp_diag_init (&diag, "t", out);
    diag.text = text;
    diag.size = size;
    emp_yaml_t *tree = NULL;
    const emp_yaml_node_t *root = NULL;
    emp_buf_t packed;
    emp_buf_init (&packed, 1 << 20);
    snprintf (result, sizeof result, "nothing");
    if (emp_yaml_parse (&diag, &tree, &root) || (root && !emp_yaml_pack (tree, root, "x", &diag, &packed)))
        snprintf (result, sizeof result, "%s", diag.first);
    else if (root) {
        size_t one;
        cr_assert_eq (emp_scan_one (packed.data, packed.size, EMP_SCAN_OBJECTS_MAX, &one), EMP_OK);
        cr_assert_eq (one, packed.size);
        msgpack_unpacked unpacked;
        msgpack_unpacked_init (&unpacked);
        cr_assert_eq (msgpack_unpack_next (&unpacked, (char *) packed.data, packed.size, NULL), MSGPACK_UNPACK_SUCCESS);
        FILE *file = fmemopen (result, sizeof result, "w");
        emp_value_repr (file, &unpacked.data);
        fclose (file);
        msgpack_unpacked_destroy (&unpacked);
    }
    fclose (out);
    free (messages);
    emp_buf_release (&packed);
    emp_yaml_destroy (&tree);
    emp_yaml_destroy (&tree);
    return result;
}

static const char *value_of (const char *text)
{
    return value_of_bytes (text, strlen (text));
}

static void expect (const char *text, const char *expected)
{
    const char *found = value_of (text);
    cr_expect_str_eq (found, expected, "%s: %s", text, found);
}

Test (yaml, plain_scalars_are_those_of_the_core_schema)
{
    expect ("[null, Null, NULL, ~, ]", "[None, None, None, None]");
    expect ("a:", "{'a': None}");
    expect ("[true, True, TRUE, false, False, FALSE]", "[True, True, True, False, False, False]");
    expect ("[yes, no, on, off, nULL, tRue]", "['yes', 'no', 'on', 'off', 'nULL', 'tRue']");
    expect ("[0, 17, -17, +17, 007, -0]", "[0, 17, -17, 17, 7, 0]");
    expect ("[0x1F, 0xff, 0o17, 0o8, 0x, 0xg]", "[31, 255, 15, '0o8', '0x', '0xg']");
    expect ("[1.5, .5, 5., 1e3, -1.5E-3, +.5]", "[1.5, 0.5, 5.0, 1000.0, -0.0015, 0.5]");
    expect ("[1e, e1, ., -x, +, 1.2.3, 1e1.5]", "['1e', 'e1', '.', '-x', '+', '1.2.3', '1e1.5']");
    expect ("[.inf, -.Inf, +.INF, .nan, .NaN, inf, nan]", "[inf, -inf, inf, nan, nan, 'inf', 'nan']");
    expect ("[2022-11-23, 12:30:45, a b]", "['2022-11-23', '12:30:45', 'a b']");
}

Test (yaml, integers_may_have_underscores_between_digits)
{
    expect ("[50_000, 1_000_000, 0xdead_beef, -1_0]", "[50000, 1000000, 3735928559, -10]");
    expect ("[_1, 1_, 1__0, 0x_1, 1_000.5]", "['_1', '1_', '1__0', '0x_1', '1_000.5']");
}

Test (yaml, integers_reach_over_64_bits_of_either_sign_and_no_further)
{
    expect ("[9223372036854775807, 18446744073709551615, -9223372036854775808, 0xffffffffffffffff]",
            "[9223372036854775807, 18446744073709551615, -9223372036854775808, 18446744073709551615]");
    expect ("18446744073709551616",
            "t:1:1: x: found '18446744073709551616', expected an integer of at most 64 bits (or quotes around a text)");
    expect ("-9223372036854775809",
            "t:1:1: x: found '-9223372036854775809', expected an integer of at most 64 bits (or quotes around a text)");
}

Test (yaml, quoted_scalars_are_texts)
{
    expect ("['1', \"true\", '', \"a\\n\\u00e9\\x41\", 'it''s']", "['1', 'true', '', 'a\\néA', 'it\\'s']");
    expect ("|\n  two\n  lines\n", "'two\\nlines\\n'");
    expect (">-\n  two\n  lines\n", "'two lines'");
}

Test (yaml, tags_say_what_a_scalar_is)
{
    expect ("[!!str 17, !!int \"17\", !!float 3, !!float 1e2, !!bool 'true', !!null '', ! 5]",
            "['17', 17, 3.0, 100.0, True, None, '5']");
    expect ("!!map {a: !!seq [1]}", "{'a': [1]}");
    expect ("!!int x",
            "t:1:7: x: found the tag 'tag:yaml.org,2002:int', expected a value that fits it, or !!str, !!int, "
            "!!float, !!bool, !!null, !!binary, !!seq, !!map");
    expect ("!mine x", "t:1:7: x: found the tag '!mine', expected a value that fits it, or !!str, !!int, !!float, "
                       "!!bool, !!null, !!binary, !!seq, !!map");
    cr_expect (strstr (value_of ("!!set {a: }"), "found the tag 'tag:yaml.org,2002:set'") != NULL);
    cr_expect (strstr (value_of ("!!seq {a: 1}"), "found the tag 'tag:yaml.org,2002:seq'") != NULL);
}

Test (yaml, binaries_are_base64)
{
    expect ("!!binary aGVsbG8=", "b'hello'");
    expect ("a: !!binary |\n  aGVs\n  bG8=\n", "{'a': b'hello'}");
    expect ("[!!binary '', !!binary AA==, !!binary AAA=, !!binary AAAA, !!binary '/+8=']",
            "[b'', b'\\x00', b'\\x00\\x00', b'\\x00\\x00\\x00', b'\\xff\\xef']");
    static const char *const wrongs[] = {"A", "AA", "AAA", "A===", "AA=A", "AAAA=", "AA==AA==", "A*AA", "AAA=="};
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        char text[64];
        snprintf (text, sizeof text, "!!binary '%s'", wrongs[i]);
        expect (text, "t:1:10: x: found a !!binary that is not base64, expected base64");
    }
}

Test (yaml, a_point_is_a_point_in_every_locale)
{
    if (!setlocale (LC_ALL, "de_DE.UTF-8") && !setlocale (LC_ALL, "de_DE"))
        cr_skip_test ("no locale with a comma here");
    expect ("[1.5]", "[1.5]");
}

Test (yaml, lists_and_maps_nest)
{
    expect ("a: [1, {b: c}]\nd:\n  - e\n  - - f\n", "{'a': [1, {'b': 'c'}], 'd': ['e', ['f']]}");
    expect ("{1: a, 1.5: b, true: c, null: d}", "{1: 'a', 1.5: 'b', True: 'c', None: 'd'}");
    expect ("[]", "[]");
    expect ("{}", "{}");
}

Test (yaml, aliases_are_what_they_stand_for)
{
    expect ("- &x [1, 2]\n- *x\n- {a: *x}\n", "[[1, 2], [1, 2], {'a': [1, 2]}]");
    expect ("- &x 1\n- &x 2\n- *x\n", "[1, 2, 2]");
    expect ("- &x\n- *x\n", "[None, None]");
    expect ("- *x\n", "t:1:3: found an alias of 'x', expected one of an anchor (&) before it");
    expect ("&x [*x]", "t:1:5: found an alias of 'x', expected one of a value that is complete");
}

Test (yaml, an_alias_bomb_is_refused)
{
    char text[8192] = "- &a0 [x,x,x,x,x,x,x,x,x,x]\n";
    for (int i = 1; i < 20; i++)
        snprintf (text + strlen (text), sizeof text - strlen (text),
                  "- &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i - 1, i - 1, i - 1, i - 1, i - 1,
                  i - 1, i - 1, i - 1, i - 1, i - 1);
    cr_expect (strstr (value_of (text), "found aliases that are followed more than 1000 times") != NULL);
}

Test (yaml, a_key_stands_once)
{
    expect ("a: 1\nb: 2\na: 3\n", "t:3:1: found the key 'a' again, expected it once (first at line 1)");
    expect ("x: {k: 1, \"k\": 2}\n", "t:1:11: found the key 'k' again, expected it once (first at line 1)");
    expect ("[{a: 1}, {a: 1}]", "[{'a': 1}, {'a': 1}]");
    expect ("? [a]\n: 1\n", "t:1:3: found a list, a map or an alias as a key, expected a text or a number");
}

Test (yaml, an_error_has_its_place_in_characters)
{
    expect ("a: [1\n", "t:2:1: found text that is not YAML: flow sequence without a closing bracket");
    expect ("ä:\tb: c\n", "t:1:5: found text that is not YAML: invalid nested block mapping on the same line");
    expect ("a: 1\r\nb: \"x\\q\"\r\n",
            "t:2:6: found text that is not YAML: invalid escape 'q' in double-quoted string");
    expect ("größe: !!int ärger", "t:1:14: x: found the tag 'tag:yaml.org,2002:int', expected a value that fits it, or "
                                  "!!str, !!int, !!float, !!bool, !!null, !!binary, !!seq, !!map");
    expect ("%YAML 1.9\n--- 1\n", "t:1:1: found text that is not YAML: unsupport version number 1.9");
}

Test (yaml, one_document_is_one_document)
{
    expect ("", "nothing");
    expect ("# only a comment\n", "nothing");
    expect ("--- 1\n...\n", "1");
    expect ("1\n--- 2\n", "t:2:1: found a second document, expected one");
}

static const char *repeated (const char *before, const char *unit, size_t count, const char *behind)
{
    static char *text;
    size_t size = strlen (unit);
    text = realloc (text, strlen (before) + size * count + strlen (behind) + 1);
    char *at = stpcpy (text, before);
    for (size_t i = 0; i < count; i++)
        at = stpcpy (at, unit);
    strcpy (at, behind);
    return value_of (text);
}

Test (yaml, depth_is_bounded)
{
    cr_expect (strstr (repeated ("", "[", 28, "1]]]]]]]]]]]]]]]]]]]]]]]]]]]]"), "[[[[") != NULL);
    cr_expect_str_eq (repeated ("", "[", 29, "1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"),
                      "t:1:29: x: found a value nested deeper than 28 levels, expected fewer");
    cr_expect_str_eq (repeated ("", "[", 65, ""), "t:1:65: found a value nested deeper than 64 levels, expected fewer");
    cr_expect_str_eq (repeated ("", "- ", 1000000, ""),
                      "t:1:129: found a value nested deeper than 64 levels, expected fewer");
}

Test (yaml, numbers_of_things_are_bounded)
{
    cr_expect (strstr (repeated ("- &x 1\n", "- *x\n", 1001, ""), "found more than 1000 aliases") != NULL);
    cr_expect (strstr (repeated ("", "- &x 1\n", 1001, ""), "found more than 1000 anchors") != NULL);
    cr_expect (strstr (repeated ("[", "1,", 1000001, "]"), "found more than 1000000 values") != NULL);
    cr_expect (strstr (repeated ("[", "123456789,", 300000, "]"), "found more than 1048576 bytes") != NULL);
}

/* Any bytes may come: nothing crashes, and an error has a sentence. */
Test (yaml, strange_bytes_are_an_error_or_a_value)
{
    static const char seed_text[] =
        "%TAG !e! x:\n--- &a\n- {k: !!binary aGk=, \"q\\n\": *a}\n- |\n x\n- >+\n  y\n? z\n: 'w'\n# c\n";
    static const char marks[] = "{}[]&*!|>%@`'\"\\#-?:,. \n\t\r0a~<=";
    char text[sizeof seed_text];
    uint32_t seed = 1;
    for (int i = 0; i < 20000; i++) {
        memcpy (text, seed_text, sizeof text);
        for (int k = 0; k < 1 + i % 4; k++) {
            seed = seed * 1664525u + 1013904223u;
            text[seed % (sizeof text - 1)] = marks[(seed >> 16) % (sizeof marks - 1)];
        }
        cr_assert_neq (*value_of_bytes (text, sizeof text - 1 - seed % 8), '\0');
    }
}
