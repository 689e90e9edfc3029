/* The element tree: reading it, its memory, and writing it out again. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#include "xmpp.h"

static unsigned char memory[20001];
static xmpp_xml parser;
static const xmpp_node none;

/* A document as a tree. The memory is not aligned. */
static xmpp_node parse(const char *doc)
{
    size_t used, n = strlen(doc);

    xmpp_xml_init(&parser, memory + 1, sizeof memory - 1);
    assert_int_equal(xmpp_xml_feed(&parser, doc, n, &used), XMPP_XML_START);
    xmpp_xml_tree(&parser);
    assert_int_equal(xmpp_xml_feed(&parser, doc + used, n - used, &used), XMPP_XML_END);
    assert_int_equal(parser.depth, 0);
    assert_false(parser.skipping);
    return parser.node;
}

/* ---- reading ---- */

static const char stanza[] =
    "<message xmlns='jabber:client' xmlns:x='some:where' from='a@b/c' x:id='2' id='1' xml:lang='en' empty=''>"
    "\n<body>hi <b>there</b> you</body>"
    "<x:y x:id='3'/>"
    "<body xml:lang='de'>hallo</body>"
    "<error xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'><gone/></error>"
    "</message>";

static void names_and_namespaces(void **state)
{
    xmpp_node m = parse(stanza), n = xmpp_first(m);

    (void)state;
    assert_string_equal(xmpp_name(m), "message");
    assert_string_equal(xmpp_ns(m), "jabber:client");
    assert_int_equal(xmppi_ns_index(m), XMPPI_NS_CLIENT);
    assert_true(xmpp_is(m, "message", "jabber:client"));
    assert_true(xmpp_is(m, "message", NULL));
    assert_false(xmpp_is(m, "message", ""));
    assert_false(xmpp_is(m, "message", "some:where"));
    assert_false(xmpp_is(m, "messag", NULL));
    assert_false(xmpp_is(m, "message2", NULL));
    assert_true(xmpp_is(n, "body", "jabber:client"));
    n = xmpp_sibling(n);
    assert_true(xmpp_is(n, "y", "some:where"));
    assert_int_equal(xmppi_ns_index(n), XMPPI_NS_OTHER);
    n = xmpp_sibling(xmpp_sibling(n));
    assert_true(xmpp_is(n, "error", "urn:ietf:params:xml:ns:xmpp-stanzas"));
    assert_int_equal(xmppi_ns_index(n), XMPPI_NS_STANZAS);
    assert_int_equal(xmppi_ns_index(xmpp_first(n)), XMPPI_NS_STANZAS);
    assert_false(xmpp_exists(xmpp_sibling(n)));
    n = parse("<a/>");
    assert_string_equal(xmpp_ns(n), "");
    assert_int_equal(xmppi_ns_index(n), XMPPI_NS_NONE);
    assert_true(xmpp_is(n, "a", ""));
}

static void knows_its_namespaces(void **state)
{
    static const struct { const char *doc; int index; } t[] = {
        { "<xml:a/>", XMPPI_NS_XML },
        { "<a xmlns='jabber:client'/>", XMPPI_NS_CLIENT },
        { "<s:a xmlns:s='http://etherx.jabber.org/streams'/>", XMPPI_NS_STREAMS },
        { "<a xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", XMPPI_NS_TLS },
        { "<a xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", XMPPI_NS_SASL },
        { "<a xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>", XMPPI_NS_BIND },
        { "<a xmlns='urn:ietf:params:xml:ns:xmpp-session'/>", XMPPI_NS_SESSION },
        { "<a xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>", XMPPI_NS_STANZAS },
        { "<a xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>", XMPPI_NS_STREAM_ERRORS },
        { "<a xmlns='urn:ietf:params:xml:ns:xmpp-stream'/>", XMPPI_NS_OTHER },
        { "<a xmlns='jabber:server'/>", XMPPI_NS_OTHER }
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof t[0]; i++)
        assert_int_equal(xmppi_ns_index(parse(t[i].doc)), t[i].index);
}

