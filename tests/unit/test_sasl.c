/* SCRAM through the mechanisms' public calls: the vectors of RFC 5802 and RFC 7677, one for SHA-512
   computed with Python's hashlib, and everything a server may do wrong; the simple mechanisms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#include "xmpp.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- one exchange ---- */

typedef struct vector {
    const xmpp_mech *mech;
    const char *user, *password, *nonce, *gs2;
    size_t      binding_n;
    const char *client_first, *server_first, *client_final, *server_final;
} vector;

static const vector sha1 = {
    &xmpp_mech_scram_sha_1, "user", "pencil", "fyko+d2lbbFgONRv9qkxdawL", "n,,", 0,
    "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
    "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
    "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
    "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="
};
static const vector sha256 = {
    &xmpp_mech_scram_sha_256, "user", "pencil", "rOprNGfwEbeRWgbNEkqO", "n,,", 0,
    "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
};
/* with channel binding, a user name to be escaped, a password of 180 bytes, a salt of 64 */
static const vector sha512 = {
    &xmpp_mech_scram_sha_512, "a,b=c",
    "pencilpencilpencilpencilpencilpencilpencilpencilpencilpencilpencilpencilpencilpencilpencil"
    "pencilpencilpencilpencilpencilpencilpencilpencilpencilpencilpencilpencilpencilpencilpencil",
    "fyko+d2lbbFgONRv9qkxdawL", "p=tls-server-end-point,,", 32,
    "p=tls-server-end-point,,n=a=2Cb=3Dc,r=fyko+d2lbbFgONRv9qkxdawL",
    "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"
    "ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==,i=5000",
    "c=cD10bHMtc2VydmVyLWVuZC1wb2ludCwsAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=,"
    "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=Td8bqEMGOBKMMoMvmUPNBzLp609orAC6qvVj8c7QneVX"
    "8os5p84ejqU8aRXtB3gaoXllNNhLBfnDMqB9/UOvFQ==",
    "v=6YfnCkqzXDZfOF9HxgrrrrtlmRPb47X1N2C2l+OARvwKZQpBCX9CXJ0bCe8kdsY/7j45vRsMSxORNLjsOzxkxA=="
};
static const vector *const vectors[3] = { &sha1, &sha256, &sha512 };

typedef struct login {
    const vector    *v;
    const xmpp_mech *m;
    void            *mem;       /* of exactly state_size bytes */
    xmpp_creds       cr;
    unsigned char    binding[32], out[512];
    unsigned         slices;    /* how often XMPP_E_AGAIN came */
} login;

static void login_init(login *l, const vector *v, xmpp_keys *keys)
{
    size_t i;

    memset(l, 0, sizeof *l);
    l->v = v;
    l->m = v->mech;
    l->mem = malloc(v->mech->state_size + 1u);
    assert_non_null(l->mem);
    memset(l->mem, 0xEE, v->mech->state_size + 1u);
    for (i = 0; i < sizeof l->binding; i++)
        l->binding[i] = (unsigned char)i;
    l->cr.user = v->user;
    l->cr.user_n = strlen(v->user);
    l->cr.password = v->password;
    l->cr.keys = keys;
    l->cr.nonce = v->nonce;
    l->cr.gs2 = v->gs2;
    l->cr.binding = l->binding;
    l->cr.binding_n = v->binding_n;
    l->cr.min_iterations = 4096;
    l->cr.max_iterations = 5000;
    l->cr.slice = 1000;
}

static void login_free(login *l)
{
    assert_int_equal(((unsigned char *)l->mem)[l->m->state_size], 0xEE);
    free(l->mem);
}

static int start(login *l)
{
    return l->m->start(l->m, l->mem, &l->cr, l->out, sizeof l->out);
}

/* The message is where reading past its end is noticed. */
static int challenge_n(login *l, const void *text, size_t n, size_t cap)
{
    unsigned char *in = (unsigned char *)malloc(n + 1);
    unsigned char *end;
    int r;

    assert_non_null(in);
    end = in + 1;
    if (n > 0)
        memcpy(end, text, n);
    l->slices = 0;
    while ((r = l->m->challenge(l->m, l->mem, &l->cr, end, n, l->out, cap)) == XMPP_E_AGAIN)
        l->slices++;
    free(in);
    return r;
}

