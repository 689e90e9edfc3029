/* own_key.c - what reading the client's own key leaves in memory: the key, where the caller wanted it, and nothing else.
   SPDX: MIT

   A private key is read from a file and from memory, whole, cut and broken; then what stdio had as its buffer, the struct
   and the stack below the calls are searched for parts of it, as bytes and as base64. Usage: own_key KEY.pem... */

#include <stdio.h>
#include <stdlib.h>

#include "stack.h"

/* stdio gets a buffer that can be searched, unless it is told to have none. */
static char of_stdio[8192];

static FILE *open_buffered(const char *path, const char *mode)
{
    FILE *f = fopen(path, mode);

    if (f != NULL)
        setvbuf(f, of_stdio, _IOFBF, sizeof of_stdio);
    return f;
}
#define fopen open_buffered

#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp_tls_bearssl.h"

#undef fopen

static unsigned passed, failed;

/* ---- the key ---- */

static char pem[8192];                  /* the text of the file */
static size_t pem_n;
static unsigned char der[4096];
static size_t der_n;
static const char *path;
static char cut_path[1024];

static xmpp_bearssl_own own;
static unsigned char mem[4096];
static int result;

static void from_file(void) { result = xmpp_bearssl_own_file(&own, path); }
static void from_cut_file(void) { result = xmpp_bearssl_own_file(&own, cut_path); }
static void from_memory(void) { result = xmpp_bearssl_own_pem(&own, pem, pem_n); }

static void add_der(void *ctx, const void *data, size_t n)
{
    (void)ctx;
    memcpy(der + der_n, data, n);
    der_n += n;
}

static void load_key(void)
{
    br_pem_decoder_context d;
    size_t used = 0;
    FILE *f = fopen(path, "rb");

    pem_n = der_n = 0;
    if (f == NULL)
        return;
    pem_n = fread(pem, 1, sizeof pem, f);
    fclose(f);
    br_pem_decoder_init(&d);
    while (used < pem_n) {
        used += br_pem_decoder_push(&d, pem + used, pem_n - used);
        if (br_pem_decoder_event(&d) == BR_PEM_BEGIN_OBJ)
            br_pem_decoder_setdest(&d, add_der, NULL);
    }
}

static void write_cut(size_t n, const char *end)
{
    FILE *f;

    snprintf(cut_path, sizeof cut_path, "%s.cut", path);
    f = fopen(cut_path, "wb");
    if (f == NULL)
        return;
    fwrite(pem, 1, n, f);
    fputs(end, f);
    fclose(f);
}

/* ---- searching ---- */

/* Of any 24 bytes of what, 16. */
static bool holds(const void *p, size_t n, const void *what, size_t len)
{
    const unsigned char *in = (const unsigned char *)p, *w = (const unsigned char *)what;
    size_t i, at;

    for (at = 0; at + 16 <= len; at += 8)
        for (i = 0; i + 16 <= n; i++)
            if (in[i] == w[at] && memcmp(in + i, w + at, 16) == 0)
                return true;
    return false;
}

/* kept: whether mem is to hold the key */
static void search(const char *when, int wanted, bool kept)
{
    const struct { const char *name; const void *p; size_t n; } all[] = {
        {"stdio's buffer", of_stdio, sizeof of_stdio}, {"xmpp_bearssl_own", &own, sizeof own}, {"the stack", stack, sizeof stack},
        {"the caller's memory", mem, sizeof mem}};
    /* Where a secret begins in PKCS #8: a P-256 key behind its identifiers, and d, p and q of an RSA key behind its modulus. */
    const bool ec = der_n < 300;
    const size_t at = ec ? 36 : 320, n = ec ? 32 : 800;
    const size_t text_at = 28 + (at / 48 * 65 + at % 48 / 3 * 4), text_n = n / 3 * 4;
    size_t i;

    if (result != wanted) {
        printf("FAIL %s, %s: %s\n", path, when, xmpp_errname(result));
        failed++;
        return;
    }
    for (i = 0; i < sizeof all / sizeof *all - (kept ? 1 : 0); i++)
        if (holds(all[i].p, all[i].n, der + at, n) || holds(all[i].p, all[i].n, pem + text_at, text_n)) {
            printf("FAIL %s, %s: the key is in %s\n", path, when, all[i].name);
            failed++;
            return;
        }
    passed++;
}

/* Reads it with f into n bytes of memory. */
static void try(const char *when, void (*f)(void), size_t n, int wanted)
{
    memset(of_stdio, 0, sizeof of_stdio);
    memset(mem, 0, sizeof mem);
    xmpp_bearssl_own_init(&own, mem, n);
    call_on_stack(f);
    search(when, wanted, wanted == XMPP_OK);
    if (wanted != XMPP_OK)
        return;
    xmpp_bearssl_own_wipe(&own);
    search("wiped", wanted, false);
}

int main(int argc, char **argv)
{
    const size_t most = sizeof mem;

    for (; argc > 1; argc--) {
        path = argv[argc - 1];
        load_key();
        if (der_n < 100) {
            printf("FAIL %s cannot be read\n", path);
            failed++;
            continue;
        }
        try("from a file", from_file, most, XMPP_OK);
        try("from memory", from_memory, most, XMPP_OK);
        try("too little memory", from_file, der_n < 300 ? 31 : 500, XMPP_E_TOO_LONG);
        write_cut(pem_n * 9 / 10, "");
        try("a file that is cut", from_cut_file, most, XMPP_E_TLS_CLIENT_CERT);
        write_cut(pem_n * 9 / 10, "!\n");
        try("a file that is broken", from_cut_file, most, XMPP_E_TLS_CLIENT_CERT);
        pem_n = pem_n * 9 / 10;
        try("memory that is cut", from_memory, most, XMPP_E_TLS_CLIENT_CERT);
        remove(cut_path);
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed > 0;
}
