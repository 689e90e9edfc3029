/* What no transcript can say: arguments at and beyond their bounds, a transport and a configuration without what is
   optional, and clocks, counts and random numbers that do not come up by themselves. */
#include "client.h"

#include <stdlib.h>

static const xmpp_io no_io = { NULL, NULL };

static xmpp_sm sm;

static void online_sm(void)
{
    assert_int_equal(begin(&ops), XMPP_OK);
    account.sm = &sm;
    assert_int_equal(start(&ops), XMPP_OK);
    go_online("<sm xmlns='urn:xmpp:sm:3'/>");
    assert_null(play("<enabled xmlns='urn:xmpp:sm:3' resume='true' id='s-1' max='300'/>", 1000));
    forget_sent();
}

/* Where the server counts nothing. */
static void online_without_counts(void)
{
    assert_int_equal(begin(&ops), XMPP_OK);
    account.sm = &sm;
    assert_int_equal(start(&ops), XMPP_OK);
    go_online("");
}

/* ---- the beginning ---- */

static void init_looks_at_all_that_it_is_given(void **state)
{
    static const xmpp_mech *const none[] = { NULL };
    static unsigned char large[65536];
    xmpp_io io = { &ops, NULL };
    xmpp_client untouched;

    (void)state;
    prepare();
    memset(&untouched, 0xA5, sizeof untouched);
    memcpy(&client, &untouched, sizeof client);
    assert_int_equal(xmpp_init_abi(&client, &config, &account, io, XMPP_ABI + 1), XMPP_E_ABI);
    assert_memory_equal(&client, &untouched, sizeof client);
    assert_int_equal(xmpp_init_abi(NULL, &config, &account, io, XMPP_ABI), XMPP_E_ARG);
    assert_int_equal(xmpp_init(&client, NULL, &account, io), XMPP_E_ARG);
    assert_int_equal(xmpp_init(&client, &config, NULL, io), XMPP_E_ARG);
    account.jid = NULL;     assert_int_equal(start(&ops), XMPP_E_ARG);      prepare();
    config.mechs = NULL;    assert_int_equal(start(&ops), XMPP_E_CONFIG);
    config.mechs = none;    assert_int_equal(start(&ops), XMPP_E_CONFIG);   prepare();
    config.tls = XMPP_TLS_NONE_UNSAFE + 1;
    assert_int_equal(start(&ops), XMPP_E_CONFIG);                           prepare();
    assert_int_equal(xmpp_init(&client, &config, &account, no_io), XMPP_E_CONFIG);
    account.rx = NULL;      assert_int_equal(start(&ops), XMPP_E_BUFFERS);  prepare();
    account.arena = NULL;   assert_int_equal(start(&ops), XMPP_E_BUFFERS);  prepare();
    account.queue = NULL;   assert_int_equal(start(&ops), XMPP_E_BUFFERS);  prepare();
    account.rx = large;
    account.rx_size = 65535; assert_int_equal(start(&ops), XMPP_OK);
    assert_int_equal(client.rx_size, 65535);
    account.rx_size = 65536; assert_int_equal(start(&ops), XMPP_OK);
    assert_int_equal(client.rx_size, 65535);
}

static void the_own_jid_takes_a_quarter_of_the_arena_at_most(void **state)
{
    static char jid[300];

    (void)state;
    prepare();
    account.arena_size = 1024;
    memset(jid, 'a', 243);
    strcpy(jid + 243, "@example.org");      /* 255 and NUL */
    account.jid = jid;
    assert_int_equal(start(&ops), XMPP_OK);
    memset(jid, 'a', 244);
    strcpy(jid + 244, "@example.org");
    assert_int_equal(start(&ops), XMPP_E_BUFFERS);
}

static void what_is_not_ascii_needs_to_be_prepared(void **state)
{
    (void)state;
    prepare();
    account.jid = "p\xc3\xa4ul@example.org";
    assert_int_equal(start(&ops), XMPP_E_UNPREPARED);
    config.options = XMPP_OPT_PREPARED;
    assert_int_equal(start(&ops), XMPP_OK);
    account.jid = "paul@example.org";
    account.password = "s\xc3\xa4\x63ret";
    assert_int_equal(start(&ops), XMPP_OK);
    config.options = 0;
    assert_int_equal(start(&ops), XMPP_E_UNPREPARED);
}

static void a_client_that_was_never_begun_does_nothing(void **state)
{
    static xmpp_client zero;
    unsigned char block[64];
    xmpp_writer w;

    (void)state;
    assert_null(xmpp_wait(&zero, 10));
    assert_int_equal(xmpp_begin(&zero, &w), XMPP_E_STATE);
    assert_int_equal(xmpp_room(&zero), 0);
    assert_int_equal(xmpp_waiting(&zero), 0);
    assert_false(xmpp_may_see(&zero, "a@b"));
    assert_int_equal(xmpp_save(&zero, block, sizeof block), XMPP_E_STATE);
    assert_int_equal(xmpp_close(&zero), XMPP_OK);
    assert_string_equal(xmpp_condition(&zero), "");
    xmpp_saved(&zero);
    xmpp_reset(&zero);
    xmpp_unpin(&zero);
    xmpp_awake(&zero);
    online();
    xmpp_unpin(&client);                /* there are no keys */
}

/* ---- arguments ---- */

static void requests_look_at_their_arguments(void **state)
{
    static xmpp_client other;
    xmpp_writer w;
    char text[64];

    (void)state;
    online();
    assert_int_equal(xmpp_iq_begin(&client, &w, "get", "example.org"), XMPP_OK);
    assert_int_equal(xmpp_iq_commit(&client, &w, NULL, 0), XMPP_E_ARG);         /* without a payload */
    assert_int_equal(xmpp_iq_begin(&client, &w, "get", "example.org"), XMPP_OK);
    xmpp_w_leaf(&w, "a", "urn:x", "");
    xmpp_w_leaf(&w, "b", "urn:x", "");
    assert_int_equal(xmpp_iq_commit(&client, &w, NULL, 0), XMPP_E_ARG);         /* with two */
    assert_int_equal(xmpp_iq_begin(&client, &w, "get", "example.org"), XMPP_OK);
    xmpp_w_leaf(&w, "a", "urn:x", "");
    xmpp_w_text(&w, "text");
    assert_int_equal(xmpp_iq_commit(&client, &w, NULL, 0), XMPP_E_ARG);         /* and text behind it */
    xmpp_w_init(&w, text, sizeof text);
    assert_int_equal(xmpp_iq_commit(&client, &w, NULL, 0), XMPP_E_STATE);       /* nothing was begun */
    assert_int_equal(xmpp_iq_commit(&other, &w, NULL, 0), XMPP_E_STATE);

    assert_int_equal(xmpp_iq_parts(&client, XMPP_E_FULL), XMPP_E_FULL);
    assert_int_equal(xmpp_iq_parts(&client, 0), 0);
    assert_int_equal(xmpp_iq_parts(&client, 1), XMPP_E_ARG);
    assert_int_equal(xmpp_iq_parts(&client, XMPP_CFG_IQS), XMPP_E_ARG);
    config.parts = NULL;
    assert_int_equal(xmpp_iq_parts(&client, 1), XMPP_E_CONFIG);
}

static void stanzas_look_at_their_arguments(void **state)
{
    xmpp_msg m = { "bob@example.org", NULL, NULL, NULL, NULL, "hi" };
    xmpp_writer w;

    (void)state;
    online();
    assert_int_equal(xmpp_begin(&client, &w), XMPP_OK);
    assert_int_equal(xmpp_commit(&client, &w), XMPP_E_ARG);                     /* nothing was written */
    assert_int_equal(xmpp_send_xml(&client, NULL, 0), XMPP_E_ARG);
    assert_int_equal(xmpp_message(&client, NULL, "hi"), XMPP_E_JID);
    assert_int_equal(xmpp_message(&client, "bob@example.org", NULL), XMPP_E_ARG);
    assert_int_equal(xmpp_message_full(&client, NULL), XMPP_E_JID);
    assert_int_equal(xmpp_message_full(&client, &m), XMPP_OK);
    m.type = "chit-chat";
    assert_int_equal(xmpp_message_full(&client, &m), XMPP_E_ARG);
    assert_int_equal(xmpp_subscription(&client, NULL, "subscribe"), XMPP_E_JID);
    assert_int_equal(xmpp_subscription(&client, "bob@example.org", NULL), XMPP_E_ARG);
    assert_int_equal(xmpp_subscription(&client, "bob@example.org", "unavailable"), XMPP_E_ARG);
    assert_int_equal(xmpp_subscription(&client, "bob@example.org", "unsubscribed"), XMPP_OK);
    assert_false(xmpp_may_see(&client, NULL));

    assert_int_equal(xmpp_begin(&client, &w), XMPP_OK);                         /* while one is open */
    assert_int_equal(xmpp_sendf(&client, "<message/>"), XMPP_E_STATE);
    assert_int_equal(xmpp_send_xml(&client, "<message/>", 10), XMPP_E_STATE);
    assert_int_equal(xmpp_subscription(&client, "bob@example.org", "subscribe"), XMPP_E_STATE);
}

static void answers_look_at_their_arguments(void **state)
{
    static xmpp_claim claim, stranger = { NULL, NULL, (char *)(size_t)"\0id", 0, true };
    static char buf[100];

    (void)state;
    online();
    assert_int_equal(xmpp_answerf(&client, "<x xmlns='urn:x'/>"), XMPP_E_STATE);        /* to what? */
    assert_int_equal(xmpp_iq_claim(&client, &claim, buf, sizeof buf, 5000), XMPP_E_STATE);
    assert_int_equal(play("<iq from='bob@example.org/p' id='1' type='get'><q xmlns='urn:x'/></iq>", 1000)->type, XMPP_EV_IQ);
    assert_int_equal(xmpp_answer_error(&client, "cancel", "conflict", NULL, "urn:x", "a:b"), XMPP_E_ARG);
    assert_int_equal(xmpp_answer_error(&client, "cancel", "a:b", NULL, NULL, NULL), XMPP_E_ARG);
    assert_int_equal(xmpp_answer_error(&client, NULL, NULL, NULL, NULL, NULL), XMPP_E_ARG);
    assert_int_equal(xmpp_iq_claim(&client, &claim, buf, sizeof buf, 5000), XMPP_OK);
    assert_int_equal(xmpp_claim_answerf(&client, &claim, "%s", "\x01"), XMPP_E_XML_CHAR);
    assert_true(claim.open);
    assert_int_equal(xmpp_claim_error(&client, &claim, "never", "conflict", NULL), XMPP_E_ARG);
    assert_true(claim.open);
    assert_int_equal(xmpp_claim_answerf(&client, &stranger, "<x xmlns='urn:x'/>"), XMPP_OK);    /* not of this client */
    assert_false(stranger.open);
    assert_true(claim.open);
    assert_int_equal(xmpp_claim_error(&client, &claim, "cancel", "conflict", NULL), XMPP_OK);
    assert_int_equal(xmpp_claim_error(&client, &claim, "cancel", "conflict", NULL), XMPP_E_STATE);
}

