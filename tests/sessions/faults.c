/* faults.c - every transcript of this folder again, with a fault at every place where there can be one.  SPDX: MIT

   A fault is of a kind (see kinds), happens at the Nth call of its function, once or from there on for ever, or is a buffer
   of another size. A transcript is played with it up to where it goes another way, then line by line as far as that is
   possible, then the server says nothing more. After each:
     - an event told what happened, or the client is online; short reads and writes and the like change nothing at all
     - a stanza refused, skipped or dropped was told, by an event or by what the call returned
     - what the server got is whole elements, cut only where the connection broke
     - after xmpp_reset a login succeeds, over a transport without faults, to a server that is played by this file
     - no secret is in an event, in a trace, or in the memory of the client

     faults [-v] [-n NAME] [-k KIND] [-a N] [-p I/OF] [-r ONE_IN] [-s SEED] FILE...
            -v says of each fault how it went; -n transcripts whose name holds NAME; -k faults whose kind holds KIND, -a at that
            place alone; -p the Ith of OF parts; -r one fault in so many, by the dice of SEED */

#define XMPP_FAULTS
#include "run.c"

/* ---- the faults ---- */

enum { AT_OPEN, AT_RECV, AT_SEND, AT_CLOSE, AT_START_TLS, AT_WANTS, AT_RANDOM, AT_STATE, AT_CLOCK, CALLS, OF_SIZE };
enum { SHORT, NOT_NOW, END, ERROR, NOTHING, LATER, BACK, STILL, WRAP, RX, ARENA, QUEUE };
enum { ONCE = 1, EVER = 2, SOFT = 4 };                      /* SOFT: nothing else happens than without the fault */

static const struct kind { const char *name; int call, what, how; } kinds[] = {
    {"open fails", AT_OPEN, ERROR, ONCE}, {"open fails for ever", AT_OPEN, ERROR, EVER},
    {"short read", AT_RECV, SHORT, ONCE | SOFT}, {"short reads for ever", AT_RECV, SHORT, EVER | SOFT},
    {"nothing to read now", AT_RECV, NOT_NOW, ONCE | SOFT}, {"nothing to read for ever", AT_RECV, NOT_NOW, EVER},
    {"EOF in a read", AT_RECV, END, ONCE}, {"EOF in reads for ever", AT_RECV, END, EVER},
    {"error in a read", AT_RECV, ERROR, ONCE}, {"error in reads for ever", AT_RECV, ERROR, EVER},
    {"short write", AT_SEND, SHORT, ONCE | SOFT}, {"short writes for ever", AT_SEND, SHORT, EVER | SOFT},
    {"no write now", AT_SEND, NOT_NOW, ONCE | SOFT}, {"no write for ever", AT_SEND, NOT_NOW, EVER},
    {"EOF in a write", AT_SEND, END, ONCE}, {"EOF in writes for ever", AT_SEND, END, EVER},
    {"error in a write", AT_SEND, ERROR, ONCE}, {"error in writes for ever", AT_SEND, ERROR, EVER},
    {"close not done", AT_CLOSE, NOT_NOW, ONCE}, {"close not done for ever", AT_CLOSE, NOT_NOW, EVER},
    {"start_tls fails", AT_START_TLS, ERROR, ONCE}, {"start_tls fails for ever", AT_START_TLS, ERROR, EVER},
    {"wants nothing", AT_WANTS, NOTHING, ONCE | SOFT},
    {"no random", AT_RANDOM, ERROR, ONCE}, {"no random for ever", AT_RANDOM, ERROR, EVER},
    {"state fails", AT_STATE, ERROR, ONCE}, {"state fails for ever", AT_STATE, ERROR, EVER},
    {"the clock jumps", AT_CLOCK, LATER, EVER}, {"the clock goes back", AT_CLOCK, BACK, EVER},
    {"the clock stands still", AT_CLOCK, STILL, EVER}, {"the clock wraps", OF_SIZE, WRAP, EVER | SOFT},
    {"rx of", OF_SIZE, RX, EVER}, {"arena of", OF_SIZE, ARENA, EVER}, {"queue of", OF_SIZE, QUEUE, EVER}};

static const int reasons[] = {XMPP_E_TRANSPORT, XMPP_E_CONNECT, XMPP_E_RESOLVE, XMPP_E_EOF, XMPP_E_TLS, XMPP_E_TLS_NAME,
    XMPP_E_TLS_UNTRUSTED, XMPP_E_TLS_EXPIRED, XMPP_E_TLS_CERT, XMPP_E_TLS_PIN, XMPP_E_TLS_CONFIG, XMPP_E_TLS_PROTOCOL,
    XMPP_E_TLS_CLIENT_CERT, XMPP_E_ENTROPY, XMPP_OK};       /* XMPP_OK: the transport knows no reason */

