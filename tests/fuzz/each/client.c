/* client.c - a client and its server, at one level of XMPP_CFG_FAST.  SPDX: MIT
   The input is a program for the server, the application, the clock and the transport; see act(). The server keeps a list
   of what a good server would say next: most programs get far by saying that, and add their own. */
#include "level.h"
#include "../client.h"

static const char password[] = "pa55word", server_nonce[] = "Serv3r", salt64[] = "QSXCR+Q6sek8bf92";
static const char xml_header[] = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
                                 "xmlns:stream='http://etherx.jabber.org/streams' id='s1' from='example.org' version='1.0'>";
#define NS(name) " xmlns='urn:ietf:params:xml:ns:xmpp-" name "'"

enum { ANSWERS = 64, CLAIMS = 3 };

typedef struct world {
    /* the client and what it is given */
    xmpp_client  *c;
    xmpp_config   cfg;
    xmpp_account  acct;
    xmpp_sm      *sm;
    xmpp_dns     *dns;
    xmpp_keys     keys;
    xmpp_roster   roster;
    xmpp_version  version;
    xmpp_disco    disco;
    xmpp_ext_use  exts[5];
    uint32_t      seen[4];
    xmpp_claim    claim[CLAIMS];
    char          claim_buf[CLAIMS][120];
    char          big[1400];
    bool          in_event;

    /* the transport */
    session      *s;
    input         in;
    text          rx;               /* on its way to the client; what lies before rx_at was taken */
    size_t        rx_at, takes;     /* takes: of one send, 0: all */
    bool          open, tls, blocked, udp, late_udp;
    int           end;              /* what recv says when nothing is left */
    uint32_t      now, dice, progress;
    unsigned      no_random;
    unsigned char question[600];
    size_t        question_n;

    /* the server */
    xmpp_xml      peer;             /* reads what the client sends */
    unsigned char peer_mem[16384];
    char         *answer[ANSWERS];  /* what a good server says next */
    unsigned      answers;
    text          said;             /* what the client sent over this connection; what lies before read_at was read */
    size_t        read_at;
    bool          authed, counting, resumable, noise, online;
    uint32_t      counted;          /* stanzas of the client in this session */
    const xmpp_hash_kind *hash;
    char          bare[200], first[300];        /* of SCRAM: client-first-message-bare, server-first-message */
    char          iq[4][40];        /* ids of requests of the client */
    unsigned      iqs;
} world;

static world W;

static uint32_t roll(void)
{
    W.dice = W.dice * 1664525u + 1013904223u;
    return W.dice >> 8;
}

/* ---- the server: what it should say ---- */

static void should_say(const char *s)
{
    if (W.answers < ANSWERS)
        W.answer[W.answers++] = strcpy((char *)exact(NULL, strlen(s) + 1), s);
}

static void forget_answers(void)
{
    while (W.answers > 0)
        free(W.answer[--W.answers]);
}

static void should_say_base64(const char *tag, const char *s)
{
    char b64[800], all[1000];
    int n = xmpp_base64_encode(s, strlen(s), b64, sizeof b64);

    MUST(n >= 0);
    snprintf(all, sizeof all, "<%s" NS("sasl") ">%.*s</%s>", tag, n, b64, tag);
    should_say(all);
}

static void on_auth(xmpp_node n)
{
    const char *mech = xmpp_attr(n, "mechanism"), *text = xmpp_text(n), *r;
    char raw[300];
    int len = xmpp_base64_decode(text, strlen(text), raw, sizeof raw - 1);

    MUST(mech != NULL && (strcmp(text, "=") == 0 || len >= 0));
    W.hash = strcmp(mech, "SCRAM-SHA-1") == 0 ? &xmpp_sha1 : strcmp(mech, "SCRAM-SHA-256") == 0 ? &xmpp_sha256 :
             strcmp(mech, "SCRAM-SHA-512") == 0 ? &xmpp_sha512 : NULL;
    if (W.hash == NULL) {
        should_say("<success" NS("sasl") "/>");
        return;
    }
    raw[len > 0 ? len : 0] = '\0';
    r = strstr(raw, ",r=");
    MUST(strncmp(raw, "n,,n=user,r=", 12) == 0 && r != NULL && strlen(r) < 100);
    strcpy(W.bare, raw + 3);
    snprintf(W.first, sizeof W.first, "r=%s%s,s=%s,i=2", r + 3, server_nonce, salt64);
    should_say_base64("challenge", W.first);
}

static void hmac(const unsigned char *key, size_t key_n, const char *data, unsigned char *out)
{
    xmpp_hash h;

    xmpp_hmac_init(W.hash, &h, key, key_n);
    xmpp_hash_add(W.hash, &h, data, strlen(data));
    xmpp_hmac_end(W.hash, &h, key, key_n, out);
}

