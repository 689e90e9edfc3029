/* The writer and its templates. */

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#include "xmpp.h"

static char buffer[4096];
static xmpp_writer w;

static void begin(void)
{
    memset(buffer, '#', sizeof buffer);
    xmpp_w_init(&w, buffer, sizeof buffer);
}

static void ends_as(const char *want)
{
    assert_int_equal(xmpp_w_end(&w), XMPP_OK);
    assert_string_equal(buffer, want);
    assert_int_equal(w.len, strlen(want));
}

static void fails_as(int error)
{
    assert_int_equal(xmpp_w_end(&w), error);
    assert_int_equal(w.error, error);
}

/* ---- calls ---- */

static void writes_elements(void **state)
{
    (void)state;
    begin();
    xmpp_w_open(&w, "message", "jabber:client");
    xmpp_w_attr(&w, "to", "a@b");
    xmpp_w_attr(&w, "id", NULL);
    xmpp_w_attr(&w, "xml:lang", "");
    xmpp_w_leaf(&w, "body", NULL, "hi");
    xmpp_w_leaf(&w, "none", NULL, NULL);
    xmpp_w_leaf(&w, "x", "some:where", "");
    xmpp_w_open(&w, "y", NULL);
    xmpp_w_open(&w, "z", NULL);
    xmpp_w_close(&w);
    xmpp_w_text(&w, "1");
    xmpp_w_text(&w, NULL);
    xmpp_w_text_n(&w, "234", 2);
    xmpp_w_close(&w);
    xmpp_w_close(&w);
    ends_as("<message xmlns='jabber:client' to='a@b' xml:lang=''><body>hi</body><x xmlns='some:where'/>"
            "<y><z/>123</y></message>");
    begin();
    xmpp_w_open(&w, "a:b-c.d_1", "");
    xmpp_w_text(&w, "");
    xmpp_w_close(&w);
    xmpp_w_leaf(&w, "\xC3\xA9", NULL, "x");
    ends_as("<a:b-c.d_1 xmlns=''/><\xC3\xA9>x</\xC3\xA9>");
    begin();
    ends_as("");
}

static void escapes_values(void **state)
{
    (void)state;
    begin();
    xmpp_w_open(&w, "a", "<u>");
    xmpp_w_attr(&w, "b", "&<>'\"\t\n\r \xF0\x9F\x98\x80\x7F");
    xmpp_w_text(&w, "&<>'\"\t\n\r ]]>\xC3\xA9");
    xmpp_w_close(&w);
    ends_as("<a xmlns='&lt;u&gt;' b='&amp;&lt;&gt;&apos;&quot;&#9;&#10;&#13; \xF0\x9F\x98\x80\x7F'>"
            "&amp;&lt;&gt;&apos;&quot;\t\n&#13; ]]&gt;\xC3\xA9</a>");
}

static void checks_values(void **state)
{
    static const struct { const char *value; size_t n; int error; } t[] = {
        { "\x01", 1, XMPP_E_XML_CHAR }, { "x\0y", 3, XMPP_E_XML_CHAR }, { "\x1F", 1, XMPP_E_XML_CHAR },
        { "\xEF\xBF\xBE", 3, XMPP_E_XML_CHAR }, { "\xEF\xBF\xBF", 3, XMPP_E_XML_CHAR }, { "\xEF\xBF\xBD", 3, XMPP_OK },
        { "\x80", 1, XMPP_E_XML_UTF8 }, { "\xC3", 1, XMPP_E_XML_UTF8 }, { "\xC3x", 2, XMPP_E_XML_UTF8 },
        { "\xC0\x80", 2, XMPP_E_XML_UTF8 }, { "\xED\xA0\x80", 3, XMPP_E_XML_UTF8 }, { "x\xE2\x82", 3, XMPP_E_XML_UTF8 },
        { "\xC3\xA9", 1, XMPP_E_XML_UTF8 }, { "\xC3\xA9", 2, XMPP_OK }
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof t[0]; i++) {
        begin();
        xmpp_w_text_n(&w, t[i].value, t[i].n);
        fails_as(t[i].error);
        begin();
        xmpp_w_open(&w, "a", NULL);
        if (strlen(t[i].value) == t[i].n) {
            xmpp_w_attr(&w, "b", t[i].value);
            xmpp_w_close(&w);
            fails_as(t[i].error);
        }
    }
}

