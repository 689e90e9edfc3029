/* test_warm.c - a saved state that is damaged, foreign or hostile (xmpp_save, xmpp_load).  SPDX: MIT
   White box: the session is made up, and checksums are made right again after each change. */
#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#include "xmpp.h"

#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

static unsigned char random_state;

static int io_open(void *ctx, const xmpp_target *to)
{
    (void)ctx;
    (void)to;
    return XMPP_OK;
}
static int io_recv(void *ctx, void *buf, size_t n)
{
    (void)ctx;
    (void)buf;
    (void)n;
    return 0;
}
static int io_send(void *ctx, const void *buf, size_t n)
{
    (void)ctx;
    (void)buf;
    return (int)n;
}
static int io_close(void *ctx, bool now)
{
    (void)ctx;
    (void)now;
    return 1;
}
static int io_random(void *ctx, void *out, size_t n)
{
    unsigned char *p = (unsigned char *)out;

    (void)ctx;
    while (n-- > 0)
        *p++ = ++random_state;
    return XMPP_OK;
}

static int kept;        /* bytes that the transport keeps */
static size_t loaded;   /* bytes that it got back */
static int io_state(void *ctx, bool load, void *buf, size_t n)
{
    (void)ctx;
    if (load && buf != NULL)
        loaded = n;
    if (load || buf == NULL)
        return 0;
    if (n < (size_t)kept)
        return XMPP_E_TOO_LONG;
    memset(buf, 't', (size_t)kept);
    return kept;
}
static const xmpp_io_ops ops = { io_open, io_recv, io_send, io_close, NULL, NULL, NULL, NULL, NULL, io_random,
                                 NULL, NULL, NULL, NULL, io_state };

/* One device: everything that it has lies behind its buffers' ends for the sanitizer to see. */
typedef struct device {
    xmpp_client   client;
    xmpp_sm       sm;
    xmpp_dns      dns;
    xmpp_keys     keys;
    xmpp_config   config;
    xmpp_account  account;
    unsigned char rx[64], arena[1024], queue[1024];
} device;

static void boot(device *d, const char *jid, size_t queue_size)
{
    xmpp_io io = { &ops, NULL };

    memset(d, 0, sizeof *d);
    d->config = xmpp_default_config;
    d->config.tls = XMPP_TLS_NONE_UNSAFE;
    d->account.jid = jid;
    d->account.password = "secret";
    d->account.keys = &d->keys;
    d->account.sm = &d->sm;
    d->account.dns = &d->dns;
    d->account.rx = d->rx;
    d->account.rx_size = sizeof d->rx;
    d->account.arena = d->arena;
    d->account.arena_size = sizeof d->arena;
    d->account.queue = d->queue;
    d->account.queue_size = queue_size;
    assert_int_equal(xmpp_init(&d->client, &d->config, &d->account, io), XMPP_OK);
}

/* A session with stanzas in every stage of their lives. Returns the length of its block. */
static size_t saved(unsigned char *block, size_t cap)
{
    static device d;
    const char *ends[] = { "id-0123456789", "other.example.org:5299", "user@example.org/attic" };
    uint16_t at;
    int n, i;

    boot(&d, "user@example.org/attic", sizeof d.queue);
    d.sm.id = strcpy(xmppi_keep(&d.client, strlen(ends[0]) + 1), ends[0]);
    d.sm.location = strcpy(xmppi_keep(&d.client, strlen(ends[1]) + 1), ends[1]);
    d.client.jid = strcpy(xmppi_keep(&d.client, strlen(ends[2]) + 1), ends[2]);
    d.client.self = "user@example.org";
    d.client.session = true;
    d.sm.in = 7;
    d.sm.sent = d.sm.acked = 3;
    d.keys.hash = 2;
    strcpy(d.dns.last, "2001:db8::1");
    d.dns.last_port = 5222;
    assert_int_equal(xmpp_presence(&d.client, XMPP_SHOW_AWAY, "21.5 C"), XMPP_OK);
    xmpp_policy(&d.client, XMPP_MUST_DELIVER, 0, 0);
    assert_int_equal(xmpp_message(&d.client, "bob@example.org", "one"), XMPP_OK);
    xmpp_policy(&d.client, XMPP_AT_MOST_ONCE, 3, 5000);
    assert_int_equal(xmpp_message(&d.client, "bob@example.org", "two"), XMPP_OK);
    assert_int_equal(xmpp_message(&d.client, "bob@example.org", "three, which is longer than what a queue of 768 bytes has room for"), XMPP_OK);
    d.sm.state = XMPPI_SM_COUNTING;
    for (at = 0, i = 0; i < 2; i++, at = xmppi_q_next(&d.client, at)) {     /* the first two were written */
        xmppi_sm_written(&d.client, at);
        d.client.q[at + 2] |= XMPPI_R_HELD;
    }
    d.sm.state = XMPPI_SM_NONE;
    kept = 20;
    n = xmpp_save(&d.client, block, cap);
    return n > 0 ? (size_t)n : 0;
}