static void on_response(xmpp_node n)
{
    const char *text = xmpp_text(n);
    unsigned char salt[32], key[64], signature[64];
    char raw[500], auth[1100], final[140] = "v=", *p;
    xmpp_pbkdf2 kdf;
    int len = xmpp_base64_decode(text, strlen(text), raw, sizeof raw - 1);

    MUST(len >= 0);
    raw[len] = '\0';
    p = strstr(raw, ",p=");
    if (W.hash == NULL || p == NULL) {  /* the answer to a final message in a challenge */
        should_say("<success" NS("sasl") "/>");
        return;
    }
    *p = '\0';
    snprintf(auth, sizeof auth, "%s,%s,%s", W.bare, W.first, raw);
    len = xmpp_base64_decode(salt64, strlen(salt64), salt, sizeof salt);
    xmpp_pbkdf2_start(W.hash, &kdf, password, strlen(password), salt, (size_t)len, 2);
    while (!xmpp_pbkdf2_run(W.hash, &kdf, 2)) {}
    hmac(kdf.t, W.hash->size, "Server Key", key);
    hmac(key, W.hash->size, auth, signature);
    len = xmpp_base64_encode(signature, W.hash->size, final + 2, sizeof final - 3);
    final[2 + len] = '\0';
    should_say_base64("success", final);
}

static void on_iq(xmpp_node n)
{
    const char *id = xmpp_attr(n, "id"), *type = xmpp_attr(n, "type"), *name = xmpp_name(xmpp_first(n)),
               *ns = xmpp_ns(xmpp_first(n)), *to = xmpp_attr(n, "to");
    char s[400], from[120] = "";

    MUST(id != NULL && type != NULL && strlen(id) < 2000);
    if ((strcmp(type, "get") != 0 && strcmp(type, "set") != 0) || strlen(id) > 30)
        return;
    strcpy(W.iq[W.iqs++ % 4], id);
    if (to != NULL && strlen(to) < 90)
        snprintf(from, sizeof from, " from='%s'", to);
    if (strcmp(name, "bind") == 0)
        snprintf(s, sizeof s, "<iq id='%s' type='result'><bind" NS("bind") "><jid>user@example.org/attic</jid></bind></iq>", id);
    else if (strcmp(ns, "jabber:iq:roster") == 0)
        snprintf(s, sizeof s, "<iq id='%s' type='result'><query xmlns='jabber:iq:roster'><item jid='bob@example.org' "
                 "subscription='both'><group>g</group></item><item jid='eve@example.org'/></query></iq>", id);
    else
        snprintf(s, sizeof s, "<iq id='%s' type='result'%s/>", id, from);
    should_say(s);
}

/* A top-level element of the client. */
static void on_element(xmpp_node n)
{
    const char *name = xmpp_name(n), *ns = xmpp_ns(n);
    bool stanza = strcmp(ns, "jabber:client") == 0;
    char s[200];

    if (stanza) {
        MUST(strcmp(name, "iq") == 0 || strcmp(name, "message") == 0 || strcmp(name, "presence") == 0);
        MUST(W.tls || W.cfg.tls == XMPP_TLS_NONE_UNSAFE);
        W.counted += W.counting;
        if (strcmp(name, "iq") == 0)
            on_iq(n);
    } else if (strcmp(name, "starttls") == 0) {
        MUST(!W.tls);
        should_say("<proceed" NS("tls") "/>");
    } else if (strcmp(name, "auth") == 0) {
        MUST(W.tls || W.cfg.tls == XMPP_TLS_NONE_UNSAFE);
        on_auth(n);
    } else if (strcmp(name, "response") == 0) {
        on_response(n);
    } else if (strcmp(ns, "urn:xmpp:sm:3") == 0) {
        if (strcmp(name, "enable") == 0) {
            W.counting = true;
            W.counted = 0;
            W.resumable = true;
            should_say("<enabled xmlns='urn:xmpp:sm:3' resume='true' id='sm-1' max='600'/>");
        } else if (strcmp(name, "resume") == 0) {
            const char *id = xmpp_attr(n, "previd");

            MUST(id != NULL && xmpp_attr(n, "h") != NULL);
            if (W.resumable && strcmp(id, "sm-1") == 0) {
                W.counting = true;
                snprintf(s, sizeof s, "<resumed xmlns='urn:xmpp:sm:3' previd='sm-1' h='%lu'/>", (unsigned long)W.counted);
            } else {
                snprintf(s, sizeof s, "<failed xmlns='urn:xmpp:sm:3'><item-not-found" NS("stanzas") "/></failed>");
            }
            should_say(s);
        } else if (strcmp(name, "r") == 0) {
            snprintf(s, sizeof s, "<a xmlns='urn:xmpp:sm:3' h='%lu'/>", (unsigned long)W.counted);
            should_say(s);
        } else {
            MUST(strcmp(name, "a") == 0 && xmpp_attr(n, "h") != NULL);
        }
    } else {
        MUST(strcmp(name, "error") == 0 || strcmp(name, "active") == 0 || strcmp(name, "inactive") == 0);
    }
}

static void on_header(void)
{
    should_say(xml_header);
    if (!W.tls && W.cfg.tls != XMPP_TLS_NONE_UNSAFE)
        should_say("<stream:features><starttls" NS("tls") "/></stream:features>");
    else if (!W.authed)
        should_say(W.cfg.options & XMPP_OPT_PLAIN ?
            "<stream:features><mechanisms" NS("sasl") "><mechanism>SCRAM-SHA-256</mechanism><mechanism>PLAIN</mechanism>"
            "<mechanism>ANONYMOUS</mechanism></mechanisms></stream:features>" :
            "<stream:features><mechanisms" NS("sasl") "><mechanism>SCRAM-SHA-1</mechanism><mechanism>ANONYMOUS</mechanism>"
            "</mechanisms></stream:features>");
    else
        should_say("<stream:features><bind" NS("bind") "/><sm xmlns='urn:xmpp:sm:3'/><csi xmlns='urn:xmpp:csi:0'/>"
                   "</stream:features>");
}