static int challenge(login *l, const char *text)
{
    return challenge_n(l, text, strlen(text), sizeof l->out);
}

static int success(login *l, const char *text)
{
    return l->m->success(l->m, l->mem, &l->cr, (const unsigned char *)text, strlen(text));
}

static void out_is(const login *l, int n, const char *want)
{
    assert_int_equal(n, strlen(want));
    assert_memory_equal(l->out, want, strlen(want));
}

/* Up to and with the client-final-message. */
static void login_to_final(login *l, const vector *v, xmpp_keys *keys)
{
    login_init(l, v, keys);
    out_is(l, start(l), v->client_first);
    out_is(l, challenge(l, v->server_first), v->client_final);
}

static void all_zero(const void *p, size_t n)
{
    const unsigned char *b = (const unsigned char *)p;

    while (n-- > 0)
        assert_int_equal(b[n], 0);
}

/* ---- it works ---- */

static void final_comes_with_success(void **state)
{
    login l;
    size_t i;

    (void)state;
    for (i = 0; i < 3; i++) {
        login_to_final(&l, vectors[i], NULL);
        assert_int_equal(success(&l, vectors[i]->server_final), XMPP_OK);
        all_zero(l.mem, l.m->state_size);
        assert_int_equal(success(&l, vectors[i]->server_final), XMPP_E_SERVER_PROOF);  /* once */
        login_free(&l);
    }
}

static void final_comes_as_a_challenge(void **state)
{
    login l;
    size_t i;

    (void)state;
    for (i = 0; i < 3; i++) {
        login_to_final(&l, vectors[i], NULL);
        assert_int_equal(challenge(&l, vectors[i]->server_final), 0);
        assert_int_equal(success(&l, ""), XMPP_OK);
        all_zero(l.mem, l.m->state_size);
        login_free(&l);
    }
}

static void state_sizes_are_small(void **state)
{
    (void)state;
    assert_true(xmpp_mech_scram_sha_1.state_size <= 340);
    assert_true(xmpp_mech_scram_sha_256.state_size <= 340);
    assert_true(xmpp_mech_scram_sha_512.state_size <= 400);
}

static void slices_are_as_ordered(void **state)
{
    static const struct { uint32_t slice; unsigned calls; } t[] = {
        { 4095, 1 }, { 4096, 1 }, { 4094, 2 }, { 1, 4095 }, { 0, 4095 / XMPP_CFG_SLICE + 1 }
    };
    login l;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(t); i++) {
        login_init(&l, &sha256, NULL);
        l.cr.slice = t[i].slice;
        start(&l);
        out_is(&l, challenge(&l, sha256.server_first), sha256.client_final);
        assert_int_equal(l.slices, t[i].calls);
        assert_int_equal(success(&l, sha256.server_final), XMPP_OK);
        login_free(&l);
    }
}

static void extensions_are_ignored(void **state)
{
    char text[200];
    login l;

    (void)state;
    login_init(&l, &sha256, NULL);
    start(&l);
    snprintf(text, sizeof text, "%s,x=1,y==,Z=\xC3\xA4", sha256.server_first);
    assert_true(challenge(&l, text) > 0);
    login_free(&l);

    login_to_final(&l, &sha256, NULL);
    snprintf(text, sizeof text, "%s,x=1", sha256.server_final);
    assert_int_equal(success(&l, text), XMPP_OK);
    login_free(&l);
}

static void user_names_are_escaped(void **state)
{
    static const char *const t[][2] = {
        { ",", "n,,n==2C,r=" }, { "=", "n,,n==3D,r=" }, { "=2C", "n,,n==3D2C,r=" },
        { ",,==", "n,,n==2C=2C=3D=3D,r=" }, { "\xC3\xA4", "n,,n=\xC3\xA4,r=" }
    };
    login l;
    size_t i;

    (void)state;
    login_init(&l, &sha1, NULL);
    for (i = 0; i < COUNT(t); i++) {
        l.cr.user = t[i][0];
        l.cr.user_n = strlen(t[i][0]);
        assert_int_equal(start(&l), strlen(t[i][1]) + strlen(sha1.nonce));
        assert_memory_equal(l.out, t[i][1], strlen(t[i][1]));
    }
    login_free(&l);
}

