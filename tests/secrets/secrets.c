/* secrets.c - what a login leaves in memory: nothing that is secret.  SPDX: MIT

   A client logs in, fails to, is reset or closed in the middle; then its own memory, its buffers and the stack below its
   calls are searched for the password, SCRAM's keys and proof, what PBKDF2 and HMAC hold between, the client's nonce and
   the id with which a session is resumed. The client runs on a stack of its own, so that none of it is the test's. */

#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#include "xmpp.h"

#include <stdio.h>
#include <stdlib.h>

#include "stack.h"

static unsigned passed, failed;

static const char *on_stack;                    /* the first secret that a call left there */

static void search_stack(void);

static void call(void (*f)(void))
{
    call_on_stack(f);
    search_stack();
}

/* ---- the account, its server and what they share ---- */

static const char password[] = "pencil-and-paper", client_nonce[] = "fyko+d2lbbFgONRv9qkxdawL",
                  sm_id[] = "resume-me-with-this";
static const unsigned char salt[16] = "salt of 16 bytes";

static const xmpp_hash_kind *hash;
static const char *mech;
static unsigned iterations = 300;               /* more than one slice */
static char first[300], challenge[300], final[300], client_first[300];
static struct { const char *name; unsigned char bytes[128]; size_t n; } secrets[16];
static size_t secrets_n;
static unsigned char server_signature[64];

static void secret(const char *name, const void *p, size_t n)
{
    secrets[secrets_n].name = name;
    secrets[secrets_n].n = n;
    memcpy(secrets[secrets_n++].bytes, p, n);
}

static void hmac(const void *key, const char *text, size_t n, unsigned char *out)
{
    xmpp_hash h;

    xmpp_hmac_init(hash, &h, key, hash->size);
    xmpp_hash_add(hash, &h, text, n);
    xmpp_hmac_end(hash, &h, key, hash->size, out);
}

/* The state of a hash after one block: the key, padded. */
static void pad_state(const char *name, int with)
{
    unsigned char block[128];
    xmpp_hash h;
    size_t i;

    for (i = 0; i < hash->block; i++)
        block[i] = (unsigned char)((i < strlen(password) ? password[i] : 0) ^ with);
    xmpp_hash_init(hash, &h);
    xmpp_hash_add(hash, &h, block, hash->block);
    secret(name, h.h, hash->size);
}

/* Everything that both sides know of this login. Not inlined, so that no register keeps it for the client to save. */
static __attribute__((noinline)) void work_out(void)
{
    unsigned char salted[64], client_key[64], server_key[64], stored[64], proof[64];
    char text[1200], b64[200];
    xmpp_pbkdf2 kdf;
    xmpp_hash h;
    size_t i;

    secrets_n = 0;
    b64[xmpp_base64_encode(salt, sizeof salt, b64, sizeof b64)] = '\0';
    snprintf(client_first, sizeof client_first, "n=user,r=%s", client_nonce);
    snprintf(challenge, sizeof challenge, "r=%sSERVER,s=%s,i=%u", client_nonce, b64, iterations);
    snprintf(final, sizeof final, "c=biws,r=%sSERVER", client_nonce);
    snprintf(text, sizeof text, "%s,%s,%s", client_first, challenge, final);
    secret("the password", password, strlen(password));
    secret("the client's nonce", client_nonce, strlen(client_nonce));
    secret("the session's id", sm_id, strlen(sm_id));
    snprintf(first, sizeof first, "%cuser%c%s", 0, 0, password);
    secret("PLAIN's message", first, 6 + strlen(password));
    if (hash == NULL)
        return;
    xmpp_pbkdf2_start(hash, &kdf, password, strlen(password), salt, sizeof salt, iterations);
    while (!xmpp_pbkdf2_run(hash, &kdf, 1000))
        ;
    memcpy(salted, kdf.t, hash->size);
    hmac(salted, "Client Key", 10, client_key);
    hmac(salted, "Server Key", 10, server_key);
    xmpp_hash_init(hash, &h);
    xmpp_hash_add(hash, &h, client_key, hash->size);
    xmpp_hash_end(hash, &h, stored);
    hmac(stored, text, strlen(text), proof);
    secret("ClientSignature", proof, hash->size);
    for (i = 0; i < hash->size; i++)
        proof[i] ^= client_key[i];
    hmac(server_key, text, strlen(text), server_signature);
    secret("SaltedPassword", salted, hash->size);
    secret("ClientKey", client_key, hash->size);
    secret("StoredKey", stored, hash->size);
    secret("ServerKey", server_key, hash->size);
    secret("ClientProof", proof, hash->size);
    pad_state("HMAC's inner state", 0x36);
    pad_state("HMAC's outer state", 0x5C);
}

/* ---- the client ---- */

static xmpp_client client;
static xmpp_sm sm;
static xmpp_keys keys;
static xmpp_account account;
static xmpp_config config;
static const xmpp_mech *mechs[2];
static unsigned char rx[512], arena[2048], queue[2048];
static char in[4000], out[8000];
static size_t in_n, in_at, out_n;
static uint32_t now;
static int type, error;                         /* of the last event */