/* What the client sends is well-formed, and whole elements when the transport takes all. */
static void read_client(const char *p, size_t n)
{
    size_t used;
    int r;

    while (n > 0) {
        r = xmpp_xml_feed(&W.peer, p, n, &used);
        MUST(r >= 0 && !W.peer.skipping);
        p += used;
        n -= used;
        if (r == XMPP_XML_START && W.peer.depth == 1) {
            MUST(strcmp(xmpp_name(W.peer.node), "stream") == 0);
            on_header();
        } else if (r == XMPP_XML_START) {
            xmpp_xml_tree(&W.peer);
        } else if (r == XMPP_XML_END && W.peer.depth == 1) {
            on_element(W.peer.node);
        } else if (r == XMPP_XML_END) {
            should_say("</stream:stream>");
        }
        if (r == XMPP_XML_MORE)
            break;
    }
}

static void new_stream(void)
{
    xmpp_xml_init(&W.peer, W.peer_mem, sizeof W.peer_mem);
    forget_answers();
}

/* Each header begins a stream anew. What may be the begin of one waits for the rest. */
static void read_said(void)
{
    const char *at, *header;
    size_t n;

    do {
        at = W.said.s + W.read_at;
        header = strstr(at, "<?xml");
        n = header != NULL ? (size_t)(header - at) : W.said.n - W.read_at;
        while (header == NULL && n > 0 && strchr("<?xm", at[n - 1]) != NULL)
            n--;
        read_client(at, n);
        W.read_at += n;
        if (header != NULL) {
            new_stream();
            read_client(header, 5);
            W.read_at += 5;
        }
    } while (header != NULL);
}

/* ---- the transport ---- */

static int io_open(void *ctx, const xmpp_target *to)
{
    (void)ctx;
    MUST(!W.open && to->host != NULL && to->host[0] != '\0' && to->port != 0);
    MUST(to->udp || to->dns || strcmp(to->tls_name, "example.org") == 0);
    W.open = true;
    W.udp = to->udp;
    W.late_udp = to->dns;
    W.tls = to->tls;
    W.authed = W.counting = false;
    W.end = 0;
    W.rx.n = W.rx_at = 0;
    W.said.n = W.read_at = 0;
    W.question_n = 0;
    new_stream();
    return XMPP_OK;
}

/* A name server that knows one address of everything, and no services. */
static int answer_question(unsigned char *buf, size_t n)
{
    static const unsigned char address[] = { 0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1 };
    size_t len = W.question_n;

    W.question_n = 0;
    if (len < 17 || len + sizeof address > n)
        return 0;
    memcpy(buf, W.question, len);
    buf[2] = 0x81;
    buf[3] = 0x80;
    if (buf[len - 3] == 1) {
        buf[7] = 1;
        memcpy(buf + len, address, sizeof address);
        len += sizeof address;
    } else if (buf[len - 3] == 33) {
        buf[3] = 0x83;
    }
    return (int)len;
}

static int io_recv(void *ctx, void *buf, size_t n)
{
    size_t left = W.rx.n - W.rx_at;

    (void)ctx;
    MUST(W.open && n > 0);
    if (W.late_udp)
        return W.udp && W.question_n > 0 ? answer_question((unsigned char *)buf, n) : 0;
    if (W.s->feed)
        return left == 0 ? W.end : 0;
    if (left == 0)
        return W.end;
    if (n > left)
        n = left;
    if (W.s->piece != 0 && n > W.s->piece)
        n = W.s->piece;
    memcpy(buf, W.rx.s + W.rx_at, n);
    W.rx_at += n;
    W.progress++;
    return (int)n;
}

static int io_send(void *ctx, const void *buf, size_t n)
{
    const char *p = (const char *)buf;

    (void)ctx;
    MUST(W.open && n > 0);
    if (W.late_udp) {
        W.question_n = n < sizeof W.question ? n : 0;
        memcpy(W.question, buf, W.question_n);
        return (int)n;
    }
    if (W.blocked)
        return 0;
    if (W.takes != 0 && n > W.takes)
        n = W.takes;
    W.progress++;
    put(&W.s->sent, p, n);
    put(&W.said, p, n);
    if (!W.tls && W.cfg.tls != XMPP_TLS_NONE_UNSAFE)    /* "\0user\0pa55word" in base64 */
        MUST(strstr(W.said.s, password) == NULL && strstr(W.said.s, "AHVzZXIAcGE1NXdvcmQ") == NULL);
    read_said();
    MUST(W.takes != 0 || W.peer.depth <= 1);
    MUST(W.takes != 0 || W.peer.state == XMPPI_X_TEXT || W.peer.state == XMPPI_X_OVER);
    return (int)n;
}

