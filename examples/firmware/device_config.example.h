/* device_config.example.h: copy it as device_config.h, and fill in. It holds a password: keep it out of version control. */
#ifndef DEVICE_CONFIG_H
#define DEVICE_CONFIG_H

#define DEVICE_JID      "sensor@example.org/attic"
#define DEVICE_PASSWORD "secret"
#define DEVICE_HOST     "192.0.2.7"         /* where to connect; NULL: the JID's domain, when the transport resolves names */
#define DEVICE_PORT     5223                /* 5222 with XMPP_TLS_START */
#define DEVICE_TLS      XMPP_TLS_DIRECT     /* or XMPP_TLS_START: STARTTLS. Over a UART: XMPP_TLS_DIRECT */
#define DEVICE_RETRY_FIRST_MS 60000         /* the first delay after a lost connection: random up to this */
#define DEVICE_PING_MS   300000             /* idle time before a ping looks whether the link is alive, ... */
#define DEVICE_ANSWER_MS 30000              /* ... and the time for its answer */

/* Whom to trust. Your authority: `xmpp anchors ca.pem >anchors.h`. Or the server's own key, which DEVICE_PINNED 1 needs:
   `xmpp anchors server.pem >anchors.h`, or `xmpp anchors --tls direct HOST:5223 >anchors.h` prints what the server shows, for
   you to verify. */
#include "anchors.h"
#define DEVICE_PINNED     0                 /* 1: the key_pins there are the whole check, keys of P-256. 3 KB of RAM less */
#define DEVICE_PROFILE    xmpp_bearssl_profile_ec_chacha    /* P-256 throughout; for others see xmpp_tls_bearssl.h */
#define DEVICE_BUILD_DATE 1767225600        /* seconds since 1970, `date +%s`: certificates that ended before are refused */

#endif
