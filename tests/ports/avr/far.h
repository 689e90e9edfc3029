/* far.h - for tests/sessions/run.c: the functions of xmpp.h that take a client, done by an AVR (client.c).  SPDX: MIT

   The first run of a transcript is of this machine; its events are what the AVR's are compared with. Transport, clock,
   random numbers and the server's side of SCRAM stay in run.c. The tree of a stanza is read from a copy of the AVR's own
   memory. What a small machine has no room for is skipped, with the reason. */
#include "wire.h"

#include "link.h"

static bool        far_on;
static const char *far_skip;                    /* why this transcript is not for the AVR */
static char        far_why[100];
static xmpp_io     far_io;
static int         far_claims_open[4];
static xmpp_claim *far_claim[4];

static void far_give_up(void);                  /* of run.c: jumps out */

static void far_give_up_for(unsigned n, const char *what)
{
    snprintf(far_why, sizeof far_why, "%u bytes %s, and %u are free", n, what, far_memory);
    far_skip = far_why;
    far_give_up();
}

static void far_no_room(unsigned n, const char *what)
{
    far_stop();                     /* it stands in the middle of a call */
    far_give_up_for(n, what);
}

static void far_broken(const char *why)
{
    fprintf(stderr, "avr: %s\n", why);
    exit(1);
}

/* Text lives until the next turn but a few. */
static char *far_text(void)
{
    static char ring[24][9000];
    static unsigned at;
    unsigned n = far_get16();
    char *s = ring[at++ % 24];

    if (n == 65535)
        return NULL;
    if (n >= sizeof ring[0])
        far_broken("text that is too long");
    far_get(s, n);
    s[n] = '\0';
    return s;
}

/* ---- the calls of its transport ---- */

static void far_serve_io(unsigned op)
{
    static char text[256], name[256];
    static unsigned char data[70000];
    const char *words = NULL;
    xmpp_target to;
    unsigned n, load;
    uint32_t ms;
    int r;

    switch (op) {
    case FAR_IO_OPEN:
        memset(&to, 0, sizeof to);
        snprintf(text, sizeof text, "%s", far_text());
        snprintf(name, sizeof name, "%s", far_text());
        to.host = text;
        to.tls_name = name;
        to.port = (uint16_t)far_get16();
        to.tls = far_get8() != 0;
        to.udp = far_get8() != 0;
        to.dns = far_get8() != 0;
        far_put16((unsigned)far_io.ops->open(far_io.ctx, &to));
        break;
    case FAR_IO_RECV:
        r = far_io.ops->recv(far_io.ctx, data, far_get16());
        far_put16((unsigned)r);
        if (r > 0)
            fwrite(data, 1, (size_t)r, far_out);
        break;
    case FAR_IO_SEND:
        n = far_get16();
        far_get(data, n);
        far_put16((unsigned)far_io.ops->send(far_io.ctx, data, n));
        break;
    case FAR_IO_CLOSE: far_put8((unsigned)far_io.ops->close(far_io.ctx, far_get8() != 0)); break;
    case FAR_IO_START_TLS: far_put16((unsigned)far_io.ops->start_tls(far_io.ctx, far_text())); break;
    case FAR_IO_WANTS: far_put8(far_io.ops->wants(far_io.ctx)); break;
    case FAR_IO_REASON: far_put16((unsigned)far_io.ops->reason(far_io.ctx, &words)); break;
    case FAR_IO_ROOM: far_put16((unsigned)far_io.ops->room(far_io.ctx)); break;
    case FAR_IO_RANDOM:
        n = far_get16();
        r = far_io.ops->random(far_io.ctx, data, n);
        far_put16((unsigned)r);
        if (r == XMPP_OK)
            fwrite(data, 1, n, far_out);
        break;
    case FAR_IO_UTC: far_put32(far_io.ops->utc(far_io.ctx)); break;
    case FAR_IO_MILLIS: far_put32(far_io.ops->millis(far_io.ctx)); break;
    case FAR_IO_WAIT:
        n = far_get8();
        ms = far_get32();
        far_put8((unsigned)far_io.ops->wait(far_io.ctx, n, ms));
        break;
    case FAR_IO_STATE:
        load = far_get8();
        r = (int)far_get8();                    /* is there a buffer? */
        n = far_get16();
        if (load && r) {
            far_get16();
            far_get(data, n);
        }
        r = far_io.ops->state(far_io.ctx, load != 0, r ? data : NULL, n);
        far_put16((unsigned)r);
        if (!load && r > 0)
            fwrite(data, 1, (size_t)r, far_out);
        break;
    default: far_broken("an operation that is none");
    }
}