static int io_close(void *ctx, bool now)
{
    (void)ctx;
    (void)now;
    W.open = false;
    forget_answers();
    return 1;
}

static int io_start_tls(void *ctx, const char *name)
{
    (void)ctx;
    MUST(W.open && !W.tls && strcmp(name, "example.org") == 0);
    W.tls = true;
    return XMPP_OK;
}

static int io_random(void *ctx, void *out, size_t n)
{
    unsigned char *p = (unsigned char *)out;

    (void)ctx;
    if (W.no_random > 0) {
        W.no_random--;
        return XMPP_E_ENTROPY;
    }
    while (n-- > 0)
        *p++ = (unsigned char)(roll() & 255);
    return XMPP_OK;
}

static uint32_t io_utc(void *ctx) { (void)ctx; return 1750000000; }
static int io_resolver(void *ctx, unsigned i, char *out, size_t cap)
{
    (void)ctx;
    if (i > 1 || cap < 12)
        return XMPP_E_ARG;
    strcpy(out, "192.0.2.53");
    return XMPP_OK;
}

static const xmpp_io_ops ops = { io_open, io_recv, io_send, io_close, io_start_tls, NULL, NULL, NULL, NULL, io_random,
                                 io_utc, NULL, NULL, io_resolver, NULL };

/* ---- the application ---- */

static void log_string(const char *key, const char *s)
{
    if (s == NULL || *s == '\0')
        return;
    puts_to(&W.s->events, key);
    puts_to(&W.s->events, s);
}

static void log_node(const char *key, xmpp_node n)
{
    size_t len = xmpp_to_xml(n, NULL, 0);
    char *xml = (char *)exact(NULL, len + 1);

    MUST(xmpp_to_xml(n, xml, len + 1) == len);
    log_string(key, xml);
    free(xml);
}

static void log_event(const xmpp_event *ev)
{
    text *t = &W.s->events;

    puts_to(t, "\n");
    put_number(t, (unsigned long)ev->type);
    put_number(t, (unsigned long)-ev->error);
    put_number(t, ev->size);
    put_number(t, ev->token);
    put_number(t, ev->retry_ms);
    put_number(t, (unsigned long)ev->code);
    put_number(t, (unsigned long)ev->iq);
    put_number(t, (unsigned long)(ev->show + 1000 * ev->priority + 128000));
    put_number(t, ev->duplicate);
    MUST(ev->from != NULL && ev->to != NULL && ev->id != NULL && ev->kind != NULL && ev->status != NULL &&
         ev->condition != NULL && ev->text != NULL && ev->delayed != NULL);
    log_string(" from=", ev->from);
    log_string(" to=", ev->to);
    log_string(" id=", ev->id);
    log_string(" kind=", ev->kind);
    log_string(" body=", ev->body);
    log_string(" status=", ev->status);
    log_string(" condition=", ev->condition);
    log_string(" text=", ev->text);
    log_string(" delayed=", ev->delayed);
    log_node(" stanza=", ev->stanza);
    log_node(" payload=", ev->payload);
    log_node(" part=", ev->part);
    if (ev->type == XMPP_EV_DELIVERED || ev->type == XMPP_EV_FAILED || ev->type == XMPP_EV_RESENT) {
        MUST(ev->data != NULL || ev->size == 0);
        put(t, ev->data, ev->size);
    }
    MUST(ev->type > 0 && ev->type <= XMPP_EV_PART_END && ev->error <= 0);
    MUST((ev->type == XMPP_EV_MESSAGE) == (ev->body != NULL));
    MUST(*ev->from != '\0' || (ev->type != XMPP_EV_MESSAGE && ev->type != XMPP_EV_IQ && ev->type != XMPP_EV_PRESENCE));
    MUST(ev->type != XMPP_EV_EXT || ev->ext != NULL);
    MUST(ev->type != XMPP_EV_OFFLINE || (ev->error < 0 && !xmpp_online(W.c)));
    MUST((ev->type != XMPP_EV_ONLINE && ev->type != XMPP_EV_RESUMED) || xmpp_online(W.c));
}

static void answer_request(const xmpp_event *ev)
{
    unsigned which = (unsigned char)ev->id[0] % 6, i;

    if (which == 0) {
        (void)xmpp_answer(W.c);
    } else if (which == 1) {
        (void)xmpp_answerf(W.c, "<q xmlns='urn:q'>%s</q>", ev->from);
    } else if (which == 2) {
        (void)xmpp_answer_error(W.c, "cancel", "item-not-found", ev->id, NULL, NULL);
    } else if (which == 3) {
        for (i = 0; i < CLAIMS && W.claim[i].open; i++) {}
        if (i < CLAIMS)
            (void)xmpp_iq_claim(W.c, &W.claim[i], W.claim_buf[i], sizeof W.claim_buf[i], 5000);
    }
}

static void save(void)
{
    static unsigned char block[12000];
    int n = xmpp_save(W.c, block, sizeof block);

    if (n > 0)
        xmpp_saved(W.c);
}

