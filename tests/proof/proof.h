/* proof.h - what the proofs of this folder share: values that Frama-C's Eva takes as unknown.  SPDX: MIT */

#define XMPP_NO_POSIX
#define XMPP_CFG_FAST 0
#define XMPP_CFG_SIMD 0
#define XMPP_IMPLEMENTATION
#include "xmpp.h"
#include "__fc_builtin.h"

/* any bytes */
static void any(void *p, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        ((unsigned char *)p)[i] = (unsigned char)Frama_C_interval(0, 255);
}
