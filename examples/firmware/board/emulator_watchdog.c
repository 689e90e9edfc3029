/* emulator_watchdog.c: a watchdog and a stop-watch for an emulator whose clock counts instructions (QEMU's -icount). The
   linker's --wrap puts them around the calls of xmpp.h and of BearSSL, so that neither is changed.

   arg=watchdog     bites, with exit status 98, when the main loop feeds it later than 100 ms after the last time; what
                    BearSSL's own calls take is not counted, because they cannot be divided
   arg=steps        prints the longest call of xmpp_step and of xmpp_next, without BearSSL, and the longest turn of the main
                    loop, with it, each time that they grow */
#ifndef BOARD_IS_EMULATED
#error "emulator_watchdog.c is for QEMU"
#endif

#include <bearssl.h>
#include "xmpp.h"
#include "board.h"
#include "emulator.h"

enum { BITES_AFTER_MS = 100 };

static uint64_t in_bearssl, fed, fed_bearssl;       /* ticks */
static uint64_t longest, longest_turn;
static uint8_t  nested;
static bool     armed, steps, asked;

static uint64_t enter(void)
{
    return nested++ == 0 ? board_ticks() : 0;
}

static void leave(uint64_t since)
{
    if (--nested == 0)
        in_bearssl += board_ticks() - since;
}

#define WRAP(name, parameters, arguments)           \
    void __real_##name parameters;                  \
    void __wrap_##name parameters;                  \
    void __wrap_##name parameters                   \
    {                                               \
        const uint64_t since = enter();             \
        __real_##name arguments;                    \
        leave(since);                               \
    }
WRAP(br_ssl_engine_recvrec_ack, (br_ssl_engine_context *e, size_t n), (e, n))
WRAP(br_ssl_engine_sendrec_ack, (br_ssl_engine_context *e, size_t n), (e, n))
WRAP(br_ssl_engine_recvapp_ack, (br_ssl_engine_context *e, size_t n), (e, n))
WRAP(br_ssl_engine_sendapp_ack, (br_ssl_engine_context *e, size_t n), (e, n))
WRAP(br_ssl_engine_flush, (br_ssl_engine_context *e, int force), (e, force))
WRAP(br_ssl_engine_close, (br_ssl_engine_context *e), (e))
WRAP(br_ssl_engine_inject_entropy, (br_ssl_engine_context *e, const void *data, size_t n), (e, data, n))

int __real_br_ssl_client_reset(br_ssl_client_context *c, const char *name, int resume);
int __wrap_br_ssl_client_reset(br_ssl_client_context *c, const char *name, int resume);
int __wrap_br_ssl_client_reset(br_ssl_client_context *c, const char *name, int resume)
{
    const uint64_t since = enter();
    const int done = __real_br_ssl_client_reset(c, name, resume);

    leave(since);
    return done;
}

static void measure(uint64_t ticks)
{
    if (ticks > longest) {
        longest = ticks;
        if (steps)
            emulator_print_figure("longest step", (unsigned long)ticks);
    }
}

void __real_xmpp_step(xmpp_client *c, uint32_t now);
void __wrap_xmpp_step(xmpp_client *c, uint32_t now);
void __wrap_xmpp_step(xmpp_client *c, uint32_t now)
{
    const uint64_t bearssl = in_bearssl, since = board_ticks();

    __real_xmpp_step(c, now);
    measure(board_ticks() - since - (in_bearssl - bearssl));
}

const xmpp_event *__real_xmpp_next(xmpp_client *c);
const xmpp_event *__wrap_xmpp_next(xmpp_client *c);
const xmpp_event *__wrap_xmpp_next(xmpp_client *c)
{
    const uint64_t bearssl = in_bearssl, since = board_ticks();
    const xmpp_event *ev = __real_xmpp_next(c);

    measure(board_ticks() - since - (in_bearssl - bearssl));
    return ev;
}

void board_watchdog_feed(void)
{
    const uint64_t now = board_ticks(), took = now - fed - (in_bearssl - fed_bearssl);

    if (!asked) {
        asked = true;
        armed = emulator_argument("watchdog");
        steps = emulator_argument("steps");
    } else if (armed && took > (uint64_t)(BOARD_HZ / 1000) * BITES_AFTER_MS) {
        emulator_print_figure("watchdog bites after ms", (unsigned long)(took / (BOARD_HZ / 1000)));
        board_exit(98);
    }
    if (fed != 0 && now - fed > longest_turn) {
        longest_turn = now - fed;
        if (steps)
            emulator_print_figure("longest turn", (unsigned long)longest_turn);
    }
    fed = board_ticks();                /* what printing took is nobody's turn */
    fed_bearssl = in_bearssl;
}