static void on_event(const xmpp_event *ev)
{
    log_event(ev);
    switch (ev->type) {
    case XMPP_EV_ONLINE:    W.online = true; (void)xmpp_presence(W.c, XMPP_SHOW_AWAY, "in"); break;
    case XMPP_EV_RESUMED:   W.online = true; break;
    case XMPP_EV_OFFLINE:   W.online = false; break;
    case XMPP_EV_PASSWORD:  xmpp_password(W.c, password); break;
    case XMPP_EV_IQ:        answer_request(ev); break;
    case XMPP_EV_SAVE:      save(); break;
    case XMPP_EV_ASLEEP:    xmpp_awake(W.c); break;
    case XMPP_EV_MESSAGE:
        if (ev->body[0] == 'e')
            (void)xmpp_message(W.c, ev->from, ev->body);
        break;
    default:                break;
    }
}

static void drain_events(void)
{
    const xmpp_event *ev;
    unsigned n = 0;

    while ((ev = xmpp_next(W.c)) != NULL) {
        MUST(++n < 3000);
        on_event(ev);
        W.progress++;
    }
}

/* The server's success begins a new stream, whose features it chooses by that. */
static void say(const char *s, size_t n)
{
    if (W.rx_at == W.rx.n)
        W.rx.n = W.rx_at = 0;
    put(&W.rx, s, n);
    if (n > 8 && memcmp(s, "<success", 8) == 0)
        W.authed = true;
}

static size_t feed_some(void)
{
    size_t n = W.rx.n - W.rx_at, max = W.s->piece;
    char *copy;

    if (W.s->dice != 0) {
        W.s->dice = W.s->dice * 1664525u + 1013904223u;
        max = 1 + (W.s->dice >> 24) % 40;
    }
    if (max != 0 && n > max)
        n = max;
    copy = (char *)exact(n > 0 ? W.rx.s + W.rx_at : NULL, n);
    max = n > 0 && W.open && !W.late_udp ? xmpp_feed(W.c, copy, n) : 0;
    free(copy);
    MUST(max <= n);
    W.rx_at += max;
    return max;
}

/* Until nothing moves any more. Fed bytes are all taken before anything is sent, unless the client waits for that. */
static void work(void)
{
    unsigned rounds = 0, still = 0;
    uint32_t before;

    while (still < 3) {
        MUST(++rounds < 20000);
        before = W.progress;
        if (W.s->feed)
            do
                drain_events();
            while (feed_some() > 0);
        xmpp_step(W.c, W.now);
        drain_events();
        still = W.progress == before && !(xmpp_wants(W.c) & XMPP_WANT_NOW) ? still + 1 : 0;
        if (W.open && W.late_udp && W.question_n > 0)
            still = 0;
    }
    if (!W.open)
        W.rx.n = W.rx_at = 0;
}

static void check(void)
{
    xmpp_info info;
    uint32_t deadline = xmpp_deadline(W.c);

    xmpp_get_info(W.c, &info);
    MUST(info.arena_max <= W.acct.arena_size && info.queue_max <= W.acct.queue_size && info.mechanism != NULL);
    MUST(deadline <= 0x80000000u || deadline == XMPP_FOREVER);
    MUST(strlen(xmpp_own_jid(W.c)) > 0 && strlen(xmpp_own_bare(W.c)) > 0 && xmpp_condition(W.c) != NULL);
    MUST(!xmpp_online(W.c) || W.online);        /* while it closes the event is still to come */
    MUST(xmpp_waiting(W.c) <= W.acct.queue_size && xmpp_room(W.c) <= W.acct.queue_size);
    MUST(!W.tls || info.tls || !W.open || W.late_udp);
}

static const char *const people[] = { "bob@example.org/phone", "eve@evil.example", "user@example.org", "example.org", "",
                                      "user@example.org/attic", "Bob@Example.org/x", "not a jid@@" };
static const char *const payloads[] = {
    "<ping xmlns='urn:xmpp:ping'/>", "<query xmlns='jabber:iq:version'/>",
    "<query xmlns='http://jabber.org/protocol/disco#info'/>", "<query xmlns='jabber:iq:roster'><item jid='bob@example.org' "
    "subscription='from' name='Bob'/></query>", "<x xmlns='urn:x'><y/>text</x>", "", "<a xmlns='urn:a'/><b xmlns='urn:b'/>",
    "<list xmlns='urn:list'><i n='1'/><i n='2'>two</i>t<i n='3'><j/></i></list>",
    "<query xmlns='http://jabber.org/protocol/disco#info' node='n#v'/>",
    "<error type='wait'><resource-constraint" NS("stanzas") "/><text" NS("stanzas") ">no</text></error>",
    "<query xmlns='jabber:iq:roster'><item jid='a@b' subscription='none'/><item/><item jid='c@d' ask='subscribe'/></query>",
    "<bind" NS("bind") "><jid>user@example.org/attic</jid></bind>"
};
enum { PAYLOADS = sizeof payloads / sizeof payloads[0] };

