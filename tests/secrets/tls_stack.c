/* tls_stack.c - the master secret of a TLS session is not left on the stack by what offers, keeps and names one.  SPDX: MIT

   White box: no handshake is made, the secret is put where BearSSL has it. What lies in structs after a handshake is the matter
   of tests/unit/test_tls_faults.c. */

#include <stdio.h>

#include "stack.h"

#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp_tls_bearssl.h"

static unsigned passed, failed;

static xmpp_bearssl t;
static xmpp_bearssl_config cfg;
static xmpp_bearssl_session session;
static xmpp_bearssl_x509 x509;
static unsigned char master[48];
static bool done;                               /* it came to what was to be seen */

static uint32_t io_utc(void *ctx) { (void)ctx; return 1780315200; }
static const xmpp_io_ops ops = {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, io_utc, NULL, NULL, NULL, NULL};

static void keep(void) { xmppi_tls_keep_session(&t); done = session.kept == XMPPI_TLS_BY_UTC; }
static void offer(void) { done = xmppi_tls_offer(&t, "xmpp.test"); }
static void name(void) { done = *xmpp_bearssl_cipher(&t) != '\0'; }

/* Any eight bytes of it. */
static bool on_stack(void)
{
    size_t i, at;

    for (at = 0; at + 8 <= sizeof master; at += 8)
        for (i = 0; i + 8 <= sizeof stack; i++)
            if (memcmp(stack + i, master + at, 8) == 0)
                return true;
    return false;
}

static void see(const char *what, void (*f)(void))
{
    done = false;
    call_on_stack(f);
    if (done && !on_stack()) {
        passed++;
        return;
    }
    failed++;
    printf("FAIL %s: %s\n", what, done ? "the master secret is on the stack" : "it did not come to this");
}

int main(void)
{
    size_t i;

    for (i = 0; i < sizeof master; i++)
        master[i] = (unsigned char)(i * 37 + 11);
    cfg.x509 = &x509;
    t.cfg = &cfg;
    t.below.ops = &ops;
    t.state = XMPPI_TLS_OPEN;
    br_ssl_client_zero(&t.client);
    xmpp_bearssl_profile_full(&t.client);
    xmpp_bearssl_resume(&t, &session);
    t.client.eng.session.session_id_len = 32;
    t.client.eng.session.cipher_suite = BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256;
    memcpy(t.client.eng.session.master_secret, master, sizeof master);
    see("the cipher suite", name);
    xmppi_tls_digest(&t, "xmpp.test", session.digest);
    see("a session that is kept", keep);
    session.ends = UINT32_MAX;
    see("a session that is offered", offer);
    printf("%u passed, %u failed\n", passed, failed);
    return failed > 0;
}
