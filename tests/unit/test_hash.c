/* SHA-1, SHA-256, SHA-512 (FIPS 180), HMAC (RFC 2202, RFC 4231), PBKDF2 (RFC 6070).
   What has no published vector was computed with Python's hashlib. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#include "xmpp.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const xmpp_hash_kind *const kinds[3] = { &xmpp_sha1, &xmpp_sha256, &xmpp_sha512 };

static const char *hex(const unsigned char *p, size_t n)
{
    static char text[129];
    size_t i;

    for (i = 0; i < n; i++) {
        text[i * 2] = "0123456789abcdef"[p[i] >> 4];
        text[i * 2 + 1] = "0123456789abcdef"[p[i] & 15];
    }
    text[n * 2] = 0;
    return text;
}

static const char *digest(const xmpp_hash_kind *k, const void *data, size_t n)
{
    unsigned char d[64];
    xmpp_hash s;

    xmpp_hash_init(k, &s);
    xmpp_hash_add(k, &s, data, n);
    xmpp_hash_end(k, &s, d);
    return hex(d, k->size);
}

static const unsigned char *message(void)      /* 300 bytes */
{
    static unsigned char m[300];
    size_t i;

    for (i = 0; i < sizeof m; i++)
        m[i] = (unsigned char)((i * 7 + i / 256) & 255);
    return m;
}

/* ---- hashes ---- */

static void kinds_tell_their_sizes(void **state)
{
    (void)state;
    assert_int_equal(xmpp_sha1.id, 1);
    assert_int_equal(xmpp_sha1.size, 20);
    assert_int_equal(xmpp_sha1.block, 64);
    assert_int_equal(xmpp_sha256.id, 2);
    assert_int_equal(xmpp_sha256.size, 32);
    assert_int_equal(xmpp_sha256.block, 64);
    assert_int_equal(xmpp_sha512.id, 5);
    assert_int_equal(xmpp_sha512.size, 64);
    assert_int_equal(xmpp_sha512.block, 128);
}

