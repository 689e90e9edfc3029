/* client.c - an XMPP client on an AVR whose calls and whose transport are on the other side of a UART: wire.h.  SPDX: MIT

   tests/sessions/run.c plays its transcripts against it (far.h): the events, the memory of the stanzas and each byte that is
   sent come from here, where an int and a size_t have 16 bits. */
#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#include "xmpp.h"
#include "wire.h"
#include "board.h"

static xmpp_client  c;
static xmpp_sm      sm;
static xmpp_config  cfg;
static xmpp_account acct;
static xmpp_keys   *keys;
static xmpp_claim  *claims[4];
static xmpp_version version;
static xmpp_disco   disco;
static xmpp_roster  roster;
static xmpp_ext_use exts[5];
static xmpp_writer  writer;
static const xmpp_event *event;
#ifdef WITH_DNS
static xmpp_dns dns;
#endif
static const xmpp_mech *const all_mechs[] = {&xmpp_mech_external, &xmpp_mech_scram_sha_256, &xmpp_mech_scram_sha_1, &xmpp_mech_plain,
                                             &xmpp_mech_anonymous};
static const xmpp_mech *mechs[6];

/* ---- the transport ---- */

static int io_open(void *ctx, const xmpp_target *to)
{
    (void)ctx;
    put8(FAR_IO_OPEN);
    put_text(to->host);
    put_text(to->tls_name);
    put16(to->port);
    put8(to->tls);
    put8(to->udp);
    put8(to->dns);
    return (int16_t)get16();
}

static int io_recv(void *ctx, void *buf, size_t n)
{
    int16_t got;

    (void)ctx;
    put8(FAR_IO_RECV);
    put16((uint16_t)n);
    got = (int16_t)get16();
    if (got > 0)
        get_into((unsigned char *)buf, (uint16_t)got);
    return got;
}

static int io_send(void *ctx, const void *buf, size_t n)
{
    (void)ctx;
    put8(FAR_IO_SEND);
    put(buf, (uint16_t)n);
    return (int16_t)get16();
}

static int io_close(void *ctx, bool now)
{
    (void)ctx;
    put8(FAR_IO_CLOSE);
    put8(now);
    return get8();
}

static int io_start_tls(void *ctx, const char *name)
{
    (void)ctx;
    put8(FAR_IO_START_TLS);
    put_text(name);
    return (int16_t)get16();
}

static unsigned io_wants(void *ctx) { (void)ctx; put8(FAR_IO_WANTS); return get8(); }

static int io_reason(void *ctx, const char **words)
{
    (void)ctx;
    *words = "scripted";
    put8(FAR_IO_REASON);
    return (int16_t)get16();
}

static size_t io_room(void *ctx) { (void)ctx; put8(FAR_IO_ROOM); return get16(); }

static int io_random(void *ctx, void *out, size_t n)
{
    int16_t r;

    (void)ctx;
    put8(FAR_IO_RANDOM);
    put16((uint16_t)n);
    r = (int16_t)get16();
    if (r == XMPP_OK)
        get_into((unsigned char *)out, (uint16_t)n);
    return r;
}

static uint32_t io_utc(void *ctx) { (void)ctx; put8(FAR_IO_UTC); return get32(); }
static uint32_t io_millis(void *ctx) { (void)ctx; put8(FAR_IO_MILLIS); return get32(); }

static int io_wait(void *ctx, unsigned wants, uint32_t ms)
{
    (void)ctx;
    put8(FAR_IO_WAIT);
    put8((uint8_t)wants);
    put32(ms);
    return get8();
}

static int io_state(void *ctx, bool load, void *buf, size_t n)
{
    int16_t r;

    (void)ctx;
    put8(FAR_IO_STATE);
    put8(load);
    put8(buf != NULL);
    put16((uint16_t)n);
    if (load && buf != NULL) {
        put(buf, (uint16_t)n);
        return (int16_t)get16();
    }
    r = (int16_t)get16();
    if (r > 0)
        get_into((unsigned char *)buf, (uint16_t)r);
    return r;
}

static xmpp_io_ops ops = {io_open, io_recv, io_send, io_close, io_start_tls, NULL, io_wants, io_reason, NULL, io_random, io_utc,
                          io_millis, io_wait, NULL, io_state};

/* ---- events ---- */

static void put_node(xmpp_node n) { put16(n.at == NULL ? 65535 : (uint16_t)(n.at - (const unsigned char *)acct.arena)); }

