/* test_hash.c again, with BearSSL's SHA-256 and SHA-512 in place of those of xmpp.h. */
#define XMPP_BEARSSL_HASHES
#define XMPP_IMPLEMENTATION
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp_tls_bearssl.h"
#if !defined(XMPP_SHA256_BLOCK) || !defined(XMPP_SHA512_BLOCK)
#error "the hashes are those of xmpp.h"
#endif
#include "test_hash.c"
