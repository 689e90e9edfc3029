/* JIDs (RFC 7622) and their URIs (RFC 5122). */
#define XMPP_IMPLEMENTATION
#include "xmpp.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#ifdef XMPP_FAR             /* their functions are on another machine: tests/ports/avr */
#include XMPP_FAR
#endif

static char big[4200];

/* A copy without anything behind it, so that a read past the end is noticed. */
static int parse_exact(const char *text, size_t n)
{
    xmpp_jid j;
    char *copy = (char *)malloc(n > 0 ? n : 1);
    int r;
    assert_non_null(copy);
    memcpy(copy, text, n);
    r = xmpp_jid_parse_n(&j, copy, n);
    if (r == XMPP_OK) {
        assert_in_range(j.domain_n, 1, 1023);
        assert_true(j.domain >= copy && j.domain + j.domain_n <= copy + n);
        assert_int_equal(j.local != NULL, j.local_n != 0);
        assert_int_equal(j.resource != NULL, j.resource_n != 0);
    }
    free(copy);
    return r;
}

static bool valid(const char *text)
{
    xmpp_jid j;
    int r = xmpp_jid_parse(&j, text);
    assert_int_equal(parse_exact(text, strlen(text)), r);
    assert_true(r == XMPP_OK || r == XMPP_E_JID);
    return r == XMPP_OK;
}

static void splits_as(const char *text, const char *local, const char *domain, const char *resource)
{
    xmpp_jid j;
    char back[512];
    assert_int_equal(xmpp_jid_parse(&j, text), XMPP_OK);
    assert_int_equal(j.local_n, local != NULL ? strlen(local) : 0);
    assert_int_equal(j.domain_n, strlen(domain));
    assert_int_equal(j.resource_n, resource != NULL ? strlen(resource) : 0);
    if (local != NULL)
        assert_memory_equal(j.local, local, j.local_n);
    else
        assert_null(j.local);
    assert_memory_equal(j.domain, domain, j.domain_n);
    if (resource != NULL)
        assert_memory_equal(j.resource, resource, j.resource_n);
    else
        assert_null(j.resource);
    assert_int_equal(xmpp_jid_format(&j, false, back, sizeof back), strlen(text));
    assert_string_equal(back, text);
}

/* RFC 7622 section 3.5, table 1. */
static void test_rfc_valid(void **state)
{
    (void)state;
    splits_as("juliet@example.com", "juliet", "example.com", NULL);
    splits_as("juliet@example.com/foo", "juliet", "example.com", "foo");
    splits_as("juliet@example.com/foo bar", "juliet", "example.com", "foo bar");
    splits_as("juliet@example.com/foo@bar", "juliet", "example.com", "foo@bar");
    splits_as("foo\\20bar@example.com", "foo\\20bar", "example.com", NULL);
    splits_as("fussball@example.com", "fussball", "example.com", NULL);
    splits_as("fu\xc3\x9f"
              "ball@example.com",
              "fu\xc3\x9f"
              "ball",
              "example.com", NULL);
    splits_as("\xcf\x80@example.com", "\xcf\x80", "example.com", NULL);
    splits_as("\xce\xa3@example.com/foo", "\xce\xa3", "example.com",
              "foo"); /* kept: no tables of Unicode */
    splits_as("\xcf\x83@example.com/foo", "\xcf\x83", "example.com", "foo");
    splits_as("\xcf\x82@example.com/foo", "\xcf\x82", "example.com", "foo");
    splits_as("king@example.com/\xe2\x99\x9a", "king", "example.com", "\xe2\x99\x9a");
    splits_as("example.com", NULL, "example.com", NULL);
    splits_as("example.com/foobar", NULL, "example.com", "foobar");
    splits_as("a.example.com/b@example.net", NULL, "a.example.com", "b@example.net");
}

/* Table 2. Not refused are its examples 20 and 21 (tables of Unicode would be needed) and 18, a
   resource that starts with a space: OpaqueString, which section 3.4 asks for, allows it. */
static void test_rfc_invalid(void **state)
{
    (void)state;
    assert_false(valid("\"juliet\"@example.com"));
    assert_false(valid("foo bar@example.com"));
    assert_false(valid("@example.com/"));
    assert_false(valid("juliet@"));
    assert_false(valid("/foobar"));
    assert_true(valid("juliet@example.com/ foo"));
    assert_true(valid("henry\xe2\x85\xa3@example.com"));
    assert_true(valid("\xe2\x99\x9a@example.com"));
}