static void put_event(const xmpp_event *e)
{
    const xmpp_roster_item *item = NULL;
    uint8_t ext;

    event = e;
    put8(e != NULL);
    if (e == NULL)
        return;
    put8((uint8_t)e->type);
    put16((uint16_t)e->error);
    put_text(e->from);
    put_text(e->to);
    put_text(e->id);
    put_text(e->kind);
    put_text(e->body);
    put_text(e->status);
    put_text(e->condition);
    put_text(e->text);
    put_text(e->delayed);
    put16((uint16_t)(uintptr_t)e->tag);
    ext = e->ext == &xmpp_ping_ext ? FAR_EXT_PING : e->ext == &xmpp_version_ext ? FAR_EXT_VERSION : e->ext == &xmpp_disco_ext
          ? FAR_EXT_DISCO : e->ext == &xmpp_roster_ext ? FAR_EXT_ROSTER : FAR_EXT_NONE;
    put8(ext);
    put32(e->size);
    put32(e->token);
    put32(e->retry_ms);
    put16((uint16_t)e->code);
    put16((uint16_t)e->iq);
    put8((uint8_t)e->show);
    put8((uint8_t)e->priority);
    put8(e->duplicate);
    if (e->type == XMPP_EV_DELIVERED || e->type == XMPP_EV_FAILED || e->type == XMPP_EV_RESENT)
        put(e->data, (uint16_t)e->size);
    put_node(e->stanza);
    put_node(e->payload);
    put_node(e->part);
    /* the tree's own memory: the host reads it as it is */
    put(acct.arena, xmpp_exists(e->stanza) ? (uint16_t)(c.xml.mem - (unsigned char *)acct.arena + c.xml.len) : 0);
    if (ext == FAR_EXT_ROSTER && e->code == XMPP_ROSTER_PUSH)
        item = (const xmpp_roster_item *)e->data;
    put8(item != NULL);
    if (item != NULL) {
        put_text(item->jid);
        put_text(item->name);
        put_text(item->subscription);
        put_text(item->ask);
        put8(item->approved);
        put_node(item->node);
    }
}

static void other(void *ctx, const xmpp_event *e)
{
    (void)ctx;
    put8(FAR_OTHER);
    put8((uint8_t)e->type);
    get8();
}

/* ---- xmpp_init, with all its settings ---- */

static void *buffer(size_t *size)
{
    *size = get16();
    return memset(keep((uint16_t)*size), 0xA5, *size);
}

static const char **keep_list(uint8_t n)
{
    const char **list = (const char **)keep((uint16_t)((n + 1u) * sizeof *list));
    uint8_t i;

    for (i = 0; i < n; i++)
        list[i] = keep_text();
    list[n] = NULL;
    return list;
}