static struct {
    const struct kind *kind;                                /* NULL: none */
    unsigned    at;                                         /* of which call; or the size */
    unsigned    calls[CALLS];                               /* so far */
    bool        fired, lifted, told;
    int         reason;                                     /* what the transport says; 1: nothing was injected */
    char        first_why[300];                             /* where it went another way */
    bool        blamed;                                     /* something else ended the connection before */
    size_t      events_at;                                  /* R.events when it fired */
    size_t      silent_at;                                  /* R.events when the server had said its last */
    uint32_t    stands_at;
    xmpp_io     below;
    xmpp_trace  trace;
    buf         shown;                                      /* by the trace */
    /* the connections: where in R.sent each began, and whether what it sent last may be cut */
    struct { size_t from; bool broke; } link[400];
    unsigned    links;
    bool        link_is_down;                               /* EOF or error, until it is closed */
    bool        healthy;                                    /* name servers, and whatever a setting has made fail */
} F;

static bool hits(int call)
{
    unsigned n = ++F.calls[call];

    if (F.kind == NULL || F.lifted || F.kind->call != call || !(n == F.at || (n > F.at && (F.kind->how & EVER) != 0)))
        return false;
    if (!F.fired)
        F.events_at = R.events.n;
    F.blamed = F.blamed || (!F.fired && R.open && xmpp_error(&R.c) != XMPP_OK);
    F.fired = true;
    return true;
}

/* What recv or send answers when the fault is one that ends the connection. */
static int breaks(void)
{
    F.link_is_down = true;
    R.done++;
    F.reason = F.kind->what == END ? XMPP_E_EOF : reasons[F.at % (sizeof reasons / sizeof *reasons)];
    return F.kind->what == END ? XMPP_IO_EOF : XMPP_IO_ERROR;
}

static void link_broke(void)
{
    if (F.links > 0)
        F.link[F.links - 1].broke = true;
}

static int f_open(void *ctx, const xmpp_target *to)
{
    int r;

    (void)ctx;
    F.link_is_down = false;
    if (F.links < sizeof F.link / sizeof *F.link) {
        F.link[F.links].from = R.sent.n;
        F.link[F.links++].broke = false;
    } else
        fail("so many connections");
    if (hits(AT_OPEN)) {
        R.done++;
        return F.reason = reasons[F.at % 3];
    }
    if (F.healthy)
        R.open_error = R.tls_error = 0;
    r = F.below.ops->open(F.below.ctx, to);
    if (F.healthy && r != XMPP_OK) {                        /* "@ refuses" */
        R.open = true;
        R.error = 0;
        r = XMPP_OK;
    }
    R.deaf_host = R.deaf_host && !F.healthy;
    return r;
}

static int f_recv(void *ctx, void *data, size_t n)
{
    bool hit = hits(AT_RECV);
    int r;

    (void)ctx;
    if (hit && F.kind->what == NOT_NOW) {
        R.done += (F.kind->how & ONCE) != 0;
        return 0;
    }
    if (F.link_is_down || (hit && F.kind->what != SHORT)) {
        link_broke();
        return F.link_is_down ? XMPP_IO_ERROR : breaks();
    }
    r = F.below.ops->recv(F.below.ctx, data, hit && n > 1 && R.name_server == NULL ? 1 : n);
    if (r < 0)
        link_broke();
    return r;
}

/* A name server that knows one address of every name. */
static int name_server_answers(const char *q, size_t n)
{
    char record[28] = "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\x01";
    size_t size = q[n - 3] == 28 ? 28 : 16;
    size_t tcp = R.datagrams ? 0 : 2;
    char type = q[n - 3];
    bool known = type == 1 || type == 28;                   /* A, AAAA */

    record[3] = type;
    record[11] = size == 28 ? 16 : 4;
    clear(&R.asked);
    if (tcp > 0)
        add16(&R.asked, (unsigned)(n - 2 + (known ? size : 0)));
    add(&R.asked, q + tcp, n - tcp);
    R.asked.p[tcp + 2] = (char)0x81;
    R.asked.p[tcp + 3] = (char)(known ? 0x80 : 0x83);
    R.asked.p[tcp + 7] = known;
    if (known)
        add(&R.asked, record, size);
    R.done++;
    return (int)n;
}

static int f_send(void *ctx, const void *data, size_t n)
{
    bool hit = hits(AT_SEND);
    int r;

    (void)ctx;
    if (F.healthy && R.name_server != NULL)
        return name_server_answers((const char *)data, n);
    if (F.links > 0)
        F.link[F.links - 1].broke = true;                   /* until all of it was taken */
    if (hit && F.kind->what == NOT_NOW) {
        R.done += (F.kind->how & ONCE) != 0;
        return 0;
    }
    if (F.link_is_down || (hit && F.kind->what != SHORT))
        return F.link_is_down ? XMPP_IO_ERROR : breaks();
    r = F.below.ops->send(F.below.ctx, data, hit && R.name_server == NULL ? 1 : n);
    if (r == (int)n && F.links > 0)
        F.link[F.links - 1].broke = false;
    return r;
}

static int f_close(void *ctx, bool now)
{
    (void)ctx;
    if (!now && hits(AT_CLOSE)) {
        R.done += (F.kind->how & ONCE) != 0;
        return 0;
    }
    return F.below.ops->close(F.below.ctx, now);
}

