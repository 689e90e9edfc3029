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
static int io_state(void *ctx, bool load, void *buf, size_t n)
{
    (void)ctx;
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

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_comes_back), cmocka_unit_test(test_good_once),
                                        cmocka_unit_test(test_room),
                                        cmocka_unit_test(test_foreign), cmocka_unit_test(test_hostile),
                                        cmocka_unit_test(test_cut), cmocka_unit_test(test_smaller_arena) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
