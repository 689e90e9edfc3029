/* xmpp_task.h - an XMPP client as a FreeRTOS task over lwIP's sockets and mbedTLS. SPDX-License-Identifier: MIT */
#ifndef XMPP_TASK_H
#define XMPP_TASK_H

#include "FreeRTOS.h"
#include "queue.h"
#include <stdint.h>
#include <stddef.h>

typedef struct xmpp_task_settings {     /* read by the task as long as it lives */
    const char *jid, *password;         /* "sensor@example.org/attic"                                     */
    const char *host;                   /* where to connect; NULL: the JID's domain                       */
    uint16_t    port;                   /* 0: 5223                                                        */
    const unsigned char *ca;            /* the authority that signed the server's certificate: DER, or PEM with its NUL */
    size_t      ca_size;
    uint32_t    build_date;             /* seconds since 1970: no certificate that ended before is accepted */
} xmpp_task_settings;

/* What your board gives. */
extern int      board_random(void *out, size_t n);  /* a cryptographic source; 1, or 0 when it has none */
extern uint32_t board_utc(void);                    /* seconds since 1970; 0 while it is not known      */

/* Starts the task. Returns pdPASS or what xTaskCreate returned. Once lwIP runs (after tcpip_init). */
BaseType_t xmpp_task_start(const xmpp_task_settings *settings, UBaseType_t priority);

/* Says something as presence, from any task; of texts that wait the newest alone goes out. At most 47 bytes are kept. */
void xmpp_task_report(const char *text);

#endif
