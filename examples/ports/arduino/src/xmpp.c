/* xmpp.c - xmpp.h, and on the ESP32 its TLS over mbedTLS, once. SPDX-License-Identifier: MIT */
#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#include "xmpp.h"
#ifdef ESP32
#define XMPP_TLS_MBEDTLS_IMPLEMENTATION
#include "xmpp_tls_mbedtls.h"
#endif