static void gs2_flag_y(void **state)
{
    login l;
    int n;

    (void)state;
    login_init(&l, &sha1, NULL);
    l.cr.gs2 = "y,,";
    l.cr.binding_n = 32;            /* not sent: no "p" */
    n = start(&l);
    assert_int_equal(n, strlen(sha1.client_first));
    assert_memory_equal(l.out, "y,,n=user,r=", 12);
    n = challenge(&l, sha1.server_first);
    assert_int_equal(n, strlen(sha1.client_final));
    assert_memory_equal(l.out, "c=eSws,r=", 9);
    login_free(&l);
}

/* ---- arguments ---- */

static void bad_credentials(void **state)
{
    login l;

    (void)state;
    login_init(&l, &sha1, NULL);
    l.cr.user_n = 0;
    assert_int_equal(start(&l), XMPP_E_ARG);
    l.cr.user = "a\0b";
    l.cr.user_n = 3;
    assert_int_equal(start(&l), XMPP_E_ARG);
    l.cr.user_n = 1;
    assert_true(start(&l) > 0);
    l.cr.nonce = "";
    assert_int_equal(start(&l), XMPP_E_ARG);
    l.cr.nonce = "123456789012345";
    assert_int_equal(start(&l), XMPP_E_ARG);
    /* and what follows a failed start goes nowhere */
    assert_int_equal(challenge(&l, sha1.server_first), XMPP_E_SASL);
    assert_int_equal(success(&l, ""), XMPP_E_SERVER_PROOF);
    l.cr.nonce = "1234567890123456";
    assert_true(start(&l) > 0);
    login_free(&l);
}

static void room_for_the_replies(void **state)
{
    login l;
    size_t i, cap, need;
    int r;

    (void)state;
    for (i = 0; i < 3; i++) {
        const vector *v = vectors[i];

        login_init(&l, v, NULL);
        need = strlen(v->client_first);
        for (cap = 0; cap <= need; cap++) {
            memset(l.out, '#', sizeof l.out);
            r = l.m->start(l.m, l.mem, &l.cr, l.out, cap);
            assert_int_equal(r, cap < need ? XMPP_E_TOO_LONG : (int)need);
            assert_int_equal(l.out[cap], '#');
        }
        l.cr.slice = 5000;
        need = strlen(v->client_final);
        for (cap = 0; cap <= need + 1; cap += cap + 8 < need && cap > 8 ? 7 : 1) {
            start(&l);
            memset(l.out, '#', sizeof l.out);
            r = challenge_n(&l, v->server_first, strlen(v->server_first), cap);
            assert_int_equal(r, cap < need ? XMPP_E_TOO_LONG : (int)need);
            assert_int_equal(l.out[cap], '#');
            if (r < 0)
                all_zero(l.mem, l.m->state_size);
        }
        assert_int_equal(success(&l, v->server_final), XMPP_OK);
        login_free(&l);
    }
}

static void password_may_come_later(void **state)
{
    login l;
    xmpp_keys keys;

    (void)state;
    memset(&keys, 0, sizeof keys);
    login_init(&l, &sha256, &keys);
    l.cr.password = NULL;
    start(&l);
    assert_int_equal(challenge(&l, sha256.server_first), XMPP_E_NO_PASSWORD);
    l.cr.password = "";
    assert_int_equal(challenge(&l, sha256.server_first), XMPP_E_NO_PASSWORD);
    l.cr.password = "pencil";
    out_is(&l, challenge(&l, sha256.server_first), sha256.client_final);
    assert_int_equal(success(&l, sha256.server_final), XMPP_OK);
    login_free(&l);
}

/* ---- server-first-message ---- */

#define R "r=rOprNGfwEbeRWgbNEkqO"
#define S ",s=W22ZaJ0SNY7soEsUEjb6gQ=="
#define I ",i=4096"

