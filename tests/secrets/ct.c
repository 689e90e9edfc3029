/* ct.c - no branch and no address depends on a secret.  SPDX: MIT

   Run by valgrind: secrets are marked as undefined, and memcheck reports each branch and each address that depends on them
   (as ctgrind did). Of a password one bit is left defined, so that its length is known. What is sent or told in the end is
   public. The outcome of a comparison is one branch: exactly that one is allowed. */

#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#include "xmpp.h"

#include <stdio.h>
#include <stdlib.h>
#include <valgrind/memcheck.h>

static unsigned passed, failed, before;

static void begin(void) { before = (unsigned)VALGRIND_COUNT_ERRORS; }

static void end(const char *what, const char *of, unsigned allowed)
{
    unsigned n = (unsigned)VALGRIND_COUNT_ERRORS - before;

    *(n == allowed ? &passed : &failed) += 1;
    if (n != allowed)
        printf("FAIL %s %s: %u branches or addresses depend on a secret, not %u\n", of, what, n, allowed);
}

static void hide(void *p, size_t n) { VALGRIND_MAKE_MEM_UNDEFINED(p, n); }
static void show(void *p, size_t n) { VALGRIND_MAKE_MEM_DEFINED(p, n); }

static void hide_text(char *p)
{
    unsigned char bits[64];

    memset(bits, 0x3F, sizeof bits);            /* a letter, that is no NUL; which is secret */
    VALGRIND_SET_VBITS(p, bits, strlen(p));
}

static const struct { const char *name; const xmpp_hash_kind *k; const xmpp_mech *m; } kinds[] = {
    {"SHA-1", &xmpp_sha1, &xmpp_mech_scram_sha_1}, {"SHA-256", &xmpp_sha256, &xmpp_mech_scram_sha_256},
    {"SHA-512", &xmpp_sha512, &xmpp_mech_scram_sha_512}};

static void hashes(size_t i)
{
    const xmpp_hash_kind *k = kinds[i].k;
    unsigned char text[300], digest[64], key[200];
    xmpp_pbkdf2 kdf;
    xmpp_hash h;

    memset(text, 'x', sizeof text);
    memset(key, 'k', sizeof key);
    hide(text, sizeof text);
    hide(key, sizeof key);
    begin();
    xmpp_hash_init(k, &h);
    xmpp_hash_add(k, &h, text, 7);
    xmpp_hash_add(k, &h, text, sizeof text);
    xmpp_hash_end(k, &h, digest);
    end("hash", kinds[i].name, 0);
    begin();
    xmpp_hmac_init(k, &h, key, sizeof key);     /* longer than a block */
    xmpp_hash_add(k, &h, text, sizeof text);
    xmpp_hmac_end(k, &h, key, sizeof key, digest);
    xmpp_hmac_init(k, &h, key, 20);
    xmpp_hash_add(k, &h, text, sizeof text);
    xmpp_hmac_end(k, &h, key, 20, digest);
    end("HMAC", kinds[i].name, 0);
    begin();
    xmpp_pbkdf2_start(k, &kdf, (const char *)key, 30, "a salt", 6, 10);
    while (!xmpp_pbkdf2_run(k, &kdf, 3))
        ;
    end("PBKDF2", kinds[i].name, 0);
}

/* From the first message to the server's proof. keys: as they were kept, without a password. right: the server has them too. */
static void login(size_t i, xmpp_keys *keys, bool with_keys, bool right)
{
    static const char challenge[] = "r=fyko+d2lbbFgONRv9qkxdawLSERVER,s=QSXCR+Q6sek8bf92,i=10";
    const xmpp_mech *m = kinds[i].m;
    size_t size = kinds[i].k->size;
    char password[] = "pencil_and_paper", verifier[120] = "v=";
    xmpp_scram st;
    xmpp_creds cr;
    unsigned char out[600];
    int n;

    memset(&cr, 0, sizeof cr);
    cr.user = "user";
    cr.user_n = 4;
    cr.password = with_keys ? NULL : password;
    cr.keys = keys;
    cr.nonce = "fyko+d2lbbFgONRv9qkxdawL";
    cr.gs2 = "n,,";
    cr.min_iterations = 1;
    cr.max_iterations = 1000;
    hide_text(password);
    if (with_keys) {
        hide(keys->client_key, sizeof keys->client_key);
        hide(keys->server_key, sizeof keys->server_key);
    }
    begin();
    n = m->start(m, &st, &cr, out, sizeof out);
    end("first message", m->name, 0);
    begin();
    while ((n = m->challenge(m, &st, &cr, (const unsigned char *)challenge, strlen(challenge), out, sizeof out)) == XMPP_E_AGAIN)
        ;
    end(with_keys ? "proof by keys" : "proof", m->name, 0);
    if (n <= 0)
        failed++;
    xmpp_base64_encode(st.kdf.t, size, verifier + 2, sizeof verifier - 2);
    show(verifier, sizeof verifier);            /* the server sends it */
    verifier[3] = (char)(right ? verifier[3] : verifier[3] == 'A' ? 'B' : 'A');
    begin();
    n = m->success(m, &st, &cr, (const unsigned char *)verifier, 2 + (size + 2) / 3 * 4);
    show(&n, sizeof n);
    end(right ? "the server's proof" : "a wrong proof of the server", m->name, 1);
    if ((n == XMPP_OK) != right)
        failed++;
    show(keys, sizeof *keys);
}

static void others(void)
{
    static const char answers[2][4] = {"no", "yes"};
    unsigned char key[100], same[100], out[300];
    char password[] = "pencil_and_paper";
    xmpp_creds cr;
    bool is;
    size_t n;

    memset(key, 'k', sizeof key);
    memcpy(same, key, sizeof key);
    hide(key, sizeof key);
    begin();
    is = xmpp_same(key, same, sizeof key);
    same[99] ^= 1;
    is = (bool)(is & !xmpp_same(key, same, sizeof key));
    show(&is, sizeof is);
    end(answers[is], "xmpp_same", 0);
    begin();
    for (n = 0; n < 5; n++)
        xmpp_base64_encode(key, 57 + n, (char *)out, sizeof out);
    end("encode", "base64", 0);
    begin();
    n = xmppi_crc(key, sizeof key);
    end("of keys", "CRC", 0);
    memset(&cr, 0, sizeof cr);
    cr.user = "user";
    cr.user_n = 4;
    cr.password = password;
    hide_text(password);
    begin();
    xmpp_mech_plain.start(&xmpp_mech_plain, NULL, &cr, out, sizeof out);
    end("message", "PLAIN", 0);
    begin();
    xmpp_wipe(key, sizeof key);
    end("wipe", "xmpp_wipe", 0);
}

int main(void)
{
    static xmpp_keys keys;
    size_t i;

    if (!RUNNING_ON_VALGRIND) {
        printf("without valgrind nothing is seen\n0 passed, 1 failed\n");
        return 1;
    }
    for (i = 0; i < 3; i++) {
        hashes(i);
        memset(&keys, 0, sizeof keys);
        login(i, &keys, false, false);
        login(i, &keys, false, true);
        login(i, &keys, true, true);
    }
    others();
    printf("%u passed, %u failed\n", passed, failed);
    return failed > 0;
}