static void test_order_of_separators(void **state)
{
    (void)state;
    splits_as("a@b/c@d/e", "a", "b", "c@d/e");
    splits_as("b/c@d", NULL, "b", "c@d");
    splits_as("a@b//", "a", "b", "/");
    splits_as("a@b/@", "a", "b", "@");
    assert_false(valid("a@b@c"));
    assert_false(valid("a@b@c/d"));
    assert_false(valid(""));
    assert_false(valid("@"));
    assert_false(valid("/"));
    assert_false(valid("@/"));
    assert_false(valid("a@/b"));
    assert_false(valid("a@b/"));
    assert_false(valid("b/"));
    assert_false(valid("@b"));
}

static void test_null_and_nul(void **state)
{
    xmpp_jid j;
    (void)state;
    assert_int_equal(xmpp_jid_parse(&j, NULL), XMPP_E_JID);
    assert_int_equal(xmpp_jid_parse_n(&j, NULL, 0), XMPP_E_JID);
    assert_null(j.domain);
    assert_int_equal(parse_exact("a\0b@c", 5), XMPP_E_JID);
    assert_int_equal(parse_exact("a@b\0", 4), XMPP_E_JID);
    assert_int_equal(parse_exact("a@b/c\0d", 7), XMPP_E_JID);
    assert_int_equal(parse_exact("a@b/cd", 5), XMPP_OK);
}

static void test_forbidden_in_local(void **state)
{
    char text[] = "a?b@example.org";
    unsigned c;
    (void)state;
    for (c = 1; c < 0x80; c++) {
        text[1] = (char)c;
        if (c != '/') /* then "a" is the domain */
            assert_int_equal(valid(text),
                             c > ' ' && c != 0x7f && strchr("\"&':<>@", (int)c) == NULL);
    }
}

static void test_characters_of_domain(void **state)
{
    char text[] = "u@a?b";
    unsigned c;
    (void)state;
    for (c = 1; c < 0x80; c++) {
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '-' || c == '.' || c == '/';
        text[3] = (char)c;
        assert_int_equal(valid(text), good);
    }
}

static void test_characters_of_resource(void **state)
{
    char text[] = "u@a/x?y";
    unsigned c;
    (void)state;
    for (c = 1; c < 0x80; c++) {
        text[5] = (char)c;
        assert_int_equal(valid(text), c >= ' ' && c != 0x7f);
    }
}

static void test_utf8(void **state)
{
    static const char *const bad[] = {
        "\x80", "\xc3",         "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
        "\xff", "\xef\xbf\xbe", "\xc2\x80", "\xc2\x85",     "\xc2\x9f"};
    static const char *const good[] = {"\xc2\xa0", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    char text[32];
    size_t i;
    (void)state;
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(text, sizeof text, "u%s@d", bad[i]);
        assert_false(valid(text));
        snprintf(text, sizeof text, "u@d%s", bad[i]);
        assert_false(valid(text));
        snprintf(text, sizeof text, "u@d/r%s", bad[i]);
        assert_false(valid(text));
    }
    for (i = 0; i < sizeof good / sizeof good[0]; i++) {
        snprintf(text, sizeof text, "u%s@d", good[i]);
        assert_true(valid(text));
        snprintf(text, sizeof text, "u@d%s", good[i]);
        assert_true(valid(text));
        snprintf(text, sizeof text, "u@d/r%s", good[i]);
        assert_true(valid(text));
    }
}

static void test_lengths(void **state)
{
    size_t n, i;
    (void)state;
    for (n = 1022; n <= 1024; n++) {
        memset(big, 'a', n); /* local */
        strcpy(big + n, "@example.org/r");
        assert_int_equal(valid(big), n <= 1023);
        strcpy(big, "u@example.org/"); /* resource */
        memset(big + 14, 'r', n);
        big[14 + n] = '\0';
        assert_int_equal(valid(big), n <= 1023);
        strcpy(big, "u@"); /* domain */
        for (i = 0; i < n; i++)
            big[2 + i] = i % 62 == 61 ? '.' : 'd';
        strcpy(big + 2 + n, "/r");
        assert_int_equal(valid(big), n <= 1023);
        big[2 + n] = '.'; /* a trailing dot does not count */
        big[2 + n + 1] = '\0';
        assert_int_equal(valid(big), n <= 1023);
    }
}

