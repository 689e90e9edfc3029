/* The client's calls in the wrong order and at the wrong time. What a transcript can say stands in tests/sessions. */
#include "client.h"

static void a_client_that_failed_to_begin_is_inert(void **state)
{
    const xmpp_event *answer;
    char ver[29];

    (void)state;
    begin(&ops);
    account.jid = "not a jid";
    assert_int_equal(xmpp_init(&client, &config, &account, client.io), XMPP_E_JID);
    xmpp_step(&client, 1);
    assert_null(xmpp_next(&client));
    assert_null(xmpp_wait(&client, 10));
    assert_int_equal(xmpp_wants(&client), 0);
    assert_int_equal(xmpp_deadline(&client), XMPP_FOREVER);
    assert_int_equal(xmpp_message(&client, "a@b", "x"), XMPP_E_STATE);
    assert_int_not_equal(xmpp_ask(&client, 1, 10, NULL, NULL, &answer), XMPP_OK);
    assert_false(xmpp_may_see(&client, "a@b"));
    assert_string_equal(xmpp_own_jid(&client), "");
    xmpp_caps_ver(&client, ver);
    xmpp_reset(&client);
    xmpp_close(&client);
    xmpp_password(&client, "x");
    assert_false(xmpp_online(&client));
}

static void a_transport_without_what_it_needs_is_refused(void **state)
{
    xmpp_io_ops o;

    (void)state;
    o = ops; o.open = NULL;   assert_int_equal(begin(&o), XMPP_E_CONFIG);
    o = ops; o.recv = NULL;   assert_int_equal(begin(&o), XMPP_E_CONFIG);
    o = ops; o.send = NULL;   assert_int_equal(begin(&o), XMPP_E_CONFIG);
    o = ops; o.close = NULL;  assert_int_equal(begin(&o), XMPP_E_CONFIG);
    o = ops; o.random = NULL; assert_int_equal(begin(&o), XMPP_E_CONFIG);
    o = ops; o.start_tls = NULL; assert_int_equal(begin(&o), XMPP_OK);      /* TLS is off */
    config.tls = XMPP_TLS_START;
    assert_int_equal(start(&o), XMPP_E_CONFIG);
    assert_int_equal(start(&ops), XMPP_OK);
}

static void extensions_need_what_calls_them(void **state)
{
    static const xmpp_ext_use exts[] = { { &xmpp_ping_ext, NULL }, { NULL, NULL } };

    xmpp_io io = { &ops, NULL };

    (void)state;
    assert_int_equal(begin(&ops), XMPP_OK);
    account.exts = exts;
    assert_int_equal(xmpp_init(&client, &config, &account, io), XMPP_OK);
    config.exts = NULL;
    assert_int_equal(xmpp_init(&client, &config, &account, io), XMPP_E_CONFIG);
    account.exts = NULL;
    assert_int_equal(xmpp_init(&client, &config, &account, io), XMPP_OK);
}

static void buffers_have_least_sizes(void **state)
{
    static unsigned char large[65536];
    xmpp_io io;

    (void)state;
    begin(&ops);
    io.ops = &ops;
    io.ctx = NULL;
    account.rx_size = 63;     assert_int_equal(xmpp_init(&client, &config, &account, io), XMPP_E_BUFFERS);
    account.rx_size = 64;     assert_int_equal(xmpp_init(&client, &config, &account, io), XMPP_OK);
    account.arena_size = 767; assert_int_equal(xmpp_init(&client, &config, &account, io), XMPP_E_BUFFERS);
    account.arena_size = 768; assert_int_equal(xmpp_init(&client, &config, &account, io), XMPP_OK);
    account.queue_size = 767; assert_int_equal(xmpp_init(&client, &config, &account, io), XMPP_E_BUFFERS);
    account.queue_size = 768; assert_int_equal(xmpp_init(&client, &config, &account, io), XMPP_OK);
    account.queue = large;
    account.queue_size = 65535; assert_int_equal(xmpp_init(&client, &config, &account, io), XMPP_OK);
    account.queue_size = 65536; assert_int_equal(xmpp_init(&client, &config, &account, io), XMPP_E_BUFFERS);
}

