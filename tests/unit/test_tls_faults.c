/* test_tls_faults.c - TLS over a transport that fails, at each of its calls.  SPDX: MIT

   A handshake, text both ways and a close, again and again, each time with one fault: a call of the transport below moves less,
   moves nothing, says EOF or fails, once or from there on; or the clock is wrong. After each fault:
     - the reason is the one that fits, and what is not a fault changes nothing
     - what was handed up is what the server said, up to some byte; and the other way round
     - the text was never seen below TLS
     - no key and no text is left in memory, but for a session that is kept
     - the same exchange succeeds without the fault
   Certificates as in test_tls.c. */

#define _DEFAULT_SOURCE             /* mkdtemp */
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp_tls_bearssl.h"

#include "tls_link.h"

#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#endif
#endif
#ifndef RUNNING_ON_VALGRIND         /* compilers of other machines have no such header, and no valgrind */
#define RUNNING_ON_VALGRIND 0
#endif

enum { AT_OPEN, AT_RECV, AT_SEND, AT_CLOSE, AT_RANDOM, AT_UTC, CALLS };
enum { SHORT, ONE, NOT_NOW, END, ERROR, LATER, BACK };
enum { FULL, STARTTLS, RESUMED };                       /* how TLS begins */

static const struct kind { const char *name; int call, what; } kinds[] = {
    {"open fails", AT_OPEN, ERROR},
    {"a read of a byte less", AT_RECV, SHORT}, {"a read of one byte", AT_RECV, ONE}, {"no read", AT_RECV, NOT_NOW},
    {"EOF in a read", AT_RECV, END}, {"error in a read", AT_RECV, ERROR},
    {"a write of a byte less", AT_SEND, SHORT}, {"a write of one byte", AT_SEND, ONE}, {"no write", AT_SEND, NOT_NOW},
    {"EOF in a write", AT_SEND, END}, {"error in a write", AT_SEND, ERROR},
    {"close not done", AT_CLOSE, NOT_NOW}, {"no random", AT_RANDOM, ERROR},
    {"no clock", AT_UTC, ERROR}, {"a clock that is ahead", AT_UTC, LATER}, {"a clock that is behind", AT_UTC, BACK}};

static const int reasons[] = {XMPP_E_CONNECT, XMPP_E_TRANSPORT, XMPP_E_RESOLVE, XMPP_OK};     /* XMPP_OK: it knows none */

static struct {
    const struct kind *kind;                            /* NULL: none */
    unsigned at, calls[CALLS];
    bool     ever, fired, moved;
    int      reason;                                    /* what the transport says */
    unsigned char sent[65536];                          /* below TLS */
    size_t   sent_n;
} fault;

static struct {                         /* what came of an exchange */
    int    error, over;                 /* of open; what recv or send answered in the end, or 0 */
    size_t told, heard;
    bool   up, whole, closed;
    int    why;
} did;

static char text[1300], answer[1300];                   /* more than two records */
static const char mark[] = "MARK-OF-THE-CLIENT", server_mark[] = "MARK-OF-THE-SERVER";

/* ---- the transport ---- */

static bool hits(int call)
{
    const unsigned n = ++fault.calls[call];

    if (fault.kind == NULL || fault.kind->call != call || (n != fault.at && !(fault.ever && n > fault.at)))
        return false;
    fault.fired = true;
    return true;
}

static int fails(void)
{
    fault.reason = reasons[fault.at % 4];
    return XMPP_IO_ERROR;
}

/* How many of n bytes go through; or what recv and send answer. */
static int passes(int call, size_t n, bool *broken)
{
    *broken = false;
    if (!hits(call))
        return (int)n;
    switch (fault.kind->what) {
    case SHORT: return (int)(n > 1 ? n - 1 : n);
    case ONE: return (int)smaller(n, 1);
    case NOT_NOW: return 0;
    case END: *broken = true; return XMPP_IO_EOF;
    default: *broken = true; return fails();
    }
}

static int f_open(void *ctx, const xmpp_target *to)
{
    if (hits(AT_OPEN))
        return fault.reason = reasons[fault.at % 3];
    return pipe_open(ctx, to);
}

static int f_recv(void *ctx, void *buf, size_t n)
{
    link_t *l = (link_t *)ctx;
    bool broken;
    int r = passes(AT_RECV, smaller(n, l->down.n), &broken);

    if (!broken)
        r = (int)take(&l->down, buf, (size_t)r);
    if (r == 0 && fault.fired && fault.ever && fault.kind->call == AT_SEND && fault.kind->what == END)
        return XMPP_IO_EOF;
    fault.moved = fault.moved || r > 0;
    return r;
}