static void attributes(void **state)
{
    xmpp_node m = parse(stanza), y = xmpp_child(m, "y", "some:where");

    (void)state;
    assert_string_equal(xmpp_attr(m, "from"), "a@b/c");
    assert_string_equal(xmpp_attr(m, "id"), "1");
    assert_string_equal(xmpp_attr(m, "xml:lang"), "en");
    assert_string_equal(xmpp_attr(m, "empty"), "");
    assert_null(xmpp_attr(m, "lang"));
    assert_null(xmpp_attr(m, "x:id"));
    assert_null(xmpp_attr(m, "xmlns"));
    assert_null(xmpp_attr(m, "xmlns:x"));
    assert_null(xmpp_attr(m, "i"));
    assert_null(xmpp_attr(m, "body"));
    assert_null(xmpp_attr(y, "id"));
    assert_null(xmpp_attr(xmpp_child(m, "body", NULL), "from"));

    assert_string_equal(xmpp_attr_ns(m, "some:where", "id"), "2");
    assert_string_equal(xmpp_attr_ns(y, "some:where", "id"), "3");
    assert_string_equal(xmpp_attr_ns(m, "", "id"), "1");
    assert_string_equal(xmpp_attr_ns(m, NULL, "id"), "1");
    assert_string_equal(xmpp_attr_ns(m, "http://www.w3.org/XML/1998/namespace", "lang"), "en");
    assert_null(xmpp_attr_ns(m, "", "lang"));
    assert_null(xmpp_attr_ns(m, "jabber:client", "id"));
    assert_null(xmpp_attr_ns(m, "some:where", "from"));
}

static void texts(void **state)
{
    xmpp_node m = parse(stanza);

    (void)state;
    assert_string_equal(xmpp_text(m), "\n");
    assert_string_equal(xmpp_text(xmpp_first(m)), "hi ");
    assert_string_equal(xmpp_text(xmpp_first(xmpp_first(m))), "there");
    assert_string_equal(xmpp_text(xmpp_child(m, "y", "some:where")), "");
    assert_string_equal(xmpp_text(parse("<a><b>x</b>y</a>")), "y");
    assert_string_equal(xmpp_text(parse("<a>1<![CDATA[<2>]]>&#51;</a>")), "1<2>3");
    assert_string_equal(xmpp_text(parse("<a> x</a>")), " x");
}

static void children(void **state)
{
    xmpp_node m = parse(stanza), n;

    (void)state;
    n = xmpp_child(m, "body", NULL);
    assert_string_equal(xmpp_text(n), "hi ");
    n = xmpp_child(m, "body", "jabber:client");
    assert_string_equal(xmpp_text(n), "hi ");
    assert_false(xmpp_exists(xmpp_child(m, "body", "some:where")));
    assert_false(xmpp_exists(xmpp_child(m, "y", NULL)));
    assert_false(xmpp_exists(xmpp_child(m, "gone", NULL)));
    assert_false(xmpp_exists(xmpp_child(m, "error", NULL)));
    n = xmpp_child(m, "error", "urn:ietf:params:xml:ns:xmpp-stanzas");
    assert_string_equal(xmpp_name(xmpp_child(n, "gone", NULL)), "gone");
    /* the last child of a child is not followed by what follows its parent */
    n = parse("<a><b><c/></b><d/></a>");
    assert_string_equal(xmpp_name(xmpp_first(xmpp_first(n))), "c");
    assert_false(xmpp_exists(xmpp_sibling(xmpp_first(xmpp_first(n)))));
    assert_string_equal(xmpp_name(xmpp_sibling(xmpp_first(n))), "d");
    n = parse("<a>x<b/>y<c/>z</a>");
    assert_string_equal(xmpp_name(xmpp_first(n)), "b");
    assert_string_equal(xmpp_name(xmpp_sibling(xmpp_first(n))), "c");
    assert_false(xmpp_exists(xmpp_sibling(xmpp_sibling(xmpp_first(n)))));
    assert_false(xmpp_exists(xmpp_sibling(n)));
}