static void write_all(xmpp_writer *w)
{
    int i;

    for (i = 0; i < 2 * XMPP_CFG_WRITER_DEPTH; i++) {
        xmpp_w_open(w, "x", NULL);
        xmpp_w_attr(w, "a", "b");
        xmpp_w_text(w, "text");
        xmpp_writef(w, "<y>%s</y>", "z");
    }
    for (i = 0; i < 2 * XMPP_CFG_WRITER_DEPTH; i++)
        xmpp_w_close(w);
}

static void a_refused_writer_can_be_written_into(void **state)
{
    xmpp_writer w, other;

    (void)state;
    online();
    memset(&w, 0xA5, sizeof w);
    assert_int_equal(xmpp_answer_begin(&client, &w), XMPP_E_STATE);     /* no request at hand */
    write_all(&w);
    assert_int_equal(xmpp_answer_commit(&client, &w), XMPP_E_STATE);

    assert_int_equal(xmpp_begin(&client, &other), XMPP_OK);
    xmpp_w_open(&other, "message", NULL);
    memset(&w, 0xA5, sizeof w);
    assert_int_equal(xmpp_begin(&client, &w), XMPP_E_STATE);            /* one is open */
    write_all(&w);
    assert_int_equal(xmpp_commit(&client, &w), XMPP_E_STATE);           /* and stays so */
    memset(&w, 0xA5, sizeof w);
    assert_int_equal(xmpp_iq_begin(&client, &w, "get", NULL), XMPP_E_STATE);
    write_all(&w);
    assert_int_equal(xmpp_iq_commit(&client, &w, NULL, 0), XMPP_E_STATE);
    xmpp_w_attr(&other, "to", "bob@example.org");
    xmpp_w_close(&other);
    assert_int_equal(xmpp_commit(&client, &other), XMPP_OK);
    play("", 1000);
    assert_string_equal(sent, "<message to='bob@example.org'/>");

    xmpp_close(&client);
    memset(&w, 0xA5, sizeof w);
    assert_int_equal(xmpp_begin(&client, &w), XMPP_E_STATE);
    write_all(&w);
    assert_int_equal(xmpp_commit(&client, &w), XMPP_E_STATE);
}

static void our_ping_leaves_an_open_request_alone(void **state)
{
    xmpp_writer w;

    (void)state;
    online();
    assert_int_equal(xmpp_iq_begin(&client, &w, "get", "example.org"), XMPP_OK);
    assert_null(play("", 1000 + 300000));
    assert_non_null(strstr(sent, "urn:xmpp:ping"));
    xmpp_w_leaf(&w, "q", "urn:example:x", "");
    assert_true(xmpp_iq_commit(&client, &w, NULL, 0) > 0);
    assert_int_equal(xmpp_message(&client, "bob@example.org", "not mute"), XMPP_OK);
}

static void a_writer_open_over_a_reset_does_no_harm(void **state)
{
    xmpp_writer w;
    int i;

    (void)state;
    for (i = 0; i < 5; i++) {
        online();
        assert_int_equal(xmpp_message(&client, "bob@example.org", "before"), XMPP_OK);
        assert_int_equal(xmpp_iq_begin(&client, &w, "get", "example.org"), XMPP_OK);
        xmpp_w_open(&w, "q", "urn:example:x");
        xmpp_reset(&client);
        assert_int_equal(xmpp_message(&client, "bob@example.org", "meanwhile"), XMPP_E_STATE);
        xmpp_w_close(&w);
        assert_int_equal(xmpp_iq_commit(&client, &w, NULL, 0), XMPP_E_STATE);
        assert_int_equal(xmpp_message(&client, "bob@example.org", "after"), XMPP_OK);
    }
}

static void commit_of_a_request_by_the_wrong_call_frees_its_slot(void **state)
{
    xmpp_writer w;
    int i;

    (void)state;
    online();
    for (i = 0; i < 3 * XMPP_CFG_IQS; i++) {
        assert_int_equal(xmpp_iq_begin(&client, &w, "get", "example.org"), XMPP_OK);
        assert_int_not_equal(xmpp_commit(&client, &w), XMPP_OK);
    }
}

