/* all: every mechanism, every extension, templates, claims, the trace; words for errors are error-texts */
#include "size.h"
struct both { xmpp_client client; xmpp_sm sm; };
STATE_IS(struct both)

static const xmpp_version version = { "sensor", "1.0", NULL };
static const xmpp_disco disco = { "client", "bot", "sensor", "https://example.org/sensor", NULL };
static const xmpp_ext_use exts[] = {
    { &xmpp_ping_ext, NULL },
    { &xmpp_version_ext, (void *)(uintptr_t)&version },
    { &xmpp_disco_ext, (void *)(uintptr_t)&disco },
    { &xmpp_roster_ext, memory + 3072 },
    { NULL, NULL }
};
static const xmpp_config config = { .mechs = xmpp_mechs_all, .options = XMPP_OPT_PLAIN,
    .redirect = xmpp_follow_redirect, .resolve = xmpp_resolve, .sm = &xmpp_stream_management, .exts = &xmpp_extensions, .reconnect = xmpp_backoff, .parts = xmpp_in_parts };
static const xmpp_account account = {
    .jid = "sensor@example.org/attic", .exts = exts, .rx = memory, .rx_size = 256,
    .arena = memory + 256, .arena_size = 1024, .queue = memory + 1280, .queue_size = 1024,
    .sm = (xmpp_sm *)(void *)(memory + 6144), .dns = (xmpp_dns *)(void *)(memory + 6400)
};

#define EXTRA more(io);
static void more(xmpp_io io)
{
    const char *text = (const char *)memory;
    xmpp_trace *trace = (xmpp_trace *)(void *)(memory + 4096);
    xmpp_claim *claim = (xmpp_claim *)(void *)(memory + 5120);
    xmpp_msg full = { text, text, text, text, text, text };
    const xmpp_event *answer;

    sink = xmpp_sendf(&client, "<message to='%s'><body>%s</body></message>", text, text);
    sink = xmpp_send_xml(&client, text, 64);
    sink = xmpp_message_full(&client, &full);
    sink = xmpp_presence_to(&client, text, XMPP_SHOW_DND, text, -1);
    sink = xmpp_unavailable(&client, NULL, text);
    sink = xmpp_subscription(&client, text, "subscribe");
    sink = xmpp_answerf(&client, "<x xmlns='%s'/>", text);
    sink = xmpp_answer_error(&client, "cancel", "item-not-found", text, NULL, NULL);
    sink = xmpp_iq_claim(&client, claim, (char *)memory, 128, 1000);
    sink = xmpp_claim_answerf(&client, claim, "<x xmlns='%s'/>", text);
    sink = xmpp_claim_error(&client, claim, "wait", "resource-constraint", NULL);
    sink = xmpp_ask(&client, xmpp_ping(&client, text, NULL), 1000, NULL, NULL, &answer);
    sink = xmpp_iqf(&client, "set", text, NULL, "<x xmlns='%s'/>", text);
    sink = xmpp_get_version(&client, text, NULL);
    sink = xmpp_get_disco(&client, text, NULL, NULL);
    sink = xmpp_roster_get(&client);
    sink = xmpp_roster_set(&client, text, text, NULL, NULL);
    sink = xmpp_roster_remove(&client, text, NULL);
    sink = (int)xmpp_to_xml(xmpp_wait(&client, 100)->stanza, (char *)memory, 64);
    sink = xmpp_trace_io(trace, io).ops != NULL;
    xmpp_policy(&client, XMPP_MUST_DELIVER, 1, 60000);
    sink = (int)xmpp_token(&client) + (int)xmpp_room(&client) + (int)xmpp_waiting(&client);
    sink = xmpp_inactive(&client, true);
    sink = xmpp_sleep(&client);
    xmpp_awake(&client);
    sink = xmpp_load(&client, memory, (size_t)xmpp_save(&client, memory, 4096));
    xmpp_saved(&client);
    sink = xmpp_iq_parts(&client, 1);
    sink = xmpp_close(&client);
}

void start(void)
{
    DEVICE(&config, &account)
}
