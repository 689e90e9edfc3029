/* What the declarations beside this promise, over the host's sockets and clocks: the sample runs, Zephyr does not. */
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct zsock_addrinfo {
    struct zsock_addrinfo *ai_next;
    int ai_flags, ai_family, ai_socktype, ai_protocol;
    size_t ai_addrlen;
    struct sockaddr *ai_addr;
    char *ai_canonname;
};

int64_t k_uptime_get(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
uint32_t k_uptime_get_32(void) { return (uint32_t)k_uptime_get(); }
int sys_csrand_get(void *dst, size_t len) { return getrandom(dst, len, 0) == (ssize_t)len ? 0 : -5; }

struct sntp_time { uint64_t seconds; uint32_t fraction; };
int sntp_simple(const char *server, uint32_t timeout, struct sntp_time *ts)
{
    (void)server, (void)timeout;
    ts->seconds = (uint64_t)time(NULL);
    return 0;
}

int zsock_socket(int family, int type, int proto) { return socket(family, type, proto); }
int zsock_close(int sock) { return close(sock); }
int zsock_connect(int sock, const struct sockaddr *addr, size_t n) { return connect(sock, addr, (socklen_t)n); }
ssize_t zsock_send(int sock, const void *buf, size_t len, int flags) { return send(sock, buf, len, flags | MSG_NOSIGNAL); }
ssize_t zsock_recv(int sock, void *buf, size_t len, int flags) { return recv(sock, buf, len, flags); }
int zsock_poll(struct pollfd *fds, int nfds, int timeout) { return poll(fds, (nfds_t)nfds, timeout); }
int zsock_fcntl(int sock, int cmd, int flags)
{
    return cmd == 4 && flags == 0x4000 ? fcntl(sock, F_SETFL, O_NONBLOCK) : -1;
}
int zsock_getsockopt(int sock, int level, int name, void *value, size_t *n)
{
    socklen_t len = (socklen_t)*n;
    int e = getsockopt(sock, level, name, value, &len);
    *n = len;
    return e;
}
void zsock_freeaddrinfo(struct zsock_addrinfo *ai) { free(ai); }
int zsock_getaddrinfo(const char *host, const char *service, const struct zsock_addrinfo *hints, struct zsock_addrinfo **res)
{
    struct addrinfo h, *found;
    int e;

    memset(&h, 0, sizeof h);
    h.ai_socktype = hints->ai_socktype;
    h.ai_protocol = hints->ai_protocol;
    e = getaddrinfo(host, service, &h, &found);
    if (e != 0)
        return e;
    *res = calloc(1, sizeof **res + found->ai_addrlen);     /* the first one alone */
    (*res)->ai_family = found->ai_family;
    (*res)->ai_socktype = found->ai_socktype;
    (*res)->ai_protocol = found->ai_protocol;
    (*res)->ai_addrlen = found->ai_addrlen;
    (*res)->ai_addr = memcpy(*res + 1, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return 0;
}
