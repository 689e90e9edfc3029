/* mcu.c: the main loop of a microcontroller. Reports a reading as presence, answers messages, sends an alarm that must
   arrive, sleeps with the power off and goes on in the same session. Copy it, write the board_ functions over your TCP
   stack or modem, print your key pin with `xmpp anchors SERVER`.

   arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -Os -ffunction-sections -fdata-sections -I.. -c mcu.c
   and link with -Wl,--gc-sections, your board's files and BearSSL. RAM: 10.5 KB and 4 to 5 KB of stack, most of it TLS.
   It is compiled by make check for Cortex-M4, not run. */

#define XMPP_IMPLEMENTATION
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp.h"
#include "xmpp_tls_bearssl.h"

/* ---- what your board gives ---- */
extern int         board_connect(const char *host, uint16_t port);       /* starts to; 0 when it could not */
extern int         board_recv(void *buf, size_t n);                      /* bytes, 0 none now, -1 closed, -2 error */
extern int         board_send(const void *buf, size_t n);                /* the same; 0 while connecting */
extern void        board_close(void);
extern int         board_random(void *out, size_t n);                    /* 0 when there is no entropy */
extern uint32_t    board_millis(void);
extern void        board_sleep(uint32_t ms, bool until_sent);            /* or until bytes came (or can be sent) */
extern const char *board_reading(void);                                  /* "21.5 C" */
extern const char *board_alarm(void);                                    /* the oldest one not taken yet, or NULL */
extern void        board_alarm_taken(void);
extern bool        board_is_tired(void);                                 /* time to power down? */
extern void        board_power_off(void);                                /* until the next reading is due: boots again */
extern size_t      board_load(void *block, size_t cap);                  /* what board_save kept; 0 bytes: nothing */
extern bool        board_save(const void *block, size_t n);              /* in flash or RTC memory: it is secret */

static int net_open(void *ctx, const xmpp_target *to)
{
    (void)ctx;
    return board_connect(to->host, to->port) ? XMPP_OK : XMPP_E_CONNECT;
}
static int net_recv(void *ctx, void *buf, size_t n) { (void)ctx; return board_recv(buf, n); }
static int net_send(void *ctx, const void *buf, size_t n) { (void)ctx; return board_send(buf, n); }
static int net_close(void *ctx, bool now) { (void)ctx; (void)now; board_close(); return 1; }
static int net_random(void *ctx, void *out, size_t n)
{
    (void)ctx;
    return board_random(out, n) ? XMPP_OK : XMPP_E_ENTROPY;
}
static const xmpp_io_ops net_ops = { .open = net_open, .recv = net_recv, .send = net_send, .close = net_close,
                                     .random = net_random };

/* ---- policy: in flash ---- */
static const unsigned char pins[1][32] = { { 0 /* the 32 bytes that `xmpp anchors` prints */ } };
static const xmpp_mech *const mechs[] = { &xmpp_mech_scram_sha_256, &xmpp_mech_scram_sha_1, NULL };
static const xmpp_config config = { .mechs = mechs, .sm = &xmpp_stream_management, .reconnect = xmpp_backoff,
                                    .tls = XMPP_TLS_DIRECT };

/* ---- memory ---- */
static xmpp_client         client;
static xmpp_sm             sm;          /* readings survive a broken link */
static xmpp_bearssl        tls;
static xmpp_bearssl_pinned pinned;
static xmpp_keys           keys;        /* saved with the rest: PBKDF2 runs once in the device's life */
static unsigned char       block[2200]; /* the state as it is saved: queue and 1,000 bytes at most */
static unsigned char       rx[256], arena[1024], queue[1024], records[XMPP_BEARSSL_BUFFER(512)];
static const xmpp_bearssl_config trust = {
    .pins = pins, .pin_count = 1, .pins_alone_replace_ca = true,
    .profile = xmpp_bearssl_profile_pin_chacha, XMPP_BEARSSL_MEMORY_PINNED(pinned, records)
};
static const xmpp_account account = {
    .jid = "sensor@example.org/attic", .password = "secret", .keys = &keys, .sm = &sm, XMPP_BUFFERS(rx, arena, queue)
};

static bool unsaved;

static void save(void)
{
    int n = xmpp_save(&client, block, sizeof block);

    unsaved = n <= 0 || !board_save(block, (size_t)n);
    if (!unsaved)
        xmpp_saved(&client);
}

/* Queued also while offline: of readings that wait the newest alone goes out. */
static void report(void)
{
    xmpp_policy(&client, XMPP_AT_MOST_ONCE, 1, 0);
    xmpp_presence(&client, XMPP_SHOW_ONLINE, board_reading());
}

/* The board keeps an alarm until the queue has it; a full queue has room again later. */
static void raise_alarm(const char *alarm)
{
    xmpp_policy(&client, XMPP_MUST_DELIVER, 0, 0);
    if (xmpp_message(&client, "owner@example.org", alarm) != XMPP_E_FULL)
        board_alarm_taken();
}

static void on_event(const xmpp_event *ev)
{
    switch (ev->type) {
    case XMPP_EV_ONLINE:
    case XMPP_EV_RESUMED:       /* what the server still shows is the reading from before the sleep */
        report();
        break;
    case XMPP_EV_MESSAGE:
        if (strcmp(ev->kind, "chat") == 0)
            xmpp_message(&client, ev->from, board_reading());
        break;
    case XMPP_EV_SAVE:          /* keys are new; or the block that was loaded is used up */
        save();
        break;
    case XMPP_EV_ASLEEP:        /* all is sent, and acknowledged if it could be */
        save();                 /* should that fail, what is still queued is lost: power is worth more here */
        board_power_off();
        break;
    default:                    /* after XMPP_EV_OFFLINE the client comes back by itself; XMPP_EV_FAILED says what did
                                   not arrive: of readings the next one does as well */
        break;
    }
}

int main(void)
{
    const xmpp_io net = { &net_ops, NULL };
    size_t n;

    if (xmpp_init(&client, &config, &account, xmpp_bearssl_io(&tls, &trust, net)) != XMPP_OK)
        return 1;
    n = board_load(block, sizeof block);
    if (n > 0)
        xmpp_load(&client, block, n);           /* what is damaged is refused: it starts cold */
    for (;;) {
        const xmpp_event *ev;
        const char *alarm;
        uint32_t ms;

        xmpp_step(&client, board_millis());     /* first: what is asked below is timed from here */
        alarm = board_alarm();
        if (alarm != NULL)
            raise_alarm(alarm);
        if (board_is_tired())
            xmpp_sleep(&client);
        while ((ev = xmpp_next(&client)) != NULL)
            on_event(ev);
        if (unsaved)                            /* a block that is used up must be replaced before it connects */
            save();
        ms = xmpp_deadline(&client);            /* 0 when something was queued */
        if (ms > 0)
            board_sleep(ms, (xmpp_wants(&client) & XMPP_WANT_WRITE) != 0);
    }
}