static void no_node_has_nothing(void **state)
{
    char out[4] = "xyz";

    (void)state;
    assert_string_equal(xmpp_name(none), "");
    assert_string_equal(xmpp_ns(none), "");
    assert_false(xmpp_is(none, "", NULL));
    assert_null(xmpp_attr(none, "a"));
    assert_null(xmpp_attr_ns(none, "", "a"));
    assert_string_equal(xmpp_text(none), "");
    assert_false(xmpp_exists(xmpp_first(none)));
    assert_false(xmpp_exists(xmpp_sibling(none)));
    assert_false(xmpp_exists(xmpp_child(none, "a", NULL)));
    assert_int_equal(xmppi_ns_index(none), XMPPI_NS_NONE);
    assert_int_equal(xmpp_to_xml(none, out, sizeof out), 0);
    assert_string_equal(out, "");
}

/* Between its tokens an element shows its start tag; text shows itself. */
static void tokens_can_be_read_too(void **state)
{
    static const char doc[] = "<a b='1'><c d='2'/>text</a>";
    size_t used, at;
    xmpp_node a, c;
    char out[64];

    (void)state;
    xmpp_xml_init(&parser, memory, sizeof memory);
    assert_int_equal(xmpp_xml_feed(&parser, doc, sizeof doc - 1, &used), XMPP_XML_START);
    at = used;
    a = parser.node;
    assert_int_equal(xmpp_xml_feed(&parser, doc + at, sizeof doc - 1 - at, &used), XMPP_XML_START);
    at += used;
    c = parser.node;
    assert_string_equal(xmpp_attr(c, "d"), "2");
    assert_string_equal(xmpp_attr(a, "b"), "1");
    assert_false(xmpp_exists(xmpp_first(a)));
    assert_false(xmpp_exists(xmpp_sibling(c)));
    assert_string_equal(xmpp_text(a), "");
    assert_int_equal(xmpp_xml_feed(&parser, doc + at, sizeof doc - 1 - at, &used), XMPP_XML_END);
    at += used;
    assert_string_equal(xmpp_attr(parser.node, "d"), "2");
    assert_true(parser.node.at == c.at);
    assert_int_equal(xmpp_xml_feed(&parser, doc + at, sizeof doc - 1 - at, &used), XMPP_XML_TEXT);
    at += used;
    assert_string_equal(xmpp_text(parser.node), "text");
    assert_string_equal(xmpp_name(parser.node), "");
    assert_string_equal(xmpp_ns(parser.node), "");
    assert_false(xmpp_exists(xmpp_first(parser.node)));
    assert_false(xmpp_exists(xmpp_sibling(parser.node)));
    assert_null(xmpp_attr(parser.node, "b"));
    assert_int_equal(xmpp_to_xml(parser.node, out, sizeof out), 0);
    assert_int_equal(xmpp_xml_feed(&parser, doc + at, sizeof doc - 1 - at, &used), XMPP_XML_END);
    assert_string_equal(xmpp_attr(parser.node, "b"), "1");
    assert_false(xmpp_exists(xmpp_first(parser.node)));
    assert_int_equal(xmpp_to_xml(parser.node, out, sizeof out), 10);
    assert_string_equal(out, "<a b='1'/>");
}

/* ---- memory ---- */

/* Arena bytes of a tree. */
static size_t cost(const char *doc)
{
    parse(doc);
    return parser.len;
}

static void costs_what_the_header_says(void **state)
{
    (void)state;
    assert_int_equal(cost("<a/>"), 7 + 2);
    assert_int_equal(cost("<p:name xmlns:p='jabber:client'/>"), 7 + 7 + 4 + 2 + 2);
    assert_int_equal(cost("<a b='cd'/>"), 7 + 2 + 4 + 2 + 3);
    assert_int_equal(cost("<a xml:lang='cd'/>"), 7 + 2 + 4 + 9 + 3);
    assert_int_equal(cost("<a xmlns:p='u' p:b='cd'/>"), 7 + 2 + (4 + 2 + 2) + 4 + 4 + 3);
    assert_int_equal(cost("<a xmlns='u'/>"), 7 + 2 + 4 + 1 + 2);
    assert_int_equal(cost("<a xmlns='jabber:client'/>"), 7 + 2 + 4 + 1 + 2);
    assert_int_equal(cost("<a>text</a>"), 7 + 2 + 4 + 5);
    assert_int_equal(cost("<a>t&amp;<![CDATA[x]]>t</a>"), 7 + 2 + 4 + 5);
    /* the header's example */
    assert_int_equal(cost("<message from='a@b/c' to='d@e/f' type='chat'><body>hi</body></message>"),
                     7 + 8 + (4 + 5 + 6) + (4 + 3 + 6) + (4 + 5 + 5) + 7 + 5 + 4 + 3);
}

