/* stellaris.h: lwIP's driver for the Ethernet controller of TI's LM3S6965, as QEMU's machine lm3s6965evb has it. An
   example of what a driver has to give; silicon wants its clocks, pins and PHY set up as well. */
#ifndef STELLARIS_H
#define STELLARIS_H

#include "lwip/netif.h"

/* For netif_add, whose state is the address of the 6 bytes of a MAC address. */
err_t stellaris_init(struct netif *netif);
/* Hands the frames that have come to netif->input. From the main loop, each turn. */
void  stellaris_poll(struct netif *netif);

#endif
