/* tls.c: xmpp_tls_bearssl.h as a translation unit, as ../xmpp.c is xmpp.h. */
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp_tls_bearssl.h"