static int f_start_tls(void *ctx, const char *name)
{
    (void)ctx;
    if (hits(AT_START_TLS)) {
        R.done++;
        return F.reason = reasons[4 + F.at % 9];
    }
    return F.below.ops->start_tls(F.below.ctx, name);
}

static unsigned f_wants(void *ctx)
{
    (void)ctx;
    if (F.kind != NULL && F.kind->call == AT_RECV && F.kind->what == NOT_NOW && (F.kind->how & EVER) != 0 && F.fired && !F.lifted)
        return XMPP_WANT_READ;
    return hits(AT_WANTS) ? 0 : F.below.ops->wants(F.below.ctx);
}

static int f_reason(void *ctx, const char **words)
{
    (void)ctx;
    if (F.reason == 1)
        return F.below.ops->reason(F.below.ctx, words);
    if (F.reason == XMPP_OK)
        return XMPP_OK;
    *words = "injected";
    return F.reason;
}

static int f_random(void *ctx, void *out, size_t n)
{
    (void)ctx;
    if (hits(AT_RANDOM)) {
        R.done++;
        return F.reason = XMPP_E_ENTROPY;
    }
    return F.below.ops->random(F.below.ctx, out, n);
}

static int f_state(void *ctx, bool load, void *data, size_t n)
{
    (void)ctx;
    return hits(AT_STATE) ? XMPP_E_TRANSPORT : F.below.ops->state(F.below.ctx, load, data, n);
}

static uint32_t f_utc(void *ctx) { (void)ctx; return F.below.ops->utc(F.below.ctx); }
static uint32_t f_millis(void *ctx) { (void)ctx; return F.below.ops->millis(F.below.ctx); }
static int f_wait(void *ctx, unsigned wants, uint32_t ms) { (void)ctx; return F.below.ops->wait(F.below.ctx, wants, ms); }

static const xmpp_io_ops fault_ops = {f_open, f_recv, f_send, f_close, f_start_tls, NULL, f_wants, f_reason, NULL,
                                      f_random, f_utc, f_millis, f_wait, NULL, f_state};

static uint32_t wrong_clock(uint32_t now)
{
    bool fired = F.fired;

    if (!hits(AT_CLOCK) || F.calls[AT_CLOCK] > F.at + 1000) /* even one that stood still goes on at last */
        return now;
    if (!fired)
        F.stands_at = now;
    return F.kind->what == LATER ? now + 100000 : F.kind->what == BACK ? now - 10000 : F.stands_at;
}

static void take_trace(void *ctx, bool out, const char *text, size_t n)
{
    (void)ctx; (void)out;
    add(&F.shown, text, n);
}

static xmpp_io faulty(xmpp_io below)
{
    xmpp_io io;

    F.below = below;
    io.ops = &fault_ops;
    io.ctx = NULL;
    F.trace.print = take_trace;
    return xmpp_trace_io(&F.trace, io);
}

/* ---- what the server got ---- */

typedef struct wire { xmpp_xml x; unsigned char mem[16384]; size_t at; } wire;

/* Reads R.sent up to `end`, and stops behind a start tag of depth 1 (XMPP_XML_START), an element of the stream or its end
   (XMPP_XML_END); XMPP_XML_MORE at the end. Each header begins a document of its own. */
static int read_wire(wire *w, size_t end)
{
    while (w->at < end) {
        size_t used;
        int r;

        if (w->x.depth <= 1 && end - w->at > 1 && R.sent.p[w->at] == '<' && R.sent.p[w->at + 1] == '?')
            xmpp_xml_init(&w->x, w->mem, sizeof w->mem);
        r = xmpp_xml_feed(&w->x, R.sent.p + w->at, end - w->at, &used);
        w->at += used;
        if (r < 0)
            fail("the server got ill-formed XML (%s): %.*s", xmpp_errname(r), (int)(end - w->at < 200 ? end - w->at : 200),
                 R.sent.p + w->at);
        if (r == XMPP_XML_START && w->x.depth == 2)
            xmpp_xml_tree(&w->x);
        else if (r == XMPP_XML_START || r == XMPP_XML_END)
            return r;
    }
    return XMPP_XML_MORE;
}

/* Something that belongs to the stream itself, inside an element: what came before it was half sent. */
static void check_nesting(xmpp_node n)
{
    char text[6000];
    const char *p = text;

    if (xmpp_to_xml(n, text, sizeof text) >= sizeof text)
        return;
    while ((p = strchr(p + 1, '<')) != NULL)
        if (strncmp(p, "<message", 8) == 0 || strncmp(p, "<presence", 9) == 0 || strncmp(p, "<iq ", 4) == 0 ||
            (strstr(p, "urn:xmpp:sm:3") != NULL && strstr(p, "urn:xmpp:sm:3") < p + 30))
            fail("half an element was sent, and another one behind it: %s", text);
}

