/* client.c - the client against a server that says what the fuzzer wants; see each/client.c.  SPDX: MIT
   Fed by xmpp_feed another split and another level of XMPP_CFG_FAST must give the same events and the same answers. */
#include "client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static client_run *const levels[] = { client_run_0, client_run_1, client_run_2, client_run_3 };
    static session first, other;
    uint32_t how;

    if (n < 8)
        return 0;
    how = data[0];
    first.feed = other.feed = how & 1;
    first.piece = 0;
    first.dice = 0;
    first.usable = 1;
    levels[2](data + 1, n - 1, &first);
    if (!first.feed)
        return 0;
    other.piece = how & 2 ? 1 : 0;
    other.dice = how & 4 ? how + 1 : 0;
    levels[how >> 3 & 3](data + 1, n - 1, &other);
    if (!same_text(&first.events, &other.events))
        fprintf(stderr, "%s\n----\n%s\n", first.events.s, other.events.s);
    MUST(same_text(&first.events, &other.events));
    if (!same_text(&first.sent, &other.sent))
        fprintf(stderr, "%s\n----\n%s\n", first.sent.s, other.sent.s);
    MUST(same_text(&first.sent, &other.sent));
    return 0;
}
