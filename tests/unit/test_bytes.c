/* Bytes, numbers, UTF-8, base64, wiping, comparing, and the words for errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#include "xmpp.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- numbers ---- */

static void big_endian(void **state)
{
    unsigned char b[4];

    (void)state;
    xmppi_put32(b, 0x01FE80FF);
    assert_memory_equal(b, "\x01\xFE\x80\xFF", 4);
    assert_true(xmppi_get32(b) == 0x01FE80FF);
}

static void decimal_numbers(void **state)
{
    static const struct { const char *text; uint32_t max; bool ok; uint32_t value; } t[] = {
        { "0", 0, true, 0 },                    { "1", 0, false, 0 },
        { "007", 9, true, 7 },                  { "4096", 0xFFFFFFFF, true, 4096 },
        { "65534", 65535, true, 65534 },        { "65535", 65535, true, 65535 },
        { "65536", 65535, false, 0 },           { "4294967294", 0xFFFFFFFF, true, 0xFFFFFFFE },
        { "4294967295", 0xFFFFFFFF, true, 0xFFFFFFFF }, { "4294967296", 0xFFFFFFFF, false, 0 },
        { "42949672950", 0xFFFFFFFF, false, 0 }, { "18446744073709551617", 0xFFFFFFFF, false, 0 },
        { "", 9, false, 0 },  { "-1", 99, false, 0 }, { "+1", 99, false, 0 },
        { " 1", 99, false, 0 }, { "1 ", 99, false, 0 }, { "1x", 99, false, 0 },
        { "\xB2", 99, false, 0 }, { "9", 8, false, 0 }
    };
    uint32_t v;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(t); i++) {
        v = 0;
        assert_true(xmppi_number(t[i].text, strlen(t[i].text), t[i].max, &v) == t[i].ok);
        if (t[i].ok)
            assert_true(v == t[i].value);
    }
}

/* ---- UTF-8 ---- */

static size_t utf8(uint32_t cp, char *out)     /* RFC 3629, of any number below 2^21 */
{
    size_t n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4, i;

    for (i = n - 1; i > 0; i--, cp >>= 6)
        out[i] = (char)(0x80 | (cp & 0x3F));
    out[0] = (char)(n == 1 ? cp : (0xF00u >> n & 0xFFu) | cp);
    return n;
}

static void utf8_every_character(void **state)
{
    char b[4];
    size_t n;
    uint32_t cp;

    (void)state;
    for (cp = 0; cp < 0x110400; cp++) {
        bool xml = cp == 9 || cp == 10 || cp == 13 || (cp >= 0x20 && cp < 0xD800)
                || (cp > 0xDFFF && cp < 0xFFFE) || (cp > 0xFFFF && cp < 0x110000);
        n = utf8(cp, b);
        if (xmpp_utf8_valid(b, n) != xml)
            fail_msg("U+%04lX", (unsigned long)cp);
        if (n > 1 && xmpp_utf8_valid(b, n - 1))
            fail_msg("U+%04lX cut", (unsigned long)cp);
    }
}

static void utf8_steps_give_the_character(void **state)
{
    static const uint32_t t[] = {
        0, 0x7F, 0x80, 0x7FF, 0x800, 0xFFF, 0x1000, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x3FFFF,
        0x40000, 0x10FFFF
    };
    uint32_t cp = 0;
    uint8_t need = 0;
    size_t i, k, n;
    char b[4];

    (void)state;
    for (i = 0; i < COUNT(t); i++) {
        n = utf8(t[i], b);
        for (k = 0; k < n; k++)
            assert_int_equal(xmppi_utf8_step(&cp, &need, (unsigned char)b[k]), k == n - 1);
        assert_true(cp == t[i]);
        assert_int_equal(need, 0);
    }
}

static void utf8_invalid(void **state)
{
    static const char *const t[] = {
        "\x80", "\xBF", "a\x80", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xC2\xC2", "\xC2\xC0",
        "\xE0\x80\x80", "\xE0\x9F\xBF", "\xE1\x80", "\xE1\x80\x41", "\xED\xA0\x80", "\xED\xBF\xBF",
        "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF", "\xF1\x80\x80", "\xF1\x80\x80\xC0",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xF8\x88\x80\x80\x80", "\xFC\x84\x80\x80\x80\x80",
        "\xFE", "\xFF",
        "\xEF\xBF\xBE", "\xEF\xBF\xBF", "\x01", "\x1F", "ok\x0B"
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(t); i++)
        if (xmpp_utf8_valid(t[i], strlen(t[i])))
            fail_msg("case %d", (int)i);
    assert_false(xmpp_utf8_valid("a\0b", 3));
}

