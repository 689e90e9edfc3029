/* main.c: the device over Ethernet and lwIP. */
#define XMPP_IO_LWIP_IMPLEMENTATION
#include "xmpp_io_lwip.h"
#include "board.h"
#include "device.h"
#include "stellaris.h"
#include "lwip/dhcp.h"
#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/timeouts.h"
#include "netif/ethernet.h"

#ifndef ADDRESS                 /* of the device, where DHCP does not tell; those of QEMU's own network */
#define ADDRESS IPADDR4_INIT_BYTES(10, 0, 2, 15)
#define NETMASK IPADDR4_INIT_BYTES(255, 255, 255, 0)
#define GATEWAY IPADDR4_INIT_BYTES(10, 0, 2, 2)
#endif

static struct netif netif;

/* ---- what lwIP needs ---- */

u32_t sys_now(void)
{
    return board_millis();
}

uint32_t lwip_random(void)
{
    uint32_t n = 0;

    (void)board_random(&n, sizeof n);   /* without: TLS refuses to start anyway */
    return n;
}

void lwip_assertion_failed(int line)
{
    (void)line;                         /* for a breakpoint */
    board_print("lwIP: assertion failed\n");
    board_exit(97);
}

/* ---- what xmpp_io_lwip.h needs ---- */

static int random_bytes(void *ctx, void *out, size_t n)
{
    (void)ctx;
    return board_random(out, n) ? XMPP_OK : XMPP_E_ENTROPY;
}

static uint32_t utc(void *ctx)
{
    (void)ctx;
    return board_utc();
}

/* A board of yours may sleep here for ms, or until Ethernet has an interrupt or lwIP's next timer is due. */
static void idle(void *ctx, uint32_t ms)
{
    (void)ctx;
    (void)ms;
    stellaris_poll(&netif);
    sys_check_timeouts();
}

static const xmpp_lwip_platform platform = { .random = random_bytes, .utc = utc, .idle = idle };

int main(void)
{
    static uint8_t mac[6] = { 0x02, 0, 0, 0, 0, 1 };    /* yours is in the chip, or on a label */
    static xmpp_lwip net;
#if LWIP_DHCP
    static const ip4_addr_t none;
    const ip4_addr_t *address = &none, *netmask = &none, *gateway = &none;
#else
    static const ip4_addr_t own = ADDRESS, mask = NETMASK, router = GATEWAY;
    const ip4_addr_t *address = &own, *netmask = &mask, *gateway = &router;
#endif

    board_init();
    lwip_init();
    if (netif_add(&netif, address, netmask, gateway, mac, stellaris_init, ethernet_input) == NULL)
        return 1;
    netif_set_default(&netif);
    netif_set_up(&netif);
#if LWIP_DHCP
    if (dhcp_start(&netif) != ERR_OK)
        return 1;
    while (!dhcp_supplied_address(&netif)) {            /* a login that fails for want of it is tried anew much later */
        idle(NULL, 0);
        board_watchdog_feed();
    }
#endif
    return device_run(xmpp_lwip_io(&net, &platform, NULL));
}