static void act_application(void)
{
    const char *who = people[take_below(&W.in, 8)];
    static const xmpp_msg full = { "bob@example.org", "chat", "id-1", "t", "s", "b" };
    char *s = NULL;
    unsigned k;
    int r;

    switch (take_below(&W.in, 22)) {
    case 0: case 1:  s = take_string(&W.in, take_below(&W.in, 60)); (void)xmpp_message(W.c, who, s); break;
    case 2:  (void)xmpp_presence(W.c, (int)take_below(&W.in, 5), "st"); break;
    case 3:  (void)xmpp_presence_to(W.c, who, 2, NULL, 5); break;
    case 4:  (void)xmpp_unavailable(W.c, take_byte(&W.in) & 1 ? who : NULL, NULL); break;
    case 5:  (void)xmpp_subscription(W.c, who, "subscribe"); break;
    case 6:
        r = xmpp_iqf(W.c, "get", *who != '\0' ? who : NULL, NULL, "<x xmlns='urn:x'>%s</x>", who);
        if (r > 0 && take_byte(&W.in) & 1)
            (void)xmpp_iq_parts(W.c, r);
        break;
    case 7:  (void)xmpp_ping(W.c, who, NULL); break;
    case 8:  (void)xmpp_roster_get(W.c); break;
    case 9:  (void)xmpp_roster_set(W.c, who, "n", NULL, NULL); break;
    case 10: (void)xmpp_close(W.c); break;
    case 11: xmpp_reset(W.c); W.online = false; break;
    case 12: (void)xmpp_sleep(W.c); break;
    case 13: xmpp_awake(W.c); break;
    case 14: save(); break;
    case 15: (void)xmpp_inactive(W.c, take_byte(&W.in) & 1); break;
    case 16: case 17:
        r = (int)take_below(&W.in, 2);
        k = take_below(&W.in, 3);
        xmpp_policy(W.c, r, (uint8_t)k, take_below(&W.in, 2) * 3000u);
        (void)xmpp_message_full(W.c, &full);
        break;
    case 18: s = take_string(&W.in, take_below(&W.in, 100)); (void)xmpp_send_xml(W.c, s, strlen(s)); break;
    case 19: s = take_string(&W.in, take_below(&W.in, 40));
             (void)xmpp_sendf(W.c, "<message to='%s'><body>%s</body></message>", who, s); break;
    case 20: r = (int)take_below(&W.in, CLAIMS); (void)xmpp_claim_answerf(W.c, &W.claim[r], "<c xmlns='urn:c'/>"); break;
    default: (void)xmpp_message(W.c, "bob@example.org", W.big); break;
    }
    free(s);
}

/* Writes one element of the server's, right in form. */
static void act_server(char *out, size_t cap)
{
    static const char *const conditions[] = { "conflict", "see-other-host", "policy-violation", "system-shutdown", "reset" };
    static const char *const hosts[] = { "h.example", "h.example:5223", "[2001:db8::1]:9", "", "bad host:x" };
    static const char *const types[] = { "chat", "normal", "error", "groupchat", "subscribe", "unavailable", "probe", "",
                                         "headline", "unsubscribed" };
    const char *from = people[take_below(&W.in, 8)], *payload = payloads[take_below(&W.in, PAYLOADS)];
    unsigned which = take_below(&W.in, 24), v = take_byte(&W.in);

    switch (which) {
    case 0: case 1:
        snprintf(out, cap, "<message from='%s' type='%s' id='m%u'><body>%s</body>%s</message>", from, types[v % 10], v & 3,
                 v & 64 ? "echo" : "hi &amp; bye", v & 128 ? payload : "");
        break;
    case 2:
        snprintf(out, cap, "<presence from='%s' type='%s'><show>away</show><priority>%d</priority><status>s</status></presence>",
                 from, types[v % 10], (int)v - 130);
        break;
    case 3: case 4:
        snprintf(out, cap, "<iq from='%s' type='%s' id='%c%u'>%s</iq>", from, v & 1 ? "get" : "set", 'a' + (char)(v >> 1 & 7),
                 v, payload);
        break;
    case 5: case 6: case 7:
        snprintf(out, cap, "<iq%s%s%s type='%s' id='%s'>%s</iq>", *from ? " from='" : "", from, *from ? "'" : "",
                 v & 4 ? "error" : "result", W.iq[v % 4], payload);
        break;
    case 8:  snprintf(out, cap, "<a xmlns='urn:xmpp:sm:3' h='%lu'/>", (unsigned long)(W.counted - 3 + v % 6)); break;
    case 9:  snprintf(out, cap, "<r xmlns='urn:xmpp:sm:3'/>"); break;
    case 10: snprintf(out, cap, "<enabled xmlns='urn:xmpp:sm:3'%s id='%.*s' max='%u'%s/>", v & 1 ? " resume='true'" : "",
                      v & 2 ? 1000 : 4, W.big, v, v & 4 ? " location='h.example:5299'" : ""); break;
    case 11: snprintf(out, cap, "<resumed xmlns='urn:xmpp:sm:3' previd='%s' h='%lu'/>", v & 1 ? "bad" : "sm-1",
                      (unsigned long)(W.counted - v % 3)); break;
    case 12: snprintf(out, cap, "<failed xmlns='urn:xmpp:sm:3' h='%lu'><item-not-found" NS("stanzas") "/></failed>",
                      (unsigned long)(W.counted - v % 3)); break;
    case 13: snprintf(out, cap, "<stream:error><%s" NS("streams") ">%s</%s><text" NS("streams") ">w</text></stream:error>%s",
                      conditions[v % 5], v % 5 == 1 ? hosts[v / 5 % 5] : "", conditions[v % 5],
                      v & 128 ? "</stream:stream>" : ""); break;
    case 14: snprintf(out, cap, "%s", v & 1 ? " \n " : "</stream:stream>"); break;
    case 15: snprintf(out, cap, "<failure" NS("sasl") "><%s/></failure>", v & 1 ? "not-authorized" : v & 2 ?
                      "invalid-mechanism" : "temporary-auth-failure"); break;
    case 16: snprintf(out, cap, "<stream:features>%s%s%s%s%s%s</stream:features>", v & 1 ? "<starttls" NS("tls") "/>" : "",
                      v & 2 ? "<mechanisms" NS("sasl") "><mechanism>PLAIN</mechanism><mechanism>X</mechanism></mechanisms>" : "",
                      v & 4 ? "<bind" NS("bind") "/>" : "", v & 8 ? "<session" NS("session") "/>" : "",
                      v & 16 ? "<sm xmlns='urn:xmpp:sm:3'/><csi xmlns='urn:xmpp:csi:0'/>" : "",
                      v & 32 ? "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>200</max-bytes><idle-seconds>9"
                      "</idle-seconds></limits>" : ""); break;
    case 17: snprintf(out, cap, "<message from='bob@example.org'><body>%.*s</body></message>", (int)v * 5, W.big); break;
    case 18: snprintf(out, cap, "<iq from='%s' type='get' id='big%u'><q xmlns='urn:q' a='%.*s'/></iq>", from, v, (int)v * 5, W.big);
             break;
    case 19: snprintf(out, cap, "<message from='example.org' to='%s' id='%u'><delay xmlns='urn:xmpp:delay' from='example.org' "
                      "stamp='2026-01-01T00:00:00Z'/><body>late</body></message>", from, v % 3); break;
    case 20: snprintf(out, cap, "<challenge" NS("sasl") ">cj1h</challenge>"); break;
    case 21: snprintf(out, cap, "<success" NS("sasl") ">%s</success>", v & 1 ? "" : "dj1hYWFh"); break;
    case 22: snprintf(out, cap, "%s%s", xml_header, v & 1 ? "<stream:features/>" : ""); break;
    default: snprintf(out, cap, "<iq type='result' id='%s'><list xmlns='urn:list'><i>%.*s</i>t<i/>%s</list></iq>", W.iq[v % 4],
                      (int)v * 4, W.big, payload); break;
    }
}