/* Lengths that would fit when cut to 16 bits. */
static void test_lengths_do_not_wrap(void **state)
{
    const size_t n = 65536 + 3;
    char *huge = (char *)malloc(n);
    (void)state;
    assert_non_null(huge);
    memset(huge, 'a', n);
    memcpy(huge, "d/", 2);
    assert_int_equal(parse_exact(huge, n), XMPP_E_JID);
    huge[1] = '@';
    assert_int_equal(parse_exact(huge, n), XMPP_E_JID);
    memset(huge, 'a', n);
    memcpy(huge + n - 2, "@d", 2);
    assert_int_equal(parse_exact(huge, n), XMPP_E_JID);
    free(huge);
}

static void test_labels(void **state)
{
    size_t n;
    (void)state;
    for (n = 62; n <= 64; n++) {
        memset(big, 'a', n);
        strcpy(big + n, ".org");
        assert_int_equal(valid(big), n <= 63);
        memcpy(big, "org.", 4);
        memset(big + 4, 'a', n);
        big[4 + n] = '\0';
        assert_int_equal(valid(big), n <= 63);
    }
    memset(big, 0, sizeof big);
    for (n = 0; n < 60; n++)
        strcat(big, "\xc3\xa9"); /* 120 bytes, but not that many when encoded */
    assert_true(valid(big));
    assert_true(valid("a-b.c--d"));
    assert_true(valid("xn--bcher-kva.example"));
    assert_true(valid("a.b."));
    assert_true(valid("localhost"));
    assert_true(valid("3com.example"));
    assert_false(valid("."));
    assert_false(valid("u@."));
    assert_false(valid("a.."));
    assert_false(valid("a..b"));
    assert_false(valid(".a"));
    assert_false(valid("-a"));
    assert_false(valid("a-"));
    assert_false(valid("a-."));
    assert_false(valid("a-.b"));
    assert_false(valid("a.-b"));
    assert_false(valid("a_b.example"));
    assert_false(valid("a b"));
    assert_false(valid("example.org:5222"));
}

static void test_ipv4(void **state)
{
    (void)state;
    assert_true(valid("u@127.0.0.1"));
    assert_true(valid("u@255.255.255.255/r"));
    assert_true(valid("u@0.0.0.0"));
    assert_true(valid("u@10.0.0.1."));
    assert_true(valid("u@1.2.3.4.in-addr.example"));
    assert_false(valid("u@256.0.0.1"));
    assert_false(valid("u@1.2.3.256"));
    assert_false(valid("u@1.2.3"));
    assert_false(valid("u@1.2.3.4.5"));
    assert_false(valid("u@01.2.3.4"));
    assert_false(valid("u@1.2.3.00"));
    assert_false(valid("u@1.2.3.4294967297"));
    assert_false(valid("u@1234"));
}

static void test_ipv6(void **state)
{
    static const char *const good[] = {"::",
                                       "::1",
                                       "1::",
                                       "1::2",
                                       "2001:db8::7",
                                       "1:2:3:4:5:6:7:8",
                                       "1:2:3:4:5:6:7::",
                                       "::2:3:4:5:6:7:8",
                                       "1:2:3::5:6:7:8",
                                       "::ffff:192.0.2.1",
                                       "1:2:3:4:5:6:1.2.3.4",
                                       "1::1.2.3.4",
                                       "::1.2.3.4",
                                       "ABCD:ef01::",
                                       "fe80::1",
                                       "0000::0"};
    static const char *const bad[] = {"",
                                      ":",
                                      ":::",
                                      "1",
                                      "1:",
                                      ":1",
                                      "1:2:3:4:5:6:7",
                                      "1:2:3:4:5:6:7:8:9",
                                      "1:2:3:4:5:6:7:8::",
                                      "::1:2:3:4:5:6:7:8",
                                      "1::2::3",
                                      "1:::2",
                                      "12345::",
                                      "::12345",
                                      "g::",
                                      "::1.2.3",
                                      "::1.2.3.256",
                                      "::1.2.3.4:5",
                                      "1.2.3.4",
                                      "1:2:3:4:5:6:7:1.2.3.4",
                                      "1:2:3:4:5::6:7.8.9.1.2",
                                      "fe80::1%eth0",
                                      "::1 ",
                                      " ::1",
                                      "[::1]",
                                      "::1]",
                                      "v1.x"};
    char text[80];
    size_t i;
    (void)state;
    for (i = 0; i < sizeof good / sizeof good[0]; i++) {
        snprintf(text, sizeof text, "u@[%s]/r", good[i]);
        assert_true(valid(text));
    }
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(text, sizeof text, "u@[%s]", bad[i]);
        assert_false(valid(text));
    }
    assert_false(valid("["));
    assert_false(valid("[]"));
    assert_false(valid("[::1"));
    assert_false(valid("::1"));
    assert_false(valid("[::1]x"));
    assert_false(valid("[::1].example"));
}

