/* lwipopts.h: lwIP on the host, as tests of xmpp_io_lwip.h want it: a clock and a network of the test's own. POOLS 0: every
   pbuf and connection is a block of malloc, which AddressSanitizer watches and the test can refuse. POOLS 1: small pools. */
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

#include <stddef.h>

#define NO_SYS                      1
#define SYS_LIGHTWEIGHT_PROT        0
#define LWIP_TIMERS_CUSTOM          1           /* lwIP takes a timer that finds no memory for a bug */
#define LWIP_SOCKET                 0
#define LWIP_NETCONN                0
#define LWIP_HAVE_LOOPIF            1
#define LWIP_IPV6                   1
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS 0
#define LWIP_IPV6_SEND_ROUTER_SOLICIT 0
#define LWIP_DNS                    1
#define LWIP_DHCP                   0
#define IP_REASSEMBLY               0
#define LWIP_IPV6_REASS             0
#define DNS_MAX_RETRIES             2
#define ETH_PAD_SIZE                2           /* for the driver's test */
#define MEM_ALIGNMENT               8
#define TCP_MSS                     536
#define TCP_WND                     (4 * TCP_MSS)
#define TCP_SND_BUF                 (2 * TCP_MSS)
#define TCP_SND_QUEUELEN            8
#define TCP_QUEUE_OOSEQ             0
#define PBUF_POOL_SIZE              12
#define MEMP_NUM_TCP_SEG            64
#define LWIP_STATS                  0
#define CHECKSUM_CHECK_IP           0           /* the hostile peer need not compute them */
#define CHECKSUM_CHECK_TCP          0
#define LWIP_RANDOMIZE_INITIAL_LOCAL_PORTS 1

#if POOLS
#define LWIP_NETIF_TX_SINGLE_PBUF   0
#define MEM_SIZE                    8000
#define MEMP_NUM_TCP_PCB            2
#else
#define MEM_LIBC_MALLOC             1
#define MEMP_MEM_MALLOC             1
void *test_malloc(size_t n);
void *test_calloc(size_t n, size_t size);
void  test_free(void *p);
#define mem_clib_malloc test_malloc
#define mem_clib_calloc test_calloc
#define mem_clib_free   test_free
#endif

#endif