static void utf8_errors_are_seen_at_the_second_byte(void **state)
{
    static const char *const t[] = { "\xE0\x9F", "\xED\xA0", "\xF0\x8F", "\xF4\x90", "\xC2\x7F" };
    uint32_t cp;
    uint8_t need;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(t); i++) {
        need = 0;
        assert_int_equal(xmppi_utf8_step(&cp, &need, (unsigned char)t[i][0]), 0);
        assert_int_equal(xmppi_utf8_step(&cp, &need, (unsigned char)t[i][1]), -1);
    }
}

static void utf8_valid(void **state)
{
    (void)state;
    assert_true(xmpp_utf8_valid("", 0));
    assert_true(xmpp_utf8_valid(NULL, 0));
    assert_true(xmpp_utf8_valid("tab\tlf\ncr\r del\x7F", 15));
    assert_true(xmpp_utf8_valid("\xC2\x80\xE2\x82\xAC\xF0\x9F\x98\x80z", 10));
}

/* ---- base64 ---- */

static const char *const vectors[][2] = {       /* RFC 4648 section 10 */
    { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
    { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" }
};

static void base64_vectors(void **state)
{
    char text[16];
    unsigned char raw[16];
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(vectors); i++) {
        size_t n = strlen(vectors[i][0]), m = strlen(vectors[i][1]);

        assert_int_equal(xmpp_base64_encode(vectors[i][0], n, text, sizeof text), m);
        assert_memory_equal(text, vectors[i][1], m);
        assert_int_equal(xmpp_base64_decode(vectors[i][1], m, raw, sizeof raw), n);
        assert_memory_equal(raw, vectors[i][0], n);
    }
}

static void base64_whole_alphabet(void **state)
{
    static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char raw[48];
    char text[64];

    (void)state;
    assert_int_equal(xmpp_base64_decode(all, 64, raw, sizeof raw), 48);
    assert_memory_equal(raw, "\x00\x10\x83\x10\x51\x87", 6);
    assert_int_equal(xmpp_base64_encode(raw, 48, text, sizeof text), 64);
    assert_memory_equal(text, all, 64);
}

static void base64_all_lengths_there_and_back(void **state)
{
    unsigned char in[100], raw[100];
    char text[136];
    size_t i, n;
    int m;

    (void)state;
    for (i = 0; i < sizeof in; i++)
        in[i] = (unsigned char)(i * 37 + 11);
    for (n = 0; n <= sizeof in; n++) {
        m = xmpp_base64_encode(in, n, text, sizeof text);
        assert_int_equal(m, (n + 2) / 3 * 4);
        assert_int_equal(xmpp_base64_decode(text, (size_t)m, raw, n), n);
        assert_memory_equal(raw, in, n);
        /* in place, both ways */
        assert_int_equal(xmpp_base64_decode(text, (size_t)m, text, sizeof text), n);
        assert_memory_equal(text, in, n);
        memmove(text + m - n, in, n);
        assert_int_equal(xmpp_base64_encode(text + m - n, n, text, (size_t)m), m);
        assert_int_equal(xmpp_base64_decode(text, (size_t)m, raw, n), n);
        assert_memory_equal(raw, in, n);
    }
}

static void base64_room(void **state)
{
    char text[9] = "........";
    unsigned char raw[4];

    (void)state;
    assert_int_equal(xmpp_base64_encode("foob", 4, text, 7), XMPP_E_TOO_LONG);
    assert_string_equal(text, "........");
    assert_int_equal(xmpp_base64_encode("foob", 4, text, 8), 8);
    assert_int_equal(xmpp_base64_encode("foob", 4, text, 9), 8);
    assert_int_equal(xmpp_base64_encode("f", 1, text, 3), XMPP_E_TOO_LONG);
    assert_int_equal(xmpp_base64_encode("f", 1, text, 0), XMPP_E_TOO_LONG);
    assert_int_equal(xmpp_base64_encode("f", SIZE_MAX, text, 8), XMPP_E_TOO_LONG);
    assert_int_equal(xmpp_base64_encode(NULL, 0, NULL, 0), 0);
    assert_int_equal(xmpp_base64_decode("Zm9vYg==", 8, raw, 3), XMPP_E_TOO_LONG);
    assert_int_equal(xmpp_base64_decode("Zm9vYg==", 8, raw, 4), 4);
    assert_int_equal(xmpp_base64_decode("Zg==", 4, raw, 0), XMPP_E_TOO_LONG);
    assert_int_equal(xmpp_base64_decode(NULL, 0, NULL, 0), 0);
}

static void base64_is_strict(void **state)
{
    static const char *const t[] = {
        "Z", "Zg", "Zg=", "Zm9", "Zm9vYg", "Zm9vYg=",           /* length */
        "=", "==", "====", "Z===", "=g==", "Z=g=", "Zg=v", "Zg==Zg==", "Zm9v=", "Zm9v====",
        "Zm9=Zm9v",
        "Zh==", "Zk==", "Zv==", "Zm+=", "Zm/=", "Zm5=",   /* padding bits */
        "Zm9v\n", "Zm9vYg==\n", " Zm9v", "Zm9 ", "Zm\n9vYg", "Zm9vY\n==",
        "Zm9-", "Zm9_", "Zm9.", "Zm9,", "Zm9@", "Zm9[", "Zm9`", "Zm9{", "Zm9:", "Zm9\x80", "Zm9\xFF"
    };
    unsigned char raw[16];
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(t); i++)
        if (xmpp_base64_decode(t[i], strlen(t[i]), raw, sizeof raw) != XMPP_E_ARG)
            fail_msg("%s", t[i]);
    assert_int_equal(xmpp_base64_decode("Zm9\0", 4, raw, sizeof raw), XMPP_E_ARG);
}

