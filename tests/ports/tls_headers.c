/* Both adapters and BearSSL's in one unit, as C99 and as C++11: no name of theirs is another's. */
#define XMPP_TLS_OPENSSL_IMPLEMENTATION
#define XMPP_TLS_MBEDTLS_IMPLEMENTATION
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "../../examples/tls/xmpp_tls_openssl.h"
#include "../../examples/tls/xmpp_tls_mbedtls.h"
#include "../../xmpp_tls_bearssl.h"
