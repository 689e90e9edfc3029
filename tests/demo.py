#!/usr/bin/python3
"""demo.py: two devices log in to a throw-away Prosody on loopback, see each other's presence and talk.
What they do, they do by build/xmpp and build/presence_sensor; this only starts them and shows it."""
import json
import os
import queue
import subprocess
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(TOP, "tests", "interop"))
import servers                                      # noqa: E402

PATIENCE = 20       # seconds until something that must happen has failed to


def say(who, text):
    print("%-8s %s" % (who, text), flush=True)


def fail(why):
    sys.exit("demo: " + why)


class Device:
    """One account; its programs print into one queue of events."""

    def __init__(self, place, server, name):
        self.place, self.name, self.jid = place, name, "%s@%s" % (name, servers.DOMAIN)
        self.events = queue.Queue()
        self.words = []
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("XMPP_")}
        self.env.update(XMPP_JID=self.jid, XMPP_PASSWORD=name + "'s secret", XMPP_HOST="127.0.0.1",
                        XMPP_PORT=str(server.port), XMPP_CA=place.certs["ca"].crt)
        self.options = ["--host", "127.0.0.1", "--port", str(server.port), "--ca", place.certs["ca"].crt]

    def start(self, *command):
        """A program that goes on: its lines become events."""
        child = self.place.spawn(command, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, cwd=TOP)
        threading.Thread(target=self.read, args=(child.stdout,), daemon=True).start()
        threading.Thread(target=lambda: self.words.extend(child.stderr), daemon=True).start()
        return child

    def read(self, stream):
        for line in stream:
            try:
                event = json.loads(line)
            except ValueError:
                event = {"event": "text", "text": line.decode(errors="replace").strip()}
            self.events.put(event)

    def until(self, what, event, fits=lambda e: True):
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                e = self.events.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                fail("%s: %s did not come. %s" % (self.name, what, b"".join(self.words).decode(errors="replace")))
            if e["event"] == event and fits(e):
                return e

    def listen(self, resource):
        child = self.start("build/xmpp", "--json", *self.options, "--resource", resource, "listen")
        e = self.until("the login", "online")
        tls = e.get("tls")
        if isinstance(tls, dict):
            tls = ", ".join(str(v) for v in tls.values())
        details = ", ".join(str(e[k]) for k in ("cipher", "suite") if e.get(k))
        say(self.name, "is online as %s" % e["jid"])
        say("", "  %s%s; %s; %d round trips, %d bytes in, %d bytes out" % (
            tls, details and ", " + details, e["mechanism"], e["round_trips"], e["bytes_in"], e["bytes_out"]))
        return child

    def run(self, *command):
        done = subprocess.run(("build/xmpp",) + command[:1] + tuple(self.options) + command[1:], env=self.env,
                              cwd=TOP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=PATIENCE)
        if done.returncode != 0:
            fail("%s: xmpp %s: exit status %d: %s" % (self.name, command[0], done.returncode, done.stderr.decode()))
        return done.stdout.decode()

    def sees(self, other, resource, words=None, gone=False):
        def fits(e):
            return (e["from"] == "%s/%s" % (other.jid, resource) and (e["type"] == "unavailable") == gone and
                    (words is None or e["status"] == words))
        e = self.until("presence of " + other.name, "presence", fits)
        state = "offline" if gone else e["show"] or "online"
        say(self.name, "sees %s/%s: %s%s" % (other.name, resource, state, e["status"] and ', "%s"' % e["status"]))

    def tells(self, other, resource, text):
        say(self.name, 'to %s: "%s"' % (other.name, text))
        self.run("send", "%s/%s" % (other.jid, resource), text)
        e = other.until("the message", "message", lambda e: e["from"].startswith(self.jid + "/"))
        if e["body"] != text:
            fail("%s got another text: %r" % (other.name, e["body"]))
        say(other.name, 'hears %s: "%s"' % (self.name, e["body"]))


def main():
    with servers.Place() as place:
        names = ("attic", "porch")
        server = servers.Prosody(place, users={n: n + "'s secret" for n in names}, friends=[names]).start()
        say("server", "Prosody on 127.0.0.1:%d, with a certificate authority of its own" % server.port)
        attic, porch = (Device(place, server, n) for n in names)

        one = porch.listen("panel")
        two = attic.listen("thermometer")
        porch.sees(attic, "thermometer")
        attic.sees(porch, "panel")

        say("attic", "starts build/presence_sensor")
        sensor = attic.start("build/presence_sensor", attic.jid + "/sensor", "1")
        for _ in range(2):
            porch.sees(attic, "sensor")

        porch.tells(attic, "thermometer", "How warm is it up there?")
        attic.tells(porch, "panel", "21.5 \u00b0C & rising <slowly>")
        say("porch", "shows an away presence for a moment")
        porch.run("presence", "away", "battery 12 %", "--for", "1", "--resource", "battery")
        attic.sees(porch, "battery", "battery 12 %")
        attic.sees(porch, "battery", gone=True)
        say("porch", "asks for its contacts: " + " ".join(porch.run("roster").split()))

        sensor.terminate()
        for name, child in (("porch", one), ("attic", two)):
            child.terminate()
            if child.wait(PATIENCE) != 0:
                fail("%s did not end in order" % name)
        say("server", "stopped, and its folder removed")
    print("demo: done")


main()