static void seal(unsigned char *block, size_t n)
{
    xmppi_put32(block + n - 4, xmppi_crc(block, n - 4));
}

/* Works with what was loaded: events, a connection, the words of a server that resumes, of one that does not. */
static void use(device *d, int r)
{
    static const char *const ends[] = { "<resumed xmlns='urn:xmpp:sm:3' previd='id-0123456789' h='4'/>",
                                        "<failed xmlns='urn:xmpp:sm:3' h='3'/>" };
    static const char head[] = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";
    unsigned char block[4096];
    int round, i;

    if (r != XMPP_OK)
        assert_true(r == XMPP_E_SAVED || r == XMPP_E_BUFFERS);
    d->account.host = "192.0.2.1";
    for (round = 0; round < 2; round++) {
        const char *parts[3];
        uint32_t now = 1000u + (uint32_t)round * 100000u;

        xmpp_saved(&d->client);
        parts[0] = head;
        parts[1] = "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/></stream:features>";
        parts[2] = ends[round];
        for (i = 0; i < 3; i++) {
            size_t used = 0, n = strlen(parts[i]);

            xmpp_step(&d->client, now);
            if (i == 0 && d->client.state == XMPPI_STREAM)
                d->client.done |= XMPPI_AUTHED;     /* as after a login */
            while (used < n && d->client.state > XMPPI_OPEN) {
                used += xmpp_feed(&d->client, parts[i] + used, n - used);
                while (xmpp_next(&d->client) != NULL)
                    ;
                xmpp_step(&d->client, now);
                if (d->client.deaf)
                    break;
            }
        }
        while (xmpp_next(&d->client) != NULL)
            xmpp_step(&d->client, now += 1000);
        (void)xmpp_save(&d->client, block, sizeof block);
        xmpp_reset(&d->client);
    }
}

static void test_comes_back(void **state)
{
    static device d;
    unsigned char block[2048];
    size_t n = saved(block, sizeof block);

    (void)state;
    assert_true(n > 300);
    boot(&d, "user@example.org/attic", sizeof d.queue);
    assert_int_equal(xmpp_load(&d.client, block, n), XMPP_OK);
    assert_string_equal(d.sm.id, "id-0123456789");
    assert_string_equal(d.sm.location, "other.example.org:5299");
    assert_string_equal(xmpp_own_jid(&d.client), "user@example.org/attic");
    assert_string_equal(xmpp_own_bare(&d.client), "user@example.org");
    assert_int_equal(d.sm.in, 7);
    assert_int_equal(d.sm.sent - d.sm.acked, 2);
    assert_int_equal(xmpp_token(&d.client), 4);
    assert_int_equal(xmpp_waiting(&d.client), 4);
    assert_int_equal(d.keys.hash, 2);
    assert_true(d.dns.use_last && d.dns.last_port == 5222 && strcmp(d.dns.last, "2001:db8::1") == 0);
    use(&d, XMPP_OK);
}