static void a_claim_in_use_is_refused(void **state)
{
    static xmpp_claim claim;
    static char buf[100];

    (void)state;
    online();
    assert_int_equal(play("<iq from='bob@example.org/p' id='1' type='get'><q xmlns='urn:x'/></iq>", 1000)->type, XMPP_EV_IQ);
    assert_int_equal(xmpp_iq_claim(&client, &claim, buf, sizeof buf, 5000), XMPP_OK);
    assert_int_equal(play("<iq from='bob@example.org/p' id='2' type='get'><q xmlns='urn:x'/></iq>", 1000)->type, XMPP_EV_IQ);
    assert_int_equal(xmpp_iq_claim(&client, &claim, buf, sizeof buf, 5000), XMPP_E_STATE);
    assert_true(xmpp_deadline(&client) <= 5000);        /* would not return from a list that is a circle */
    assert_int_equal(xmpp_claim_answerf(&client, &claim, "<ok xmlns='%s'/>", "urn:x"), XMPP_OK);
    assert_false(claim.open);
}

static void an_answer_that_comes_after_its_request_is_refused(void **state)
{
    xmpp_writer w, other;

    (void)state;
    online();
    assert_int_equal(play("<iq from='bob@example.org/p' id='1' type='get'><q xmlns='urn:x'/></iq>", 1000)->type, XMPP_EV_IQ);
    assert_int_equal(xmpp_answer_begin(&client, &w), XMPP_OK);
    assert_int_equal(play("<iq from='bob@example.org/p' id='2' type='get'><q xmlns='urn:x'/></iq>", 1000)->type, XMPP_EV_IQ);
    assert_int_equal(xmpp_answer_begin(&client, &other), XMPP_E_STATE); /* one is open, and stays as late as it is */
    assert_int_equal(xmpp_answer_commit(&client, &w), XMPP_E_STATE);    /* 1 has had its error */
    assert_int_equal(xmpp_answer(&client), XMPP_OK);                    /* 2 has not */
    play("", 1000);
    assert_non_null(strstr(sent, "<iq id='1' to='bob@example.org/p' type='error'>"));
    assert_null(strstr(sent, "<iq id='1' to='bob@example.org/p' type='result'"));
    assert_non_null(strstr(sent, "<iq id='2' to='bob@example.org/p' type='result'/>"));
}

static void a_link_that_takes_nothing_is_found_dead(void **state)
{
    const xmpp_event *ev;
    uint32_t now = 1000;
    int i;

    (void)state;
    online();
    blocked = true;
    for (i = 0; i < 30; i++)
        if ((ev = play("<iq from='bob@example.org/ppppppppppppppppppppppppppppppppppp' id='iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii'"
                       " type='get'/>", now)) != NULL)
            break;
    script = "";
    for (i = 0; i < 100 && (ev = play("", now)) == NULL; i++) {
        assert_true(xmpp_deadline(&client) > 0 || (xmpp_wants(&client) & XMPP_WANT_NOW));
        now += 10000;
    }
    assert_non_null(ev);
    assert_int_equal(ev->type, XMPP_EV_OFFLINE);
    assert_int_equal(ev->error, XMPP_E_DEAD);
}

static void forever_is_not_at_once(void **state)
{
    xmpp_writer w;

    (void)state;
    online();
    assert_int_equal(xmpp_iq_begin(&client, &w, "get", "example.org"), XMPP_OK);
    xmpp_w_leaf(&w, "q", "urn:example:x", "");
    assert_true(xmpp_iq_commit(&client, &w, NULL, XMPP_FOREVER) > 0);
    assert_null(play("", 1000 + 200000));
}

static void asking_for_what_is_not_under_way(void **state)
{
    (void)state;
    online();
    assert_int_equal(xmpp_ask(&client, 2, 1000, NULL, NULL, NULL), XMPP_E_ARG);
    assert_int_equal(xmpp_ask(&client, XMPP_CFG_IQS, 1000, NULL, NULL, NULL), XMPP_E_ARG);
    assert_int_equal(xmpp_ask(&client, XMPP_E_FULL, 1000, NULL, NULL, NULL), XMPP_E_FULL);
}

