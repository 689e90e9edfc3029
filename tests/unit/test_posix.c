/* TCP over POSIX sockets, against a listener on the loopback in this program. */
#define XMPP_IMPLEMENTATION
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <signal.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Name resolution is replaced: the addresses of the name "several" are the test's own choice, and
   no name server is asked for others. */
static struct addrinfo fake[4];
static struct sockaddr_in fake_to[4];
static int fake_freed;

/* Calls of the system that fail: the number of the call that does, counted from 1, and with what. The device of random
   numbers: read gives at most device_gives bytes, 0 at its end. */
static struct { int nth, error; } fail_fcntl, fail_connect, fail_getsockopt, fail_clock, fail_recv, fail_send, fail_read, fail_resolve;
static size_t device_gives = SIZE_MAX;
static time_t now_is = 1;

#define FAILS(what) ((what).nth > 0 && --(what).nth == 0 ? (errno = (what).error, true) : false)

static int test_fcntl(int fd, int command, int arg) { return FAILS(fail_fcntl) ? -1 : fcntl(fd, command, arg); }
static int test_fcntl_get(int fd, int command) { return test_fcntl(fd, command, 0); }
static int test_connect(int fd, const struct sockaddr *to, socklen_t n)
{
    int r = connect(fd, to, n);
    return FAILS(fail_connect) ? -1 : r;
}
static int test_getsockopt(int fd, int level, int option, void *value, socklen_t *n)
{
    return FAILS(fail_getsockopt) ? -1 : getsockopt(fd, level, option, value, n);
}
static int test_clock_gettime(clockid_t id, struct timespec *t) { return FAILS(fail_clock) ? -1 : clock_gettime(id, t); }
static ssize_t test_recv(int fd, void *buf, size_t n, int flags) { return FAILS(fail_recv) ? -1 : recv(fd, buf, n, flags); }
static ssize_t test_send(int fd, const void *buf, size_t n, int flags) { return FAILS(fail_send) ? -1 : send(fd, buf, n, flags); }
static ssize_t test_read(int fd, void *buf, size_t n)
{
    return FAILS(fail_read) ? -1 : read(fd, buf, n < device_gives ? n : device_gives);
}
static time_t test_time(time_t *out) { (void)out; return now_is; }

static int test_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                            struct addrinfo **list)
{
    struct addrinfo h = *hints;
    if (strcmp(host, "localhost") != 0)
        h.ai_flags |= AI_NUMERICHOST;
    if (fail_resolve.nth > 0 && --fail_resolve.nth == 0) {
        errno = fail_resolve.error;
        return EAI_SYSTEM;
    }
    if (strcmp(host, "several") != 0)
        return getaddrinfo(host, port, &h, list);
    *list = fake;
    return 0;
}

static void test_freeaddrinfo(struct addrinfo *list)
{
    if (list == fake)
        fake_freed++;
    else
        freeaddrinfo(list);
}

/* How getrandom behaves: 0 as it does; 1 gives a byte at a time and is interrupted in between; 2 is
   missing; 3 goes missing in the middle; 4 gives nothing. */
static int random_mode, random_calls;
static ssize_t test_getrandom(void *buf, size_t n, unsigned flags)
{
    random_calls++;
    if (random_mode == 4)
        return 0;
    if (random_mode == 0)
        return getrandom(buf, n, flags);
    if (random_mode == 1 && random_calls % 2 == 0) {
        errno = EINTR;
        return -1;
    }
    if (random_mode == 1 || (random_mode == 3 && random_calls < 3)) {
        *(unsigned char *)buf = 0xa5;
        return 1;
    }
    errno = ENOSYS;
    return -1;
}
static char resolv_conf[64] = "/nonexistent/resolv.conf";
#define XMPPI_POSIX_RESOLV resolv_conf
#define getrandom    test_getrandom
#define getaddrinfo  test_getaddrinfo
#define freeaddrinfo test_freeaddrinfo
#define FOURTH(a, b, c, d, ...) d
#define fcntl(...) FOURTH(__VA_ARGS__, test_fcntl, test_fcntl_get, )(__VA_ARGS__)
#define connect        test_connect
#define getsockopt     test_getsockopt
#define clock_gettime  test_clock_gettime
#define FIFTH(a, b, c, d, e, ...) e     /* recv and send of a transport have three arguments, and stay what they are */
#define recv(...) FIFTH(__VA_ARGS__, test_recv, recv, )(__VA_ARGS__)
#define send(...) FIFTH(__VA_ARGS__, test_send, send, )(__VA_ARGS__)
#define read           test_read
#define time(out)      test_time(out)
#include "xmpp.h"
#undef fcntl
#undef connect
#undef getsockopt
#undef clock_gettime
#undef recv
#undef send
#undef read
#undef time
#include <cmocka.h>

static xmpp_posix net;
static xmpp_io io;
static int listener = -1, peer = -1;
static uint16_t port;

/* A socket on a free port of loopback. */
static int bound_socket(int type, uint16_t *where)
{
    struct sockaddr_in a;
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, type, 0);
    assert_true(fd >= 0);
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    *where = ntohs(a.sin_port);
    return fd;
}

static int listen_on(uint16_t *where, int backlog)
{
    int fd = bound_socket(SOCK_STREAM, where);

    assert_int_equal(listen(fd, backlog), 0);
    return fd;
}