static void fips_180_vectors(void **state)
{
    static const char two[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    static const char four[] = "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                               "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";

    (void)state;
    assert_string_equal(digest(&xmpp_sha1, NULL, 0), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    assert_string_equal(digest(&xmpp_sha1, "abc", 3), "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_string_equal(digest(&xmpp_sha1, two, 56), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    assert_string_equal(digest(&xmpp_sha1, four, 112), "a49b2446a02c645bf419f995b67091253a04a259");

    assert_string_equal(digest(&xmpp_sha256, NULL, 0),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_string_equal(digest(&xmpp_sha256, "abc", 3),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_string_equal(digest(&xmpp_sha256, two, 56),
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    assert_string_equal(digest(&xmpp_sha256, four, 112),
        "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");

    assert_string_equal(digest(&xmpp_sha512, NULL, 0),
        "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
        "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e");
    assert_string_equal(digest(&xmpp_sha512, "abc", 3),
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
    assert_string_equal(digest(&xmpp_sha512, two, 56),
        "204a8fc6dda82f0a0ced7beb8e08a41657c16ef468b228a8279be331a703c335"
        "96fd15c13b1b07f9aa1d3bea57789ca031ad85c7a71dd70354ec631238ca3445");
    assert_string_equal(digest(&xmpp_sha512, four, 112),
        "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
        "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909");
}

static void a_million_times_a(void **state)
{
    static const char *const want[3] = {
        "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
        ("e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb"
         "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b")
    };
    unsigned char a[1000], d[64];
    xmpp_hash s;
    size_t k, i;

    (void)state;
    memset(a, 'a', sizeof a);
    for (k = 0; k < 3; k++) {
        xmpp_hash_init(kinds[k], &s);
        for (i = 0; i < 1000; i++)
            xmpp_hash_add(kinds[k], &s, a, sizeof a);
        xmpp_hash_end(kinds[k], &s, d);
        assert_string_equal(hex(d, kinds[k]->size), want[k]);
    }
}

/* The digest of the digests of every length: all paddings are met. */
static void every_length(void **state)
{
    static const char *const want[3] = {
        "68d9f6d9d2bad48ff7fa4ab2fb4d920c6e9ca140",
        "8133bea06a9979f7bff0426d07c426a13c1e2d346abb91ffc80f8c5ad7a0c5c3",
        ("9cdea6c1c82ae38edeeee09193d91c1121f8bf8e7470a5fc6ac39b887340a97b"
         "a7fa7db00567a153925d9390cd2484a5fa0e44f8d127e7666f3c047ece9429dc")
    };
    unsigned char d[64];
    xmpp_hash all, one;
    size_t k, n;

    (void)state;
    for (k = 0; k < 3; k++) {
        xmpp_hash_init(kinds[k], &all);
        for (n = 0; n < 300; n++) {
            xmpp_hash_init(kinds[k], &one);
            xmpp_hash_add(kinds[k], &one, message(), n);
            xmpp_hash_end(kinds[k], &one, d);
            xmpp_hash_add(kinds[k], &all, d, kinds[k]->size);
        }
        xmpp_hash_end(kinds[k], &all, d);
        assert_string_equal(hex(d, kinds[k]->size), want[k]);
    }
}

static void every_split(void **state)
{
    static const char *const want[3] = {
        "110b37fc519af1bfe3548c2fb8365eb2540185d4",
        "7e1808a3c8e91351e451079d8403e7f3d91b039f2fa7aa102b6d1c43dc7ee74e",
        ("ba9b159ea5f8a6ff4863c944fad983aa679cf25b1df8fb6deb84a05bd9ab7693"
         "2fd36b78f3b217e7f541ae5183b378888e768199e72f129f3a346a233a73f7f7")
    };
    const unsigned char *m = message();
    unsigned char d[64];
    xmpp_hash s;
    size_t k, i, at;

    (void)state;
    for (k = 0; k < 3; k++) {
        for (i = 0; i <= 300; i++) {            /* two parts */
            xmpp_hash_init(kinds[k], &s);
            xmpp_hash_add(kinds[k], &s, m, i);
            xmpp_hash_add(kinds[k], &s, m + i, 300 - i);
            xmpp_hash_end(kinds[k], &s, d);
            assert_string_equal(hex(d, kinds[k]->size), want[k]);
        }
        for (i = 1; i <= 130; i++) {            /* parts of i bytes */
            xmpp_hash_init(kinds[k], &s);
            for (at = 0; at < 300; at += i)
                xmpp_hash_add(kinds[k], &s, m + at, 300 - at < i ? 300 - at : i);
            xmpp_hash_end(kinds[k], &s, d);
            assert_string_equal(hex(d, kinds[k]->size), want[k]);
        }
    }
}

static void states_lie_anywhere_and_short_blocks_leave_the_tail_alone(void **state)
{
    unsigned char mem[sizeof(xmpp_hash) + 1], d[64];
    xmpp_hash *s = (xmpp_hash *)(mem + 1);
    size_t i;

    (void)state;
    memset(mem, 0xEE, sizeof mem);
    xmpp_hash_init(&xmpp_sha256, s);
    xmpp_hash_add(&xmpp_sha256, s, message(), 300);
    xmpp_hash_end(&xmpp_sha256, s, d);
    for (i = 1; i < sizeof mem - 64; i++)
        assert_int_equal(mem[i], 0);            /* wiped */
    for (; i < sizeof mem; i++)
        assert_int_equal(mem[i], 0xEE);
}

/* ---- HMAC ---- */

static void hmac_is(size_t k, const void *key, size_t key_n, const void *data, size_t n,
                    const char *want)
{
    unsigned char mac[64];
    xmpp_hash s;
    size_t i;

    for (i = 0; i <= n; i += n / 3 + 1) {
        xmpp_hmac_init(kinds[k], &s, key, key_n);
        xmpp_hash_add(kinds[k], &s, data, i);
        xmpp_hash_add(kinds[k], &s, (const char *)data + i, n - i);
        xmpp_hmac_end(kinds[k], &s, key, key_n, mac);
        assert_string_equal(hex(mac, kinds[k]->size), want);
    }
}

static void hmac_vectors(void **state)
{
    unsigned char key[131], data[50], count[25];
    static const char larger_key[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    static const char larger_both[] =
        "This is a test using a larger than block-size key and a larger than block-size data. "
        "The key needs to be hashed before being used by the HMAC algorithm.";
    size_t i;

    (void)state;
    for (i = 0; i < sizeof count; i++)
        count[i] = (unsigned char)(i + 1);
    memset(key, 0x0B, sizeof key);
    hmac_is(0, key, 20, "Hi There", 8, "b617318655057264e28bc0b6fb378c8ef146be00");
    hmac_is(1, key, 20, "Hi There", 8,
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    hmac_is(2, key, 20, "Hi There", 8,
            "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
            "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854");

    hmac_is(0, "Jefe", 4, "what do ya want for nothing?", 28,
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    hmac_is(1, "Jefe", 4, "what do ya want for nothing?", 28,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    hmac_is(2, "Jefe", 4, "what do ya want for nothing?", 28,
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
            "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");

    memset(key, 0xAA, sizeof key);
    memset(data, 0xDD, sizeof data);
    hmac_is(0, key, 20, data, 50, "125d7342b9ac11cd91a39af48aa17b4f63f175d3");
    hmac_is(1, key, 20, data, 50,
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    hmac_is(2, key, 20, data, 50,
            "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
            "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb");

    memset(data, 0xCD, sizeof data);
    hmac_is(0, count, 25, data, 50, "4c9007f4026250c6bc8414f9bf50c86c2d7235da");
    hmac_is(1, count, 25, data, 50,
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
    hmac_is(2, count, 25, data, 50,
            "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
            "a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd");

    hmac_is(0, key, 80, larger_key, 54, "aa4ae5e15272d00e95705637ce8a3b55ed402112");
    hmac_is(1, key, 131, larger_key, 54,
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    hmac_is(2, key, 131, larger_key, 54,
            "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
            "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598");
    hmac_is(1, key, 131, larger_both, 152,
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
    hmac_is(2, key, 131, larger_both, 152,
            "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944"
            "b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58");
}

/* ---- PBKDF2 ---- */

static void pbkdf2_is(size_t k, const char *password, size_t n, const void *salt, size_t salt_n,
                      uint32_t iterations, const char *want)
{
    /* what SHA-1 and SHA-256 need not touch is not there */
    size_t size = sizeof(xmpp_pbkdf2) - (kinds[k]->block == 64 ? 64 : 0);
    xmpp_pbkdf2 *p = (xmpp_pbkdf2 *)malloc(size);

    assert_non_null(p);
    xmpp_pbkdf2_start(kinds[k], p, password, n, salt, salt_n, iterations);
    while (!xmpp_pbkdf2_run(kinds[k], p, 100))
        ;
    assert_true(strncmp(hex(p->t, kinds[k]->size), want, strlen(want)) == 0);
    free(p);
}

static void pbkdf2_rfc_6070(void **state)
{
    (void)state;
    pbkdf2_is(0, "password", 8, "salt", 4, 1, "0c60c80f961f0e71f3a9b524af6012062fe037a6");
    pbkdf2_is(0, "password", 8, "salt", 4, 2, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957");
    pbkdf2_is(0, "password", 8, "salt", 4, 4096, "4b007901b765489abead49d926f721d065a429c1");
    pbkdf2_is(0, "passwordPASSWORDpassword", 24, "saltSALTsaltSALTsaltSALTsaltSALTsalt", 36, 4096,
              "3d2eec4fe41c849b80c8d83662c0e44a8b291a96");
    pbkdf2_is(0, "pass\0word", 9, "sa\0lt", 5, 4096, "56fa6aa75548099dcc37d7f03425e0c3");
}

static void pbkdf2_sha_256_and_512(void **state)
{
    (void)state;
    pbkdf2_is(1, "password", 8, "salt", 4, 1,
              "120fb6cffcf8b32c43e7225256c4f837a86548c92ccc35480805987cb70be17b");
    pbkdf2_is(1, "password", 8, "salt", 4, 2,
              "ae4d0c95af6b46d32d0adff928f06dd02a303f8ef3c251dfd6e2d85a95474c43");
    pbkdf2_is(1, "password", 8, "salt", 4, 4096,
              "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a");
    pbkdf2_is(1, "passwordPASSWORDpassword", 24, "saltSALTsaltSALTsaltSALTsaltSALTsalt", 36, 4096,
              "348c89dbcbd32b2f32d814b8116e84cf2b17347ebc1800181c4e2a1fb8dd53e1");
    pbkdf2_is(2, "password", 8, "salt", 4, 1,
              "867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252"
              "c02d470a285a0501bad999bfe943c08f050235d7d68b1da55e63f73b60a57fce");
    pbkdf2_is(2, "password", 8, "salt", 4, 2,
              "e1d9c16aa681708a45f5c7c4e215ceb66e011a2e9f0040713f18aefdb866d53c"
              "f76cab2868a39b9f7840edce4fef5a82be67335c77a6068e04112754f27ccf4e");
    pbkdf2_is(2, "password", 8, "salt", 4, 4096,
              "d197b1b33db0143e018b12f3d1d1479e6cdebdcc97c5c0f87f6902e072f457b5"
              "143f30602641b3d55cd335988cb36b84376060ecd532e039b742a239434af2d5");
}

/* Passwords at the block's size are used as they are, longer ones hashed first. */
static void pbkdf2_passwords_about_a_block(void **state)
{
    static const struct { size_t n; const char *want[3]; } t[] = {
        { 0, { "96f442c6542b98b2", "b372796454d37ac0", "ba78a2c18fe1f3cf" } },
        { 63, { "d6f2bbdd860ef7df", "07097deb524db849", "7993b7466f6bf526" } },
        { 64, { "35b0f4b9cc1a7353", "a32f9fa51acd8ce5", "26c2cd560cdf1f4f" } },
        { 65, { "ced15e9f7cb7cee4", "d405b6f818e27289", "0c4c944f57885d50" } },
        { 127, { "391f08748cba7f66", "5b4c8edc6fc929e5", "9e2b404e22147295" } },
        { 128, { "d6cdead38feb8c19", "ed3d247128e5ae00", "729e28be4b6e1109" } },
        { 129, { "3aa8f27922c8f846", "179b1d6454711f67", "d5831be213eaad30" } }
    };
    char p[129], s[300];
    size_t i, k;

    (void)state;
    memset(p, 'p', sizeof p);
    memset(s, 's', sizeof s);
    for (i = 0; i < COUNT(t); i++)
        for (k = 0; k < 3; k++)
            pbkdf2_is(k, p, t[i].n, s, t[i].n > 0, 3, t[i].want[k]);
    pbkdf2_is(0, p, 1, s, 300, 3, "f1d67deb558a80489df05b885499ae2fdbcd7965");
    pbkdf2_is(1, p, 1, s, 300, 3, "8421f009795bbda5");
    pbkdf2_is(2, p, 1, s, 300, 3, "857c1d42bfbf8419");
}

static void pbkdf2_slices(void **state)
{
    xmpp_pbkdf2 whole, sliced;
    uint32_t slice, calls;
    size_t k;

    (void)state;
    for (k = 0; k < 3; k++) {
        xmpp_pbkdf2_start(kinds[k], &whole, "pw", 2, "salt", 4, 20);
        assert_true(xmpp_pbkdf2_run(kinds[k], &whole, 0xFFFFFFFF));
        for (slice = 1; slice <= 21; slice++) {
            xmpp_pbkdf2_start(kinds[k], &sliced, "pw", 2, "salt", 4, 20);
            assert_false(xmpp_pbkdf2_run(kinds[k], &sliced, 0));
            for (calls = 1; !xmpp_pbkdf2_run(kinds[k], &sliced, slice); calls++)
                ;
            assert_int_equal(calls, (19 + slice - 1) / slice);  /* start does the first */
            assert_memory_equal(sliced.t, whole.t, kinds[k]->size);
        }
    }
}

static void pbkdf2_leaves_nothing_but_the_key(void **state)
{
    xmpp_pbkdf2 p;
    const unsigned char *b = (const unsigned char *)&p;
    size_t k, i;

    (void)state;
    for (k = 0; k < 3; k++) {
        memset(&p, 0, sizeof p);
        xmpp_pbkdf2_start(kinds[k], &p, "pw", 2, "salt", 4, 2);
        assert_true(xmpp_pbkdf2_run(kinds[k], &p, 1));
        assert_true(xmpp_pbkdf2_run(kinds[k], &p, 1));      /* still done */
        for (i = sizeof p.t; i < sizeof p; i++)
            assert_int_equal(b[i], 0);
    }
}

/* Two folds an iteration, and no more. */

static unsigned folds;

static void counted_fold(unsigned char *h, unsigned char *block)
{
    folds++;
    xmpp_sha256.fold(h, block);
}

static void pbkdf2_costs_two_folds_an_iteration(void **state)
{
    xmpp_hash_kind k = xmpp_sha256;
    xmpp_pbkdf2 p;

    (void)state;
    k.fold = counted_fold;
    xmpp_pbkdf2_start(&k, &p, "pw", 2, "salt", 4, 4096);
    folds = 0;
    assert_true(xmpp_pbkdf2_run(&k, &p, 5000));
    assert_int_equal(folds, 2 * 4095);
    assert_string_equal(hex(p.t, 4), "5131450a");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_tell_their_sizes),
        cmocka_unit_test(fips_180_vectors),
        cmocka_unit_test(a_million_times_a),
        cmocka_unit_test(every_length),
        cmocka_unit_test(every_split),
        cmocka_unit_test(states_lie_anywhere_and_short_blocks_leave_the_tail_alone),
        cmocka_unit_test(hmac_vectors),
        cmocka_unit_test(pbkdf2_rfc_6070),
        cmocka_unit_test(pbkdf2_sha_256_and_512),
        cmocka_unit_test(pbkdf2_passwords_about_a_block),
        cmocka_unit_test(pbkdf2_slices),
        cmocka_unit_test(pbkdf2_leaves_nothing_but_the_key),
        cmocka_unit_test(pbkdf2_costs_two_folds_an_iteration)
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