/* A claim is answered once, whichever of several it is. */
static void the_second_of_two_claims_can_be_answered_first(void **state)
{
    static xmpp_claim claim[2];
    static char buf[2][100];

    (void)state;
    online();
    assert_int_equal(play("<iq from='bob@example.org/p' id='1' type='get'><q xmlns='urn:x'/></iq>", 1000)->type, XMPP_EV_IQ);
    assert_int_equal(xmpp_iq_claim(&client, &claim[0], buf[0], sizeof buf[0], 5000), XMPP_OK);
    assert_int_equal(play("<iq from='bob@example.org/p' id='2' type='get'><q xmlns='urn:x'/></iq>", 1000)->type, XMPP_EV_IQ);
    assert_int_equal(xmpp_iq_claim(&client, &claim[1], buf[1], sizeof buf[1], 5000), XMPP_OK);
    assert_int_equal(xmpp_claim_answerf(&client, &claim[0], "<x xmlns='urn:x'/>"), XMPP_OK);
    assert_int_equal(xmpp_claim_answerf(&client, &claim[1], "<x xmlns='urn:x'/>"), XMPP_OK);
    assert_int_equal(xmpp_claim_answerf(&client, &claim[1], "<x xmlns='urn:x'/>"), XMPP_E_STATE);
}

static void what_was_sent_is_what_was_pending(void **state)
{
    size_t n;

    (void)state;
    online();
    assert_null(xmpp_pending(&client, 100, &n));
    assert_int_equal(n, 0);
    xmpp_sent(&client, 1);                                                      /* nothing was */
    assert_int_equal(xmpp_message(&client, "bob@example.org", "hi"), XMPP_OK);
    assert_non_null(xmpp_pending(&client, 1000, &n));
    xmpp_sent(&client, 0);
    xmpp_sent(&client, n + 1);
    assert_int_equal(xmpp_waiting(&client), 1);
    xmpp_sent(&client, n);
    assert_int_equal(xmpp_waiting(&client), 0);
}

static void the_queue_takes_as_much_as_room_says(void **state)
{
    static char xml[2048];
    size_t n, i;

    (void)state;
    for (i = 0; i < 2; i++) {
        if (i == 0)
            online();
        else
            online_sm();
        blocked = true;
        n = xmpp_room(&client);
        assert_in_range(n, 100, 1024);
        memset(xml, ' ', sizeof xml);
        memcpy(xml, "<message ", 9);
        memcpy(xml + n - 1, "/>", 2);
        assert_int_not_equal(xmpp_send_xml(&client, xml, n + 1), XMPP_OK);
        memcpy(xml + n - 2, "/>", 2);
        assert_int_equal(xmpp_send_xml(&client, xml, n), XMPP_OK);
        assert_int_equal(xmpp_room(&client), 0);
        assert_int_equal(xmpp_send_xml(&client, "<message/>", 10), XMPP_E_FULL);
    }
}

/* ---- what is optional ---- */

