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

/* Whom to trust: `xmpp anchors ca.pem >anchors.h` prints an authority, `xmpp anchors HOST:PORT >anchors.h` the key of a
   server for you to verify. With pins alone the key is the whole check: then use
   #define DEVICE_TRUST .pins = key_pins, .pin_count = 1, .pins_alone_replace_ca = true */
#include "anchors.h"
#define DEVICE_TRUST      .anchors = trust_anchors, .anchor_count = trust_anchors_n
#define DEVICE_PROFILE    xmpp_bearssl_profile_ec_chacha    /* P-256 throughout; _full for any other server */
#define DEVICE_BUILD_DATE 1767225600        /* seconds since 1970, `date +%s`: certificates that ended before are refused */

#endif