/* Noise: some bytes of what is said change, go or are there twice. */
static void say_noisy(const char *s)
{
    char *copy;
    size_t n = strlen(s), at, k;

    if (!W.noise || n == 0) {
        say(s, n);
        return;
    }
    W.noise = false;
    at = take_word(&W.in) % n;
    copy = (char *)exact(s, n);
    switch (take_below(&W.in, 4)) {
    case 0: copy[at] = (char)(copy[at] ^ take_byte(&W.in)); say(copy, n); break;
    case 1: say(copy, at); break;
    case 2: k = 1 + take_byte(&W.in) % (n - at); say(copy, at); say(copy + at + k, n - at - k); break;
    default:
        k = take_below(&W.in, 20);
        if (k > W.in.n)
            k = W.in.n;
        say(copy, at);
        say((const char *)W.in.p, k);
        say(copy + at, n - at);
        W.in.p += k;
        W.in.n -= k;
        break;
    }
    free(copy);
}

static void say_next(unsigned which)
{
    char *s;

    if (W.answers == 0)
        return;
    which %= W.answers;
    s = W.answer[which];
    memmove(&W.answer[which], &W.answer[which + 1], (--W.answers - which) * sizeof W.answer[0]);
    say_noisy(s);
    free(s);
}

static void act(void)
{
    static const uint32_t times[] = { 1, 50, 1000, 6000, 31000, 61000, 301000, 4000000, 0x7fffffff };
    static char s[4000];
    unsigned what = take_byte(&W.in), i;

    if (what < 80) {                    /* a good server */
        for (i = 0; i <= what % 16 && W.answers > 0; i++) {
            say_next(0);
            work();
        }
    } else if (what < 150) {
        act_server(s, sizeof s);
        say_noisy(s);
        if (what & 1)                   /* more follows at once */
            return;
    } else if (what < 200) {
        act_application();
    } else if (what < 215) {
        W.now += times[take_below(&W.in, 9)];
    } else if (what < 225) {
        uint32_t ms = xmpp_deadline(W.c);

        if (ms != XMPP_FOREVER)
            W.now += ms;
    } else if (what < 233) {
        W.noise = true;
        return;
    } else if (what < 236) {
        W.end = what == 233 ? XMPP_IO_EOF : what == 234 ? XMPP_IO_ERROR : 0;
    } else if (what < 239) {
        W.blocked = !W.blocked;
    } else if (what < 242) {
        W.no_random = take_below(&W.in, 3);
    } else if (what < 246) {
        say_next(take_byte(&W.in));
    } else if (what < 250) {
        if (W.answers > 0)
            free(W.answer[--W.answers]);
    } else {
        i = take_below(&W.in, 50);
        if (i > W.in.n)
            i = (unsigned)W.in.n;
        say((const char *)W.in.p, i);
        W.in.p += i;
        W.in.n -= i;
    }
    work();
    check();
}