static void drops_trees(void **state)
{
    static const char doc[] = "<s><m><b/></m><n/></s>";
    size_t used, at;
    uint32_t floor;

    (void)state;
    xmpp_xml_init(&parser, memory, sizeof memory);
    assert_int_equal(xmpp_xml_feed(&parser, doc, sizeof doc - 1, &used), XMPP_XML_START);
    at = used;
    floor = parser.len;
    assert_int_equal(xmpp_xml_feed(&parser, doc + at, sizeof doc - 1 - at, &used), XMPP_XML_START);
    at += used;
    xmpp_xml_tree(&parser);
    assert_int_equal(xmpp_xml_feed(&parser, doc + at, sizeof doc - 1 - at, &used), XMPP_XML_END);
    at += used;
    assert_int_equal(parser.len, floor + 18);
    xmpp_xml_drop(&parser);
    assert_int_equal(parser.len, floor);
    xmpp_xml_drop(&parser);
    assert_int_equal(parser.len, floor);
    /* the next feed drops it as well */
    assert_int_equal(xmpp_xml_feed(&parser, doc + at, sizeof doc - 1 - at, &used), XMPP_XML_START);
    at += used;
    xmpp_xml_tree(&parser);
    assert_int_equal(xmpp_xml_feed(&parser, doc + at, sizeof doc - 1 - at, &used), XMPP_XML_END);
    at += used;
    assert_int_equal(parser.len, floor + 9);
    assert_int_equal(xmpp_xml_feed(&parser, "", 0, &used), XMPP_XML_MORE);
    assert_int_equal(parser.len, floor);
}

/* ---- writing ---- */

static void same_xml(const char *doc, const char *want)
{
    char out[1024];

    assert_int_equal(xmpp_to_xml(parse(doc), out, sizeof out), strlen(want));
    assert_string_equal(out, want);
    /* and again: what was written reads the same */
    assert_int_equal(xmpp_to_xml(parse(want), out, sizeof out), strlen(want));
    assert_string_equal(out, want);
}

static void writes_xml(void **state)
{
    (void)state;
    same_xml("<a></a>", "<a/>");
    same_xml("<a><b/><c><d/><e>x</e></c>y<f/></a>", "<a><b/><c><d/><e>x</e></c>y<f/></a>");
    same_xml("<a><b><c><d/></c></b></a>", "<a><b><c><d/></c></b></a>");
    same_xml("<a><b>x</b><b>y</b></a>", "<a><b>x</b><b>y</b></a>");
    same_xml("<a>&lt;&gt;&amp;&apos;&quot;</a>", "<a>&lt;&gt;&amp;&apos;&quot;</a>");
    same_xml("<a>\t\n&#13;\xC3\xA9</a>", "<a>\t\n&#13;\xC3\xA9</a>");
    same_xml("<a b='&#9;&#10;&#13;&lt;\">\xC3\xA9'/>", "<a b='&#9;&#10;&#13;&lt;&quot;&gt;\xC3\xA9'/>");
    same_xml("<a xml:lang='en'><xml:b/></a>", "<a xml:lang='en'><xml:b/></a>");
}

static void declares_namespaces_where_they_change(void **state)
{
    (void)state;
    same_xml("<a xmlns='u'><b/></a>", "<a xmlns='u'><b/></a>");
    same_xml("<p:a xmlns:p='u'><p:b/><c/><p:d><e><p:f/></e></p:d></p:a>",
             "<a xmlns='u'><b/><c xmlns=''/><d><e xmlns=''><f xmlns='u'/></e></d></a>");
    same_xml("<a xmlns='u'><b xmlns='v'/><c/></a>", "<a xmlns='u'><b xmlns='v'/><c/></a>");
    same_xml("<a xmlns='jabber:client'><b xmlns='jabber:client'/></a>", "<a xmlns='jabber:client'><b/></a>");
    same_xml("<a xmlns='&lt;'/>", "<a xmlns='&lt;'/>");
    same_xml("<a xmlns:p='u' xmlns:q='v' xmlns:r='w' p:a='1' a='2' q:a='3' p:b='4'/>",
             "<a xmlns:p='u' p:a='1' a='2' xmlns:q='v' q:a='3' p:b='4'/>");
    same_xml("<a xmlns:pp='v' xmlns:p='u' pp:a='1' p:a='2'/>", "<a xmlns:pp='v' pp:a='1' xmlns:p='u' p:a='2'/>");
}