/* What is written in the place of a block that was loaded begins a new session: the old one may go on meanwhile. */
static void test_good_once(void **state)
{
    static device d;
    unsigned char block[2048];
    size_t n = saved(block, sizeof block);
    const xmpp_event *ev;
    int again;

    (void)state;
    assert_true(block[3] & XMPPI_WARM_EXACT);
    boot(&d, "user@example.org/attic", sizeof d.queue);
    assert_int_equal(xmpp_load(&d.client, block, n), XMPP_OK);
    ev = xmpp_next(&d.client);
    while (ev != NULL && ev->type != XMPP_EV_SAVE)
        ev = xmpp_next(&d.client);
    assert_non_null(ev);
    again = xmpp_save(&d.client, block, sizeof block);
    assert_true(again > 0 && !(block[3] & XMPPI_WARM_EXACT));
    xmpp_saved(&d.client);
    d.client.state = XMPPI_OFF;                     /* it never got through, and sleeps again: nothing was exchanged */
    assert_int_equal(xmpp_sleep(&d.client), XMPP_OK);
    ev = xmpp_next(&d.client);
    assert_true(ev != NULL && ev->type == XMPP_EV_ASLEEP);
    again = xmpp_save(&d.client, block, sizeof block);
    assert_true(again > 0 && (block[3] & XMPPI_WARM_EXACT));
    boot(&d, "user@example.org/attic", sizeof d.queue);
    assert_int_equal(xmpp_load(&d.client, block, (size_t)again), XMPP_OK);
    assert_string_equal(d.sm.id, "id-0123456789");
}

/* The smallest room is found, and not a byte behind it is touched. */
static void test_room(void **state)
{
    unsigned char block[2048];
    size_t n = saved(block, sizeof block);

    (void)state;
    block[n - 1] = block[n] = 0xA5;
    assert_int_equal(saved(block, n - 1), 0);
    assert_int_equal(block[n - 1], 0xA5);
    assert_int_equal(saved(block, n), n);
    assert_int_equal(block[n], 0xA5);
}

static void test_foreign(void **state)
{
    static device d;
    unsigned char block[2048];
    size_t n = saved(block, sizeof block);

    (void)state;
    boot(&d, "user@example.net/attic", sizeof d.queue);         /* somebody else's */
    assert_int_equal(xmpp_load(&d.client, block, n), XMPP_E_SAVED);
    boot(&d, "user@example.org/attic", 768);                    /* a queue too small for what is in it */
    assert_int_equal(xmpp_load(&d.client, block, n), XMPP_E_BUFFERS);
    assert_int_equal(xmpp_waiting(&d.client), 0);
    use(&d, XMPP_E_BUFFERS);
    boot(&d, "user@example.org/attic", sizeof d.queue);         /* another version */
    block[2]++;
    seal(block, n);
    assert_int_equal(xmpp_load(&d.client, block, n), XMPP_E_SAVED);
    assert_int_equal(xmpp_load(&d.client, NULL, 0), XMPP_E_SAVED);
    block[2]--;
    seal(block, n);
    assert_int_equal(xmpp_load(&d.client, block, n), XMPP_OK);
    assert_int_equal(xmpp_load(&d.client, block, n), XMPP_E_STATE);     /* once */
}

/* Every byte changed in eight ways, with a checksum that is right: refused or used, but nothing breaks. */
static void test_hostile(void **state)
{
    static device d;
    static const unsigned char ways[] = { 0x01, 0x02, 0x04, 0x08, 0x10, 0x40, 0x80, 0xff };
    unsigned char block[2048], bad[2048];
    size_t n = saved(block, sizeof block), i, k;

    (void)state;
    for (i = 0; i < n - 4; i++)
        for (k = 0; k < sizeof ways; k++) {
            memcpy(bad, block, n);
            bad[i] = (unsigned char)(bad[i] ^ ways[k]);
            seal(bad, n);
            boot(&d, "user@example.org/attic", sizeof d.queue);
            use(&d, xmpp_load(&d.client, bad, n));
        }
}

/* Cut anywhere, with a checksum that is right. */
static void test_cut(void **state)
{
    static device d;
    unsigned char block[2048], bad[2048];
    size_t n = saved(block, sizeof block), i;

    (void)state;
    for (i = 8; i < n; i++) {
        memcpy(bad, block, i);
        seal(bad, i);
        boot(&d, "user@example.org/attic", sizeof d.queue);
        use(&d, xmpp_load(&d.client, bad, i));
    }
}