static void init(void)
{
    static void *const states[] = {NULL, &version, &disco, &roster};
    static const xmpp_ext *const known[] = {&xmpp_ping_ext, &xmpp_version_ext, &xmpp_disco_ext, &xmpp_roster_ext};
    xmpp_io io;
    uint8_t i, n, has;
    int r;

    low = &__heap_start;
    high = (unsigned char *)RAMEND - STACK;
    memset(&c, 0xA5, sizeof c);
    memset(&sm, 0xA5, sizeof sm);
    memset(&cfg, 0, sizeof cfg);
    memset(&acct, 0, sizeof acct);
    memset(claims, 0, sizeof claims);
    memset(&roster, 0, sizeof roster);
    n = get8();
    for (i = 0; i < n; i++)
        mechs[i] = all_mechs[get8()];
    mechs[n] = NULL;
    cfg.mechs = mechs;
    has = get8();
    cfg.redirect = (has & 1) ? xmpp_follow_redirect : NULL;
    cfg.sm = (has & 2) ? &xmpp_stream_management : NULL;
    cfg.reconnect = (has & 4) ? xmpp_backoff : NULL;
    cfg.parts = (has & 8) ? xmpp_in_parts : NULL;
    ops.room = (has & 16) ? io_room : NULL;
    n = get8();
    if (n > 0) {
        xmpp_part *list = (xmpp_part *)keep((uint16_t)((n + 1u) * sizeof *list));

        for (i = 0; i < n; i++) {
            list[i].name = keep_text();
            list[i].ns = keep_text();
        }
        list[n].name = list[n].ns = NULL;
        cfg.part_list = list;
    }
    cfg.lang = keep_text();
    cfg.step_ms = get32();
    cfg.iq_ms = get32();
    cfg.ping_ms = get32();
    cfg.answer_ms = get32();
    cfg.space_ms = get32();
    cfg.close_ms = get32();
    cfg.retry_min_ms = get32();
    cfg.retry_first_ms = get32();
    cfg.retry_max_ms = get32();
    cfg.retry_person_ms = get32();
    cfg.retry_danger_ms = get32();
    cfg.lasting_ms = get32();
    cfg.min_iterations = get32();
    cfg.max_iterations = get32();
    cfg.options = get16();
    cfg.tls = get8();
    cfg.redirects = get8();
    cfg.ack_count = get8();
    acct.jid = keep_text();
    acct.password = keep_text();
    acct.host = keep_text();
    acct.ascii_domain = keep_text();
    acct.port = get16();
    acct.use_cert = get8();
    acct.sm = get8() ? &sm : NULL;
    if (get8()) {
        keys = (xmpp_keys *)keep(sizeof *keys);
        get_into((unsigned char *)keys, sizeof *keys);
        acct.keys = keys;
    }
    n = get8();
    for (i = 0; i < n; i++) {
        uint8_t k = get8();

        exts[i].ext = known[k];
        exts[i].state = states[k];
        if (k == FAR_EXT_VERSION) {
            version.name = keep_text();
            version.version = keep_text();
            version.os = keep_text();
        } else if (k == FAR_EXT_DISCO) {
            disco.category = keep_text();
            disco.type = keep_text();
            disco.name = keep_text();
            disco.node = keep_text();
            has = get8();
            disco.features = has > 0 ? keep_list(has) : NULL;
        } else if (k == FAR_EXT_ROSTER) {
            roster.parts = get8();
            roster.seen_max = get8();
            if (roster.seen_max > 0)
                roster.seen = (uint32_t *)keep((uint16_t)(roster.seen_max * 4));
        }
    }
    exts[n].ext = NULL;
    if (n > 0) {
        acct.exts = exts;
        cfg.exts = &xmpp_extensions;
    }
    if (get8()) {
#ifdef WITH_DNS
        memset(&dns, 0, sizeof dns);
        n = get8();
        dns.servers = keep_list(n);
        dns.family = get8();
        dns.use_last = get8();
        dns.last_tls = get8();
        dns.last_port = get16();
        get_into((unsigned char *)dns.last, sizeof dns.last);
        acct.dns = &dns;
        cfg.resolve = xmpp_resolve;
#endif
    }
    acct.rx = buffer(&acct.rx_size);
    acct.arena = buffer(&acct.arena_size);
    acct.queue = buffer(&acct.queue_size);
    io.ops = &ops;
    io.ctx = NULL;
    r = xmpp_init(&c, &cfg, &acct, io);
    put8(FAR_RETURN);
    put16((uint16_t)r);
}

/* ---- the calls ---- */

static void result(int r)
{
    put8(FAR_RETURN);
    put16((uint16_t)r);
}