static void set_up(void)
{
    static const size_t rx[] = { 64, 100, 256, 4096 }, arena[] = { 768, 1024, 2048, 8192 }, queue[] = { 768, 1024, 1500, 8192 };
    static const xmpp_part list[] = { { "list", "urn:list" }, { NULL, NULL } };
    static const xmpp_ext_use none = { NULL, NULL };
    unsigned sizes = take_byte(&W.in), flags = take_byte(&W.in), more = take_byte(&W.in), n = 0;
    xmpp_io io = { &ops, NULL };

    memset(W.big, 'B', sizeof W.big - 1);
    W.c = (xmpp_client *)exact(NULL, sizeof *W.c);
    memset(W.c, 0xA5, sizeof *W.c);
    W.sm = (xmpp_sm *)calloc(1, sizeof *W.sm);
    W.dns = (xmpp_dns *)calloc(1, sizeof *W.dns);
    W.cfg = xmpp_default_config;
    W.cfg.min_iterations = 1;
    W.cfg.max_iterations = 100;
    W.cfg.tls = (uint8_t)(flags & 3);
    W.cfg.ack_count = (uint8_t)(more & 3);
    W.cfg.options = (uint16_t)((flags & 4 ? XMPP_OPT_PLAIN : 0) | (flags & 8 ? XMPP_OPT_DURABLE : 0) |
                               (flags & 16 ? XMPP_OPT_REDIRECT_FREELY : 0) | (flags & 32 ? XMPP_OPT_ANSWER_ANYBODY : 0));
    W.cfg.part_list = more & 4 ? list : NULL;
    W.cfg.space_ms = more & 8 ? 9000 : 0;
    W.acct.jid = more & 16 ? "user@example.org" : "user@example.org/attic";
    W.acct.password = more & 32 ? NULL : password;
    W.acct.keys = more & 64 ? &W.keys : NULL;
    W.acct.sm = flags & 64 || flags & 8 ? W.sm : NULL;
    W.acct.dns = flags & 128 ? W.dns : NULL;
    W.version.name = "fuzz";
    W.version.version = "1";
    W.disco.name = "sensor";
    W.disco.node = "https://example.org/";
    W.roster.seen = W.seen;
    W.roster.seen_max = 4;
    W.roster.parts = more & 128;
    W.exts[n].ext = &xmpp_ping_ext;
    W.exts[n++].state = NULL;
    W.exts[n].ext = &xmpp_version_ext;
    W.exts[n++].state = &W.version;
    W.exts[n].ext = &xmpp_disco_ext;
    W.exts[n++].state = &W.disco;
    W.exts[n].ext = &xmpp_roster_ext;
    W.exts[n++].state = &W.roster;
    W.exts[n] = none;
    W.acct.exts = W.exts;
    W.acct.rx_size = rx[sizes & 3];
    W.acct.arena_size = arena[sizes >> 2 & 3] + (sizes >> 6 & 1) * 37;
    W.acct.queue_size = queue[sizes >> 4 & 3] + (sizes >> 7 & 1) * 41;
    W.acct.rx = exact(NULL, W.acct.rx_size);
    W.acct.arena = exact(NULL, W.acct.arena_size);
    W.acct.queue = exact(NULL, W.acct.queue_size);
    W.now = 0xfffff000u;
    if (!W.s->feed) {
        unsigned how = take_byte(&W.in);

        W.takes = how & 15;
        W.s->piece = how >> 4;
    }
    MUST(xmpp_init(W.c, &W.cfg, &W.acct, io) == XMPP_OK);
}

/* Whatever came before: after a reset and with a good server the client gets online. */
static void check_usable(void)
{
    static session apart;
    unsigned i;

    apart.feed = W.s->feed;
    apart.events.n = apart.sent.n = 0;
    W.s = &apart;
    W.noise = W.blocked = false;
    W.no_random = 0;
    W.end = 0;
    xmpp_awake(W.c);
    save();
    xmpp_reset(W.c);
    W.online = false;
    for (i = 0; i < 200 && !W.online; i++) {
        work();
        if (W.answers > 0)
            say_next(0);
        else if (xmpp_deadline(W.c) != XMPP_FOREVER)
            W.now += xmpp_deadline(W.c);
        work();
    }
    MUST(W.online);
    MUST(strncmp(xmpp_own_jid(W.c), "user@example.org", 16) == 0);
}

void LEVEL_NAME(client_run)(const uint8_t *data, size_t n, session *s)
{
    text rx = W.rx, said = W.said;      /* their memory is used again */

    memset(&W, 0, sizeof W);
    W.rx = rx;
    W.said = said;
    W.rx.n = W.said.n = 0;
    W.s = s;
    W.in.p = data;
    W.in.n = n;
    s->events.n = s->sent.n = 0;
    puts_to(&s->events, "");
    puts_to(&s->sent, "");
    set_up();
    work();
    while (W.in.n > 0)
        act();
    work();
    if (s->usable)
        check_usable();
    forget_answers();
    free(W.acct.rx);
    free(W.acct.arena);
    free(W.acct.queue);
    free(W.sm);
    free(W.dns);
    free(W.c);
}