static void (*far_on_other)(void *ctx, const xmpp_event *ev);

/* Waits for the answer; meanwhile the client calls its transport. */
static void far_turn(void)
{
    xmpp_event ev;
    unsigned op, n;

    while ((op = far_get8()) != FAR_RETURN) {
        far_turns++;
        if (op == FAR_NO_ROOM) {
            n = far_get16();
            if (n == 0)
                far_broken("it does not know an operation");
            far_no_room(n, "for buffers or arguments are needed");
        } else if (op == FAR_OTHER) {
            memset(&ev, 0, sizeof ev);
            ev.type = (int)far_get8();
            far_on_other(NULL, &ev);
            far_put8(0);
        } else
            far_serve_io(op);
    }
    far_turns++;
}
static int far_result(void) { far_turn(); return far_int(); }

/* ---- tags: pointers here, numbers there ---- */

static void *far_tags[200];
static unsigned far_tag(void *tag)
{
    unsigned i;

    for (i = 0; i < 200; i++)
        if (far_tags[i] == tag || far_tags[i] == NULL) {
            far_tags[i] = tag;
            return tag == NULL ? 0 : i + 1;
        }
    far_broken("too many tags");
    return 0;
}

/* ---- init ---- */

static int far_init(xmpp_client *c, const xmpp_config *cfg, const xmpp_account *a, xmpp_io io)
{
    static const char *const mechs[] = {FAR_MECHS};
    static const xmpp_ext *const known[] = {&xmpp_ping_ext, &xmpp_version_ext, &xmpp_disco_ext, &xmpp_roster_ext};
    unsigned i, k, n, found[12];

    if (!far_on)
        return xmpp_init(c, cfg, a, io);
    far_start();
    far_io = io;
    memset(far_tags, 0, sizeof far_tags);
    memset(far_claim, 0, sizeof far_claim);
    if (a->rx_size + a->arena_size + a->queue_size + 150 > far_memory)      /* 150: its settings and a small argument */
        far_give_up_for((unsigned)(a->rx_size + a->arena_size + a->queue_size), "of buffers are needed");
    far_put8(FAR_INIT);
    for (i = n = 0; cfg->mechs[i] != NULL && n < 12; i++)
        for (k = 0; k < sizeof mechs / sizeof *mechs; k++)
            if (strcmp(mechs[k], cfg->mechs[i]->name) == 0)
                found[n++] = k;
    far_put8(n);
    for (i = 0; i < n; i++)
        far_put8(found[i]);
    far_put8((cfg->redirect != NULL) | (cfg->sm != NULL) << 1 | (cfg->reconnect != NULL) << 2 | (cfg->parts != NULL) << 3 |
             (io.ops->room != NULL) << 4);
    for (n = 0; cfg->part_list != NULL && cfg->part_list[n].name != NULL; n++)
        ;
    far_put8(n);
    for (i = 0; i < n; i++) {
        far_put_text(cfg->part_list[i].name);
        far_put_text(cfg->part_list[i].ns);
    }
    far_put_text(cfg->lang);
    far_put32(cfg->step_ms);
    far_put32(cfg->iq_ms);
    far_put32(cfg->ping_ms);
    far_put32(cfg->answer_ms);
    far_put32(cfg->space_ms);
    far_put32(cfg->close_ms);
    far_put32(cfg->retry_min_ms);
    far_put32(cfg->retry_first_ms);
    far_put32(cfg->retry_max_ms);
    far_put32(cfg->retry_person_ms);
    far_put32(cfg->retry_danger_ms);
    far_put32(cfg->lasting_ms);
    far_put32(cfg->min_iterations);
    far_put32(cfg->max_iterations);
    far_put16(cfg->options);
    far_put8(cfg->tls);
    far_put8(cfg->redirects);
    far_put8(cfg->ack_count);
    far_put_text(a->jid);
    far_put_text(a->password);
    far_put_text(a->host);
    far_put_text(a->ascii_domain);
    far_put16(a->port);
    far_put8(a->use_cert);
    far_put8(a->sm != NULL);
    far_put8(a->keys != NULL);
    if (a->keys != NULL)
        fwrite(a->keys, 1, sizeof *a->keys, far_out);
    for (n = 0; a->exts != NULL && a->exts[n].ext != NULL; n++)
        ;
    far_put8(n);
    for (i = 0; i < n; i++) {
        for (k = 0; k < FAR_EXT_NONE && known[k] != a->exts[i].ext; k++)
            ;
        far_put8(k);
        if (k == FAR_EXT_VERSION) {
            const xmpp_version *v = (const xmpp_version *)a->exts[i].state;

            far_put_text(v->name);
            far_put_text(v->version);
            far_put_text(v->os);
        } else if (k == FAR_EXT_DISCO) {
            const xmpp_disco *d = (const xmpp_disco *)a->exts[i].state;

            far_put_text(d->category);
            far_put_text(d->type);
            far_put_text(d->name);
            far_put_text(d->node);
            for (k = 0; d->features != NULL && d->features[k] != NULL; k++)
                ;
            far_put8(k);
            for (k = 0; d->features != NULL && d->features[k] != NULL; k++)
                far_put_text(d->features[k]);
        } else if (k == FAR_EXT_ROSTER) {
            const xmpp_roster *r = (const xmpp_roster *)a->exts[i].state;

            far_put8(r->parts);
            far_put8(r->seen == NULL ? 0 : (unsigned)r->seen_max);
        }
    }
    far_put8(a->dns != NULL);
    if (a->dns != NULL) {
        for (n = 0; a->dns->servers != NULL && a->dns->servers[n] != NULL; n++)
            ;
        far_put8(n);
        for (i = 0; i < n; i++)
            far_put_text(a->dns->servers[i]);
        far_put8(a->dns->family);
        far_put8(a->dns->use_last);
        far_put8(a->dns->last_tls);
        far_put16(a->dns->last_port);
        fwrite(a->dns->last, 1, sizeof a->dns->last, far_out);
    }
    far_put16((unsigned)a->rx_size);
    far_put16((unsigned)a->arena_size);
    far_put16((unsigned)a->queue_size);
    return far_result();
}