static void call(uint8_t op)
{
    /* without the format attribute: these take text from the wire */
    int (*sendf)(xmpp_client *, const char *, ...) = xmpp_sendf;
    int (*iqf)(xmpp_client *, const char *, const char *, void *, const char *, ...) = xmpp_iqf;
    int (*answerf)(xmpp_client *, const char *, ...) = xmpp_answerf;
    int (*claimf)(xmpp_client *, xmpp_claim *, const char *, ...) = xmpp_claim_answerf;
    void (*writef)(xmpp_writer *, const char *, ...) = xmpp_writef;
    const xmpp_event *e;
    const void *p;
    const char *s[6];
    xmpp_info info;
    uint32_t ms;
    uint16_t n;
    size_t size;
    void *tag;
    uint8_t i;
    int r;

    switch (op) {
    case FAR_INIT: init(); break;
    case FAR_STEP: xmpp_step(&c, get32()); put8(FAR_RETURN); break;
    case FAR_NEXT: e = xmpp_next(&c); put8(FAR_RETURN); put_event(e); break;
    case FAR_WAIT: e = xmpp_wait(&c, get32()); put8(FAR_RETURN); put_event(e); break;
    case FAR_ASK:
        r = (int16_t)get16();
        r = xmpp_ask(&c, r, get32(), other, NULL, &e);
        result(r);
        put_event(e);
        break;
    case FAR_FEED: p = get(&n); result((int)xmpp_feed(&c, p, n)); break;
    case FAR_PENDING:
        p = xmpp_pending(&c, get16(), &size);
        put8(FAR_RETURN);
        put8(p != NULL);
        if (p != NULL)
            put(p, (uint16_t)size);
        break;
    case FAR_SENT: xmpp_sent(&c, get16()); put8(FAR_RETURN); break;
    case FAR_TICK: xmpp_tick(&c, get32()); put8(FAR_RETURN); break;
    case FAR_CLOSE: result(xmpp_close(&c)); break;
    case FAR_RESET: xmpp_reset(&c); put8(FAR_RETURN); break;
    case FAR_STATUS:
        r = xmpp_error(&c);
        ms = xmpp_deadline(&c);
        i = (uint8_t)xmpp_wants(&c);
        put8(FAR_RETURN);
        put16((uint16_t)r);
        put32(ms);
        put8(i);
        put8(xmpp_online(&c));
        put16((uint16_t)xmpp_waiting(&c));
        put32(xmpp_token(&c));
        put_text(xmpp_own_jid(&c));
        for (i = 0; i < 4; i++)
            put8(claims[i] != NULL && claims[i]->open);
        break;
    case FAR_INFO:
        xmpp_get_info(&c, &info);
        put8(FAR_RETURN);
        put_text(info.mechanism);
        put32(info.bytes_in);
        put32(info.bytes_out);
        put32(info.features);
        put16(info.round_trips);
        put16(info.queue_max);
        put32(info.arena_max);
        put8(info.tls);
        put32(sm.in);
        put8(acct.keys != NULL);
        if (acct.keys != NULL)
            put(keys, sizeof *keys);
        break;
    case FAR_CAPS: {
        char ver[29];

        xmpp_caps_ver(&c, ver);
        put8(FAR_RETURN);
        put_text(ver);
        break;
    }
    case FAR_PASSWORD: xmpp_password(&c, keep_text()); put8(FAR_RETURN); break;
    case FAR_UNPIN: xmpp_unpin(&c); put8(FAR_RETURN); break;
    case FAR_POLICY:
        r = get8();
        i = get8();
        xmpp_policy(&c, r, i, get32());
        put8(FAR_RETURN);
        break;
    case FAR_INACTIVE: result(xmpp_inactive(&c, get8())); break;
    case FAR_SLEEP: result(xmpp_sleep(&c)); break;
    case FAR_AWAKE: xmpp_awake(&c); put8(FAR_RETURN); break;
    case FAR_SAVE:
        n = get16();
        size = (size_t)(high - low);
        r = xmpp_save(&c, low, n < size ? n : size);
        if (r == XMPP_E_TOO_LONG && n > size)
            no_room(n);
        result(r);
        if (r > 0)
            put(low, (uint16_t)r);
        break;
    case FAR_SAVED: xmpp_saved(&c); put8(FAR_RETURN); break;
    case FAR_LOAD: p = get(&n); result(xmpp_load(&c, p, n)); break;
    case FAR_PRESENCE: r = (int16_t)get16(); result(xmpp_presence(&c, r, get_text())); break;
    case FAR_PRESENCE_TO:
        s[0] = get_text();
        n = get16();
        s[1] = get_text();
        result(xmpp_presence_to(&c, s[0], (int16_t)n, s[1], (int16_t)get16()));
        break;
    case FAR_UNAVAILABLE: s[0] = get_text(); result(xmpp_unavailable(&c, s[0], get_text())); break;
    case FAR_SUBSCRIPTION: s[0] = get_text(); result(xmpp_subscription(&c, s[0], get_text())); break;
    case FAR_MESSAGE: s[0] = get_text(); result(xmpp_message(&c, s[0], get_text())); break;
    case FAR_MESSAGE_FULL: {
        xmpp_msg m;

        m.to = get_text();
        m.type = get_text();
        m.id = get_text();
        m.thread = get_text();
        m.subject = get_text();
        m.body = get_text();
        result(xmpp_message_full(&c, &m));
        break;
    }
    case FAR_SEND_XML: p = get(&n); result(xmpp_send_xml(&c, (const char *)p, n)); break;
    case FAR_SENDF: s[0] = get_text(); result(sendf(&c, s[0], get_text())); break;
    case FAR_BEGIN: result(xmpp_begin(&c, &writer)); break;
    case FAR_COMMIT: result(xmpp_commit(&c, &writer)); break;
    case FAR_IQF:
        s[0] = get_text();
        s[1] = get_text();
        tag = (void *)(uintptr_t)get16();
        result(iqf(&c, s[0], s[1], tag, get_text()));
        break;
    case FAR_IQ_BEGIN: s[0] = get_text(); result(xmpp_iq_begin(&c, &writer, s[0], get_text())); break;
    case FAR_IQ_COMMIT: tag = (void *)(uintptr_t)get16(); result(xmpp_iq_commit(&c, &writer, tag, get32())); break;
    case FAR_IQ_PARTS: result(xmpp_iq_parts(&c, (int16_t)get16())); break;
    case FAR_W_OPEN: s[0] = get_text(); xmpp_w_open(&writer, s[0], get_text()); put8(FAR_RETURN); break;
    case FAR_W_ATTR: s[0] = get_text(); xmpp_w_attr(&writer, s[0], get_text()); put8(FAR_RETURN); break;
    case FAR_W_LEAF:
        s[0] = get_text();
        s[1] = get_text();
        xmpp_w_leaf(&writer, s[0], s[1], get_text());
        put8(FAR_RETURN);
        break;
    case FAR_W_CLOSE: xmpp_w_close(&writer); put8(FAR_RETURN); break;
    case FAR_WRITEF: writef(&writer, get_text()); put8(FAR_RETURN); break;
    case FAR_ANSWER: result(xmpp_answer(&c)); break;
    case FAR_ANSWERF: result(answerf(&c, get_text())); break;
    case FAR_ANSWER_ERROR:
        for (i = 0; i < 5; i++)
            s[i] = get_text();
        result(xmpp_answer_error(&c, s[0], s[1], s[2], s[3], s[4]));
        break;
    case FAR_CLAIM:
        i = get8();
        n = get16();
        if (claims[i] == NULL)
            claims[i] = (xmpp_claim *)keep((uint16_t)(sizeof **claims));
        p = keep(n);
        result(xmpp_iq_claim(&c, claims[i], (char *)p, n, get32()));
        break;
    case FAR_CLAIM_ANSWERF: i = get8(); result(claimf(&c, claims[i], get_text())); break;
    case FAR_CLAIM_ERROR:
        i = get8();
        for (n = 0; n < 3; n++)
            s[n] = get_text();
        result(xmpp_claim_error(&c, claims[i], s[0], s[1], s[2]));
        break;
    case FAR_PING: s[0] = get_text(); result(xmpp_ping(&c, s[0], (void *)(uintptr_t)get16())); break;
    case FAR_VERSION: s[0] = get_text(); result(xmpp_get_version(&c, s[0], (void *)(uintptr_t)get16())); break;
    case FAR_DISCO:
        s[0] = get_text();
        s[1] = get_text();
        result(xmpp_get_disco(&c, s[0], s[1], (void *)(uintptr_t)get16()));
        break;
    case FAR_ROSTER_GET: result(xmpp_roster_get(&c)); break;
    case FAR_ROSTER_SET:
        s[0] = get_text();
        s[1] = get_text();
        tag = (void *)(uintptr_t)get16();
        n = get8();
        for (i = 0; i < n && i < 3; i++)
            s[2 + i] = get_text();
        s[2 + i] = NULL;
        result(xmpp_roster_set(&c, s[0], s[1], n > 0 ? s + 2 : NULL, tag));
        break;
    case FAR_ROSTER_REMOVE: s[0] = get_text(); result(xmpp_roster_remove(&c, s[0], (void *)(uintptr_t)get16())); break;
    case FAR_COUNTS:
        sm.in = get32();
        sm.sent = sm.acked = get32();
        put8(FAR_RETURN);
        break;
    case FAR_DATA:
        put8(FAR_RETURN);
        put(event != NULL && event->data != NULL ? event->data : "", event != NULL && event->data != NULL ? (uint16_t)event->size : 0);
        break;
    case FAR_STACK: put8(FAR_RETURN); put16(stack_used()); break;
    default: no_room(0);
    }
}

int main(void)
{
    start();
    put8(FAR_HELLO);
    put16((uint16_t)(high - low));
#ifdef WITH_DNS
    put8(1);
#else
    put8(0);
#endif
    for (;;) {
        low = &__heap_start;
        call(get8());
    }
}
