/* What the declarations beside this and lwIP's own promise, over the host's threads, sockets and clocks: the task runs,
   FreeRTOS and lwIP do not. The numbers are lwIP's. */
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "xmpp_task.h"
#include "task.h"

struct standin_queue { pthread_mutex_t lock; size_t size; int full; char item[64]; };

void standin_assert(int good)
{
    if (!good)
        abort();
}

static void *run(void *task)
{
    (*(TaskFunction_t *)task)(NULL);
    return NULL;
}

BaseType_t xTaskCreate(TaskFunction_t code, const char *name, size_t depth, void *arg, UBaseType_t priority, TaskHandle_t *made)
{
    static TaskFunction_t kept;
    pthread_t thread;

    (void)name, (void)depth, (void)arg, (void)priority, (void)made;
    kept = code;
    return pthread_create(&thread, NULL, run, &kept) == 0 ? pdPASS : pdFAIL;
}

TickType_t xTaskGetTickCount(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (TickType_t)((uint64_t)t.tv_sec * configTICK_RATE_HZ + (uint64_t)t.tv_nsec * configTICK_RATE_HZ / 1000000000u);
}

QueueHandle_t xQueueCreate(UBaseType_t length, UBaseType_t size)
{
    QueueHandle_t q = calloc(1, sizeof *q);
    if (length != 1 || size > sizeof q->item)
        abort();
    pthread_mutex_init(&q->lock, NULL);
    q->size = size;
    return q;
}

BaseType_t xQueueReceive(QueueHandle_t q, void *item, TickType_t ticks)
{
    BaseType_t had;
    (void)ticks;
    pthread_mutex_lock(&q->lock);
    had = q->full;
    if (had)
        memcpy(item, q->item, q->size);
    q->full = 0;
    pthread_mutex_unlock(&q->lock);
    return had;
}

BaseType_t xQueueOverwrite(QueueHandle_t q, const void *item)
{
    pthread_mutex_lock(&q->lock);
    memcpy(q->item, item, q->size);
    q->full = 1;
    pthread_mutex_unlock(&q->lock);
    return pdPASS;
}

int lwip_socket(int family, int type, int proto) { return socket(family, type, proto); }
int lwip_close(int s) { return close(s); }
int lwip_connect(int s, const struct sockaddr *name, socklen_t n) { return connect(s, name, n); }
ssize_t lwip_send(int s, const void *data, size_t n, int flags) { return send(s, data, n, flags | MSG_NOSIGNAL); }
ssize_t lwip_recv(int s, void *mem, size_t n, int flags) { return recv(s, mem, n, flags); }
int lwip_fcntl(int s, int cmd, int val) { return cmd == 4 && val == 1 ? fcntl(s, F_SETFL, O_NONBLOCK) : -1; }
int lwip_getsockopt(int s, int level, int name, void *value, socklen_t *n)
{
    return level == 0xfff && name == 0x1007 ? getsockopt(s, SOL_SOCKET, SO_ERROR, value, n) : -1;
}
int lwip_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res)
{
    struct addrinfo h;
    memset(&h, 0, sizeof h);
    h.ai_socktype = hints->ai_socktype;
    return getaddrinfo(node, service, &h, res);
}
void lwip_freeaddrinfo(struct addrinfo *ai) { freeaddrinfo(ai); }
int lwip_poll(struct pollfd *f, nfds_t n, int timeout)      /* lwIP: POLLIN 1, POLLOUT 2 */
{
    const short events = f->events;
    int r;
    f->events = (short)(((events & 1) != 0 ? POLLIN : 0) | ((events & 2) != 0 ? POLLOUT : 0));
    r = poll(f, n, timeout);
    f->events = events;
    return r;
}

int board_random(void *out, size_t n) { return getrandom(out, n, 0) == (ssize_t)n; }
uint32_t board_utc(void) { return (uint32_t)time(NULL); }

int main(int argc, char **argv)         /* JID PORT CA */
{
    static unsigned char ca[8192];
    xmpp_task_settings settings;
    FILE *f = argc == 4 ? fopen(argv[3], "rb") : NULL;

    if (f == NULL)
        return 2;
    memset(&settings, 0, sizeof settings);
    settings.jid = argv[1];
    settings.password = getenv("XMPP_PASSWORD");
    settings.host = "127.0.0.1";
    settings.port = (uint16_t)atoi(argv[2]);
    settings.ca_size = fread(ca, 1, sizeof ca - 1, f) + 1;
    settings.ca = ca;
    settings.build_date = 1767225600u;
    fclose(f);
    if (xmpp_task_start(&settings, 1) != pdPASS)
        return 1;
    xmpp_task_report("21.5 C");
    for (;;)
        pause();
}