static void server_first_malformed(void **state)
{
    static const char *const t[] = {
        "", "r", "r=", "x", ",", "=", "r=,", "hello", R "X", R "X,", R "X" S, R "X" S ",", R "X" I,
        R S I,                                              /* nonce not longer than ours */
        "r=rOprNGfwEbeRWgbNEkq" S I, "r=ROprNGfwEbeRWgbNEkqOX" S I, "r=XrOprNGfwEbeRWgbNEkqO" S I,
        "r=rOprNGfwEbeRWgbNEkq" "PX" S I, "r=" S I, "r=X" S I,
        R " X" S I, R "\xC3\xA4" S I, R "\x7F" S I, R "\x01" S I, R "\xC3" S I,
        R "X,s=" I, R "X,s==" I, R "X,s=====" I, R "X,s=AAA" I, R "X,s=AAB=" I, R "X,s=AA A" I,
        R "X,s=AA\nA" I, R "X,s=AA-_" I,                    /* salt */
        R "X" S ",i=", R "X" S ",i=0", R "X" S ",i=04096", R "X" S ",i= 4096", R "X" S ",i=+4096",
        R "X" S ",i=-4096", R "X" S ",i=4096 ", R "X" S ",i=4096x", R "X" S ",i=0x1000",
        R "X" S ",i=4096.0", R "X" S ",i=4e3", R "X" S ",i=\xD9\xA4",
        R "X" S ",i=4294967296", R "X" S ",i=4294971392", R "X" S ",i=99999999999999999999",
        "m=x," R "X" S I, R "X,m=x" S I, R "X" S I ",m=x", R "X" S ",m=x" I, R "X" S I ",x=1,m=2",
        "s=W22ZaJ0SNY7soEsUEjb6gQ==," R "X" I, R "X" I S, "x=1," R "X" S I, R "X,x=1" S I,
        R "X" S ",x=1" I,
        R "X," R "X" S I, R "X" S S I, R "X" S I I, R "X" S I S, R "X" S I "," R "X",
        R "X" S I ",", R "X" S I ",x", R "X" S I ",x=", R "X" S I ",=1", R "X" S I ",1=1",
        R "X" S I ",xx=1", R "X" S I ",,x=1", R "X" S I ",x=1,", R "X" S I ",[=1", R "X" S I ",`=1",
        R "X" S I ",{=1", R "X" S I ",@=1", R "X" S I ",x=\xFF", R "X" S I ",x=\xED\xA0\x80",
        "R" R "X" S I, " " R "X" S I, R "X" S I "\n", R "X," S I, "e=other-error", "v=AAAA"
    };
    login l;
    size_t i;

    (void)state;
    login_init(&l, &sha256, NULL);
    for (i = 0; i < COUNT(t); i++) {
        start(&l);
        if (challenge(&l, t[i]) != XMPP_E_SASL)
            fail_msg("%s", t[i]);
        all_zero(l.mem, l.m->state_size);
        assert_int_equal(challenge(&l, R "X" S I), XMPP_E_SASL);         /* the error is final */
        assert_int_equal(success(&l, sha256.server_final), XMPP_E_SERVER_PROOF);
    }
    login_free(&l);
}

static void server_first_with_nul(void **state)
{
    static const char t[] = R "X" S I ",x=1";
    char text[sizeof t];
    login l;
    size_t i;

    (void)state;
    login_init(&l, &sha256, NULL);
    for (i = 0; i < sizeof t - 1; i++) {
        memcpy(text, t, sizeof t);
        text[i] = 0;
        start(&l);
        assert_int_equal(challenge_n(&l, text, sizeof t - 1, sizeof l.out), XMPP_E_SASL);
    }
    start(&l);
    assert_int_equal(challenge_n(&l, t, sizeof t, sizeof l.out), XMPP_E_SASL);
    login_free(&l);
}

/* A message that was cut anywhere gives no reply, or, within the last number, another count. */
static void server_first_cut(void **state)
{
    static const char t[] = R "X" S I;
    login l;
    size_t n;
    int r;

    (void)state;
    login_init(&l, &sha256, NULL);
    for (n = 0; n < sizeof t - 1; n++) {
        start(&l);
        r = challenge_n(&l, t, n, sizeof l.out);
        assert_int_equal(r, n > sizeof t - 5 ? XMPP_E_ITERATIONS : XMPP_E_SASL);
    }
    login_free(&l);
}