static void checks_names(void **state)
{
    static const char *const bad[] = {
        "", "1a", "-a", ".a", "a b", "a'", "a>", "a/", "a=", "<a", ":a", "a:", "a:b:c", "a::b", "a:1",
        "\xC3", "a\xC3", "\xC2\xB7", "a\xC3\x97", "\x80", "a\n"
    };
    static const char *const good[] = { "a", "_", "a1", "a-b", "a.b", "a:b", "A_", "\xC3\xA9:\xC3\xA9", "a\xC2\xB7" };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        begin();
        xmpp_w_leaf(&w, bad[i], NULL, "");
        fails_as(XMPP_E_ARG);
        begin();
        xmpp_w_open(&w, "a", NULL);
        xmpp_w_attr(&w, bad[i], "");
        xmpp_w_close(&w);
        fails_as(XMPP_E_ARG);
    }
    for (i = 0; i < sizeof good / sizeof good[0]; i++) {
        begin();
        xmpp_w_leaf(&w, good[i], NULL, "");
        assert_int_equal(xmpp_w_end(&w), XMPP_OK);
    }
    begin();
    xmpp_w_leaf(&w, NULL, NULL, "");
    fails_as(XMPP_E_ARG);
}

static void notices_wrong_order(void **state)
{
    int i;

    (void)state;
    begin();
    xmpp_w_close(&w);
    fails_as(XMPP_E_STATE);
    begin();
    xmpp_w_attr(&w, "a", "b");
    fails_as(XMPP_E_STATE);
    begin();
    xmpp_w_open(&w, "a", NULL);
    xmpp_w_text(&w, "x");
    xmpp_w_attr(&w, "a", "b");
    fails_as(XMPP_E_STATE);
    begin();
    xmpp_w_open(&w, "a", NULL);
    fails_as(XMPP_E_STATE);
    for (i = XMPP_CFG_WRITER_DEPTH - 1; i <= XMPP_CFG_WRITER_DEPTH + 1; i++) {
        int n;
        begin();
        for (n = 0; n < i; n++)
            xmpp_w_open(&w, "a", NULL);
        assert_int_equal(w.error, i <= XMPP_CFG_WRITER_DEPTH ? XMPP_OK : XMPP_E_STATE);
        for (n = 0; n < i; n++)
            xmpp_w_close(&w);
        fails_as(i <= XMPP_CFG_WRITER_DEPTH ? XMPP_OK : XMPP_E_STATE);
    }
    /* the first error stays */
    begin();
    xmpp_w_leaf(&w, "1", NULL, "");
    xmpp_w_text(&w, "\xFF");
    xmpp_w_close(&w);
    xmpp_writef(&w, "<");
    fails_as(XMPP_E_ARG);
}

static void write_sample(void)
{
    xmpp_w_open(&w, "ab", "u");
    xmpp_w_attr(&w, "c", "<");
    xmpp_w_leaf(&w, "d", NULL, "\xC3\xA9");
    xmpp_w_open(&w, "e", NULL);
    xmpp_w_close(&w);
    xmpp_w_close(&w);
}

static void keeps_within_its_buffer(void **state)
{
    static const char want[] = "<ab xmlns='u' c='&lt;'><d>\xC3\xA9</d><e/></ab>";
    size_t cap;

    (void)state;
    for (cap = 0; cap <= sizeof want; cap++) {
        char *p = (char *)malloc(cap + 1);
        assert_non_null(p);
        memset(p, '#', cap + 1);
        xmpp_w_init(&w, p, cap);
        write_sample();
        assert_int_equal(xmpp_w_end(&w), cap < sizeof want - 1 ? XMPP_E_FULL : XMPP_OK);
        assert_true(w.len <= cap);
        assert_memory_equal(p, want, w.len);
        assert_int_equal(p[cap], '#');
        if (cap == sizeof want)
            assert_string_equal(p, want);
        free(p);
    }
    xmpp_w_init(&w, NULL, 0);
    assert_int_equal(xmpp_w_end(&w), XMPP_OK);
    xmpp_w_text(&w, "x");
    fails_as(XMPP_E_FULL);
}

