/* The options of lwIP that the port needs. */
#define NO_SYS                 0
#define LWIP_SOCKET            1
#define LWIP_SOCKET_POLL       1
#define LWIP_DNS               1
#define LWIP_COMPAT_SOCKETS    0
#define LWIP_IPV6              0
#define SYS_LIGHTWEIGHT_PROT   1
#define LWIP_TIMEVAL_PRIVATE   0
#define LWIP_ERRNO_STDINCLUDE  1