/* A port that refuses. */
static uint16_t closed_port(void)
{
    uint16_t p;
    close(listen_on(&p, 1));
    return p;
}

static int setup(void **state)
{
    (void)state;
    io = xmpp_posix_io(&net);
    listener = listen_on(&port, 8);
    peer = -1;
    fake_freed = random_mode = random_calls = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    xmpp_posix_close(&net);
    close(listener);
    if (peer >= 0)
        close(peer);
    peer = -1;
    return 0;
}

static int open_to(const char *host, uint16_t where)
{
    xmpp_target to;
    memset(&to, 0, sizeof to);
    to.host = host;
    to.tls_name = host;
    to.port = where;
    return io.ops->open(io.ctx, &to);
}

/* Sends one byte as soon as it goes. */
static int send_one(void)
{
    int r, rounds;
    for (rounds = 0; rounds < 1000; rounds++) {
        r = io.ops->send(io.ctx, "x", 1);
        if (r != 0)
            return r;
        io.ops->wait(io.ctx, io.ops->wants(io.ctx), 100);
    }
    return 0;
}

static void connect_to_listener(void)
{
    assert_int_equal(open_to("127.0.0.1", port), XMPP_OK);
    assert_int_equal(send_one(), 1);
    peer = accept(listener, NULL, NULL);
    assert_true(peer >= 0);
}

static void reason_is(int error, const char *words)
{
    const char *w = NULL;
    assert_int_equal(io.ops->reason(io.ctx, &w), error);
    assert_string_equal(w, words);
}

/* reason_is with words made of a place and what the system says to an error. */
static void fails_with(int error, const char *place, uint16_t where, int cause)
{
    char words[128];
    snprintf(words, sizeof words, "%s port %u: %s", place, (unsigned)where, strerror(cause));
    reason_is(error, words);
}