/* ---- events ---- */

static unsigned char far_arena[70000];
static xmpp_node far_node(void)
{
    xmpp_node n;
    unsigned at = far_get16();

    n.at = at == 65535 ? NULL : far_arena + at;
    return n;
}

static const char *far_or_empty(const char *s) { return s == NULL ? "" : s; }

static const xmpp_event *far_event(void)
{
    static const xmpp_ext *const known[] = {&xmpp_ping_ext, &xmpp_version_ext, &xmpp_disco_ext, &xmpp_roster_ext, NULL};
    static xmpp_event e;
    static xmpp_roster_item item;
    static char data[70000];
    unsigned n;

    if (far_get8() == 0)
        return NULL;
    memset(&e, 0, sizeof e);
    e.type = (int)far_get8();
    e.error = far_int();
    e.from = far_text();
    e.to = far_text();
    e.id = far_text();
    e.kind = far_text();
    e.body = far_text();
    e.status = far_text();
    e.condition = far_text();
    e.text = far_text();
    e.delayed = far_text();
    n = far_get16();
    e.tag = n == 0 ? NULL : far_tags[n - 1];
    e.ext = known[far_get8()];
    e.size = far_get32();
    e.token = far_get32();
    e.retry_ms = far_get32();
    e.code = (int16_t)far_int();
    e.iq = (int16_t)far_int();
    e.show = (int8_t)far_get8();
    e.priority = (int8_t)far_get8();
    e.duplicate = far_get8() != 0;
    if (e.type == XMPP_EV_DELIVERED || e.type == XMPP_EV_FAILED || e.type == XMPP_EV_RESENT) {
        far_get(data, far_get16());
        e.data = data;
    }
    e.stanza = far_node();
    e.payload = far_node();
    e.part = far_node();
    far_get(far_arena, far_get16());
    if (far_get8() != 0) {
        item.jid = far_or_empty(far_text());
        item.name = far_or_empty(far_text());
        item.subscription = far_or_empty(far_text());
        item.ask = far_or_empty(far_text());
        item.approved = far_get8() != 0;
        item.node = far_node();
        e.data = &item;
    }
    return &e;
}

