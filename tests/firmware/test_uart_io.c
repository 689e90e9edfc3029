/* test_uart_io.c: examples/firmware/uart/xmpp_io_uart.h over a line and a modem of this program's own; on the host. */
#define XMPP_IO_UART_IMPLEMENTATION
#include "../../examples/firmware/uart/xmpp_io_uart.h"
#include <stdio.h>

static const char *in;                  /* what the line still holds */
static char        out[32];
static size_t      out_n, room;
static int         dialled, hung_up, carrier, idled, dial_answer;
static uint32_t    now;

static int get(void *ctx) { (void)ctx; return *in != '\0' ? (unsigned char)*in++ : -1; }
static bool put(void *ctx, unsigned char byte)
{
    (void)ctx;
    if (room == 0)
        return false;
    room--;
    out[out_n++] = (char)byte;
    return true;
}
static int random_bytes(void *ctx, void *to, size_t n) { (void)ctx; memset(to, 7, n); return XMPP_OK; }
static uint32_t millis(void *ctx) { (void)ctx; return now++; }
static int dial(void *ctx, const xmpp_target *to) { (void)ctx; dialled = to->port; carrier = 0; return dial_answer; }
static int dcd(void *ctx) { (void)ctx; return carrier; }
static void hang_up(void *ctx) { (void)ctx; hung_up++; carrier = -1; }
static void idle(void *ctx) { (void)ctx; if (++idled == 3) in = "x"; }

static const xmpp_uart_driver line = { .get = get, .put = put, .random = random_bytes, .millis = millis };
static const xmpp_uart_driver modem = { .get = get, .put = put, .random = random_bytes, .millis = millis, .dial = dial,
                                        .carrier = dcd, .hang_up = hang_up, .idle = idle };
static int passed, failed;

#define CHECK(condition) check((condition), #condition, __LINE__)
static void check(bool good, const char *words, int at)
{
    if (good) {
        passed++;
    } else {
        failed++;
        printf("FAIL line %d: %s\n", at, words);
    }
}

int main(void)
{
    xmpp_uart u;
    xmpp_io io = xmpp_uart_io(&u, &line, NULL);
    xmpp_target to;
    char buf[8];

    memset(&to, 0, sizeof to);
    to.host = "h";
    to.port = 5223;

    /* a line that leads to the server at all times */
    in = "stale";
    CHECK(io.ops->recv(io.ctx, buf, 1) == 1);                   /* not opened yet, but there is a byte */
    CHECK(io.ops->open(io.ctx, &to) == XMPP_OK);
    CHECK(io.ops->recv(io.ctx, buf, sizeof buf) == 0);          /* what was left of before is gone */
    in = "0123456789";
    CHECK(io.ops->recv(io.ctx, buf, sizeof buf) == 8 && memcmp(buf, "01234567", 8) == 0);
    CHECK(io.ops->wait(io.ctx, XMPP_WANT_READ, 1000) == 0 && u.held == '8');
    CHECK(io.ops->recv(io.ctx, buf, sizeof buf) == 2 && memcmp(buf, "89", 2) == 0);
    now = 0;
    CHECK(io.ops->wait(io.ctx, XMPP_WANT_READ, 50) == 0 && now >= 50 && now < 60);
    now = 0;
    CHECK(io.ops->wait(io.ctx, XMPP_WANT_READ | XMPP_WANT_WRITE, 50) == 0 && now < 5);
    now = UINT32_MAX - 10;                                      /* across the wrap of the clock */
    CHECK(io.ops->wait(io.ctx, XMPP_WANT_READ, 50) == 0 && now >= 39 && now < 60);
    room = 3;
    CHECK(io.ops->send(io.ctx, "abcde", 5) == 3 && io.ops->send(io.ctx, "de", 2) == 0);
    room = 9;
    CHECK(io.ops->send(io.ctx, "de", 2) == 2 && out_n == 5 && memcmp(out, "abcde", 5) == 0);
    CHECK(io.ops->utc(io.ctx) == 0);
    CHECK(io.ops->close(io.ctx, false) == 1 && io.ops->close(io.ctx, true) == 1);
    CHECK(io.ops->recv(io.ctx, buf, 1) == XMPP_IO_EOF && io.ops->send(io.ctx, "a", 1) == XMPP_IO_EOF);
    to.udp = true;
    CHECK(io.ops->open(io.ctx, &to) == XMPP_E_CONNECT);
    to.udp = false;

    /* a modem */
    io = xmpp_uart_io(&u, &modem, NULL);
    in = "";
    dial_answer = XMPP_E_CONNECT;
    CHECK(io.ops->open(io.ctx, &to) == XMPP_E_CONNECT && io.ops->send(io.ctx, "a", 1) == XMPP_IO_EOF);
    dial_answer = XMPP_OK;
    CHECK(io.ops->open(io.ctx, &to) == XMPP_OK && dialled == 5223);
    in = "OK";
    CHECK(io.ops->recv(io.ctx, buf, sizeof buf) == 0 && io.ops->send(io.ctx, "a", 1) == 0);     /* it still dials */
    carrier = 1;
    in = "";
    CHECK(io.ops->wait(io.ctx, XMPP_WANT_READ, 1000) == 0 && idled == 3);
    CHECK(io.ops->recv(io.ctx, buf, sizeof buf) == 1 && buf[0] == 'x');
    in = "end";
    carrier = -1;
    CHECK(io.ops->recv(io.ctx, buf, sizeof buf) == 3);          /* what came before the end is not lost */
    now = 0;
    CHECK(io.ops->wait(io.ctx, XMPP_WANT_READ, 1000) == 0 && now < 5);  /* an end ends the waiting */
    CHECK(io.ops->recv(io.ctx, buf, sizeof buf) == XMPP_IO_EOF);
    CHECK(io.ops->close(io.ctx, true) == 1 && io.ops->close(io.ctx, true) == 1 && hung_up == 1);

    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}
