/* writer_gloox.cc: gloox for writer.c */
#include "writer.h"
#include <gloox/message.h>
#include <gloox/tag.h>

static std::string text;

static const char *gloox_write(const char *to, const char *id, const char *body, size_t *n)
{
    gloox::Message m(gloox::Message::Chat, gloox::JID(to), body);
    gloox::Tag *tag = m.tag();

    tag->addAttribute("id", id);
    new gloox::Tag(tag, "active", "xmlns", NS_STATES);
    new gloox::Tag(tag, "request", "xmlns", NS_RECEIPTS);
    text = tag->xml();
    delete tag;
    *n = text.size();
    return text.c_str();
}

const struct writer writer_gloox = { "gloox", NULL, gloox_write, NULL };
