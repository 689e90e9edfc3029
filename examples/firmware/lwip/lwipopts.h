/* lwipopts.h: lwIP as small as an XMPP device needs it. What costs RAM stands with its bytes on a 32-bit CPU and why it
   is what it is; 8.3 KB in all, 0.8 KB more with DHCP and DNS. Copy it, raise what your device does besides. */
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

/* ---- a main loop, no operating system ---- */
#define NO_SYS                  1
#define SYS_LIGHTWEIGHT_PROT    0               /* lwIP is called from the main loop alone, never from an interrupt */
#define LWIP_SOCKET             0
#define LWIP_NETCONN            0

/* ---- protocols ---- */
#define LWIP_IPV4               1
#ifndef LWIP_IPV6
#define LWIP_IPV6               0               /* xmpp_io_lwip.h knows both */
#endif
#define LWIP_TCP                1
#define LWIP_ICMP               1               /* answers pings: whoever installs the device will try one */
#define LWIP_RAW                0
#ifndef LWIP_DHCP
#define LWIP_DHCP               0               /* 0: the address in main.c. 1: 9 KB of flash more, with UDP and DNS */
#endif
#define LWIP_DNS                LWIP_DHCP       /* host names; DHCP says whom to ask */
#define LWIP_UDP                LWIP_DHCP       /* for DHCP, DNS, and account.dns of xmpp.h */
#define DNS_TABLE_SIZE          2               /* 2 * 280 bytes */
#define DNS_MAX_NAME_LENGTH     256
#define IP_REASSEMBLY           0               /* nobody here needs fragments; who sends some gets no memory of ours */
#define IP_FRAG                 0
#define LWIP_STATS              0

/* ---- TCP ---- */
#define TCP_MSS                 536             /* what every host takes. 1460 is faster, with 1.5 KB a frame */
#define TCP_WND                 (4 * TCP_MSS)   /* a flight of the TLS handshake, 1.2 KB with two P-256 certificates */
#define TCP_SND_BUF             (2 * TCP_MSS)   /* a record of 512 bytes on its way, another being written */
#define TCP_SND_QUEUELEN        8               /* segments in it: a stanza is one, SND_BUF 2 to 8 of them */
#define TCP_OVERSIZE            0               /* Nagle's algorithm is off: what is written goes out as it is */
#define TCP_QUEUE_OOSEQ         0               /* after a lost frame the peer sends all behind it again */
#define LWIP_TCP_KEEPALIVE      0               /* the client's own pings find a dead link, whoever is in between */
/* RFC 6528's aim: nobody guesses the first number or the port */
#define LWIP_HOOK_TCP_ISN(local, local_port, remote, remote_port) lwip_random()
#define LWIP_RANDOMIZE_INITIAL_LOCAL_PORTS 1

/* ---- memory: all of it is set aside at compile time ---- */
#define MEM_ALIGNMENT           4
#define ETH_PAD_SIZE            2               /* so that IP headers lie at multiples of 4 */
#define PBUF_POOL_BUFSIZE       596             /* a full segment: 536, TCP and IP 40, Ethernet 14, pad 2, rounded */
#define PBUF_POOL_SIZE          8               /* 8 * 612: TCP_WND full (4), and 4 for acknowledgements, ARP and what
                                                   the network says to everybody (a full frame of that takes 3) */
#define MEM_SIZE                2400            /* frames to be sent: TCP_SND_BUF as 2 segments (2 * 640), and beside
                                                   them what is small (FIN, ARP, DNS, a ping: 80 to 640 each) */
#define MEMP_NUM_PBUF           4               /* 4 * 16: lwIP's own references */
#define MEMP_NUM_TCP_PCB        2               /* 2 * 152: a connection, and the last one being closed */
#define MEMP_NUM_TCP_PCB_LISTEN 1               /* 28: nobody listens, but lwIP wants 1 */
#define MEMP_NUM_TCP_SEG        10              /* 10 * 16: TCP_SND_QUEUELEN, and the other connection's FIN */
#define MEMP_NUM_UDP_PCB        (LWIP_DHCP + LWIP_DNS + LWIP_UDP)
#define ARP_TABLE_SIZE          4               /* 4 * 24: the gateway, and who else is near */
#define ARP_QUEUEING            0               /* of what waits for ARP the newest frame alone */

#endif