static void iteration_bounds(void **state)
{
    static const struct { const char *text; int want; } t[] = {
        { R "X" S ",i=1", XMPP_E_ITERATIONS },    { R "X" S ",i=4095", XMPP_E_ITERATIONS },
        { R "X" S ",i=4096", 1 },                 { R "X" S ",i=4097", 1 },
        { R "X" S ",i=4999", 1 },                 { R "X" S ",i=5000", 1 },
        { R "X" S ",i=5001", XMPP_E_ITERATIONS }, { R "X" S ",i=2000000000", XMPP_E_ITERATIONS },
        { R "X" S ",i=4294967295", XMPP_E_ITERATIONS }
    };
    login l;
    size_t i;
    int r;

    (void)state;
    login_init(&l, &sha256, NULL);
    for (i = 0; i < COUNT(t); i++) {
        start(&l);
        r = challenge(&l, t[i].text);
        assert_int_equal(r > 0 ? 1 : r, t[i].want);
    }
    login_free(&l);
}

/* ---- server-final-message ---- */

static void proof_is_compared_in_full(void **state)
{
    char text[128];
    unsigned char sig[64];
    login l;
    size_t k, i, size;
    int n;

    (void)state;
    for (k = 0; k < 3; k++) {
        const vector *v = vectors[k];
        xmpp_keys keys;

        memset(&keys, 0, sizeof keys);
        login_to_final(&l, v, &keys);           /* derive once */
        assert_int_equal(success(&l, v->server_final), XMPP_OK);
        login_free(&l);

        n = xmpp_base64_decode(v->server_final + 2, strlen(v->server_final) - 2, sig, 64);
        size = (size_t)n;
        memcpy(text, "v=", 2);
        for (i = 0; i < size * 8; i++) {        /* any bit wrong */
            login_to_final(&l, v, &keys);
            sig[i / 8] ^= (unsigned char)(1u << i % 8);
            n = xmpp_base64_encode(sig, size, text + 2, sizeof text - 3);
            sig[i / 8] ^= (unsigned char)(1u << i % 8);
            text[2 + n] = 0;
            assert_int_equal(success(&l, text), XMPP_E_SERVER_PROOF);
            all_zero(l.mem, l.m->state_size);
            login_free(&l);
        }
        for (i = 0; i < size; i++) {            /* cut */
            login_to_final(&l, v, &keys);
            n = xmpp_base64_encode(sig, i, text + 2, sizeof text - 3);
            text[2 + n] = 0;
            assert_int_equal(success(&l, text), XMPP_E_SERVER_PROOF);
            login_free(&l);
        }
    }
}

static void server_final_wrong(void **state)
{
    static const struct { const char *text; int want; } t[] = {
        { "", XMPP_E_SERVER_PROOF }, { "v", XMPP_E_SERVER_PROOF }, { "v=", XMPP_E_SERVER_PROOF },
        { "v=A", XMPP_E_SERVER_PROOF }, { "v=====", XMPP_E_SERVER_PROOF },
        { "x=1", XMPP_E_SERVER_PROOF }, { "success", XMPP_E_SERVER_PROOF },
        { "V=rmF9pqV8S7suAoZWja4dJRkFsKQ=", XMPP_E_SERVER_PROOF },
        { "v=rmF9pqV8S7suAoZWja4dJRkFsKR=", XMPP_E_SERVER_PROOF },          /* padding bits */
        { "v=rmF9pqV8S7suAoZWja4dJRkFsKQ", XMPP_E_SERVER_PROOF },
        { "v=rmF9pqV8S7suAoZWja4dJRkFsKQ= ", XMPP_E_SERVER_PROOF },
        { "v=rmF9pqV8S7suAoZWja4dJRkFsKQA", XMPP_E_SERVER_PROOF },          /* 21 bytes */
        { " v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", XMPP_E_SERVER_PROOF },
        { "x=1,v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", XMPP_E_SERVER_PROOF },
        { "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=,", XMPP_E_SERVER_PROOF },
        { "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=,x", XMPP_E_SASL },
        { "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=,m=1", XMPP_E_SASL },
        { "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=,e=x", XMPP_E_SASL },
        { "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=,v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", XMPP_E_SASL },
        { "e=invalid-proof", XMPP_E_AUTH }, { "e=other-error,x=1", XMPP_E_AUTH },
        { "e=", XMPP_E_SERVER_PROOF }
    };
    xmpp_keys keys;
    login l;
    size_t i;

    (void)state;
    memset(&keys, 0, sizeof keys);
    for (i = 0; i < COUNT(t); i++) {
        login_to_final(&l, &sha1, &keys);
        if (success(&l, t[i].text) != t[i].want)
            fail_msg("success %s", t[i].text);
        login_free(&l);

        login_to_final(&l, &sha1, &keys);
        if (challenge(&l, t[i].text) != t[i].want)
            fail_msg("challenge %s", t[i].text);
        /* success after that, empty or even right, is not believed */
        assert_int_equal(success(&l, i & 1 ? "" : sha1.server_final), XMPP_E_SERVER_PROOF);
        login_free(&l);
        all_zero(&keys, sizeof keys);           /* nothing was learnt */
    }
}

