/* tokenizer: the tokenizer and the tree alone */
#include "size.h"
STATE_IS(xmpp_xml)

void start(void)
{
    xmpp_xml *x = (xmpp_xml *)(void *)&client;
    size_t used = 0;
    int token;

    xmpp_xml_init(x, memory, 1024);
    while ((token = xmpp_xml_feed(x, memory + 1024, 256, &used)) >= 0)
        if (token == XMPP_XML_START) {
            xmpp_xml_tree(x);
        } else if (token == XMPP_XML_END) {
            sink = xmpp_is(x->node, "message", "jabber:client");
            sink = xmpp_attr(x->node, "from") != NULL;
            sink = xmpp_text(xmpp_child(x->node, "body", NULL))[0];
            xmpp_xml_drop(x);
        }
}
