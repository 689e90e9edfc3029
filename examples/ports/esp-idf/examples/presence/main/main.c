/* main.c - reports a reading as presence and answers messages. SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include "esp_event.h"
#include "esp_netif.h"
#include "esp_netif_sntp.h"
#include "nvs_flash.h"
#include "protocol_examples_common.h"
#include "xmpp_esp.h"

extern const unsigned char ca_start[] asm("_binary_ca_pem_start");
extern const unsigned char ca_end[] asm("_binary_ca_pem_end");
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
        printf("online: %s\n", xmpp_own_jid(&client));
        xmpp_presence(&client, XMPP_SHOW_ONLINE, "21.5 C");
        break;
    case XMPP_EV_MESSAGE:
        if (strcmp(ev->kind, "chat") == 0)
            xmpp_message(&client, ev->from, "21.5 C");
        break;
    case XMPP_EV_OFFLINE:
        printf("offline: %s %s\n", xmpp_strerror(ev->error), ev->condition);
        break;
    default:
        break;
    }
}

void app_main(void)
{
    static xmpp_config config;
    static xmpp_account account = {
        .jid = CONFIG_SAMPLE_JID, .password = CONFIG_SAMPLE_PASSWORD, .port = CONFIG_SAMPLE_PORT, .sm = &sm,
        XMPP_BUFFERS(rx, arena, queue)
    };
    esp_sntp_config_t sntp = ESP_NETIF_SNTP_DEFAULT_CONFIG("pool.ntp.org");
    const xmpp_event *ev;
    int error;

    ESP_ERROR_CHECK(nvs_flash_init());
    ESP_ERROR_CHECK(esp_netif_init());
    ESP_ERROR_CHECK(esp_event_loop_create_default());
    ESP_ERROR_CHECK(example_connect());         /* Wi-Fi or Ethernet, as menuconfig says */
    esp_netif_sntp_init(&sntp);
    esp_netif_sntp_sync_wait(pdMS_TO_TICKS(10000));     /* without the time the date floor has to do */

    mbedtls_x509_crt_init(&roots);
    if (mbedtls_x509_crt_parse(&roots, ca_start, (size_t)(ca_end - ca_start)) != 0) {
        printf("main/ca.pem is no certificate\n");
        return;
    }
    config = xmpp_default_config;
    config.tls = XMPP_TLS_DIRECT;
    if (CONFIG_SAMPLE_HOST[0] != '\0')
        account.host = CONFIG_SAMPLE_HOST;
    error = xmpp_init(&client, &config, &account, xmpp_mbedtls_io(&tls, &trust, xmpp_sockets_io(&net, &xmpp_esp_board)));
    if (error != XMPP_OK)
        printf("%s\n", xmpp_strerror(error));
    while (error == XMPP_OK) {
        ev = xmpp_wait(&client, XMPP_FOREVER);
        if (ev != NULL)
            on_event(ev);
    }
}
