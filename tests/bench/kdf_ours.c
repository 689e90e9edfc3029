/* kdf_ours.c: see kdf.h */
#define XMPP_IMPLEMENTATION
#define XMPP_NO_POSIX
#include "xmpp.h"
#include "kdf.h"

void kdf_ours(int sha256, const char *password, const void *salt, unsigned long salt_n, unsigned iterations, unsigned char *out)
{
    const xmpp_hash_kind *k = sha256 ? &xmpp_sha256 : &xmpp_sha1;
    xmpp_pbkdf2 p;

    xmpp_pbkdf2_start(k, &p, password, strlen(password), salt, salt_n, iterations);
    while (!xmpp_pbkdf2_run(k, &p, 64))
        ;
    memcpy(out, p.t, k->size);
}
