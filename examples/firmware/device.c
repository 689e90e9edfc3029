/* device.c: the application of examples/mcu.c for a board that stays awake: reports a reading as presence, answers
   messages, comes back by itself. Copy it together with device_config.example.h, which becomes your device_config.h. */
#include "device.h"
#include "xmpp_tls_bearssl.h"
#include "board.h"
#include "device_config.h"

#ifndef DEVICE_RX               /* bytes of buffers: xmpp.h >>memory, xmpp_tls_bearssl.h MEMORY */
#define DEVICE_RX      256
#define DEVICE_ARENA   1024
#define DEVICE_QUEUE   1024
#define DEVICE_RECORDS 512
#endif
enum { REPORT_MS = 60000,       /* a reading is sent so often */
       TURN_MS   = 50 };        /* the longest wait: the watchdog wants to be fed */

/* ---- policy: in flash ---- */
static const xmpp_mech *const mechs[] = { &xmpp_mech_scram_sha_256, &xmpp_mech_scram_sha_1, NULL };
static const xmpp_config config = {
    .mechs = mechs, .sm = &xmpp_stream_management, .reconnect = xmpp_backoff, .tls = DEVICE_TLS,
    .retry_first_ms = DEVICE_RETRY_FIRST_MS, .ping_ms = DEVICE_PING_MS, .answer_ms = DEVICE_ANSWER_MS
};

/* ---- memory ---- */
static xmpp_client       client;
static xmpp_sm           sm;        /* what is sent survives a broken link */
static xmpp_keys         keys;      /* PBKDF2 runs once, not at each login: save them (xmpp_save) and it is once in a life */
static xmpp_bearssl      tls;
static unsigned char     rx[DEVICE_RX], arena[DEVICE_ARENA], queue[DEVICE_QUEUE],
                         records[XMPP_BEARSSL_BUFFER(DEVICE_RECORDS)];
#if DEVICE_PINNED
static xmpp_bearssl_pinned x509;
static const xmpp_bearssl_config trust = {
    .pins = key_pins, .pin_count = sizeof key_pins / sizeof key_pins[0], .pins_alone_replace_ca = true,
    .profile = xmpp_bearssl_profile_pin_chacha, XMPP_BEARSSL_MEMORY_PINNED(x509, records)
};
#else
static xmpp_bearssl_x509 x509;
static const xmpp_bearssl_config trust = {
    .anchors = trust_anchors, .anchor_count = trust_anchors_n, .floor = DEVICE_BUILD_DATE,
    .profile = DEVICE_PROFILE, XMPP_BEARSSL_MEMORY(x509, records)
};
#endif
static const xmpp_account account = {
    .jid = DEVICE_JID, .password = DEVICE_PASSWORD, .host = DEVICE_HOST, .port = DEVICE_PORT, .keys = &keys, .sm = &sm,
    XMPP_BUFFERS(rx, arena, queue)
};

/* ---- what happens, a line each, on the board's console ---- */
static void say_number(const char *words, uint32_t n)
{
    char digits[11];
    size_t at = sizeof digits - 1;

    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    board_print(words);
    board_print(digits + at);
}

static void say(const char *what, const char *who, const char *text)
{
    board_print(what);
    board_print(who);
    board_print(text);
    board_print("\n");
}

/* Text of others: what would steer a terminal or begin a line of its own becomes ?, and whatever is not ASCII. */
static void say_others(const char *text)
{
    char c[2] = "";

    for (; *text != '\0'; text++) {
        c[0] = *text >= ' ' && *text <= '~' ? *text : '?';
        board_print(c);
    }
}

static void say_memory(void)
{
    say_number("memory static ", (uint32_t)board_static_ram());
    say_number(" stack ", (uint32_t)board_stack_used());
    board_print("\n");
}

static void say_offline(const xmpp_event *ev)
{
    board_print("offline ");
    board_print(xmpp_errname(ev->error));       /* xmpp_strerror has words, and 4 KB more of flash */
    if (ev->condition[0] != '\0') {
        board_print(" ");
        board_print(ev->condition);
    }
    if (ev->text[0] != '\0') {
        board_print(": ");
        say_others(ev->text);
    }
    say_number("; next try in ms ", ev->retry_ms);
    board_print("\n");
}

/* ---- the device ---- */

/* Queued also while offline: of readings that wait the newest alone goes out. */
static void report(void)
{
    xmpp_policy(&client, XMPP_AT_MOST_ONCE, 1, 0);
    xmpp_presence(&client, XMPP_SHOW_ONLINE, board_reading());
}

static void on_event(const xmpp_event *ev)
{
    switch (ev->type) {
    case XMPP_EV_ONLINE:
    case XMPP_EV_RESUMED:
        say(ev->type == XMPP_EV_ONLINE ? "online " : "resumed ", xmpp_own_jid(&client), "");
        say_memory();
        report();
        break;
    case XMPP_EV_MESSAGE:
        if (strcmp(ev->kind, "chat") == 0) {    /* two that answer everything would answer each other for ever */
            board_print("message from ");
            say_others(ev->from);
            board_print("\n");
            xmpp_message(&client, ev->from, board_reading());
            say_memory();
        }
        break;
    case XMPP_EV_FAILED:
        say("not delivered ", xmpp_errname(ev->error), "");
        break;
    case XMPP_EV_OFFLINE:                       /* it comes back by itself */
        say_offline(ev);
        say_memory();
        break;
    default:
        break;
    }
}

int device_run(xmpp_io net)
{
    uint32_t reported = board_millis();
    int error = xmpp_init(&client, &config, &account, xmpp_bearssl_io(&tls, &trust, net));

    if (error != XMPP_OK) {
        say("cannot start: ", xmpp_errname(error), "");
        return error;
    }
    for (;;) {
        const xmpp_event *ev;
        uint32_t ms;

        xmpp_step(&client, board_millis());
        if (board_millis() - reported >= REPORT_MS) {
            reported += REPORT_MS;
            report();
        }
        while ((ev = xmpp_next(&client)) != NULL)
            on_event(ev);
        board_watchdog_feed();
        ms = xmpp_deadline(&client);            /* 0 when something was queued */
        if (ms > 0)
            net.ops->wait(net.ctx, xmpp_wants(&client), ms < TURN_MS ? ms : TURN_MS);
    }
}
