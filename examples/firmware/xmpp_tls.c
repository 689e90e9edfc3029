/* xmpp_tls.c: both headers as one unit. SCRAM takes BearSSL's SHA-256, which is there anyway and takes half of the time. */
#define XMPP_BEARSSL_HASHES
#define XMPP_IMPLEMENTATION
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp_tls_bearssl.h"