/* A long id and location from a device with a larger arena: what is left of this one does not hold the host as well. */
static void test_smaller_arena(void **state)
{
    static device d;
    static unsigned char large[8192], small[2048], block[4096], again[4096];
    static char id[1200], location[480];
    int n, i;

    (void)state;
    memset(id, 'i', sizeof id - 1);
    memset(location, 'h', sizeof location - 1);
    for (i = 60; i < 479; i += 61)
        location[i] = '.';
    boot(&d, "user@example.org/attic", sizeof d.queue);
    d.sm.id = id;
    d.sm.location = location;
    d.client.session = true;
    d.client.state = XMPPI_OFF;
    n = xmpp_save(&d.client, block, sizeof block);
    assert_true(n > 0);
    for (i = 0; i < 2; i++) {
        boot(&d, "user@example.org/attic", sizeof d.queue);
        d.config.resolve = NULL;
        d.account.arena = i == 0 ? large : small;
        d.account.arena_size = i == 0 ? sizeof large : sizeof small;
        assert_int_equal(xmpp_init(&d.client, &d.config, &d.account, d.client.io), XMPP_OK);
        assert_int_equal(xmpp_load(&d.client, block, (size_t)n), XMPP_OK);
        assert_true(xmpp_save(&d.client, again, sizeof again) > 0);
        assert_int_equal(again[3] & XMPPI_WARM_EXACT, 0);       /* it is good once */
        xmpp_saved(&d.client);
        xmpp_step(&d.client, 1000);
        assert_int_equal(d.client.state, XMPPI_STREAM);
        assert_int_equal(d.client.redirect != NULL, i == 0);
        assert_true(d.client.arena_at + d.client.xml.cap + d.client.arena_top <= d.account.arena_size);
    }
}

/* ---- blocks made by hand ---- */

typedef struct made { unsigned char b[4096]; size_t n; } made;

static void add_part(made *k, char tag, const void *data, size_t n)
{
    k->b[k->n] = (unsigned char)tag;
    xmppi_put16(k->b + k->n + 1, (unsigned)n);
    memcpy(k->b + k->n + 3, data, n);
    k->n += 3 + n;
}

/* Head, account and counts; strings: the session's three, each with its NUL. */
static void begin_block(made *k, unsigned flags, const char *strings, size_t n)
{
    unsigned char m[2048] = { 0 };

    memcpy(k->b, "xW\1", 3);
    k->b[3] = (unsigned char)flags;
    k->n = 4;
    add_part(k, 'j', "user@example.org", 17);
    memcpy(m + XMPPI_WARM_M, strings, n);
    add_part(k, 'm', m, XMPPI_WARM_M + n);
}

static int load_block(device *d, made *k)
{
    boot(d, "user@example.org/attic", sizeof d->queue);
    seal(k->b, k->n + 4);
    return xmpp_load(&d->client, k->b, k->n + 4);
}

static int load_with(device *d, char tag, const void *data, size_t n)
{
    made k;

    begin_block(&k, 0, "\0\0", 3);
    add_part(&k, tag, data, n);
    if (tag != 'q')
        add_part(&k, 'q', "", 0);
    if (tag != 't')
        add_part(&k, 't', "", 0);
    return load_block(d, &k);
}