static const xmpp_event *far_next(xmpp_client *c)
{
    if (!far_on)
        return xmpp_next(c);
    far_put8(FAR_NEXT);
    far_turn();
    return far_event();
}
static const xmpp_event *far_wait(xmpp_client *c, uint32_t ms)
{
    if (!far_on)
        return xmpp_wait(c, ms);
    far_put8(FAR_WAIT);
    far_put32(ms);
    far_turn();
    return far_event();
}
static int far_ask(xmpp_client *c, int iq, uint32_t ms, void (*on_other)(void *, const xmpp_event *), void *ctx, const xmpp_event **ev)
{
    int r;

    if (!far_on)
        return xmpp_ask(c, iq, ms, on_other, ctx, ev);
    far_on_other = on_other;
    far_put8(FAR_ASK);
    far_put16((unsigned)iq);
    far_put32(ms);
    r = far_result();
    *ev = far_event();
    return r;
}

/* What the last event's data says now. */
static const char *far_data(void)
{
    static char data[70000];
    unsigned n;

    far_put8(FAR_DATA);
    far_turn();
    n = far_get16();
    far_get(data, n);
    data[n] = '\0';
    return data;
}

/* ---- state ---- */

static struct { int error; uint32_t deadline, token; unsigned wants, waiting; bool online; const char *jid; } far_now;
static void far_status(void)
{
    static char jid[4000];
    int i;

    far_put8(FAR_STATUS);
    far_now.error = far_result();
    far_now.deadline = far_get32();
    far_now.wants = far_get8();
    far_now.online = far_get8() != 0;
    far_now.waiting = far_get16();
    far_now.token = far_get32();
    snprintf(jid, sizeof jid, "%s", far_text());
    far_now.jid = jid;
    for (i = 0; i < 4; i++) {
        far_claims_open[i] = (int)far_get8();
        if (far_claim[i] != NULL)
            far_claim[i]->open = far_claims_open[i] != 0;
    }
}
static unsigned far_wants(const xmpp_client *c) { return far_on ? far_status(), far_now.wants : xmpp_wants(c); }
static uint32_t far_deadline(const xmpp_client *c) { return far_on ? far_status(), far_now.deadline : xmpp_deadline(c); }
static bool far_online(const xmpp_client *c) { return far_on ? far_status(), far_now.online : xmpp_online(c); }
static unsigned far_waiting(const xmpp_client *c) { return far_on ? far_status(), far_now.waiting : xmpp_waiting(c); }
static uint32_t far_token(const xmpp_client *c) { return far_on ? far_status(), far_now.token : xmpp_token(c); }
static int far_error(const xmpp_client *c) { return far_on ? far_status(), far_now.error : xmpp_error(c); }
static const char *far_own_jid(const xmpp_client *c) { return far_on ? far_status(), far_now.jid : xmpp_own_jid(c); }