static int f_send(void *ctx, const void *buf, size_t n)
{
    link_t *l = (link_t *)ctx;
    bool broken;
    const int r = passes(AT_SEND, n, &broken);

    if (broken)
        return r;
    put(&l->up, buf, (size_t)r);
    assert_in_range(r, 0, sizeof fault.sent - fault.sent_n);
    memcpy(fault.sent + fault.sent_n, buf, (size_t)r);
    fault.sent_n += (size_t)r;
    fault.moved = fault.moved || r > 0;
    return r;
}

static int f_close(void *ctx, bool now)
{
    return pipe_close(ctx, now) && (now || !hits(AT_CLOSE));
}

static int f_reason(void *ctx, const char **words)
{
    (void)ctx;
    *words = "";
    return fault.reason;
}

static int f_random(void *ctx, void *out, size_t n)
{
    pipe_random(ctx, out, n);
    return hits(AT_RANDOM) ? XMPP_E_ENTROPY : XMPP_OK;
}

static uint32_t f_utc(void *ctx)
{
    if (!hits(AT_UTC))
        return pipe_utc(ctx);
    return fault.kind->what == ERROR ? 0 : fault.kind->what == LATER ? 0xF0000000u : 1;
}

/* ---- secrets ---- */

enum { MASTER, KEY_IN, KEY_OUT, RANDOM, SECRETS };
static const char *const secret_names[] = {"the master secret", "the key of what comes in", "the key of what goes out",
                                           "the state of the random numbers"};
static unsigned char secrets[SECRETS][48];
static const size_t secret_sizes[] = {48, 32, 32, 32};

static bool holds(const void *where, size_t n, const void *what, size_t len)
{
    const unsigned char *p = (const unsigned char *)where;
    size_t i;

    for (i = 0; i + len <= n; i++)
        if (p[i] == *(const unsigned char *)what && memcmp(p + i, what, len) == 0)
            return true;
    return false;
}

static void note(int which, const void *p)
{
    memcpy(secrets[which], p, secret_sizes[which]);
}

/* What the engine knows now. */
static void note_secrets(const link_t *l)
{
    const br_ssl_engine_context *e = &l->tls.client.eng;

    note(MASTER, e->session.master_secret);
    note(RANDOM, e->rng.K);
    if (l->tls.state != XMPPI_TLS_OPEN || did.heard == 0)
        return;
    note(KEY_IN, e->in.chapol.key);
    note(KEY_OUT, e->out.chapol.key);
    assert_memory_equal(secrets[MASTER], l->server.eng.session.master_secret, 48);
    assert_memory_equal(secrets[KEY_IN], l->server.eng.out.chapol.key, 32);
    assert_memory_equal(secrets[KEY_OUT], l->server.eng.in.chapol.key, 32);
}

static void search(const char *where, const void *p, size_t n)
{
    static const unsigned char none[48];
    int i;

    for (i = 0; i < SECRETS; i++)
        if (memcmp(secrets[i], none, secret_sizes[i]) != 0 && holds(p, n, secrets[i], secret_sizes[i]))
            fail_msg("%s is left in %s", secret_names[i], where);
    if (holds(p, n, mark, strlen(mark)) || holds(p, n, server_mark, strlen(server_mark)))
        fail_msg("text is left in %s", where);
}

/* After close. Of a session that is kept the header says that it holds a secret. */
static void search_memory(const link_t *l)
{
    search("xmpp_bearssl", &l->tls, sizeof l->tls);
    search("the records", l->client_records, sizeof l->client_records);
    search("xmpp_bearssl_x509", &x509, sizeof x509);
    search("xmpp_bearssl_binding", &l->binding, sizeof l->binding);
    if (l->session.kept == XMPPI_TLS_NONE)
        search("xmpp_bearssl_session", &l->session, sizeof l->session);
}

/* ---- an exchange ---- */

static void begin(link_t *l, int how)
{
    did.error = open_to(l, "xmpp.test", how != STARTTLS);
    if (did.error == XMPP_OK && how == STARTTLS)
        did.error = l->io.ops->start_tls(l->io.ctx, "xmpp.test");
}

