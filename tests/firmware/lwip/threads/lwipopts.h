/* lwipopts.h: lwIP in a thread of its own, with the port for Unix that Debian's package has. */
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

#define NO_SYS                  0
#define LWIP_TCPIP_CORE_LOCKING 1
#define LWIP_SOCKET             0
#define LWIP_NETCONN            0
#define LWIP_HAVE_LOOPIF        1
#define LWIP_NETIF_LOOPBACK_MULTITHREADING 1
#define LWIP_IPV6               0
#define MEM_LIBC_MALLOC         1
#define MEMP_MEM_MALLOC         1
#define MEM_ALIGNMENT           8
#define TCP_MSS                 536
#define TCP_WND                 (4 * TCP_MSS)
#define TCP_SND_BUF             (12 * TCP_MSS)
#define MEMP_NUM_TCP_SEG        64
#define TCPIP_MBOX_SIZE         64
#define LWIP_STATS              0

/* the port's: any call of lwIP without the lock ends the test */
void sys_check_core_locking(void);
void sys_mark_tcpip_thread(void);
void sys_lock_tcpip_core(void);
void sys_unlock_tcpip_core(void);
#define LWIP_ASSERT_CORE_LOCKED() sys_check_core_locking()
#define LWIP_MARK_TCPIP_THREAD()  sys_mark_tcpip_thread()
#define LOCK_TCPIP_CORE()         sys_lock_tcpip_core()
#define UNLOCK_TCPIP_CORE()       sys_unlock_tcpip_core()

#endif
