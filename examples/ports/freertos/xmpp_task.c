/* xmpp_task.c - an XMPP client as a FreeRTOS task over lwIP's sockets and mbedTLS. SPDX-License-Identifier: MIT
   One task owns the client; others hand it their texts by a queue of one. */
#include "xmpp_task.h"
#include "task.h"
#include <string.h>

#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#include "xmpp.h"
#define XMPP_SOCKETS_LWIP
#define XMPP_IO_SOCKETS_IMPLEMENTATION
#include "xmpp_io_sockets.h"
#define XMPP_TLS_MBEDTLS_IMPLEMENTATION
#include "xmpp_tls_mbedtls.h"

/* A handshake of mbedTLS with P-256 takes the most of it. Look at uxTaskGetStackHighWaterMark and lower it. */
#ifndef XMPP_TASK_STACK
#define XMPP_TASK_STACK 8192            /* bytes */
#endif
#define XMPP_TASK_LOOK_MS 100u          /* how long a text may wait for the task to look */

typedef struct xmpp_task_text { char text[48]; } xmpp_task_text;

static xmpp_client         client;
static xmpp_sm             sm;
static xmpp_sockets        net;
static xmpp_mbedtls        tls;
static mbedtls_x509_crt    roots;
static unsigned char       rx[256], arena[2048], queue[1024];
static xmpp_config         config;
static xmpp_account        account;
static xmpp_mbedtls_config trust;
static xmpp_task_text      latest;
static QueueHandle_t       outbox;

static int board_random_xmpp(void *out, size_t n)
{
    return board_random(out, n) ? XMPP_OK : XMPP_E_ENTROPY;
}

/* The tick count wraps, soon where it has 16 bits: what went by since the last call is added, and the fraction kept. The
   task alone calls this, and often. */
static uint32_t board_millis(void)
{
    static TickType_t last;
    static uint32_t ms;
    static uint64_t rest;
    const TickType_t now = xTaskGetTickCount();

    rest += (uint64_t)(TickType_t)(now - last) * 1000u;
    last = now;
    ms += (uint32_t)(rest / configTICK_RATE_HZ);
    rest %= configTICK_RATE_HZ;
    return ms;
}

static const xmpp_sockets_platform board = { board_random_xmpp, board_utc, board_millis };

static void on_event(const xmpp_event *ev)
{
    switch (ev->type) {
    case XMPP_EV_ONLINE:
        xmpp_presence(&client, XMPP_SHOW_ONLINE, latest.text);
        break;
    case XMPP_EV_MESSAGE:
        if (strcmp(ev->kind, "chat") == 0)
            xmpp_message(&client, ev->from, latest.text);
        break;
    default:                    /* after XMPP_EV_OFFLINE the client comes back by itself */
        break;
    }
}

static void task(void *arg)
{
    const xmpp_event *ev;
    int error;

    (void)arg;
    error = xmpp_init(&client, &config, &account, xmpp_mbedtls_io(&tls, &trust, xmpp_sockets_io(&net, &board)));
    configASSERT(error == XMPP_OK);
    for (;;) {
        ev = xmpp_wait(&client, XMPP_TASK_LOOK_MS);     /* sleeps in lwip_poll */
        if (ev != NULL)
            on_event(ev);
        if (xQueueReceive(outbox, &latest, 0) == pdTRUE) {
            xmpp_policy(&client, XMPP_AT_MOST_ONCE, 1, 0);
            xmpp_presence(&client, XMPP_SHOW_ONLINE, latest.text);
        }
    }
}

void xmpp_task_report(const char *text)
{
    xmpp_task_text t;

    memset(&t, 0, sizeof t);
    strncpy(t.text, text, sizeof t.text - 1);
    (void)xQueueOverwrite(outbox, &t);
}

BaseType_t xmpp_task_start(const xmpp_task_settings *settings, UBaseType_t priority)
{
    mbedtls_x509_crt_init(&roots);
    if (mbedtls_x509_crt_parse(&roots, settings->ca, settings->ca_size) != 0)
        return pdFAIL;
    trust.ca = &roots;
    trust.floor = settings->build_date;
    config = xmpp_default_config;
    config.tls = XMPP_TLS_DIRECT;
    account.jid = settings->jid;
    account.password = settings->password;
    account.host = settings->host;
    account.port = settings->port;
    account.sm = &sm;
    account.rx = rx;
    account.rx_size = sizeof rx;
    account.arena = arena;
    account.arena_size = sizeof arena;
    account.queue = queue;
    account.queue_size = sizeof queue;
    outbox = xQueueCreate(1, sizeof(xmpp_task_text));
    if (outbox == NULL)
        return pdFAIL;
    return xTaskCreate(task, "xmpp", XMPP_TASK_STACK / sizeof(StackType_t), NULL, priority, NULL);
}
