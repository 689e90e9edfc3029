#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#define ZSOCK_POLLIN  1
#define ZSOCK_POLLOUT 4
#define ZVFS_F_SETFL  4
#define ZVFS_O_NONBLOCK 0x4000
#define SOL_SOCKET 1
#define SO_ERROR   4
enum { SOCK_STREAM = 1, SOCK_DGRAM = 2 };
enum { IPPROTO_TCP = 6, IPPROTO_UDP = 17 };
struct sockaddr;
typedef size_t socklen_t;
struct zsock_pollfd { int fd; short events, revents; };
struct zsock_addrinfo {
    struct zsock_addrinfo *ai_next;
    int ai_flags, ai_family, ai_socktype, ai_protocol;
    socklen_t ai_addrlen;
    struct sockaddr *ai_addr;
    char *ai_canonname;
};
int     zsock_socket(int family, int type, int proto);
int     zsock_close(int sock);
int     zsock_connect(int sock, const struct sockaddr *addr, socklen_t addrlen);
ssize_t zsock_send(int sock, const void *buf, size_t len, int flags);
ssize_t zsock_recv(int sock, void *buf, size_t max_len, int flags);
int     zsock_fcntl(int sock, int cmd, int flags);
int     zsock_poll(struct zsock_pollfd *fds, int nfds, int timeout);
int     zsock_getsockopt(int sock, int level, int optname, void *optval, socklen_t *optlen);
int     zsock_getaddrinfo(const char *host, const char *service, const struct zsock_addrinfo *hints, struct zsock_addrinfo **res);
void    zsock_freeaddrinfo(struct zsock_addrinfo *ai);
