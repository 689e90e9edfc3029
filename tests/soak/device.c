/* device.c: a device under test for the soak tests. It sends numbered readings, says of each what became of it, and
   tells every message that comes. Small buffers, the public API alone. One JSON object a line on standard output,
   each written at once: what was printed has happened, however the process ends.

   device --jid JID --peer JID [--host H] [--port P] [--tls none|starttls] [--ca FILE]
     --readings N      how many, r1 to rN            --interval MS    between two of them
     --policy P        once, must, or mixed: both, and some that are replaced or expire
     --state FILE      warm state, and the number of the next reading
     --durable         XMPP_OPT_DURABLE              --save-every N   also after so many readings
     --sleep-after N   so many readings, then sleep, save and leave without closing the stream
     --ping MS, --answer MS, --first MS, --most MS   config.ping_ms, answer_ms, retry_first_ms, retry_max_ms
     --acks N          config.ack_count              --roster         asks for the roster, in parts
   The password is in XMPP_PASSWORD. SIGTERM closes the stream in order. SIGUSR1 pings the server. */

#define XMPP_IMPLEMENTATION
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp.h"
#include "xmpp_tls_bearssl.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { ARENA = 1024, QUEUE = 2048, RX = 256 };

static xmpp_client         client;
static xmpp_posix          net;
static xmpp_io             io;
static xmpp_bearssl_system tls;
static xmpp_sm             sm;
static xmpp_keys           keys;
static unsigned char       rx[RX], arena[ARENA], queue[QUEUE], state[4 + QUEUE + 1000];

static struct {
    const char *jid, *peer, *host, *port, *tls, *ca, *readings, *interval, *policy, *file, *every, *sleep, *ping, *answer,
               *first, *most, *acks;
    bool durable, roster;
} opt;

static unsigned long readings, interval, next = 1, taken;   /* next: number of the next reading; taken: by this process */
static uint32_t due;
static bool full, begun;                                    /* refused with XMPP_E_FULL; was online */
static volatile sig_atomic_t ending, pinging;

/* ---- what it says ---- */

/* A line is put together here and written by one call. */
static char line[4096];
static size_t line_n;

static void put(const char *s)
{
    for (; *s != '\0' && line_n < sizeof line - 2; s++)
        line[line_n++] = *s;
}

static void put_quoted(const char *s)
{
    char hex[8];

    put("\"");
    for (; *s != '\0' && line_n < sizeof line - 16; s++) {
        snprintf(hex, sizeof hex, (unsigned char)*s < 32 || *s == '"' || *s == '\\' ? "\\u%04x" : "%c", *s);
        put(hex);
    }
    put("\"");
}

static void begin(const char *event)
{
    line_n = 0;
    put("{\"event\": ");
    put_quoted(event);
}

static void text(const char *name, const char *value)
{
    put(", ");
    put_quoted(name);
    put(": ");
    put_quoted(value != NULL ? value : "");
}

static void number(const char *name, unsigned long value)
{
    char digits[24];

    put(", ");
    put_quoted(name);
    snprintf(digits, sizeof digits, ": %lu", value);
    put(digits);
}

static void end(void)
{
    put("}\n");
    if (fwrite(line, 1, line_n, stdout) != line_n || fflush(stdout) != 0)
        exit(3);            /* nobody listens any more */
}

/* ---- warm state: the next reading's number belongs to it, so that both are of the same moment ---- */

static bool save(void)
{
    char temporary[512];
    int n = xmpp_save(&client, state + 4, sizeof state - 4), i;
    FILE *f;
    bool good;

    if (opt.file == NULL)
        return true;
    if (n < 0) {
        begin("save failed");
        text("error", xmpp_errname(n));
        end();
        return false;
    }
    for (i = 0; i < 4; i++)
        state[i] = (unsigned char)(next >> (8 * i) & 255);
    snprintf(temporary, sizeof temporary, "%s.new", opt.file);
    f = fopen(temporary, "wb");
    good = f != NULL && fwrite(state, 1, (size_t)n + 4, f) == (size_t)n + 4;
    good = f != NULL && fclose(f) == 0 && good && rename(temporary, opt.file) == 0;
    if (!good)
        exit(3);
    begin("saved");
    number("size", (unsigned long)n);
    number("next", next);
    end();
    return true;
}

static void load(void)
{
    FILE *f = opt.file != NULL ? fopen(opt.file, "rb") : NULL;
    size_t n, i;
    int r;

    if (f == NULL)
        return;
    n = fread(state, 1, sizeof state, f);
    fclose(f);
    if (n < 4)
        return;
    for (next = 0, i = 0; i < 4; i++)
        next |= (unsigned long)state[i] << (8 * i);
    r = xmpp_load(&client, state + 4, n - 4);
    begin("loaded");
    text("error", xmpp_errname(r));
    number("next", next);
    end();
}

/* ---- readings ---- */