static void a_client_without_extensions_and_parts(void **state)
{
    const xmpp_event *ev;

    (void)state;
    prepare();
    config.exts = NULL;
    config.parts = NULL;
    config.sm = NULL;
    account.sm = &sm;
    assert_int_equal(start(&ops), XMPP_OK);
    go_online("");
    assert_int_equal(xmpp_inactive(&client, true), XMPP_E_STATE);
    assert_int_equal(xmpp_presence(&client, XMPP_SHOW_ONLINE, NULL), XMPP_OK);
    assert_int_equal(play("<message from='bob@example.org/p' type='chat'><body>hi</body></message>", 1000)->type, XMPP_EV_MESSAGE);
    assert_int_equal(play("<iq from='bob@example.org/p' id='1' type='get'><q xmlns='urn:x'/></iq>", 1000)->type, XMPP_EV_IQ);
    assert_true(xmpp_deadline(&client) > 0);
    assert_null(play("", 1000));
    assert_string_equal(sent, "<presence/><iq id='1' to='bob@example.org/p' type='error'><error type='cancel'>"
                        "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
    ev = play("</stream:stream>", 1000);
    assert_int_equal(ev->type, XMPP_EV_OFFLINE);
    assert_int_equal(ev->error, XMPP_E_CLOSED);
}

static void a_client_that_follows_nobody(void **state)
{
    const xmpp_event *ev;

    (void)state;
    prepare();
    config.redirect = NULL;
    assert_int_equal(start(&ops), XMPP_OK);
    go_online("");
    ev = play("<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>elsewhere.example.org"
              "</see-other-host></stream:error>", 1000);
    assert_int_equal(ev->error, XMPP_E_REDIRECT);
    assert_string_equal(xmpp_condition(&client), "see-other-host");
}

static int says_nothing(void *ctx, const char **words) { (void)ctx; (void)words; return XMPP_OK; }

static void a_transport_that_gives_no_reason(void **state)
{
    xmpp_io_ops quiet = ops;
    int i;

    (void)state;
    for (i = 0; i < 2; i++) {
        begin(&quiet);
        go_online("");
        recv_says = XMPP_IO_EOF;
        assert_int_equal(play("", 1000)->error, XMPP_E_EOF);
        begin(&quiet);
        go_online("");
        recv_says = XMPP_IO_ERROR;
        assert_int_equal(play("", 1000)->error, XMPP_E_TRANSPORT);
        quiet.reason = says_nothing;
    }
}

/* A send that failed ends the connection when nothing is left to be read, also where recv does not fail. */
static void the_last_words_are_read_after_a_send_that_failed(void **state)
{
    (void)state;
    online();
    send_says = XMPP_IO_ERROR;
    assert_int_equal(xmpp_message(&client, "bob@example.org", "hi"), XMPP_OK);
    assert_int_equal(play("<message type='chat'><body>last</body></message>", 1000)->type, XMPP_EV_MESSAGE);
    assert_int_equal(play("", 1000)->type, XMPP_EV_OFFLINE);
}

static void tls_that_cannot_begin_and_bytes_before_it(void **state)
{
    static const char proceed[] = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
    static const char offer[] = HEADER "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>";
    int i;

    (void)state;
    for (i = 0; i < 3; i++) {
        prepare();
        config.tls = XMPP_TLS_START;
        assert_int_equal(start(&ops), XMPP_OK);
        assert_null(play(offer, 1000));
        assert_int_equal(xmpp_feed(&client, proceed, sizeof proceed - 1), sizeof proceed - 1);
        assert_null(xmpp_next(&client));
        if (i == 0)
            tls_says = XMPP_E_TLS;
        else if (i == 1)
            assert_int_equal(xmpp_feed(&client, "<", 1), 1);
        else
            xmpp_close(&client);
        if (i == 1)
            assert_null(xmpp_next(&client));    /* nor are they read */
        assert_int_equal(play("", 1000)->error, i == 0 ? XMPP_E_TRANSPORT : i == 1 ? XMPP_E_INJECTION : XMPP_E_CLOSED);
    }
}

/* ---- xmpp_wait and xmpp_ask ---- */

static uint32_t clock_ms;
static int wakes;
static uint32_t running_clock(void *ctx) { (void)ctx; return clock_ms; }
static int sleeps(void *ctx, unsigned wants, uint32_t ms)
{
    (void)ctx; (void)wants;
    assert_int_not_equal(ms, XMPP_FOREVER);
    clock_ms += ms;
    assert_true(clock_ms < 3600000);    /* nobody waits for ever */
    return wakes;
}

static xmpp_io_ops with_clock(void)
{
    xmpp_io_ops o = ops;

    o.millis = running_clock;
    o.wait = sleeps;
    clock_ms = 1000;
    return o;
}

static int asks(void)
{
    int iq = xmpp_iqf(&client, "get", "example.org", NULL, "<q xmlns='urn:x'/>");

    assert_true(iq > 0);
    return iq;
}

static void blocking_calls_need_a_clock_and_a_way_to_wait(void **state)
{
    xmpp_io_ops o = ops;

    (void)state;
    o.millis = NULL;
    begin(&o);
    assert_null(xmpp_wait(&client, 10));
    assert_int_equal(xmpp_ask(&client, asks(), 10, NULL, NULL, NULL), XMPP_E_ARG);
    o = ops;
    o.wait = NULL;
    begin(&o);
    assert_null(xmpp_wait(&client, 10));
}

static void waiting_ends_when_somebody_wakes_it(void **state)
{
    xmpp_io_ops o = with_clock();
    const xmpp_event *ev;

    (void)state;
    begin(&o);
    go_online("");
    wakes = 1;
    ev = xmpp_wait(&client, XMPP_FOREVER);
    wakes = 0;
    assert_non_null(ev);
    assert_int_equal(ev->type, XMPP_EV_WAKE);
    assert_int_equal(xmpp_now(&client), clock_ms);
}

/* The step that a loop makes which steps no more often than it is told to. */
static void step_in_time(uint32_t most)
{
    assert_in_range(xmpp_deadline(&client), 0, most);
    clock_ms += xmpp_deadline(&client);
    xmpp_step(&client, clock_ms);
}

/* The server leaves the transport to who began the end (RFC 6120 4.4). */
static void closing_is_stepped_in_time(void **state)
{
    xmpp_io_ops o = with_clock();
    int i;

    (void)state;
    for (i = 0; i < 2; i++) {
        begin(&o);
        go_online("");
        clock_ms = 1000;
        if (i == 1) {
            clock_ms += 300000;
            xmpp_step(&client, clock_ms);
            assert_non_null(strstr(sent, "urn:xmpp:ping"));     /* and is not answered */
        }
        forget_sent();
        assert_int_equal(xmpp_close(&client), XMPP_OK);
        step_in_time(1000);
        assert_string_equal(sent, "</stream:stream>");
        script = "</stream:stream>";
        xmpp_step(&client, clock_ms);
        assert_null(xmpp_next(&client));
        step_in_time(1000);
        assert_int_equal(xmpp_next(&client)->error, XMPP_E_CLOSED);
    }
}

/* Who resets while an answer is open answers nobody: the next session has not asked. */
static void an_open_answer_ends_with_its_session(void **state)
{
    static const char ask[] = "<iq type='get' id='q' from='bob@example.org/p'><q xmlns='urn:x'/></iq>";
    xmpp_writer w;
    int i;

    (void)state;
    for (i = 0; i < 2; i++) {
        begin(&ops);
        go_online("");
        assert_int_equal(play(ask, 1000)->type, XMPP_EV_IQ);
        assert_int_equal(xmpp_answer_begin(&client, &w), XMPP_OK);
        if (i == 1)
            xmpp_reset(&client);
        xmpp_w_open(&w, "q", "urn:x");
        xmpp_w_close(&w);
        assert_int_equal(xmpp_answer_commit(&client, &w), i == 1 ? XMPP_E_STATE : XMPP_OK);
        if (i == 1)
            log_in("");
        else
            assert_null(play("", 1000));
        assert_true((strstr(sent, "id='q'") != NULL) == (i == 0));
    }
}

static unsigned others;
static void count_others(void *ctx, const xmpp_event *ev) { (void)ctx; (void)ev; others++; clock_ms += 400; }

/* The answer to the request that was sent last. */
static const char *answer_with(const char *payload)
{
    static char text[400];
    const char *id = NULL, *next = sent;

    xmpp_step(&client, 1000);
    while ((next = strstr(next, "<iq id='")) != NULL)
        id = next += 8;
    snprintf(text, sizeof text, "<iq from='example.org' id='%.9s' type='result'>%s", id, payload);
    return text;
}

static void asking_ends_with_the_answer_or_in_time(void **state)
{
    static char answer[300];
    xmpp_io_ops o = with_clock();
    const xmpp_event *ev;
    int iq;

    (void)state;
    begin(&o);
    go_online("");
    iq = asks();
    xmpp_step(&client, clock_ms);
    snprintf(answer, sizeof answer, "<message type='chat'><body>hi</body></message><iq from='bob@example.org/p' id='2' type='get'>"
             "<q xmlns='urn:x'/></iq><iq from='example.org' id='%.9s' type='result'/>", strstr(sent, "<iq id='") + 8);
    script = answer;
    assert_int_equal(xmpp_ask(&client, iq, XMPP_FOREVER, NULL, NULL, NULL), XMPP_OK);
    forget_sent();
    xmpp_step(&client, clock_ms);
    assert_non_null(strstr(sent, "service-unavailable"));       /* who asked meanwhile has had an answer */

    iq = asks();
    script = "<message type='chat'><body>1</body></message><message type='chat'><body>2</body></message>"
             "<message type='chat'><body>3</body></message><message type='chat'><body>4</body></message>";
    others = 0;
    assert_int_equal(xmpp_ask(&client, iq, 1000, count_others, NULL, &ev), XMPP_E_TIMEOUT);
    assert_null(ev);
    assert_int_equal(others, 3);                                /* 400 ms each */

    xmpp_next(&client);
    iq = asks();
    recv_says = XMPP_IO_EOF;
    script = "";
    assert_int_equal(xmpp_ask(&client, iq, XMPP_FOREVER, NULL, NULL, &ev), XMPP_E_EOF);
}

/* In a session that can be resumed the answer to the request has begun, in parts. */
static int begun_answer(const xmpp_io_ops *o)
{
    int iq;

    assert_int_equal(start(o), XMPP_OK);
    go_online("<sm xmlns='urn:xmpp:sm:3'/>");
    assert_null(play("<enabled xmlns='urn:xmpp:sm:3' resume='true' id='s-1' max='300'/>", 1000));
    iq = asks();
    assert_int_equal(xmpp_iq_parts(&client, iq), iq);
    xmpp_step(&client, 1000);
    script = answer_with("<q xmlns='urn:x'><a/>");
    return iq;
}

/* A session that may be resumed keeps its requests: asking goes on when the connection ends, for as long as it has time. */
static void asking_goes_on_where_the_session_does(void **state)
{
    static char lost[1024];
    xmpp_io_ops o = with_clock();
    int i, iq;

    (void)state;
    for (i = 0; i < 3; i++) {
        clock_ms = 1000;
        begin(&o);
        account.sm = &sm;
        config.retry_min_ms = 100000;
        if (i == 1)
            config.reconnect = NULL;
        iq = begun_answer(&o);
        recv_says = XMPP_IO_EOF;
        if (i < 2) {
            assert_int_equal(xmpp_ask(&client, iq, 5000, NULL, NULL, NULL), XMPP_E_EOF);
            continue;
        }
        while (xmpp_online(&client))
            xmpp_wait(&client, 0);
        recv_says = 0;
        xmpp_reset(&client);            /* and there is no session any more: it was lost with one that is over */
        strcpy(lost, HEADER MECHANISMS SUCCESS HEADER "<stream:features>" BIND "<sm xmlns='urn:xmpp:sm:3'/></stream:features>"
               "<failed xmlns='urn:xmpp:sm:3'/>");
        script = lost;
        assert_int_equal(xmpp_ask(&client, iq, 5000, NULL, NULL, NULL), XMPP_E_LOST);
    }
}

/* What on_other may do: it gets the message of meanwhile(), and with it the turn. */
static int inner_says, other_iq;
static char inner_tag[] = "inner";

static int asks_with(void *tag) { return xmpp_iqf(&client, "set", "example.org", tag, "<q xmlns='urn:x'/>"); }

static void ask_inside(void *ctx, const xmpp_event *ev)
{
    (void)ctx;
    if (ev->type == XMPP_EV_MESSAGE)
        inner_says = xmpp_ask(&client, other_iq, 5000, NULL, NULL, NULL);
}

static void reset_inside(void *ctx, const xmpp_event *ev)
{
    if (ev->type != XMPP_EV_MESSAGE)
        return;
    xmpp_reset(&client);
    if (ctx != NULL)
        other_iq = asks_with(ctx);
}

/* Online with a clock; the request that is sent is the one to ask for. Then a message comes, and answers to it. parts: of
   the answer are told. */
static int meanwhile(const xmpp_io_ops *o, const char *payload, bool parts)
{
    static char text[600];
    int iq;

    clock_ms = 1000;
    begin(o);
    go_online("");
    iq = asks();
    if (parts)
        xmpp_iq_parts(&client, iq);
    snprintf(text, sizeof text, "<message type='chat'><body>hi</body></message>%s</iq>", answer_with(payload));
    other_iq = asks_with(inner_tag);
    xmpp_step(&client, clock_ms);
    script = text;
    return iq;
}

/* Asking inside on_other: the answer that the inner call dropped does not come again. */
static void asking_ends_when_the_answer_went_elsewhere(void **state)
{
    xmpp_io_ops o = with_clock();
    const xmpp_event *ev;
    int i, iq;

    (void)state;
    for (i = 0; i < 2; i++) {
        iq = meanwhile(&o, "<q xmlns='urn:x'><a/></q>", i > 0);
        assert_int_equal(xmpp_ask(&client, iq, XMPP_FOREVER, ask_inside, NULL, &ev), XMPP_E_LOST);
        assert_null(ev);
        assert_int_equal(inner_says, XMPP_E_TIMEOUT);
        assert_int_equal(asks(), iq);                           /* its number is free */
    }
}

/* xmpp_reset ends requests without an event; one that is sent then may have the number of one that was asked for. */
static void asking_ends_with_a_reset(void **state)
{
    static char again[1024];
    xmpp_io_ops o = with_clock();
    const xmpp_event *ev;
    int i, iq;

    (void)state;
    for (i = 0; i < 2; i++) {
        iq = meanwhile(&o, "<q xmlns='urn:x'/>", false);
        assert_int_equal(xmpp_ask(&client, iq, XMPP_FOREVER, reset_inside, i > 0 ? inner_tag : NULL, &ev), XMPP_E_LOST);
        assert_null(ev);
    }
    assert_int_equal(other_iq, iq);
    forget_sent();
    go_online("");                      /* the other request goes out, and its answer is its own */
    strcpy(again, answer_with("<q xmlns='urn:x'/></iq>"));
    ev = play(again, 1000);
    assert_non_null(ev);
    assert_int_equal(ev->type, XMPP_EV_IQ_RESULT);
    assert_ptr_equal(ev->tag, inner_tag);
}

/* A request that is still being written was not sent. */
static void asking_for_what_is_not_sent_yet(void **state)
{
    xmpp_writer w;

    (void)state;
    online();
    assert_int_equal(xmpp_iq_begin(&client, &w, "get", "example.org"), XMPP_OK);
    assert_int_equal(xmpp_ask(&client, 1, 0, NULL, NULL, NULL), XMPP_E_ARG);
}

static void reset_at_a_part(void *ctx, const xmpp_event *ev)
{
    (void)ctx;
    if (ev->type != XMPP_EV_PART)
        return;
    xmpp_reset(&client);
    clock_ms += 5000;
}

/* Who does not wait any longer for an answer that was cut is not told of its end either. */
static void an_answer_that_was_cut_when_asking_ends(void **state)
{
    xmpp_io_ops o = with_clock();
    const xmpp_event *ev;
    int iq;

    (void)state;
    begin(&o);
    account.sm = &sm;
    iq = begun_answer(&o);
    assert_int_equal(xmpp_ask(&client, iq, 5000, reset_at_a_part, NULL, NULL), XMPP_E_TIMEOUT);
    ev = xmpp_next(&client);
    assert_null(ev);
}

/* ---- the clock and random numbers ---- */

/* An answer that was received when its time is over counts. */
static void an_answer_that_comes_just_in_time(void **state)
{
    const xmpp_event *ev;

    (void)state;
    online();
    asks();
    script = answer_with("</iq>");
    xmpp_step(&client, 1000 + 60000);
    ev = xmpp_next(&client);
    assert_non_null(ev);
    assert_int_equal(ev->error, XMPP_OK);
}


static void no_random_numbers(void **state)
{
    const xmpp_event *ev;

    (void)state;
    begin(&ops);
    no_random = true;                   /* before anything: no key for addresses */
    assert_int_equal(xmpp_iqf(&client, "get", "example.org", NULL, "<q xmlns='urn:x'/>"), XMPP_E_ENTROPY);
    ev = play("", 1000);
    assert_non_null(ev);
    assert_int_equal(ev->error, XMPP_E_ENTROPY);
    online();
    no_random = true;
    assert_int_equal(xmpp_iqf(&client, "get", "example.org", NULL, "<q xmlns='urn:x'/>"), XMPP_E_ENTROPY);
    no_random = false;
    assert_true(xmpp_iqf(&client, "get", "example.org", NULL, "<q xmlns='urn:x'/>") > 0);      /* its slot is free again */
}

/* The connection ends by itself while the application looks at a request: nobody is left to be answered. */
static void a_request_at_hand_when_the_connection_ends(void **state)
{
    const xmpp_event *ev;

    (void)state;
    online();
    assert_int_equal(play("<iq from='bob@example.org/p' id='1' type='get'><q xmlns='urn:x'/></iq>", 1000)->type, XMPP_EV_IQ);
    no_random = true;
    xmpp_step(&client, 1000 + 300000);  /* a ping is due, and cannot be made */
    ev = xmpp_next(&client);
    assert_non_null(ev);
    assert_int_equal(ev->type, XMPP_EV_OFFLINE);
    assert_int_equal(ev->error, XMPP_E_ENTROPY);
    assert_null(strstr(sent, "service-unavailable"));
}

static void what_is_to_be_told_is_due_at_once(void **state)
{
    (void)state;
    log_in((begin(&ops), ""));
    script = "";
    assert_int_equal(xmpp_close(&client), XMPP_OK);
    xmpp_step(&client, 1000);
    while (client.state != XMPPI_OFF)
        xmpp_step(&client, client.now + 1000);
    assert_int_equal(xmpp_deadline(&client), 0);
    assert_int_equal(xmpp_next(&client)->type, XMPP_EV_OFFLINE);
    assert_int_equal(xmpp_deadline(&client), XMPP_FOREVER);
}

/* One space keeps the link open; where some are owed anyway those do. */
static void white_space_that_is_owed(void **state)
{
    (void)state;
    prepare();
    config.space_ms = 5000;
    assert_int_equal(start(&ops), XMPP_OK);
    go_online("");
    blocked = true;
    xmpp_step(&client, 1000 + 4999);
    assert_int_equal(client.pad, 0);
    xmpp_step(&client, 1000 + 5000);
    assert_int_equal(client.pad, 1);
    xmpp_step(&client, 1000 + 10000);
    assert_int_equal(client.pad, 1);
}

static void no_address_is_0(void **state)
{
    static xmpp_client c;
    int i;

    (void)state;
    for (i = 0; i < 5; i++)             /* the key for which the hash of nothing is 0 */
        c.key = UINT32_C(0x811c9dc5) ^ c.key >> 7;
    assert_int_equal(xmppi_addr_n(&c, "", 0), 1);
    assert_int_not_equal(xmppi_addr_n(&c, "a", 1), 0);
}

/* ---- coming back ---- */

static void each_error_has_a_class(void **state)
{
    static const int person[] = { XMPP_E_VERSION, XMPP_E_NAMESPACE, XMPP_E_FEATURES, XMPP_E_AUTH, XMPP_E_MECHANISM, XMPP_E_SASL,
                                  XMPP_E_ITERATIONS, XMPP_E_NO_PASSWORD, XMPP_E_TLS_CONFIG, XMPP_E_TLS_CLIENT_CERT };
    static const int danger[] = { XMPP_E_SERVER_PROOF, XMPP_E_DOWNGRADE, XMPP_E_TLS_NAME, XMPP_E_TLS_UNTRUSTED, XMPP_E_TLS_EXPIRED,
                                  XMPP_E_TLS_CERT, XMPP_E_TLS_PIN, XMPP_E_TLS_PROTOCOL, XMPP_E_NO_TLS, XMPP_E_INJECTION };
#define XMPPI_X(name, code, words) code,
    static const int all[] = { XMPP_ERRORS(XMPPI_X) XMPP_OK };
#undef XMPPI_X
    int error, want;
    size_t i, k;

    (void)state;
    for (k = 0; k < sizeof all / sizeof *all; k++) {
        error = all[k];
        want = XMPP_CLASS_TRANSIENT;
        for (i = 0; i < sizeof person / sizeof *person; i++)
            want = person[i] == error ? XMPP_CLASS_PERSON : want;
        for (i = 0; i < sizeof danger / sizeof *danger; i++)
            want = danger[i] == error ? XMPP_CLASS_DANGER : want;
        /* of the two that go by their condition the server said none: undefined-condition, which passes */
        assert_int_equal(xmpp_error_class(error, NULL), want);
    }
    assert_int_equal(xmpp_error_class(XMPP_E_STREAM, "system-shutdown"), XMPP_CLASS_TRANSIENT);
    assert_int_equal(xmpp_error_class(XMPP_E_BIND, "resource-constraint"), XMPP_CLASS_TRANSIENT);
    assert_int_equal(xmpp_error_class(XMPP_E_STREAM, "host-unknown"), XMPP_CLASS_PERSON);
}

static void delays_are_bounded(void **state)
{
    uint32_t ms;
    int i;

    (void)state;
    online();
    for (i = 0; i < 300; i++) {         /* more often than is counted */
        ms = xmpp_backoff(&client, XMPP_E_EOF);
        assert_in_range(ms, 0, 600000);
    }
    assert_in_range(xmpp_backoff(&client, XMPP_E_AUTH), 3600000, 7200000);
    assert_in_range(xmpp_backoff(&client, XMPP_E_TLS_NAME), 900000, 1800000);
    config.retry_person_ms = 0x3ffffffe;
    assert_in_range(xmpp_backoff(&client, XMPP_E_AUTH), 0x3ffffffe, 0x7ffffffc);
    config.retry_person_ms = 0x3fffffff;
    assert_in_range(xmpp_backoff(&client, XMPP_E_AUTH), 0x3fffffff, 0x7fffffff);
    config.retry_danger_ms = 5;
    assert_in_range(xmpp_backoff(&client, XMPP_E_TLS_NAME), 5, 10);
    config.retry_max_ms = config.retry_first_ms = 0xfffffff0;
    assert_in_range(xmpp_backoff(&client, XMPP_E_EOF), 0, 0x7fffffff);
    no_random = true;
    assert_int_equal(xmpp_backoff(&client, XMPP_E_EOF), 0x7fffffff);
    config.retry_min_ms = 0x7fffffff;
    assert_int_equal(xmpp_backoff(&client, XMPP_E_EOF), 0x7fffffff);
}

/* ---- errors of others ---- */

static void an_error_is_read_from_any_stanza(void **state)
{
    static const struct { const char *xml, *type, *condition, *text, *uri, *app; } all[] = {
        { "<message from='b@c' type='error'><error type='wait'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>xmpp:d@e</gone>"
          "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>moved</text><why xmlns='urn:x'/></error></message>",
          "wait", "gone", "moved", "xmpp:d@e", "why" },
        { "<message from='b@c' type='error'><error type='auth'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
          "<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>x</gone></error></message>", "auth", "conflict", "", "", "" },
        { "<message from='b@c' type='error'><error type='odd'/></message>", "cancel", "undefined-condition", "", "", "" },
        { "<message from='b@c' type='error'><error/></message>", "cancel", "undefined-condition", "", "", "" },
        { "<message from='b@c' type='error'/>", "cancel", "undefined-condition", "", "", "" } };
    const xmpp_event *ev;
    xmpp_stanza_error e;
    size_t i;

    (void)state;
    online();
    for (i = 0; i < sizeof all / sizeof *all; i++) {
        ev = play(all[i].xml, 1000);
        assert_int_equal(ev->type, XMPP_EV_MESSAGE_ERROR);
        xmpp_error_read(ev->stanza, &e);
        assert_string_equal(e.type, all[i].type);
        assert_string_equal(e.condition, all[i].condition);
        assert_string_equal(ev->condition, all[i].condition);
        assert_string_equal(e.text, all[i].text);
        assert_string_equal(e.uri, all[i].uri);
        assert_string_equal(xmpp_name(e.app), all[i].app);
    }
}

/* ---- numbers that wrap ---- */

static void tokens_leave_0_out_when_they_wrap(void **state)
{
    (void)state;
    online_sm();
    sm.token = UINT32_C(0xfffffffe);
    assert_int_equal(xmpp_message(&client, "bob@example.org", "1"), XMPP_OK);
    assert_int_equal(xmpp_token(&client), UINT32_C(0xffffffff));
    assert_int_equal(xmpp_message(&client, "bob@example.org", "2"), XMPP_OK);
    assert_int_equal(xmpp_token(&client), 1);
}

static void stamps_know_the_calendar(void **state)
{
    static const struct { uint32_t utc; const char *text; } all[] = {
        { 0, "1970-01-01T00:00:00Z" },          { 86399, "1970-01-01T23:59:59Z" },
        { 5097599, "1970-02-28T23:59:59Z" },    { 5097600, "1970-03-01T00:00:00Z" },
        { 31535999, "1970-12-31T23:59:59Z" },   { 31536000, "1971-01-01T00:00:00Z" },
        { 951782399, "2000-02-28T23:59:59Z" },  { 951782400, "2000-02-29T00:00:00Z" },
        { 951868800, "2000-03-01T00:00:00Z" },  { 978307199, "2000-12-31T23:59:59Z" },
        { 1596240000, "2020-08-01T00:00:00Z" }, { 4107542399u, "2100-02-28T23:59:59Z" },
        { 4107542400u, "2100-03-01T00:00:00Z" }, { 4133980799u, "2100-12-31T23:59:59Z" },
        { 4294967295u, "2106-02-07T06:28:15Z" } };
    unsigned char text[21];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof all / sizeof *all; i++) {
        strcpy((char *)text, "....-..-..T..:..:..Z");
        xmppi_stamp(text, all[i].utc);
        assert_string_equal((const char *)text, all[i].text);
    }
}