/* What is written is what the tokenizer reads. */
static void round_trip(void **state)
{
    static unsigned char mem[2048];
    static const char value[] = "\t \n &<>'\"]]>\r\n \xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80 &amp; ";
    xmpp_xml x;
    size_t used, n;

    (void)state;
    begin();
    xmpp_w_open(&w, "a", value);
    xmpp_w_attr(&w, "b", value);
    xmpp_w_leaf(&w, "c", NULL, value);
    xmpp_writef(&w, "<d e='%s' f=\"%s\">%s</d>", value, value, value);
    xmpp_w_close(&w);
    assert_int_equal(xmpp_w_end(&w), XMPP_OK);
    xmpp_xml_init(&x, mem, sizeof mem);
    assert_int_equal(xmpp_xml_feed(&x, buffer, w.len, &used), XMPP_XML_START);
    xmpp_xml_tree(&x);
    n = used;
    assert_int_equal(xmpp_xml_feed(&x, buffer + n, w.len - n, &used), XMPP_XML_END);
    assert_int_equal(n + used, w.len);
    assert_string_equal(xmpp_ns(x.node), value);
    assert_string_equal(xmpp_attr(x.node, "b"), value);
    assert_string_equal(xmpp_text(xmpp_child(x.node, "c", NULL)), value);
    assert_string_equal(xmpp_attr(xmpp_child(x.node, "d", NULL), "e"), value);
    assert_string_equal(xmpp_attr(xmpp_child(x.node, "d", NULL), "f"), value);
    assert_string_equal(xmpp_text(xmpp_child(x.node, "d", NULL)), value);
}

/* ---- templates ---- */

static void formats(void **state)
{
    (void)state;
    begin();
    xmpp_writef(&w, "<a b='%s' c=\"%d\">%u %ld %lu %% %.*s</a>", "<'\">", -1, 2u, -3L, 4UL, 2, "567");
    ends_as("<a b='&lt;&apos;&quot;&gt;' c=\"-1\">2 -3 4 % 56</a>");
    begin();
    xmpp_writef(&w, "%d %d %d %u", INT_MIN, INT_MAX, 0, UINT_MAX);
    snprintf(buffer + 2048, 1024, "%d %d %d %u", INT_MIN, INT_MAX, 0, UINT_MAX);
    ends_as(buffer + 2048);
    begin();
    xmpp_writef(&w, "%ld %ld %lu", LONG_MIN, LONG_MAX, ULONG_MAX);
    snprintf(buffer + 2048, 1024, "%ld %ld %lu", LONG_MIN, LONG_MAX, ULONG_MAX);
    ends_as(buffer + 2048);
    begin();
    xmpp_writef(&w, "%.*s|%.*s|%.*s", 0, "abc", 3, "abc", 100, "abc");
    ends_as("|abc|abc");
    begin();
    xmpp_writef(&w, "%s", "");
    ends_as("");
    begin();
    xmpp_writef(&w, "<a>%%</a>");
    ends_as("<a>%</a>");
    begin();
    xmpp_writef(&w, "%s%s]", "]", "]");
    xmpp_writef(&w, "&gt;%s", ">");
    ends_as("]]]&gt;&gt;");
    begin();
    xmpp_writef(&w, " >");              /* not behind "]]" */
    ends_as(" >");
    begin();
    xmpp_writef(&w, "<![CDATA[<]]><a\n>it's \"%s\"</a >", "\n\r\t");
    ends_as("<![CDATA[<]]><a\n>it's \"\n&#13;\t\"</a >");
    begin();
    xmpp_writef(&w, "<a b='%s' c=\"'%s\"/>", "\n", "\t");
    ends_as("<a b='&#10;' c=\"'&#9;\"/>");
}

static void write_fragment(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    xmpp_vwritef(&w, fmt, ap);
    va_end(ap);
}

static void adds_fragments(void **state)
{
    (void)state;
    begin();
    xmpp_w_open(&w, "a", NULL);
    xmpp_writef(&w, "%s", "");
    xmpp_w_close(&w);
    ends_as("<a></a>");
    begin();
    xmpp_w_open(&w, "a", NULL);
    write_fragment("");
    xmpp_w_close(&w);
    ends_as("<a/>");
    begin();
    xmpp_w_open(&w, "a", NULL);
    xmpp_writef(&w, "<b/>text<c xmlns:p='u' p:d=''><p:e/></c>");
    xmpp_w_leaf(&w, "f", NULL, "");
    xmpp_w_close(&w);
    ends_as("<a><b/>text<c xmlns:p='u' p:d=''><p:e/></c><f/></a>");
}

