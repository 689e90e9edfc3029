/* main.c - reports a reading as presence and answers messages. SPDX-License-Identifier: MIT */
#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/net/sntp.h>
#include <zephyr/sys/printk.h>
#include "xmpp_zephyr.h"

static const unsigned char ca[] = {
#include "ca.der.inc"
};
#define BUILD_DATE 1767225600u          /* 2026-01-01: no certificate that ended before is accepted */

static xmpp_client         client;
static xmpp_sm             sm;
static xmpp_sockets        net;
static xmpp_mbedtls        tls;
static mbedtls_x509_crt    roots;
static xmpp_mbedtls_config trust = { .ca = &roots, .floor = BUILD_DATE };
static unsigned char       rx[256], arena[2048], queue[1024];

static void on_event(const xmpp_event *ev)
{
    switch (ev->type) {
    case XMPP_EV_ONLINE:
        printk("online: %s\n", xmpp_own_jid(&client));
        xmpp_presence(&client, XMPP_SHOW_ONLINE, "21.5 C");
        break;
    case XMPP_EV_MESSAGE:
        if (strcmp(ev->kind, "chat") == 0)
            xmpp_message(&client, ev->from, "21.5 C");
        break;
    case XMPP_EV_OFFLINE:
        printk("offline: %s %s\n", xmpp_strerror(ev->error), ev->condition);
        break;
    default:
        break;
    }
}

int main(void)
{
    static xmpp_config config;
    static xmpp_account account = {
        .jid = CONFIG_SAMPLE_JID, .password = CONFIG_SAMPLE_PASSWORD, .port = CONFIG_SAMPLE_PORT, .sm = &sm,
        XMPP_BUFFERS(rx, arena, queue)
    };
    const xmpp_event *ev;
    struct sntp_time now;
    int error;

    if (sntp_simple("pool.ntp.org", 3000, &now) == 0)
        xmpp_zephyr_set_clock((uint32_t)now.seconds);
    mbedtls_x509_crt_init(&roots);
    if (mbedtls_x509_crt_parse_der(&roots, ca, sizeof ca) != 0) {
        printk("src/ca.der is no certificate\n");
        return 1;
    }
    config = xmpp_default_config;
    config.tls = XMPP_TLS_DIRECT;
    if (CONFIG_SAMPLE_HOST[0] != '\0')
        account.host = CONFIG_SAMPLE_HOST;
    error = xmpp_init(&client, &config, &account,
                      xmpp_mbedtls_io(&tls, &trust, xmpp_sockets_io(&net, &xmpp_zephyr_board)));
    if (error != XMPP_OK)
        printk("%s\n", xmpp_strerror(error));
    while (error == XMPP_OK) {
        ev = xmpp_wait(&client, XMPP_FOREVER);
        if (ev != NULL)
            on_event(ev);
    }
    return 1;
}