static void lengths_that_no_int_holds(void **state)
{
    char text[16];
    unsigned char bytes[16];

    (void)state;
    assert_int_equal(xmpp_base64_encode("abc", 3, text, SIZE_MAX), 4);
    assert_int_equal(xmpp_base64_decode("YWJj", 4, bytes, SIZE_MAX), 3);
    assert_memory_equal(bytes, "abc", 3);
}

/* As if 2^29 - 64 bytes had been hashed already: the count of bits has 64 of its own. */
static void hashes_count_beyond_32_bits(void **state)
{
    static const unsigned char block[64];
    xmpp_hash h;

    (void)state;
    xmpp_hash_init(&xmpp_sha256, &h);
    xmppi_put32(h.count + 4, UINT32_C(0xfffffe00));
    xmpp_hash_add(&xmpp_sha256, &h, block, 63);
    assert_memory_equal(h.count, "\0\0\0\0\xff\xff\xff\xf8", 8);
    xmpp_hash_add(&xmpp_sha256, &h, block, 1);
    assert_memory_equal(h.count, "\0\0\0\1\0\0\0\0", 8);
}

static void a_key_takes_one_iteration_at_least(void **state)
{
    xmpp_pbkdf2 none, one;

    (void)state;
    xmpp_pbkdf2_start(&xmpp_sha1, &none, "p", 1, "salt", 4, 0);
    xmpp_pbkdf2_start(&xmpp_sha1, &one, "p", 1, "salt", 4, 1);
    assert_true(xmpp_pbkdf2_run(&xmpp_sha1, &none, 1));
    assert_true(xmpp_pbkdf2_run(&xmpp_sha1, &one, 1));
    assert_memory_equal(none.t, one.t, xmpp_sha1.size);
}