static void success_out_of_order(void **state)
{
    login l;

    (void)state;
    /* at once */
    login_init(&l, &sha1, NULL);
    start(&l);
    assert_int_equal(success(&l, ""), XMPP_E_SERVER_PROOF);
    assert_int_equal(challenge(&l, sha1.server_first), XMPP_E_SASL);
    start(&l);
    assert_int_equal(success(&l, sha1.server_final), XMPP_E_SERVER_PROOF);

    /* during the derivation */
    start(&l);
    assert_int_equal(l.m->challenge(l.m, l.mem, &l.cr, (const unsigned char *)sha1.server_first,
                                    strlen(sha1.server_first), l.out, sizeof l.out), XMPP_E_AGAIN);
    assert_int_equal(success(&l, sha1.server_final), XMPP_E_SERVER_PROOF);

    /* with an all-zero signature, as a state that was never filled might hold */
    start(&l);
    assert_int_equal(success(&l, "v=AAAAAAAAAAAAAAAAAAAAAAAAAAA="), XMPP_E_SERVER_PROOF);
    login_free(&l);

    /* data where none is left to say */
    login_to_final(&l, &sha1, NULL);
    assert_int_equal(challenge(&l, sha1.server_final), 0);
    assert_int_equal(success(&l, sha1.server_final), XMPP_E_SASL);
    login_free(&l);

    /* one challenge too many */
    login_to_final(&l, &sha1, NULL);
    assert_int_equal(challenge(&l, sha1.server_final), 0);
    assert_int_equal(challenge(&l, sha1.server_final), XMPP_E_SASL);
    assert_int_equal(success(&l, ""), XMPP_E_SERVER_PROOF);
    login_free(&l);

    /* the server-first-message twice */
    login_to_final(&l, &sha1, NULL);
    assert_int_equal(challenge(&l, sha1.server_first), XMPP_E_SERVER_PROOF);
    assert_int_equal(success(&l, ""), XMPP_E_SERVER_PROOF);
    login_free(&l);
}

/* ---- keys ---- */

static void keys_are_filled_after_success_only(void **state)
{
    static const unsigned char client_key[4] = { 0xA6, 0x0F, 0xC9, 0x23 };
    static const unsigned char server_key[4] = { 0xC1, 0xF3, 0xCB, 0xC1 };
    xmpp_keys keys;
    login l;

    (void)state;
    memset(&keys, 0, sizeof keys);
    login_to_final(&l, &sha256, &keys);
    all_zero(&keys, sizeof keys);
    assert_int_equal(challenge(&l, sha256.server_final), 0);
    all_zero(&keys, sizeof keys);
    assert_int_equal(success(&l, ""), XMPP_OK);
    login_free(&l);

    assert_int_equal(keys.hash, 2);
    assert_int_equal(keys.pinned, 1);
    assert_int_equal(keys.salt_n, 16);
    assert_memory_equal(keys.salt, "\x5B\x6D\x99\x68", 4);
    all_zero(keys.salt + 16, sizeof keys.salt - 16);
    assert_memory_equal(keys.iterations, "\0\0\x10\0", 4);
    assert_memory_equal(keys.client_key, client_key, 4);
    assert_memory_equal(keys.server_key, server_key, 4);
    all_zero(keys.client_key + 32, 32);
    all_zero(keys.server_key + 32, 32);
}

