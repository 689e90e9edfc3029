/* Presence.ino - reports a reading as presence and answers messages. SPDX-License-Identifier: MIT
   ESP32: Wi-Fi, TLS over mbedTLS with your own authority below. Any other board with Ethernet: WITHOUT TLS, for a server on a
   wire that you trust, and with a source of random numbers that you write (an ATmega has none). */
#include <xmpp.h>
#include <xmpp_io_arduino.h>

static const char own_jid[] = "sensor@example.org/attic", password[] = "secret";

static xmpp_client   client;
static xmpp_arduino  net;
static xmpp_config   config;
static xmpp_account  account;
static unsigned char rx[128], arena[1024], queue[768];

#if defined(ESP32)
#include <WiFi.h>
#include <esp_random.h>
#include <xmpp_tls_mbedtls.h>

static const char wifi_name[] = "network", wifi_password[] = "secret";
static const char ca[] = "-----BEGIN CERTIFICATE-----\n"         /* the authority that signed the server's certificate */
                         "-----END CERTIFICATE-----\n";
#define BUILD_DATE 1767225600u          /* 2026-01-01: no certificate that ended before is accepted */

static WiFiClient          link;
static xmpp_mbedtls        tls;
static xmpp_mbedtls_config trust;
static mbedtls_x509_crt    roots;

static int board_random(void *out, size_t n)
{
    esp_fill_random(out, n);            /* random once Wi-Fi runs */
    return XMPP_OK;
}

static uint32_t board_utc(void)
{
    return (uint32_t)time(NULL);        /* before configTime had an answer it is before BUILD_DATE: no clock */
}

static xmpp_io board_begin(void)
{
    WiFi.begin(wifi_name, wifi_password);
    while (WiFi.status() != WL_CONNECTED)
        delay(100);
    configTime(0, 0, "pool.ntp.org");
    mbedtls_x509_crt_init(&roots);
    if (mbedtls_x509_crt_parse(&roots, (const unsigned char *)ca, sizeof ca) != 0)
        Serial.println("ca is no certificate");
    trust.ca = &roots;
    trust.floor = BUILD_DATE;
    config.tls = XMPP_TLS_DIRECT;
    return xmpp_mbedtls_io(&tls, &trust, xmpp_arduino_io(&net, link, board_random, board_utc));
}

#else
#include <SPI.h>
#include <Ethernet.h>

static uint8_t        mac[6] = { 0x02, 0x00, 0x00, 0x00, 0x00, 0x01 };
static EthernetClient link;

#ifdef RANDOM_FOR_TESTS_ONLY            /* anybody can guess it: a login that is watched can be imitated */
static int board_random(void *out, size_t n)
{
    uint8_t *b = (uint8_t *)out;

    while (n-- > 0)
        *b++ = (uint8_t)random(256);
    return XMPP_OK;
}
#else
#error "write board_random: n bytes from a chip that makes random numbers (an ATECC608, say); XMPP_OK or XMPP_E_ENTROPY"
#endif

static xmpp_io board_begin(void)
{
    Ethernet.begin(mac);
    config.tls = XMPP_TLS_NONE_UNSAFE;  /* everybody on the way reads along; SCRAM keeps the password to itself */
    return xmpp_arduino_io(&net, link, board_random, NULL);
}
#endif

/* Replace it by what you measure. */
static const char *reading(void)
{
    return "21.5 C";
}

static void on_event(const xmpp_event *ev)
{
    switch (ev->type) {
    case XMPP_EV_ONLINE:
        Serial.println(F("online"));
        xmpp_presence(&client, XMPP_SHOW_ONLINE, reading());
        break;
    case XMPP_EV_MESSAGE:
        if (strcmp(ev->kind, "chat") == 0)
            xmpp_message(&client, ev->from, reading());
        break;
    case XMPP_EV_OFFLINE:               /* it comes back by itself */
        Serial.print(F("offline, error "));
        Serial.print(ev->error);
        Serial.print(' ');
        Serial.println(ev->condition);
        break;
    default:
        break;
    }
}

void setup()
{
    static const xmpp_mech *const mechs[] = { &xmpp_mech_scram_sha_256, &xmpp_mech_scram_sha_1, NULL };
    xmpp_io io;
    int error;

    Serial.begin(115200);
    config.mechs = mechs;
    config.reconnect = xmpp_backoff;
    account.jid = own_jid;
    account.password = password;
    account.rx = rx;
    account.rx_size = sizeof rx;
    account.arena = arena;
    account.arena_size = sizeof arena;
    account.queue = queue;
    account.queue_size = sizeof queue;
    io = board_begin();
    error = xmpp_init(&client, &config, &account, io);
    if (error != XMPP_OK) {
        Serial.print(F("xmpp_init: error "));
        Serial.println(error);
    }
}

void loop()
{
    const xmpp_event *ev;

    xmpp_step(&client, millis());
    while ((ev = xmpp_next(&client)) != NULL)
        on_event(ev);
}