/* ---- closing and coming to an end ---- */

static void closed_before_the_first_step(void **state)
{
    (void)state;
    begin(&ops);
    assert_int_equal(xmpp_close(&client), XMPP_OK);
    assert_int_equal(xmpp_next(&client)->error, XMPP_E_CLOSED);
    assert_null(play("", 1000));
    assert_string_equal(sent, "");
}

static int resolve_closes(xmpp_client *c, xmpp_target *to)
{
    (void)to;
    xmpp_close(c);
    return XMPP_E_RESOLVE;
}

static void closed_while_the_server_is_looked_for(void **state)
{
    (void)state;
    prepare();
    config.resolve = resolve_closes;
    assert_int_equal(start(&ops), XMPP_OK);
    assert_int_equal(play("", 1000)->error, XMPP_E_CLOSED);
    assert_null(play("", 1000));
}

static void the_end_waits_for_room(void **state)
{
    (void)state;
    online();
    blocked = true;
    while (client.ctl_size - client.ctl_n > 15) /* nothing that the library queues fits behind it */
        client.ctl[client.ctl_n++] = ' ';
    assert_int_equal(xmpp_close(&client), XMPP_OK);
    assert_null(play("", 1000));
    assert_false(client.ended);
    blocked = false;
    assert_null(play("", 1000));
    assert_non_null(strstr(sent, "</stream:stream>"));
}

static void closing_while_the_state_is_not_saved(void **state)
{
    (void)state;
    prepare();
    account.sm = &sm;
    config.options = XMPP_OPT_DURABLE;
    assert_int_equal(start(&ops), XMPP_OK);
    go_online("");
    client.gate = XMPPI_GATE_UNSAVED;
    assert_int_equal(xmpp_close(&client), XMPP_OK);
    assert_true(xmpp_wants(&client) & XMPP_WANT_NOW);           /* nothing is queued: nothing waits for that */
    client.state = XMPPI_ONLINE;
    assert_int_equal(xmpp_message(&client, "bob@example.org", "hi"), XMPP_OK);
    client.state = XMPPI_CLOSING;
    client.fresh = false;
    assert_false(xmpp_wants(&client) & XMPP_WANT_NOW);
}

/* A request is at hand when the link breaks: its error goes out only where a session may be resumed. */
static void a_request_at_hand_when_the_link_breaks(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < 3; i++) {
        if (i == 0)
            online();
        else if (i == 1)
            online_sm();
        else
            online_without_counts();
        assert_int_equal(play("<iq from='bob@example.org/p' id='1' type='get'><q xmlns='urn:x'/></iq>", 1000)->type, XMPP_EV_IQ);
        assert_int_equal(xmpp_message(&client, "bob@example.org", "hi"), XMPP_OK);
        send_says = XMPP_IO_ERROR;
        xmpp_step(&client, 1000);
        assert_int_equal(xmpp_next(&client) == NULL ? 0 : 1, 0);
        assert_int_equal(xmpp_waiting(&client), i == 1 ? 2 : 1);
        assert_int_equal(play("", 1000)->type, XMPP_EV_OFFLINE);
    }
}

/* ---- a mechanism that takes its time ---- */

static unsigned turns;
static int slow_start(const xmpp_mech *m, void *state, const xmpp_creds *cr, unsigned char *out, size_t cap)
{
    (void)m; (void)state; (void)cr; (void)out; (void)cap;
    return 0;
}
static int slow_challenge(const xmpp_mech *m, void *state, const xmpp_creds *cr, const unsigned char *in, size_t n,
                          unsigned char *out, size_t cap)
{
    (void)m; (void)state; (void)cr; (void)in; (void)n; (void)out; (void)cap;
    return ++turns < 5 ? XMPP_E_AGAIN : 0;
}
static const xmpp_mech slow = { "SLOW", 0, 0, NULL, slow_start, slow_challenge, NULL };
static const xmpp_mech *const slow_only[] = { &slow, NULL };

static void what_follows_a_challenge_waits_until_it_is_answered(void **state)
{
    (void)state;
    prepare();
    account.jid = "user@example.org";
    config.mechs = slow_only;
    assert_int_equal(start(&ops), XMPP_OK);
    assert_null(play(HEADER "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SLOW</mechanism>"
                     "</mechanisms></stream:features>", 1000));
    turns = 0;
    script = "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>eA==</challenge>" "<x";
    xmpp_step(&client, 1000);
    assert_null(xmpp_next(&client));
    recv_says = XMPP_IO_EOF;
    xmpp_step(&client, 1000);
    assert_null(xmpp_next(&client));    /* the end is known, but bytes are left that may be read later */
    assert_int_equal(turns, 1);
    assert_int_equal(play("", 1000)->error, XMPP_E_EOF);
    assert_int_equal(turns, 5);
}

/* ---- extensions ---- */

static int offline_calls, due_calls, takes;
static uint32_t due_in;
static const xmpp_ext spy_ext;

static int spy_stanza(xmpp_client *c, void *state, xmpp_event *ev)
{
    (void)state;
    if (!xmpp_is(ev->payload, "sleep", NULL))
        return XMPP_EXT_PASS;
    assert_int_equal(xmpp_sleep(c), XMPP_E_STATE);
    assert_int_equal(xmpp_ask(c, 1, 0, NULL, NULL, NULL), XMPP_E_STATE);
    assert_null(xmpp_wait(c, 0));
    return XMPP_EXT_TAKEN;
}
static int spy_result(xmpp_client *c, void *state, xmpp_event *ev)
{
    (void)c; (void)state; (void)ev;
    takes++;
    return XMPP_EXT_TAKEN;
}
static void spy_offline(xmpp_client *c, void *state) { (void)c; (void)state; offline_calls++; }
static void spy_presence(xmpp_client *c, void *state, xmpp_writer *w)
{
    unsigned char block[16] = { 0 };

    (void)state; (void)w;
    assert_int_equal(xmpp_load(c, block, sizeof block), XMPP_E_STATE);
}
static uint32_t spy_deadline(const xmpp_client *c, void *state) { (void)c; (void)state; return due_in; }
static void spy_due(xmpp_client *c, void *state) { (void)c; (void)state; due_calls++; }

static const xmpp_ext spy_ext = { NULL, spy_stanza, spy_result, NULL, spy_offline, spy_presence, NULL, spy_deadline, spy_due };
static const xmpp_ext empty_ext = { NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL };
static const xmpp_ext half_ext = { NULL, NULL, NULL, NULL, NULL, NULL, NULL, spy_deadline, NULL };
static const xmpp_ext_use spies[] = { { &empty_ext, NULL }, { &half_ext, NULL }, { &spy_ext, NULL }, { NULL, NULL } };

static void go_online_with(const xmpp_ext_use *exts, bool counted)
{
    prepare();
    account.exts = exts;
    account.sm = counted ? &sm : NULL;
    assert_int_equal(start(&ops), XMPP_OK);
    go_online(counted ? "<sm xmlns='urn:xmpp:sm:3'/>" : "");
}

static int ext_asks(const xmpp_ext *ext)
{
    xmpp_writer w;
    int iq;

    assert_int_equal(xmpp_iq_begin(&client, &w, "get", "example.org"), XMPP_OK);
    xmpp_w_leaf(&w, "q", "urn:x", "");
    iq = xmpp_ext_iq_commit(&client, ext, &w, NULL, 0);
    assert_true(iq > 0);
    return iq;
}

static void an_extension_may_lack_any_hook(void **state)
{
    (void)state;
    due_in = 5000;
    offline_calls = due_calls = takes = 0;
    go_online_with(spies, true);
    assert_null(play("<enabled xmlns='urn:xmpp:sm:3'/>", 1000));
    assert_int_equal(due_calls, 0);
    due_in = 0;
    xmpp_step(&client, 1000);
    assert_int_equal(due_calls, 1);
    due_in = XMPP_FOREVER;
    assert_null(play("<message><sleep xmlns='urn:x'/></message>", 1000));
    ext_asks(&empty_ext);
    assert_int_equal(play(answer_with("</iq>"), 1000)->type, XMPP_EV_IQ_RESULT);
    ext_asks(&spy_ext);
    assert_null(play(answer_with("</iq>"), 1000));
    assert_int_equal(takes, 1);
    assert_false(xmpp_may_see(&client, "eve@example.com"));
    assert_int_equal(xmpp_presence(&client, XMPP_SHOW_ONLINE, NULL), XMPP_OK);
    recv_says = XMPP_IO_EOF;
    assert_int_equal(play("", 1000)->type, XMPP_EV_OFFLINE);
    assert_int_equal(offline_calls, 1);
}