static void several(const uint16_t *ports, size_t n)
{
    size_t i;
    memset(fake, 0, sizeof fake);
    memset(fake_to, 0, sizeof fake_to);
    for (i = 0; i < n; i++) {
        fake_to[i].sin_family = AF_INET;
        fake_to[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        fake_to[i].sin_port = htons(ports[i]);
        fake[i].ai_family = AF_INET;
        fake[i].ai_socktype = SOCK_STREAM;
        fake[i].ai_protocol = IPPROTO_TCP;
        fake[i].ai_addr = (struct sockaddr *)&fake_to[i];
        fake[i].ai_addrlen = sizeof fake_to[i];
        fake[i].ai_next = i + 1 < n ? &fake[i + 1] : NULL;
    }
}

static void test_connect_and_talk(void **state)
{
    char buf[8];
    (void)state;
    assert_int_equal(xmpp_posix_fd(&net), -1);
    assert_int_equal(io.ops->wants(io.ctx), 0);
    connect_to_listener();
    assert_true(xmpp_posix_fd(&net) >= 0);
    assert_int_equal(io.ops->wants(io.ctx), XMPP_WANT_READ);
    assert_int_equal(read(peer, buf, sizeof buf), 1);
    assert_int_equal(buf[0], 'x');
    assert_int_equal(io.ops->recv(io.ctx, buf, sizeof buf), 0);
    assert_int_equal(write(peer, "hello", 5), 5);
    io.ops->wait(io.ctx, XMPP_WANT_READ, XMPP_FOREVER);
    assert_int_equal(io.ops->recv(io.ctx, buf, 0), 0); /* no room is not the end */
    assert_int_equal(io.ops->recv(io.ctx, buf, 3), 3);
    assert_int_equal(io.ops->recv(io.ctx, buf + 3, 5), 2);
    assert_memory_equal(buf, "hello", 5);
    assert_int_equal(io.ops->send(io.ctx, buf, 0), 0);
    assert_null(io.ops->start_tls);
    assert_int_equal(io.ops->close(io.ctx, false), 1);
    assert_int_equal(io.ops->close(io.ctx, true), 1);
    assert_int_equal(xmpp_posix_fd(&net), -1);
    assert_int_equal(io.ops->send(io.ctx, "x", 1), XMPP_IO_ERROR);
    assert_int_equal(io.ops->recv(io.ctx, buf, 1), XMPP_IO_ERROR);
    assert_int_equal(read(peer, buf, sizeof buf), 0);
}

static void test_open_again(void **state)
{
    (void)state;
    connect_to_listener();
    close(peer);
    connect_to_listener(); /* without a close between */
    io.ops->close(io.ctx, true);
    close(peer);
    connect_to_listener();
}

static void test_socket_options(void **state)
{
    int v = 0;
    socklen_t n = sizeof v;
    (void)state;
    connect_to_listener();
    assert_int_equal(getsockopt(net.fd, IPPROTO_TCP, TCP_NODELAY, &v, &n), 0);
    assert_int_not_equal(v, 0);
    assert_true((fcntl(net.fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_true((fcntl(net.fd, F_GETFL) & O_NONBLOCK) != 0);
    assert_true((fcntl(net.wake[0], F_GETFD) & FD_CLOEXEC) != 0);
    assert_true((fcntl(net.wake[1], F_GETFL) & O_NONBLOCK) != 0);
}

static void test_localhost_by_name(void **state)
{
    (void)state;
    assert_int_equal(open_to("localhost", port), XMPP_OK); /* ::1 may come first, and refuses */
    assert_int_equal(send_one(), 1);
}

static void test_literals(void **state)
{
    struct sockaddr_in6 a;
    socklen_t n = sizeof a;
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    (void)state;
    memset(&a, 0, sizeof a);
    a.sin6_family = AF_INET6;
    a.sin6_addr = in6addr_loopback;
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0) {
        if (fd >= 0)
            close(fd);
        skip(); /* no IPv6 here */
    }
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    assert_int_equal(open_to("::1", ntohs(a.sin6_port)), XMPP_OK);
    assert_int_equal(send_one(), 1);
    assert_int_equal(open_to("[::1]", ntohs(a.sin6_port)), XMPP_OK); /* as in a JID */
    assert_int_equal(send_one(), 1);
    close(fd);
}

static void test_brackets(void **state)
{
    static const char *const bad[] = {"[", "[]", "[::1", "[127.0.0.1]x"};
    char text[80];
    size_t i;
    (void)state;
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(open_to(bad[i], port), XMPP_E_RESOLVE);
    for (i = 62; i <= 66; i++) { /* around the room for a literal */
        memset(text, '1', i);
        text[0] = '[';
        text[i - 1] = ']';
        text[i] = '\0';
        assert_int_equal(open_to(text, port), XMPP_E_RESOLVE);
    }
}

static void test_refused(void **state)
{
    uint16_t p = closed_port();
    char buf[1];
    (void)state;
    if (open_to("127.0.0.1", p) == XMPP_OK) {
        assert_int_equal(send_one(), XMPP_IO_ERROR);
        assert_int_equal(io.ops->wants(io.ctx), XMPP_WANT_NOW);
    }
    fails_with(XMPP_E_CONNECT, "connect to 127.0.0.1", p, ECONNREFUSED);
    assert_int_equal(io.ops->recv(io.ctx, buf, 1), XMPP_IO_ERROR);
    assert_int_equal(io.ops->send(io.ctx, "x", 1), XMPP_IO_ERROR);
    assert_int_equal(xmpp_posix_fd(&net), -1);
    assert_int_equal(io.ops->close(io.ctx, false), 1);
    fails_with(XMPP_E_CONNECT, "connect to 127.0.0.1", p, ECONNREFUSED); /* until the next open */
    assert_int_equal(io.ops->reason(io.ctx, NULL), XMPP_E_CONNECT);
    connect_to_listener();
    assert_int_equal(io.ops->reason(io.ctx, NULL), XMPP_OK);
}

static void test_unknown_name(void **state)
{
    const char *w;
    (void)state;
    assert_int_equal(open_to("host.invalid", 5222), XMPP_E_RESOLVE);
    assert_int_equal(io.ops->reason(io.ctx, &w), XMPP_E_RESOLVE);
    assert_memory_equal(w, "connect to host.invalid port 5222: ", 35);
    assert_true(strlen(w) > 35);
    assert_int_equal(io.ops->send(io.ctx, "x", 1), XMPP_IO_ERROR);
    assert_int_equal(xmpp_posix_fd(&net), -1);
}

static void test_long_names_in_words(void **state)
{
    char host[300], start[160];
    size_t n;
    const char *w;
    (void)state;
    for (n = 47; n <= 49; n++) {
        memset(host, 'a', n);
        host[n] = '\0';
        assert_int_equal(open_to(host, 65535), XMPP_E_RESOLVE);
        assert_int_equal(io.ops->reason(io.ctx, &w), XMPP_E_RESOLVE);
        snprintf(start, sizeof start, "connect to %.48s%s port 65535: ", host,
                 n > 48 ? "..." : "");
        assert_memory_equal(w, start, strlen(start));
        assert_true(strlen(w) > strlen(start));
        assert_true(sizeof net.words - 1 - strlen(start) >= strlen("Non-recoverable failure in name resolution"));
    }
    memset(host, 'b', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    assert_int_equal(open_to(host, 1), XMPP_E_RESOLVE);
    assert_int_equal(io.ops->reason(io.ctx, &w), XMPP_E_RESOLVE);
    assert_true(strlen(w) < sizeof net.words);
}

static void test_words_are_bounded(void **state)
{
    char cause[400];
    (void)state;
    memset(cause, 'c', sizeof cause - 1);
    cause[sizeof cause - 1] = '\0';
    net.words_n = 75;
    xmppi_posix_cause(&net, XMPP_E_CONNECT, cause);
    assert_int_equal(strlen(net.words + 75), sizeof net.words - 76);
}

static void test_next_address_when_refused(void **state)
{
    uint16_t ports[3];
    (void)state;
    ports[0] = closed_port();
    ports[1] = closed_port();
    ports[2] = port;
    several(ports, 3);
    assert_int_equal(open_to("several", 5222), XMPP_OK);
    assert_int_equal(send_one(), 1);
    assert_int_equal(fake_freed, 1);
}

static void test_all_refuse(void **state)
{
    uint16_t ports[2];
    (void)state;
    ports[0] = closed_port();
    ports[1] = closed_port();
    several(ports, 2);
    fake[0].ai_family = AF_UNIX; /* fails at once, in another way */
    if (open_to("several", 5222) == XMPP_OK)
        assert_int_equal(send_one(), XMPP_IO_ERROR);
    fails_with(XMPP_E_CONNECT, "connect to several", 5222, ECONNREFUSED); /* the last one's cause */
    assert_int_equal(fake_freed, 1);
}

static void test_first_fails_at_once(void **state)
{
    uint16_t ports[2];
    (void)state;
    ports[0] = ports[1] = port;
    several(ports, 2);
    fake[0].ai_family = -1;
    assert_int_equal(open_to("several", 5222), XMPP_OK);
    assert_int_equal(send_one(), 1);
    several(ports, 2);
    fake_to[0].sin_addr.s_addr = htonl(INADDR_BROADCAST); /* connect itself says no */
    assert_int_equal(open_to("several", 5222), XMPP_OK);
    assert_int_equal(send_one(), 1);
    several(ports, 2);
    fake[0].ai_family = fake[1].ai_family = -1;
    assert_int_equal(open_to("several", 5222), XMPP_E_CONNECT);
    assert_int_equal(io.ops->wants(io.ctx), XMPP_WANT_NOW);
    assert_int_equal(fake_freed, 3);
}

/* Connects somewhere that does not answer: a listener whose backlog is full. Returns how many
   connections fill it, or 0 when this system cannot do it. */
static int fill(int *full, int *fds, int max, uint16_t *where)
{
    struct sockaddr_in a;
    struct pollfd f;
    int n;
    *full = listen_on(where, 0);
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a.sin_port = htons(*where);
    for (n = 0; n < max; n++) {
        fds[n] = socket(AF_INET, SOCK_STREAM, 0);
        assert_true(fds[n] >= 0);
        assert_int_equal(fcntl(fds[n], F_SETFL, O_NONBLOCK), 0);
        (void)connect(fds[n], (struct sockaddr *)&a, sizeof a);
        f.fd = fds[n];
        f.events = POLLOUT;
        if (poll(&f, 1, 50) == 0)
            return n + 1;
    }
    return -n;
}

static void test_silent_address(void **state)
{
    uint16_t ports[2];
    int full, fds[8], n, i;
    (void)state;
    n = fill(&full, fds, 8, &ports[0]);
    ports[1] = port;
    several(ports, 2);
    if (n > 0) {
        assert_int_equal(open_to("several", 5222), XMPP_OK);
        assert_int_equal(io.ops->send(io.ctx, "x", 1), 0);
        assert_int_equal(io.ops->recv(io.ctx, ports, 1), 0);
        assert_int_equal(io.ops->wants(io.ctx), XMPP_WANT_WRITE);
        net.started -= 9000;
        assert_int_equal(io.ops->send(io.ctx, "x", 1), 0);
        assert_ptr_equal(net.at, &fake[1]); /* still the first */
        net.started -= 1000;
        assert_int_equal(io.ops->wait(io.ctx, XMPP_WANT_WRITE, XMPP_FOREVER),
                         0); /* does not wait: its time is up */
        assert_int_equal(io.ops->wants(io.ctx), XMPP_WANT_WRITE);
        assert_null(net.at); /* the second */
        assert_int_equal(send_one(), 1);
        several(ports, 1);
        assert_int_equal(open_to("several", 5222), XMPP_OK);
        net.started -= 10000;
        assert_int_equal(io.ops->wants(io.ctx), XMPP_WANT_NOW);
        fails_with(XMPP_E_CONNECT, "connect to several", 5222, ETIMEDOUT);
    }
    for (i = 0; i < (n < 0 ? -n : n); i++)
        close(fds[i]);
    close(full);
    if (n <= 0)
        skip();
}

static void test_close_while_connecting(void **state)
{
    uint16_t ports[2];
    (void)state;
    ports[0] = ports[1] = closed_port();
    several(ports, 2);
    (void)open_to("several", 5222);
    assert_int_equal(io.ops->close(io.ctx, true), 1);
    assert_int_equal(fake_freed, 1);
    assert_int_equal(io.ops->wants(io.ctx), 0);
    (void)open_to("several", 5222);
    xmpp_posix_close(&net); /* twice, with teardown */
    assert_int_equal(fake_freed, 2);
}

static void test_eof(void **state)
{
    const char *words = NULL;
    char buf[4];
    (void)state;
    connect_to_listener();
    assert_int_equal(write(peer, "ab", 2), 2);
    assert_int_equal(read(peer, buf, 1), 1);
    close(peer);
    peer = -1;
    io.ops->wait(io.ctx, XMPP_WANT_READ, XMPP_FOREVER);
    assert_int_equal(io.ops->recv(io.ctx, buf, sizeof buf), 2);
    io.ops->wait(io.ctx, XMPP_WANT_READ, XMPP_FOREVER);
    assert_int_equal(io.ops->recv(io.ctx, buf, sizeof buf), XMPP_IO_EOF);
    assert_int_equal(io.ops->recv(io.ctx, buf, sizeof buf), XMPP_IO_EOF);
    assert_int_equal(io.ops->reason(io.ctx, &words), XMPP_OK);
    assert_null(words); /* it did not fail */
}

/* SIGPIPE keeps its default here: it would end the program. */
static void test_peer_gone(void **state)
{
    struct linger hard;
    int r, i;
    (void)state;
    connect_to_listener();
    hard.l_onoff = 1;
    hard.l_linger = 0;
    assert_int_equal(setsockopt(peer, SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
    close(peer); /* with a reset */
    peer = -1;
    for (i = 0, r = 0; i < 100 && r >= 0; i++)
        r = io.ops->send(io.ctx, "x", 1);
    assert_int_equal(r, XMPP_IO_ERROR);
    fails_with(XMPP_E_TRANSPORT, "127.0.0.1", port, ECONNRESET);
    for (i = 0; i < 3; i++)
        assert_int_equal(io.ops->send(io.ctx, "x", 1), XMPP_IO_ERROR);
    fails_with(XMPP_E_TRANSPORT, "127.0.0.1", port, EPIPE);
}

/* What the peer said before it went can be read after sending has failed. */
static void test_last_words(void **state)
{
    char buf[8];
    int i, r;
    (void)state;
    connect_to_listener();
    assert_int_equal(read(peer, buf, 1), 1);
    assert_int_equal(shutdown(net.fd, SHUT_WR), 0); /* so that sending fails */
    assert_int_equal(write(peer, "bye", 3), 3);
    for (i = 0, r = 0; i < 100 && r >= 0; i++)
        r = io.ops->send(io.ctx, "x", 1);
    assert_int_equal(r, XMPP_IO_ERROR);
    io.ops->wait(io.ctx, XMPP_WANT_READ, XMPP_FOREVER);
    assert_int_equal(io.ops->recv(io.ctx, buf, sizeof buf), 3);
}

static void test_slow_reader(void **state)
{
    static char out[65536], in[65536];
    size_t sent = 0, got = 0;
    ssize_t r;
    int n;
    (void)state;
    for (n = 0; n < (int)sizeof out; n++)
        out[n] = (char)(n * 7 % 251);
    connect_to_listener();
    assert_int_equal(read(peer, in, 1), 1);
    while ((n = io.ops->send(io.ctx, out + sent % sizeof out, sizeof out - sent % sizeof out)) >
           0) {
        sent += (size_t)n;
        assert_true(sent < 64u * 1024 * 1024); /* it gets full some day */
    }
    assert_int_equal(n, 0);
    assert_int_equal(io.ops->wait(io.ctx, XMPP_WANT_WRITE, 0), 0);
    while (got < sent) {
        r = read(peer, in, sizeof in);
        assert_true(r > 0);
        assert_int_equal(in[0], out[got % sizeof out]);
        got += (size_t)r;
    }
    assert_int_equal(got, sent);
    io.ops->wait(io.ctx, XMPP_WANT_WRITE, XMPP_FOREVER);
    assert_true(io.ops->send(io.ctx, out, 10) > 0); /* and then it goes on */
}

static void test_wake_before_wait(void **state)
{
    int i;
    (void)state;
    xmpp_posix_wake(&net);
    assert_int_equal(io.ops->wait(io.ctx, 0, XMPP_FOREVER), 1);
    assert_int_equal(io.ops->wait(io.ctx, 0, 0), 0); /* once is enough */
    for (i = 0; i < 200; i++)
        xmpp_posix_wake(&net);
    assert_int_equal(io.ops->wait(io.ctx, 0, XMPP_FOREVER), 1); /* many are one */
    assert_int_equal(io.ops->wait(io.ctx, 0, 0), 0);
}

static void test_wake_never_blocks(void **state)
{
    long i;
    (void)state;
    for (i = 0; i < 200000; i++) /* more than a pipe holds */
        xmpp_posix_wake(&net);
    assert_int_equal(io.ops->wait(io.ctx, 0, XMPP_FOREVER), 1);
    assert_int_equal(io.ops->wait(io.ctx, 0, 0), 0);
}

/* For a loop of one's own: no pipe, and waking does nothing. */
static void test_loop_io(void **state)
{
    (void)state;
    xmpp_posix_close(&net);
    io = xmpp_posix_loop_io(&net);
    assert_int_equal(net.wake[0], -1);
    assert_int_equal(net.wake[1], -1);
    xmpp_posix_wake(&net);
    assert_int_equal(io.ops->wait(io.ctx, 0, 0), 0);
    connect_to_listener();
    assert_int_equal(io.ops->wait(io.ctx, XMPP_WANT_WRITE, XMPP_FOREVER), 0);
}

static void *waker(void *arg)
{
    xmpp_posix_wake((xmpp_posix *)arg);
    return NULL;
}

static void test_wake_from_thread(void **state)
{
    pthread_t t;
    (void)state;
    connect_to_listener();
    assert_int_equal(pthread_create(&t, NULL, waker, &net), 0);
    assert_int_equal(io.ops->wait(io.ctx, XMPP_WANT_READ, XMPP_FOREVER), 1);
    assert_int_equal(pthread_join(t, NULL), 0);
}

static void on_signal(int sig)
{
    (void)sig;
    xmpp_posix_wake(&net);
}

static void *interrupt(void *arg)
{
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    return NULL;
}

static void test_wake_from_signal(void **state)
{
    struct sigaction a, old;
    pthread_t self = pthread_self(), t;
    int rounds = 0;
    (void)state;
    memset(&a, 0, sizeof a);
    a.sa_handler = on_signal;
    assert_int_equal(sigaction(SIGUSR1, &a, &old), 0);
    assert_int_equal(pthread_create(&t, NULL, interrupt, &self), 0);
    while (io.ops->wait(io.ctx, 0, XMPP_FOREVER) == 0) /* 0 when the signal cut it short */
        assert_true(++rounds < 100);
    assert_int_equal(pthread_join(t, NULL), 0);
    assert_int_equal(sigaction(SIGUSR1, &old, NULL), 0);
}

static void test_wait_limits(void **state)
{
    (void)state;
    connect_to_listener();
    assert_int_equal(io.ops->wait(io.ctx, XMPP_WANT_READ, 1), 0);
    assert_int_equal(io.ops->wait(io.ctx, XMPP_WANT_READ | XMPP_WANT_NOW, XMPP_FOREVER),
                     0); /* at once */
    assert_int_equal(write(peer, "x", 1), 1);
    assert_int_equal(io.ops->wait(io.ctx, XMPP_WANT_READ, UINT32_C(0xfffffffe)), 0);
    assert_int_equal(io.ops->wait(io.ctx, XMPP_WANT_READ, UINT32_C(0x80000000)), 0);
    assert_int_equal(io.ops->wait(io.ctx, XMPP_WANT_READ, UINT32_C(0x7fffffff)), 0);
}

static void test_random(void **state)
{
    unsigned char a[300], b[300];
    size_t n, i;
    (void)state;
    memset(a, 0, sizeof a);
    memset(b, 0, sizeof b);
    assert_int_equal(io.ops->random(io.ctx, a, sizeof a), XMPP_OK);
    assert_int_equal(io.ops->random(io.ctx, b, sizeof b), XMPP_OK);
    assert_memory_not_equal(a, b, sizeof a);
    for (i = 0; i + 16 <= sizeof a; i += 16) /* filled to the end */
        assert_memory_not_equal(a + i, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    for (n = 0; n < 4; n++) { /* and not further */
        memset(a, 0, sizeof a);
        assert_int_equal(io.ops->random(io.ctx, a, n), XMPP_OK);
        for (i = n; i < sizeof a; i++)
            assert_int_equal(a[i], 0);
    }
}

static void test_random_in_pieces(void **state)
{
    unsigned char a[5];
    (void)state;
    random_mode = 1;
    assert_int_equal(io.ops->random(io.ctx, a, 5), XMPP_OK);
    assert_int_equal(random_calls, 9);
    assert_memory_equal(a, "\xa5\xa5\xa5\xa5\xa5", 5);
}

/* Runs f with no file descriptor to be had. */
static void starved(void (*f)(void))
{
    struct rlimit was, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    none = was;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    f();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
}

static int result;
static unsigned char bytes[64];

static void get_random(void)
{
    result = io.ops->random(io.ctx, bytes, sizeof bytes);
}

static void test_random_without_getrandom(void **state)
{
    (void)state;
    for (random_mode = 2; random_mode <= 3; random_mode++) {
        random_calls = 0;
        memset(bytes, 0, sizeof bytes);
        get_random(); /* from the device */
        assert_int_equal(result, XMPP_OK);
        assert_memory_not_equal(bytes + 32, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
        starved(get_random); /* from nowhere: no weak numbers */
        assert_int_equal(result, XMPP_E_ENTROPY);
    }
    random_mode = 0;
    starved(get_random); /* needs no descriptor */
    assert_int_equal(result, XMPP_OK);
}

static void open_starved(void)
{
    result = open_to("127.0.0.1", port);
}

static void new_io_starved(void)
{
    io = xmpp_posix_io(&net);
}

static void test_no_descriptors(void **state)
{
    (void)state;
    starved(open_starved);
    assert_int_equal(result, XMPP_E_CONNECT);
    fails_with(XMPP_E_CONNECT, "connect to 127.0.0.1", port, EMFILE);
    assert_int_equal(xmpp_posix_fd(&net), -1);
    xmpp_posix_close(&net);
    starved(new_io_starved); /* no pipe: no waking, else as ever */
    assert_int_equal(net.wake[0], -1);
    assert_int_equal(net.wake[1], -1);
    xmpp_posix_wake(&net);
    connect_to_listener();
    assert_int_equal(io.ops->wait(io.ctx, XMPP_WANT_WRITE, XMPP_FOREVER), 0);
}

static void test_clocks(void **state)
{
    uint32_t t = io.ops->millis(io.ctx);
    (void)state;
    assert_true(io.ops->millis(io.ctx) - t < UINT32_C(0x80000000)); /* does not go back */
    assert_true(io.ops->utc(io.ctx) > UINT32_C(1600000000));
}

static void test_port_text(void **state)
{
    char text[6];
    (void)state;
    assert_string_equal(xmppi_posix_port(text, 0), "0");
    assert_string_equal(xmppi_posix_port(text, 9), "9");
    assert_string_equal(xmppi_posix_port(text, 10), "10");
    assert_string_equal(xmppi_posix_port(text, 5222), "5222");
    assert_string_equal(xmppi_posix_port(text, 65535), "65535");
}

/* ---- UDP, for name servers ---- */

static int open_udp(const char *host, uint16_t where)
{
    xmpp_target to;
    memset(&to, 0, sizeof to);
    to.host = host;
    to.tls_name = "";
    to.port = where;
    to.udp = to.dns = true;
    return io.ops->open(io.ctx, &to);
}

static int recv_some(char *buf, size_t n)
{
    int r, rounds;
    for (rounds = 0; rounds < 50; rounds++) {
        r = io.ops->recv(io.ctx, buf, n);
        if (r != 0)
            return r;
        io.ops->wait(io.ctx, XMPP_WANT_READ, 10);
    }
    return 0;
}

static void test_datagrams(void **state)
{
    struct sockaddr_in us;
    socklen_t n = sizeof us;
    uint16_t server_port, other_port;
    char buf[100];
    int server = bound_socket(SOCK_DGRAM, &server_port), other = bound_socket(SOCK_DGRAM, &other_port);
    (void)state;
    assert_int_equal(open_udp("127.0.0.1", server_port), XMPP_OK);
    assert_int_equal(io.ops->send(io.ctx, "question", 8), 8);
    assert_int_equal(io.ops->wants(io.ctx), XMPP_WANT_READ);
    assert_int_equal(recvfrom(server, buf, sizeof buf, 0, (struct sockaddr *)&us, &n), 8);
    assert_int_equal(sendto(other, "forged", 6, 0, (struct sockaddr *)&us, n), 6);  /* another port: not handed up */
    assert_int_equal(recv_some(buf, sizeof buf), 0);
    assert_int_equal(sendto(server, "", 0, 0, (struct sockaddr *)&us, n), 0);       /* an empty one is no end */
    assert_int_equal(sendto(server, "one", 3, 0, (struct sockaddr *)&us, n), 3);
    assert_int_equal(sendto(server, "second", 6, 0, (struct sockaddr *)&us, n), 6);
    assert_int_equal(recv_some(buf, sizeof buf), 3);                                /* one at a time */
    assert_int_equal(recv_some(buf, 4), 4);                                         /* what does not fit is lost */
    assert_memory_equal(buf, "seco", 4);
    assert_int_equal(recv_some(buf, sizeof buf), 0);
    close(server);
    close(other);
    io.ops->send(io.ctx, "x", 1);                                                   /* nobody there: an error, soon */
    assert_int_equal(recv_some(buf, sizeof buf), XMPP_IO_ERROR);
    /* a new socket has another port */
    server = bound_socket(SOCK_DGRAM, &server_port);
    assert_int_equal(open_udp("127.0.0.1", server_port), XMPP_OK);
    assert_int_equal(io.ops->send(io.ctx, "question", 8), 8);
    other_port = us.sin_port;
    assert_int_equal(recvfrom(server, buf, sizeof buf, 0, (struct sockaddr *)&us, &n), 8);
    assert_int_not_equal(us.sin_port, other_port);
    assert_int_equal(open_udp("a.name.example", server_port), XMPP_E_RESOLVE);      /* addresses alone */
    close(server);
}

static void test_unacknowledged(void **state)
{
    (void)state;
    assert_int_equal(open_to("127.0.0.1", port), XMPP_OK);
#ifdef TCP_USER_TIMEOUT
    {
        unsigned ms = 0;
        int alive = 1;
        socklen_t n = sizeof ms, k = sizeof alive;
        assert_int_equal(getsockopt(net.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, &n), 0);
        assert_int_equal(ms, 60000);
        assert_int_equal(getsockopt(net.fd, SOL_SOCKET, SO_KEEPALIVE, &alive, &k), 0);
        assert_int_equal(alive, 0);
    }
#endif
}

static void resolv(const char *text)
{
    int fd;
    strcpy(resolv_conf, "/tmp/xmpp-resolv-XXXXXX");
    fd = mkstemp(resolv_conf);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void test_name_servers_of_the_system(void **state)
{
    char text[46], long_text[1000];
    (void)state;
    strcpy(resolv_conf, "/nonexistent/resolv.conf");        /* resolv.conf(5): then the one here */
    assert_int_equal(io.ops->resolver(io.ctx, 0, text, sizeof text), XMPP_OK);
    assert_string_equal(text, "127.0.0.1");
    assert_int_equal(io.ops->resolver(io.ctx, 1, text, sizeof text), XMPP_E_RESOLVE);
    assert_int_equal(io.ops->resolver(io.ctx, 0, text, 9), XMPP_E_RESOLVE);
    resolv("# nameserver 192.0.2.9\nsearch example.org\nnameserver 192.0.2.1\nnameservers x\nnameserver\nnameserver   \n"
           "nameserver\t2001:db8::1 # two\r\n nameserver 192.0.2.8\noptions timeout:1\nnameserver  fe80::1%eth0");
    assert_int_equal(io.ops->resolver(io.ctx, 0, text, sizeof text), XMPP_OK);
    assert_string_equal(text, "192.0.2.1");
    assert_int_equal(io.ops->resolver(io.ctx, 1, text, sizeof text), XMPP_OK);
    assert_string_equal(text, "2001:db8::1");
    assert_int_equal(io.ops->resolver(io.ctx, 2, text, sizeof text), XMPP_OK);
    assert_string_equal(text, "fe80::1%eth0");
    assert_int_equal(io.ops->resolver(io.ctx, 3, text, sizeof text), XMPP_E_RESOLVE);
    unlink(resolv_conf);
    memset(long_text, 'x', sizeof long_text);               /* a line longer than what is kept of it */
    strcpy(long_text + 600, "\nnameserver 192.0.2.7\n");
    resolv(long_text);
    assert_int_equal(io.ops->resolver(io.ctx, 0, text, sizeof text), XMPP_OK);
    assert_string_equal(text, "192.0.2.7");
    assert_int_equal(io.ops->resolver(io.ctx, 1, text, sizeof text), XMPP_E_RESOLVE);
    unlink(resolv_conf);
}

static void test_random_from_the_device(void **state)
{
    (void)state;
    random_mode = 4;
    device_gives = 7;                   /* in pieces, and interrupted */
    fail_read.nth = 2;
    fail_read.error = EINTR;
    memset(bytes, 0, sizeof bytes);
    get_random();
    assert_int_equal(result, XMPP_OK);
    assert_memory_not_equal(bytes + 48, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    fail_read.nth = 2;
    fail_read.error = EIO;
    get_random();
    assert_int_equal(result, XMPP_E_ENTROPY);
    device_gives = 0;                   /* it is no device, but an empty file */
    get_random();
    assert_int_equal(result, XMPP_E_ENTROPY);
    device_gives = SIZE_MAX;
}

static void test_calls_that_fail(void **state)
{
    char buf[8];
    int i;

    (void)state;
    for (i = 1; i <= 3; i++) {          /* the socket cannot be made what it must be */
        fail_fcntl.nth = i;
        fail_fcntl.error = EPERM;
        assert_int_equal(open_to("127.0.0.1", port), XMPP_E_CONNECT);
        fails_with(XMPP_E_CONNECT, "connect to 127.0.0.1", port, EPERM);
    }
    for (i = 1; i <= 6; i++) {          /* nor one end of what wakes */
        xmpp_posix_close(&net);
        fail_fcntl.nth = i;
        io = xmpp_posix_io(&net);
        assert_int_equal(net.wake[0], -1);
        assert_int_equal(net.wake[1], -1);
    }
    xmpp_posix_close(&net);
    io = xmpp_posix_io(&net);
    assert_true(net.wake[0] >= 0 && net.wake[1] >= 0);

    fail_resolve.nth = 1;
    fail_resolve.error = EMFILE;
    assert_int_equal(open_to("127.0.0.1", port), XMPP_E_RESOLVE);
    fails_with(XMPP_E_RESOLVE, "connect to 127.0.0.1", port, EMFILE);
    fail_getsockopt.nth = 1;
    fail_getsockopt.error = ENOBUFS;
    assert_int_equal(open_to("127.0.0.1", port), XMPP_OK);
    for (i = 0; i < 100 && io.ops->send(io.ctx, "x", 1) == 0; i++)
        poll(NULL, 0, 10);
    fails_with(XMPP_E_CONNECT, "connect to 127.0.0.1", port, ENOBUFS);
    close(accept(listener, NULL, NULL));

    fail_connect.nth = 1;               /* a signal came: it connects all the same */
    fail_connect.error = EINTR;
    connect_to_listener();
    fail_send.nth = fail_recv.nth = 1;
    fail_send.error = fail_recv.error = EINTR;
    assert_int_equal(io.ops->send(io.ctx, "hello", 5), 5);
    assert_int_equal(send(peer, "you", 3, 0), 3);
    assert_int_equal(recv_some(buf, sizeof buf), 3);
    assert_int_equal(fail_recv.nth + fail_send.nth, 0);
}

static void test_no_clock(void **state)
{
    (void)state;
    fail_clock.nth = 1;
    assert_int_equal(io.ops->millis(io.ctx), 0);
    now_is = -1;
    assert_int_equal(io.ops->utc(io.ctx), 0);
    now_is = 0;
    assert_int_equal(io.ops->utc(io.ctx), 0);
    now_is = 1;
    assert_int_equal(io.ops->utc(io.ctx), 1);
    now_is = time(NULL);
}

static void test_a_line_with_a_name_server(void **state)
{
    static const char *const ends[] = { "", " x", "\tx", "\rx" };
    char line[40], out[10];
    size_t i;

    (void)state;
    for (i = 0; i < 4; i++) {
        snprintf(line, sizeof line, "nameserver 192.0.2.1%s", ends[i]);
        assert_true(xmppi_posix_nameserver(line, out, sizeof out));
        assert_string_equal(out, "192.0.2.1");
    }
    assert_true(xmppi_posix_nameserver("nameserver 192.0.2.12", out, sizeof out)); /* as much as there is room for */
    assert_string_equal(out, "192.0.2.1");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_connect_and_talk),
                                       TEST(test_open_again),
                                       TEST(test_socket_options),
                                       TEST(test_localhost_by_name),
                                       TEST(test_literals),
                                       TEST(test_brackets),
                                       TEST(test_refused),
                                       TEST(test_unknown_name),
                                       TEST(test_long_names_in_words),
                                       TEST(test_words_are_bounded),
                                       TEST(test_next_address_when_refused),
                                       TEST(test_all_refuse),
                                       TEST(test_first_fails_at_once),
                                       TEST(test_silent_address),
                                       TEST(test_close_while_connecting),
                                       TEST(test_eof),
                                       TEST(test_peer_gone),
                                       TEST(test_last_words),
                                       TEST(test_slow_reader),
                                       TEST(test_wake_before_wait),
                                       TEST(test_wake_never_blocks),
                                       TEST(test_loop_io),
                                       TEST(test_wake_from_thread),
                                       TEST(test_wake_from_signal),
                                       TEST(test_wait_limits),
                                       TEST(test_random),
                                       TEST(test_random_in_pieces),
                                       TEST(test_random_without_getrandom),
                                       TEST(test_no_descriptors),
                                       TEST(test_random_from_the_device),
                                       TEST(test_calls_that_fail),
                                       TEST(test_no_clock),
                                       TEST(test_a_line_with_a_name_server),
                                       TEST(test_clocks),
                                       TEST(test_port_text),
                                       TEST(test_datagrams),
                                       TEST(test_unacknowledged),
                                       TEST(test_name_servers_of_the_system)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