static void bad_template(const char *fmt, ...)
{
    va_list ap;

    begin();
    va_start(ap, fmt);
    xmpp_vwritef(&w, fmt, ap);
    va_end(ap);
    if (w.error != XMPP_E_TEMPLATE)
        print_error("template: %s\n", fmt);
    fails_as(XMPP_E_TEMPLATE);
}

static void refuses_bad_templates(void **state)
{
    static const char *const formats[] = {
        "%", "x%", "%x", "%i", "%c", "%p", "%f", "%l", "%lx", "%ls", "%lld", "%zu", "%hd", "%5d", "%-d", "% d", "%05d",
        "%.s", "%.5s", "%*s", "%.*d", "%.*", "%.*S", "%S", "%n", "% %", "%ll"
    };
    static const char *const texts[] = {
        "<a>", "</a>", "<a></b>", "<a", "<a/", "<a b='", "<a b='1' b='2'/>", "<p:a/>", "&nbsp;", "&", "<", "a<", "<!--x-->",
        "<?x?>", "<?xml version='1.0'?>", "<!DOCTYPE a>", "</x>", "</x><x>", "<x xmlns:p=''/>", "]]>", "]>", ">", "\x01",
        "\xFF", "\xC3", "\xC3<a/>", "<![CDATA[x", "<![CDATA[x]]", "&#0;", "&lt", "<a b=1/>", "<a><b></a></b>"
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof formats / sizeof formats[0]; i++)
        bad_template(formats[i], 1, "x", 1, "x");
    for (i = 0; i < sizeof texts / sizeof texts[0]; i++)
        bad_template(texts[i]);
    bad_template(NULL);
    bad_template("%s", (const char *)NULL);
    bad_template("%.*s", 0, (const char *)NULL);
    bad_template("%.*s", -1, "x");
    bad_template("%.*s", INT_MIN, "x");
    /* a value stands in text or in quotes, nowhere else in a tag */
    bad_template("<%s/>", "a");
    bad_template("<a%d/>", 1);
    bad_template("<a %s='x'/>", "b");
    bad_template("<a b=%s/>", "'x'");
    bad_template("<a b='1'%s/>", "");
    bad_template("<a></%s>", "a");
    bad_template("<![CDATA[%s]]>", "x");
    bad_template("<![CDATA[>%s]]>", "x");
    bad_template("<![CDATA['%s']]>", "x");
    bad_template("<![CDATA[]>]]%d>]]>", 1);
}

static void tells_bad_values_apart(void **state)
{
    (void)state;
    begin();
    xmpp_writef(&w, "<a b='%s'/>", "\x80");
    fails_as(XMPP_E_XML_UTF8);
    begin();
    xmpp_writef(&w, "%s", "\x01");
    fails_as(XMPP_E_XML_CHAR);
    begin();
    xmpp_writef(&w, "%.*s", 1, "\xC3\xA9");
    fails_as(XMPP_E_XML_UTF8);
}

/* Values cannot break out, whatever they are. */
static void values_stay_values(void **state)
{
    static const char *const values[] = {
        "'/><evil/><a b='", "\"/>", "</a>", "<![CDATA[", "]]>", "&lt;", "&", "%s%s%n", "--><!--", "\r\n\t", "'>", "a b='c'"
    };
    static unsigned char mem[1024];
    xmpp_xml x;
    size_t i, used, n;

    (void)state;
    for (i = 0; i < sizeof values / sizeof values[0]; i++) {
        begin();
        xmpp_writef(&w, "<a b='%s' c=\"%s\">%s</a>", values[i], values[i], values[i]);
        assert_int_equal(xmpp_w_end(&w), XMPP_OK);
        xmpp_xml_init(&x, mem, sizeof mem);
        assert_int_equal(xmpp_xml_feed(&x, buffer, w.len, &used), XMPP_XML_START);
        xmpp_xml_tree(&x);
        n = used;
        assert_int_equal(xmpp_xml_feed(&x, buffer + n, w.len - n, &used), XMPP_XML_END);
        assert_int_equal(n + used, w.len);
        assert_string_equal(xmpp_attr(x.node, "b"), values[i]);
        assert_string_equal(xmpp_attr(x.node, "c"), values[i]);
        assert_string_equal(xmpp_text(x.node), values[i]);
        assert_false(xmpp_exists(xmpp_first(x.node)));
    }
}