/* Each says something if it can. */
static void turn(link_t *l)
{
    char buf[400];
    int n = 0;

    if (did.told < sizeof text)
        n = l->io.ops->send(l->io.ctx, text + did.told, sizeof text - did.told);
    if (n >= 0) {
        did.told += (size_t)n;
        n = l->io.ops->recv(l->io.ctx, buf, sizeof buf);
    }
    if (n >= 0) {
        assert_in_range(n, 0, sizeof answer - did.heard);
        assert_memory_equal(buf, answer + did.heard, n);
        did.heard += (size_t)n;
    }
    did.over = n < 0 ? n : 0;
    did.up = did.up || xmpp_bearssl_version(&l->tls)[0] != 0;
    note_secrets(l);
    n = (int)l->got_n;
    serve(l);
    if (n < (int)sizeof text && l->got_n == sizeof text)
        server_says(l, answer, sizeof answer);
}

static void end(link_t *l)
{
    int i;

    for (i = 0; i < 2000 && !did.closed; i++) {
        did.closed = l->io.ops->close(l->io.ctx, false) != 0;
        serve(l);
    }
    if (!did.closed)
        assert_int_equal(l->io.ops->close(l->io.ctx, true), 1);
    did.why = why(l);
}

static void exchange(link_t *l, int how)
{
    unsigned calls;
    int idle = 0;

    memset(&did, 0, sizeof did);
    memset(secrets, 0, sizeof secrets);
    memset(fault.calls, 0, sizeof fault.calls);
    fault.fired = false;
    fault.reason = XMPP_OK;
    fault.sent_n = l->up.n = l->down.n = l->got_n = 0;
    assert_int_equal(br_ssl_server_reset(&l->server), 1);
    begin(l, how);
    while (did.error == XMPP_OK && did.over == 0 && did.heard < sizeof answer && idle < 20) {
        fault.moved = false;
        turn(l);
        idle = fault.moved ? 0 : idle + 1;
    }
    assert_memory_equal(l->got, text, l->got_n);
    did.whole = did.heard == sizeof answer;
    if (did.whole && fault.kind == NULL) {
        calls = fault.calls[AT_UTC];
        l->io.ops->state(l->io.ctx, false, NULL, 0);    /* a login succeeded */
        fault.calls[AT_UTC] = calls;                    /* with a fault there is none */
    }
    end(l);
    assert_false(holds(fault.sent, fault.sent_n, mark, strlen(mark)));
    assert_null(x509.head.owner);
    assert_string_equal(xmpp_bearssl_version(&l->tls), "");
    search_memory(l);
}

static void exchange_without_fault(link_t *l, int how)
{
    fault.kind = NULL;
    exchange(l, how);
    assert_true(did.whole);
    assert_true(did.closed);
    assert_int_equal(did.why, XMPP_OK);
    assert_int_equal(br_ssl_engine_last_error(&l->server.eng), BR_ERR_OK);
}

/* ---- what a fault may lead to ---- */

/* The clock is asked when TLS begins, for the age of a session, and for the certificate: that is the last. */
static void judge_clock(int how, unsigned calls)
{
    const bool certificate = fault.ever || fault.at == calls;

    if (fault.kind->what == ERROR && fault.at == 1)
        assert_int_equal(did.error, XMPP_E_TLS_CONFIG);
    else if (how != RESUMED && certificate)
        assert_int_equal(did.why, XMPP_E_TLS_EXPIRED);
    else if (how != RESUMED || did.why != XMPP_E_TLS_EXPIRED)
        assert_true(did.whole);
}

/* In the handshake EOF is an error; after it the stream above tells whether all has come. */
static void judge_end(const link_t *l)
{
    if (did.over == XMPP_IO_ERROR) {
        assert_false(did.up);
        assert_int_equal(l->tls.number, XMPP_BEARSSL_BAD_EOF);
        assert_int_equal(did.why, XMPP_E_TLS);
        return;
    }
    assert_int_equal(did.why, XMPP_OK);
    if (fault.ever || fault.kind->call == AT_RECV)      /* a write that is lost once shows to who writes again */
        assert_true(did.whole || did.over == XMPP_IO_EOF);
    else if (did.up)
        assert_true(did.over == XMPP_IO_EOF || did.told == sizeof text);
}