static void test_normalise(void **state)
{
    char out[64];
    (void)state;
    assert_int_equal(xmpp_jid_normalise("JULIET@Example.COM./Balcony", out, sizeof out), 26);
    assert_string_equal(out, "juliet@example.com/Balcony");
    assert_int_equal(xmpp_jid_normalise("[2001:DB8::A]", out, sizeof out), 13);
    assert_string_equal(out, "[2001:db8::a]");
    assert_int_equal(xmpp_jid_normalise("\xc3\x89@\xc3\x89X", out, sizeof out), 6);
    assert_string_equal(out, "\xc3\x89@\xc3\x89x");
    strcpy(out, "A@B./C"); /* in place */
    assert_int_equal(xmpp_jid_normalise(out, out, sizeof out), 5);
    assert_string_equal(out, "a@b/C");
    assert_int_equal(xmpp_jid_normalise("a@@b", out, sizeof out), XMPP_E_JID);
    assert_string_equal(out, "");
    assert_int_equal(xmpp_jid_normalise(NULL, out, 0), XMPP_E_JID);
}

static void test_format_bounds(void **state)
{
    xmpp_jid j;
    char out[16];
    (void)state;
    assert_int_equal(xmpp_jid_parse(&j, "Ab@Cd/Ef"), XMPP_OK); /* 8 and a NUL */
    memset(out, '?', sizeof out);
    assert_int_equal(xmpp_jid_format(&j, false, out, 8), XMPP_E_TOO_LONG);
    assert_memory_equal(out, "\0???????????????", 16);
    assert_int_equal(xmpp_jid_format(&j, false, out, 9), 8);
    assert_memory_equal(out, "ab@cd/Ef\0???????", 16);
    assert_int_equal(xmpp_jid_format(&j, false, out, 10), 8);
    memset(out, '?', sizeof out);
    assert_int_equal(xmpp_jid_format(&j, true, out, 5), XMPP_E_TOO_LONG);
    assert_int_equal(xmpp_jid_format(&j, true, out, 6), 5);
    assert_string_equal(out, "ab@cd");
    memset(out, '?', sizeof out);
    assert_int_equal(xmpp_jid_format(&j, true, out, 0), XMPP_E_TOO_LONG);
    assert_int_equal(out[0], '?');
    j.local = NULL; /* the server of somebody */
    j.local_n = 0;
    assert_int_equal(xmpp_jid_format(&j, true, out, sizeof out), 2);
    assert_string_equal(out, "cd");
    j.resource = "other";
    j.resource_n = 5;
    assert_int_equal(xmpp_jid_format(&j, false, out, sizeof out), 8);
    assert_string_equal(out, "cd/other");
}

static void test_equal(void **state)
{
    (void)state;
    assert_true(xmpp_jid_equal("Romeo@Example.NET/Orchard", "romeo@example.net./Orchard", false));
    assert_false(xmpp_jid_equal("romeo@example.net/Orchard", "romeo@example.net/orchard", false));
    assert_true(xmpp_jid_equal("romeo@example.net/a", "ROMEO@example.net/b", true));
    assert_true(xmpp_jid_equal("romeo@example.net", "romeo@example.net/b", true));
    assert_false(xmpp_jid_equal("romeo@example.net", "romeo@example.net/b", false));
    assert_false(xmpp_jid_equal("romeo@example.net/b", "romeo@example.net", false));
    assert_false(xmpp_jid_equal("romeo@example.net", "romeo@example.net.evil.example", true));
    assert_false(xmpp_jid_equal("romeo@example.net.evil.example", "romeo@example.net", true));
    assert_false(xmpp_jid_equal("example.net", "romeo@example.net", true));
    assert_false(xmpp_jid_equal("example.net/romeo@example.net", "romeo@example.net", true));
    assert_false(
        xmpp_jid_equal("a[@d", "a{@d", true)); /* differ by the bit of case, but are no letters */
    assert_false(xmpp_jid_equal("a^@d", "a~@d", true));
    assert_true(xmpp_jid_equal("example.net", "EXAMPLE.net.", false));
    assert_false(xmpp_jid_equal("a@@b", "a@@b", false));
    assert_false(xmpp_jid_equal("", "", true));
    assert_false(xmpp_jid_equal(NULL, "a@b", true));
    assert_false(xmpp_jid_equal("a@b", NULL, true));
}

