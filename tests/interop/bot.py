#!/usr/bin/python3
"""bot.py JID PORT CAFILE [--direct]: the counterpart, made of slixmpp. The password is in XMPP_PASSWORD.
Prints one JSON object a line for each event; obeys one JSON object a line on standard input:
  {"do": "message", "to": JID, "body": TEXT}      {"do": "presence", "show": S, "status": T}
  {"do": "ping", "to": JID}   {"do": "version", "to": JID}   {"do": "quit"}
"""
import asyncio
import json
import os
import ssl
import sys

import slixmpp
from slixmpp.exceptions import IqError, IqTimeout


class Bot(slixmpp.ClientXMPP):
    def __init__(self, jid, password):
        super().__init__(jid, password)
        for plugin in ("xep_0030", "xep_0199", "xep_0092"):
            self.register_plugin(plugin)
        self.plugin["xep_0092"].software_name = "bot <&>"
        self.add_event_handler("session_start", self.begin)
        self.add_event_handler("message", self.on_message)
        self.add_event_handler("message_error", self.on_message)
        for kind in ("available", "chat", "away", "xa", "dnd", "unavailable", "error"):
            self.add_event_handler("presence_" + kind, self.on_presence)
        self.add_event_handler("failed_auth", lambda _: self.tell("failed"))
        self.add_event_handler("disconnected", self.on_end)

    def tell(self, event, **more):
        print(json.dumps(dict(more, event=event)), flush=True)

    async def begin(self, _):
        self.send_presence(pstatus="here")
        await self.get_roster()
        self.tell("ready", jid=self.boundjid.full)
        reader = asyncio.StreamReader()
        await self.loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while True:
            line = await reader.readline()
            if not line:
                return self.disconnect()
            asyncio.ensure_future(self.obey(json.loads(line)))

    async def obey(self, order):
        what, to = order["do"], order.get("to")
        try:
            if what == "message":
                self.send_message(mto=to, mbody=order["body"], mtype="chat")
            elif what == "raw":
                self.send_raw(order["xml"])
            elif what == "presence":
                self.send_presence(pshow=order["show"], pstatus=order["status"])
            elif what == "ping":
                await self.plugin["xep_0199"].send_ping(to, timeout=10)
                self.tell("pong", condition="")
            elif what == "version":
                answer = await self.plugin["xep_0092"].get_version(to, timeout=10)
                self.tell("version", name=answer["software_version"]["name"], condition="")
            elif what == "quit":
                self.disconnect()
        except IqError as error:
            self.tell("pong" if what == "ping" else what, condition=error.condition)
        except IqTimeout:
            self.tell("pong" if what == "ping" else what, condition="timeout")

    def on_message(self, m):
        self.tell("message", **{"from": str(m["from"]), "type": m["type"], "body": m["body"], "id": m["id"]})

    def on_presence(self, p):
        self.tell("presence", **{"from": str(p["from"]), "type": p["type"], "status": p["status"]})

    def on_end(self, _):
        self.tell("end")
        self.loop.stop()


def main():
    jid, port, ca = sys.argv[1:4]
    direct = "--direct" in sys.argv
    bot = Bot(jid, os.environ["XMPP_PASSWORD"])
    bot.ca_certs = ca
    bot.ssl_version = ssl.PROTOCOL_TLS_CLIENT
    bot.connect(("127.0.0.1", int(port)), use_ssl=direct, force_starttls=not direct, disable_starttls=direct)
    bot.process(forever=True)


main()
