/* test_lwip_threads.c: xmpp_io_lwip.h where lwIP has a thread (NO_SYS 0) and two clients have one each. lwIP checks that each
   call holds its lock, ThreadSanitizer that nothing is reached without it. Built and run by tests/firmware/lwip/Makefile. */
#define XMPP_IMPLEMENTATION
#include "xmpp.h"
#define XMPP_IO_LWIP_IMPLEMENTATION
#include "xmpp_io_lwip.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

enum { PORT = 5222, BYTES = 30000, AHEAD = 2000, TIMES = 6 };

static sem_t up;

static void initialized(void *arg) { (void)arg; sem_post(&up); }

/* ---- the server, in lwIP's thread: sends back what it gets; every third connection it resets in the middle ---- */

static unsigned accepted;

static err_t echo(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct pbuf *q;

    (void)err;
    if (p == NULL) {
        free(arg);
        tcp_err(pcb, NULL);
        tcp_sent(pcb, NULL);
        if (tcp_close(pcb) == ERR_OK)
            return ERR_OK;
        tcp_abort(pcb);
        return ERR_ABRT;
    }
    if (tcp_sndbuf(pcb) < p->tot_len || tcp_sndqueuelen(pcb) + 2 * pbuf_clen(p) > TCP_SND_QUEUELEN)
        return ERR_MEM;                 /* lwIP asks again */
    for (q = p; q != NULL; q = q->next)
        if (tcp_write(pcb, q->payload, q->len, TCP_WRITE_FLAG_COPY) != ERR_OK)
            abort();
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    tcp_output(pcb);
    return ERR_OK;
}

static err_t echo_sent(void *arg, struct tcp_pcb *pcb, u16_t n)
{
    size_t *left = (size_t *)arg;

    if (*left > n) {
        *left -= n;
        return ERR_OK;
    }
    free(left);
    tcp_err(pcb, NULL);
    tcp_abort(pcb);
    return ERR_ABRT;
}

static void echo_lost(void *arg, err_t err)
{
    (void)err;
    free(arg);
}

static err_t echo_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    size_t *left = (size_t *)malloc(sizeof *left);

    (void)arg;
    if (err != ERR_OK || left == NULL)
        abort();
    *left = accepted++ % 3 == 2 ? BYTES / 2 : (size_t)-1;
    tcp_arg(pcb, left);
    tcp_recv(pcb, echo);
    tcp_sent(pcb, echo_sent);
    tcp_err(pcb, echo_lost);
    tcp_nagle_disable(pcb);
    return ERR_OK;
}

/* ---- a client ---- */

typedef struct {
    sem_t     bell;
    xmpp_lwip net;
    unsigned  whole, resets, wrong;
} client;

static int random_bytes(void *ctx, void *out, size_t n)
{
    (void)ctx;
    memset(out, 7, n);
    return XMPP_OK;
}
static void notify(void *ctx) { sem_post(&((client *)ctx)->bell); }
static void idle(void *ctx, uint32_t ms)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    (void)sem_timedwait(&((client *)ctx)->bell, &t);
}
static const xmpp_lwip_platform platform = { random_bytes, NULL, idle, notify };

static void *run(void *arg)
{
    client *c = (client *)arg;
    const xmpp_io io = xmpp_lwip_io(&c->net, &platform, c);
    xmpp_target to;
    unsigned char b[700];
    unsigned times;

    memset(&to, 0, sizeof to);
    to.host = to.tls_name = "127.0.0.1";
    to.port = PORT;
    for (times = 0; times < TIMES; times++) {
        size_t sent = 0, got = 0;
        int r = 0, w = 0;
        const char *words = "";

        if (io.ops->open(io.ctx, &to) != XMPP_OK)
            break;
        while (got < BYTES) {
            size_t i, n = BYTES - sent < sizeof b ? BYTES - sent : sizeof b;

            if (n > AHEAD - (sent - got))   /* so that the server need not refuse: lwIP would drop what follows */
                n = AHEAD - (sent - got);
            for (i = 0; i < n; i++)
                b[i] = (unsigned char)((sent + i) * 11 + (sent + i) / 253);
            w = io.ops->send(io.ctx, b, n);
            if (w > 0)
                sent += (size_t)w;
            r = io.ops->recv(io.ctx, b, 1 + got % sizeof b);
            for (i = 0; r > 0 && i < (size_t)r; i++, got++)
                c->wrong += b[i] != (unsigned char)(got * 11 + got / 253);
            if (r < 0)
                break;
            if (w <= 0 && r == 0)
                io.ops->wait(io.ctx, io.ops->wants(io.ctx) | (n > 0 ? XMPP_WANT_WRITE : 0), 20);
        }
        c->whole += got == BYTES;
        if (r == XMPP_IO_ERROR && io.ops->reason(io.ctx, &words) == XMPP_E_TRANSPORT &&
            strcmp(words, "reset by the server") == 0)
            c->resets++;
        while (io.ops->close(io.ctx, false) == 0)
            io.ops->wait(io.ctx, io.ops->wants(io.ctx), 20);
    }
    return NULL;
}

int main(void)
{
    static client clients[2];
    pthread_t threads[2];
    struct tcp_pcb *pcb;
    bool ok;
    int i;

    sem_init(&up, 0, 0);
    tcpip_init(initialized, NULL);
    sem_wait(&up);
    LOCK_TCPIP_CORE();
    pcb = tcp_new();
    if (pcb == NULL || tcp_bind(pcb, IP_ADDR_ANY, PORT) != ERR_OK || (pcb = tcp_listen(pcb)) == NULL)
        abort();
    tcp_accept(pcb, echo_accept);
    UNLOCK_TCPIP_CORE();
    for (i = 0; i < 2; i++) {
        sem_init(&clients[i].bell, 0, 0);
        pthread_create(&threads[i], NULL, run, &clients[i]);
    }
    for (i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    ok = clients[0].whole + clients[1].whole == 2 * TIMES - 2 * TIMES / 3 && clients[0].wrong + clients[1].wrong == 0 &&
         clients[0].resets + clients[1].resets == 2 * TIMES / 3;
    for (i = 0; i < 2; i++)
        printf("  whole %u, reset %u, wrong bytes %u\n", clients[i].whole, clients[i].resets, clients[i].wrong);
    printf("%s two clients and lwIP, a thread each\n%d passed, %d failed\n", ok ? "ok  " : "FAIL", ok, !ok);
    return !ok;
}