static void nothing_is_loaded_inside_a_hook(void **state)
{
    (void)state;
    prepare();
    account.exts = spies;
    account.sm = &sm;
    assert_int_equal(start(&ops), XMPP_OK);
    assert_int_equal(xmpp_presence(&client, XMPP_SHOW_ONLINE, NULL), XMPP_OK);
}

static void nobody_is_trusted_without_extensions(void **state)
{
    (void)state;
    online();
    assert_false(xmpp_may_see(&client, "eve@example.com"));
    assert_true(xmpp_may_see(&client, "example.org"));
}

/* An extension that asked in parts hears of their loss, and the application does not. */
static void parts_of_an_extension_that_are_lost(void **state)
{
    int iq;

    (void)state;
    due_in = XMPP_FOREVER;
    takes = 0;
    go_online_with(spies, false);
    iq = ext_asks(&spy_ext);
    assert_int_equal(xmpp_iq_parts(&client, iq), iq);
    assert_null(play(answer_with("<q xmlns='urn:x'><a/>"), 1000));
    assert_int_equal(takes, 2);         /* begin, and a part */
    recv_says = XMPP_IO_EOF;
    assert_int_equal(play("", 1000)->type, XMPP_EV_OFFLINE);
    assert_int_equal(takes, 4);         /* the end, and the request's */
}

/* An extension may keep an answer to itself: no event comes, and none is waited for. */
static int keep_answer(xmpp_client *c, void *state, xmpp_event *ev) { (void)c; (void)state; (void)ev; return XMPP_EXT_TAKEN; }
static int ask_anew(xmpp_client *c, void *state, xmpp_event *ev);
static const xmpp_ext keeping_ext = { NULL, NULL, keep_answer, NULL, NULL, NULL, NULL, NULL, NULL };
static const xmpp_ext anew_ext = { NULL, NULL, ask_anew, NULL, NULL, NULL, NULL, NULL, NULL };
static int ask_anew(xmpp_client *c, void *state, xmpp_event *ev)
{
    (void)c; (void)state;
    ext_asks(&anew_ext);                /* in the slot of the one that ends */
    return xmpp_ext_event(ev, &anew_ext, 7, NULL);
}

static void asking_for_what_is_an_extensions(void **state)
{
    static const xmpp_ext_use exts[] = { { &keeping_ext, NULL }, { &anew_ext, NULL }, { NULL, NULL } };
    static char text[400];
    xmpp_io_ops o = with_clock();
    const xmpp_event *ev;
    int i, iq, says;

    (void)state;
    for (i = 0; i < 2; i++) {
        clock_ms = 1000;
        prepare();
        account.exts = exts;
        assert_int_equal(start(&o), XMPP_OK);
        go_online("");
        iq = ext_asks(exts[i].ext);
        snprintf(text, sizeof text, "%s</iq>", answer_with("<q xmlns='urn:x'/>"));
        script = text;
        says = xmpp_ask(&client, iq, XMPP_FOREVER, NULL, NULL, &ev);
        if (i == 0) {
            assert_int_equal(says, XMPP_E_LOST);
            assert_null(ev);
            continue;
        }
        assert_int_equal(says, XMPP_OK);
        assert_int_equal(ev->code, 7);
        assert_int_equal(client.iq[iq].state, XMPPI_IQ_WAITING);        /* the one that was sent anew */
    }
}

static xmpp_roster roster;
static const xmpp_ext_use bare_exts[] = { { &xmpp_ping_ext, NULL }, { &xmpp_version_ext, NULL }, { &xmpp_disco_ext, NULL },
                                          { &xmpp_roster_ext, NULL }, { NULL, NULL } };

static void extensions_work_without_a_state(void **state)
{
    static const char push[] = "<iq id='p' type='set'><query xmlns='jabber:iq:roster'><item jid='bob@example.org' subscription='both'/>"
                               "</query></iq>";
    char want[200];

    (void)state;
    go_online_with(bare_exts, false);
    assert_int_equal(play(answer_with("<query xmlns='jabber:iq:roster'><item jid='bob@example.org' subscription='from'/></query></iq>"),
                          1000)->code, XMPP_ROSTER_LIST);
    assert_false(xmpp_may_see(&client, "bob@example.org/p"));
    assert_int_equal(play(push, 1000)->code, XMPP_ROSTER_PUSH);
    assert_int_equal(play("<iq id='p' type='set'><other xmlns='urn:x'/></iq>", 1000)->type, XMPP_EV_IQ);
    assert_int_equal(play("<message><ping xmlns='urn:xmpp:ping'/></message>", 1000)->type, XMPP_EV_STANZA);
    assert_null(play("", 1000));
    forget_sent();
    assert_null(play("<iq from='example.org' id='v' type='get'><query xmlns='jabber:iq:version'/></iq>", 1000));
    snprintf(want, sizeof want, "<iq id='v' to='example.org' type='result'><query xmlns='jabber:iq:version'><name>xmpp.h</name>"
             "<version>%s</version></query></iq>", XMPP_VERSION);
    assert_string_equal(sent, want);
    forget_sent();
    assert_null(play("<iq from='example.org' id='d' type='get'><query xmlns='http://jabber.org/protocol/disco#info' node='x'/></iq>", 1000));
    assert_non_null(strstr(sent, "item-not-found"));
    forget_sent();
    assert_int_equal(xmpp_presence(&client, XMPP_SHOW_ONLINE, NULL), XMPP_OK);
    assert_null(play("", 1000));
    assert_string_equal(sent, "<presence/>");
}

static void a_roster_remembers_as_many_as_it_has_room_for(void **state)
{
    static const xmpp_ext_use exts[] = { { &xmpp_roster_ext, &roster }, { NULL, NULL } };
    static uint32_t seen[2];
    char push[200];
    int i;

    (void)state;
    memset(&roster, 0, sizeof roster);
    roster.seen = seen;
    roster.seen_max = 2;
    go_online_with(exts, false);
    assert_int_equal(play(answer_with("<query xmlns='jabber:iq:roster'/></iq>"), 1000)->code, XMPP_ROSTER_LIST);
    for (i = 0; i < 4; i++) {           /* 1 twice, and 3 finds no room */
        snprintf(push, sizeof push, "<iq id='p' type='set'><query xmlns='jabber:iq:roster'><item jid='%d@example.org' "
                 "subscription='from'/></query></iq>", i > 1 ? i : 1);
        assert_int_equal(play(push, 1000)->code, XMPP_ROSTER_PUSH);
    }
    assert_true(xmpp_may_see(&client, "1@example.org/p"));
    assert_true(xmpp_may_see(&client, "2@example.org/p"));
    assert_false(xmpp_may_see(&client, "3@example.org/p"));
}

/* A stanza is being written when the client comes online: nothing else may be queued. */
static void a_roster_waits_for_the_writer_that_is_open(void **state)
{
    static const xmpp_ext_use exts[] = { { &xmpp_roster_ext, &roster }, { NULL, NULL } };
    xmpp_writer w;

    (void)state;
    memset(&roster, 0, sizeof roster);
    prepare();
    account.exts = exts;
    assert_int_equal(start(&ops), XMPP_OK);
    log_in("");
    assert_int_equal(xmpp_begin(&client, &w), XMPP_OK);
    assert_int_equal(bind()->type, XMPP_EV_ONLINE);
    forget_sent();
    assert_null(play("", 1000));
    assert_string_equal(sent, "");
    xmpp_w_leaf(&w, "presence", NULL, "");
    assert_int_equal(xmpp_commit(&client, &w), XMPP_OK);
    assert_null(play("", 2000));
    assert_non_null(strstr(sent, "jabber:iq:roster"));
}

/* The link is lost in the very step in which the ping's time is over: it is the loss that is told. */
static void a_lost_link_is_not_told_as_dead(void **state)
{
    const xmpp_event *ev;

    (void)state;
    online();
    assert_null(play("", 301000));
    assert_non_null(strstr(sent, "urn:xmpp:ping"));
    recv_says = XMPP_IO_ERROR;
    ev = play("", 331000);
    assert_non_null(ev);
    assert_int_equal(ev->type, XMPP_EV_OFFLINE);
    assert_int_equal(ev->error, XMPP_E_TRANSPORT);
}

static void caps_of_this_client_alone_are_known(void **state)
{
    static const xmpp_disco disco = { NULL, NULL, NULL, "urn:node", NULL };
    static const xmpp_ext_use exts[] = { { &xmpp_disco_ext, (void *)(size_t)&disco }, { NULL, NULL } };
    static const xmpp_disco bare = { NULL, NULL, NULL, NULL, NULL };
    static const xmpp_ext_use no_node[] = { { &xmpp_disco_ext, (void *)(size_t)&bare }, { NULL, NULL } };
    static const char *const wrong[] = { "", "urn:nod", "urn:node", "urn:nodes", "urn:other#", "urn:node#", "urn:node##" };
    char ask[400], ver[29];
    size_t i;

    (void)state;
    go_online_with(no_node, false);
    assert_null(play("<iq from='example.org' id='d' type='get'><query xmlns='http://jabber.org/protocol/disco#info' node='x'/></iq>", 1000));
    assert_non_null(strstr(sent, "item-not-found"));
    forget_sent();
    assert_int_equal(xmpp_presence(&client, XMPP_SHOW_ONLINE, NULL), XMPP_OK);
    assert_null(play("", 1000));
    assert_string_equal(sent, "<presence/>");
    go_online_with(exts, false);
    for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        forget_sent();
        snprintf(ask, sizeof ask, "<iq from='example.org' id='d' type='get'><query xmlns='http://jabber.org/protocol/disco#info' "
                 "node='%s'/></iq>", wrong[i]);
        assert_null(play(ask, 1000));
        assert_non_null(strstr(sent, "item-not-found"));
    }
    forget_sent();
    xmpp_caps_ver(&client, ver);
    snprintf(ask, sizeof ask, "<iq from='example.org' id='d' type='get'><query xmlns='http://jabber.org/protocol/disco#info' "
             "node='urn:node#%s'/></iq>", ver);
    assert_null(play(ask, 1000));
    assert_non_null(strstr(sent, "<identity category='client' type='bot'/>"));
}

