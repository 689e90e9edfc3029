/* wire.h - what the host says to a client on an AVR, and what that says back, over a UART.  SPDX: MIT

   The host sends an operation and its arguments; the AVR answers FAR_RETURN and the results. In between the client may
   call its transport: those calls go the other way, one at a time, and the host answers with the results alone.
   Numbers are big-endian; bytes are a 16-bit length and themselves; text is bytes, NULL the length 65535. */

enum {
    FAR_HELLO = 1,              /* AVR: it runs; bytes of memory, has DNS */
    FAR_RETURN,
    /* the client's transport */
    FAR_IO_OPEN, FAR_IO_RECV, FAR_IO_SEND, FAR_IO_CLOSE, FAR_IO_START_TLS, FAR_IO_WANTS, FAR_IO_REASON, FAR_IO_ROOM, FAR_IO_RANDOM,
    FAR_IO_UTC, FAR_IO_MILLIS, FAR_IO_WAIT, FAR_IO_STATE,
    FAR_OTHER,                  /* an event that xmpp_ask passes on */
    FAR_NO_ROOM,                /* an argument or what init asks for does not fit into memory: how many bytes; the end */
    /* the functions of xmpp.h */
    FAR_INIT, FAR_STEP, FAR_NEXT, FAR_WAIT, FAR_ASK, FAR_FEED, FAR_PENDING, FAR_SENT, FAR_TICK, FAR_CLOSE, FAR_RESET, FAR_STATUS,
    FAR_INFO, FAR_CAPS, FAR_PASSWORD, FAR_UNPIN, FAR_POLICY, FAR_INACTIVE, FAR_SLEEP, FAR_AWAKE, FAR_SAVE, FAR_SAVED, FAR_LOAD,
    FAR_PRESENCE, FAR_PRESENCE_TO, FAR_UNAVAILABLE, FAR_SUBSCRIPTION, FAR_MESSAGE, FAR_MESSAGE_FULL, FAR_SEND_XML, FAR_SENDF,
    FAR_BEGIN, FAR_COMMIT, FAR_IQF, FAR_IQ_BEGIN, FAR_IQ_COMMIT, FAR_IQ_PARTS, FAR_W_OPEN, FAR_W_ATTR, FAR_W_LEAF, FAR_W_CLOSE,
    FAR_WRITEF, FAR_ANSWER, FAR_ANSWERF, FAR_ANSWER_ERROR, FAR_CLAIM, FAR_CLAIM_ANSWERF, FAR_CLAIM_ERROR, FAR_PING, FAR_VERSION,
    FAR_DISCO, FAR_ROSTER_GET, FAR_ROSTER_SET, FAR_ROSTER_REMOVE, FAR_COUNTS, FAR_DATA, FAR_STACK,
    /* pieces.c: the tokenizer and JIDs alone */
    FAR_XML_RUN, FAR_XML_ALL, FAR_JID_PARSE, FAR_JID_FORMAT, FAR_JID_EQUAL, FAR_JID_NORMALISE, FAR_URI_PARSE, FAR_URI_VALUE,
    FAR_URI_FORMAT
};

/* mechanisms and extensions by number */
#define FAR_MECHS "EXTERNAL", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "ANONYMOUS"
enum { FAR_EXT_PING, FAR_EXT_VERSION, FAR_EXT_DISCO, FAR_EXT_ROSTER, FAR_EXT_NONE };
