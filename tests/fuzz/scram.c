/* scram.c - SCRAM with a server that is right, wrong or mad.  SPDX: MIT
   Input: choices, then the server's messages where they are not made here. */
#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#include "xmpp.h"
#include "fuzz.h"

static const char nonce[] = "fyko+d2lbbFgONRv9qkxdawL", password[] = "pencil";
static const xmpp_mech *const mechs[] = { &xmpp_mech_scram_sha_1, &xmpp_mech_scram_sha_256, &xmpp_mech_scram_sha_512 };

static void hmac(const xmpp_hash_kind *k, const unsigned char *key, const char *data, size_t n, unsigned char *out)
{
    xmpp_hash h;

    xmpp_hmac_init(k, &h, key, k->size);
    xmpp_hash_add(k, &h, data, n);
    xmpp_hmac_end(k, &h, key, k->size, out);
}

/* "v=" and the signature that this AuthMessage must get. */
static void server_final(const xmpp_hash_kind *k, const char *salt64, uint32_t iterations, const char *auth_message,
                         text *out)
{
    unsigned char salt[300], key[64], signature[64];
    xmpp_pbkdf2 p;
    char b64[100];
    int n = xmpp_base64_decode(salt64, strlen(salt64), salt, sizeof salt);

    if (n <= 0)
        n = 0;
    xmpp_pbkdf2_start(k, &p, password, strlen(password), salt, (size_t)n, iterations);
    while (!xmpp_pbkdf2_run(k, &p, 1000)) {}
    hmac(k, p.t, "Server Key", 10, key);
    hmac(k, key, auth_message, strlen(auth_message), signature);
    n = xmpp_base64_encode(signature, k->size, b64, sizeof b64);
    puts_to(out, "v=");
    put(out, b64, (size_t)n);
}

/* The server-first-message, changed here and there as the input says. Returns whether it is as servers send it. */
static int server_first(input *in, text *out, char *salt, unsigned *iterations)
{
    static const char *const salts[] = { "QSXCR+Q6sek8bf92", "AA==", "", "W22ZaJ0SNY7soEsUEjb6gQ==", "AAA", "A===" };
    char number[16];
    unsigned odd = take_byte(in);
    char *mine = NULL;

    strcpy(salt, salts[odd & 1 ? take_below(in, 6) : 0]);
    *iterations = 1 + take_below(in, 3);
    puts_to(out, odd & 2 && take_below(in, 4) == 0 ? "m=x,r=" : "r=");
    put(out, nonce, odd & 4 ? take_below(in, sizeof nonce) : sizeof nonce - 1);
    if (odd & 8) {
        mine = take_string(in, take_below(in, 40));
        puts_to(out, mine);
        free(mine);
    } else {
        puts_to(out, "3rfcNHYJY1ZVvWVs7j");
    }
    puts_to(out, ",s=");
    puts_to(out, salt);
    snprintf(number, sizeof number, ",i=%u", *iterations);
    puts_to(out, number);
    if (odd & 16) {
        mine = take_string(in, take_below(in, 20));
        puts_to(out, mine);
        free(mine);
    }
    return !(odd & 28) && out->s[0] == 'r';
}

/* What must be true of a server-first-message that is answered: RFC 5802 7, our nonce and more, a salt, iterations 1 to 4096. */
static bool is_first(const char *s)
{
    static const char b64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    size_t n;

    if (strncmp(s, "r=", 2) != 0 || strncmp(s + 2, nonce, strlen(nonce)) != 0)
        return false;
    s += 2 + strlen(nonce);
    n = strcspn(s, ",");
    if (n == 0 || strncmp(s + n, ",s=", 3) != 0)
        return false;
    s += n + 3;
    n = strspn(s, b64);
    if (n == 0 || n % 4 != 0 || strncmp(s + n, ",i=", 3) != 0)
        return false;
    s += n + 3;
    n = strspn(s, "0123456789");
    if (s[n] == ',' && (s[n + 1] == '\0' || s[n + 2] != '=' || s[n + 3] == '\0' || s[n + 3] == ','))
        return false;
    return *s >= '1' && n < 5 && strtoul(s, NULL, 10) <= 4096 && (s[n] == '\0' || s[n] == ',');
}