static void keys_make_the_password_needless(void **state)
{
    xmpp_keys keys, before;
    login l;
    size_t i;

    (void)state;
    for (i = 0; i < 3; i++) {
        memset(&keys, 0, sizeof keys);
        login_to_final(&l, vectors[i], &keys);
        assert_true(l.slices > 0);
        assert_int_equal(success(&l, vectors[i]->server_final), XMPP_OK);
        login_free(&l);

        before = keys;
        login_init(&l, vectors[i], &keys);
        l.cr.password = NULL;
        out_is(&l, start(&l), vectors[i]->client_first);
        out_is(&l, challenge(&l, vectors[i]->server_first), vectors[i]->client_final);
        assert_int_equal(l.slices, 0);
        assert_int_equal(success(&l, vectors[i]->server_final), XMPP_OK);
        assert_memory_equal(&keys, &before, sizeof keys);
        login_free(&l);
    }
}

static void keys_for_something_else(void **state)
{
    static const char *const other[] = {
        R "X,s=W22ZaJ0SNY7soEsUEjb6gA==" I,             /* salt changed, shorter, longer */
        R "X,s=W22ZaJ0SNY7soEsUEjb6" I, R "X,s=W22ZaJ0SNY7soEsUEjb6gQAA" I,
        R "X" S ",i=4097"
    };
    xmpp_keys keys, saved;
    login l;
    size_t i;

    (void)state;
    memset(&saved, 0, sizeof saved);
    login_to_final(&l, &sha256, &saved);
    assert_int_equal(success(&l, sha256.server_final), XMPP_OK);
    login_free(&l);

    for (i = 0; i < COUNT(other); i++) {
        keys = saved;
        login_init(&l, &sha256, &keys);
        l.cr.password = NULL;
        start(&l);
        assert_int_equal(challenge(&l, other[i]), XMPP_E_NO_PASSWORD);
        l.cr.password = "pencil";
        assert_true(challenge(&l, other[i]) > 0);
        assert_true(l.slices > 0);
        login_free(&l);
        assert_memory_equal(&keys, &saved, sizeof keys);
    }
    /* the same salt, but for another hash */
    keys = saved;
    keys.hash = 5;
    login_init(&l, &sha256, &keys);
    l.cr.password = NULL;
    start(&l);
    assert_int_equal(challenge(&l, sha256.server_first), XMPP_E_NO_PASSWORD);
    login_free(&l);
    /* nonsense from flash: a length past its array */
    keys = saved;
    keys.salt_n = 255;
    login_init(&l, &sha256, &keys);
    l.cr.password = NULL;
    start(&l);
    assert_int_equal(challenge(&l, sha256.server_first), XMPP_E_NO_PASSWORD);
    login_free(&l);
}

/* A salt of 65 bytes works, but is not kept. */
static void long_salt(void **state)
{
    vector v = sha256;
    xmpp_keys keys;
    login l;

    (void)state;
    v.server_first = R "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"
                       "Hh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0A=,i=4096";
    v.client_final = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                     "p=JqzEdd1sgdxcqwNzdrtVkqCAqDW5e5jjLSvvt87Lkyk=";
    v.server_final = "v=bCFIzsqqXeoqbSjspJhNYZwzmjx8V2eE+hkPFmecKeo=";
    memset(&keys, 0, sizeof keys);
    login_to_final(&l, &v, &keys);
    assert_int_equal(success(&l, v.server_final), XMPP_OK);
    assert_int_equal(keys.hash, 0);
    assert_int_equal(keys.salt_n, 0);
    assert_int_equal(keys.pinned, 1);
    all_zero(keys.client_key, sizeof keys.client_key);
    login_free(&l);
    login_to_final(&l, &v, &keys);
    assert_true(l.slices > 0);
    login_free(&l);
    keys.hash = xmpp_sha256.id;         /* nonsense from flash: as if it had been kept */
    keys.salt_n = 65;
    login_to_final(&l, &v, &keys);
    assert_true(l.slices > 0);
    login_free(&l);
}

/* ---- the others ---- */