static void unpin_reaches_the_keys(void **state)
{
    static xmpp_keys keys;

    (void)state;
    begin(&ops);
    keys.pinned = 1;
    account.keys = &keys;
    assert_int_equal(xmpp_init(&client, &config, &account, client.io), XMPP_OK);
    xmpp_unpin(&client);
    assert_int_equal(keys.pinned, 0);
}

/* What was asked before it is timed from there, wherever the clock stands. */
static void the_first_step_sets_the_clock(void **state)
{
    static const uint32_t starts[] = { 1000, 2147483600u, 3000000000u, 4200000000u };
    const xmpp_event *ev;
    xmpp_writer w;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof starts / sizeof *starts; i++) {
        begin(&ops);
        xmpp_iq_begin(&client, &w, "get", "a@b");
        xmpp_writef(&w, "<q xmlns='x'/>");
        assert_true(xmpp_iq_commit(&client, &w, NULL, 5000) > 0);
        assert_null(play("", starts[i]));
        assert_null(play("", starts[i] + 4999));
        ev = play("", starts[i] + 5000);
        assert_non_null(ev);
        assert_int_equal(ev->error, XMPP_E_TIMEOUT);
    }
}

static void an_answer_by_calls_has_one_child_at_most(void **state)
{
    xmpp_writer w;

    (void)state;
    online();
    assert_int_equal(play("<iq from='bob@example.org/p' id='1' type='get'><q xmlns='urn:x'/></iq>", 1000)->type, XMPP_EV_IQ);
    assert_int_equal(xmpp_answer_begin(&client, &w), XMPP_OK);
    xmpp_w_leaf(&w, "a", "urn:x", "");
    xmpp_w_leaf(&w, "b", "urn:x", "");
    assert_int_equal(xmpp_answer_commit(&client, &w), XMPP_E_ARG);
    assert_int_equal(xmpp_answer_begin(&client, &w), XMPP_OK);
    xmpp_w_text(&w, "text");
    assert_int_equal(xmpp_answer_commit(&client, &w), XMPP_E_ARG);
    assert_int_equal(xmpp_answer_begin(&client, &w), XMPP_OK);
    xmpp_w_open(&w, "a", "urn:x");
    xmpp_w_leaf(&w, "b", NULL, "");
    xmpp_w_leaf(&w, "c", NULL, "text");
    xmpp_w_close(&w);
    assert_int_equal(xmpp_answer_commit(&client, &w), XMPP_OK);
    play("", 1000);
    assert_string_equal(sent, "<iq id='1' to='bob@example.org/p' type='result'><a xmlns='urn:x'><b/><c>text</c></a></iq>");

    online();
    assert_int_equal(play("<iq from='bob@example.org/p' id='2' type='set'><q xmlns='urn:x'/></iq>", 1000)->type, XMPP_EV_IQ);
    assert_int_equal(xmpp_answer_begin(&client, &w), XMPP_OK);
    assert_int_equal(xmpp_answer_commit(&client, &w), XMPP_OK);         /* or none */
    play("", 1000);
    assert_string_equal(sent, "<iq id='2' to='bob@example.org/p' type='result'/>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_that_failed_to_begin_is_inert),
        cmocka_unit_test(a_transport_without_what_it_needs_is_refused),
        cmocka_unit_test(extensions_need_what_calls_them),
        cmocka_unit_test(buffers_have_least_sizes),
        cmocka_unit_test(a_refused_writer_can_be_written_into),
        cmocka_unit_test(our_ping_leaves_an_open_request_alone),
        cmocka_unit_test(a_writer_open_over_a_reset_does_no_harm),
        cmocka_unit_test(commit_of_a_request_by_the_wrong_call_frees_its_slot),
        cmocka_unit_test(a_claim_in_use_is_refused),
        cmocka_unit_test(an_answer_that_comes_after_its_request_is_refused),
        cmocka_unit_test(a_link_that_takes_nothing_is_found_dead),
        cmocka_unit_test(forever_is_not_at_once),
        cmocka_unit_test(asking_for_what_is_not_under_way),
        cmocka_unit_test(unpin_reaches_the_keys),
        cmocka_unit_test(the_first_step_sets_the_clock),
        cmocka_unit_test(an_answer_by_calls_has_one_child_at_most)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