static void test_parts_at_their_bounds(void **state)
{
    static device d;
    static unsigned char zero[2048];
    char address[4 + sizeof d.dns.last + 1] = { 0 };
    made k;
    size_t n;

    (void)state;
    assert_int_equal(load_with(&d, 'q', zero, 0), XMPP_OK);
    for (n = 1; n < XMPPI_R_HEAD + XMPPI_TAIL; n++)             /* no whole record */
        assert_int_equal(load_with(&d, 'q', zero, n), XMPP_E_SAVED);
    zero[0] = XMPPI_TAIL;
    assert_int_equal(load_with(&d, 'q', zero, n), XMPP_OK);
    assert_int_equal(load_with(&d, 'q', zero, n + 1), XMPP_E_SAVED);
    zero[0] = 0;
    assert_int_equal(load_with(&d, 'k', zero, sizeof(xmpp_keys) - 1), XMPP_E_SAVED);
    assert_int_equal(load_with(&d, 'k', zero, sizeof(xmpp_keys)), XMPP_OK);
    assert_int_equal(load_with(&d, 'k', zero, sizeof(xmpp_keys) + 1), XMPP_E_SAVED);
    assert_int_equal(load_with(&d, 't', zero, d.client.xml.cap), XMPP_OK);
    assert_int_equal(load_with(&d, 't', zero, d.client.xml.cap + 1), XMPP_OK);     /* the transport does without */

    for (n = 0; n <= sizeof address; n++) {
        memset(address, 'h', sizeof address);
        address[n > 0 ? n - 1 : 0] = '\0';
        assert_int_equal(load_with(&d, 'a', address, n), XMPP_OK);
        assert_int_equal(d.dns.use_last, n > 5 && n <= 4 + sizeof d.dns.last);
    }
    memset(address, 'h', sizeof address);
    assert_int_equal(load_with(&d, 'a', address, 10), XMPP_OK); /* without its end */
    assert_false(d.dns.use_last);

    for (n = 0; n < 5; n++) {                                   /* three strings, the last one ended */
        static const struct { const char *text; size_t n; int r; } all[] = {
            { "\0", 2, XMPP_E_SAVED }, { "\0\0", 3, XMPP_OK }, { "\0\0\0", 4, XMPP_E_SAVED }, { "\0\0\0x", 4, XMPP_E_SAVED },
            { "i\0l\0j", 6, XMPP_OK } };

        begin_block(&k, 0, all[n].text, all[n].n);
        add_part(&k, 'q', "", 0);
        add_part(&k, 't', "", 0);
        assert_int_equal(load_block(&d, &k), all[n].r);
    }
}

static void test_no_keys_and_no_memory_of_the_transport(void **state)
{
    static device d;
    static unsigned char keys[sizeof(xmpp_keys)];
    xmpp_io_ops none = ops;
    made k;

    (void)state;
    begin_block(&k, 0, "\0\0", 3);
    add_part(&k, 'k', keys, sizeof keys);
    add_part(&k, 'q', "", 0);
    add_part(&k, 't', "tls", 3);
    seal(k.b, k.n + 4);
    boot(&d, "user@example.org/attic", sizeof d.queue);
    d.account.keys = NULL;
    none.state = NULL;
    d.client.io.ops = &none;
    assert_int_equal(xmpp_load(&d.client, k.b, k.n + 4), XMPP_OK);
}

/* Of id, location and address each may be too long for this arena; id and address must be there. */
static void test_strings_that_find_no_room(void **state)
{
    static device d;
    char text[2048];
    made k;
    int i;

    (void)state;
    for (i = 0; i < 7; i++) {
        size_t n[3] = { 4, 4, 22 }, at = 0, s;

        if (i < 3)
            n[i] = 740;
        else if (i < 6)
            n[i == 4 ? 0 : 2] = i == 3 ? 1000 : 0;
        for (s = 0; s < 3; s++) {
            memset(text + at, 'x', n[s]);
            if (s == 2 && n[s] > 0 && i != 3)
                memcpy(text + at, "user@example.org/attic", 22);
            else if (s == 2 && n[s] > 0)        /* without a resource all of it is the bare one */
                memcpy(text + at + n[s] - 12, "@example.org", 12);
            at += n[s];
            text[at++] = '\0';
        }
        begin_block(&k, XMPPI_WARM_EXACT, text, at);
        add_part(&k, 'q', "", 0);
        add_part(&k, 't', "", 0);
        assert_int_equal(load_block(&d, &k), i == 6 ? XMPP_OK : i == 5 ? XMPP_E_SAVED : XMPP_E_BUFFERS);
        assert_int_equal(d.sm.id != NULL, i == 6);
        assert_int_equal(d.client.session, i == 6);
    }
}

/* What the transport keeps is secret: it passes through the arena, and does not stay there. */
static void test_leaves_nothing_of_the_transport(void **state)
{
    static device d;
    unsigned char block[2048];
    size_t n = saved(block, sizeof block), i;

    (void)state;
    boot(&d, "user@example.org/attic", sizeof d.queue);
    loaded = 0;
    assert_int_equal(xmpp_load(&d.client, block, n), XMPP_OK);
    assert_int_equal(loaded, 20);
    for (i = 0; i + 8 <= sizeof d.arena; i++)
        assert_memory_not_equal(d.arena + i, "tttttttt", 8);
    for (i = 0; i + 8 <= sizeof d.queue; i++)
        assert_memory_not_equal(d.queue + i, "tttttttt", 8);
}

