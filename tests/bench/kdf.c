/* kdf.c: what a SCRAM login costs: PBKDF2 and, with libstrophe, which has no such function, its ClientKey.
   kdf time ROUNDS | count: NAME CPU-seconds ITERATIONS; it fails when the results differ */
#include "bench.h"
#include "kdf.h"
#include <bearssl.h>
#include <stdint.h>

enum { ITERATIONS = 4096 };
static const char password[] = "secret of 16 byt";
static const unsigned char salt[16] = "0123456789abcdef";

static void ours(int sha256, unsigned char *out) { kdf_ours(sha256, password, salt, sizeof salt, ITERATIONS, out); }

static void bearssl(int sha256, unsigned char *out)
{
    const br_hash_class *h = sha256 ? &br_sha256_vtable : &br_sha1_vtable;
    size_t n = sha256 ? 32 : 20, j;
    br_hmac_key_context key;
    br_hmac_context c;
    unsigned char u[32];
    unsigned i;

    br_hmac_key_init(&key, h, password, strlen(password));
    br_hmac_init(&c, &key, 0);
    br_hmac_update(&c, salt, sizeof salt);
    br_hmac_update(&c, "\0\0\0\1", 4);
    br_hmac_out(&c, u);
    memcpy(out, u, n);
    for (i = 1; i < ITERATIONS; i++) {
        br_hmac_init(&c, &key, 0);
        br_hmac_update(&c, u, n);
        br_hmac_out(&c, u);
        for (j = 0; j < n; j++)
            out[j] ^= u[j];
    }
}

/* RFC 5802: of the salted password, in place. */
static void client_key(int sha256, unsigned char *salted)
{
    br_hmac_key_context key;
    br_hmac_context c;

    br_hmac_key_init(&key, sha256 ? &br_sha256_vtable : &br_sha1_vtable, salted, sha256 ? 32 : 20);
    br_hmac_init(&c, &key, 0);
    br_hmac_update(&c, "Client Key", 10);
    br_hmac_out(&c, salted);
}

#ifdef HAVE_OPENSSL
#include <openssl/evp.h>

static void openssl(int sha256, unsigned char *out)
{
    PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, sizeof salt, ITERATIONS, sha256 ? EVP_sha256() : EVP_sha1(),
                      sha256 ? 32 : 20, out);
}

#endif

#ifdef HAVE_LIBSTROPHE      /* its archive has it, its header has not */
struct hash_alg;
extern const struct hash_alg scram_sha1, scram_sha256;
void SCRAM_ClientKey(const struct hash_alg *alg, const char *password, size_t len, const char *salt, size_t salt_len, uint32_t i,
                     uint8_t *key);

static void strophe(int sha256, unsigned char *out)
{
    SCRAM_ClientKey(sha256 ? &scram_sha256 : &scram_sha1, password, strlen(password), (const char *)salt, sizeof salt, ITERATIONS, out);
}
#endif

static const struct { const char *name; void (*run)(int, unsigned char *); int client_key; } list[] = {
    { "xmpp.h", ours, 0 }, { "BearSSL", bearssl, 0 },
#ifdef HAVE_OPENSSL
    { "OpenSSL", openssl, 0 },
#endif
#ifdef HAVE_LIBSTROPHE
    { "libstrophe", strophe, 1 },
#endif
};

int main(int argc, char **argv)
{
    unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 1, i;
    size_t j;
    int sha256;

    for (i = 0; i < rounds; i++)
        for (sha256 = 0; sha256 < 2; sha256++)
            for (j = 0; j < sizeof list / sizeof list[0]; j++) {
                unsigned char out[32] = { 0 }, want[32] = { 0 };
                char name[40];
                double t;

                snprintf(name, sizeof name, "%s %s", list[j].name, sha256 ? "SHA-256" : "SHA-1");
                bench_begin();
                t = bench_cpu();
                list[j].run(sha256, out);
                t = bench_cpu() - t;
                bench_end(name);
                bearssl(sha256, want);
                if (list[j].client_key)
                    client_key(sha256, want);
                if (memcmp(out, want, sha256 ? 32 : 20) != 0)
                    return fprintf(stderr, "%s: another result\n", name), 1;
                printf("%s\t%.6f\t%d\n", name, t, (int)ITERATIONS);
            }
    return 0;
}