/* The check works behind the text, in what is left of the buffer. */
static void needs_room_for_the_check(void **state)
{
    static const char want[] = "<b c='d'>e</b>";
    size_t cap, least = 0;

    (void)state;
    for (cap = 0; cap < 128; cap++) {
        char *p = (char *)malloc(cap + 1);
        assert_non_null(p);
        xmpp_w_init(&w, p, cap);
        xmpp_writef(&w, "<b c='%s'>e</b>", "d");
        if (w.error == XMPP_OK && least == 0)
            least = cap;
        assert_int_equal(w.error, least == 0 ? XMPP_E_FULL : XMPP_OK);
        if (w.error == XMPP_OK)
            assert_memory_equal(p, want, sizeof want - 1);
        free(p);
    }
    /* text; <x> with its declaration; <b>, c, text */
    assert_int_equal(least, 14 + 16 + 9 + 8 + 6);
}

/* ---- stanzas ---- */

static unsigned char scratch[256];

static int check(const char *text, int *kind)
{
    return xmppi_check_stanza((const unsigned char *)text, strlen(text), scratch, sizeof scratch, kind);
}

static void checks_stanzas(void **state)
{
    static const struct { const char *text; int kind; } good[] = {
        { "<message/>", 'm' }, { "<presence type='unavailable'/>", 'p' }, { " \n<iq><x xmlns='u'>y</x></iq>\r\n ", 'i' },
        { "<message xmlns='jabber:client'><body>x</body></message>", 'm' },
        { "<c:message xmlns:c='jabber:client'/>", 'm' }
    };
    static const char *const bad[] = {
        "", " ", "x", "<message/>x", "x<message/>", "<message/><message/>", "<message/><", "<message>", "<message></iq>",
        "<body/>", "<Message/>", "<messages/>", "<message xmlns=''/>", "<message xmlns='jabber:server'/>",
        "<p:message xmlns:p='u'/>", "</x>", "<message/></x>", "<message/>]]", "<message/>\xC3", "<?xml version='1.0'?><message/>",
        "<!--x--><message/>", "<stream:error/>", "&#32;<message/>&#65;", "<message/><![CDATA[x]]>"
    };
    size_t i;
    int kind;

    (void)state;
    for (i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(check(good[i].text, &kind), XMPP_OK);
        assert_int_equal(kind, good[i].kind);
    }
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (check(bad[i], &kind) != XMPP_E_TEMPLATE)
            print_error("stanza: %s\n", bad[i]);
        assert_int_equal(check(bad[i], &kind), XMPP_E_TEMPLATE);
    }
    assert_int_equal(check("x<message/>y", NULL), XMPP_OK);
}

static void stanzas_need_scratch(void **state)
{
    static const char text[] = "<message to='a@b'><body>hello</body></message>";
    size_t cap, least = 0;
    int kind, r;

    (void)state;
    for (cap = 0; cap < 128; cap++) {
        unsigned char *p = (unsigned char *)malloc(cap + 1);
        assert_non_null(p);
        r = xmppi_check_stanza((const unsigned char *)text, sizeof text - 1, p, cap, &kind);
        if (r == XMPP_OK && least == 0)
            least = cap;
        assert_int_equal(r, least == 0 ? XMPP_E_FULL : XMPP_OK);
        free(p);
    }
    /* <x>, the start tags open at once, and a byte of text at a time */
    assert_int_equal(least, 16 + 15 + (4 + 3 + 4) + 12 + 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_elements),
        cmocka_unit_test(escapes_values),
        cmocka_unit_test(checks_values),
        cmocka_unit_test(checks_names),
        cmocka_unit_test(notices_wrong_order),
        cmocka_unit_test(keeps_within_its_buffer),
        cmocka_unit_test(round_trip),
        cmocka_unit_test(formats),
        cmocka_unit_test(adds_fragments),
        cmocka_unit_test(refuses_bad_templates),
        cmocka_unit_test(tells_bad_values_apart),
        cmocka_unit_test(values_stay_values),
        cmocka_unit_test(needs_room_for_the_check),
        cmocka_unit_test(checks_stanzas),
        cmocka_unit_test(stanzas_need_scratch)
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
