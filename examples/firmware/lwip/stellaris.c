/* stellaris.c: see stellaris.h. Everything is polled. A FIFO of 32-bit words in either direction; a frame begins with
   16 bits: sent, how many bytes the payload has; received, how many bytes it is, these two and the CRC included. */
#include "stellaris.h"
#include "lwip/etharp.h"
#include "lwip/pbuf.h"
#include "netif/ethernet.h"
#include <string.h>

#if ETH_PAD_SIZE != 2
#error "with ETH_PAD_SIZE 2 the length lies where the padding is"
#endif

#ifndef STELLARIS_READ              /* tests put a FIFO of their own here */
#define REGISTER(at)               (*(volatile uint32_t *)(0x40048000u + (at)))
#define STELLARIS_READ(at)         REGISTER(at)
#define STELLARIS_WRITE(at, value) (REGISTER(at) = (value))
#endif

enum { RCTL = 0x08, TCTL = 0x0c, DATA = 0x10, IA0 = 0x14, IA1 = 0x18, NP = 0x34, TR = 0x38 };
enum { RX_ENABLE = 0x01, RX_REJECT_BAD = 0x08, RX_RESET = 0x10, TX_ENABLE = 0x01, TX_PAD = 0x02, TX_CRC = 0x04 };
enum { HEADER = 14, FRAME = 1514, OVERHEAD = 6, /* length and CRC */
       FIFO = 2048,                 /* no frame of the controller is longer */
       AT_ONCE = 8 };               /* frames in one turn of the main loop: a flood must not hold it up */

static void reset_receiver(void)
{
    STELLARIS_WRITE(RCTL, RX_RESET);
    STELLARIS_WRITE(RCTL, RX_ENABLE | RX_REJECT_BAD);
}

/* The next frame, length included as its padding. NULL: it was none, or there is no memory; it is gone in any case. */
static struct pbuf *receive(void)
{
    uint32_t word = STELLARIS_READ(DATA);
    const uint32_t length = word & 0xffff;
    struct pbuf *p = NULL, *q;
    uint32_t i;
    u16_t at = 0;

    if (length < OVERHEAD || length > FIFO) {   /* then nobody knows where the next one begins */
        reset_receiver();
        return NULL;
    }
    if (length >= OVERHEAD + HEADER && length <= OVERHEAD + FRAME)
        p = pbuf_alloc(PBUF_RAW, (u16_t)(length - OVERHEAD + ETH_PAD_SIZE), PBUF_POOL);
    q = p;
    for (i = 0; i < length; i++, word >>= 8) {
        if (i > 0 && i % 4 == 0)
            word = STELLARIS_READ(DATA);
        if (q == NULL)                          /* the CRC, or a frame that is dropped: out of the FIFO */
            continue;
        ((uint8_t *)q->payload)[at++] = (uint8_t)word;
        if (at == q->len) {
            q = q->next;
            at = 0;
        }
    }
    return p;
}

void stellaris_poll(struct netif *netif)
{
    struct pbuf *p;
    unsigned n;

    for (n = 0; n < AT_ONCE && (STELLARIS_READ(NP) & 0x3f) != 0; n++) {
        p = receive();
        if (p != NULL && netif->input(p, netif) != ERR_OK)
            pbuf_free(p);
    }
}

/* What lies in p behind the padding. The controller pads short frames and appends the CRC. */
static err_t send_frame(struct netif *netif, struct pbuf *p)
{
    uint32_t word = (uint32_t)(p->tot_len - ETH_PAD_SIZE - HEADER) & 0xffff;
    unsigned i, n = 2;
    const struct pbuf *q;

    (void)netif;
    if (p->tot_len < ETH_PAD_SIZE + HEADER || p->tot_len > ETH_PAD_SIZE + FRAME)
        return ERR_ARG;
    for (q = p, i = ETH_PAD_SIZE; q != NULL; q = q->next, i = 0)
        for (; i < q->len; i++) {
            word |= (uint32_t)((const uint8_t *)q->payload)[i] << 8 * n;
            if (++n == 4) {
                STELLARIS_WRITE(DATA, word);
                word = n = 0;
            }
        }
    if (n > 0)
        STELLARIS_WRITE(DATA, word);
    STELLARIS_WRITE(TR, 1);
    return ERR_OK;
}

err_t stellaris_init(struct netif *netif)
{
    const uint8_t *mac = (const uint8_t *)netif->state;

    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->hwaddr_len = 6;
    memcpy(netif->hwaddr, mac, 6);
    netif->mtu = 1500;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
    netif->output = etharp_output;
    netif->linkoutput = send_frame;

    STELLARIS_WRITE(IA0, mac[0] | (uint32_t)mac[1] << 8 | (uint32_t)mac[2] << 16 | (uint32_t)mac[3] << 24);
    STELLARIS_WRITE(IA1, mac[4] | (uint32_t)mac[5] << 8);
    reset_receiver();
    STELLARIS_WRITE(TCTL, TX_ENABLE | TX_PAD | TX_CRC);
    return ERR_OK;
}