static void judge_error(void)
{
    switch (fault.kind->call) {
    case AT_OPEN: assert_int_equal(did.error, fault.reason); break;
    case AT_RANDOM: assert_int_equal(did.error, XMPP_E_ENTROPY); break;
    default: assert_true(did.whole || did.over == XMPP_IO_ERROR); break;
    }
    assert_int_equal(did.why, did.error != XMPP_OK ? did.error : fault.reason != XMPP_OK ? fault.reason : XMPP_E_TRANSPORT);
}

static void judge(const link_t *l, int how, unsigned calls)
{
    assert_true(fault.fired);
    if (fault.kind->call == AT_UTC) {
        judge_clock(how, calls);
    } else if (fault.kind->what == ERROR) {
        judge_error();
    } else if (fault.kind->what == END) {
        judge_end(l);
    } else {
        assert_int_equal(did.why, XMPP_OK);
        assert_int_equal(did.over, 0);
        if (!fault.ever || fault.kind->what != NOT_NOW)
            assert_true(did.whole && did.closed);
        else if (did.up)
            assert_false(did.closed);               /* close_notify did not come or go */
    }
}

/* ---- the grid ---- */

static link_t *faulty_link(void)
{
    static const xmpp_io_ops ops = {.open = f_open, .recv = f_recv, .send = f_send, .close = f_close, .reason = f_reason,
                                    .random = f_random, .utc = f_utc};
    link_t *l = setup_link(&the_link, "good.chain", "good.key", "ca.pem");

    memset(text, '.', sizeof text);
    memset(answer, ',', sizeof answer);
    memcpy(text + 600, mark, strlen(mark));
    memcpy(text + sizeof text - strlen(mark), mark, strlen(mark));
    memcpy(answer + 600, server_mark, strlen(server_mark));
    memcpy(answer + sizeof answer - strlen(server_mark), server_mark, strlen(server_mark));
    fault.kind = NULL;
    l->ops = ops;
    l->cfg.records_size = XMPP_BEARSSL_BUFFER(512);
    again(l);
    return l;
}

static unsigned points;
static unsigned char saved[XMPP_BEARSSL_STATE];         /* a session, so that not each handshake is a long one */
static int saved_n;

static void one_fault(link_t *l, int how, unsigned at, unsigned calls)
{
    const struct kind *kind = fault.kind;

    xmpp_bearssl_forget(&l->tls);
    if (how == RESUMED)
        l->io.ops->state(l->io.ctx, true, saved, (size_t)saved_n);
    l->tls.floor = 0;                                   /* as in the first connection */
    fault.at = at;
    exchange(l, how);
    judge(l, how, calls);
    if (fault.sent_n > 0)
        assert_int_equal(l->session.kept, XMPPI_TLS_NONE);  /* it was offered and led to no login */
    xmpp_bearssl_forget(&l->tls);
    if (points % 8 != 0)
        l->io.ops->state(l->io.ctx, true, saved, (size_t)saved_n);
    exchange_without_fault(l, how);
    fault.kind = kind;
    points++;
}

static void each_fault(int how, unsigned step)
{
    link_t *l = faulty_link();
    unsigned calls[CALLS], at, k;

    if (RUNNING_ON_VALGRIND)
        step *= 7;
    points = 0;
    exchange_without_fault(l, how);
    memcpy(calls, fault.calls, sizeof calls);
    saved_n = l->io.ops->state(l->io.ctx, false, saved, sizeof saved);
    assert_in_range(saved_n, XMPP_BEARSSL_STATE / 2, XMPP_BEARSSL_STATE);
    if (how == RESUMED) {
        l->tls.floor = 0;
        exchange_without_fault(l, how);
        memcpy(calls, fault.calls, sizeof calls);
    }
    for (k = 0; k < 2 * sizeof kinds / sizeof kinds[0]; k++) {
        fault.kind = &kinds[k / 2];
        fault.ever = k % 2 == 1;
        for (at = 1; at <= calls[fault.kind->call]; at += calls[fault.kind->call] < step ? 1 : step)
            one_fault(l, how, at, calls[fault.kind->call]);
    }
    print_message("%u faults\n", points);
}

static void survives_faults(void **state) { (void)state; each_fault(FULL, 1); }
static void survives_faults_after_starttls(void **state) { (void)state; each_fault(STARTTLS, 3); }
static void survives_faults_when_it_resumes(void **state) { (void)state; each_fault(RESUMED, 1); }

static int all_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survives_faults),
        cmocka_unit_test(survives_faults_after_starttls),
        cmocka_unit_test(survives_faults_when_it_resumes)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
    return with_certificates(argc, argv, all_tests);
}
