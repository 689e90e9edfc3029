/* xml.h: what the parsers under test are to xml.c */
#ifndef XML_H
#define XML_H

#include <stddef.h>
#include <stdint.h>

/* What was found. hash: of names, namespaces, attributes and text in their order; see xml.c. */
struct found { unsigned long elements, texts, stanzas, skipped; uint64_t hash; };
extern struct found found;

struct parser {
    const char *name;
    int         tree;           /* makes a tree of each stanza, and asks it for what a handler needs */
    int         strict;         /* namespaces and all checks: the hash must agree with the others'   */
    void     *(*open)(int check);       /* check: fill in the hash, whatever that costs              */
    int       (*feed)(void *p, const char *data, size_t n);     /* not 0: refused                    */
    void      (*close)(void *p);
};

extern const struct parser ours, ours_tree, ours_portable, ours_portable_tree, ours_small, ours_small_tree,
    expat_ns, libxml2, iksemel, iksemel_tree, libstrophe_tree;

/* For hashes: an element is its local name and namespace and a sum over its attributes, in whatever order they come. */
uint64_t hash_string(uint64_t h, const char *s, size_t n);
void     hash_start(const char *ns, size_t ns_n, const char *name, uint64_t attributes);
uint64_t hash_attribute(const char *local, const char *value, size_t n);
void     hash_text(const char *s, size_t n);
void     hash_end(void);

#endif