/* jid NULL: refused with error. */
static void uri_gives(const char *uri, const char *jid, const char *query)
{
    char out[128];
    const char *q = "?";
    size_t q_n = 99;
    int r = xmpp_uri_parse(uri, out, sizeof out, &q, &q_n);
    if (jid == NULL) {
        assert_int_equal(r, XMPP_E_JID);
        assert_string_equal(out, "");
        return;
    }
    assert_string_equal(out, jid);
    assert_int_equal(r, strlen(jid));
    if (query == NULL) {
        assert_null(q);
        assert_int_equal(q_n, 0);
    } else {
        assert_int_equal(q_n, strlen(query));
        assert_memory_equal(q, query, q_n);
    }
}

static void test_uri_parse(void **state)
{
    (void)state;
    uri_gives("xmpp:node@example.com", "node@example.com", NULL);
    uri_gives("XMPP:Node@EXAMPLE.com/Res", "node@example.com/Res", NULL);
    uri_gives("xmpp:example.com", "example.com", NULL);
    uri_gives("xmpp:example-node@example.com/some-resource",
              "example-node@example.com/some-resource", NULL);
    uri_gives("xmpp://guest@example.com/support@example.com?message", "support@example.com",
              "message");
    uri_gives("xmpp://guest@example.com/support@example.com/a/b", "support@example.com/a/b", NULL);
    uri_gives("xmpp:support@example.com?message;subject=Hello%20World", "support@example.com",
              "message;subject=Hello%20World");
    uri_gives("xmpp:a@b#frag", "a@b", NULL);
    uri_gives("xmpp:a@b?join#frag?x", "a@b", "join");
    uri_gives("xmpp:a@b?", "a@b", "");
    uri_gives("xmpp:a@b/c?d/e@f?g", "a@b/c", "d/e@f?g");
    uri_gives("xmpp:[::1]/r", "[::1]/r", NULL);
    /* RFC 5122 section 2.7 */
    uri_gives("xmpp:nasty!%23$%25()*+,-.;=%3F%5B%5C%5D%5E_%60%7B%7C%7D~node@example.com",
              "nasty!#$%()*+,-.;=?[\\]^_`{|}~node@example.com", NULL);
    uri_gives(
        "xmpp:node@example.com/"
        "repulsive%20!%23%22$%25&'()*+,-.%2F:;%3C=%3E%3F%40%5B%5C%5D%5E_%60%7B%7C%7D~resource",
        "node@example.com/repulsive !#\"$%&'()*+,-./:;<=>?@[\\]^_`{|}~resource", NULL);
    uri_gives("xmpp:ji%C5%99i@%C4%8Dechy.example/v%20Praze",
              "ji\xc5\x99i@\xc4\x8d"
              "echy.example/v Praze",
              NULL);
    assert_int_equal(xmpp_uri_parse("xmpp:a@b?x", big, sizeof big, NULL, NULL), 3);
}