static int is_zero(const unsigned char *p, size_t n)
{
    while (n > 0 && p[n - 1] == 0)
        n--;
    return n == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    input in = { data, n };
    const xmpp_mech *m = mechs[take_below(&in, 3)];
    const xmpp_hash_kind *k = (const xmpp_hash_kind *)m->param;
    unsigned how = take_byte(&in), iterations = 1, i;
    size_t cap = how & 1 ? take_byte(&in) * 2u : 600u;
    xmpp_creds cr = { "us,er=", 6, how & 2 ? NULL : password, NULL, nonce, how & 4 ? "p=tls-server-end-point,," : "n,,",
                      "binding", 7, 1, 4096, 1 + (how & 1) };
    unsigned char *state = (unsigned char *)exact(NULL, m->state_size), *out = (unsigned char *)exact(NULL, cap);
    text first = { NULL, 0, 0 }, second = { NULL, 0, 0 }, auth_message = { NULL, 0, 0 };
    xmpp_keys keys, before;
    char salt[64] = "", *raw;
    unsigned char *msg;
    int r, usual = 0;

    memset(state, 0xA5, m->state_size);
    memset(&keys, 0, sizeof keys);
    if (how & 8) {                      /* keys for the usual salt, which need not be right */
        keys.hash = k->id;
        keys.salt_n = (unsigned char)xmpp_base64_decode("QSXCR+Q6sek8bf92", 16, keys.salt, sizeof keys.salt);
        keys.iterations[3] = 1;
        memset(keys.server_key, (int)take_byte(&in), sizeof keys.server_key);
    }
    before = keys;
    cr.keys = how & 16 ? NULL : &keys;
    r = m->start(m, state, &cr, out, cap);
    MUST(r > 0 || r == XMPP_E_TOO_LONG);
    if (r > 0) {                        /* without its gs2 header */
        size_t gs2 = strlen(cr.gs2);

        MUST((size_t)r <= cap && memcmp(out + gs2, "n=us=2Cer=3D,r=", 15) == 0);
        put(&auth_message, out + gs2, (size_t)r - gs2);
    }
    puts_to(&first, "");
    if (how & 32) {
        raw = take_string(&in, 200);
        puts_to(&first, raw);
        free(raw);
    } else {
        usual = server_first(&in, &first, salt, &iterations);
    }
    msg = (unsigned char *)exact(first.s, first.n);
    for (i = 0; (r = m->challenge(m, state, &cr, msg, first.n, out, cap)) == XMPP_E_AGAIN; i++)
        MUST(i <= 4096);
    if (r == XMPP_E_NO_PASSWORD) {
        MUST(cr.password == NULL);
        cr.password = password;
        while ((r = m->challenge(m, state, &cr, msg, first.n, out, cap)) == XMPP_E_AGAIN) {}
    }
    free(msg);
    MUST(r > 0 ? (size_t)r <= cap : r == XMPP_E_SASL || r == XMPP_E_ITERATIONS || r == XMPP_E_TOO_LONG || r == XMPP_E_NO_PASSWORD);
    MUST(r > 0 || is_zero(state, m->state_size));
    MUST(r <= 0 || (strlen(first.s) == first.n && is_first(first.s)));
    MUST(r > 0 || !usual || how & 33 || strcmp(salt, "QSXCR+Q6sek8bf92") != 0);
    if (r > 0) {
        const char *p = NULL;
        int good, by_challenge = how & 64;

        for (i = 0; i + 3 <= (unsigned)r; i++)
            if (memcmp(out + i, ",p=", 3) == 0)
                p = (const char *)out + i;
        MUST(p != NULL && out[0] == 'c' && out[1] == '=');
        puts_to(&auth_message, ",");
        put(&auth_message, first.s, first.n);
        puts_to(&auth_message, ",");
        put(&auth_message, out, (size_t)(p - (const char *)out));
        puts_to(&second, "");
        if (!(how & 32))
            server_final(k, salt, iterations, auth_message.s, &second);
        raw = take_string(&in, 150);
        if (how & 128 && second.n > 2) {
            i = take_byte(&in) % (unsigned)second.n;
            second.s[i] ^= (char)(1 << take_below(&in, 8));
        }
        good = usual && !(how & 128) && raw[0] == '\0' && !(how & 8 && cr.keys != NULL);
        puts_to(&second, raw);
        free(raw);
        msg = (unsigned char *)exact(second.s, second.n);
        if (by_challenge) {
            r = m->challenge(m, state, &cr, msg, second.n, out, cap);
            if (r == XMPP_OK)
                r = m->success(m, state, &cr, NULL, 0);
        } else {
            r = m->success(m, state, &cr, msg, second.n);
        }
        free(msg);
        MUST(!good || r == XMPP_OK);
        MUST(r != XMPP_OK || (second.n > 4 && memcmp(second.s, "v=", 2) == 0 && !(how & 128)));
        MUST(r == XMPP_OK || r == XMPP_E_AUTH || r == XMPP_E_SERVER_PROOF || r == XMPP_E_SASL);
        MUST(r == XMPP_OK ? cr.keys == NULL || keys.pinned == 1 : memcmp(&keys, &before, sizeof keys) == 0);
        MUST(is_zero(state, m->state_size));
        MUST(m->success(m, state, &cr, NULL, 0) == XMPP_E_SERVER_PROOF);
    }
    free(state);
    free(out);
    free(first.s);
    free(second.s);
    free(auth_message.s);
    return 0;
}