static void plain(void **state)
{
    const xmpp_mech *m = &xmpp_mech_plain;
    unsigned char out[32];
    xmpp_creds cr;
    size_t cap;

    (void)state;
    memset(&cr, 0, sizeof cr);
    cr.user = "user@";
    cr.user_n = 4;
    cr.password = "pencil";
    memset(out, '#', sizeof out);
    for (cap = 0; cap < 12; cap++) {
        assert_int_equal(m->start(m, NULL, &cr, out, cap), XMPP_E_TOO_LONG);
        assert_int_equal(out[cap], '#');
    }
    assert_int_equal(m->start(m, NULL, &cr, out, 12), 12);
    assert_memory_equal(out, "\0user\0pencil#", 13);
    cr.password = NULL;
    assert_int_equal(m->start(m, NULL, &cr, out, sizeof out), XMPP_E_NO_PASSWORD);
    cr.password = "";
    assert_int_equal(m->start(m, NULL, &cr, out, sizeof out), XMPP_E_NO_PASSWORD);
    cr.password = "pencil";
    cr.user = "a\0b";
    cr.user_n = 3;
    assert_int_equal(m->start(m, NULL, &cr, out, sizeof out), XMPP_E_ARG);
    cr.user_n = 0;
    assert_int_equal(m->start(m, NULL, &cr, out, sizeof out), XMPP_E_ARG);
    assert_null(m->challenge);
    assert_null(m->success);
}

static void external_and_anonymous(void **state)
{
    xmpp_creds cr;

    (void)state;
    memset(&cr, 0, sizeof cr);
    assert_int_equal(xmpp_mech_external.start(&xmpp_mech_external, NULL, &cr, NULL, 0), 0);
    assert_int_equal(xmpp_mech_anonymous.start(&xmpp_mech_anonymous, NULL, &cr, NULL, 0), 0);
    assert_null(xmpp_mech_external.challenge);
    assert_null(xmpp_mech_anonymous.challenge);
}

static void list_of_mechanisms(void **state)
{
    static const struct { const char *name; unsigned flags; } t[] = {
        { "EXTERNAL", XMPP_MECH_CERT },
        { "SCRAM-SHA-512", XMPP_MECH_PASSWORD | XMPP_MECH_MUTUAL },
        { "SCRAM-SHA-256", XMPP_MECH_PASSWORD | XMPP_MECH_MUTUAL },
        { "SCRAM-SHA-1", XMPP_MECH_PASSWORD | XMPP_MECH_MUTUAL },
        { "PLAIN", XMPP_MECH_PLAINTEXT | XMPP_MECH_PASSWORD },
        { "ANONYMOUS", XMPP_MECH_ANONYMOUS }
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(t); i++) {
        assert_string_equal(xmpp_mechs_all[i]->name, t[i].name);
        assert_int_equal(xmpp_mechs_all[i]->flags, t[i].flags);
    }
    assert_null(xmpp_mechs_all[i]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(final_comes_with_success),
        cmocka_unit_test(final_comes_as_a_challenge),
        cmocka_unit_test(state_sizes_are_small),
        cmocka_unit_test(slices_are_as_ordered),
        cmocka_unit_test(extensions_are_ignored),
        cmocka_unit_test(user_names_are_escaped),
        cmocka_unit_test(gs2_flag_y),
        cmocka_unit_test(bad_credentials),
        cmocka_unit_test(room_for_the_replies),
        cmocka_unit_test(password_may_come_later),
        cmocka_unit_test(server_first_malformed),
        cmocka_unit_test(server_first_with_nul),
        cmocka_unit_test(server_first_cut),
        cmocka_unit_test(iteration_bounds),
        cmocka_unit_test(proof_is_compared_in_full),
        cmocka_unit_test(server_final_wrong),
        cmocka_unit_test(success_out_of_order),
        cmocka_unit_test(keys_are_filled_after_success_only),
        cmocka_unit_test(keys_make_the_password_needless),
        cmocka_unit_test(keys_for_something_else),
        cmocka_unit_test(long_salt),
        cmocka_unit_test(plain),
        cmocka_unit_test(external_and_anonymous),
        cmocka_unit_test(list_of_mechanisms)
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
