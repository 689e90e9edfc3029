/* base64.c - against a plain model, in blocks of exact size, in place too.  SPDX: MIT
   Input: a byte for the room, then what is decoded and encoded. */
#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#include "xmpp.h"
#include "fuzz.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Decodes by the letter of RFC 4648 section 4, bit by bit. -1: it is no base64. */
static int model(const uint8_t *in, size_t n, unsigned char *out)
{
    size_t pad = 0, i, bits = 0;
    unsigned char last = 0;

    if (n % 4 != 0)
        return -1;
    while (pad < 2 && pad < n && in[n - 1 - pad] == '=')
        pad++;
    for (i = 0; i < n - pad; i++) {
        const char *at = in[i] != 0 ? strchr(alphabet, in[i]) : NULL;
        unsigned k;

        if (at == NULL)
            return -1;
        for (k = 0; k < 6; k++) {
            last = (unsigned char)(last << 1 | ((at - alphabet) >> (5 - k) & 1));
            if (++bits % 8 == 0) {
                out[bits / 8 - 1] = last;
                last = 0;
            }
        }
    }
    return last == 0 ? (int)(bits / 8) : -1;
}

static void decode(const uint8_t *data, size_t n, size_t cap)
{
    unsigned char *expected = (unsigned char *)exact(NULL, n), *out = (unsigned char *)exact(NULL, cap);
    char *in = (char *)exact(data, n), *again = (char *)exact(NULL, n);
    int want = model(data, n, expected), got = xmpp_base64_decode(in, n, out, cap);

    if (want >= 0 && (size_t)want > cap) {
        MUST(got == XMPP_E_TOO_LONG);
    } else if (want < 0) {              /* what is wrong may come behind what finds no room */
        MUST(got == XMPP_E_ARG || (got == XMPP_E_TOO_LONG && n / 4 * 3 > cap));
    } else {
        MUST(got == want && memcmp(out, expected, (size_t)want) == 0);
        MUST(xmpp_base64_encode(out, (size_t)got, again, n) == (int)n);
        MUST(memcmp(again, data, n) == 0);
        MUST(xmpp_base64_decode(in, n, in, n) == got && memcmp(in, expected, (size_t)got) == 0);
    }
    free(expected);
    free(out);
    free(in);
    free(again);
}

static void encode(const uint8_t *data, size_t n, size_t cap)
{
    size_t len = (n + 2) / 3 * 4;
    char *out = (char *)exact(NULL, cap), *whole = (char *)exact(NULL, len);
    unsigned char *back = (unsigned char *)exact(NULL, n);
    int r = xmpp_base64_encode(data, n, out, cap);

    MUST(len > cap ? r == XMPP_E_TOO_LONG : r == (int)len);
    memcpy(whole + len - n, data, n);
    MUST(xmpp_base64_encode(whole + len - n, n, whole, len) == (int)len);
    MUST(r < 0 || memcmp(whole, out, len) == 0);
    MUST(model((const uint8_t *)whole, len, back) == (int)n && memcmp(back, data, n) == 0);
    free(out);
    free(whole);
    free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 1)
        return 0;
    decode(data + 1, n - 1, data[0]);
    encode(data + 1, n - 1, data[0]);
    return 0;
}
