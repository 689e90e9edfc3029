/* device.h: the application that all images share, over whatever transport. */
#ifndef DEVICE_H
#define DEVICE_H

#include "xmpp.h"

/* Logs in, reports the sensor's reading as presence, answers messages, comes back after a lost connection; for ever.
   net   the board's transport without TLS: open, recv, send, close, random, millis and wait; utc where there is a clock.
         Its wait returns after ms, or sooner when bytes came or can go: the main loop has nothing else to do.
   Returns an XMPP_E_* code when the configuration is wrong, otherwise never. */
int device_run(xmpp_io net);

#endif
