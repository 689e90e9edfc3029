/* tls: core-scram inside TLS, with -DPROFILE=xmpp_bearssl_profile_*. What the caller gives is ram_N:
   the structs that the profile asks for, records of N bytes, buffers of 256, 768 and 512 bytes. */
#include "xmpp_tls_bearssl.h"

#define TRANSPORT(io_) xmpp_bearssl_io((xmpp_bearssl *)(void *)(memory + 8192), &tls_config, (io_))
#include "size.h"

#define EXTRA

#define RAM(n, check) extern unsigned char ram_##n[]; unsigned char ram_##n[sizeof(xmpp_client) + \
    sizeof(xmpp_bearssl) + sizeof(check) + XMPP_BEARSSL_BUFFER(n) + 256 + 768 + 512];
#ifdef PINNED
RAM(512, xmpp_bearssl_pinned)
RAM(4096, xmpp_bearssl_pinned)
RAM(16384, xmpp_bearssl_pinned)
#else
RAM(512, xmpp_bearssl_x509)
RAM(4096, xmpp_bearssl_x509)
RAM(16384, xmpp_bearssl_x509)
#endif

#ifdef PINNED
static const unsigned char pins[1][32] = { { 1 } };
#endif
static const xmpp_bearssl_config tls_config = {
#ifdef PINNED
    .pins = pins, .pin_count = 1, .pins_alone_replace_ca = true, .pinned = (xmpp_bearssl_pinned *)(void *)(memory + 16384),
#else
    .anchors = (const xmpp_bearssl_anchor *)(const void *)(memory + 4096), .anchor_count = 1, .floor = 1,
    .x509 = (xmpp_bearssl_x509 *)(void *)(memory + 16384),
#endif
    .profile = PROFILE, .records = memory + 32768, .records_size = XMPP_BEARSSL_BUFFER(512)
};
static const xmpp_mech *const mechs[] = { &xmpp_mech_scram_sha_256, &xmpp_mech_scram_sha_1, NULL };
static const xmpp_config config = { .mechs = mechs };
static const xmpp_account account = ACCOUNT("sensor@example.org/attic");

void start(void)
{
    DEVICE(&config, &account)
}
