/* own_hashes.c: examples/firmware/xmpp_tls.c, but SCRAM with the hashes of xmpp.h. */
#define XMPP_IMPLEMENTATION
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp_tls_bearssl.h"