static void writes_a_part_of_a_tree(void **state)
{
    xmpp_node a = parse("<a xmlns='u'><b>x<c/></b><d/></a>");
    char out[64];

    (void)state;
    assert_int_equal(xmpp_to_xml(xmpp_first(a), out, sizeof out), 22);
    assert_string_equal(out, "<b xmlns='u'>x<c/></b>");
}

static void cuts_what_does_not_fit(void **state)
{
    static const char want[] = "<a b='&lt;'>x</a>";
    xmpp_node a = parse(want);
    char out[sizeof want + 1];
    size_t cap;

    (void)state;
    assert_int_equal(xmpp_to_xml(a, NULL, 0), sizeof want - 1);
    for (cap = 1; cap <= sizeof want + 1; cap++) {
        size_t n = cap < sizeof want ? cap - 1 : sizeof want - 1;
        memset(out, '#', sizeof out);
        assert_int_equal(xmpp_to_xml(a, out, cap), sizeof want - 1);
        assert_memory_equal(out, want, n);
        assert_int_equal(out[n], '\0');
        if (n + 1 < sizeof out)
            assert_int_equal(out[n + 1], '#');
    }
}

static void writes_wide_and_deep_trees(void **state)
{
    static char doc[16384], out[16384];
    int i;

    (void)state;
    strcpy(doc, "<a>");
    for (i = 0; i < 600; i++)
        strcat(doc, "<b><c/>x</b>");
    strcat(doc, "</a>");
    assert_int_equal(xmpp_to_xml(parse(doc), out, sizeof out), strlen(doc));
    assert_string_equal(out, doc);
    doc[0] = '\0';
    for (i = 0; i < XMPP_CFG_XML_DEPTH - 1; i++)
        strcat(doc, "<a>");
    strcat(doc, "<b/>");
    for (i = 0; i < XMPP_CFG_XML_DEPTH - 1; i++)
        strcat(doc, "</a>");
    assert_int_equal(xmpp_to_xml(parse(doc), out, sizeof out), strlen(doc));
    assert_string_equal(out, doc);
}

/* Each element repeats the namespace, sixfold where it is of apostrophes: counted to the end it would be 29 MB. */
static void text_is_counted_to_16_MB(void **state)
{
    static char doc[14000], out[300];
    size_t n, at;

    (void)state;
    at = (size_t)sprintf(doc, "<a xmlns:p=\"");
    memset(doc + at, '\'', 8000);
    at += 8000;
    at += (size_t)sprintf(doc + at, "\">");
    for (n = 0; n < 600; n++)
        at += (size_t)sprintf(doc + at, "<p:b/>");
    strcpy(doc + at, "</a>");
    n = xmpp_to_xml(parse(doc), out, sizeof out);
    assert_int_equal(n, 0xFFFFFF);
    assert_int_equal(strlen(out), sizeof out - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_namespaces),
        cmocka_unit_test(knows_its_namespaces),
        cmocka_unit_test(attributes),
        cmocka_unit_test(texts),
        cmocka_unit_test(children),
        cmocka_unit_test(no_node_has_nothing),
        cmocka_unit_test(tokens_can_be_read_too),
        cmocka_unit_test(costs_what_the_header_says),
        cmocka_unit_test(drops_trees),
        cmocka_unit_test(writes_xml),
        cmocka_unit_test(declares_namespaces_where_they_change),
        cmocka_unit_test(writes_a_part_of_a_tree),
        cmocka_unit_test(cuts_what_does_not_fit),
        cmocka_unit_test(text_is_counted_to_16_MB),
        cmocka_unit_test(writes_wide_and_deep_trees)
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