static int io_open(void *ctx, const xmpp_target *to) { (void)ctx; (void)to; out_n = in_n = in_at = 0; return XMPP_OK; }
static int io_close(void *ctx, bool drop) { (void)ctx; (void)drop; return 1; }
static int io_start_tls(void *ctx, const char *name) { (void)ctx; (void)name; return XMPP_E_TLS; }

static int io_recv(void *ctx, void *buf, size_t n)
{
    (void)ctx;
    n = in_n - in_at < n ? in_n - in_at : n;
    memcpy(buf, in + in_at, n);
    in_at += n;
    return (int)n;
}

static int io_send(void *ctx, const void *buf, size_t n)
{
    (void)ctx;
    if (out_n + n < sizeof out)
        memcpy(out + out_n, buf, n);
    out_n += n;
    out[out_n] = '\0';
    return (int)n;
}

static int io_random(void *ctx, void *p, size_t n)
{
    unsigned char raw[18];

    (void)ctx;
    xmpp_base64_decode(client_nonce, 24, raw, sizeof raw);
    memset(p, 7, n);
    memcpy(p, raw, n < 18 ? n : 18);
    return XMPP_OK;
}

static const xmpp_io_ops ops = {io_open, io_recv, io_send, io_close, io_start_tls, NULL, NULL, NULL, NULL, io_random, NULL,
                                NULL, NULL, NULL, NULL};

static void begin(void)
{
    xmpp_io io = {&ops, NULL};

    error = xmpp_init(&client, &config, &account, io);
}

static void step(void)
{
    const xmpp_event *ev;

    xmpp_step(&client, now);
    while ((ev = xmpp_next(&client)) != NULL) {
        type = ev->type;
        error = ev->error;
    }
}
static void reset(void) { xmpp_reset(&client); }
static void close_it(void) { xmpp_close(&client); }

/* ---- searching ---- */

static bool holds(const unsigned char *p, size_t n, const unsigned char *what, size_t len)
{
    size_t i;

    for (i = 0; i + len <= n; i++)
        if (memcmp(p + i, what, len) == 0)
            return true;
    return false;
}

/* Whole, as base64, and in words of the other byte order, each half by itself. */
static bool anywhere(const void *p, size_t n, const unsigned char *what, size_t len)
{
    unsigned char text[300], words[128];
    size_t i, w, half = len >= 32 ? 16 : len >= 20 ? 8 : len;
    int b = xmpp_base64_encode(what, len, (char *)text, sizeof text);

    if (holds((const unsigned char *)p, n, text, (size_t)b))
        return true;
    for (i = 0; i + half <= len; i += half)
        if (holds((const unsigned char *)p, n, what + i, half))
            return true;
    for (w = 4; w <= 8; w += 4) {
        for (i = 0; i < len / w * w; i++)
            words[i] = what[i / w * w + w - 1 - i % w];
        for (i = 0; i + half <= len / w * w; i += half)
            if (holds((const unsigned char *)p, n, words + i, half))
                return true;
    }
    return false;
}

static size_t deepest;

/* As far as the call before has used it. */
static void search_stack(void)
{
    size_t i = 0, k;

    while (i < sizeof stack && stack[i] == 0xA5)
        i++;
    if (sizeof stack - i > deepest)
        deepest = sizeof stack - i;
    for (k = 0; k < secrets_n && on_stack == NULL; k++)
        if (anywhere(stack + i, sizeof stack - i, secrets[k].bytes, secrets[k].n))
            on_stack = secrets[k].name;
}

/* What is searched: all memory of the client, and the stack since the last time. kept: what must be there for now. */
static void search(const char *when, const char *kept)
{
    const struct { const char *name; const void *p; size_t n; } all[] = {
        {"the client", &client, sizeof client}, {"xmpp_sm", &sm, sizeof sm}, {"rx", rx, sizeof rx}, {"the arena", arena, sizeof arena},
        {"the queue", queue, sizeof queue}, {"the keys", &keys, sizeof keys}};
    size_t i, k;

    if (on_stack != NULL) {
        printf("FAIL %s %s: %s is on the stack\n", mech, when, on_stack);
        failed++;
        on_stack = NULL;
    }

    for (i = 0; i < secrets_n; i++)
        for (k = 0; k < sizeof all / sizeof *all; k++)
            if (!(k == 5 && account.keys != NULL) && !(kept != NULL && strcmp(kept, secrets[i].name) == 0) &&
                anywhere(all[k].p, all[k].n, secrets[i].bytes, secrets[i].n)) {
                printf("FAIL %s %s: %s is in %s\n", mech, when, secrets[i].name, all[k].name);
                failed++;
                return;
            }
    passed++;
}

static void expect(const char *when, bool right)
{
    *(right ? &passed : &failed) += 1;
    if (!right)
        printf("FAIL %s %s: it did not come to this: event %d %s, sent %s\n", mech, when, type, xmpp_errname(error), out);
}

/* ---- a login, by stages ---- */