/* The own address must be one: who is the own account hangs on it. */
static void test_own_address(void **state)
{
    static const char *const bad[] = { "/attic", "@example.org/attic", "user@/attic", "a@b@c", "user@example.org/" };
    static device d;
    char text[64] = "id\0";
    made k;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        strcpy(text + 4, bad[i]);
        begin_block(&k, XMPPI_WARM_EXACT, text, 4 + strlen(bad[i]) + 1);
        add_part(&k, 'q', "", 0);
        add_part(&k, 't', "", 0);
        assert_int_equal(load_block(&d, &k), XMPP_E_SAVED);
        assert_false(d.client.session);
        assert_string_equal(xmpp_own_bare(&d.client), "user@example.org");
    }
}

/* A record with any bytes for text, and what is not told or has no end. */
static void add_record(unsigned char *q, const char *text, uint32_t token, uint32_t life)
{
    size_t n = strlen(text);

    memset(q, 0, XMPPI_R_HEAD + n + XMPPI_TAIL);
    q[0] = (unsigned char)(n + XMPPI_TAIL);
    memcpy(q + XMPPI_R_HEAD, text, n);
    q += XMPPI_R_HEAD + n;
    q[XMPPI_T_LATEST] = 7;
    xmppi_put32(q + XMPPI_T_TOKEN, token);
    xmppi_put32(q + XMPPI_T_LIFE, life);
}

static void test_records_without_an_end_or_a_token(void **state)
{
    static device d;
    unsigned char q[64];
    const xmpp_event *ev;
    made k;
    int i;

    (void)state;
    for (i = 0; i < 4; i++) {
        begin_block(&k, XMPPI_WARM_STILL, "\0\0", 3);
        add_record(q, i == 3 ? "<a>" : "abc", i == 0 || i == 3 ? 1 : 0, i == 2 ? 1 : 0);
        add_part(&k, 'q', q, XMPPI_R_HEAD + 3 + XMPPI_TAIL);
        add_part(&k, 't', "", 0);
        boot(&d, "user@example.org/attic", sizeof d.queue);
        d.config.options = i == 3 ? XMPP_OPT_DURABLE : 0;       /* it may have been written since */
        seal(k.b, k.n + 4);
        assert_int_equal(xmpp_load(&d.client, k.b, k.n + 4), XMPP_OK);
        assert_int_equal(xmpp_waiting(&d.client), i == 3 ? 0 : 1);
        if (i < 2) {
            xmpp_policy(&d.client, XMPP_AT_MOST_ONCE, 7, 0);
            assert_int_equal(xmpp_message(&d.client, "b@c", "x"), XMPP_OK);
        } else if (i == 2) {
            xmpp_step(&d.client, 1000);
            xmpp_step(&d.client, 1001);
            assert_int_equal(xmpp_waiting(&d.client), 0);       /* it expired; nobody is told */
            continue;
        }
        ev = xmpp_next(&d.client);
        assert_non_null(ev);
        if (i == 1) {
            assert_int_equal(ev->type, XMPP_EV_SAVE);
            continue;
        }
        assert_int_equal(ev->type, XMPP_EV_FAILED);
        assert_int_equal(ev->error, i == 0 ? XMPP_E_REPLACED : XMPP_E_DOUBT);
        assert_int_equal(ev->size, 3);
        assert_memory_equal(ev->data, i == 0 ? "abc" : "<a>", 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_comes_back), cmocka_unit_test(test_good_once),
                                        cmocka_unit_test(test_room),
                                        cmocka_unit_test(test_foreign), cmocka_unit_test(test_hostile),
                                        cmocka_unit_test(test_cut), cmocka_unit_test(test_smaller_arena),
                                        cmocka_unit_test(test_parts_at_their_bounds),
                                        cmocka_unit_test(test_no_keys_and_no_memory_of_the_transport),
                                        cmocka_unit_test(test_strings_that_find_no_room),
                                        cmocka_unit_test(test_leaves_nothing_of_the_transport),
                                        cmocka_unit_test(test_own_address),
                                        cmocka_unit_test(test_records_without_an_end_or_a_token) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