/* ---- stream management ---- */

static void too_much_that_is_not_acknowledged(void **state)
{
    int i;

    (void)state;
    for (i = 30000; i <= 30001; i++) {
        online_sm();
        sm.sent = sm.acked + (uint32_t)i;
        xmpp_step(&client, 1000);
        assert_int_equal(client.state == XMPPI_ONLINE, i == 30000);
    }
    assert_int_equal(xmpp_next(&client)->error, XMPP_E_DEAD);
}

static void an_answer_while_a_writer_is_open_is_told(void **state)
{
    const xmpp_event *ev;
    xmpp_writer w;

    (void)state;
    online_sm();
    assert_int_equal(xmpp_begin(&client, &w), XMPP_OK);
    assert_null(play("<iq from='bob@example.org/p' id='1' type='get'/>", 1000) == NULL ? NULL : NULL);
    ev = &client.ev;
    assert_int_equal(ev->type, XMPP_EV_DROPPED);
    assert_string_equal(ev->id, "1");
    xmpp_w_open(&w, "message", NULL);
    xmpp_w_close(&w);
    assert_int_equal(xmpp_commit(&client, &w), XMPP_OK);
}

/* More is to be sent behind what was replaced: no acknowledgement is asked for yet. */
static void asked_for_behind_all_of_it(void **state)
{
    static const char *const text[] = { "1", "2", "3" };
    const char *r;
    int i;

    (void)state;
    online_sm();
    blocked = true;
    for (i = 0; i < 3; i++) {
        if (i > 0)
            xmpp_policy(&client, XMPP_AT_MOST_ONCE, 7, 0);
        assert_int_equal(xmpp_message(&client, "b@c", text[i]), XMPP_OK);
    }
    blocked = false;
    xmpp_step(&client, 1000);           /* without looking at the event of 2 */
    r = strstr(sent, "<r ");
    assert_non_null(r);
    assert_true(strstr(sent, "<body>3") < r);
    assert_null(strstr(r + 1, "<r "));
}

/* Nothing moves in the queue while an event of another kind is looked at, nor is anything lost. */
static void replaced_while_another_event_is_at_hand(void **state)
{
    const xmpp_event *ev;

    (void)state;
    prepare();
    account.sm = &sm;
    config.options = XMPP_OPT_DURABLE;
    assert_int_equal(start(&ops), XMPP_OK);
    go_online("<sm xmlns='urn:xmpp:sm:3'/>");
    xmpp_policy(&client, XMPP_AT_MOST_ONCE, 7, 0);
    assert_int_equal(xmpp_message(&client, "b@c", "1"), XMPP_OK);
    ev = play("<enabled xmlns='urn:xmpp:sm:3' resume='true' id='s-1' max='300'/>", 1000);
    assert_int_equal(ev->type, XMPP_EV_SAVE);
    xmpp_policy(&client, XMPP_AT_MOST_ONCE, 7, 0);
    assert_int_equal(xmpp_message(&client, "b@c", "2"), XMPP_OK);
    ev = xmpp_next(&client);
    assert_int_equal(ev->type, XMPP_EV_FAILED);
    assert_int_equal(ev->error, XMPP_E_REPLACED);
    assert_int_equal(ev->token, 1);
}

/* The link breaks, and the session is lost, while a writer is open on the queue's end: no stamp is put in front of it. */
static void no_stamp_moves_what_is_being_written(void **state)
{
    xmpp_io_ops o = ops;
    xmpp_writer w;

    (void)state;
    o.utc = running_clock;
    clock_ms = 1800000000;
    begin(&o);
    account.sm = &sm;
    assert_int_equal(start(&o), XMPP_OK);
    go_online("<sm xmlns='urn:xmpp:sm:3'/>");
    assert_null(play("<enabled xmlns='urn:xmpp:sm:3'/>", 1000));    /* it cannot be resumed */
    xmpp_policy(&client, XMPP_MUST_DELIVER, 0, 0);
    assert_int_equal(xmpp_message(&client, "b@c", "1"), XMPP_OK);
    xmpp_step(&client, 1000);
    assert_int_equal(xmpp_begin(&client, &w), XMPP_OK);
    xmpp_w_open(&w, "message", NULL);
    recv_says = XMPP_IO_EOF;
    assert_int_equal(play("", 1000)->type, XMPP_EV_OFFLINE);
    xmpp_w_leaf(&w, "body", NULL, "2");
    xmpp_w_close(&w);
    assert_int_equal(xmpp_commit(&client, &w), XMPP_OK);
    assert_int_equal(xmpp_next(&client)->type, XMPP_EV_RESENT);
    recv_says = 0;
    xmpp_reset(&client);
    forget_sent();
    go_online("");
    assert_int_equal(play("", 1000)->error, XMPP_E_UNCONFIRMED);
    assert_non_null(strstr(sent, "<body>1</body></message><message><body>2</body></message>"));
}

static void ids_and_addresses_of_any_length(void **state)
{
    static unsigned char large[200000];
    static char enabled[66000];
    size_t n;

    (void)state;
    for (n = 65534; n <= 65535; n++) {
        prepare();
        account.sm = &sm;
        account.arena = large;
        account.arena_size = sizeof large;
        assert_int_equal(start(&ops), XMPP_OK);
        go_online("<sm xmlns='urn:xmpp:sm:3'/>");
        strcpy(enabled, "<enabled xmlns='urn:xmpp:sm:3' resume='true' id='");
        memset(enabled + 49, 'i', n);
        strcpy(enabled + 49 + n, "'/>");
        script = enabled;
        while (*script != '\0')
            assert_null(play(script, 1000));
        assert_int_equal(sm.id != NULL, n == 65534);
    }
}

static void the_last_question_when_sending_fails(void **state)
{
    (void)state;
    online_sm();
    assert_int_equal(xmpp_message(&client, "b@c", "1"), XMPP_OK);
    assert_null(play("", 1000));
    blocked = true;
    assert_null(play("<r xmlns='urn:xmpp:sm:3'/>", 1000));
    assert_int_equal(xmpp_close(&client), XMPP_OK);
    send_says = XMPP_IO_ERROR;
    assert_int_equal(play("", 1000)->type, XMPP_EV_OFFLINE);
}

static void nobody_is_woken_who_does_not_sleep(void **state)
{
    (void)state;
    online_sm();
    xmpp_awake(&client);
    assert_null(play("", 1000));
    assert_string_equal(sent, "");
}

static int keeps_too_much(void *ctx, bool load, void *buf, size_t n)
{
    (void)ctx; (void)n;
    return load || buf == NULL ? 0 : XMPP_E_TOO_LONG;
}

static void a_block_that_does_not_fit(void **state)
{
    static unsigned char block[2048];
    xmpp_io_ops o = ops;
    int i, n;

    (void)state;
    online_sm();
    n = xmpp_save(&client, block, sizeof block);
    assert_true(n > 0);
    for (i = 0; i < n; i++)
        assert_int_equal(xmpp_save(&client, block, (size_t)i), XMPP_E_TOO_LONG);
    assert_int_equal(xmpp_save(&client, block, (size_t)n), n);
    o.state = keeps_too_much;
    begin(&o);
    account.sm = &sm;
    assert_int_equal(start(&o), XMPP_OK);
    assert_int_equal(xmpp_save(&client, block, sizeof block), XMPP_E_TOO_LONG);
}

static void too_late_to_load(void **state)
{
    static unsigned char block[2048];
    int n;

    (void)state;
    online_sm();
    n = xmpp_save(&client, block, sizeof block);
    assert_int_equal(xmpp_load(&client, block, (size_t)n), XMPP_E_STATE);
    xmpp_reset(&client);                /* the session is still there */
    assert_int_equal(xmpp_load(&client, block, (size_t)n), XMPP_E_STATE);
}

static void any_part_of_a_stanza_is_pending(void **state)
{
    size_t n, room, whole;

    (void)state;
    online();
    assert_int_equal(xmpp_message(&client, "bob@example.org", "\xc3\xa4\xc3\xa4"), XMPP_OK);
    xmpp_pending(&client, SIZE_MAX, &whole);
    for (room = 1; room <= whole + 1; room++) {
        assert_non_null(xmpp_pending(&client, room, &n));
        assert_in_range(n, 1, room < whole ? room : whole);
        assert_true(n == whole || room < whole);
    }
    assert_non_null(xmpp_pending(&client, 20, &n));     /* a tag that is longer than that is cut */
    assert_int_equal(n, 20);
    xmpp_sent(&client, 20);
    assert_non_null(xmpp_pending(&client, 30, &n));
    assert_int_equal(n, 30);
}

/* ---- the tokenizer ---- */

static int first_answer(unsigned char *mem, size_t size, const char *text)
{
    xmpp_xml x;
    size_t used, n = strlen(text);
    int r;

    xmpp_xml_init(&x, mem, size);
    do {
        r = xmpp_xml_feed(&x, text, n, &used);
        text += used;
        n -= used;
    } while (r > 0);
    return r;
}

static void memory_is_used_up_to_16_mb(void **state)
{
    xmpp_xml x;

    (void)state;
    xmpp_xml_init(&x, arena, 0xffffff);
    assert_int_equal(x.cap, 0xffffff);
    xmpp_xml_init(&x, arena, 0x1000000);
    assert_int_equal(x.cap, 0xffffff);
    xmpp_xml_init(&x, arena, SIZE_MAX / 2 + 101);
    assert_int_equal(x.cap, 0xffffff);
}