static void check_wire(void)
{
    static wire w;
    unsigned i;

    for (i = 0; i < F.links; i++) {
        size_t end = i + 1 < F.links ? F.link[i + 1].from : R.sent.n;
        bool over = false;
        int r;

        memset(&w, 0, sizeof w);
        w.at = F.link[i].from;
        xmpp_xml_init(&w.x, w.mem, sizeof w.mem);
        while ((r = read_wire(&w, end)) != XMPP_XML_MORE) {
            if (over)
                fail("something was sent behind </stream:stream>");
            over = r == XMPP_XML_END && w.x.depth == 0;
            if (r == XMPP_XML_END && w.x.depth == 1)
                check_nesting(w.x.node);
        }
        if (w.x.depth > 1 && !F.link[i].broke)
            fail("the last element of a connection is cut, and nothing broke: %s", R.sent.p + F.link[i].from);
    }
}

/* ---- a server that lets everybody in who knows the password ---- */

static struct { wire w; bool authed, over; unsigned stanzas; } S;

static void say(const char *text) { expand(text, '{', &R.in); }

static void offer(void)
{
    size_t i;

    say("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='h' "
        "version='1.0'><stream:features>");
    if (!R.tls && R.cfg.tls != XMPP_TLS_NONE_UNSAFE)
        say("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    else if (S.authed)
        say("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/>");
    else {
        say("<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>");
        for (i = 0; R.cfg.mechs[i] != NULL; i++) {
            const xmpp_hash_kind *k = hash_named(R.cfg.mechs[i]->name);

            if (R.acct.keys != NULL && R.keys.hash != 0 && (k == NULL || k->id != R.keys.hash))
                continue;                               /* there may be no password */
            say("<mechanism>");
            say(R.cfg.mechs[i]->name);
            say("</mechanism>");
        }
        say("</mechanisms>");
    }
    say("</stream:features>");
}

static void succeed(const char *data)
{
    say("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>");
    say(data);
    say("</success>");
    S.authed = true;
}

static void challenge(const char *data)
{
    say("<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>");
    say(data);
    say("</challenge>");
}

static void hear_auth(xmpp_node n)
{
    const char *mech = xmpp_attr(n, "mechanism"), *nonce;
    char text[600], raw[600];
    unsigned long i = R.cfg.min_iterations > 0 ? R.cfg.min_iterations : 4096;
    char salt[100] = "QSXCR+Q6sek8bf92";
    int len = xmpp_base64_decode(xmpp_text(n), strlen(xmpp_text(n)), raw, sizeof raw - 1);

    raw[len > 0 ? len : 0] = '\0';
    if (strncmp(mech, "SCRAM", 5) == 0) {
        R.hash = hash_named(mech);
        scram_saw(raw);
        nonce = strstr(raw, ",r=");
        if (R.acct.keys != NULL && R.keys.hash == R.hash->id) {
            salt[xmpp_base64_encode(R.keys.salt, R.keys.salt_n, salt, sizeof salt)] = '\0';
            for (i = 0, len = 0; len < 4; len++)
                i = i << 8 | R.keys.iterations[len];
        }
        snprintf(text, sizeof text, "{base64 r=%sSRV,s=%s,i=%lu}", nonce + 3, salt, i);
        challenge(text);
    } else if (strcmp(mech, "X-HELLO") == 0)
        challenge("{base64 more}");
    else
        succeed("");
}

static void hear_response(xmpp_node n)
{
    char raw[600];
    buf want = {0, 0, 0};
    int len = xmpp_base64_decode(xmpp_text(n), strlen(xmpp_text(n)), raw, sizeof raw - 1);

    raw[len > 0 ? len : 0] = '\0';
    if (strncmp(raw, "you ", 4) == 0) {
        succeed("{base64 bye}");
        return;
    }
    scram_saw(raw);
    clear(&want);
    scram(true, &want);
    if (strstr(raw, ",p=") == NULL || strcmp(strstr(raw, ",p=") + 3, want.p) != 0)
        fail("a wrong proof: %s", raw);
    succeed("{base64 v=$verifier}");
}

static void hear_iq(xmpp_node n)
{
    const char *id = xmpp_attr(n, "id");
    buf b = {0, 0, 0};

    if (xmpp_attr(n, "type") == NULL || strcmp(xmpp_attr(n, "type"), "result") == 0 || strcmp(xmpp_attr(n, "type"), "error") == 0)
        return;
    clear(&b);
    adds(&b, "<iq type='result' id='");
    adds(&b, id != NULL ? id : "");
    adds(&b, "'>");
    if (xmpp_exists(xmpp_child(n, "bind", "urn:ietf:params:xml:ns:xmpp-bind"))) {
        adds(&b, "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>");
        adds(&b, strchr(R.jid, '@') != NULL ? "" : "somebody@");
        adds(&b, R.jid);
        adds(&b, strchr(R.jid, '/') != NULL ? "" : "/attic");
        adds(&b, "</jid></bind>");
    }
    adds(&b, "</iq>");
    add(&R.in, b.p, b.n);
}

static void hear(xmpp_node n)
{
    const char *name = xmpp_name(n);
    char text[100];

    S.stanzas += strcmp(name, "message") == 0 || strcmp(name, "presence") == 0 || strcmp(name, "iq") == 0;
    if (strcmp(name, "starttls") == 0)
        say("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    else if (strcmp(name, "auth") == 0)
        hear_auth(n);
    else if (strcmp(name, "response") == 0)
        hear_response(n);
    else if (strcmp(name, "iq") == 0)
        hear_iq(n);
    else if (strcmp(name, "resume") == 0)
        say("<failed xmlns='urn:xmpp:sm:3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>");
    else if (strcmp(name, "enable") == 0) {
        say("<enabled xmlns='urn:xmpp:sm:3' resume='true' id='again'/>");
        S.stanzas = 0;
    } else if (strcmp(name, "r") == 0) {
        snprintf(text, sizeof text, "<a xmlns='urn:xmpp:sm:3' h='%u'/>", S.stanzas);
        say(text);
    }
}

/* Answers what came since the last time. */
static void answer_client(void)
{
    int r;

    if (!R.open || R.name_server != NULL)
        return;
    if (S.w.at < F.link[F.links - 1].from) {                /* a new connection */
        memset(&S, 0, sizeof S);
        S.w.at = F.link[F.links - 1].from;
        xmpp_xml_init(&S.w.x, S.w.mem, sizeof S.w.mem);
    }
    while ((r = read_wire(&S.w, R.sent.n)) != XMPP_XML_MORE)
        if (r == XMPP_XML_START)
            offer();
        else if (S.w.x.depth == 1)
            hear(S.w.x.node);
        else {
            say("</stream:stream>");
            R.eof = true;
        }
    R.avail = R.in.n;
}

/* ---- the run ---- */

/* What the run without a fault needed, for the places of faults; given: the sizes of its buffers. */
static struct { unsigned calls[CALLS]; size_t rx, arena, queue, given[3]; bool inert; } needed;

static bool is(const char *type) { return strcmp(event_field("type"), type) == 0; }

static void save(void)
{
    if (R.acct.sm != NULL && xmpp_save(&R.c, R.block, sizeof R.block) > 0)
        xmpp_saved(&R.c);
}

/* Takes the event at hand; whoever waits for an answer of the application gets it. */
static void swallow(void)
{
    if (!R.have)
        return;
    if (is("OFFLINE") && strcmp(event_field("error"), "XMPP_OK") == 0)
        fail("OFFLINE without an error");
    if (is("PASSWORD"))
        xmpp_password(&R.c, R.password);
    else if (is("SAVE"))
        save();
    else if (is("ASLEEP"))
        xmpp_awake(&R.c);
    R.have = false;
}

/* Whatever the client does and tells is let pass. */
static void let_pass(void)
{
    int left = 200;

    do {
        swallow();
        pump(true);
    } while (R.have && --left > 0);
    if (left == 0)
        fail("events for ever: %s", event_field("type"));
    R.sent_at = R.sent.n;
    R.calls_at = R.calls.n;
}

/* One line, after the fault. Where it has no meaning any more the next one is played. */
static int try_line(size_t *i)
{
    int r = setjmp(R.out);

    if (r == WENT_WELL) {
        let_pass();
        *i = play_line(*i);
    }
    return r;
}

/* The server says nothing more: the client must notice, and say so. */
static void settle(void)
{
    int left = 3000;

    R.blocked = R.limited = false;
    R.may_close = true;
    save();
    xmpp_awake(&R.c);
    let_pass();
    F.silent_at = R.events.n;
    for (;;) {
        uint32_t d;

        let_pass();
        d = xmpp_deadline(&R.c);
        if ((R.offline && !R.open) || d == XMPP_FOREVER || --left == 0)
            break;
        R.now += d < 1000 ? 1000 : d < 60000 ? d : 60000;
    }
    if (F.kind != NULL && F.kind->call == AT_STATE)         /* a state that cannot be saved: xmpp_save has said so */
        return;
    if (F.kind != NULL && F.kind->what == STILL && R.now - F.stands_at > 0x7fffffff)    /* for longer than times can tell */
        return;
    if (!R.offline && !xmpp_online(&R.c))
        fail("the client is neither online nor said why it is not");
}

/* Goes through events taken down: the next one's type, error and id. */
static const char *next_event(const buf *b, size_t *at, const char **error, const char **id)
{
    const char *type = NULL;

    *error = *id = "";
    while (*at < b->n) {
        const char *k = b->p + *at, *v = k + strlen(k) + 1;

        if (strcmp(k, "type") == 0) {
            if (type != NULL)
                return type;
            type = v;
        } else if (strcmp(k, "error") == 0)
            *error = v;
        else if (strcmp(k, "id") == 0)
            *id = v;
        *at += strlen(k) + strlen(v) + 2;
    }
    return type;
}

static unsigned times(const buf *b, const char *type, const char *error)
{
    const char *t, *e, *id;
    size_t at = 0;
    unsigned n = 0;

    while ((t = next_event(b, &at, &e, &id)) != NULL)
        n += strcmp(t, type) == 0 && strcmp(e, error) == 0;
    return n;
}

/* Later perhaps, but everything that came without the fault. */
static bool nothing_is_missing(const buf *first)
{
    const char *type, *error, *id;
    size_t at = 0;

    while ((type = next_event(first, &at, &error, &id)) != NULL)
        if (strcmp(type, "DROPPED") != 0 && times(&R.events, type, error) < times(first, type, error))
            return false;
    return true;
}

/* It went another way than without the fault. Has an event or a call said why, or an error that went to the peer? Of a smaller
   buffer that must be before the server falls silent: whatever was lost, the end of the connection comes then. */
static void check_told(const buf *first)
{
    const bool size = F.kind->call == OF_SIZE;
    const char *type, *error, *id;
    size_t at = F.events_at, end = size ? F.silent_at : R.events.n;

    if (R.refused || F.kind->call == AT_CLOCK)              /* of time it is not known what comes then, or not */
        return;
    if (F.kind->call == AT_SEND && F.kind->what == NOT_NOW && R.cfg.ping_ms == XMPP_FOREVER)    /* it was asked not to look */
        return;
    if (size && F.at > needed.given[F.kind->what - RX])     /* it goes better than without the fault */
        return;
    if (size && (nothing_is_missing(first) || strstr(R.sent.p, "<service-unavailable ") != NULL))
        return;
    while (at < end && (type = next_event(&R.events, &at, &error, &id)) != NULL) {
        if (strcmp(type, "OFFLINE") == 0 || ((strcmp(error, "XMPP_OK") != 0 || strcmp(type, "SKIPPED") == 0 ||
             strcmp(type, "DROPPED") == 0) && times(&R.events, type, error) > times(first, type, error)))
            return;
    }
    fail("something is missing, and nothing tells: %s", F.first_why);
}

/* The first OFFLINE behind the fault says what the transport said. */
static void check_reason(const buf *first)
{
    const char *type, *error, *id;
    size_t at = F.events_at;

    if (F.reason == 1 || F.reason == XMPP_OK || F.blamed || F.kind->call == AT_RANDOM || R.acct.dns != NULL)
        return;
    while ((type = next_event(&R.events, &at, &error, &id)) != NULL)
        if (strcmp(type, "OFFLINE") == 0) {
            if (strcmp(error, xmpp_errname(F.reason)) != 0 && times(first, type, error) == 0 &&     /* both at once */
                (strcmp(error, "XMPP_E_CLOSED") != 0 || strstr(R.in.p, "</stream:stream>") == NULL))
                fail("the transport said %s, the event %s", xmpp_errname(F.reason), error);
            return;
        }
}

/* Steps the client and its server until an event of that type comes. */
static void until(const char *type)
{
    int left = 3000;

    for (;;) {
        size_t sent = R.sent.n, in = R.in_at;

        pump(true);
        if (R.have && is(type))
            break;
        if (R.have && is("OFFLINE"))
            fail("after a reset, without a fault: %s %s %s", event_field("error"), event_field("condition"), event_field("text"));
        if (R.have)
            swallow();
        else {
            answer_client();
            if (sent == R.sent.n && in == R.in_at && R.avail == R.in_at)
                R.now += 1 + xmpp_deadline(&R.c) % 1000;
        }
        if (--left == 0)
            fail("after a reset, without a fault, there is no %s", type);
    }
    swallow();
}

/* Some transcripts are about an account with which no login is possible. */
static void let_what_was_forbidden(void)
{
    if (R.acct.password != NULL && strlen(R.acct.password) > 100) /* PLAIN's message has no room */
        R.acct.password = "secret";
    if (R.acct.password != NULL)
        R.password = R.acct.password;
    if (R.acct.dns != NULL && R.servers[0] == NULL)
        R.servers[0] = "192.0.2.53";
    if (R.acct.host != NULL && strlen(R.acct.host) > 63)     /* DNS knows no such name */
        R.acct.host = NULL;
    if (R.cfg.mechs != xmpp_mechs_all && R.cfg.mechs[0] == &xmpp_mech_external)
        R.acct.use_cert = true;
    R.cfg.options |= XMPP_OPT_PLAIN | XMPP_OPT_PLAIN_WITHOUT_TLS;
}

static void log_in_again(void)
{
    int left = 100, e;

    F.lifted = F.healthy = true;
    F.reason = 1;
    R.no_random = R.slow_close = R.eof = R.deaf_host = false;
    R.error = R.late_error = R.start_error = 0;
    let_what_was_forbidden();
    save();
    let_pass();
    xmpp_reset(&R.c);
    R.offline = R.gone = false;
    until("ONLINE");
    while ((e = xmpp_message(&R.c, "friend@example.org", "alive")) != XMPP_OK && --left > 0) {
        let_pass();
        answer_client();
    }
    if (e != XMPP_OK && e != XMPP_E_LIMIT &&                    /* the server's limit may be less */
        !(e == XMPP_E_TOO_LONG && F.kind != NULL && F.kind->what == QUEUE))     /* kept presence fills it */
        fail("after a reset a message is refused: %s", xmpp_errname(e));
    for (left = 20; left > 0; left--) {
        let_pass();
        answer_client();
        R.now += xmpp_deadline(&R.c) < 1000 ? xmpp_deadline(&R.c) : 0;
    }
    if (e == XMPP_OK && strstr(R.sent.p + F.link[F.links - 1].from, "<body>alive</body>") == NULL)
        fail("after a reset a message is not sent");
    xmpp_close(&R.c);
    until("OFFLINE");
}

/* ---- secrets ---- */

static bool holds(const void *p, size_t n, const void *what, size_t len)
{
    const char *at = (const char *)p, *end = at + n;

    for (; len > 0 && (size_t)(end - at) >= len && (at = (const char *)memchr(at, *(const char *)what, (size_t)(end - at) - len + 1)) != NULL; at++)
        if (memcmp(at, what, len) == 0)
            return true;
    return false;
}

static void look_for(const char *name, const void *what, size_t n)
{
    const struct { const char *name; const void *p; size_t n; } all[] = {
        {"an event", R.events.p, R.events.n}, {"the trace", F.shown.p, F.shown.n}, {"the client", &R.c, sizeof R.c},
        {"rx", R.acct.rx, R.acct.rx_size}, {"the arena", R.acct.arena, R.acct.arena_size},
        {"the queue", R.acct.queue, R.acct.queue_size}, {"xmpp_sm", &R.sm, sizeof R.sm}, {"xmpp_dns", &R.dns, sizeof R.dns}};
    char text[1400];
    int len = xmpp_base64_encode(what, n, text, sizeof text);
    size_t i;

    for (i = 0; i < sizeof all / sizeof *all; i++)
        if (holds(all[i].p, all[i].n, what, n) || (len > 0 && holds(all[i].p, all[i].n, text, (size_t)len)))
            fail("%s is in %s", name, all[i].name);
}

/* After the end of a connection. */
static void look_for_secrets(void)
{
    const char *names[] = {"a key", "the password", "PLAIN's message", "the client's nonce"};
    char plain[1000];
    const char *nonce = R.first.n > 0 ? strstr(R.first.p, ",r=") : NULL;
    size_t i, n = strcspn(R.jid, "@");

    for (i = 0; i < R.secrets.n; i += 1u + (unsigned char)R.secrets.p[i])
        look_for(names[0], R.secrets.p + i + 1, (unsigned char)R.secrets.p[i]);
    if (R.password != NULL && R.password[0] != '\0') {
        look_for(names[1], R.password, strlen(R.password));
        snprintf(plain, sizeof plain, "%c%.*s%c%s", 0, (int)n, R.jid, 0, R.password);
        look_for(names[2], plain, n + 2 + strlen(R.password));
    }
    if (nonce != NULL)
        look_for(names[3], nonce + 3, strcspn(nonce + 3, ","));
}

/* ---- one transcript with one fault ---- */

static bool verbose;

/* Plays to the end, whatever comes. `first`: what happened without the fault. */
static void come_to_the_end(const buf *first, bool differed)
{
    settle();
    look_for_secrets();
    check_reason(first);
    if (differed)
        check_told(first);
    log_in_again();
    check_wire();
    look_for_secrets();
}

static int first_way(void)
{
    int r = setjmp(R.out);

    if (r == WENT_WELL) {
        prepare();
        play_lines();
    }
    return r;
}

static int last_way(const buf *first, bool differed)
{
    int r = setjmp(R.out);

    if (r == WENT_WELL)
        come_to_the_end(first, differed);
    return r;
}

static void measure(buf *first)
{
    xmpp_info info;
    buf events = R.events;

    owner = &forever;
    clear(first);
    add(first, events.p, events.n);
    owner = &run_only;
    xmpp_get_info(&R.c, &info);
    memcpy(needed.calls, F.calls, sizeof needed.calls);
    needed.rx = R.marks;
    needed.arena = info.arena_max;
    needed.queue = info.queue_max;
    needed.given[0] = R.acct.rx_size;
    needed.given[1] = R.acct.arena_size;
    needed.given[2] = R.acct.queue_size;
    needed.inert = R.init != 0;
}

/* True when all that the head of this file promises was kept. Without a kind: the run that the others are compared with,
   whose events go to `first`. */
static bool play_with(const script *s, const mode *base, const struct kind *kind, unsigned at, buf *first)
{
    mode m = *base;
    bool differed;
    size_t i;
    int r;

    memset(&F, 0, sizeof F);
    memset(&S, 0, sizeof S);
    F.kind = kind;
    F.at = at;
    F.reason = 1;
    m.front = at % 2 != 0;
    m.take = m.take != 0 || kind == NULL || kind->call == OF_SIZE ? m.take : 100000;    /* not in one send, perhaps */
    if (kind != NULL && kind->call == OF_SIZE) {
        F.fired = kind->what != WRAP;
        if (kind->what == WRAP)
            m.clock = 0u - at * at * at * 10;
        else if (kind->what == RX)
            m.rx = at;
        else
            m.sizes[kind->what - RX] = at;
    }
    begin_run(s, &m, verbose);
    clear(&F.shown);
    r = first_way();
    differed = r == DIFFERED;
    if (differed && (!F.fired || (kind->how & SOFT) != 0))
        r = FAILED;
    snprintf(F.first_why, sizeof F.first_why, "%.299s", differed ? R.why : "");
    for (i = R.at != NULL ? (size_t)(R.at - s->l) : 0; r != FAILED && differed && ++i < s->n;)
        r = try_line(&i);
    if (kind == NULL)
        measure(first);
    if (r != FAILED && R.init == XMPP_OK)
        r = last_way(first, differed);
    end_run();
    return r == WENT_WELL;
}

/* ---- all of them ---- */

static const char *only_name, *only_kind;
static unsigned only_at, part, parts = 1, one_in = 1, turn;
static uint32_t dice, seed;
static unsigned long passed, failed, points, by_kind[sizeof kinds / sizeof *kinds];

static bool chosen(void)
{
    dice = dice * UINT32_C(1664525) + UINT32_C(1013904223);
    return one_in <= 1 || (dice >> 8) % one_in == 0;
}

/* The smallest and the largest place of a kind. Of a size: from the smallest that is taken to the first that refuses nothing. */
static void places(const struct kind *k, const mode *m, unsigned *from, unsigned *to)
{
    *from = k->what == RX && k->call == OF_SIZE ? 64 : k->call == OF_SIZE && k->what != WRAP ? 768 : 1;
    if (k->call != OF_SIZE)
        *to = needed.calls[k->call];
    else
        *to = (unsigned)(k->what == WRAP ? 30 : k->what == RX ? needed.rx + 1 : k->what == ARENA ? needed.arena + 2
                         : needed.queue < 1152 ? needed.queue + 384 + 8 : needed.queue / 3 * 4 + 8);
    if (k->call == OF_SIZE && *to < *from)
        *to = *from;
    if (k->what == RX && k->call == OF_SIZE && *to > 600)
        *to = 600;
    (void)m;
}

static void play_one(const char *base, const script *s)
{
    static buf first;
    const char *name = s->name != NULL ? s->name : "";
    mode m;
    unsigned bad = 0, at, to;
    unsigned long before = points;
    size_t i;

    if ((only_name != NULL && strstr(name, only_name) == NULL) || turn++ % parts != part)
        return;
    for (i = 0; !allowed(s, modes[i].name); i++)
        ;
    m = modes[i];
    if (allowed(s, "big")) {                                /* how much it takes when nothing is refused */
        m.sizes[1] = 8192;
        m.sizes[2] = 4096;
        if (play_with(s, &m, NULL, 0, &first))
            m.sizes[1] = m.sizes[2] = 0;
    }
    {
        size_t arena = needed.arena, queue = needed.queue;

        m.sizes[1] = m.sizes[2] = 0;
        if (!play_with(s, &m, NULL, 0, &first)) {
            printf("FAIL %s: %s without a fault: %s\n", base, name, R.why);
            failed++;
            return;
        }
        if (arena > needed.arena)
            needed.arena = arena;
        if (queue > needed.queue)
            needed.queue = queue;
    }
    for (i = 0; i < sizeof kinds / sizeof *kinds && !needed.inert; i++) {
        if (((kinds[i].how & SOFT) != 0 && kinds[i].call == AT_RECV && !(allowed(s, "bytes") && allowed(s, "dice"))) ||
            ((kinds[i].how & SOFT) != 0 && kinds[i].call == AT_SEND && !(allowed(s, "take1") && allowed(s, "dice"))))
            continue;                                       /* its order depends on what comes and goes in one piece */
        if (only_kind != NULL && strstr(kinds[i].name, only_kind) == NULL)
            continue;
        for (places(&kinds[i], &m, &at, &to); at <= to; at++) {
            if ((only_at != 0 && only_at != at) || !chosen())
                continue;
            points++;
            by_kind[i]++;
            if (verbose)
                printf("%s %u\n", kinds[i].name, at);
            if (!play_with(s, &m, &kinds[i], at, &first) && ++bad <= 3)
                printf("FAIL %s: %s: %s %u: %s\n", base, name, kinds[i].name, at, R.why);
        }
    }
    *(bad == 0 ? &passed : &failed) += 1;
    if (bad > 0)
        printf("  %u of %lu faults were not survived\n", bad, points - before);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    int a;
    size_t i;

    layer = faulty;
    clock_of = wrong_clock;
    for (a = 1; a < argc; a++)
        if (strcmp(argv[a], "-v") == 0)
            verbose = true;
        else if (argv[a][0] == '-' && a + 1 < argc) {
            const char *v = argv[++a];

            switch (argv[a - 1][1]) {
            case 'n': only_name = v; break;
            case 'k': only_kind = v; break;
            case 'a': only_at = number(v); break;
            case 'p': part = number(v); parts = number(strchr(v, '/') + 1); break;
            case 'r': one_in = number(v); break;
            case 's': dice = seed = number(v); break;
            default: fprintf(stderr, "no such option: %s\n", argv[a - 1]); return 2;
            }
        } else
            each_script(argv[a], play_one);
    for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (by_kind[i] > 0)
            printf("%8lu x %s\n", by_kind[i], kinds[i].name);
    drop_all(&forever);
    if (one_in > 1)
        printf("one fault in %u, FAULT_SEED=%lu\n", one_in, (unsigned long)seed);
    printf("%lu transcripts, %lu faults%s\n%lu passed, %lu failed\n", passed + failed, points,
           failed == 0 ? ", all survived" : "", passed, failed);
    write_counts(passed, failed);
    return failed > 0;
}
