/* xml.h - what xml.c asks of each/xml.c.  SPDX: MIT */
#include "fuzz.h"

typedef struct plan {
    const uint8_t *data;        /* the end of a heap block */
    size_t         n, memory;
    unsigned       tree;        /* the depth whose elements are kept as trees; 0: none */
    size_t         first, each; /* bytes of the first piece, of each other one; 0: all the rest */
    uint32_t       dice;        /* when not 0: pieces of 1 to 8 bytes as they fall */
} plan;

typedef struct result {
    text     exact;             /* each token with all that is known of it */
    text     plain;             /* names, namespaces, attributes and text, as the oracle gives them */
    int      error;
    unsigned depth;
    size_t   offset;
    int      capped;            /* something was skipped */
    int      whole;             /* nothing but the begin of another token may come */
} result;

typedef void xml_run(const plan *p, result *r);
xml_run xml_run_0, xml_run_1, xml_run_2, xml_run_3;
