/* scram.c - hashes, PBKDF2 and SCRAM on an AVR: published vectors, and what a client must refuse. It tells by the UART, in
   words: "ok NAME" or "FAIL NAME", then "N passed, N failed".  SPDX: MIT */
#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#include "xmpp.h"
#include "wire.h"
#include "board.h"
#include <stdlib.h>

static unsigned passed, failed;

static void say(const char *s)
{
    while (*s != '\0')
        put8((uint8_t)*s++);
}

static void check(const char *name, bool right)
{
    say(right ? "ok " : "FAIL ");
    say(name);
    say("\n");
    if (right)
        passed++;
    else
        failed++;
}

/* ---- FIPS 180-4, RFC 2202, 4231, 6070; the digests in hex ---- */

static char hex[2 * 64 + 1];
static const char *in_hex(const unsigned char *p, uint8_t n)
{
    uint8_t i;

    for (i = 0; i < n; i++) {
        hex[2 * i] = "0123456789abcdef"[p[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[p[i] & 15];
    }
    hex[2 * n] = '\0';
    return hex;
}

static unsigned char out[64];

static const char *digest(const xmpp_hash_kind *k, const char *text)
{
    xmpp_hash h;

    xmpp_hash_init(k, &h);
    for (; *text != '\0'; text++)               /* byte by byte: blocks are filled across calls */
        xmpp_hash_add(k, &h, text, 1);
    xmpp_hash_end(k, &h, out);
    return in_hex(out, k->size);
}

static const char *hmac(const xmpp_hash_kind *k, const char *key, const char *text)
{
    xmpp_hash h;

    xmpp_hmac_init(k, &h, key, strlen(key));
    xmpp_hash_add(k, &h, text, strlen(text));
    xmpp_hmac_end(k, &h, key, strlen(key), out);
    return in_hex(out, k->size);
}

static const char *pbkdf2(const xmpp_hash_kind *k, uint32_t iterations, uint32_t slice)
{
    static xmpp_pbkdf2 p;

    xmpp_pbkdf2_start(k, &p, "password", 8, "salt", 4, iterations);
    while (!xmpp_pbkdf2_run(k, &p, slice))
        ;
    return in_hex(p.t, k->size);
}

#define LONG_TEXT "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
static void hashes(void)
{
    check("SHA-1 of nothing", strcmp(digest(&xmpp_sha1, ""), "da39a3ee5e6b4b0d3255bfef95601890afd80709") == 0);
    check("SHA-1 abc", strcmp(digest(&xmpp_sha1, "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d") == 0);
    check("SHA-1 of two blocks", strcmp(digest(&xmpp_sha1, LONG_TEXT), "84983e441c3bd26ebaae4aa1f95129e5e54670f1") == 0);
    check("SHA-256 abc", strcmp(digest(&xmpp_sha256, "abc"),
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") == 0);
    check("SHA-256 of two blocks", strcmp(digest(&xmpp_sha256, LONG_TEXT),
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1") == 0);
    check("SHA-512 abc", strcmp(digest(&xmpp_sha512, "abc"),
          "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
          "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f") == 0);
    check("HMAC-SHA-1", strcmp(hmac(&xmpp_sha1, "Jefe", "what do ya want for nothing?"), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79") == 0);
    check("HMAC-SHA-256", strcmp(hmac(&xmpp_sha256, "Jefe", "what do ya want for nothing?"),
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843") == 0);
    check("PBKDF2-SHA-1, 1", strcmp(pbkdf2(&xmpp_sha1, 1, 1), "0c60c80f961f0e71f3a9b524af6012062fe037a6") == 0);
    check("PBKDF2-SHA-1, 2", strcmp(pbkdf2(&xmpp_sha1, 2, 1), "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957") == 0);
    check("PBKDF2-SHA-1, 4096", strcmp(pbkdf2(&xmpp_sha1, 4096, 100), "4b007901b765489abead49d926f721d065a429c1") == 0);
}

/* ---- RFC 5802 section 5, RFC 7677 section 3 ---- */

static unsigned char state[sizeof(xmpp_scram)], message[200];

typedef struct exchange {
    const xmpp_mech *mech;
    const char *nonce, *first, *challenge, *final, *verifier;
} exchange;

static const exchange sha1_exchange = {
    &xmpp_mech_scram_sha_1, "fyko+d2lbbFgONRv9qkxdawL", "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
    "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
    "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="};
static const exchange sha256_exchange = {
    &xmpp_mech_scram_sha_256, "rOprNGfwEbeRWgbNEkqO", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="};

static bool is(int n, const char *want) { return n == (int)strlen(want) && memcmp(message, want, strlen(want)) == 0; }

/* Up to the answer to a challenge: its length or an error. */
static int answer(const exchange *e, const char *challenge, const char *password)
{
    xmpp_creds cr;
    int r;

    memset(&cr, 0, sizeof cr);
    cr.user = "user";
    cr.user_n = 4;
    cr.password = password;
    cr.nonce = e->nonce;
    cr.gs2 = "n,,";
    cr.min_iterations = 4096;
    cr.max_iterations = 10000;
    cr.slice = 64;
    memset(state, 0xA5, sizeof state);
    r = e->mech->start(e->mech, state, &cr, message, sizeof message);
    if (!is(r, e->first))
        return XMPP_E_SASL;
    do
        r = e->mech->challenge(e->mech, state, &cr, (const unsigned char *)challenge, strlen(challenge), message, sizeof message);
    while (r == XMPP_E_AGAIN);
    return r;
}

static int success(const exchange *e, const char *verifier)
{
    xmpp_creds cr;

    memset(&cr, 0, sizeof cr);
    return e->mech->success(e->mech, state, &cr, (const unsigned char *)verifier, strlen(verifier));
}

static void scram(const exchange *e)
{
    char text[120];
    static unsigned char kept[sizeof state];

    check(e->mech->name, is(answer(e, e->challenge, "pencil"), e->final));
    memcpy(kept, state, sizeof state);
    check("the server's signature", success(e, e->verifier) == XMPP_OK);
    memcpy(state, kept, sizeof state);
    strcpy(text, e->verifier);
    text[5] = text[5] == 'A' ? 'B' : 'A';
    check("a wrong signature", success(e, text) == XMPP_E_SERVER_PROOF);
    memcpy(state, kept, sizeof state);
    check("no signature", success(e, "") < 0);
    strcpy(text, e->challenge);
    text[3] ^= 1;
    check("somebody else's nonce", answer(e, text, "pencil") == XMPP_E_SASL);
    strcpy(text, e->challenge);
    strcpy(strstr(text, ",i="), ",i=4095");
    check("too few iterations", answer(e, text, "pencil") == XMPP_E_ITERATIONS);
    strcpy(strstr(text, ",i="), ",i=65537");    /* more than 16 bits hold */
    check("too many iterations", answer(e, text, "pencil") == XMPP_E_ITERATIONS);
    strcpy(strstr(text, ",i="), ",i=4294971392");       /* 4096 + 2^32 */
    check("more iterations than 32 bits hold", answer(e, text, "pencil") < 0 && answer(e, text, "pencil") != XMPP_E_AGAIN);
    strcpy(text, "m=x,");
    strcat(text, e->challenge);
    check("an extension that must be understood", answer(e, text, "pencil") == XMPP_E_SASL);
}

int main(void)
{
    char text[12];

    start();
    hashes();
    scram(&sha1_exchange);
    scram(&sha256_exchange);
    say(utoa(passed, text, 10));
    say(" passed, ");
    say(utoa(failed, text, 10));
    say(" failed\n");
    for (;;)
        ;
}