/* ---- secrets ---- */

static void wipe_zeroes_exactly(void **state)
{
    unsigned char b[8];

    (void)state;
    memset(b, 0xAA, sizeof b);
    xmpp_wipe(b + 1, 0);
    xmpp_wipe(b + 1, 6);
    assert_memory_equal(b, "\xAA\0\0\0\0\0\0\xAA", 8);
}

static void same_looks_at_every_bit(void **state)
{
    unsigned char a[20], b[20];
    size_t bit;

    (void)state;
    memset(a, 0x5A, sizeof a);
    memcpy(b, a, sizeof b);
    assert_true(xmpp_same(a, b, sizeof a));
    assert_true(xmpp_same(a, b, 0));
    for (bit = 0; bit < sizeof a * 8; bit++) {
        b[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_false(xmpp_same(a, b, sizeof a));
        assert_true(xmpp_same(a, b, bit / 8));
        b[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
}

/* ---- errors ---- */

static void errors_have_words(void **state)
{
    int e;

    (void)state;
    assert_string_equal(xmpp_errname(XMPP_OK), "XMPP_OK");
    assert_string_equal(xmpp_strerror(XMPP_OK), "no error");
#define XMPPI_X(name, code, words)                                                                 \
    assert_string_equal(xmpp_errname(code), "XMPP_E_" #name);                                      \
    assert_string_equal(xmpp_strerror(XMPP_E_##name), words);
    XMPP_ERRORS(XMPPI_X)
#undef XMPPI_X
    for (e = -300; e < 300; e++) {
        assert_true(xmpp_strerror(e)[0] != 0);
        assert_true(strncmp(xmpp_errname(e), "XMPP_", 5) == 0);
    }
    assert_string_equal(xmpp_strerror(1), "unknown error");
    assert_string_equal(xmpp_errname(XMPPI_E_END), "XMPP_E_?");
    assert_string_equal(xmpp_errname(XMPP_E_FULL - 256), "XMPP_E_?");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(big_endian),
        cmocka_unit_test(decimal_numbers),
        cmocka_unit_test(utf8_every_character),
        cmocka_unit_test(utf8_steps_give_the_character),
        cmocka_unit_test(utf8_invalid),
        cmocka_unit_test(utf8_errors_are_seen_at_the_second_byte),
        cmocka_unit_test(utf8_valid),
        cmocka_unit_test(base64_vectors),
        cmocka_unit_test(base64_whole_alphabet),
        cmocka_unit_test(base64_all_lengths_there_and_back),
        cmocka_unit_test(base64_room),
        cmocka_unit_test(base64_is_strict),
        cmocka_unit_test(wipe_zeroes_exactly),
        cmocka_unit_test(same_looks_at_every_bit),
        cmocka_unit_test(errors_have_words)
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