static void test_uri_hostile(void **state)
{
    static const char *const bad[] = {
        "", "xmpp", "xmpp:", "xmp:a@b", "http://a@b", " xmpp:a@b", "xmpp:?message", "xmpp:#x",
        "xmpp:/", "xmpp:@b", "xmpp:a@", "xmpp:a@b/", "xmpp://", "xmpp:///", "xmpp://a@b",
        "xmpp://a@b/", "xmpp://a@b?message", "xmpp://a@b/?message",
        /* escapes that would move the borders of the parts */
        "xmpp:admin%40bank.example@evil.example", "xmpp:a%2Fb@example.com",
        "xmpp:bank.example%2Fx@evil.example", "xmpp:a@bank.example%2F.evil.example", "xmpp:a%40b",
        "xmpp:a%40b/c", "xmpp:a@b%2Fc", "xmpp:a@b%2fc/d", "xmpp:a@b%40c",
        /* bad escapes, controls, bad UTF-8 */
        "xmpp:a%@b", "xmpp:a%4@b", "xmpp:a%zz@b", "xmpp:a@b/%", "xmpp:a@b/%4", "xmpp:a@b/%\xffz",
        "xmpp:a%00@b", "xmpp:a@b/%00", "xmpp:a@b/%0a", "xmpp:a@b/%0D%0A", "xmpp:a@b/%7F",
        "xmpp:a@b/%FF", "xmpp:a@b/%C0%AF", "xmpp:a@b/%C3", "xmpp:a@b/%C2%85", "xmpp:a@b/%ED%A0%80",
        "xmpp:a@b/c d", "xmpp:a@b/\n", "xmpp:a@b/\"", "xmpp:a@b/<x>", "xmpp:a%20b@c",
        "xmpp:/a", "xmpp:a@b/x>", "xmpp:a@b/\x7f", "xmpp:a%-0@b", "xmpp:a@b/%0/", "xmpp:a@b/%:0", "xmpp:a@b/%G0", "xmpp:a@b/%`0",
        "xmpp:a%22b@c", "xmpp:a%26b@c", "xmpp:a%27b@c", "xmpp:a%3Ab@c", "xmpp:a@-b", "xmpp:a@b_c"};
    size_t i;
    (void)state;
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
        uri_gives(bad[i], NULL, NULL);
}

static void test_uri_parse_bounds(void **state)
{
    char out[8];
    (void)state;
    memset(out, '?', sizeof out);
    assert_int_equal(xmpp_uri_parse("xmpp:a@b/c%20", out, 6, NULL, NULL), XMPP_E_TOO_LONG);
    assert_string_equal(out, "");
    assert_int_equal(out[6], '?');
    assert_int_equal(xmpp_uri_parse("xmpp:a@b/c%20", out, 7, NULL, NULL), 6);
    assert_string_equal(out, "a@b/c ");
    assert_int_equal(xmpp_uri_parse("xmpp:a@b/c%20", out, 8, NULL, NULL), 6);
    out[0] = '?';
    assert_int_equal(xmpp_uri_parse("xmpp:a@b", out, 0, NULL, NULL), XMPP_E_TOO_LONG);
    assert_int_equal(out[0], '?');
}

static int value(const char *query, const char *key, char *out, size_t cap)
{
    size_t n = strlen(query);
    char *copy = (char *)malloc(n > 0 ? n : 1);
    int r;
    assert_non_null(copy);
    memcpy(copy, query, n);
    r = xmpp_uri_value(copy, n, key, out, cap);
    free(copy);
    return r;
}

static void test_uri_value(void **state)
{
    static const char query[] = "message;subject=hi%20there;body=a%3Bb%0Ac;empty=;body=second;x";
    char out[16];
    (void)state;
    assert_int_equal(value(query, "subject", out, sizeof out), 8);
    assert_string_equal(out, "hi there");
    assert_int_equal(value(query, "body", out, sizeof out), 5);
    assert_string_equal(out, "a;b\nc");
    assert_int_equal(value(query, "empty", out, sizeof out), 0);
    assert_string_equal(out, "");
    assert_int_equal(value(query, "x", out, sizeof out), XMPP_E_ARG);
    assert_int_equal(value(query, "message", out, sizeof out), XMPP_E_ARG);
    assert_int_equal(value(query, "bod", out, sizeof out), XMPP_E_ARG);
    assert_int_equal(value(query, "bodyy", out, sizeof out), XMPP_E_ARG);
    assert_int_equal(value("subject=x", "subject", out, sizeof out),
                     XMPP_E_ARG); /* that is the type */
    assert_int_equal(value("", "a", out, sizeof out), XMPP_E_ARG);
    assert_int_equal(value(";a=b", "a", out, sizeof out), 1);
    assert_int_equal(value(";a=b", "a", out, 1), XMPP_E_TOO_LONG);
    assert_string_equal(out, "");
    assert_int_equal(value(";a=b", "a", out, 2), 1);
    assert_int_equal(value(";a=%41", "a", out, 2), 1);
    assert_string_equal(out, "A");
    assert_int_equal(value(";a=", "a", out, 0), XMPP_E_TOO_LONG);
    assert_int_equal(value(";a=%4", "a", out, sizeof out), XMPP_E_XML_UTF8);
    assert_int_equal(value(";a=%", "a", out, sizeof out), XMPP_E_XML_UTF8);
    assert_int_equal(value(";a=%00", "a", out, sizeof out), XMPP_E_XML_UTF8);
    assert_int_equal(value(";a=x%FFx", "a", out, sizeof out), XMPP_E_XML_UTF8);
    assert_string_equal(out, "");
    assert_int_equal(value(";a=%1B", "a", out, sizeof out), XMPP_E_XML_UTF8);
}