static void say(const char *xml) { memcpy(in + in_n, xml, strlen(xml)); in_n += strlen(xml); }

static void say_base64(const char *element, const void *data, size_t n)
{
    char b64[400], text[600];

    b64[xmpp_base64_encode(data, n, b64, sizeof b64)] = '\0';
    snprintf(text, sizeof text, "<%s xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>%s</%s>", element, b64, element);
    say(text);
}

static void steps(unsigned n) { while (n-- > 0) call(step); }

static void header(const char *features)
{
    say("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='s' "
        "version='1.0'><stream:features>");
    say(features);
    say("</stream:features>");
}

static void to_auth(void)
{
    char text[200];

    type = 0;
    call(begin);
    steps(2);
    snprintf(text, sizeof text, "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>%s</mechanism></mechanisms>", mech);
    header(text);
    steps(3);
    expect("auth", strstr(out, "<auth") != NULL);
}

static void to_response(void)
{
    to_auth();
    say_base64("challenge", challenge, strlen(challenge));
    steps(iterations / XMPP_CFG_SLICE + 6);
    expect("response", strstr(out, "<response") != NULL);
}

static void to_success(void)
{
    char text[100] = "v=";

    if (hash != NULL) {
        to_response();
        xmpp_base64_encode(server_signature, hash->size, text + 2, sizeof text - 2);
        say_base64("success", text, 2 + (hash->size + 2) / 3 * 4);
    } else {
        to_auth();
        say_base64("success", "", 0);
    }
    steps(3);
}

static void to_online(void)
{
    const char *id;
    char text[300];

    to_success();
    header("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/>");
    steps(3);
    id = strstr(out, "<iq id='");
    expect("bind", id != NULL);
    if (id == NULL)
        return;
    snprintf(text, sizeof text, "<iq type='result' id='%.*s'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>user@example.org/a</jid>"
             "</bind></iq>", (int)strcspn(id + 8, "'"), id + 8);
    say(text);
    steps(3);
    if (account.sm != NULL) {
        snprintf(text, sizeof text, "<enabled xmlns='urn:xmpp:sm:3' resume='true' id='%s'/>", sm_id);
        say(text);
        steps(3);
    }
    expect("online", xmpp_online(&client));
}

static void fails(const char *xml)
{
    say(xml);
    steps(4);
    expect("offline", type == XMPP_EV_OFFLINE && error != XMPP_OK);
}

static void each_end(void)
{
    to_online();
    search("login done", account.sm != NULL ? "the session's id" : NULL);
    call(close_it);
    say("</stream:stream>");
    steps(4);
    expect("closed", type == XMPP_EV_OFFLINE);
    search("after the end", NULL);
    to_auth();
    fails("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure></stream:stream>");
    search("refused at once", NULL);
    to_auth();
    call(reset);
    search("reset after auth", NULL);
    if (hash == NULL)
        return;
    to_response();
    fails("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure></stream:stream>");
    search("refused", NULL);
    to_response();
    fails("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>dj1BQUFB</success></stream:stream>");
    search("a wrong server signature", NULL);
    to_auth();
    say_base64("challenge", challenge, strlen(challenge));
    steps(3);
    call(reset);
    search("reset amid PBKDF2", NULL);
    to_response();
    call(close_it);
    steps(3);
    now += 60000;
    steps(3);
    search("closed after the proof", NULL);
}

int main(void)
{
    static const struct { const xmpp_mech *m; const xmpp_hash_kind *k; } all[] = {{&xmpp_mech_scram_sha_1, &xmpp_sha1},
        {&xmpp_mech_scram_sha_256, &xmpp_sha256}, {&xmpp_mech_scram_sha_512, &xmpp_sha512}, {&xmpp_mech_plain, NULL}};
    size_t i;

    config = xmpp_default_config;
    config.mechs = mechs;
    config.tls = XMPP_TLS_NONE_UNSAFE;
    config.options = XMPP_OPT_PLAIN | XMPP_OPT_PLAIN_WITHOUT_TLS;
    config.min_iterations = 1;
    config.reconnect = NULL;
    account.jid = "user@example.org/a";
    account.rx = rx;
    account.rx_size = sizeof rx;
    account.arena = arena;
    account.arena_size = sizeof arena;
    account.queue = queue;
    account.queue_size = sizeof queue;
    for (i = 0; i < 4; i++) {
        mechs[0] = all[i].m;
        mech = all[i].m->name;
        hash = all[i].k;
        work_out();
        account.password = password;
        account.keys = NULL;
        account.sm = i % 2 != 0 ? &sm : NULL;
        each_end();
        if (hash == NULL)
            continue;
        account.keys = &keys;                   /* they are the application's, and may be kept */
        memset(&keys, 0, sizeof keys);
        to_online();
        search("login done, keys kept", "the session's id");
        expect("keys", keys.hash == hash->id);
        account.password = NULL;
        to_online();
        search("login with keys", "the session's id");
    }
    printf("searched: all of the client, and up to %u bytes of stack after each call\n", (unsigned)deepest);
    printf("%u passed, %u failed\n", passed, failed);
    return failed > 0;
}
