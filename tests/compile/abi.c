/* Is this unit of the same opinion as the one with the implementation? */
#include "xmpp.h"

static int      io_open(void *ctx, const xmpp_target *to)            { (void)ctx; (void)to; return XMPP_E_CONNECT; }
static int      io_recv(void *ctx, void *buf, size_t n)              { (void)ctx; (void)buf; (void)n; return 0; }
static int      io_send(void *ctx, const void *buf, size_t n)        { (void)ctx; (void)buf; (void)n; return 0; }
static int      io_close(void *ctx, bool now)                        { (void)ctx; (void)now; return 1; }
static int      io_start_tls(void *ctx, const char *name)            { (void)ctx; (void)name; return XMPP_OK; }
static unsigned io_wants(void *ctx)                                  { (void)ctx; return XMPP_WANT_READ; }
static int      io_reason(void *ctx, const char **words)             { (void)ctx; *words = ""; return XMPP_E_CONNECT; }
static int      io_random(void *ctx, void *out, size_t n)            { (void)ctx; memset(out, 4, n); return XMPP_OK; }

int main(void)
{
    static const xmpp_io_ops ops = { .open = io_open, .recv = io_recv, .send = io_send, .close = io_close,
        .start_tls = io_start_tls, .wants = io_wants, .reason = io_reason, .random = io_random };
    static unsigned char rx[256], arena[1024], queue[1024];
    static xmpp_client client[2];       /* room for whatever the other unit believes it is */
    xmpp_account account = { .jid = "a@example.org", .password = "p", XMPP_BUFFERS(rx, arena, queue) };
    xmpp_io io = { &ops, NULL };

    return xmpp_init(&client[0], &xmpp_default_config, &account, io) == EXPECT ? 0 : 1;
}