/* Gets what run.c reads in its own structs too: the count of stanzas and the keys. */
static xmpp_sm   *far_sm;
static xmpp_keys *far_keys;
static void far_get_info(const xmpp_client *c, xmpp_info *info)
{
    if (!far_on) {
        xmpp_get_info(c, info);
        return;
    }
    far_status();
    far_put8(FAR_INFO);
    far_turn();
    info->mechanism = far_text();
    info->bytes_in = far_get32();
    info->bytes_out = far_get32();
    info->features = far_get32();
    info->round_trips = (uint16_t)far_get16();
    info->queue_max = (uint16_t)far_get16();
    info->arena_max = far_get32();
    info->tls = far_get8() != 0;
    far_sm->in = far_get32();
    if (far_get8() != 0)
        far_get(far_keys, far_get16());
}
static void far_caps_ver(xmpp_client *c, char *ver)
{
    if (!far_on) {
        xmpp_caps_ver(c, ver);
        return;
    }
    far_put8(FAR_CAPS);
    far_turn();
    strcpy(ver, far_text());
}
static void far_counts(uint32_t in, uint32_t out)
{
    far_put8(FAR_COUNTS);
    far_put32(in);
    far_put32(out);
    far_turn();
}
/* The deepest stack so far, of every machine that was started. */
static unsigned far_stack;
static void far_track_stack(void)
{
    unsigned n;

    if (far_pid == 0)
        return;
    far_put8(FAR_STACK);
    far_turn();
    n = far_get16();
    far_stack = n > far_stack ? n : far_stack;
}

/* ---- calls that are all alike: a code, arguments, a result ---- */