/* Of mixed ones each kind has its turn; once and must are told apart by the oracle from the number alone. */
static void policy(void)
{
    bool mixed = strcmp(opt.policy, "mixed") == 0;

    if (mixed && next % 5 == 3)
        xmpp_policy(&client, XMPP_AT_MOST_ONCE, 7, 0);
    else if (mixed && next % 5 == 4)
        xmpp_policy(&client, XMPP_AT_MOST_ONCE, 0, 150);
    else if (strcmp(opt.policy, "must") == 0 || (mixed && next % 2 == 0))
        xmpp_policy(&client, XMPP_MUST_DELIVER, 0, 0);
}

static void read_one(void)
{
    char id[24], body[48];
    xmpp_msg m = { NULL, NULL, NULL, NULL, NULL, NULL };
    int r;

    snprintf(id, sizeof id, "r%lu", next);
    snprintf(body, sizeof body, "reading %lu", next);
    m.to = opt.peer;
    m.type = "chat";
    m.id = id;
    m.body = body;
    policy();
    r = xmpp_message_full(&client, &m);
    if (r == XMPP_E_FULL) {
        full = true;            /* XMPP_EV_ROOM follows */
        return;
    }
    begin(r == XMPP_OK ? "accepted" : "refused");
    number("n", next);
    number("token", xmpp_token(&client));
    text("id", id);
    text("error", xmpp_errname(r));
    end();
    if (r != XMPP_OK)
        return;
    next++;
    taken++;
    due = io.ops->millis(io.ctx) + (uint32_t)interval;
    if (opt.sleep != NULL && taken == strtoul(opt.sleep, NULL, 10))
        xmpp_sleep(&client);
    else if (opt.every != NULL && taken % strtoul(opt.every, NULL, 10) == 0 && save())
        xmpp_saved(&client);
}

/* ---- events ---- */

static void on_roster(const xmpp_event *ev)
{
    static unsigned long items, skipped;

    if (ev->code == XMPP_ROSTER_BEGIN)
        items = skipped = 0;
    items += ev->code == XMPP_ROSTER_ITEM;
    skipped += ev->code == XMPP_ROSTER_SKIPPED;
    if (ev->code != XMPP_ROSTER_END && ev->code != XMPP_ROSTER_LIST)
        return;
    begin("roster");
    number("items", items);
    number("skipped", skipped);
    text("error", xmpp_errname(ev->error));
    end();
}

/* Of the stanza's text the id is enough. */
static void on_fate(const char *name, const xmpp_event *ev)
{
    const char *xml = (const char *)ev->data;
    char id[24] = "";
    uint32_t i, k;

    for (i = 0; i + 5 < ev->size; i++)
        if (memcmp(xml + i, " id='", 5) == 0) {
            for (i += 5, k = 0; i < ev->size && xml[i] != '\'' && k < sizeof id - 1; i++, k++)
                id[k] = xml[i];
            id[k] = '\0';
            break;
        }
    begin(name);
    number("token", ev->token);
    text("id", id);
    text("error", xmpp_errname(ev->error));
    end();
}

static void on_offline(const xmpp_event *ev)
{
    begin("offline");
    text("error", xmpp_errname(ev->error));
    text("condition", ev->condition);
    text("text", ev->text);
    if (ev->retry_ms != XMPP_FOREVER)
        number("retry", ev->retry_ms);
    number("waiting", xmpp_waiting(&client));
    end();
    if (ev->retry_ms == XMPP_FOREVER)
        exit(ending && ev->error == XMPP_E_CLOSED ? 0 : 1);
}

static void on_event(const xmpp_event *ev)
{
    switch (ev->type) {
    case XMPP_EV_ONLINE:
    case XMPP_EV_RESUMED:
        begin(ev->type == XMPP_EV_ONLINE ? "online" : "resumed");
        text("jid", xmpp_own_jid(&client));
        end();
        if (ev->type == XMPP_EV_ONLINE && !begun)
            xmpp_presence(&client, XMPP_SHOW_ONLINE, "device");
        begun = true;
        break;
    case XMPP_EV_OFFLINE:
        on_offline(ev);
        break;
    case XMPP_EV_MESSAGE:
        begin("message");
        text("from", ev->from);
        text("id", ev->id);
        text("body", ev->body);
        text("delayed", ev->delayed);
        number("duplicate", ev->duplicate);
        end();
        break;
    case XMPP_EV_MESSAGE_ERROR:
        begin("bounced");
        text("id", ev->id);
        text("condition", ev->condition);
        end();
        break;
    case XMPP_EV_DELIVERED:
        on_fate("delivered", ev);
        break;
    case XMPP_EV_FAILED:
        on_fate("failed", ev);
        break;
    case XMPP_EV_RESENT:
        on_fate("resent", ev);
        break;
    case XMPP_EV_ROOM:
        full = false;
        begin("room");
        end();
        break;
    case XMPP_EV_SAVE:
        if (save())
            xmpp_saved(&client);
        break;
    case XMPP_EV_ASLEEP:
        begin("asleep");
        text("error", xmpp_errname(ev->error));
        end();
        save();
        _exit(0);               /* the power goes: no good-bye */
    case XMPP_EV_SKIPPED:
        begin("skipped");
        text("kind", ev->kind);
        text("from", ev->from);
        text("id", ev->id);
        number("size", ev->size);
        end();
        break;
    case XMPP_EV_IQ_RESULT:
        begin("pong");
        text("error", xmpp_errname(ev->error));
        end();
        break;
    case XMPP_EV_EXT:
        if (ev->ext == &xmpp_roster_ext)
            on_roster(ev);
        break;
    default:
        break;
    }
}

