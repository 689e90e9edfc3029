/* writer.h: the same message by each library's own way to write one */
#ifndef WRITER_H
#define WRITER_H

#include <stddef.h>

struct writer {
    const char *name;
    void   (*begin)(void);                                      /* once; may be NULL */
    /* writes <message to type='chat' id><body/><active/><request/></message>; returns its bytes, NULL: failed */
    const char *(*write)(const char *to, const char *id, const char *body, size_t *n);
    void   (*done)(void);                                       /* frees what write returned; may be NULL */
};

#ifdef __cplusplus
extern "C" {
#endif
extern const struct writer writer_calls, writer_template, writer_strophe, writer_iksemel, writer_loudmouth, writer_gloox;
#ifdef __cplusplus
}
#endif

#define NS_STATES   "http://jabber.org/protocol/chatstates"
#define NS_RECEIPTS "urn:xmpp:receipts"

#endif