static void test_uri_format(void **state)
{
    static const char *const back[] = {
        "a@b",
        "example.com",
        "a@b/c",
        "nasty!#$%()*+,-.;=?[\\]^_`{|}~node@example.com",
        "node@example.com/repulsive !#\"$%&'()*+,-./:;<=>?@[\\]^_`{|}~resource",
        "ji\xc5\x99i@\xc4\x8dx.example/v Praze",
        "u@[2001:db8::1]/r"};
    char uri[256], jid[256];
    size_t i;
    int n;
    (void)state;
    assert_int_equal(xmpp_uri_format("JI\xc5\x99@Example.com./A b?", uri, sizeof uri), 34);
    assert_string_equal(uri, "xmpp:ji%C5%99@example.com/A%20b%3F");
    for (i = 0; i < sizeof back / sizeof back[0]; i++) {
        n = xmpp_uri_format(back[i], uri, sizeof uri);
        assert_int_equal(n, strlen(uri));
        assert_int_equal(xmpp_uri_parse(uri, jid, sizeof jid, NULL, NULL), strlen(back[i]));
        assert_string_equal(jid, back[i]);
    }
    assert_int_equal(xmpp_uri_format("a@@b", uri, sizeof uri), XMPP_E_JID);
    assert_string_equal(uri, "");
}

static void test_uri_format_bounds(void **state)
{
    static const char full[] = "xmpp:a@b/%C3%A9c";
    char out[32];
    size_t cap;
    (void)state;
    for (cap = 0; cap < sizeof out; cap++) {
        int r;
        memset(out, '?', sizeof out);
        r = xmpp_uri_format("A@B/\xc3\xa9"
                            "c",
                            out, cap);
        assert_int_equal(r, cap >= sizeof full ? (int)sizeof full - 1 : XMPP_E_TOO_LONG);
        assert_int_equal(out[cap], '?');
        if (cap >= sizeof full)
            assert_string_equal(out, full);
        else if (cap > 0)
            assert_string_equal(out, "");
    }
}

static void test_uri_null(void **state)
{
    char out[16];

    (void)state;
    assert_int_equal(xmpp_uri_parse(NULL, out, sizeof out, NULL, NULL), XMPP_E_JID);
    assert_int_equal(xmpp_uri_value("a;b=c", 5, NULL, out, sizeof out), XMPP_E_ARG);
    assert_int_equal(xmpp_uri_value(NULL, 0, "b", out, sizeof out), XMPP_E_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rfc_valid),
                                       cmocka_unit_test(test_uri_null),
                                       cmocka_unit_test(test_rfc_invalid),
                                       cmocka_unit_test(test_order_of_separators),
                                       cmocka_unit_test(test_null_and_nul),
                                       cmocka_unit_test(test_forbidden_in_local),
                                       cmocka_unit_test(test_characters_of_domain),
                                       cmocka_unit_test(test_characters_of_resource),
                                       cmocka_unit_test(test_utf8),
                                       cmocka_unit_test(test_lengths),
                                       cmocka_unit_test(test_lengths_do_not_wrap),
                                       cmocka_unit_test(test_labels),
                                       cmocka_unit_test(test_ipv4),
                                       cmocka_unit_test(test_ipv6),
                                       cmocka_unit_test(test_normalise),
                                       cmocka_unit_test(test_format_bounds),
                                       cmocka_unit_test(test_equal),
                                       cmocka_unit_test(test_uri_parse),
                                       cmocka_unit_test(test_uri_hostile),
                                       cmocka_unit_test(test_uri_parse_bounds),
                                       cmocka_unit_test(test_uri_value),
                                       cmocka_unit_test(test_uri_format),
                                       cmocka_unit_test(test_uri_format_bounds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