#define FAR_VOID(name, op)                                                            \
    static void far_##name(xmpp_client *c)                                            \
    {                                                                                 \
        if (!far_on) { xmpp_##name(c); return; }                                      \
        far_put8(op); far_turn();                                                   \
    }
#define FAR_INT(name, op)                                                             \
    static int far_##name(xmpp_client *c)                                             \
    {                                                                                 \
        if (!far_on) return xmpp_##name(c);                                           \
        far_put8(op); return far_result();                                            \
    }
#define FAR_TEXTS(name, op)                                                           \
    static int far_##name(xmpp_client *c, const char *a, const char *b)               \
    {                                                                                 \
        if (!far_on) return xmpp_##name(c, a, b);                                     \
        far_put8(op); far_put_text(a); far_put_text(b); return far_result();          \
    }
#define FAR_TAGGED(name, op)                                                          \
    static int far_##name(xmpp_client *c, const char *a, void *tag)                   \
    {                                                                                 \
        if (!far_on) return xmpp_##name(c, a, tag);                                   \
        far_put8(op); far_put_text(a); far_put16(far_tag(tag)); return far_result();  \
    }
FAR_VOID(reset, FAR_RESET)
FAR_VOID(unpin, FAR_UNPIN)
FAR_VOID(awake, FAR_AWAKE)
FAR_VOID(saved, FAR_SAVED)
FAR_INT(close, FAR_CLOSE)
FAR_INT(sleep, FAR_SLEEP)
FAR_INT(answer, FAR_ANSWER)
FAR_INT(roster_get, FAR_ROSTER_GET)
FAR_TEXTS(unavailable, FAR_UNAVAILABLE)
FAR_TEXTS(subscription, FAR_SUBSCRIPTION)
FAR_TEXTS(message, FAR_MESSAGE)
FAR_TAGGED(ping, FAR_PING)
FAR_TAGGED(get_version, FAR_VERSION)
FAR_TAGGED(roster_remove, FAR_ROSTER_REMOVE)

static void far_step(xmpp_client *c, uint32_t now)
{
    if (!far_on) {
        xmpp_step(c, now);
        return;
    }
    far_put8(FAR_STEP);
    far_put32(now);
    far_turn();
}
static void far_tick(xmpp_client *c, uint32_t now)
{
    if (!far_on) {
        xmpp_tick(c, now);
        return;
    }
    far_put8(FAR_TICK);
    far_put32(now);
    far_turn();
}
static size_t far_feed(xmpp_client *c, const void *data, size_t n)
{
    if (!far_on)
        return xmpp_feed(c, data, n);
    far_put8(FAR_FEED);
    far_put(data, n < 200 ? n : 200);
    return (size_t)far_result();
}
static const void *far_pending(xmpp_client *c, size_t room, size_t *n)
{
    static unsigned char data[70000];

    if (!far_on)
        return xmpp_pending(c, room, n);
    far_put8(FAR_PENDING);
    far_put16((unsigned)room);
    far_turn();
    if (far_get8() == 0)
        return NULL;
    *n = far_get16();
    far_get(data, *n);
    return data;
}
static void far_sent(xmpp_client *c, size_t n)
{
    if (!far_on) {
        xmpp_sent(c, n);
        return;
    }
    far_put8(FAR_SENT);
    far_put16((unsigned)n);
    far_turn();
}
static void far_password(xmpp_client *c, const char *s)
{
    if (!far_on) {
        xmpp_password(c, s);
        return;
    }
    far_put8(FAR_PASSWORD);
    far_put_text(s);
    far_turn();
}
static void far_policy(xmpp_client *c, int deliver, uint8_t latest, uint32_t ms)
{
    if (!far_on) {
        xmpp_policy(c, deliver, latest, ms);
        return;
    }
    far_put8(FAR_POLICY);
    far_put8((unsigned)deliver);
    far_put8(latest);
    far_put32(ms);
    far_turn();
}
static int far_inactive(xmpp_client *c, bool yes)
{
    if (!far_on)
        return xmpp_inactive(c, yes);
    far_put8(FAR_INACTIVE);
    far_put8(yes);
    return far_result();
}
static int far_save(xmpp_client *c, void *out, size_t cap)
{
    int r;

    if (!far_on)
        return xmpp_save(c, out, cap);
    far_put8(FAR_SAVE);
    far_put16((unsigned)cap);
    r = far_result();
    if (r > 0)
        far_get(out, far_get16());
    return r;
}
static int far_load(xmpp_client *c, const void *data, size_t n)
{
    if (!far_on)
        return xmpp_load(c, data, n);
    far_put8(FAR_LOAD);
    far_put(data, n);
    return far_result();
}
static int far_presence(xmpp_client *c, int show, const char *status)
{
    if (!far_on)
        return xmpp_presence(c, show, status);
    far_put8(FAR_PRESENCE);
    far_put16((unsigned)show);
    far_put_text(status);
    return far_result();
}
static int far_presence_to(xmpp_client *c, const char *to, int show, const char *status, int priority)
{
    if (!far_on)
        return xmpp_presence_to(c, to, show, status, priority);
    far_put8(FAR_PRESENCE_TO);
    far_put_text(to);
    far_put16((unsigned)show);
    far_put_text(status);
    far_put16((unsigned)priority);
    return far_result();
}
static int far_message_full(xmpp_client *c, const xmpp_msg *m)
{
    if (!far_on)
        return xmpp_message_full(c, m);
    far_put8(FAR_MESSAGE_FULL);
    far_put_text(m->to);
    far_put_text(m->type);
    far_put_text(m->id);
    far_put_text(m->thread);
    far_put_text(m->subject);
    far_put_text(m->body);
    return far_result();
}
static int far_send_xml(xmpp_client *c, const char *xml, size_t n)
{
    if (!far_on)
        return xmpp_send_xml(c, xml, n);
    far_put8(FAR_SEND_XML);
    far_put(xml, n);
    return far_result();
}
static int far_sendf(xmpp_client *c, const char *fmt, ...)
{
    va_list ap;
    int r;

    va_start(ap, fmt);
    if (!far_on)
        r = xmpp_vsendf(c, fmt, ap);
    else {
        far_put8(FAR_SENDF);
        far_put_text(fmt);
        far_put_text(va_arg(ap, const char *));     /* run.c gives one */
        r = far_result();
    }
    va_end(ap);
    return r;
}
/* run.c gives these no arguments */
static int far_iqf(xmpp_client *c, const char *type, const char *to, void *tag, const char *fmt, ...)
{
    int (*iqf)(xmpp_client *, const char *, const char *, void *, const char *, ...) = xmpp_iqf;

    if (!far_on)
        return iqf(c, type, to, tag, fmt);
    far_put8(FAR_IQF);
    far_put_text(type);
    far_put_text(to);
    far_put16(far_tag(tag));
    far_put_text(fmt);
    return far_result();
}
static int far_answerf(xmpp_client *c, const char *fmt, ...)
{
    int (*answerf)(xmpp_client *, const char *, ...) = xmpp_answerf;

    if (!far_on)
        return answerf(c, fmt);
    far_put8(FAR_ANSWERF);
    far_put_text(fmt);
    return far_result();
}
static int far_answer_error(xmpp_client *c, const char *type, const char *condition, const char *text, const char *ns, const char *name)
{
    if (!far_on)
        return xmpp_answer_error(c, type, condition, text, ns, name);
    far_put8(FAR_ANSWER_ERROR);
    far_put_text(type);
    far_put_text(condition);
    far_put_text(text);
    far_put_text(ns);
    far_put_text(name);
    return far_result();
}
static unsigned far_claim_number(xmpp_claim *cl)
{
    unsigned i;

    for (i = 0; i < 3 && far_claim[i] != cl && far_claim[i] != NULL; i++)
        ;
    far_claim[i] = cl;
    return i;
}
static int far_iq_claim(xmpp_client *c, xmpp_claim *cl, char *mem, size_t size, uint32_t ms)
{
    int r;

    if (!far_on)
        return xmpp_iq_claim(c, cl, mem, size, ms);
    far_put8(FAR_CLAIM);
    far_put8(far_claim_number(cl));
    far_put16((unsigned)size);
    far_put32(ms);
    r = far_result();
    far_status();
    return r;
}
static int far_claim_answerf(xmpp_client *c, xmpp_claim *cl, const char *fmt, ...)
{
    int (*claimf)(xmpp_client *, xmpp_claim *, const char *, ...) = xmpp_claim_answerf;

    if (!far_on)
        return claimf(c, cl, fmt);
    far_put8(FAR_CLAIM_ANSWERF);
    far_put8(far_claim_number(cl));
    far_put_text(fmt);
    return far_result();
}
static int far_claim_error(xmpp_client *c, xmpp_claim *cl, const char *type, const char *condition, const char *text)
{
    if (!far_on)
        return xmpp_claim_error(c, cl, type, condition, text);
    far_put8(FAR_CLAIM_ERROR);
    far_put8(far_claim_number(cl));
    far_put_text(type);
    far_put_text(condition);
    far_put_text(text);
    return far_result();
}
static int far_get_disco(xmpp_client *c, const char *to, const char *node, void *tag)
{
    if (!far_on)
        return xmpp_get_disco(c, to, node, tag);
    far_put8(FAR_DISCO);
    far_put_text(to);
    far_put_text(node);
    far_put16(far_tag(tag));
    return far_result();
}
static int far_roster_set(xmpp_client *c, const char *jid, const char *name, const char *const *groups, void *tag)
{
    unsigned n, i;

    if (!far_on)
        return xmpp_roster_set(c, jid, name, groups, tag);
    for (n = 0; groups != NULL && groups[n] != NULL; n++)
        ;
    far_put8(FAR_ROSTER_SET);
    far_put_text(jid);
    far_put_text(name);
    far_put16(far_tag(tag));
    far_put8(n);
    for (i = 0; i < n; i++)
        far_put_text(groups[i]);
    return far_result();
}
static int far_iq_parts(xmpp_client *c, int iq)
{
    if (!far_on)
        return xmpp_iq_parts(c, iq);
    far_put8(FAR_IQ_PARTS);
    far_put16((unsigned)iq);
    return far_result();
}

/* The AVR has one writer of its own. */
static int far_begin(xmpp_client *c, xmpp_writer *w) { return far_on ? far_put8(FAR_BEGIN), far_result() : xmpp_begin(c, w); }
static int far_commit(xmpp_client *c, xmpp_writer *w) { return far_on ? far_put8(FAR_COMMIT), far_result() : xmpp_commit(c, w); }
static int far_iq_begin(xmpp_client *c, xmpp_writer *w, const char *type, const char *to)
{
    if (!far_on)
        return xmpp_iq_begin(c, w, type, to);
    far_put8(FAR_IQ_BEGIN);
    far_put_text(type);
    far_put_text(to);
    return far_result();
}
static int far_iq_commit(xmpp_client *c, xmpp_writer *w, void *tag, uint32_t ms)
{
    if (!far_on)
        return xmpp_iq_commit(c, w, tag, ms);
    far_put8(FAR_IQ_COMMIT);
    far_put16(far_tag(tag));
    far_put32(ms);
    return far_result();
}
static void far_w(unsigned op, const char *a, const char *b, const char *d, int texts)
{
    far_put8(op);
    if (texts > 0)
        far_put_text(a);
    if (texts > 1)
        far_put_text(b);
    if (texts > 2)
        far_put_text(d);
    far_turn();
}
static void far_w_open(xmpp_writer *w, const char *name, const char *ns)
{
    if (far_on)
        far_w(FAR_W_OPEN, name, ns, NULL, 2);
    else
        xmpp_w_open(w, name, ns);
}
static void far_w_attr(xmpp_writer *w, const char *name, const char *value)
{
    if (far_on)
        far_w(FAR_W_ATTR, name, value, NULL, 2);
    else
        xmpp_w_attr(w, name, value);
}
static void far_w_leaf(xmpp_writer *w, const char *name, const char *ns, const char *text)
{
    if (far_on)
        far_w(FAR_W_LEAF, name, ns, text, 3);
    else
        xmpp_w_leaf(w, name, ns, text);
}
static void far_w_close(xmpp_writer *w)
{
    if (far_on)
        far_w(FAR_W_CLOSE, NULL, NULL, NULL, 0);
    else
        xmpp_w_close(w);
}
static void far_writef(xmpp_writer *w, const char *fmt, ...)
{
    void (*writef)(xmpp_writer *, const char *, ...) = xmpp_writef;

    if (far_on)
        far_w(FAR_WRITEF, fmt, NULL, NULL, 1);
    else
        writef(w, fmt);
}

#undef xmpp_init
#define xmpp_init          far_init
#define xmpp_step          far_step
#define xmpp_next          far_next
#define xmpp_wait          far_wait
#define xmpp_ask           far_ask
#define xmpp_feed          far_feed
#define xmpp_pending       far_pending
#define xmpp_sent          far_sent
#define xmpp_tick          far_tick
#define xmpp_wants         far_wants
#define xmpp_deadline      far_deadline
#define xmpp_online        far_online
#define xmpp_waiting       far_waiting
#define xmpp_error         far_error
#define xmpp_token         far_token
#define xmpp_sleep         far_sleep
#define xmpp_own_jid       far_own_jid
#define xmpp_get_info      far_get_info
#define xmpp_caps_ver      far_caps_ver
#define xmpp_close         far_close
#define xmpp_reset         far_reset
#define xmpp_password      far_password
#define xmpp_unpin         far_unpin
#define xmpp_policy        far_policy
#define xmpp_inactive      far_inactive
#define xmpp_awake         far_awake
#define xmpp_save          far_save
#define xmpp_saved         far_saved
#define xmpp_load          far_load
#define xmpp_presence      far_presence
#define xmpp_presence_to   far_presence_to
#define xmpp_unavailable   far_unavailable
#define xmpp_subscription  far_subscription
#define xmpp_message       far_message
#define xmpp_message_full  far_message_full
#define xmpp_send_xml      far_send_xml
#define xmpp_sendf         far_sendf
#define xmpp_iqf           far_iqf
#define xmpp_iq_begin      far_iq_begin
#define xmpp_iq_commit     far_iq_commit
#define xmpp_iq_parts      far_iq_parts
#define xmpp_begin         far_begin
#define xmpp_commit        far_commit
#define xmpp_w_open        far_w_open
#define xmpp_w_attr        far_w_attr
#define xmpp_w_leaf        far_w_leaf
#define xmpp_w_close       far_w_close
#define xmpp_writef        far_writef
#define xmpp_answer        far_answer
#define xmpp_answerf       far_answerf
#define xmpp_answer_error  far_answer_error
#define xmpp_iq_claim      far_iq_claim
#define xmpp_claim_answerf far_claim_answerf
#define xmpp_claim_error   far_claim_error
#define xmpp_ping          far_ping
#define xmpp_get_version   far_get_version
#define xmpp_get_disco     far_get_disco
#define xmpp_roster_get    far_roster_get
#define xmpp_roster_set    far_roster_set
#define xmpp_roster_remove far_roster_remove