/* ---- the program ---- */

static void on_signal(int signal_number)
{
    if (signal_number == SIGTERM)
        ending = 1;
    else
        pinging = 1;
    xmpp_posix_wake(&net);
}

static uint32_t ms(const char *option)
{
    return option != NULL ? (uint32_t)strtoul(option, NULL, 10) : 0;
}

static void options(char **argv)
{
    static const struct { const char *name, **value; } known[] = {
        { "--jid", &opt.jid }, { "--peer", &opt.peer }, { "--host", &opt.host }, { "--port", &opt.port },
        { "--tls", &opt.tls }, { "--ca", &opt.ca }, { "--readings", &opt.readings }, { "--interval", &opt.interval },
        { "--policy", &opt.policy }, { "--state", &opt.file }, { "--save-every", &opt.every },
        { "--sleep-after", &opt.sleep }, { "--ping", &opt.ping }, { "--answer", &opt.answer },
        { "--first", &opt.first }, { "--most", &opt.most }, { "--acks", &opt.acks }
    };
    size_t i;

    opt.policy = "once";
    for (argv++; *argv != NULL; argv++) {
        for (i = 0; i < sizeof known / sizeof known[0] && strcmp(*argv, known[i].name) != 0; i++) {}
        if (i < sizeof known / sizeof known[0] && argv[1] != NULL)
            *known[i].value = *++argv;
        else if (strcmp(*argv, "--durable") == 0)
            opt.durable = true;
        else if (strcmp(*argv, "--roster") == 0)
            opt.roster = true;
        else
            opt.jid = NULL, argv[1] = NULL;
    }
    if (opt.jid == NULL) {
        fprintf(stderr, "usage: see the top of device.c\n");
        exit(2);
    }
}

static int start(void)
{
    static xmpp_config config;
    static xmpp_account account;
    static xmpp_roster roster;
    static const xmpp_ext_use plain[] = { { &xmpp_ping_ext, NULL }, { NULL, NULL } };
    static const xmpp_ext_use with_roster[] = { { &xmpp_ping_ext, NULL }, { &xmpp_roster_ext, &roster }, { NULL, NULL } };
    static const xmpp_account empty = { XMPP_BUFFERS(rx, arena, queue) };

    config = xmpp_default_config;
    config.ping_ms = ms(opt.ping);
    config.answer_ms = ms(opt.answer);
    config.retry_first_ms = opt.first != NULL ? ms(opt.first) : 200;
    config.retry_max_ms = opt.most != NULL ? ms(opt.most) : 2000;
    config.ack_count = (uint8_t)ms(opt.acks);
    config.options = (uint16_t)(config.options | (opt.durable ? XMPP_OPT_DURABLE : 0));
    roster.parts = true;
    account = empty;
    account.jid = opt.jid;
    account.password = getenv("XMPP_PASSWORD");
    account.keys = &keys;
    account.host = opt.host;
    account.port = (uint16_t)ms(opt.port);
    account.exts = opt.roster ? with_roster : plain;
    account.sm = &sm;
    io = xmpp_posix_io(&net);
    if (opt.tls != NULL && strcmp(opt.tls, "none") == 0)
        config.tls = XMPP_TLS_NONE_UNSAFE;
    else
        io = xmpp_bearssl_system_io(&tls, opt.ca, io);
    return xmpp_init(&client, &config, &account, io);
}

int main(int argc, char **argv)
{
    const xmpp_event *ev;
    uint32_t now, wait;
    int r;

    (void)argc;
    options(argv);
    readings = ms(opt.readings);
    interval = ms(opt.interval);
    r = start();
    if (r != XMPP_OK) {
        fprintf(stderr, "%s\n", xmpp_strerror(r));
        return 2;
    }
    signal(SIGTERM, on_signal);
    signal(SIGUSR1, on_signal);
    load();
    for (;;) {
        if (ending == 1) {
            ending = 2;
            xmpp_close(&client);
        }
        if (pinging) {
            pinging = 0;
            xmpp_ping(&client, NULL, NULL);
        }
        now = io.ops->millis(io.ctx);
        wait = XMPP_FOREVER;
        if (begun && !full && !ending && next <= readings && (opt.sleep == NULL || taken < ms(opt.sleep))) {
            if ((int32_t)(now - due) >= 0) {
                read_one();
                continue;
            }
            wait = due - now;
        }
        ev = xmpp_wait(&client, wait);
        if (ev != NULL)
            on_event(ev);
        else if (wait == XMPP_FOREVER)
            return 1;           /* offline, and it does not come back */
    }
}