/* The strings of a session lie at the end of what is used of an arena, not where what is read comes to lie. */
static void a_session_in_an_arena_of_32_mb(void **state)
{
    size_t size = (size_t)32 << 20;
    unsigned char *big;

    (void)state;
    if (sizeof size <= 4)           /* no such device */
        return;
    big = (unsigned char *)malloc(size);
    assert_non_null(big);
    prepare();
    account.sm = &sm;
    account.arena = big;
    account.arena_size = size;
    assert_int_equal(start(&ops), XMPP_OK);
    go_online("<sm xmlns='urn:xmpp:sm:3'/>");
    assert_null(play("<enabled xmlns='urn:xmpp:sm:3' resume='true' id='s-1' max='300'/>", 1000));
    recv_says = XMPP_IO_EOF;
    assert_int_equal(play("", 1000)->type, XMPP_EV_OFFLINE);
    recv_says = 0;
    xmpp_reset(&client);
    log_in("<sm xmlns='urn:xmpp:sm:3'/>");
    assert_string_equal(sm.id, "s-1");
    assert_true((const unsigned char *)sm.id >= client.xml.mem + client.xml.cap);
    play("<failed xmlns='urn:xmpp:sm:3'/>", 1000);
    assert_null(sm.id);
    assert_true(client.xml.cap <= 0xffffff);
    free(big);
}

/* Where not even the name of a declaration finds room nobody knows what it is: then the root does not either. */
static void a_declaration_that_finds_no_room(void **state)
{
    bool fits = false, did;
    size_t n;

    (void)state;
    for (n = 0; n < 64; n++) {
        did = fits;
        fits = first_answer(arena, n, "<?xml version='1.0'?><abc/>") == XMPP_OK;
        assert_true(fits || !did);
        assert_int_not_equal(first_answer(arena, n, "<?xmm version='1.0'?><abc/>"), XMPP_OK);
    }
    assert_true(fits);
}

/* What is skipped is checked like all else, however it is cut: once with memory for all of it, once with little. */
static void what_is_skipped_is_checked(void **state)
{
    static const struct { const char *text; int r; } all[] = {
        { "<r><c a=']] ]>\n\n\t\r\r\n' p:b=\"'\" xmlns:p='u'>] ]] \n\n\t\t\r\r\n\xc3\xa4 &lt;&#0000000000065;"
          "<![CDATA[\n\t\r\n\r] ]]] <&\xc3\xa4\t]\n]]]>]<p:d\te='f'\n/></c></r>", XMPP_OK },
        { "<r><c>]<p:d e='f' xmlns:p='u'>\t\t<g></g >\n</p:d></c></r>", XMPP_OK },
        { "<r><c>text ]]> text</c></r>", XMPP_E_XML_SYNTAX },
        { "<r><c><![CDATA[ \x01 ]]></c></r>", XMPP_E_XML_CHAR },
        { "<r><c>\n\t\xff</c></r>", XMPP_E_XML_UTF8 },
        { "<r><c a='<'/></r>", XMPP_E_XML_SYNTAX },
        { "<r><c></d></r>", XMPP_E_XML_MISMATCH } };
    size_t i, k, n, used, room;
    xmpp_xml x;
    int r;

    (void)state;
    for (i = 0; i < sizeof all / sizeof *all; i++)
        for (room = 24; room <= sizeof arena; room += sizeof arena - 24)
            for (k = 0, n = strlen(all[i].text); k <= n; k++) {
                const char *p = all[i].text, *cut = p + k, *end = p + n;

                xmpp_xml_init(&x, arena, room);
                do {
                    r = xmpp_xml_feed(&x, p, (size_t)((p < cut ? cut : end) - p), &used);
                    p += used;
                } while (r >= 0 && (r > 0 || p < end));
                assert_int_equal(r, all[i].r);
                assert_true(r != XMPP_OK || x.depth == 0);
                assert_true(r != XMPP_OK || (x.skipped > 0) == (room == 24));
            }
}

static void names_up_to_their_cap(void **state)
{
    char text[400], name[200];
    size_t prefix, local, used;
    xmpp_xml x;
    int r;

    (void)state;
    for (prefix = XMPP_CFG_XML_NAME - 4; prefix < XMPP_CFG_XML_NAME + 3; prefix++)
        for (local = 1; local < 4; local++) {
            const char *p = text;

            memset(name, 'p', prefix);
            snprintf(name + prefix, sizeof name - prefix, ":%.*s", (int)local, "abc");
            snprintf(text, sizeof text, "<r xmlns:%.*s='u'><%s/></r>", 10, name, name);
            xmpp_xml_init(&x, arena, sizeof arena);
            while ((r = xmpp_xml_feed(&x, p, strlen(p), &used)) > 0)
                p += used;
            /* the prefix is not declared, which nobody asks where the name is skipped */
            assert_int_equal(r, prefix + 1 + local > XMPP_CFG_XML_NAME ? XMPP_OK : XMPP_E_XML_PREFIX);
            assert_int_equal(x.skipped > 0, prefix + 1 + local > XMPP_CFG_XML_NAME);
        }
}

static void a_question_mark_in_a_tag(void **state)
{
    (void)state;
    assert_int_equal(first_answer(arena, sizeof arena, "<a ?>"), XMPP_E_XML_SYNTAX);
    assert_int_equal(first_answer(arena, sizeof arena, "<a ?='x'>"), XMPP_E_XML_SYNTAX);
    assert_int_equal(first_answer(arena, sizeof arena, "<?xml version='1.0' ?" "?>"), XMPP_E_XML_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(init_looks_at_all_that_it_is_given),
        cmocka_unit_test(the_own_jid_takes_a_quarter_of_the_arena_at_most),
        cmocka_unit_test(what_is_not_ascii_needs_to_be_prepared),
        cmocka_unit_test(a_client_that_was_never_begun_does_nothing),
        cmocka_unit_test(requests_look_at_their_arguments),
        cmocka_unit_test(stanzas_look_at_their_arguments),
        cmocka_unit_test(answers_look_at_their_arguments),
        cmocka_unit_test(the_second_of_two_claims_can_be_answered_first),
        cmocka_unit_test(what_was_sent_is_what_was_pending),
        cmocka_unit_test(the_queue_takes_as_much_as_room_says),
        cmocka_unit_test(a_client_without_extensions_and_parts),
        cmocka_unit_test(a_client_that_follows_nobody),
        cmocka_unit_test(a_transport_that_gives_no_reason),
        cmocka_unit_test(the_last_words_are_read_after_a_send_that_failed),
        cmocka_unit_test(tls_that_cannot_begin_and_bytes_before_it),
        cmocka_unit_test(blocking_calls_need_a_clock_and_a_way_to_wait),
        cmocka_unit_test(waiting_ends_when_somebody_wakes_it),
        cmocka_unit_test(closing_is_stepped_in_time),
        cmocka_unit_test(an_open_answer_ends_with_its_session),
        cmocka_unit_test(asking_ends_with_the_answer_or_in_time),
        cmocka_unit_test(asking_goes_on_where_the_session_does),
        cmocka_unit_test(asking_ends_when_the_answer_went_elsewhere),
        cmocka_unit_test(asking_ends_with_a_reset),
        cmocka_unit_test(asking_for_what_is_not_sent_yet),
        cmocka_unit_test(an_answer_that_was_cut_when_asking_ends),
        cmocka_unit_test(asking_for_what_is_an_extensions),
        cmocka_unit_test(an_answer_that_comes_just_in_time),
        cmocka_unit_test(no_random_numbers),
        cmocka_unit_test(a_request_at_hand_when_the_connection_ends),
        cmocka_unit_test(what_is_to_be_told_is_due_at_once),
        cmocka_unit_test(white_space_that_is_owed),
        cmocka_unit_test(no_address_is_0),
        cmocka_unit_test(each_error_has_a_class),
        cmocka_unit_test(delays_are_bounded),
        cmocka_unit_test(an_error_is_read_from_any_stanza),
        cmocka_unit_test(tokens_leave_0_out_when_they_wrap),
        cmocka_unit_test(stamps_know_the_calendar),
        cmocka_unit_test(lengths_that_no_int_holds),
        cmocka_unit_test(hashes_count_beyond_32_bits),
        cmocka_unit_test(a_key_takes_one_iteration_at_least),
        cmocka_unit_test(closed_before_the_first_step),
        cmocka_unit_test(closed_while_the_server_is_looked_for),
        cmocka_unit_test(the_end_waits_for_room),
        cmocka_unit_test(closing_while_the_state_is_not_saved),
        cmocka_unit_test(a_request_at_hand_when_the_link_breaks),
        cmocka_unit_test(what_follows_a_challenge_waits_until_it_is_answered),
        cmocka_unit_test(an_extension_may_lack_any_hook),
        cmocka_unit_test(nothing_is_loaded_inside_a_hook),
        cmocka_unit_test(nobody_is_trusted_without_extensions),
        cmocka_unit_test(parts_of_an_extension_that_are_lost),
        cmocka_unit_test(extensions_work_without_a_state),
        cmocka_unit_test(a_roster_remembers_as_many_as_it_has_room_for),
        cmocka_unit_test(a_roster_waits_for_the_writer_that_is_open),
        cmocka_unit_test(a_lost_link_is_not_told_as_dead),
        cmocka_unit_test(caps_of_this_client_alone_are_known),
        cmocka_unit_test(too_much_that_is_not_acknowledged),
        cmocka_unit_test(an_answer_while_a_writer_is_open_is_told),
        cmocka_unit_test(asked_for_behind_all_of_it),
        cmocka_unit_test(replaced_while_another_event_is_at_hand),
        cmocka_unit_test(no_stamp_moves_what_is_being_written),
        cmocka_unit_test(ids_and_addresses_of_any_length),
        cmocka_unit_test(the_last_question_when_sending_fails),
        cmocka_unit_test(nobody_is_woken_who_does_not_sleep),
        cmocka_unit_test(a_block_that_does_not_fit),
        cmocka_unit_test(too_late_to_load),
        cmocka_unit_test(any_part_of_a_stanza_is_pending),
        cmocka_unit_test(memory_is_used_up_to_16_mb),
        cmocka_unit_test(a_session_in_an_arena_of_32_mb),
        cmocka_unit_test(a_declaration_that_finds_no_room),
        cmocka_unit_test(what_is_skipped_is_checked),
        cmocka_unit_test(names_up_to_their_cap),
        cmocka_unit_test(a_question_mark_in_a_tag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
